"""Fields of frames, Ethernet, VLAN tags, ARP, IP, ICMP and UDP."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sniff.capture.raw import Interface
from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import (
    COLUMN,
    GATHER,
    PARSE,
    Field,
    Source,
    address6,
    at_place,
    both,
    from_flows,
    from_table,
    marked,
    protocol_bytes,
    protocol_there,
    there,
)
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Address, Kind
from sniff.reassembly import columns as s

ETHERTYPES = {"ipv4": 0x0800, "arp": 0x0806, "ipv6": 0x86DD, "802.1q virtual lan": 0x8100}
IP_PROTOCOLS = {"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58,
                "ospf igp": 89, "sctp": 132}
ARP_OPCODES = {"request": 1, "reply": 2}

TCP, UDP = (Kind.TCP,), (Kind.UDP,)


# --- frames -----------------------------------------------------------------------------------------------------------------

def _frame(view: View, candidates: Table) -> Column:
    start, length = view.table[c.START], view.table[c.CAPLEN]
    return objects(candidates, [view.slice(start[i], start[i] + length[i]) for i in candidates.tolist()])


def _relative(view: View, candidates: Table) -> Column:
    return Column(candidates, view.table[c.TS_NS][candidates] - view.zero_ns)


def _delta(view: View, candidates: Table) -> Column:
    times = view.table[c.TS_NS]
    before = np.concatenate([[view.memory["frame"]], times[:-1]]).astype(np.int64)
    return Column(candidates, (times - before)[candidates])


def _interface_id(view: View, candidates: Table) -> Column:
    if not view.context.numbered:
        candidates = candidates[:0]
    return Column(candidates, view.table[c.INTERFACE][candidates])


def _interface(read: Callable[[Interface], str]) -> Source:
    def source(view: View, candidates: Table) -> Column:
        texts = [read(interface) for interface in view.context.interfaces()] if view.context.numbered else []
        rows = view.table[c.INTERFACE][candidates].tolist()
        found = [(i, texts[row]) for i, row in zip(candidates.tolist(), rows,
                                                   strict=True) if 0 <= row < len(texts) and texts[row]]
        return objects([i for i, _ in found], [text for _, text in found])

    return source


def _comments(view: View, candidates: Table) -> Column:
    wanted = set(candidates.tolist())
    found = [(i, text) for i, texts in sorted(view.packets.raw.comments.items()) if i in wanted for text in texts]
    return objects([i for i, _ in found], [text for _, text in found])


def _never(view: View, candidates: Table) -> Column:
    return Column(candidates, np.zeros(len(candidates), np.int64))


def _all(view: View) -> Any:
    return np.ones(view.size, np.bool_)


def as_string(source: Source, kind: Type) -> Source:
    """Addresses as text: what names would stand for, were they looked up."""
    def texts(view: View, candidates: Table) -> Column:
        from sniff.filters.values import as_text
        column = source(view, candidates)
        made: dict[Any, str] = {}
        values = column.values.tolist() if kind != Type.IPV6 else list(map(tuple, column.values.tolist()))
        array = np.empty(len(values), object)
        array[:] = [made[value] if value in made else made.setdefault(value, as_text(value, kind)) for value in values]
        return column.having(array)

    return texts


FRAME = [
    Field("frame", Type.PROTOCOL, "the packet with all its bytes", _frame, PARSE, marked(_all)),
    Field("frame.number", Type.NUMBER, "number of the packet in the capture, from 1", from_table(c.NUMBER), COLUMN, bits=32),
    Field("frame.time", Type.TIME, "when it was captured", from_table(c.TS_NS), COLUMN),
    Field("frame.time_epoch", Type.SPAN, "when it was captured, seconds since 1970", from_table(c.TS_NS), COLUMN),
    Field("frame.time_relative", Type.SPAN, "time since the first packet", _relative, COLUMN),
    Field("frame.time_delta", Type.SPAN, "time since the packet before", _delta, COLUMN, trackers=("frame",)),
    Field("frame.len", Type.NUMBER, "bytes on the wire", from_table(c.WIRELEN), COLUMN, bits=32),
    Field("frame.cap_len", Type.NUMBER, "bytes captured", from_table(c.CAPLEN), COLUMN, bits=32),
    Field("frame.file_off", Type.NUMBER, "where its first byte stands in the capture file", from_table(c.OFFSET), COLUMN),
    Field("frame.interface_id", Type.NUMBER, "number of the interface it was captured on (pcapng)", _interface_id,
          COLUMN, bits=32),
    Field("frame.interface_name", Type.STRING, "name of that interface",
          _interface(lambda interface: interface.name or interface.description or "unknown"), PARSE),
    Field("frame.interface_description", Type.STRING, "description of that interface",
          _interface(lambda interface: interface.description), PARSE),
    Field("frame.marked", Type.BOOLEAN, "marked in Wireshark's window: never here", _never, COLUMN),
    Field("frame.ignored", Type.BOOLEAN, "ignored in Wireshark's window: never here", _never, COLUMN),
    Field("frame.comment", Type.STRING, "comments on the packet (pcapng)", _comments, PARSE),
]


# --- Ethernet and what stands below IP --------------------------------------------------------------------------------------

def _is_type(view: View, headers: Headers) -> Any:
    return view.number(headers.at + 12, 2) >= 0x600


def _is_length(view: View, headers: Headers) -> Any:
    return view.number(headers.at + 12, 2) <= 1500


def _oui(offset: int) -> Source:
    return at_place("eth", offset, 3)


_ETH_DST, _ETH_SRC = at_place("eth", 0, 6, guard=lambda v, h: h.at + 14 <= h.stop), at_place("eth", 6, 6,
                                                                                             guard=lambda v, h: h.at + 14 <= h.stop)

LINK = [
    Field("eth", Type.PROTOCOL, "Ethernet", protocol_bytes("eth"), PARSE, protocol_there("eth")),
    Field("eth.dst", Type.ETHER, "destination", _ETH_DST),
    Field("eth.src", Type.ETHER, "source", _ETH_SRC),
    Field("eth.addr", Type.ETHER, "source or destination", both(_ETH_DST, _ETH_SRC), 2 * GATHER),
    Field("eth.dst_resolved", Type.STRING, "destination, as text", as_string(_ETH_DST, Type.ETHER), PARSE),
    Field("eth.src_resolved", Type.STRING, "source, as text", as_string(_ETH_SRC, Type.ETHER), PARSE),
    Field("eth.addr_resolved", Type.STRING, "source or destination, as text", as_string(both(_ETH_DST, _ETH_SRC), Type.ETHER), PARSE),
    Field("eth.type", Type.NUMBER, "what the frame holds", at_place("eth", 12, 2, guard=_is_type), bits=16, names=ETHERTYPES),
    Field("eth.len", Type.NUMBER, "length of an IEEE 802.3 frame", at_place("eth", 12, 2, guard=_is_length), bits=16),
    Field("eth.dst.oui", Type.NUMBER, "manufacturer's part of the destination", _oui(0), bits=24),
    Field("eth.src.oui", Type.NUMBER, "manufacturer's part of the source", _oui(6), bits=24),
    Field("eth.addr.oui", Type.NUMBER, "manufacturer's part of either", both(_oui(0), _oui(6)), 2 * GATHER, bits=24),
    Field("eth.dst.lg", Type.BOOLEAN, "the destination is locally administered", at_place("eth", 0, 1, 2)),
    Field("eth.dst.ig", Type.BOOLEAN, "the destination is a group (multicast, broadcast)", at_place("eth", 0, 1, 1)),
    Field("eth.src.lg", Type.BOOLEAN, "the source is locally administered", at_place("eth", 6, 1, 2)),
    Field("eth.src.ig", Type.BOOLEAN, "the source is a group", at_place("eth", 6, 1, 1)),
    Field("eth.lg", Type.BOOLEAN, "source or destination is locally administered", both(at_place("eth", 0, 1, 2),
                                                                                        at_place("eth", 6, 1, 2))),
    Field("eth.ig", Type.BOOLEAN, "source or destination is a group", both(at_place("eth", 0, 1, 1), at_place("eth", 6, 1, 1))),
    Field("vlan", Type.PROTOCOL, "IEEE 802.1Q tag", protocol_bytes("vlan"), PARSE, protocol_there("vlan")),
    Field("vlan.priority", Type.NUMBER, "priority", at_place("vlan", 0, 2, 0xE000), bits=16),
    Field("vlan.dei", Type.BOOLEAN, "may be dropped first", at_place("vlan", 0, 2, 0x1000)),
    Field("vlan.id", Type.NUMBER, "number of the VLAN", at_place("vlan", 0, 2, 0x0FFF), bits=16),
    Field("vlan.etype", Type.NUMBER, "what follows the tag", at_place("vlan", 2, 2, guard=lambda v,
                                                                      h: v.number(h.at + 2, 2) >= 0x600),
          bits=16, names=ETHERTYPES),
]


def arp_part(part: int) -> Callable[[View, Table], tuple[Headers, Table]]:
    """(ARP headers, where an address begins in each): 0 hardware and 1 protocol of the sender, 2 and 3 those of the target (RFC 826).

    `proto` of the headers is 1 where it is one of Ethernet, or of IPv4; `stop` is where the address ends.
    """
    def source(view: View, candidates: Table) -> tuple[Headers, Table]:
        found = there(view, "arp", 0, 8)
        sizes = [view.data[found.at + 4 + k].astype(np.int64) for k in (0, 1, 0, 1)]
        at = found.at + 8 + sum(sizes[:part], np.zeros(len(found.at), np.int64))
        plain = (sizes[0] == 6) & np.isin(view.number(found.at, 2), (1, 6)) if part % 2 == 0 \
            else (sizes[1] == 4) & (view.number(found.at + 2, 2) == 0x0800)
        whole = (sizes[part] > 0) & (at + sizes[part] <= found.stop)
        found = Headers(found.packets, found.at, at + sizes[part], plain.astype(np.int64), found.quoted, found.nth)
        return found.only(whole), at[whole]

    return source


def _arp(part: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found, at = arp_part(part)(view, candidates)
        which = found.proto == 1
        found, at = found.only(which), at[which]
        return Column(found.packets, view.number(at, 4 if part % 2 else 6), found.nth)

    return source


def arp_requests(view: View) -> tuple[Headers, Table, Table, Table]:
    """(ARP requests and replies with protocol addresses of 4 bytes, the sender's, the target's, whether it is a request)."""
    found = there(view, "arp", 0, 8)
    sizes = view.data[found.at + 4].astype(np.int64)
    operation = view.number(found.at + 6, 2)
    which = (view.data[found.at + 5] == 4) & np.isin(operation, (1, 2)) & (found.at + 16 + 2 * sizes <= found.stop)
    found, sizes = found.only(which), sizes[which]
    return found, view.number(found.at + 8 + sizes, 4), view.number(found.at + 12 + 2 * sizes, 4), operation[which] == 1


def _gratuitous(view: View, candidates: Table) -> Column:
    """Wireshark shows it only where it is true."""
    found, own, wanted, _ = arp_requests(view)
    found = found.only((own == wanted) & (own != 0))
    return Column(found.packets, np.ones(len(found.packets), np.int64), found.nth)


ARP = [
    Field("arp", Type.PROTOCOL, "Address Resolution Protocol", protocol_bytes("arp"), PARSE, protocol_there("arp")),
    Field("arp.hw.type", Type.NUMBER, "type of hardware", at_place("arp", 0, 2), bits=16, names={"ethernet": 1}),
    Field("arp.proto.type", Type.NUMBER, "protocol whose addresses are asked for", at_place("arp", 2, 2), bits=16,
          names=ETHERTYPES),
    Field("arp.hw.size", Type.NUMBER, "bytes of a hardware address", at_place("arp", 4, 1), bits=8),
    Field("arp.proto.size", Type.NUMBER, "bytes of a protocol address", at_place("arp", 5, 1), bits=8),
    Field("arp.opcode", Type.NUMBER, "1 request, 2 reply", at_place("arp", 6, 2), bits=16, names=ARP_OPCODES),
    Field("arp.src.hw_mac", Type.ETHER, "hardware address of the sender", _arp(0)),
    Field("arp.src.proto_ipv4", Type.IPV4, "address of the sender", _arp(1)),
    Field("arp.dst.hw_mac", Type.ETHER, "hardware address of the target", _arp(2)),
    Field("arp.dst.proto_ipv4", Type.IPV4, "address of the target", _arp(3)),
    Field("arp.isgratuitous", Type.BOOLEAN, "asks for its own address", _gratuitous),
]


# --- IP -----------------------------------------------------------------------------------------------------------------------

def _whole_ip(view: View, headers: Headers) -> Any:
    here = headers.at + 20 <= headers.stop
    length = np.zeros(len(headers.at), np.int64)
    length[here] = view.number(headers.at[here], 1) & 15
    return length >= 5


def _ip(offset: int, size: int, mask: int = 0, scale: int = 1) -> Source:
    return at_place("ip", offset, size, mask, _whole_ip, scale)


def _length(view: View, candidates: Table) -> Column:
    """Where it says 0 (a network card was to cut the datagram into segments), what was sent counts."""
    column = _ip(2, 2)(view, candidates)
    zero = np.flatnonzero(column.values == 0)
    if len(zero):
        headers = there(view, "ip", 2, 2, _whole_ip).only(zero)
        unseen = (view.table[c.WIRELEN] - view.table[c.CAPLEN])[headers.packets]
        column.values[zero] = headers.stop - headers.at + unseen
    return column


CHECKSUM = {"bad": 0, "good": 1, "unverified": 2, "not present": 3}


def unverified(protocol: str, offset: int) -> Source:
    """The status of checksums, which nobody verifies (as Wireshark does by default): those sent by a network card's host are wrong."""
    def source(view: View, candidates: Table) -> Column:
        headers = there(view, protocol, offset, 2, _whole_ip if protocol == "ip" else None)
        return Column(headers.packets, np.full(len(headers.packets), CHECKSUM["unverified"]), headers.nth)

    return source


