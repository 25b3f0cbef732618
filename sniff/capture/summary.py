"""What a capture file is, in figures: what `sniff info` shows. One pass over the records, nothing is dissected."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sniff.capture.raw import Interface, RawBatch
from sniff.capture.sources import FileInfo, Source


@dataclass(slots=True)
class InterfaceSummary:
    """One interface and what was seen of it. first_ns and last_ns are None when there were no packets."""

    interface: Interface
    packets: int = 0
    wire_bytes: int = 0
    captured_bytes: int = 0
    first_ns: int | None = None
    last_ns: int | None = None


@dataclass(slots=True)
class CaptureSummary:
    """One capture file.

    file            format, size, compression, sections, damage
    wire_bytes      bytes the packets had on the wire; captured_bytes of them are in the file
    first_ns        earliest time, last_ns the latest; None without packets
    cut_packets     packets of which fewer bytes were captured than were on the wire, longest_cut the longest of these
    shortest, longest   bytes on the wire
    packet_comments comments of single packets; `comments` are those of the file, its sections and interfaces
    names           how many names of addresses the file brings
    secrets         how many decryption secrets blocks
    owners          how many records of who owns a connection
    """

    file: FileInfo
    interfaces: list[InterfaceSummary] = field(default_factory=list)
    packets: int = 0
    wire_bytes: int = 0
    captured_bytes: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    cut_packets: int = 0
    longest_cut: int = 0
    shortest: int = 0
    longest: int = 0
    packet_comments: int = 0
    comments: list[str] = field(default_factory=list)
    names: int = 0
    secrets: int = 0
    owners: int = 0

    @property
    def duration_ns(self) -> int:
        """From the earliest to the latest packet."""
        return 0 if self.first_ns is None or self.last_ns is None else self.last_ns - self.first_ns

    @property
    def in_order(self) -> bool:
        """Whether no packet is older than the one in front of it."""
        return self.file.backwards == 0

    @property
    def dropped(self) -> int | None:
        """Packets that the interfaces say they lost, None when none of them says anything."""
        said = [one.interface.dropped for one in self.interfaces if one.interface.dropped >= 0]
        return sum(said) if said else None

    def add(self, batch: RawBatch, interfaces: list[Interface]) -> None:
        """Count one batch of packets of these interfaces."""
        wirelen, caplen = batch.wirelen, batch.caplen
        shortest = int(wirelen.min())
        self.shortest = min(self.shortest, shortest) if self.packets else shortest
        self.longest = max(self.longest, int(wirelen.max()))
        cut = caplen < wirelen
        if cut.any():
            self.cut_packets += int(cut.sum())
            self.longest_cut = max(self.longest_cut, int(caplen[cut].max()))
        self.packets += len(batch)
        self.packet_comments += sum(map(len, batch.comments.values()))
        self._know(interfaces)
        for number in np.unique(batch.interface).tolist():
            mine = np.flatnonzero(batch.interface == number)
            one = self.interfaces[number]
            one.packets += len(mine)
            wire, captured = int(wirelen[mine].sum()), int(caplen[mine].sum())
            for total in (self, one):
                total.wire_bytes += wire
                total.captured_bytes += captured
            if one.interface.decimals >= 0:
                self._add_times(one, int(batch.ts_ns[mine].min()), int(batch.ts_ns[mine].max()))

    def _know(self, interfaces: list[Interface]) -> None:
        self.interfaces += [InterfaceSummary(interface) for interface in interfaces[len(self.interfaces):]]

    def _add_times(self, interface: InterfaceSummary, first: int, last: int) -> None:
        for total in (self, interface):
            total.first_ns = first if total.first_ns is None else min(total.first_ns, first)
            total.last_ns = last if total.last_ns is None else max(total.last_ns, last)

    def end(self, source: Source) -> None:
        """Take over what the source knows once it was read to its end."""
        self.file = source.info[0]
        self._know(source.interfaces)
        self.comments = [comment for section in self.file.sections for comment in section.comments]
        self.comments += [comment for interface in source.interfaces for comment in interface.comments]
        self.names, self.secrets, self.owners = len(source.names), len(source.secrets), source.owner_count


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file as it lies on the disk, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def summarise(source: Source) -> CaptureSummary:
    """The figures of one capture file; reads it to its end."""
    summary = CaptureSummary(source.info[0])
    for batch in source:
        summary.add(batch, source.interfaces)
    summary.end(source)
    return summary
