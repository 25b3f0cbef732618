"""Packets from scapy's sockets, where there is no packet ring: macOS and the BSDs.

Slower than afpacket.py by far: every packet is a few Python calls. What the kernel dropped is not known.
"""

import select
import struct
import sys
import time
from collections.abc import Sequence
from typing import Any

from sniff.capture import ring
from sniff.capture.interfaces import permission_help
from sniff.errors import CapturePermission, InputError

SNAPLEN = 262_144
BURST = 256
"""Packets taken from one socket before it is the next one's turn."""
ANY = "any"


class ScapySource:
    """Packets of some interfaces as pcapng packet blocks; the members are those of afpacket.PacketRing."""

    def __init__(self, names: Sequence[str], expression: str = "", snaplen: int = 0, promiscuous: bool = True) -> None:
        from scapy.all import conf
        from scapy.error import Scapy_Exception
        self.links: list[tuple[str, int]] = []
        self.counts: list[int] = []
        self.dropped = 0
        self.last_ns = 0
        self.wanted = -1
        self._snaplen = snaplen or SNAPLEN
        self._sockets: list[Any] = []
        self._held: tuple[int, bytes, int] | None = None      # a packet for which there was no room
        self._shut = False
        if ANY in names:
            raise InputError(f"{ANY}: only Linux can capture everywhere at once; name the interfaces, -i may be repeated")
        for name in dict.fromkeys(names):
            try:
                opened = conf.L2listen(iface=name, filter=expression or None, promisc=promiscuous)
            except PermissionError:
                raise CapturePermission(f"{name}: no permission to capture; {permission_help()}") from None
            except (OSError, ValueError, Scapy_Exception) as error:
                raise InputError(f"{name}: cannot capture: {' '.join(str(error).split())}") from None
            self._sockets.append(opened)
            self.links.append((name, _link_type(getattr(opened, "LL", None), conf)))
            self.counts.append(0)

    def descriptors(self) -> list[int]:
        return [one.fileno() for one in self._sockets]

    def bind(self) -> None:
        """It has begun already."""

    def ready(self) -> bool:
        return self._held is not None or bool(self._readable())

    def _readable(self) -> list[int]:
        """The sockets that have packets."""
        if self._shut:
            return []
        there = set(select.select(self._sockets, [], [], 0)[0])
        return [number for number, one in enumerate(self._sockets)
                if one in there or getattr(one, "buffered_frames", int)()]

    def read(self, out: memoryview, filled: int) -> tuple[int, int]:
        if self._held is not None:
            held, self._held = self._held, None
            filled, why = self._put(out, filled, *held)
            if why != ring.DONE:
                return filled, why
        for number in self._readable():
            for _packet in range(BURST):
                _kind, data, stamp = self._sockets[number].recv_raw()
                if data is None:
                    break
                ts_ns = int(stamp * 1_000_000_000) if stamp else time.time_ns()
                filled, why = self._put(out, filled, number, bytes(data), ts_ns)
                if why != ring.DONE:
                    return filled, why
                if number not in self._readable():
                    break
        return filled, ring.DONE

    def _put(self, out: memoryview, filled: int, number: int, data: bytes, ts_ns: int) -> tuple[int, int]:
        if self.wanted == 0:
            return filled, ring.ENOUGH
        kept = data[:self._snaplen]
        total = 32 + (len(kept) + 3 & ~3)
        if filled + total > len(out):
            self._held = number, data, ts_ns
            return filled, ring.ROOM
        block = struct.pack("=7I", 6, total, number, ts_ns >> 32, ts_ns & 0xFFFFFFFF, len(kept), len(data)) + kept
        out[filled:filled + total] = block + bytes(total - 4 - len(block)) + total.to_bytes(4, sys.byteorder)
        self.counts[number] += 1
        self.last_ns = ts_ns
        self.wanted -= 1
        return filled + total, ring.DONE if self.wanted else ring.ENOUGH

    def count_drops(self) -> int:
        return 0

    def error(self) -> str:
        return "no more packets come"

    def shut(self) -> None:
        self._shut = True

    def close(self) -> None:
        for one in self._sockets:
            one.close()


def _link_type(layer: Any, conf: Any) -> int:
    """The LINKTYPE_ of what a socket reads."""
    try:
        number = int(conf.l2types.layer2num[layer])
    except (KeyError, AttributeError, TypeError):
        return 1
    return 101 if number in (12, 14) else number        # DLT_RAW has another number in files