def _plain_address(column: int, otherwise: Source) -> Source:
    """An IPv4 address that the columns have, where no packet has a second IP header and all are whole."""
    def source(view: View, candidates: Table) -> Column:
        table = view.table
        if view.plain:
            wanted = (table[c.IP_VERSION] == 4) & (table[c.OUTER_L3] >= 0)
            packets = np.flatnonzero(wanted)
            if (table[c.ADDRESS_KIND][packets] == Address.IPV4).all():
                return Column(packets, table[column][packets], np.zeros(len(packets), np.int64))
        return otherwise(view, candidates)

    return source


def plain_port(kind: int, column: int, otherwise: Source) -> Source:
    """A port that the columns have, under the same conditions."""
    def source(view: View, candidates: Table) -> Column:
        if view.plain:
            packets = np.flatnonzero(view.table[c.KIND] == kind)
            values = view.table[column][packets]
            if not len(values) or values.min() >= 0:
                return Column(packets, values, np.zeros(len(packets), np.int64))
        return otherwise(view, candidates)

    return source


_IP_SRC, _IP_DST = _plain_address(c.SRC_LO, _ip(12, 4)), _plain_address(c.DST_LO, _ip(16, 4))
_IPV6_SRC, _IPV6_DST = address6(8), address6(24)


