"""Fields of what stands around packets: padding, trailers and check sequences of Ethernet, tags, Linux cooked headers; and of UDP."""

from typing import NamedTuple

import numpy as np

from sniff.filters.columns import Column, Mask, joined, objects
from sniff.filters.field import COLUMN, GATHER, PARSE, Field, Source, there
from sniff.filters.fields.packets import CHECKSUM, ETHERTYPES, wrong_length
from sniff.filters.fields.places import REST, Finder, Guard, field, headers, read, where
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind

NONE, BOOLEAN, NUMBER, BYTES, ETHER, IPV4 = Type.NONE, Type.BOOLEAN, Type.NUMBER, Type.BYTES, Type.ETHER, Type.IPV4

LEAST_FRAME = 60
"""Bytes of the shortest Ethernet frame, without its check sequence (IEEE 802.3 section 4.2.3.3)."""


# --- what follows the payload of Ethernet -------------------------------------------------------------------------------------

class Rest(NamedTuple):
    """What stands behind the payload: padding from `end`, a trailer from `trailer`, a check sequence from `fcs`, which ends at `stop`.

    bad     what should be padding is not zero
    tagged  the frame has tags, whose dissector then has the trailer
    """

    packets: Table
    end: Table
    trailer: Table
    fcs: Table
    stop: Table
    bad: Mask
    tagged: Mask


def rests(view: View) -> Rest:
    """Of all frames that are Ethernet from the first byte on, and were captured whole."""
    found: Rest | None = view.memory.get("rests")
    if found is not None:
        return found
    table = view.table
    packets = np.flatnonzero((table[c.LINK_TYPE] == 1) & (table[c.CAPLEN] == table[c.WIRELEN]) & (table[c.CAPLEN] >= 14))
    start = table[c.START, packets]
    stop = start + table[c.CAPLEN, packets]
    end, tagged = _payload_ends(view, packets, start, stop)
    end = np.minimum(end, stop)
    told = np.array([interface.fcs_len for interface in view.context.interfaces()] or [-1], np.int64)
    interface = np.clip(table[c.INTERFACE, packets], 0, len(told) - 1)
    fcs_length = told[interface]
    padded = np.where((stop - start >= LEAST_FRAME) & (end - start < LEAST_FRAME), start + LEAST_FRAME, end)
    bad = np.zeros(len(packets), np.bool_)
    for k in np.flatnonzero(padded > end).tolist():
        if view.data[end[k]:padded[k]].any():
            bad[k], padded[k] = True, end[k]
    guessed = ~tagged & (fcs_length < 0) & (stop - padded >= 4) & (stop - start >= LEAST_FRAME + 4)
    length = np.where(fcs_length == 4, np.minimum(4, stop - padded), np.where(guessed, 4, 0))
    found = view.memory["rests"] = Rest(packets, end, padded, stop - length, stop, bad, tagged)
    return found


def _payload_ends(view: View, packets: Table, start: Table, stop: Table) -> tuple[Table, Mask]:
    """Where the payload of each frame ends by its own length (nowhere before the frame does, when it tells none)."""
    table = view.table
    end = stop.copy()
    kind = view.number(start + 12, 2)
    tagged = table[c.VLAN, packets] >= 0
    network = table[c.OUTER_L3, packets]
    inside = (network >= start) & (network + 8 <= stop)
    version = np.zeros(len(packets), np.int64)
    version[inside] = view.data[network[inside]] >> 4
    for wanted, offset, more in ((4, 2, 0), (6, 4, 40)):
        mine = np.flatnonzero(inside & (version == wanted))
        length = view.number(network[mine] + offset, 2)
        end[mine[length > 0]] = (network[mine] + length + more)[length > 0]
    arp = np.flatnonzero((table[c.KIND, packets] == Kind.ARP) & (table[c.L3, packets] >= start) & (table[c.L3, packets] + 8 <= stop))
    at = table[c.L3, packets[arp]]
    end[arp] = at + 8 + 2 * (view.data[at + 4].astype(np.int64) + view.data[at + 5])
    measured = kind <= 1500
    end[measured] = (start + 14 + kind)[measured]
    return end, tagged


def _part(begin: str, stop: str, tagged: bool | None = None) -> Source:
    """The bytes between two of the places, where there are any."""
    def source(view: View, candidates: Table) -> Column:
        rest = rests(view)
        first, last = getattr(rest, begin), getattr(rest, stop)
        which = (first < last) & np.isin(rest.packets, candidates)
        if tagged is not None:
            which &= rest.tagged == tagged
        return objects(rest.packets[which], [view.slice(a, b) for a, b in zip(first[which].tolist(), last[which].tolist(), strict=True)])

    return source


def _fcs(view: View, candidates: Table) -> Column:
    rest = rests(view)
    which = rest.fcs + 4 == rest.stop
    return Column(rest.packets[which], view.number(rest.fcs[which], 4))


