"""`-w`: some packets of a capture as a pcapng file, with everything that the capture says of them.

Interfaces, comments, names of addresses, decryption secrets and who owned the ends of connections are kept, and what the
sections of the capture say of themselves.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from sniff._version import __version__
from sniff.capture.owners import BLOCK_TYPE, Owner, pack
from sniff.capture.raw import Interface, RawBatch
from sniff.capture.sources import FileInfo
from sniff.capture.writer import MICROSECONDS, PcapngWriter
from sniff.packets.batch import Table


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes | memoryview) -> None: ...


class Origin(Protocol):
    """What is asked of the capture that the packets come from (capture.sources.Source)."""

    interfaces: list[Interface]

    @property
    def names(self) -> dict[str, str]: ...

    @property
    def secrets(self) -> list[tuple[int, bytes]]: ...

    @property
    def info(self) -> list[FileInfo]: ...


class PacketFile:
    """Writes packets of the batches of one capture.

    count  packets written
    """

    def __init__(self, sink: Sink, origin: Origin) -> None:
        self.count = 0
        self._sink = sink
        self._origin = origin
        self._parts: list[bytes] = []
        self._secrets = 0
        self._owners: list[tuple[int, int, Owner]] = []
        self._interfaces: list[int] = []        # {row in the capture's list of interfaces: number in the file}
        sections = [section for info in origin.info for section in info.sections]
        first = sections[0] if sections else None
        self._writer = PcapngWriter(self, application=f"sniff {__version__}", hardware=first.hardware if first else "",
                                    os=first.os if first else "", comments=first.comments if first else ())

    def write(self, data: bytes) -> None:
        """Take a block; blocks go out together."""
        self._parts.append(data)

    def add(self, raw: RawBatch, chosen: Table) -> None:
        """Write some packets of the next batch, by their indexes."""
        self._describe()
        columns = (raw.start, raw.caplen, raw.wirelen, raw.ts_ns, raw.interface)
        data = memoryview(np.ascontiguousarray(raw.data))  # type: ignore[arg-type]
        for index, start, caplen, wirelen, ts_ns, interface in zip(chosen.tolist(), *(column[chosen].tolist() for column in columns),
                                                                   strict=True):
            self._writer.packet(self._interfaces[interface], ts_ns, bytes(data[start:start + caplen]), wirelen,
                                comments=raw.comments.get(index, ()))
        self.count += len(chosen)
        self._flush()

    def own(self, owners: Iterable[tuple[int, int, Owner]], upto: int | None) -> None:
        """Write who owns the ends of connections, as far as it stands in front of `upto` in its file; the rest waits."""
        self._owners += owners
        now = [record for record in self._owners if upto is None or record[1] < upto]
        self._owners = [record for record in self._owners if upto is not None and record[1] >= upto]
        for _, _, owner in now:
            self._writer.block(BLOCK_TYPE, pack(owner))

    def end(self) -> None:
        """Write what is known only now: the names of addresses."""
        self._describe()
        self.own((), None)
        names = self._origin.names
        if names:
            self._writer.names(names)
        self._flush()

    def _describe(self) -> None:
        """Interfaces and secrets that became known."""
        for interface in self._origin.interfaces[len(self._interfaces):]:
            decimals = interface.decimals
            self._interfaces.append(self._writer.interface(
                interface.link_type, snaplen=interface.snaplen, name=interface.name, description=interface.description,
                filter=interface.filter, hardware=interface.hardware, os=interface.os,
                resolution=decimals if decimals >= 0 else MICROSECONDS, fcs_len=interface.fcs_len, comments=interface.comments))
        secrets: Sequence[tuple[int, bytes]] = self._origin.secrets
        for kind, secret in secrets[self._secrets:]:
            self._writer.secrets(kind, secret)
        self._secrets = len(secrets)

    def _flush(self) -> None:
        if self._parts:
            self._sink.write(b"".join(self._parts))
            self._parts.clear()