def _ip_bytes(view: View, candidates: Table) -> Column:
    """IPv4 headers and what they hold, by their own length."""
    headers = there(view, "ip", 0, 4)
    headers = headers.only(np.isin(headers.packets, candidates))
    length = view.number(headers.at + 2, 2)
    stop = np.where(length >= 20, np.minimum(headers.at + length, headers.stop), headers.stop)
    return objects(headers.packets, [view.slice(at, end) for at, end in zip(headers.at.tolist(), stop.tolist(),
                                                                            strict=True)], headers.nth)


def _ipv6_bytes(view: View, candidates: Table) -> Column:
    headers = there(view, "ipv6", 0, 6)
    headers = headers.only(np.isin(headers.packets, candidates))
    stop = np.minimum(headers.at + 40 + view.number(headers.at + 4, 2), headers.stop)
    return objects(headers.packets, [view.slice(at, end) for at, end in zip(headers.at.tolist(), stop.tolist(),
                                                                            strict=True)], headers.nth)


EXTENSION_HEADERS = {0: "hopopts", 43: "routing", 44: "fraghdr", 60: "dstopts"}
_IN_THE_WAY = frozenset({*EXTENSION_HEADERS, 51, 135, 139, 140})


def extensions(view: View) -> list[tuple[int, int, int, int]]:
    """(packet, protocol number, index, index after what was captured) of every extension header (RFC 8200 section 4)."""
    found: list[tuple[int, int, int, int]] | None = view.memory.get("ipv6 extensions")
    if found is not None:
        return found
    found = view.memory["ipv6 extensions"] = []
    headers = there(view, "ipv6", 0, 40)
    headers = headers.only(np.isin(view.data[headers.at + 6], list(_IN_THE_WAY)))
    for packet, at, stop in zip(headers.packets.tolist(), headers.at.tolist(), headers.stop.tolist(), strict=True):
        following, here = int(view.data[at + 6]), at + 40
        while following in _IN_THE_WAY and here + 8 <= stop:
            found.append((packet, following, here, stop))
            size = 8 if following == 44 else (int(view.data[here + 1]) + 2) * 4 if following == 51 else (int(view.data[here + 1]) + 1) * 8
            if following == 44 and (int(view.data[here + 2]) << 8 | int(view.data[here + 3])) & 0xFFF8:
                break       # what follows is the middle of something
            following, here = int(view.data[here]), here + size
    return found


