"""Fields of ICMPv6 messages: neighbour discovery and its options, groups (RFC 4443, 4861, 4191, 8106, 2710, 3810)."""

import numpy as np

from sniff.filters.columns import Column, joined
from sniff.filters.field import PARSE, Field, Source
from sniff.filters.fields.icmp import bad, of_types, ping_fields, status, sums
from sniff.filters.fields.packets import CHECKSUM
from sniff.filters.fields.places import (
    REST,
    Finder,
    after,
    either,
    field,
    headers,
    listed,
    longer,
    of_kind,
    read,
    repeated,
    report_groups,
    where,
)
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets.batch import Table

NONE, BOOLEAN, NUMBER, BYTES, IPV6 = Type.NONE, Type.BOOLEAN, Type.NUMBER, Type.BYTES, Type.IPV6

_ALL = longer(headers("icmpv6"), 8)
_CHECK = sums(longer(headers("icmpv6"), 4), pseudo=True)


# --- neighbour discovery --------------------------------------------------------------------------------------------------------

OPTIONS_AT = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}
"""{type of a message: where its options begin}."""


def options(view: View, candidates: Table) -> Headers:
    """All options that are whole."""
    found = of_types(_ALL, *OPTIONS_AT)(view, candidates)
    begins = np.zeros(256, np.int64)
    begins[list(OPTIONS_AT)] = list(OPTIONS_AT.values())
    return listed(view, found, found.at + begins[view.data[found.at]], found.stop, alone=(), last=(), unit=8)


def option(*kinds: int) -> Finder:
    """Options of some kinds."""
    return of_kind(options, *kinds)


def _part(find: Finder, begin: int, end: int) -> Finder:
    """Some bytes of places."""
    def find_part(view: View, candidates: Table) -> Headers:
        found = find(view, candidates)
        found = found.only(found.at + end <= found.stop)
        return Headers(found.packets, found.at + begin, found.at + end, found.proto, found.quoted, found.nth)

    return find_part


_PREFIX, _ROUTE = longer(option(3), 32), longer(option(24), 8)
_RA, _NA = longer(of_types(_ALL, 134), 16), of_types(_ALL, 136)
OPT = "icmpv6.opt."


def _prefixes(view: View, candidates: Table) -> Column:
    """Whole ones, and those of routes of which only the first half is sent (RFC 4191 section 2.3)."""
    whole = read(either(after(_PREFIX, 16), after(longer(_ROUTE, 24), 8)), IPV6, 0, 16)(view, candidates)
    found = where(_ROUTE, lambda view, found: found.stop - found.at == 16)(view, candidates)
    halves = view.number(found.at + 8, 8).view(np.uint64)
    return joined([whole, Column(found.packets, np.stack([halves, np.zeros_like(halves)], axis=1), found.nth)])


def _coded(offset: int, size: int, mantissa: int) -> Source:
    """A number of a query that may be written as an exponent of three bits and a mantissa (RFC 3810 section 5.1)."""
    plain = read(_QUERY_2, NUMBER, offset, size)

    def source(view: View, candidates: Table) -> Column:
        column = plain(view, candidates)
        value = column.values
        large = (value & (1 << mantissa) - 1 | 1 << mantissa) << ((value >> mantissa & 7) + 3)
        return column.having(np.where(value >= 1 << 8 * size - 1, large, value))

    return source


