"""Addresses as text: compared with Python's own, and with Wireshark's two exceptions."""

import ipaddress

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from sniff.packets.addresses import address_text, address_texts, ipv4_text, ipv6_bytes_text, ipv6_text, mac_text
from sniff.packets.columns import Address


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def groups() -> st.SearchStrategy[int]:
    """IPv6 addresses with many empty groups."""
    return st.lists(st.sampled_from([0, 0, 0, 1, 0xFFFF, 0x102]), min_size=8, max_size=8).map(
        lambda parts: int.from_bytes(b"".join(part.to_bytes(2, "big") for part in parts), "big"))


@given(st.one_of(st.integers(0, 2**128 - 1), groups()))
@example(0)
@example(1)
@example(0xFFFF01020304)
@example(0x01020304)
@example(0xFFFF)
def test_ipv6_is_what_python_writes_but_for_embedded_ipv4(value: int) -> None:
    text = ipv6_text(signed(value >> 64), signed(value & (2**64 - 1)))
    assert int(ipaddress.IPv6Address(text)) == value
    assert text == ipv6_text(value >> 64, value & (2**64 - 1)) == ipv6_bytes_text(value.to_bytes(16, "big"))
    if "." not in text:
        assert text == str(ipaddress.IPv6Address(value))


def test_ipv6_with_dots() -> None:
    assert ipv6_text(0, 0xFFFF01020304) == "::ffff:1.2.3.4"
    assert ipv6_text(0, 0x01020304) == "::1.2.3.4"
    assert ipv6_text(0, 0x0304) == "::304"
    assert ipv6_text(0x0064FF9B << 32, 0x01020304) == "64:ff9b::102:304"


@given(st.integers(0, 2**32 - 1))
def test_ipv4(value: int) -> None:
    assert ipv4_text(value) == str(ipaddress.IPv4Address(value))


def test_mac() -> None:
    assert mac_text(0x0A0B0C0D0E0F) == "0a:0b:0c:0d:0e:0f"


@given(st.lists(st.tuples(st.sampled_from(list(Address)), st.integers(-2**63, 2**63 - 1), st.integers(-2**63, 2**63 - 1)),
                max_size=30))
def test_columns_are_written_as_single_addresses_are(rows: list[tuple[Address, int, int]]) -> None:
    columns = [np.array([row[i] for row in rows], np.int64) for i in range(3)]
    assert address_texts(*columns).tolist() == [address_text(*row) for row in rows]