def _extension(header: int, offset: int, size: int, mask: int) -> Source:
    """A number in every extension header of one kind; size 0: whether there is one."""
    shift = (mask & -mask).bit_length() - 1 if mask else 0

    def source(view: View, candidates: Table) -> Column:
        mine = [(packet, at) for packet, number, at, stop in extensions(view) if number == header and at + offset + size <= stop]
        packets = np.array([packet for packet, _ in mine], np.int64)
        values = view.number(np.array([at + offset for _, at in mine], np.int64), size) if size else np.ones(len(mine), np.int64)
        return Column(packets, (values & mask) >> shift if mask else values)

    return source


EXTENSIONS = (
    ("hopopts", Type.NONE, 64, "hop-by-hop options", 0, 0, 0, 0), ("hopopts.nxt", Type.NUMBER, 8, "what follows them", 0, 0, 1, 0),
    ("dstopts", Type.NONE, 64, "destination options", 60, 0, 0, 0), ("dstopts.nxt", Type.NUMBER, 8, "what follows them", 60, 0, 1, 0),
    ("routing", Type.NONE, 64, "routing header", 43, 0, 0, 0), ("routing.nxt", Type.NUMBER, 8, "what follows it", 43, 0, 1, 0),
    ("routing.type", Type.NUMBER, 8, "its type", 43, 2, 1, 0), ("routing.segleft", Type.NUMBER, 8, "segments left", 43, 3, 1, 0),
    ("fraghdr", Type.NONE, 64, "fragment header", 44, 0, 0, 0), ("fraghdr.nxt", Type.NUMBER, 8, "what follows it", 44, 0, 1, 0),
    ("fraghdr.offset", Type.NUMBER, 16, "where the fragment belongs, bytes", 44, 2, 2, 0xFFF8),
    ("fraghdr.more", Type.BOOLEAN, 64, "more fragments", 44, 3, 1, 1), ("fraghdr.ident", Type.NUMBER, 32, "identification", 44, 4, 4, 0),
)
"""(name, type, bits, meaning, protocol number, offset, size, mask) of fields of extension headers."""