def _fcs_status(view: View, candidates: Table) -> Column:
    column = _fcs(view, candidates)
    return column.having(np.full(len(column), CHECKSUM["unverified"]))


def _bad_padding(view: View, candidates: Table) -> Column:
    rest = rests(view)
    packets = rest.packets[rest.bad]
    return Column(packets, np.ones(len(packets), np.int64))


_ETH = headers("eth")
_WHOLE_ETH = where(_ETH, lambda view, found: found.at + 14 <= found.stop)
_ODD_TYPE = where(_WHOLE_ETH, lambda view, found: (view.number(found.at + 12, 2) > 1500) & (view.number(found.at + 12, 2) < 0x600))
_TAG_LENGTH = where(headers("vlan"), lambda view, found: (found.at + 4 <= found.stop) & (view.number(np.minimum(
    found.at + 2, len(view.data) - 2), 2) <= 1500))


def _past_end(offset: int) -> Guard:
    """A length that is more than what was sent."""
    def guard(view: View, found: Headers) -> Mask:
        unseen = (view.table[c.WIRELEN] - view.table[c.CAPLEN])[found.packets]
        length = view.number(found.at + offset, 2)
        return (length <= 1500) & (length > found.stop + unseen - found.at - offset - 2)

    return guard


LINK_MORE = [
    Field("eth.padding", BYTES, "bytes that make a frame long enough", _part("end", "trailer"), PARSE),
    Field("eth.trailer", BYTES, "bytes behind the payload", _part("trailer", "fcs", False), PARSE),
    Field("eth.padding_bad", NONE, "what should be padding is not zero", _bad_padding, PARSE),
    Field("eth.fcs", NUMBER, "frame check sequence, as it was sent", _fcs, PARSE, bits=32),
    Field("eth.fcs.status", NUMBER, "2: nobody checks it", _fcs_status, PARSE, bits=8, names=CHECKSUM),
    field("eth.src_not_group", NONE, "the source is a group, which it must not be",
          where(_WHOLE_ETH, lambda view, found: view.data[found.at + 6] & 1 != 0), dear=False),
    field("eth.invalid_lentype", NUMBER, "neither a length nor a type", _ODD_TYPE, 12, 2, dear=False),
    field("eth.invalid_lentype.expert", NONE, "neither a length nor a type", _ODD_TYPE, dear=False),
    field("eth.len.past_end", NONE, "a length that is more than there is", where(_WHOLE_ETH, _past_end(12)), dear=False),
    field("vlan.len", NUMBER, "length of an IEEE 802.3 frame with a tag", _TAG_LENGTH, 2, 2, dear=False),
    field("vlan.len.past_end", NONE, "a length that is more than there is", where(_TAG_LENGTH, _past_end(2)), dear=False),
    Field("vlan.trailer", BYTES, "bytes behind the payload of a frame with a tag", _part("trailer", "fcs", True), PARSE),
]


# --- Linux cooked ---------------------------------------------------------------------------------------------------------------

SLL, SLL2 = 113, 276
ADDRESS_TYPES = {"pkttype": (0, 10, 2, 1), "hatype": (2, 8, 2, 2), "halen": (4, 11, 2, 1)}
"""{name: (offset in the first version, in the second, bytes there, bytes here)} of numbers in both (LINKTYPE_LINUX_SLL, _SLL2)."""
GRE_HARDWARE = (778, 823)
IPV4_HARDWARE = (768, 776, 778)
NETLINK = 824
"""Messages of netlink have no such header in Wireshark."""


def _cooked(version: int) -> Finder:
    """The headers of one version, from the first byte to the last captured one."""
    link_type, size = (SLL, 16) if version == 1 else (SLL2, 20)

    def find(view: View, candidates: Table) -> Headers:
        table = view.table
        packets = candidates[(table[c.LINK_TYPE, candidates] == link_type) & (table[c.CAPLEN, candidates] >= size)]
        packets = packets[view.number(table[c.START, packets] + (2 if version == 1 else 8), 2) != NETLINK]
        at = table[c.START, packets]
        none = np.zeros(len(packets), np.int64)
        return Headers(packets, at, at + table[c.CAPLEN, packets], none, none != 0, none)

    return find


_FIRST, _SECOND = _cooked(1), _cooked(2)


def _number(kind: str) -> Source:
    one, two, size, size2 = ADDRESS_TYPES[kind]

    def source(view: View, candidates: Table) -> Column:
        return joined([read(_FIRST, NUMBER, one, size)(view, candidates), read(_SECOND, NUMBER, two, size2)(view, candidates)])

    return source