DISCOVERY = [
    field("icmpv6.opt", NONE, "an option of neighbour discovery", options),
    field(OPT + "type", NUMBER, "kind of an option", options, 0, 1),
    field(OPT + "length", NUMBER, "length of an option, in units of 8 bytes", options, 1, 1),
    field(OPT + "linkaddr", BYTES, "link address", option(1, 2), 2, REST),
    field(OPT + "src_linkaddr", BYTES, "link address of the sender", option(1), 2, REST),
    field(OPT + "target_linkaddr", BYTES, "link address of the target", option(2), 2, REST),
    field(OPT + "reserved", NONE, "reserved bytes of an option", option(3, 4, 5, 7, 8, 25, 31)),
    field(OPT + "prefix.length", NUMBER, "bits of a prefix", either(_PREFIX, _ROUTE), 2, 1),
    field(OPT + "prefix.flag", NUMBER, "flags of a prefix", _PREFIX, 3, 1),
    field(OPT + "prefix.flag.l", BOOLEAN, "it is on the link", _PREFIX, 3, 1, 0x80),
    field(OPT + "prefix.flag.a", BOOLEAN, "addresses may be made of it", _PREFIX, 3, 1, 0x40),
    field(OPT + "prefix.flag.r", BOOLEAN, "it holds the address of the router", _PREFIX, 3, 1, 0x20),
    field(OPT + "prefix.flag.reserved", NUMBER, "reserved", _PREFIX, 3, 1, 0x1F),
    field(OPT + "prefix.valid_lifetime", NUMBER, "seconds for which it is valid", _PREFIX, 4, 4),
    field(OPT + "prefix.preferred_lifetime", NUMBER, "seconds for which it is preferred", _PREFIX, 8, 4),
    Field(OPT + "prefix", IPV6, "a prefix", lambda view, candidates: _prefixes(view, candidates), PARSE),
    field(OPT + "mtu", NUMBER, "largest packet of the link", option(5), 4, 4),
    field(OPT + "nonce", BYTES, "nonce", option(14), 2, REST),
    field(OPT + "advertisement_interval", NUMBER, "milliseconds between advertisements", option(7), 4, 4),
    field(OPT + "home_agent_preference", NUMBER, "preference of the home agent", option(8), 4, 2),
    field(OPT + "home_agent_lifetime", NUMBER, "lifetime of the home agent", option(8), 6, 2),
    field(OPT + "route_info.flag", NUMBER, "flags of a route", _ROUTE, 3, 1),
    field(OPT + "route_info.flag.route_preference", NUMBER, "preference of a route", _ROUTE, 3, 1, 0x18),
    field(OPT + "route_info.flag.reserved", NUMBER, "reserved", _ROUTE, 3, 1, 0xE7),
    field(OPT + "route_lifetime", NUMBER, "lifetime of a route", _ROUTE, 4, 4),
    field(OPT + "rdnss.lifetime", NUMBER, "seconds for which DNS servers are good", option(25), 4, 4),
    field(OPT + "rdnss", IPV6, "address of a DNS server", repeated(option(25), 8, 16), 0, 16),
    field(OPT + "dnssl.lifetime", NUMBER, "seconds for which the search list is good", option(31), 4, 4),
    field("icmpv6.nd.ra.flag", NUMBER, "flags of a router", _RA, 5, 1),
    field("icmpv6.nd.ra.flag.h", BOOLEAN, "it is a home agent", _RA, 5, 1, 0x20),
    field("icmpv6.nd.ra.flag.prf", NUMBER, "preference of a router", _RA, 5, 1, 0x18),
    field("icmpv6.nd.ra.flag.p", BOOLEAN, "it is a proxy", _RA, 5, 1, 0x04),
    field("icmpv6.nd.ra.flag.rsv", NUMBER, "reserved", _RA, 5, 1, 0x03),
    field("icmpv6.nd.ra.reachable_time", NUMBER, "milliseconds for which a neighbour counts as reachable", _RA, 8, 4),
    field("icmpv6.nd.ra.retrans_timer", NUMBER, "milliseconds until asked again", _RA, 12, 4),
    field("icmpv6.nd.na.flag", NUMBER, "flags of a neighbour", _NA, 4, 4),
    field("icmpv6.nd.na.flag.rsv", NUMBER, "reserved", _NA, 4, 4, 0x1FFFFFFF),
    field("icmpv6.nd.rd.target_address", IPV6, "a better way", of_types(_ALL, 137), 8, 16),
    field("icmpv6.rd.na.destination_address", IPV6, "where it leads", of_types(_ALL, 137), 24, 16),
]