IP = [
    Field("ip", Type.PROTOCOL, "Internet Protocol, version 4", _ip_bytes, PARSE, protocol_there("ip")),
    Field("ip.version", Type.NUMBER, "4 or 6", both(at_place("ip", 0, 1, 0xF0), at_place("ipv6", 0, 1, 0xF0)), bits=8),
    Field("ip.hdr_len", Type.NUMBER, "bytes of the header", at_place("ip", 0, 1, 0x0F, scale=4), bits=8),
    Field("ip.dsfield", Type.NUMBER, "differentiated services", _ip(1, 1), bits=8),
    Field("ip.dsfield.dscp", Type.NUMBER, "code point", _ip(1, 1, 0xFC), bits=8),
    Field("ip.dsfield.ecn", Type.NUMBER, "explicit congestion notification", _ip(1, 1, 3), bits=8),
    Field("ip.len", Type.NUMBER, "bytes of the datagram", _length, bits=16),
    Field("ip.id", Type.NUMBER, "identification", _ip(4, 2), bits=16),
    Field("ip.flags", Type.NUMBER, "the three flags", _ip(6, 1, 0xE0), bits=8),
    Field("ip.flags.rb", Type.BOOLEAN, "reserved bit", _ip(6, 1, 0x80)),
    Field("ip.flags.df", Type.BOOLEAN, "don't fragment", _ip(6, 1, 0x40)),
    Field("ip.flags.mf", Type.BOOLEAN, "more fragments", _ip(6, 1, 0x20)),
    Field("ip.frag_offset", Type.NUMBER, "where the fragment belongs, in units of 8 bytes", _ip(6, 2, 0x1FFF), bits=16),
    Field("ip.ttl", Type.NUMBER, "time to live", _ip(8, 1), bits=8),
    Field("ip.proto", Type.NUMBER, "what the datagram holds", _ip(9, 1), bits=8, names=IP_PROTOCOLS),
    Field("ip.checksum", Type.NUMBER, "checksum of the header, as it was sent", _ip(10, 2), bits=16),
    Field("ip.checksum.status", Type.NUMBER, "2: nobody checks it", unverified("ip", 10), COLUMN, bits=8, names=CHECKSUM),
    Field("ip.src", Type.IPV4, "source", _IP_SRC),
    Field("ip.dst", Type.IPV4, "destination", _IP_DST),
    Field("ip.addr", Type.IPV4, "source or destination", both(_IP_SRC, _IP_DST), 2 * GATHER),
    Field("ip.src_host", Type.STRING, "source, as text", as_string(_IP_SRC, Type.IPV4), PARSE),
    Field("ip.dst_host", Type.STRING, "destination, as text", as_string(_IP_DST, Type.IPV4), PARSE),
    Field("ip.host", Type.STRING, "source or destination, as text", as_string(both(_IP_SRC, _IP_DST), Type.IPV4), PARSE),
    Field("ipv6", Type.PROTOCOL, "Internet Protocol, version 6", _ipv6_bytes, PARSE, protocol_there("ipv6")),
    Field("ipv6.version", Type.NUMBER, "6", at_place("ipv6", 0, 1, 0xF0), bits=8),
    Field("ipv6.tclass", Type.NUMBER, "traffic class", at_place("ipv6", 0, 4, 0x0FF00000), bits=32),
    Field("ipv6.tclass.dscp", Type.NUMBER, "code point", at_place("ipv6", 0, 4, 0x0FC00000), bits=32),
    Field("ipv6.tclass.ecn", Type.NUMBER, "explicit congestion notification", at_place("ipv6", 0, 4, 0x00300000), bits=32),
    Field("ipv6.flow", Type.NUMBER, "flow label", at_place("ipv6", 0, 4, 0x000FFFFF), bits=24),
    Field("ipv6.plen", Type.NUMBER, "bytes after the header", at_place("ipv6", 4, 2), bits=16),
    Field("ipv6.nxt", Type.NUMBER, "what follows the header", at_place("ipv6", 6, 1), bits=8, names=IP_PROTOCOLS),
    Field("ipv6.hlim", Type.NUMBER, "hop limit", at_place("ipv6", 7, 1), bits=8),
    Field("ipv6.src", Type.IPV6, "source", _IPV6_SRC),
    Field("ipv6.dst", Type.IPV6, "destination", _IPV6_DST),
    Field("ipv6.addr", Type.IPV6, "source or destination", both(_IPV6_SRC, _IPV6_DST), 2 * GATHER),
    Field("ipv6.src_host", Type.STRING, "source, as text", as_string(_IPV6_SRC, Type.IPV6), PARSE),
    Field("ipv6.dst_host", Type.STRING, "destination, as text", as_string(_IPV6_DST, Type.IPV6), PARSE),
    Field("ipv6.host", Type.STRING, "source or destination, as text", as_string(both(_IPV6_SRC, _IPV6_DST), Type.IPV6), PARSE),
    *(Field(f"ipv6.{name}", kind, meaning, _extension(header, offset, size, mask), PARSE, bits=bits)
      for name, kind, bits, meaning, header, offset, size, mask in EXTENSIONS),
]


