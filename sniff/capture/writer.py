"""Writes capture files, one block at a time, to any binary file object.

pcapng is what live capture and `-w` write; plain pcap is for programs that read nothing else. A block is handed to the
file in one write(), so that a reader that follows the file never meets a torn header for long.
draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap.
"""

import ipaddress
import struct
from collections.abc import Iterable, Mapping
from typing import Protocol

SHB, IDB, OPB, SPB, NRB, ISB, EPB, DSB = 0x0A0D0D0A, 1, 2, 3, 4, 5, 6, 10

Option = tuple[int, bytes]

OPT_COMMENT = 1
SHB_HARDWARE, SHB_OS, SHB_USERAPPL = 2, 3, 4
IF_NAME, IF_DESCRIPTION, IF_TSRESOL, IF_FILTER, IF_OS, IF_FCSLEN, IF_TSOFFSET, IF_HARDWARE = 2, 3, 9, 11, 12, 13, 14, 15
EPB_FLAGS, EPB_DROPCOUNT = 2, 4
ISB_STARTTIME, ISB_ENDTIME, ISB_IFRECV, ISB_IFDROP = 2, 3, 4, 5

MICROSECONDS, NANOSECONDS = 6, 9
POWER_OF_TWO = 0x80
"""Bit of if_tsresol: the unit is 2**-n seconds, not 10**-n."""


_DROPS_UNKNOWN = 0xFFFF


class BinaryWriter(Protocol):
    """Whatever takes bytes: a file, a pipe, io.BytesIO."""

    def write(self, data: bytes, /) -> object: ...


