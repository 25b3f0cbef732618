"""The table of fields: names are Wireshark's, types too, and everything has a meaning."""

import re
import subprocess
from pathlib import Path

import pytest

from sniff.filters.fields.table import MODULES, all_fields, find, nearest, search
from sniff.filters.types import Type

WIRESHARK = {
    Type.NONE: {"FT_NONE"}, Type.BOOLEAN: {"FT_BOOLEAN"}, Type.IPV4: {"FT_IPv4"}, Type.IPV6: {"FT_IPv6"},
    Type.ETHER: {"FT_ETHER"},
    Type.STRING: {"FT_STRING", "FT_STRINGZ"}, Type.BYTES: {"FT_BYTES"}, Type.TIME: {"FT_ABSOLUTE_TIME"}, Type.SPAN: {"FT_RELATIVE_TIME"},
    Type.NUMBER: {"FT_UINT8", "FT_UINT16", "FT_UINT24", "FT_UINT32", "FT_UINT64", "FT_INT16", "FT_INT32", "FT_INT64", "FT_FRAMENUM"},
    Type.FLOAT: {"FT_DOUBLE"},
}
OTHERWISE = {"dns.eui64"}
"""Bytes to us, a type of its own to Wireshark."""


@pytest.mark.tshark
def test_names_and_types_are_those_of_wireshark(tshark: str) -> None:
    listing = subprocess.run([tshark, "-G", "fields"], capture_output=True, text=True, check=True, errors="replace").stdout
    known: dict[str, set[str]] = {}
    for line in listing.splitlines():
        cells = line.split("\t")
        if cells[0] == "F":
            known.setdefault(cells[2], set()).add(cells[3])
        elif cells[0] == "P":
            known.setdefault(cells[2], set()).add("protocol")
    for name, field in all_fields().items():
        if name.startswith("sniff.") or name in OTHERWISE:
            continue
        assert name in known, name
        if field.type != Type.PROTOCOL and "protocol" not in known[name]:
            assert known[name] & WIRESHARK[field.type], (name, field.type, known[name])


def test_every_field_is_found_and_explained() -> None:
    for name, field in all_fields().items():
        assert find(name) is field
        assert field.meaning
        assert name == field.name == name.strip()
        assert name.partition(".")[0] in MODULES
    assert list(all_fields()) == sorted(all_fields())


def test_any_header_field_has_one() -> None:
    field = find("http.header.X_Request-ID")
    assert field is not None
    assert (field.type, field.meaning) == (Type.STRING, "header field x-request-id")
    assert find("http.header.") is None
    assert find("http.header.a b") is None


def test_search_finds_names_first() -> None:
    found = [field.name for field in search("WINDOW")]
    assert found[0].startswith("tcp.")
    assert "tcp.options.wscale" in found
    assert search("nothing of this kind") == []


@pytest.mark.parametrize(("name", "hint"), [
    ("http.respnse.code", "http.response.code"), ("tcp.window.size", "tcp.window_size"), ("Ip.Addr", "did you mean ip.addr?"),
    ("http.response_in", "http.request_in"), ("zzz", "sniff fields WORD"), ("ssl.host", "http.host"),
    ("ip.geoip.country", "addresses with prefixes"), ("tcp.proc.srcpid", "sniff.process"), ("tcp.segment.count", "tcp.len"),
    ("icmpv6.rpl.dis.flags", "icmpv6.type"), ("frame.time_delta_displayed", "frame.time_delta"), ("eth.src.oui_resolved", "eth.src.oui"),
])
def test_the_nearest_name(name: str, hint: str) -> None:
    assert hint in nearest(name)


def test_readme_and_changelog_do_not_promise_too_much() -> None:
    root = Path(__file__).parents[3]
    for name in ("README.md", "CHANGELOG.md"):
        promised = re.search(r"over ([\d,]+)\sfields", (root / name).read_text())
        assert promised, name
        assert len(all_fields()) > int(promised[1].replace(",", "")) >= 1100