# --- ICMP and IGMP --------------------------------------------------------------------------------------------------------------

def _of_types(*kinds: int) -> Any:
    """Only messages of these types."""
    return lambda view, headers: np.isin(view.data[headers.at], kinds)


def _swapped(protocol: str, offset: int, *kinds: int) -> Source:
    """A number of two bytes, the lower one first."""
    def source(view: View, candidates: Table) -> Column:
        headers = there(view, protocol, offset, 2, _of_types(*kinds))
        value = view.number(headers.at + offset, 2)
        return Column(headers.packets, value >> 8 | (value & 255) << 8, headers.nth)

    return source


def _neighbour(*kinds: int) -> Source:
    """The address that messages of neighbour discovery are about (RFC 4861 section 4)."""
    def source(view: View, candidates: Table) -> Column:
        headers = there(view, "icmpv6", 8, 16, _of_types(*kinds))
        halves = [view.number(headers.at + k, 8).view(np.uint64) for k in (8, 16)]
        return Column(headers.packets, np.stack(halves, axis=1), headers.nth)

    return source


ICMP_TYPES = {"echo (ping) reply": 0, "destination unreachable": 3, "redirect": 5, "echo (ping) request": 8,
              "time-to-live exceeded": 11}

ICMP = [
    Field("icmp", Type.PROTOCOL, "Internet Control Message Protocol", protocol_bytes("icmp"), PARSE, protocol_there("icmp")),
    Field("icmp.type", Type.NUMBER, "type of the message", at_place("icmp", 0, 1), bits=8, names=ICMP_TYPES),
    Field("icmp.code", Type.NUMBER, "code, which is part of the type", at_place("icmp", 1, 1), bits=8),
    Field("icmp.checksum", Type.NUMBER, "checksum, as it was sent", at_place("icmp", 2, 2), bits=16),
    Field("icmp.ident", Type.NUMBER, "identifier of a ping", at_place("icmp", 4, 2, guard=_of_types(0, 8, 13, 14, 15,
                                                                                                    16, 17, 18, 42, 43)), bits=16),
    Field("icmp.seq", Type.NUMBER, "sequence number of a ping", at_place("icmp", 6, 2, guard=_of_types(0, 8, 13, 14,
                                                                                                       15, 16, 17, 18)), bits=16),
    Field("icmp.ident_le", Type.NUMBER, "the identifier, as other machines write it", _swapped("icmp", 4, 0, 8, 13, 14, 15, 16, 17,
          18, 42, 43),
          bits=16),
    Field("icmp.seq_le", Type.NUMBER, "the sequence number, as other machines write it", _swapped("icmp", 6, 0, 8, 13, 14, 15, 16, 17, 18),
          bits=16),
    Field("icmp.redir_gw", Type.IPV4, "better way", at_place("icmp", 4, 4, guard=_of_types(5))),
    Field("icmp.mtu", Type.NUMBER, "largest packet of the next hop",
          at_place("icmp", 6, 2, guard=lambda v, h: (v.data[h.at] == 3) & (v.number(h.at, 2) == 0x0304)), bits=16),
    Field("icmpv6", Type.PROTOCOL, "Internet Control Message Protocol, version 6", protocol_bytes("icmpv6"), PARSE,
          protocol_there("icmpv6")),
    Field("icmpv6.type", Type.NUMBER, "type of the message", at_place("icmpv6", 0, 1), bits=8),
    Field("icmpv6.code", Type.NUMBER, "code, which is part of the type", at_place("icmpv6", 1, 1), bits=8),
    Field("icmpv6.checksum", Type.NUMBER, "checksum, as it was sent", at_place("icmpv6", 2, 2), bits=16),
    Field("icmpv6.echo.identifier", Type.NUMBER, "identifier of a ping", at_place("icmpv6", 4, 2,
                                                                                  guard=_of_types(128, 129)), bits=16),
    Field("icmpv6.echo.sequence_number", Type.NUMBER, "sequence number of a ping",
          at_place("icmpv6", 6, 2, guard=_of_types(128, 129)), bits=16),
    Field("icmpv6.mtu", Type.NUMBER, "largest packet of the next hop", at_place("icmpv6", 4, 4, guard=_of_types(2)), bits=32),
    Field("icmpv6.nd.ns.target_address", Type.IPV6, "whose link address is asked for", _neighbour(135)),
    Field("icmpv6.nd.na.target_address", Type.IPV6, "whose link address is told", _neighbour(136)),
    Field("icmpv6.nd.na.flag.r", Type.BOOLEAN, "it is a router", at_place("icmpv6", 4, 1, 0x80, _of_types(136))),
    Field("icmpv6.nd.na.flag.s", Type.BOOLEAN, "it was asked", at_place("icmpv6", 4, 1, 0x40, _of_types(136))),
    Field("icmpv6.nd.na.flag.o", Type.BOOLEAN, "replaces what was known", at_place("icmpv6", 4, 1, 0x20, _of_types(136))),
    Field("icmpv6.nd.ra.cur_hop_limit", Type.NUMBER, "hop limit to use", at_place("icmpv6", 4, 1, guard=_of_types(134)), bits=8),
    Field("icmpv6.nd.ra.flag.m", Type.BOOLEAN, "addresses come from DHCPv6", at_place("icmpv6", 5, 1, 0x80, _of_types(134))),
    Field("icmpv6.nd.ra.flag.o", Type.BOOLEAN, "other settings come from DHCPv6", at_place("icmpv6", 5, 1, 0x40, _of_types(134))),
    Field("icmpv6.nd.ra.router_lifetime", Type.NUMBER, "seconds it is a default router", at_place("icmpv6", 6, 2, guard=_of_types(134)),
          bits=16),
    Field("igmp", Type.PROTOCOL, "Internet Group Management Protocol", protocol_bytes("igmp"), PARSE, protocol_there("igmp")),
]


