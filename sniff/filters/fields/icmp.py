"""Fields of ICMP, IGMP and ARP messages that few ask for (RFC 792, 950, 1256, 4884, 8335; 1112, 2236, 3376; 826)."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from sniff import limits
from sniff.filters.columns import Column, Mask, numbers, objects
from sniff.filters.field import COLUMN, PARSE, Field, Source
from sniff.filters.fields.packets import CHECKSUM, arp_part, arp_requests
from sniff.filters.fields.places import (
    REST,
    Finder,
    after,
    either,
    field,
    headers,
    longer,
    read,
    repeated,
    report_groups,
    together,
    where,
)
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets import columns as c
from sniff.packets.batch import Table

NONE, BOOLEAN, NUMBER, BYTES, IPV4 = Type.NONE, Type.BOOLEAN, Type.NUMBER, Type.BYTES, Type.IPV4


# --- what they share ------------------------------------------------------------------------------------------------------------

def of_types(find: Finder, *types: int) -> Finder:
    """Messages of some types."""
    return where(find, lambda view, found: (found.at < found.stop) & np.isin(view.data[np.minimum(found.at, len(view.data) - 1)], types))


def internet_sum(data: bytes) -> int:
    """0 where the sum over a message and its checksum is right (RFC 1071)."""
    total = sum(data[::2]) * 256 + sum(data[1::2])
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def sums(find: Finder, pseudo: bool = False) -> Callable[[View, Table], tuple[Headers, Mask, Mask]]:
    """(messages, whether the checksum of each is right, whether anybody can tell): one that was cut off cannot be verified."""
    def found_sums(view: View, candidates: Table) -> tuple[Headers, Mask, Mask]:
        found = find(view, candidates)
        whole = (view.table[c.FLAGS][found.packets] & int(c.Flag.CUT) == 0) & ~found.quoted
        right = np.zeros(len(found.at), np.bool_)
        for k in np.flatnonzero(whole).tolist():
            data = view.slice(int(found.at[k]), int(found.stop[k]))
            if pseudo:
                column = view.table[[c.SRC_HI, c.SRC_LO, c.DST_HI, c.DST_LO], found.packets[k]].tolist()
                data = b"".join((half & 2**64 - 1).to_bytes(8, "big") for half in column) + len(data).to_bytes(4, "big") + b"\0\0\0:" + data
            right[k] = internet_sum(data) == 0
        return found, right, whole

    return found_sums


def status(check: Callable[[View, Table], tuple[Headers, Mask, Mask]]) -> Source:
    """0 bad, 1 good, 2 nobody can tell."""
    def source(view: View, candidates: Table) -> Column:
        found, right, whole = check(view, candidates)
        values = np.where(whole, np.where(right, CHECKSUM["good"], CHECKSUM["bad"]), CHECKSUM["unverified"])
        return Column(found.packets, values, found.nth)

    return source


def bad(check: Callable[[View, Table], tuple[Headers, Mask, Mask]]) -> Source:
    """Where it is wrong."""
    def source(view: View, candidates: Table) -> Column:
        found, right, whole = check(view, candidates)
        found = found.only(whole & ~right)
        return Column(found.packets, np.ones(len(found.packets), np.int64), found.nth)

    return source


# --- answers to pings -------------------------------------------------------------------------------------------------------------

PING, PONG = {8: 0, 128: 0}, {0: 1, 129: 1}


class Pings:
    """Which request a reply answers: {packet index: (packet of the request, nanoseconds since)}.

    One request has one reply; those with a wrong checksum do not count.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[object, ...], tuple[int, int]] = OrderedDict()

    def add(self, view: View) -> None:
        found: dict[int, tuple[int, int]] = {}
        for protocol in ("icmp", "icmpv6"):
            self._see(view, protocol, longer(headers(protocol), 8)(view, np.arange(view.size)), found)
        view.memory["pings"] = found

    def _see(self, view: View, protocol: str, messages: Headers, found: dict[int, tuple[int, int]]) -> None:
        messages = messages.only(~messages.quoted)
        messages = messages.only(np.isin(view.data[messages.at], [*PING, *PONG]))
        _, right, whole = sums(lambda view, candidates: messages, protocol == "icmpv6")(view, messages.packets)
        messages = messages.only(right | ~whole)
        ends = view.table[[c.IP_VERSION, c.SRC_HI, c.SRC_LO, c.DST_HI, c.DST_LO, c.NUMBER, c.TS_NS, c.VLAN]][:, messages.packets].T.tolist()
        for packet, at, (version, *addresses, number, ns, vlan) in zip(messages.packets.tolist(), messages.at.tolist(), ends, strict=True):
            request = int(view.data[at]) in PING
            key = version, frozenset((tuple(addresses[:2]), tuple(addresses[2:]))), view.slice(at + 4, at + 8), vlan
            if request:
                self._open[key] = number, ns
                self._open.move_to_end(key)
                if len(self._open) > limits.DNS_PENDING:
                    self._open.popitem(last=False)
            elif key in self._open:
                asked, since = self._open.pop(key)
                found[packet] = asked, ns - since