def _source_address(view: View, candidates: Table) -> tuple[Headers, Table, Table]:
    """(headers that begin with the address, its length, type of hardware)."""
    parts = []
    for find, hardware, length, size, address in ((_FIRST, 2, 4, 2, 6), (_SECOND, 8, 11, 1, 12)):
        cooked = find(view, candidates)
        parts.append((cooked.packets, cooked.at + address, view.number(cooked.at + length, size), view.number(cooked.at + hardware, 2)))
    packets, at, lengths, kinds = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(packets, kind="stable")
    none = np.zeros(len(packets), np.int64)
    found = Headers(packets[order], at[order], at[order] + 8, none, none != 0, none)
    return found, lengths[order], kinds[order]


def _address(kind: str) -> Finder:
    def find(view: View, candidates: Table) -> Headers:
        found, length, hardware = _source_address(view, candidates)
        four = (length == 4) & np.isin(hardware, IPV4_HARDWARE)
        six = (length == 6) & ~four
        which = {"eth": six, "ipv4": four, "other": ~four & ~six & (length > 0)}[kind]
        size = np.minimum(length, 8)[which]
        found = found.only(which)
        return Headers(found.packets, found.at, found.at + size, found.proto, found.quoted, found.nth)

    return find


def _unused(view: View, candidates: Table) -> Headers:
    found, length, _ = _source_address(view, candidates)
    which = length < 8
    found = found.only(which)
    return Headers(found.packets, found.at + length[which], found.at + 8, found.proto, found.quoted, found.nth)


def _protocol(kind: str) -> Source:
    """What follows: an Ethernet type, a type of GRE, or a number of Linux's own."""
    def source(view: View, candidates: Table) -> Column:
        columns = []
        for find, hardware, offset in ((_FIRST, 2, 14), (_SECOND, 8, 0)):
            found = find(view, candidates)
            value = view.number(found.at + offset, 2)
            gre = np.isin(view.number(found.at + hardware, 2), GRE_HARDWARE)
            which = {"etype": (value >= 0x600) & ~gre, "gretype": (value >= 0x600) & gre, "ltype": value < 0x600}[kind]
            columns.append(Column(found.packets[which], value[which]))
        return joined(columns)

    return source


def _sll(name: str, kind: Type, meaning: str, source: Source, bits: int = 16, names: dict[str, int] | None = None) -> Field:
    return Field(f"sll.{name}", kind, meaning, source, GATHER, bits=bits, names=names)


COOKED = [
    _sll("pkttype", NUMBER, "0 to us, 1 broadcast, 2 multicast, 3 to others, 4 sent by us", _number("pkttype")),
    _sll("hatype", NUMBER, "type of hardware", _number("hatype")),
    _sll("halen", NUMBER, "bytes of the address", _number("halen")),
    field("sll.src.eth", ETHER, "source", _address("eth"), 0, 6, dear=False),
    field("sll.src.ipv4", IPV4, "source", _address("ipv4"), 0, 4, dear=False),
    field("sll.src.other", BYTES, "source, of another kind", _address("other"), 0, REST),
    field("sll.unused", BYTES, "room of the address that is not used", _unused, 0, REST),
    _sll("etype", NUMBER, "what the packet holds, as an Ethernet type", _protocol("etype"), names=ETHERTYPES),
    _sll("gretype", NUMBER, "what the packet holds, as a type of GRE", _protocol("gretype")),
    _sll("ltype", NUMBER, "what the packet holds, as a number of Linux", _protocol("ltype")),
    field("sll.ifindex", NUMBER, "number of the interface (version 2)", _SECOND, 4, 4, dear=False),
]


# --- UDP ------------------------------------------------------------------------------------------------------------------------

_UDP = where(headers("udp"), lambda view, found: found.at + 8 <= found.stop)


def _checksum_status(view: View, candidates: Table) -> Column:
    found = there(view, "udp", 0, 8)
    found = found.only(~wrong_length(view, found))
    zero = view.number(found.at + 6, 2) == 0
    return Column(found.packets, np.where(zero, CHECKSUM["not present"], CHECKSUM["unverified"]), found.nth)


def _in_version_6(view: View, found: Headers) -> Mask:
    return view.table[c.IP_VERSION, found.packets] == 6


def _port(view: View, found: Headers) -> Table:
    return view.number(found.at + 2, 2)


UDP_MORE = [
    Field("udp.checksum.status", NUMBER, "2: nobody checks it; 3: there is none", _checksum_status, COLUMN, bits=8, names=CHECKSUM),
    field("udp.checksum.zero", NONE, "no checksum, which IPv6 does not allow",
          where(where(_UDP, _in_version_6), lambda view, found: view.number(found.at + 6, 2) == 0), dear=False),
    field("udp.length.bad", NONE, "a length that cannot be", where(_UDP, wrong_length), dear=False),
    field("udp.possible_traceroute", NONE, "a port that traceroute uses",
          where(_UDP, lambda view, found: (_port(view, found) > 33434) & (_port(view, found) <= 33464)), dear=False),
]

LINK_FIELDS = [*LINK_MORE, *COOKED, *UDP_MORE]