# --- UDP ------------------------------------------------------------------------------------------------------------------------

_UDP_SRC, _UDP_DST = (plain_port(Kind.UDP, column, at_place("udp", offset, 2)) for column, offset in ((c.SRC_PORT, 0),
                                                                                                               (c.DST_PORT, 2)))


def payload(view: View, candidates: Table, kind: int) -> Column:
    """The payload of TCP or UDP packets that have one."""
    table = view.table
    wanted = candidates[(table[c.KIND][candidates] == kind) & (table[c.PAYLOAD_LEN][candidates] > 0) & (table[c.PAYLOAD][candidates] >= 0)]
    start = table[c.PAYLOAD][wanted]
    stop = start + table[c.PAYLOAD_LEN][wanted]
    return objects(wanted, [view.slice(a, b) for a, b in zip(start.tolist(), stop.tolist(), strict=True)])


def wrong_length(view: View, headers: Headers) -> Any:
    """Wireshark does not read a UDP header to its end whose length is below 8 or more than there is."""
    unseen = (view.table[c.WIRELEN] - view.table[c.CAPLEN])[headers.packets]
    length = view.number(headers.at + 4, 2)
    return (length < 8) | (~headers.quoted & (length > headers.stop + unseen - headers.at))


def _udp_payload(view: View, candidates: Table) -> Column:
    """That of UDP packets, of tunnels in UDP, and of those that ICMP errors quote."""
    if view.plain:
        return payload(view, candidates, Kind.UDP)
    headers = there(view, "udp", 0, 9)
    headers = headers.only(np.isin(headers.packets, candidates))
    length = view.number(headers.at + 4, 2)
    stop = np.where(length >= 8, np.minimum(headers.at + length, headers.stop), headers.stop)
    headers, stop = headers.only(headers.at + 8 < stop), stop[headers.at + 8 < stop]
    return objects(headers.packets, [view.slice(at + 8, end) for at, end in zip(headers.at.tolist(), stop.tolist(), strict=True)],
                   headers.nth)


