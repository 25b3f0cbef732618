"""What a capture file is, for `sniff info`: lines for people and an object for programs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sniff.capture.linktypes import link_type_name, link_type_words
from sniff.capture.store import printable
from sniff.capture.summary import CaptureSummary, InterfaceSummary

Line = tuple[str, str]
"""What it is about, and what there is to say."""


def lines_of(summary: CaptureSummary, sha256: str = "") -> Iterator[Line]:
    """(label, value) of everything worth saying; everything printable."""
    for label, value in _lines(summary, sha256):
        yield label, printable(value)


def _lines(summary: CaptureSummary, sha256: str) -> Iterator[Line]:
    file = summary.file
    yield "File", file.name
    yield "Format", file.format + "".join(f" in {kind}" for kind in reversed(file.compression))
    yield "Link type", ", ".join(dict.fromkeys(link_type_words(one.interface.link_type) for one in summary.interfaces))
    if file.size >= 0:
        yield "File size", _bytes(file.size)
    yield "Packets", f"{summary.packets:,}"
    if summary.packets:
        yield from _traffic(summary)
    if summary.dropped is not None:
        yield "Dropped", f"{summary.dropped:,} packets, the interfaces say"
    if summary.cut_packets:
        yield "Cut packets", f"{summary.cut_packets:,}, of which at most {summary.longest_cut:,} bytes were captured"
    if sha256:
        yield "SHA-256", sha256
    yield from _contents(summary)
    if file.damage:
        yield "Damage", file.damage.removeprefix(f"{file.name}: ")


def _traffic(summary: CaptureSummary) -> Iterator[Line]:
    """Sizes, times and rates."""
    yield "Data", f"{_bytes(summary.wire_bytes)} on the wire, {_bytes(summary.captured_bytes)} captured"
    average = summary.wire_bytes / summary.packets
    yield "Packet size", f"{average:,.1f} bytes on average, {summary.shortest:,} to {summary.longest:,}"
    if summary.first_ns is None or summary.last_ns is None:
        return
    decimals = max(0, *(one.interface.decimals for one in summary.interfaces))
    yield "First packet", utc(summary.first_ns, decimals)
    yield "Last packet", utc(summary.last_ns, decimals)
    seconds = summary.duration_ns / 1e9
    yield "Duration", _duration(summary.duration_ns, decimals)
    if seconds > 0:
        yield "Rate", (f"{summary.packets / seconds:,.1f} packets/s, {summary.wire_bytes / seconds:,.0f} bytes/s, "
                       f"{_scaled(summary.wire_bytes * 8 / seconds)}bit/s")
    yield "Time order", ("in order" if summary.in_order else
                         f"not in order: {summary.file.backwards:,} packets are older than the one before")


def _contents(summary: CaptureSummary) -> Iterator[Line]:
    """Interfaces, sections, comments, and what else the file brings."""
    for index, one in enumerate(summary.interfaces):
        yield (f"Interface {index}" if len(summary.interfaces) > 1 else "Interface"), ", ".join(_interface(one))
    sections = summary.file.sections
    if len(sections) > 1:
        yield "Sections", f"{len(sections):,}"
    for section in sections:
        said = {"hardware": section.hardware, "system": section.os, "written by": section.application}
        for what, words in said.items():
            if words:
                yield what.capitalize(), words
    for comment in summary.comments:
        yield "Comment", comment
    if summary.packet_comments:
        yield "Packet comments", f"{summary.packet_comments:,}"
    if summary.names:
        yield "Names", f"{summary.names:,} of addresses"
    if summary.owners:
        yield "Processes", f"{summary.owners:,} ends of connections whose process is known (sniff analyze --process)"
    if summary.secrets:
        yield "Secrets", f"{summary.secrets:,} blocks of decryption secrets"
    if summary.file.skipped:
        yield "Unknown blocks", f"{summary.file.skipped:,}, skipped"


_PRECISIONS = {-1: "without times", 0: "seconds", 1: "tenths of seconds", 2: "hundredths of seconds", 3: "milliseconds",
               6: "microseconds", 9: "nanoseconds"}


def _interface(one: InterfaceSummary) -> Iterator[str]:
    interface = one.interface
    if interface.name:
        yield interface.name
    if interface.description:
        yield interface.description
    yield link_type_words(interface.link_type)
    if interface.snaplen:
        yield f"at most {interface.snaplen:,} bytes of a packet"
    yield _PRECISIONS[interface.decimals]
    if interface.fcs_len > 0:
        yield f"{interface.fcs_len} bytes of FCS"
    if interface.filter:
        yield f"filter {interface.filter!r}"
    yield f"{one.packets:,} packets"
    if interface.received >= 0:
        yield f"{interface.received:,} received"
    if interface.dropped >= 0:
        yield f"{interface.dropped:,} dropped"


def object_of(summary: CaptureSummary, sha256: str = "") -> dict[str, Any]:
    """The same for programs. Times are nanoseconds since 1970, sizes bytes, rates per second."""
    file, seconds = summary.file, summary.duration_ns / 1e9
    found: dict[str, Any] = {
        "file": file.name, "format": file.format, "magic": file.magic.hex(), "compression": file.compression,
        "file_bytes": file.size if file.size >= 0 else None, "packets": summary.packets,
        "wire_bytes": summary.wire_bytes, "captured_bytes": summary.captured_bytes,
        "shortest_packet": summary.shortest, "longest_packet": summary.longest,
        "average_packet": summary.wire_bytes / summary.packets if summary.packets else None,
        "first_ns": summary.first_ns, "last_ns": summary.last_ns, "duration_ns": summary.duration_ns,
        "packets_per_second": summary.packets / seconds if seconds else None,
        "bytes_per_second": summary.wire_bytes / seconds if seconds else None,
        "time_in_order": summary.in_order, "backwards_packets": file.backwards, "cut_packets": summary.cut_packets,
        "longest_cut_packet": summary.longest_cut if summary.cut_packets else None, "dropped": summary.dropped,
        "interfaces": [_interface_object(one) for one in summary.interfaces],
        "sections": [{"offset": section.offset, "byte_order": "big" if section.big else "little",
                      "version": section.version, "hardware": section.hardware, "os": section.os,
                      "application": section.application, "comments": section.comments}
                     for section in file.sections],
        "comments": summary.comments, "packet_comments": summary.packet_comments, "names": summary.names,
        "secrets": summary.secrets, "owners": summary.owners, "unknown_blocks": file.skipped, "cut": file.cut,
        "damaged_places": file.damaged_places, "lost_bytes": file.lost_bytes, "damage": file.damage,
    }
    if sha256:
        found["sha256"] = sha256
    return found


def _interface_object(one: InterfaceSummary) -> dict[str, Any]:
    interface = one.interface
    return {
        "index": interface.index, "name": interface.name, "description": interface.description,
        "link_type": interface.link_type, "link_type_name": link_type_name(interface.link_type),
        "snaplen": interface.snaplen or None, "decimals": interface.decimals,
        "fcs_len": interface.fcs_len if interface.fcs_len >= 0 else None, "filter": interface.filter,
        "hardware": interface.hardware, "os": interface.os, "packets": one.packets, "wire_bytes": one.wire_bytes,
        "captured_bytes": one.captured_bytes, "first_ns": one.first_ns, "last_ns": one.last_ns,
        "received": interface.received if interface.received >= 0 else None,
        "dropped": interface.dropped if interface.dropped >= 0 else None, "comments": interface.comments,
    }


def json_of(summary: CaptureSummary, sha256: str = "") -> str:
    """The object as one line of JSON."""
    return json.dumps(object_of(summary, sha256), ensure_ascii=False)


def utc(ts_ns: int, decimals: int = 9) -> str:
    """A time as people write it; seconds since 1970 when the calendar does not reach that far."""
    seconds, rest = divmod(ts_ns, 1_000_000_000)
    fraction = f".{rest:09d}"[:decimals + 1] if decimals else ""
    try:
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}{fraction} UTC"
    except OverflowError:
        return f"{seconds}{fraction} seconds after 1970"


def _duration(ns: int, decimals: int) -> str:
    seconds, rest = divmod(ns, 1_000_000_000)
    fraction = f".{rest:09d}"[:decimals + 1] if decimals else ""
    text = f"{seconds:,}{fraction} seconds"
    if seconds < 120:
        return text
    days, left = divmod(seconds, 86_400)
    return f"{text} ({f'{days:,} days ' if days else ''}{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d})"


def _bytes(count: int) -> str:
    return f"{count:,} bytes" + (f" ({_scaled(count)}B)" if count >= 1000 else "")


def _scaled(count: float) -> str:
    """A number with three figures and a prefix."""
    prefix = next((step for step in range(5) if count < 999.5 * 1000 ** step), 5)
    count /= 1000 ** prefix
    figures = f"{count:.3g}" if count < 100 else f"{count:.0f}"
    return f"{figures} {('', 'k', 'M', 'G', 'T', 'P')[prefix]}"
