"""pcapng files: sections, interfaces, names, statistics and secrets.

Packet blocks are walked by scan.py; this module looks at the others. draft-ietf-opsawg-pcapng.
"""

import ipaddress
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from sniff import limits
from sniff.capture import owners, scan
from sniff.capture.pcap import max_caplen, pseudo_header
from sniff.capture.raw import Interface, Ints
from sniff.capture.reader import Broken, Format, NeedMore, Window

MAGIC = b"\x0a\x0d\x0d\x0a"
SHB, IDB, SPB, NRB, ISB, DSB = 0x0A0D0D0A, 1, 3, 4, 5, 10

_MAX_BLOCK = limits.MAX_RECORD + (1 << 20)
_MAX_SECTION_HEADER = 1 << 20
_BYTE_ORDERS = {b"\x1a\x2b\x3c\x4d": True, b"\x4d\x3c\x2b\x1a": False}


@dataclass(slots=True)
class Section:
    """What a section header block says.

    offset  where it stands in the file, bytes
    """

    offset: int
    big: bool
    version: str
    hardware: str = ""
    os: str = ""
    application: str = ""
    comments: list[str] = field(default_factory=list)


def begins(head: bytes) -> bool:
    """Whether `head` begins a pcapng file."""
    return head[:4] == MAGIC and head[8:12] in _BYTE_ORDERS


