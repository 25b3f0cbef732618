"""pcapng files: sections, interfaces, names, statistics, secrets, and how to find a block again after damage.

Packet blocks are walked by scan.py; this module looks at all the others. draft-ietf-opsawg-pcapng.
"""

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from sniff import limits
from sniff.capture import scan
from sniff.capture.pcap import max_caplen
from sniff.capture.raw import Ints, Interface
from sniff.capture.reader import Format, NeedMore, Window

SHB = 0x0A0D0D0A
IDB = 1
NRB = 4
ISB = 5
DSB = 10

_MAX_BLOCK = limits.MAX_RECORD


@dataclass(slots=True)
class Section:
    """What a section header block says.

    offset  where it stands in the file, bytes
    """

    offset: int
    big: bool
    major: int
    minor: int
    hardware: str = ""
    os: str = ""
    application: str = ""
    comments: list[str] = field(default_factory=list)


def options(data: bytes, big: bool) -> Iterator[tuple[int, bytes]]:
    """(code, value) of each option in `data`; ends quietly at opt_endofopt, at the end, or at one that does not fit."""
    at = 0
    layout = struct.Struct(">HH" if big else "<HH")
    while at + 4 <= len(data):
        code, length = layout.unpack_from(data, at)
        if code == 0 or at + 4 + length > len(data):
            return
        yield code, data[at + 4:at + 4 + length]
        at += 4 + (length + 3 & ~3)


def text(value: bytes) -> str:
    """A UTF-8 option value."""
    return value.rstrip(b"\0").decode("utf-8", "replace")


class Pcapng(Format):
    """The blocks of one pcapng file."""

    name = "pcapng"

    def __init__(self, source: int) -> None:
        self.interfaces = []
        self.sections: list[Section] = []
        self.names: dict[str, str] = {}
        self.secrets: list[tuple[int, bytes]] = []
        self._source = source
        self._big = False
        self._first = 0
        self._rows: Ints = np.zeros((0, scan.IF_FIELDS), np.int64)

    def walk(self, window: Window, table: Ints, count: int) -> int:
        return scan.walk_pcapng(window.data, window.position, window.end, window.low, window.base, self._big, self._first,
                                self._rows, self._source, _MAX_BLOCK, table, count, window.state)

    def find(self, window: Window) -> bool:
        window.position = window.end
        return False

    def comments(self, window: Window, table: Ints, count: int) -> dict[int, list[str]]:
        found = {}
        for index in np.flatnonzero(table[scan.OPTIONS, :count]).tolist():
            start = int(table[scan.OPTIONS, index])
            stop = int(start + 65536)
            found[index] = [text(v) for code, v in options(window.data[start:stop].tobytes(), self._big) if code == 1]
        return found

    def block(self, window: Window) -> None:
        head = window.bytes(12)
        if len(head) < 12:
            raise NeedMore(12)
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            self._section(window, head)
            return
        order = ">" if self._big else "<"
        kind, total = struct.unpack(order + "II", head[:8])
        total = total + 3 & ~3
        body = window.bytes(total)[8:-4]
        if kind == IDB:
            self._interface(body)
        window.position += total

    def _section(self, window: Window, head: bytes) -> None:
        self._big = head[8:12] == b"\x1a\x2b\x3c\x4d"
        order = ">" if self._big else "<"
        total = struct.unpack(order + "I", head[4:8])[0] + 3 & ~3
        body = window.bytes(total)
        if len(body) < total:
            raise NeedMore(total)
        major, minor = struct.unpack_from(order + "HH", body, 12)
        section = Section(window.offset, self._big, major, minor)
        for code, value in options(body[24:-4], self._big):
            if code == 1:
                section.comments.append(text(value))
            elif code == 2:
                section.hardware = text(value)
            elif code == 3:
                section.os = text(value)
            elif code == 4:
                section.application = text(value)
        self.sections.append(section)
        self._first = len(self.interfaces)
        window.position += total

    def _interface(self, body: bytes) -> None:
        order = ">" if self._big else "<"
        link_type, _reserved, snaplen = struct.unpack_from(order + "HHI", body)
        interface = Interface(len(self.interfaces), link_type, snaplen, source=self._source)
        resolution, offset_s = 6, 0
        for code, value in options(body[8:], self._big):
            if code == 1:
                interface.comments.append(text(value))
            elif code == 2:
                interface.name = text(value)
            elif code == 3:
                interface.description = text(value)
            elif code == 9 and value:
                resolution = value[0]
            elif code == 11 and len(value) > 1:
                interface.filter = text(value[1:])
            elif code == 12:
                interface.os = text(value)
            elif code == 13 and value:
                interface.fcs_len = value[0]
            elif code == 14 and len(value) >= 8:
                offset_s = struct.unpack(order + "q", value[:8])[0]
            elif code == 15:
                interface.hardware = text(value)
        multiply, divide, bits = 0, 0, 0
        if resolution & 0x80:
            bits = resolution & 0x7F
            units = 1 << bits
        else:
            units = 10 ** resolution
            if resolution <= 9:
                multiply = 10 ** (9 - resolution)
            else:
                divide = min(10 ** (resolution - 9), 2 ** 63 - 1)
        interface.decimals = next((d for d in (9, 6, 3, 2, 1) if units >= 10 ** d), 0)
        self.interfaces.append(interface)
        row = np.array([[link_type, multiply, divide, bits, offset_s, snaplen, max_caplen(link_type, snaplen)]], np.int64)
        self._rows = np.concatenate([self._rows, row])