def _ping(version: int, time: bool) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found = [(packet, value) for packet, value in sorted(view.memory["pings"].items()) if view.table[c.IP_VERSION, packet] == version]
        packets = np.array([packet for packet, _ in found], np.int64)
        if time:
            return Column(packets, np.array([ns / 1_000_000 for _, (_, ns) in found], np.float64))
        return numbers(packets, [asked for _, (asked, _) in found])

    return source


def ping_fields(prefix: str, version: int) -> list[Field]:
    """Of replies to pings."""
    return [Field(f"{prefix}.resp_to", NUMBER, "packet with the ping that it answers", _ping(version, False), COLUMN, bits=32,
                  trackers=("pings",)),
            Field(f"{prefix}.resptime", Type.FLOAT, "milliseconds since that ping", _ping(version, True), COLUMN, trackers=("pings",))]


# --- ICMP -------------------------------------------------------------------------------------------------------------------------

_ICMP = longer(headers("icmp"), 8)
_ERRORS = of_types(_ICMP, 3, 11, 12)
_LENGTH = where(_ERRORS, lambda view, found: view.data[found.at + 5] != 0)
_CHECK = sums(longer(headers("icmp"), 4))
_STAMPS, _ADVERT = of_types(_ICMP, 13, 14), of_types(_ICMP, 9)
_ECHO, _ECHO_REPLY = of_types(_ICMP, 42), of_types(_ICMP, 43)
PROBE = (("ext.echo.req.res", NUMBER, "reserved", 0, 0xFE), ("ext.echo.req.local", BOOLEAN, "an interface of its own", 0, 0x01),
         ("ext.echo.rsp.state", NUMBER, "state", 1, 0xE0), ("ext.echo.rsp.res", NUMBER, "reserved", 1, 0x18),
         ("ext.echo.rsp.active", BOOLEAN, "the interface is active", 1, 0x04), ("ext.echo.rsp.ipv4", BOOLEAN, "it has IPv4", 1, 0x02),
         ("ext.echo.rsp.ipv6", BOOLEAN, "it has IPv6", 1, 0x01))
"""(name, type, meaning, 0 of requests or 1 of replies, mask) of extended echo (RFC 8335 section 2)."""


def _unused(view: View, candidates: Table) -> Headers:
    """Bytes that the type does not use: where one of them became a length, those before and behind it."""
    parts = []
    found = _ERRORS(view, candidates)
    kind, code, length = view.data[found.at], view.data[found.at + 1], view.data[found.at + 5]
    mtu = (kind == 3) & (code == 4)
    for which, begin, end in ((length == 0) & (kind != 12) & ~mtu, 4, 8), ((length != 0) & (kind != 12), 4, 5), \
            ((length != 0) & (kind != 12) & ~mtu, 6, 8), ((kind == 12) & (length != 0), 6, 8), ((kind == 12) & (length == 0), 5, 8), \
            (mtu & (length == 0), 4, 6):
        some = found.only(which)
        parts.append(Headers(some.packets, some.at + begin, some.at + end, some.proto, some.quoted, some.nth))
    return together(parts)


def _routers(view: View, candidates: Table) -> Headers:
    """Each router of an advertisement."""
    found = where(_ADVERT, lambda view, found: view.data[found.at + 5] == 2)(view, candidates)
    entries = repeated(lambda view, candidates: found, 8, 8, 255)(view, candidates)
    most = {(packet, nth): int(view.data[at + 4]) for packet, nth, at in zip(found.packets.tolist(), found.nth.tolist(), found.at.tolist(),
                                                                            strict=True)}
    count = np.array([most[key] for key in zip(entries.packets.tolist(), entries.nth.tolist(), strict=True)], np.int64)
    return entries.only(entries.proto < count)