class Pcapng(Format):
    """The blocks of one pcapng file.

    sections  their headers, in order
    names     {address: name} of name resolution blocks
    secrets   (type, bytes) of decryption secrets blocks
    owners    (offset of the block, what it says) of blocks that say who owns a connection, the newest ones
    skipped   blocks of types that nobody knows
    """

    name = "pcapng"

    def __init__(self, window: Window, source: int) -> None:
        self.magic = window.peek(4)
        self.interfaces = []
        self.sections: list[Section] = []
        self.names: dict[str, str] = {}
        self.secrets: list[tuple[int, bytes]] = []
        self.owners: deque[tuple[int, owners.Owner]] = deque(maxlen=limits.OWNERS)
        self.owner_count = 0
        self._window = window
        self._source = source
        self._big = False
        self._order = "<"
        self._described = 0         # interface description blocks so far
        self._first = 0             # how many of them were in earlier sections
        self._rows: Ints = np.zeros((0, scan.IF_FIELDS), np.int64)
        self._comments_left = limits.FILE_COMMENTS
        self._secrets_left = limits.SECRETS_BYTES

    @property
    def skipped(self) -> int:
        return int(self._window.state[scan.SKIPPED])

    def walk(self, window: Window, table: Ints, count: int) -> int:
        held: int = scan.walk_pcapng(window.data, window.position, window.end, window.low, window.base, self._big,
                                     self._first, self._rows[:self._described], self._source, _MAX_BLOCK, table,
                                     count, window.state)
        return held

    def find(self, window: Window, last_ns: int) -> None:
        scan.find_pcapng(window.data, window.position, window.end, window.at_end, self._big, window.state)

    def comments(self, window: Window, table: Ints, count: int) -> dict[int, list[str]]:
        found = {}
        for index in np.flatnonzero(table[scan.OPTIONS, :count]).tolist():
            start, big = divmod(int(table[scan.OPTIONS, index]), 2)
            data = window.data[start:int(table[scan.OPTIONS_END, index])].tobytes()
            found[index] = [_text(value) for code, value in options(data, ">" if big else "<") if code == 1]
        return found

    def block(self, window: Window) -> None:
        head = window.peek(12)
        if len(head) < 12:
            raise NeedMore(12)
        if head[:4] == MAGIC:
            self._section(window, head)
            return
        kind, total = struct.unpack(self._order + "II", head[:8])
        total = total + 3 & ~3
        body = window.peek(total)[8:-4]
        if kind == IDB:
            self._interface(body)
        elif kind == NRB:
            self._names(body)
        elif kind == ISB:
            self._statistics(body)
        elif kind == DSB:
            self._secrets(body)
        elif kind == owners.BLOCK_TYPE:
            self._owner(body, window.offset)
        elif kind == SPB:
            self._untimed()
            return
        window.position += total

    def _section(self, window: Window, head: bytes) -> None:
        """Section header block (section 4.1): from here on the byte order may differ and interfaces count from 0."""
        if head[8:12] not in _BYTE_ORDERS:
            raise Broken(scan.BAD_SECTION)
        big = _BYTE_ORDERS[head[8:12]]
        order = ">" if big else "<"
        total = struct.unpack(order + "I", head[4:8])[0]
        if not 28 <= total <= _MAX_SECTION_HEADER:
            self._begin_section(big)
            raise Broken(scan.BAD_SECTION, total)
        total = total + 3 & ~3
        block = window.peek(total)
        if len(block) < total:
            raise NeedMore(total)
        self._begin_section(big)
        if block[-4:] != block[4:8]:
            raise Broken(scan.LENGTHS_DIFFER, total)
        major, minor = struct.unpack_from(order + "HH", block, 12)
        section = Section(window.offset, big, f"{major}.{minor}")
        for code, value in options(block[24:-4], order):
            if code == 1:
                self._comment(section.comments, value)
            elif code == 2:
                section.hardware = _text(value)
            elif code == 3:
                section.os = _text(value)
            elif code == 4:
                section.application = _text(value)
        if len(self.sections) < limits.INTERFACES:
            self.sections.append(section)
        window.position += total

    def _begin_section(self, big: bool) -> None:
        self._big, self._order = big, ">" if big else "<"
        self._first = self._described

    def _interface(self, body: bytes) -> None:
        """Interface description block (section 4.2)."""
        if len(body) < 8:
            raise Broken(scan.SHORT_BLOCK)
        if self._described >= limits.INTERFACES:
            return
        link_type, _reserved, snaplen = struct.unpack_from(self._order + "HHI", body)
        section = self.sections[-1] if self.sections else None
        interface = Interface(len(self.interfaces), link_type, snaplen, source=self._source)
        if section:
            interface.os, interface.hardware = section.os, section.hardware
        resolution, offset_s = 6, 0
        for code, value in options(body[8:], self._order):
            if code == 1:
                self._comment(interface.comments, value)
            elif code == 2:
                interface.name = _text(value)
            elif code == 3:
                interface.description = _text(value)
            elif code == 9 and value:
                resolution = value[0]
            elif code == 11 and len(value) > 1 and value[0] == 0:
                interface.filter = _text(value[1:])
            elif code == 12:
                interface.os = _text(value)
            elif code == 13 and value:
                interface.fcs_len = value[0]
            elif code == 14 and len(value) >= 8:
                offset_s = struct.unpack(self._order + "q", value[:8])[0]
            elif code == 15:
                interface.hardware = _text(value)
        multiply, divide, bits, interface.decimals = resolution_of(resolution)
        if self._described == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros((max(4, len(self._rows)), scan.IF_FIELDS), np.int64)])
        self._rows[self._described] = (link_type, multiply, divide, bits, offset_s, snaplen,
                                       max_caplen(link_type, snaplen), pseudo_header(link_type), interface.index, -1)
        self._described += 1
        self.interfaces.append(interface)

    def _untimed(self) -> None:
        """The first simple packet block of a section: its packets have no time, so they get an interface that says so."""
        row = self._rows[self._first]
        index = len(self.interfaces)
        self.interfaces.append(replace(self.interfaces[int(row[scan.IF_INDEX])], index=index, decimals=-1, received=-1,
                                       dropped=-1, comments=[]))
        row[scan.IF_UNTIMED] = index

    def _names(self, body: bytes) -> None:
        """Name resolution block (section 4.5): records of one address and its names."""
        for code, value in options(body, self._order):
            size = {1: 4, 2: 16}.get(code, 0)
            if not size or len(value) <= size:
                continue
            name = _text(value[size:].split(b"\0", 1)[0])
            if name and len(self.names) < limits.NAMES:
                self.names[str(ipaddress.ip_address(value[:size]))] = name

    def _statistics(self, body: bytes) -> None:
        """Interface statistics block (section 4.6): a later one replaces what an earlier one said."""
        if len(body) < 12:
            raise Broken(scan.SHORT_BLOCK)
        index = struct.unpack_from(self._order + "I", body)[0] + self._first
        if index >= self._described:
            return
        interface = self.interfaces[int(self._rows[index, scan.IF_INDEX])]
        for code, value in options(body[12:], self._order):
            if code == 1:
                self._comment(interface.comments, value)
            elif code in (4, 5) and len(value) >= 8:
                count = struct.unpack(self._order + "Q", value[:8])[0]
                if code == 4:
                    interface.received = count
                else:
                    interface.dropped = count

    def _secrets(self, body: bytes) -> None:
        """Decryption secrets block (section 4.7)."""
        if len(body) < 8:
            raise Broken(scan.SHORT_BLOCK)
        kind, length = struct.unpack_from(self._order + "II", body)
        secrets = body[8:8 + length]
        self._secrets_left -= len(secrets)
        if self._secrets_left >= 0:
            self.secrets.append((kind, secrets))

    def _owner(self, body: bytes, offset: int) -> None:
        """Our own block (owners.py); one that is somebody else's is passed over as an unknown one."""
        owner = owners.unpack(body)
        if owner is None:
            self._window.state[scan.SKIPPED] += 1
            return
        self.owner_count += 1
        self.owners.append((offset, owner))

    def _comment(self, comments: list[str], value: bytes) -> None:
        if self._comments_left > 0:
            self._comments_left -= 1
            comments.append(_text(value))


def options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """(code, value) of each option in `data`; ends quietly at opt_endofopt, at the end, or at one that does not fit.

    order  "<" or ">" as in struct. Section 3.5.
    """
    at = 0
    layout = struct.Struct(order + "HH")
    while at + 4 <= len(data):
        code, length = layout.unpack_from(data, at)
        if code == 0 or at + 4 + length > len(data):
            return
        yield code, data[at + 4:at + 4 + length]
        at += 4 + (length + 3 & ~3)


def resolution_of(value: int) -> tuple[int, int, int, int]:
    """if_tsresol as scan.py wants it (IF_MULTIPLY, IF_DIVIDE, IF_BITS), and the decimals that Wireshark shows."""
    exponent = value & 0x7F
    units = 1 << exponent if value & 0x80 else 10 ** exponent
    decimals = next((d for d in (9, 6, 3, 2, 1) if units >= 10 ** d), 0)
    if value & 0x80:
        return 0, 0, exponent, decimals
    if exponent <= 9:
        return 10 ** (9 - exponent), 0, 0, decimals
    if exponent > 27:
        return 0, 0, 64, decimals       # 2**64 such units are less than two nanoseconds: as good as none
    return 0, 10 ** (exponent - 9), 0, decimals


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")
