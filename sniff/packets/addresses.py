"""Addresses as text, in Wireshark's form.

The columns hold addresses as integers (columns.py): an IPv4 address in 32 bits, a MAC in 48, an IPv6 address as two signed
halves of 64 bits.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sniff.packets.batch import PacketBatch, Table
from sniff.packets.columns import ADDRESS_KIND, DST_HI, DST_LO, SRC_HI, SRC_LO, Address

MASK_64 = (1 << 64) - 1

Texts = NDArray[np.object_]


def ipv4_text(value: int) -> str:
    """`192.168.1.2`. `value` is masked to 32 bits."""
    return f"{value >> 24 & 255}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def mac_text(value: int) -> str:
    """`00:1b:21:0f:91:9b`. `value` is masked to 48 bits."""
    digits = f"{value & 0xFFFFFFFFFFFF:012x}"
    return ":".join([digits[i:i + 2] for i in range(0, 12, 2)])


def ipv6_text(high: int, low: int) -> str:
    """`fe80::1`: lower case, the first longest run of two or more zero groups as `::` (RFC 5952 section 4).

    Addresses that hold an IPv4 address keep its dots: `::ffff:1.2.3.4`, `::1.2.3.4`.

    high, low  the halves, signed or not
    """
    high &= MASK_64
    low &= MASK_64
    if high == 0 and low >> 32 in (0, 0xFFFF) and low >> 16:
        return ("::ffff:" if low >> 32 else "::") + ipv4_text(low)
    groups = [high >> 48, high >> 32 & 0xFFFF, high >> 16 & 0xFFFF, high & 0xFFFF,
              low >> 48, low >> 32 & 0xFFFF, low >> 16 & 0xFFFF, low & 0xFFFF]
    best = length = run = 0
    for i, group in enumerate(groups):
        run = 0 if group else run + 1
        if run > length:
            best, length = i - run + 1, run
    texts = [f"{group:x}" for group in groups]
    if length < 2:
        return ":".join(texts)
    return ":".join(texts[:best]) + "::" + ":".join(texts[best + length:])


def ipv6_bytes_text(packed: bytes) -> str:
    """The same for 16 bytes as on the wire."""
    return ipv6_text(int.from_bytes(packed[:8], "big"), int.from_bytes(packed[8:16], "big"))


def address_text(kind: int, high: int, low: int) -> str:
    """The text of one address; empty when `kind` (columns.Address) is NONE or TEXT."""
    if kind == Address.IPV4:
        return ipv4_text(low)
    if kind == Address.IPV6:
        return ipv6_text(high, low)
    return mac_text(low) if kind == Address.MAC else ""


def address_texts(kind: Table, high: Table, low: Table) -> Texts:
    """object[n] of str: `address_text` of each of n addresses. Every distinct address is written once."""
    texts = np.full(len(kind), "", object)
    writers: list[tuple[Address, Callable[[int], str]]] = [(Address.IPV4, ipv4_text), (Address.MAC, mac_text)]
    for wanted, write in writers:
        chosen = np.flatnonzero(kind == wanted)
        if len(chosen):
            values, which = np.unique(low[chosen], return_inverse=True)
            texts[chosen] = np.array([write(value) for value in values.tolist()], object)[which]
    chosen = np.flatnonzero(kind == Address.IPV6)
    if len(chosen):
        pairs, which = np.unique(np.stack([high[chosen], low[chosen]], axis=1), axis=0, return_inverse=True)
        texts[chosen] = np.array([ipv6_text(*pair) for pair in pairs.tolist()], object)[which.reshape(-1)]
    return texts


def source_text(batch: PacketBatch, index: int) -> str:
    """What the Source cell of packet `index` shows; empty when only words can say (Address.TEXT)."""
    table = batch.table
    return address_text(int(table[ADDRESS_KIND, index]), int(table[SRC_HI, index]), int(table[SRC_LO, index]))


def destination_text(batch: PacketBatch, index: int) -> str:
    """The same for the Destination cell."""
    table = batch.table
    return address_text(int(table[ADDRESS_KIND, index]), int(table[DST_HI, index]), int(table[DST_LO, index]))