def _extensions(view: View, candidates: Table) -> Headers:
    """What is appended to an error (RFC 4884 section 7): behind what it quotes, of which there are 128 bytes when it tells no length."""
    found = _ERRORS(view, candidates)
    length = view.data[found.at + 5].astype(np.int64) * 4
    found, length = found.only((length == 0) | (length >= 128)), length[(length == 0) | (length >= 128)]
    at = found.at + 8 + np.where(length, length, 128)
    echo = of_types(_ICMP, 42)(view, candidates)
    inside = at < found.stop        # of errors only version 2 is known
    inside[inside] = view.data[at[inside]] >> 4 == 2
    found, at = found.only(inside), at[inside]
    parts = (Headers(found.packets, at, found.stop, found.proto, found.quoted, found.nth),
             Headers(echo.packets, echo.at + 8, echo.stop, echo.proto, echo.quoted, echo.nth))
    both = together(parts)
    return both.only(both.at + 4 <= both.stop)


def _objects(view: View, candidates: Table) -> Headers:
    """The objects in it; `proto` is class << 8 | type."""
    found = _extensions(view, candidates)
    rows: list[tuple[int, int, int, int]] = []
    for k, (at, stop) in enumerate(zip((found.at + 4).tolist(), found.stop.tolist(), strict=True)):
        while at + 4 <= stop:
            header = view.slice(at, at + 4)
            size = int.from_bytes(header[:2], "big")
            if size < 4 or at + size > stop:
                break
            rows.append((k, at, at + size, header[2] << 8 | header[3]))
            at += size
    table = np.array(rows, np.int64).reshape(-1, 4)
    inside = found.only(table[:, 0])
    return Headers(inside.packets, table[:, 1].copy(), table[:, 2].copy(), table[:, 3].copy(), inside.quoted, inside.nth)


_LABELS = after(where(_objects, lambda view, found: found.proto == 0x0101), 4)
_LABEL = repeated(_LABELS, 0, 4)

ICMP = [
    Field("icmp.checksum.status", NUMBER, "0 bad, 1 good", status(_CHECK), PARSE, bits=8, names=CHECKSUM),
    Field("icmp.checksum_bad", NONE, "the checksum is wrong", bad(_CHECK), PARSE),
    field("icmp.unused", BYTES, "bytes without a meaning", _unused, 0, REST),
    field("icmp.length", NUMBER, "length of what an error quotes, in words", _LENGTH, 5, 1),
    field("icmp.length.original_datagram", NUMBER, "length of what an error quotes", _LENGTH, 5, 1, scale=4),
    field("icmp.pointer", NUMBER, "place of the mistake", of_types(_ICMP, 12), 4, 1, bits=32),
    field("icmp.originate_timestamp", NUMBER, "when it was sent, milliseconds since midnight", _STAMPS, 8, 4),
    field("icmp.receive_timestamp", NUMBER, "when it was received", longer(_STAMPS, 20), 12, 4),
    field("icmp.transmit_timestamp", NUMBER, "when the answer was sent", longer(_STAMPS, 20), 16, 4),
    field("icmp.address_mask", IPV4, "mask of the network", of_types(_ICMP, 17, 18), 8, 4),
    field("icmp.num_addrs", NUMBER, "routers in an advertisement", _ADVERT, 4, 1),
    field("icmp.addr_entry_size", NUMBER, "words of each of them", _ADVERT, 5, 1),
    field("icmp.lifetime", NUMBER, "seconds for which it holds", _ADVERT, 6, 2),
    field("icmp.router_address", IPV4, "address of a router", _routers, 0, 4),
    Field("icmp.pref_level", NUMBER, "its preference", lambda view, candidates: _signed(read(_routers, NUMBER, 4, 4)(view, candidates)),
          PARSE, bits=32),
    field("icmp.ext", NONE, "something is appended to the message", _extensions),
    field("icmp.ext.version", NUMBER, "version of what is appended", _extensions, 0, 1, 0xF0),
    field("icmp.ext.res", NUMBER, "reserved", _extensions, 0, 2, 0x0FFF),
    field("icmp.ext.checksum", NUMBER, "checksum of what is appended", _extensions, 2, 2),
    field("icmp.ext.length", NUMBER, "length of an object", _objects, 0, 2),
    field("icmp.ext.class", NUMBER, "class of an object", _objects, 2, 1),
    field("icmp.ext.ctype", NUMBER, "type of an object", _objects, 3, 1),
    field("icmp.mpls.label", NUMBER, "label of MPLS", _LABEL, 0, 3, 0xFFFFF0, bits=24),
    field("icmp.mpls.exp", NUMBER, "its traffic class", _LABEL, 2, 1, 0x0E),
    field("icmp.mpls.s", BOOLEAN, "it is the last one", _LABEL, 2, 1, 0x01),
    field("icmp.mpls.ttl", NUMBER, "its time to live", _LABEL, 3, 1),
    field("icmp.ext.echo.seq", NUMBER, "extended echo: sequence number", of_types(_ICMP, 42, 43), 6, 1),
    *(field(f"icmp.{name}", kind, f"extended echo: {meaning}", (_ECHO, _ECHO_REPLY)[reply], 7, 1, mask)
      for name, kind, meaning, reply, mask in PROBE),
    *ping_fields("icmp", 4),
]