# --- groups -----------------------------------------------------------------------------------------------------------------------

_GROUP = longer(of_types(_ALL, 130, 131, 132), 24)
_QUERY_2 = longer(of_types(_ALL, 130), 28)
_QUERY_1 = where(_GROUP, lambda view, found: (view.data[found.at] != 130) | (found.stop - found.at < 28))
_REPORT = of_types(_ALL, 143)


def _records(view: View, candidates: Table) -> Headers:
    """Groups of a report of version 2."""
    return report_groups(view, _REPORT(view, candidates), 20, 16)


GROUPS = [
    field("icmpv6.mld.maximum_response_delay", NUMBER, "milliseconds in which to answer", _QUERY_1, 4, 2),
    Field("icmpv6.mld.maximum_response_code", NUMBER, "milliseconds in which to answer", _coded(4, 2, 12), PARSE, bits=32),
    field("icmpv6.mld.multicast_address", IPV6, "group", _GROUP, 8, 16),
    field("icmpv6.mld.flag", NUMBER, "flags of a query", _QUERY_2, 24, 1),
    field("icmpv6.mld.flag.s", BOOLEAN, "routers need not note it", _QUERY_2, 24, 1, 0x08),
    field("icmpv6.mld.flag.qrv", NUMBER, "robustness of who asks", _QUERY_2, 24, 1, 0x07),
    field("icmpv6.mld.flag.reserved", NUMBER, "reserved", _QUERY_2, 24, 1, 0xF0),
    Field("icmpv6.mld.qqi", NUMBER, "seconds between queries", _coded(25, 1, 4), PARSE, bits=16),
    field("icmpv6.mld.nb_sources", NUMBER, "number of sources", _QUERY_2, 26, 2),
    field("icmpv6.mld.source_address", IPV6, "a source", repeated(_QUERY_2, 28, 16), 0, 16),
    field("icmpv6.mldr.nb_mcast_records", NUMBER, "groups in a report", _REPORT, 6, 2),
    field("icmpv6.mldr.mar", NONE, "a group in a report", _records),
    field("icmpv6.mldr.mar.record_type", NUMBER, "what is said of a group", _records, 0, 1),
    field("icmpv6.mldr.mar.aux_data_len", NUMBER, "words of more data", _records, 1, 1),
    field("icmpv6.mldr.mar.nb_sources", NUMBER, "number of sources", _records, 2, 2),
    field("icmpv6.mldr.mar.multicast_address", IPV6, "group", _records, 4, 16),
    field("icmpv6.mldr.mar.source_address", IPV6, "a source", repeated(_records, 20, 16), 0, 16),
]


# --- all messages -----------------------------------------------------------------------------------------------------------------

_ERRORS = where(of_types(_ALL, 1, 3), lambda view, found: view.data[found.at + 4] != 0)

ICMPV6_FIELDS = [
    Field("icmpv6.checksum.status", NUMBER, "0 bad, 1 good", status(_CHECK), PARSE, bits=8, names=CHECKSUM),
    Field("icmpv6.checksum_bad.expert", NONE, "the checksum is wrong", bad(_CHECK), PARSE),
    field("icmpv6.length", NUMBER, "length of what an error quotes, in units of 8 bytes", _ERRORS, 4, 1),
    field("icmpv6.pointer", NUMBER, "place of the mistake", of_types(_ALL, 4), 4, 4),
    field("icmpv6.reserved", BYTES, "reserved", either(
        _part(of_types(_ALL, 133, 135, 137), 4, 8), _part(_GROUP, 6, 8), _part(_REPORT, 4, 6), _part(_ERRORS, 5, 8),
        _part(where(of_types(_ALL, 1, 3), lambda view, found: view.data[found.at + 4] == 0), 4, 8)), 0, REST),
    *ping_fields("icmpv6", 6),
    *DISCOVERY,
    *GROUPS,
]
