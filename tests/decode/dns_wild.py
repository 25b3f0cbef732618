"""DNS messages as nobody sends them: of every record type, bent, cut and lied about. From a seed, always the same."""

import struct
from random import Random

KINDS = [1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 47, 46, 48, 43, 50, 51, 52, 64, 65, 10, 11, 13, 14, 17, 18, 19, 20, 21, 22, 23, 24,
         25, 26, 27, 29, 30, 35, 36, 37, 38, 39, 42, 44, 45, 49, 55, 59, 60, 61, 62, 63, 99, 104, 105, 106, 107, 108, 109, 249,
         250, 256, 257, 32769, 65281, 65282, 65422, 0, 100, 252, 255, 1234]
LETTERS = b"abcdefgh-_.xyz0129"


def noise(random: Random, size: int) -> bytes:
    """Any bytes."""
    return bytes(random.randrange(256) for _ in range(size))


def name(random: Random) -> bytes:
    """A name: plain, with odd bytes, compressed, pointing anywhere, or none at all."""
    wire = b""
    for _ in range(random.choice([0, 1, 1, 2, 2, 3, 4])):
        size = random.choice([1, 2, 3, 5, 10, 20, 63]) if random.random() < 0.9 else random.randrange(1, 64)
        wire += bytes([size]) + bytes(random.choice(LETTERS) if random.random() < 0.97 else random.randrange(256)
                                      for _ in range(size))
    kind = random.random()
    if kind < 0.5:
        return wire + b"\0"
    if kind < 0.9:
        return wire + bytes([0xC0, random.choice([12, 12, 12, 0, 20, 30, random.randrange(256)])])
    if kind < 0.95:
        return wire + bytes([0xC0 | random.randrange(64), random.randrange(256)])
    if kind < 0.97:
        return wire + b"\x41" + bytes([random.randrange(40)]) + noise(random, random.randrange(6)) + b"\0"
    return wire + bytes([random.randrange(64, 192)])


def string(random: Random) -> bytes:
    """A length byte and that many bytes."""
    size = random.randrange(12)
    return bytes([size]) + noise(random, size)


def block(random: Random) -> bytes:
    """A 16-bit length and that many bytes."""
    size = random.randrange(5)
    return struct.pack(">H", size) + noise(random, size)


def windows(random: Random) -> bytes:
    """Windows of a type bitmap."""
    wire = b""
    for _ in range(random.randrange(3)):
        size = random.randrange(5)
        wire += bytes([random.randrange(256), size]) + noise(random, size)
    return wire


def options(random: Random) -> bytes:
    """Options of EDNS."""
    wire = b""
    for _ in range(random.randrange(4)):
        code = random.choice([3, 5, 6, 7, 8, 8, 10, 11, 12, 13, 15, 15, 0x50FA, 77, 9])
        value = noise(random, random.randrange(24))
        if code == 8 and random.random() < 0.5:
            value = struct.pack(">HBB", random.choice([1, 2, 3]), 24, 0) + noise(random, 3)
        wire += struct.pack(">HH", code, len(value)) + value
    return wire


def parameters(random: Random) -> bytes:
    """Service parameters."""
    wire = b""
    for _ in range(random.randrange(4)):
        key = random.choice([0, 1, 2, 3, 4, 5, 6, 7, 32769, 300])
        value = random.choice([noise(random, 2), noise(random, 4), noise(random, 16), string(random), b""])
        wire += struct.pack(">HH", key, len(value)) + value
    return wire


def addresses6(random: Random) -> bytes:
    """An IPv6 address with zeros where they matter."""
    return random.choice([noise(random, 16), bytes(10) + noise(random, 6), bytes(12) + noise(random, 4), bytes(16),
                          bytes(10) + b"\xff\xff" + noise(random, 4), noise(random, 2) + bytes(13) + b"\1",
                          bytes(random.choice([0, 0, 1]) for _ in range(16))])