def _signed(column: Column) -> Column:
    return column.having(column.values - ((column.values & 0x80000000) << 1))


# --- IGMP -------------------------------------------------------------------------------------------------------------------------

_IGMP = longer(headers("igmp"), 8)
QUERY, REPORT_1, REPORT_2, LEAVE, REPORT_3 = 0x11, 0x12, 0x16, 0x17, 0x22
_KNOWN = of_types(_IGMP, QUERY, REPORT_1, REPORT_2, LEAVE, REPORT_3)


def _summed(view: View, candidates: Table) -> Headers:
    """What the checksum is about: of versions 1 and 2 eight bytes."""
    found = _KNOWN(view, candidates)
    kind, size = view.data[found.at], found.stop - found.at
    short = np.isin(kind, (REPORT_1, REPORT_2, LEAVE)) | ((kind == QUERY) & (size < 12))
    return Headers(found.packets, found.at, np.where(short, found.at + 8, found.stop), found.proto, found.quoted, found.nth)


_GROUP = of_types(_IGMP, QUERY, REPORT_1, REPORT_2, LEAVE)
_QUERY_3 = longer(of_types(_IGMP, QUERY), 12)
_IGMP_CHECK = sums(_summed)


def _version_of(view: View, found: Headers) -> Table:
    kind, size = view.data[found.at], found.stop - found.at
    version: Table = np.select([kind == REPORT_1, kind == REPORT_3, (kind == QUERY) & (size >= 12),
          (kind == QUERY) & (view.data[found.at + 1] == 0)],
                        [1, 3, 3, 1], 2)
    return version


def _version(view: View, candidates: Table) -> Column:
    found = _KNOWN(view, candidates)
    return Column(found.packets, _version_of(view, found), found.nth)


def _records(view: View, candidates: Table) -> Headers:
    """Groups of a report of version 3."""
    return report_groups(view, of_types(_IGMP, REPORT_3)(view, candidates), 8, 4)


