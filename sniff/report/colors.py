"""Wireshark's default colouring rules, as columns. The first rule that holds gives a row its colours.

They are those of the `colorfilters` file that Wireshark 4.0 installs. Rules about protocols that sniff has no columns
for (HSRP, spanning tree, OSPF states, SCTP aborts) and about checksums, which Wireshark does not check by default, are
left out.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sniff.decode.columns import APP_PROTOCOL
from sniff.packets import columns as c
from sniff.packets.columns import Address, Kind
from sniff.reassembly.columns import MARKS, TAGS, Tag
from sniff.report.rows import RowBatch

Mask = NDArray[np.bool_]


class Rule(IntEnum):
    """The rules in Wireshark's order. NONE comes last: no rule holds."""

    BAD_TCP = 0
    ICMP_ERROR = 1
    ARP = 2
    ICMP = 3
    TCP_RST = 4
    TTL = 5
    SMB = 6
    HTTP = 7
    DCERPC = 8
    ROUTING = 9
    TCP_SYN_FIN = 10
    TCP = 11
    UDP = 12
    BROADCAST = 13
    NONE = 14


class Colors(NamedTuple):
    """What a rule looks like.

    background, foreground   0xRRGGBB
    ansi                     (background, foreground) where there are only the terminal's own 16 colours, whatever the
                             terminal makes of them; None is the terminal's default
    """

    background: int
    foreground: int
    ansi: tuple[str | None, str | None]


DARK = 0x12272E

COLORS = {
    Rule.BAD_TCP: Colors(DARK, 0xF78787, ("black", "bright_red")),
    Rule.ICMP_ERROR: Colors(DARK, 0xB7F774, ("black", "bright_green")),
    Rule.ARP: Colors(0xFAF0D7, DARK, ("yellow", "black")),
    Rule.ICMP: Colors(0xFCE0FF, DARK, ("magenta", "black")),
    Rule.TCP_RST: Colors(0xA40000, 0xFFFC9C, ("red", "bright_yellow")),
    Rule.TTL: Colors(0xA40000, 0xECECEC, ("red", "bright_white")),
    Rule.SMB: Colors(0xFEFFD0, DARK, ("yellow", "black")),
    Rule.HTTP: Colors(0xE4FFC7, DARK, ("green", "black")),
    Rule.DCERPC: Colors(0xC797FF, DARK, ("magenta", "black")),
    Rule.ROUTING: Colors(0xFFF3D6, DARK, ("yellow", "black")),
    Rule.TCP_SYN_FIN: Colors(0xA0A0A0, DARK, ("white", "black")),
    Rule.TCP: Colors(0xE7E6FF, DARK, (None, None)),
    Rule.UDP: Colors(0xDAEEFF, DARK, ("cyan", "black")),
    Rule.BROADCAST: Colors(0xFFFFFF, 0xBABDB6, (None, "bright_black")),
}

ANALYSIS = MARKS
"""All marks that are Wireshark's (tcp.analysis.flags)."""
HARMLESS = int(Tag.WINDOW_UPDATE | Tag.KEEP_ALIVE | Tag.KEEP_ALIVE_ACK)

FIN, SYN, RST = 1, 2, 4
PIM, OSPF, VRRP = 103, 89, 112    # IP protocol numbers; CARP shares VRRP's
MULTICAST_DNS = 0xE00000FB
ETHERNET = 1

BY_NAME = (
    (Rule.SMB, ("SMB", "NBNS", "NBSS", "NBDS", "BROWSER")),
    (Rule.HTTP, ("HTTP", "SSDP", "GRPC", "DOH")),
    (Rule.DCERPC, ("DCERPC",)),
    (Rule.ROUTING, ("HSRP", "EIGRP", "OSPF", "BGP", "CDP", "VRRP", "CARP", "GVRP", "IGMP", "ISMP")),
)
"""Rules that go by the Protocol cell: how it begins, `GTP <...>` and versions left aside."""


def rule_of_name(name: str) -> Rule:
    """The rule that a Protocol cell alone decides; NONE when it decides none."""
    name = name.removeprefix("GTP <").upper()
    return next((rule for rule, starts in BY_NAME if name.startswith(starts)), Rule.NONE)


def bytes_at(data: NDArray[np.uint8], index: NDArray[np.int64], where: Mask) -> NDArray[np.uint8]:
    """data[index] where that is asked for and possible, else 0."""
    found = np.zeros(len(index), np.uint8)
    inside = where & (index >= 0) & (index < len(data))
    found[inside] = data[index[inside]]
    return found


def rules_of(rows: RowBatch) -> NDArray[np.int8]:
    """int8[k]: the Rule of each shown row."""
    shown = rows.shown
    table = rows.packets.table
    column = {number: table[number][shown] for number in (
        c.KIND, c.TCP_FLAGS, c.TTL, c.ADDRESS_KIND, c.DST_LO, c.IP_PROTO, c.SRC_PORT, c.DST_PORT, c.L2, c.L4,
        c.LINK_TYPE)}
    kind, flags, ttl = column[c.KIND], column[c.TCP_FLAGS], column[c.TTL]
    names = np.array([rule_of_name(name) for name in rows.protocols], np.int8)[rows.apps.apps[APP_PROTOCOL][shown]]
    tcp, udp, icmp, icmp6 = (kind == wanted for wanted in (Kind.TCP, Kind.UDP, Kind.ICMP, Kind.ICMPV6))
    data = rows.packets.data
    icmp_type = bytes_at(data, column[c.L4], icmp | icmp6)
    tags = rows.apps.streams.table[TAGS][shown]
    masks: dict[Rule, Mask] = {
        Rule.BAD_TCP: tcp & (tags & ANALYSIS != 0) & (tags & HARMLESS == 0),
        Rule.ICMP_ERROR: (icmp & np.isin(icmp_type, (3, 4, 5, 11))) | (icmp6 & np.isin(icmp_type, (1, 2, 3, 4))),
        Rule.ARP: kind == Kind.ARP,
        Rule.ICMP: icmp | icmp6,
        Rule.TCP_RST: tcp & (flags & RST != 0),
        Rule.TTL: _odd_ttl(column[c.ADDRESS_KIND] == Address.IPV4, ttl, column[c.DST_LO], column[c.IP_PROTO]),
        Rule.SMB: names == Rule.SMB,
        Rule.HTTP: (names == Rule.HTTP) | (tcp & ((column[c.SRC_PORT] == 80) | (column[c.DST_PORT] == 80))),
        Rule.DCERPC: names == Rule.DCERPC,
        Rule.ROUTING: (names == Rule.ROUTING) | (kind == Kind.IGMP),
        Rule.TCP_SYN_FIN: tcp & (flags & (SYN | FIN) != 0),
        Rule.TCP: tcp,
        Rule.UDP: udp,
        Rule.BROADCAST: bytes_at(data, column[c.L2], column[c.LINK_TYPE] == ETHERNET) & 1 == 1,
    }
    rules = np.full(len(shown), Rule.NONE, np.int8)
    for rule in reversed(masks):
        rules[masks[rule]] = rule
    return rules


def _odd_ttl(ipv4: Mask, ttl: NDArray[np.int64], destination: NDArray[np.int64], protocol: NDArray[np.int64]) -> Mask:
    """Wireshark's `TTL low or unexpected`."""
    multicast = destination >> 28 == 0xE
    local = (destination >> 8 == 0xE00000) & (destination != MULTICAST_DNS)
    low = ~multicast & (ttl < 5) & (protocol != PIM) & (protocol != OSPF)
    odd: Mask = ipv4 & (low | (local & (ttl != 1) & (protocol != VRRP)))
    return odd