def _flow_time(key: str, row: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        packets, values = view.memory[key]
        return numbers(packets, values[row])

    return source


def flow_fields(protocol: str, name: str, kinds: tuple[Kind, ...]) -> list[Field]:
    """What TCP and UDP packets know of their stream."""
    return [
        Field(f"{protocol}.stream", Type.NUMBER, f"number of the {name}, from 0", from_flows(s.STREAM, kinds, 0),
              COLUMN, bits=32),
        Field(f"{protocol}.time_relative", Type.SPAN, f"time since the first packet of the {name}",
              _flow_time(f"{protocol}_times", 0),
              COLUMN, trackers=(f"{protocol}_times",)),
        Field(f"{protocol}.time_delta", Type.SPAN, f"time since the packet before of the {name}",
              _flow_time(f"{protocol}_times", 1),
              COLUMN, trackers=(f"{protocol}_times",)),
    ]


UDP_FIELDS = [
    Field("udp", Type.PROTOCOL, "User Datagram Protocol", protocol_bytes("udp"), PARSE, protocol_there("udp")),
    Field("udp.srcport", Type.NUMBER, "source port", _UDP_SRC, bits=16),
    Field("udp.dstport", Type.NUMBER, "destination port", _UDP_DST, bits=16),
    Field("udp.port", Type.NUMBER, "source or destination port", both(_UDP_SRC, _UDP_DST), 2 * GATHER, bits=16),
    Field("udp.length", Type.NUMBER, "bytes of header and payload", at_place("udp", 4, 2), bits=16),
    Field("udp.checksum", Type.NUMBER, "checksum, as it was sent", at_place("udp", 6, 2, guard=lambda view,
          headers: ~wrong_length(view, headers)), bits=16),
    Field("udp.payload", Type.BYTES, "the payload", _udp_payload, PARSE),
    *flow_fields("udp", "UDP conversation", UDP),
]

PACKET_FIELDS = [*FRAME, *LINK, *ARP, *IP, *ICMP, *UDP_FIELDS]