def _sources(view: View, candidates: Table) -> Headers:
    """Sources of groups, in queries and reports of version 3."""
    parts = []
    for find, count_at, first in ((_QUERY_3, 10, 12), (_records, 2, 8)):
        found = find(view, candidates)
        count = np.minimum(view.number(found.at + count_at, 2), np.maximum((found.stop - found.at - first) // 4, 0))
        inside = found.only(np.repeat(np.arange(len(count)), count))
        nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        at = inside.at + first + 4 * nth
        parts.append(Headers(inside.packets, at, at + 4, nth, inside.quoted, inside.nth))
    return together(parts)


def _reserved(view: View, candidates: Table) -> Headers:
    found = of_types(_IGMP, REPORT_3)(view, candidates)
    parts = [Headers(found.packets, found.at + begin, found.at + end, found.proto, found.quoted, found.nth) for begin, end in ((1,
          2), (4, 6))]
    first = where(_KNOWN, lambda view, found: _version_of(view, found) == 1)(view, candidates)
    parts.append(Headers(first.packets, first.at + 1, first.at + 2, first.proto, first.quoted, first.nth))
    return together(parts)


IGMP = [
    field("igmp.type", NUMBER, "type of the message: 0x11 query, 0x16 and 0x22 reports, 0x17 leave", longer(headers("igmp"), 1), 0, 1),
    Field("igmp.version", NUMBER, "version", _version, PARSE, bits=8),
    field("igmp.checksum", NUMBER, "checksum, as it was sent", _KNOWN, 2, 2),
    Field("igmp.checksum.status", NUMBER, "0 bad, 1 good", status(_IGMP_CHECK), PARSE, bits=8, names=CHECKSUM),
    Field("igmp.bad_checksum", NONE, "the checksum is wrong", bad(_IGMP_CHECK), PARSE),
    field("igmp.maddr", IPV4, "group", either(after(_GROUP, 4), after(_records, 4)), 0, 4),
    field("igmp.reserved", BYTES, "reserved", _reserved, 0, REST),
    field("igmp.s", BOOLEAN, "routers need not note it", _QUERY_3, 8, 1, 0x08),
    field("igmp.qrv", NUMBER, "robustness of who asks", _QUERY_3, 8, 1, 0x07),
    field("igmp.qqic", NUMBER, "how often it asks, as a code", _QUERY_3, 9, 1),
    field("igmp.num_src", NUMBER, "number of sources", either(after(_QUERY_3, 10), after(_records, 2)), 0, 2),
    field("igmp.saddr", IPV4, "a source", _sources, 0, 4),
    field("igmp.num_grp_recs", NUMBER, "groups in a report", of_types(_IGMP, REPORT_3), 6, 2),
    field("igmp.record_type", NUMBER, "what is said of a group", _records, 0, 1),
    field("igmp.aux_data_len", NUMBER, "words of more data", _records, 1, 1),
]


def _timed(view: View, found: Headers) -> Mask:
    """Version 1 has no such time."""
    silent = (view.data[found.at] == QUERY) & (found.stop - found.at < 12) & (view.data[found.at + 1] == 0)
    return (view.data[found.at] != REPORT_1) & ~silent


def _response_time(view: View, candidates: Table) -> Column:
    """In version 3 a large one is an exponent and a mantissa (RFC 3376 section 4.1.1)."""
    found = where(_GROUP, _timed)(view, candidates)
    code = view.data[found.at + 1].astype(np.int64)
    large = (view.data[found.at] == QUERY) & (found.stop - found.at >= 12) & (code >= 128)
    return Column(found.packets, np.where(large, (code & 15 | 16) << ((code >> 4 & 7) + 3), code), found.nth)


_EXPONENT = where(_QUERY_3, lambda view, found: view.data[found.at + 1] >= 128)
IGMP += [
    Field("igmp.max_resp", NUMBER, "tenths of a second in which to answer", _response_time, PARSE, bits=8),
    field("igmp.max_resp.exp", NUMBER, "exponent of that", _EXPONENT, 1, 1, 0x70),
    field("igmp.max_resp.mant", NUMBER, "mantissa of that", _EXPONENT, 1, 1, 0x0F),
]


# --- ARP ---------------------------------------------------------------------------------------------------------------------------

def _bytes_of(part: int) -> Source:
    """An address that is not one of Ethernet or IPv4."""
    def source(view: View, candidates: Table) -> Column:
        found, at = arp_part(part)(view, candidates)
        which = (found.proto == 0) & np.isin(found.packets, candidates)
        found, at = found.only(which), at[which]
        return objects(found.packets, [view.slice(a, b) for a, b in zip(at.tolist(), found.stop.tolist(), strict=True)], found.nth)

    return source


def _announces(probe: bool) -> Source:
    """A request of somebody for its own address (RFC 5227 section 1.1): a probe does not say who asks."""
    def source(view: View, candidates: Table) -> Column:
        found, own, wanted, request = arp_requests(view)
        size = view.data[found.at + 4].astype(np.int64)
        target = np.array([not any(view.slice(at + 12 + length, at + 12 + 2 * length))
                           for at, length in zip(found.at.tolist(), size.tolist(), strict=True)], np.bool_)
        found = found.only(request & target & ((own == 0) if probe else (own == wanted) & (own != 0)))
        return Column(found.packets, np.ones(len(found.packets), np.int64), found.nth)

    return source


ARP = [
    Field("arp.isprobe", BOOLEAN, "asks whether somebody has the address that it wants to use", _announces(True), PARSE),
    Field("arp.isannouncement", BOOLEAN, "says which address it has", _announces(False), PARSE),
    *(Field(f"arp.{name}", BYTES, f"{meaning}, where it is not one of {kind}", _bytes_of(part), PARSE) for part, (name, meaning, kind) in
      enumerate((("src.hw", "hardware address of the sender", "Ethernet"), ("src.proto", "address of the sender", "IPv4"),
                 ("dst.hw", "hardware address of the target", "Ethernet"), ("dst.proto", "address of the target", "IPv4")))),
]

ICMP_FIELDS = [*ICMP, *IGMP, *ARP]
