"""Values of fields, one by one, beside those that tshark has in one pass."""

import subprocess
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import numpy as np
import pytest

from sniff import limits
from sniff.filters.fields.table import MORE, all_fields
from sniff.filters.filter import Matcher
from sniff.filters.trackers import TRACKERS
from sniff.filters.types import Type
from sniff.filters.values import FieldValue
from sniff.pipeline import Analysis
from tests.filters.made import frames
from tests.filters.masks import capture_of

CAPTURES = Path(__file__).parents[3] / "captures"
OURS = {"frame.file_off", "ipv6.dstopts", "ipv6.fraghdr", "ipv6.hopopts", "ipv6.routing",
        *(f"tcp.options.{name}" for name in ("mss", "nop", "sack", "sack_perm", "timestamp", "wscale"))}
"""The first is shown by Wireshark only when it is told to; the others are protocols there and have no value that it prints."""

LAYERS = {*MORE, "sll"} - {"http", "dns", "nbns"}
FIELDS = [field for field in all_fields().values() if field.name.partition(".")[0] in LAYERS and field.name not in OURS
          and field.type not in (Type.PROTOCOL, Type.TIME)]

OF_STREAMS = {"udp.stream", "udp.time_delta", "udp.time_relative", "udp.payload"}
"""What an ICMP error quotes has no stream of its own here."""


class Values:
    """Takes the place of a filter and keeps the values of all fields: [{name: [value]}], an entry a packet."""

    def __init__(self) -> None:
        self.filters = []
        self.predicate = self
        wanted = {tracker for field in FIELDS for tracker in field.trackers}
        self.trackers = [name for name in TRACKERS if name in wanted]
        self.heads = self.owners = self.notes = self.bodies = self.messages = False
        self.flows = self.pieces = True
        self.packets = []

    def matcher(self, context):
        return Matcher(self, context)

    def mask(self, view, candidates):
        rows = [{} for _ in range(view.size)]
        for field in FIELDS:
            column = FieldValue(field).column(view, candidates)
            assert not (np.diff(column.packets) < 0).any(), field.name
            values = column.values.tolist() if column.values.dtype != object else list(column.values)
            for packet, value in zip(column.packets.tolist(), values, strict=True):
                rows[packet].setdefault(field.name, []).append(value)
        self.packets += rows
        return np.ones(view.size, np.bool_)


def values_of(path: Path) -> list[dict[str, list[object]]]:
    """What we have."""
    values = Values()
    analysis = Analysis([path], rows=False, packets=True, filter=values, threads=False)
    with analysis.source:
        for _ in analysis:
            pass
    return values.packets


def as_tshark_writes(kind: Type, text: str) -> object:
    """A value from its text."""
    match kind:
        case Type.NUMBER:
            return int(text, 0)
        case Type.BOOLEAN:
            return int(text in ("1", "True"))
        case Type.IPV4:
            return int(IPv4Address(text))
        case Type.IPV6:
            return list(divmod(int(IPv6Address(text)), 1 << 64))
        case Type.ETHER:
            return int(text.replace(":", ""), 16)
        case Type.BYTES:
            return b"" if text.startswith("<") else bytes.fromhex(text.replace(":", ""))
        case Type.FLOAT:
            return float(text)
        case Type.SPAN:
            return round(float(text) * 1e9) if float(text) < 1e6 else text
    return text


def values_of_tshark(tshark: str, path: Path) -> list[dict[str, list[str]]]:
    """What tshark has, as texts."""
    names = [field.name for field in FIELDS]
    asked = [argument for name in names for argument in ("-e", name)]
    run = subprocess.run([tshark, "-n", "-r", path, "-T", "fields", "-E", "separator=\x1f", "-E", "aggregator=\x1e", *asked],
                         capture_output=True, text=True, check=True, errors="replace")
    return [{name: cell.split("\x1e") for name, cell in zip(names, line.split("\x1f"), strict=True) if cell}
            for line in run.stdout.split("\n")[:-1]]


def compared(tshark: str, path: Path) -> list[tuple[object, ...]]:
    """(packet, field, what we have, what tshark has) where they differ."""
    wrong = []
    for number, (mine, theirs) in enumerate(zip(values_of(path), values_of_tshark(tshark, path), strict=True), 1):
        for field in FIELDS:
            got, want = mine.get(field.name), theirs.get(field.name)
            if (got is None and want is None) or (field.name in OF_STREAMS and {"icmp.type", "icmpv6.type"} & theirs.keys()):
                continue
            if field.type == Type.NONE:
                same = (got is None) == (want is None)
            else:
                wanted = [as_tshark_writes(field.type, text) for text in want or []]
                found = got or []
                if field.type == Type.NUMBER:       # eight bytes are kept as a signed number
                    found = [value & 2**64 - 1 if value < 0 and any(text >= 0 for text in wanted) else value for value in found]
                if field.type == Type.SPAN and any(isinstance(value, str) for value in wanted):
                    continue
                same = found == wanted
            if not same:
                wrong.append((number, field.name, got, want))
    return wrong


@pytest.mark.tshark
@pytest.mark.parametrize("name", ["dig-unreachable.pcap", "dnsmasq-fragments.pcap", "nginx-lossy.pcap", "nginx-lossy-sender.pcap",
                                  "nginx-any-sll.pcap", "nginx-any-sll2.pcap", "nginx-ipv6.pcap", "python-broken.pcap", "browse.pcapng"])
def test_values_are_those_of_tshark(tshark: str, name: str) -> None:
    assert compared(tshark, CAPTURES / name) == []


@pytest.mark.tshark
def test_options_and_messages_that_are_seldom_seen(tshark: str, tmp_path: Path) -> None:
    assert compared(tshark, capture_of(tmp_path / "made.pcapng", frames())) == []


@pytest.mark.parametrize("size", [7, 100])
def test_batches_change_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    paths = [capture_of(tmp_path / "made.pcapng", frames()), CAPTURES / "dnsmasq-fragments.pcap", CAPTURES / "nginx-pipelining.pcap"]
    whole = [values_of(path) for path in paths]
    monkeypatch.setattr(limits, "BATCH_PACKETS", size)
    assert [values_of(path) for path in paths] == whole