class PcapngWriter:
    """One pcapng file. The section header is written at once; interfaces come before their packets."""

    def __init__(self, file: BinaryWriter, *, big: bool = False, hardware: str = "", os: str = "",
                 application: str = "", comments: Iterable[str] = ()) -> None:
        self._file = file
        self._order = "<"
        self._units: list[tuple[int, int]] = []
        self.section(big=big, hardware=hardware, os=os, application=application, comments=comments)

    def section(self, *, big: bool = False, hardware: str = "", os: str = "", application: str = "",
                comments: Iterable[str] = ()) -> None:
        """Begin a section: interfaces are counted from 0 again, and the byte order may be another one (section 4.1)."""
        self._order = ">" if big else "<"
        self._units = []
        options = [*_texts(OPT_COMMENT, comments), *_text(SHB_HARDWARE, hardware), *_text(SHB_OS, os),
                   *_text(SHB_USERAPPL, application)]
        self.block(SHB, struct.pack(self._order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + self._options(options))

    def interface(self, link_type: int, *, snaplen: int = 0, name: str = "", description: str = "", filter: str = "",
                  hardware: str = "", os: str = "", resolution: int = NANOSECONDS, offset_s: int = 0, fcs_len: int = -1,
                  comments: Iterable[str] = ()) -> int:
        """Describe an interface; its number, for packet() (section 4.2).

        resolution  if_tsresol: time stamps count units of 10**-resolution seconds, or 2**-n for POWER_OF_TWO | n
        offset_s    seconds that a reader adds to every time stamp
        """
        options = [*_texts(OPT_COMMENT, comments), *_text(IF_NAME, name), *_text(IF_DESCRIPTION, description)]
        if resolution != MICROSECONDS:
            options.append((IF_TSRESOL, bytes([resolution])))
        if filter:
            options.append((IF_FILTER, b"\0" + filter.encode()))
        options += _text(IF_OS, os)
        if fcs_len >= 0:
            options.append((IF_FCSLEN, bytes([fcs_len])))
        if offset_s:
            options.append((IF_TSOFFSET, struct.pack(self._order + "q", offset_s)))
        options += _text(IF_HARDWARE, hardware)
        self.block(IDB, struct.pack(self._order + "HHI", link_type, 0, snaplen) + self._options(options))
        self._units.append((1 << (resolution & 0x7F) if resolution & POWER_OF_TWO else 10 ** resolution, offset_s))
        return len(self._units) - 1

    def packet(self, interface: int, ts_ns: int, data: bytes, wirelen: int | None = None, *,
               comments: Iterable[str] = (), options: Iterable[Option] = (), obsolete: bool = False) -> None:
        """One packet, as an enhanced packet block (section 4.3) or an obsolete one (appendix A).

        ts_ns  nanoseconds since 1970; what the interface's unit cannot tell is rounded down, what it cannot hold wraps
        """
        if obsolete:
            head = struct.pack(self._order + "HH", interface, _DROPS_UNKNOWN)
        else:
            head = struct.pack(self._order + "I", interface)
        head += self._stamp(interface, ts_ns)
        head += struct.pack(self._order + "II", len(data), len(data) if wirelen is None else wirelen)
        self.block(OPB if obsolete else EPB,
                   head + _padded(data) + self._options([*_texts(OPT_COMMENT, comments), *options]))

    def simple_packet(self, data: bytes, wirelen: int | None = None) -> None:
        """One packet of interface 0 without a time (section 4.4)."""
        self.block(SPB, struct.pack(self._order + "I", len(data) if wirelen is None else wirelen) + _padded(data))

    def statistics(self, interface: int, ts_ns: int, *, received: int = -1, dropped: int = -1,
                   comments: Iterable[str] = ()) -> None:
        """What the interface itself counted (section 4.6)."""
        options = list(_texts(OPT_COMMENT, comments))
        if received >= 0:
            options.append((ISB_IFRECV, struct.pack(self._order + "Q", received)))
        if dropped >= 0:
            options.append((ISB_IFDROP, struct.pack(self._order + "Q", dropped)))
        head = struct.pack(self._order + "I", interface) + self._stamp(interface, ts_ns)
        self.block(ISB, head + self._options(options))

    def names(self, names: Mapping[str, str]) -> None:
        """Names of addresses (section 4.5): {IPv4 or IPv6 address: name}."""
        records = b""
        for address, name in names.items():
            packed = ipaddress.ip_address(address).packed
            value = packed + name.encode() + b"\0"
            records += struct.pack(self._order + "HH", 1 if len(packed) == 4 else 2, len(value)) + _padded(value)
        self.block(NRB, records + bytes(4))

    def secrets(self, kind: int, secrets: bytes) -> None:
        """Decryption secrets (section 4.7), for instance 0x544c534b: a TLS key log."""
        self.block(DSB, struct.pack(self._order + "II", kind, len(secrets)) + _padded(secrets))

    def block(self, kind: int, body: bytes) -> None:
        """Any block: its body is padded, the rest is put around it."""
        body = _padded(body)
        total = struct.pack(self._order + "I", len(body) + 12)
        self._file.write(struct.pack(self._order + "I", kind) + total + body + total)

    def _stamp(self, interface: int, ts_ns: int) -> bytes:
        units, offset_s = self._units[interface]
        stamp = (ts_ns - offset_s * 1_000_000_000) * units // 1_000_000_000 & 0xFFFFFFFF_FFFFFFFF
        return struct.pack(self._order + "II", stamp >> 32, stamp & 0xFFFFFFFF)

    def _options(self, options: list[Option]) -> bytes:
        if not options:
            return b""
        layout = struct.Struct(self._order + "HH")
        return b"".join(layout.pack(code, len(value)) + _padded(value) for code, value in options) + bytes(4)


class PcapWriter:
    """One pcap file: one interface, a time stamp with 32 bits of seconds."""

    def __init__(self, file: BinaryWriter, link_type: int = 1, *, snaplen: int = 262_144, nanoseconds: bool = False,
                 big: bool = False, fcs_len: int = -1) -> None:
        self._file = file
        self._record = struct.Struct((">" if big else "<") + "IIII")
        self._unit_ns = 1 if nanoseconds else 1000
        network = link_type | (0x04000000 | fcs_len // 2 << 28 if fcs_len >= 0 else 0)
        file.write(struct.pack((">" if big else "<") + "IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0,
                               snaplen, network))

    def packet(self, ts_ns: int, data: bytes, wirelen: int | None = None) -> None:
        """One packet. Seconds wrap at 2**32 (in the year 2106), as the format has no room for more."""
        seconds, rest = divmod(ts_ns, 1_000_000_000)
        self._file.write(self._record.pack(seconds & 0xFFFFFFFF, rest // self._unit_ns, len(data),
                                           len(data) if wirelen is None else wirelen) + data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _text(code: int, value: str) -> list[Option]:
    return [(code, value.encode()[:0xFFFF])] if value else []


def _texts(code: int, values: Iterable[str]) -> list[Option]:
    return [(code, value.encode()[:0xFFFF]) for value in values]