def a6(random: Random) -> bytes:
    """A6: prefix length, suffix, prefix name."""
    prefix = random.choice([0, 64, 128, random.randrange(256)])
    suffix = noise(random, (128 - prefix + 7) // 8 if prefix <= 128 else 16)
    return bytes([prefix]) + suffix + (name(random) if prefix else b"")


def prefixes(random: Random) -> bytes:
    """APL."""
    wire = b""
    for _ in range(random.randrange(3)):
        size = random.randrange(6)
        wire += struct.pack(">HBB", random.choice([1, 2, 3]), 24, size | random.choice([0, 128])) + noise(random, size)
    return wire


MADE = {
    1: lambda r: noise(r, 4), 28: addresses6, 6: lambda r: name(r) + name(r) + noise(r, 20),
    33: lambda r: noise(r, 6) + name(r), 13: lambda r: string(r) + string(r),
    35: lambda r: noise(r, 4) + string(r) + string(r) + string(r) + name(r),
    47: lambda r: name(r) + windows(r), 50: lambda r: noise(r, 4) + string(r) + string(r) + windows(r), 41: options,
    249: lambda r: name(r) + noise(r, 8) + struct.pack(">HH", r.choice([1, 2]), 0) + block(r) + block(r),
    250: lambda r: name(r) + noise(r, 8) + block(r) + noise(r, 4) + block(r), 38: a6, 42: prefixes, 19: string,
    257: lambda r: noise(r, 1) + string(r) + noise(r, 5), 30: lambda r: name(r) + noise(r, 4),
    45: lambda r: bytes([1, r.choice([0, 1, 2, 3]), 2]) + noise(r, 16) + name(r), 20: lambda r: string(r) + string(r),
    55: lambda r: struct.pack(">BBH", 4, 1, 5) + noise(r, 9) + name(r), 65282: lambda r: noise(r, 12) + name(r),
    65281: lambda r: noise(r, 12) + b"\0\0\0\2" + noise(r, 8), 27: lambda r: string(r) + string(r) + string(r),
    26: lambda r: noise(r, 2) + name(r) + name(r), 29: lambda r: bytes([r.choice([0, 0, 1])]) + noise(r, 15),
    65422: lambda r: bytes([r.choice([4, 6, 5])]) + noise(r, r.choice([13, 37, 10])),
    **dict.fromkeys((2, 5, 12, 39, 3, 4, 7, 8, 9, 23), name), **dict.fromkeys((14, 17), lambda r: name(r) + name(r)),
    **dict.fromkeys((15, 18, 21, 36, 107), lambda r: noise(r, 2) + name(r)),
    **dict.fromkeys((16, 99), lambda r: b"".join(string(r) for _ in range(r.randrange(1, 4)))),
    **dict.fromkeys((46, 24), lambda r: noise(r, 18) + name(r) + noise(r, r.randrange(10))),
    **dict.fromkeys((64, 65), lambda r: noise(r, 2) + name(r) + parameters(r)),
}


def data_of(random: Random, kind: int) -> bytes:
    """The data of a record of this type: mostly as it should be."""
    fate = random.random()
    if fate < 0.15:
        return noise(random, random.randrange(40))
    if fate < 0.2:
        return bytes(random.choice([0, 0, 1, 2, 4, 8, 12]) for _ in range(random.randrange(40)))
    return MADE.get(kind, lambda r: noise(r, r.randrange(30)))(random)


def message(random: Random) -> bytes:
    """One message."""
    questions = random.choice([0, 1, 1, 1, 1, 2])
    sections = [random.choice([0, 0, 1, 1, 2, 3]) for _ in range(3)]
    flags = random.choice([0, 0x100, 0x8180, 0x8183, 0x8180, 0x8400, random.randrange(65536)])
    wire = struct.pack(">HHHHHH", random.randrange(65536), flags, questions, *sections)
    for _ in range(questions):
        wire += name(random) + struct.pack(">HH", random.choice(KINDS), random.choice([1, 1, 0x8001, 255]))
    for _ in range(sum(sections)):
        kind = random.choice(KINDS)
        data = data_of(random, kind)
        length = len(data) if random.random() < 0.93 else max(0, len(data) + random.choice([-3, -2, -1, 1, 2, 3, 20]))
        family, ttl = random.choice([1, 1, 0x8001]), random.randrange(1 << 32)
        wire += name(random) + struct.pack(">HHIH", kind, family, ttl, length) + data
    fate = random.random()
    if fate < 0.1:
        wire = wire[:random.randrange(len(wire) + 1)]
    elif fate < 0.15:
        bent = bytearray(wire)
        for _ in range(random.randrange(1, 4)):
            bent[random.randrange(len(bent))] = random.randrange(256)
        wire = bytes(bent)
    elif fate < 0.18:
        wire += bytes(random.randrange(1, 9))
    return wire or b"\0"
