"""Fields of IPv6 extension headers and their options, and of addresses that hold others (RFC 8200 section 4 and those of each option)."""

from collections.abc import Callable

import numpy as np

from sniff.filters.columns import Column, Mask, joined, objects
from sniff.filters.field import PARSE, Field, Source
from sniff.filters.fields.packets import extensions
from sniff.filters.fields.places import REST, Finder, Guard, field, headers, listed, of_kind, read, repeated, where
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets import columns as c
from sniff.packets.batch import Table

NONE, BOOLEAN, NUMBER, BYTES, STRING = Type.NONE, Type.BOOLEAN, Type.NUMBER, Type.BYTES, Type.STRING
IPV4, IPV6, ETHER = Type.IPV4, Type.IPV6, Type.ETHER
HOP_BY_HOP, ROUTING, FRAGMENT, NO_NEXT, DESTINATION = 0, 43, 44, 59, 60


# --- extension headers --------------------------------------------------------------------------------------------------------

def extension_headers(view: View, candidates: Table) -> Headers:
    """All extension headers: `proto` says of which kind."""
    found = np.array(extensions(view), np.int64).reshape(-1, 4)
    found = found[np.isin(found[:, 0], candidates)]
    packets, kind, at, stop = (column.copy() for column in found.T)
    size = np.where(kind == FRAGMENT, 8, (view.data[at + 1].astype(np.int64) + 1) * 8) if len(at) else at
    none = np.zeros(len(at), np.int64)
    return Headers(packets, at, np.minimum(at + size, stop), kind, none != 0, none)


def extension(kind: int) -> Finder:
    """Those of one kind."""
    return of_kind(extension_headers, kind)


def options(view: View, candidates: Table) -> Headers:
    """All options in headers for each hop or for the destination: `nth` is the kind of that header."""
    around = of_kind(extension_headers, HOP_BY_HOP, DESTINATION)(view, candidates)
    around.nth = around.proto
    return listed(view, around, around.at + 2, around.stop, alone=(0,), last=(), more=2)


def option(kind: int, least: int = 0) -> Finder:
    """Options of one kind that hold that many bytes at least."""
    return where(of_kind(options, kind), lambda view, found: found.stop - found.at >= 2 + least)


def _byte(offset: int, mask: int, wanted: int) -> Guard:
    return lambda view, found: (found.at + offset < found.stop) \
        & (view.data[np.minimum(found.at + offset, len(view.data) - 1)] & mask == wanted)


IN_HOPS, IN_DESTINATION = frozenset({0x05, 0x07, 0x08, 0x26, 0x30, 0x31, 0x63, 0x6D, 0xC2, 0xEE}), frozenset({0x04, 0x0F, 0x8B, 0x8C, 0xC9})
"""Options that stand in one of the two headers only."""

SIZES = {0x04: (1,), 0x05: (2,), 0x26: (6,), 0xEE: (3,), 0xC2: (4,), 0xC9: (16,), 0x30: (4,), 0x0F: (10,)}
"""{kind: bytes that an option of that kind holds}."""

KNOWN = (0x00, 0x01, *SIZES, 0x07, 0x08, 0x31, 0x11, 0x63, 0x6D, 0x8B, 0x8C)
EXPERIMENTS = (0x1E, 0x3E, 0x5E, 0x7E, 0x9E, 0xBE, 0xDE, 0xFE)


def _mismatch(view: View, found: Headers) -> Mask:
    return ((found.nth == HOP_BY_HOP) & np.isin(found.proto, list(IN_DESTINATION))) \
        | ((found.nth == DESTINATION) & np.isin(found.proto, list(IN_HOPS)))


def _wrong_length(view: View, found: Headers) -> Mask:
    size = found.stop - found.at - 2
    wrong = ((found.proto == 0x07) & (size < 8)) | ((found.proto == 0x63) & (size < 4))
    for kind, sizes in SIZES.items():
        wrong |= (found.proto == kind) & ~np.isin(size, sizes)
    return wrong


def _other(view: View, found: Headers) -> Mask:
    return ~np.isin(found.proto, (*KNOWN, *EXPERIMENTS))


def _jumbo(wanted: str) -> Finder:
    """Jumbo payloads that are not as they should be (RFC 2675 section 3)."""
    def find(view: View, candidates: Table) -> Headers:
        found = option(0xC2, 4)(view, candidates)
        if wanted == "truncated":
            return found.only(view.number(found.at + 2, 4) < 65536)
        around = headers("ipv6")(view, candidates)
        around = around.only(around.at + 6 <= around.stop)
        long = around.packets[view.number(around.at + 4, 2) != 0]
        return found.only(np.isin(found.packets, long))

    return find


def _empty(view: View, candidates: Table, missing: bool) -> Headers:
    """A length of 0: right for a jumbo payload only."""
    found = headers("ipv6")(view, candidates)
    found = found.only(found.at + 40 <= found.stop)
    found = found.only(view.number(found.at + 4, 2) == 0)
    hops = view.data[found.at + 6] == HOP_BY_HOP
    jumbo = np.isin(found.packets, option(0xC2)(view, candidates).packets)
    return found.only(hops & ~jumbo if missing else ~hops & (view.data[found.at + 6] != NO_NEXT))


def _exceeds(view: View, found: Headers) -> Mask:
    unseen = (view.table[c.WIRELEN] - view.table[c.CAPLEN])[found.packets]
    return ~found.quoted & (found.at + 40 <= found.stop) \
        & (view.number(np.minimum(found.at + 4, len(view.data) - 2), 2) > found.stop + unseen - found.at - 40)


def _not_first(view: View, candidates: Table) -> Headers:
    found = extension(HOP_BY_HOP)(view, candidates)
    around = headers("ipv6")(view, candidates)
    return found.only(~np.isin(found.at, around.at + 40))


P = "ipv6.opt."
_SMALL = {"rpl": (0x63, 4), "mpl": (0x6D, 2), "dff": (0xEE, 3), "pdm": (0x0F, 10), "qs": (0x26, 6), "calipso": (0x07, 8)}


def _seed(view: View, candidates: Table) -> Column:
    """The seed of a multicast option has 2, 8 or 16 bytes (RFC 7731 section 6.1)."""
    found = option(0x6D, 2)(view, candidates)
    size = np.array([0, 2, 8, 16])[view.data[found.at + 2] >> 6]
    which = (size > 0) & (found.at + 4 + size <= found.stop)
    found, size = found.only(which), size[which]
    return objects(found.packets, [view.slice(at + 4, at + 4 + length) for at, length in zip(found.at.tolist(), size.tolist(),
          strict=True)],
                   np.zeros(len(size), np.int64))


def _flagged(kind: int, offset: int, least: int, prefix: str, *rows: tuple[str, Type, str, int]) -> list[Field]:
    return [field(P + prefix + name, type_, meaning, option(kind, least), offset, 1, mask) for name, type_, meaning, mask in rows]


_LONG = where(options, lambda view, found: found.proto != 0)

OPTION_FIELDS = [
    field("ipv6.opt", NONE, "an option", options),
    field(P + "type", NUMBER, "kind of an option", options, 0, 1),
    field(P + "type.action", NUMBER, "what to do with a packet when the option is not known", _LONG, 0, 1, 0xC0),
    field(P + "type.change", BOOLEAN, "it may change on the way", _LONG, 0, 1, 0x20),
    field(P + "type.rest", NUMBER, "the other bits of its kind", _LONG, 0, 1, 0x1F),
    field(P + "length", NUMBER, "bytes that an option holds", _LONG, 1, 1),
    field(P + "pad1", NONE, "a byte of padding", of_kind(options, 0)),
    field(P + "padn", BYTES, "padding", of_kind(options, 1), 2, REST),
    field(P + "tel", NUMBER, "tunnel encapsulation limit", option(0x04, 1), 2, 1),
    field(P + "router_alert", NUMBER, "router alert", option(0x05, 2), 2, 2),
    field(P + "jumbo", NUMBER, "length of a jumbo payload", option(0xC2, 4), 2, 4),
    field(P + "jumbo.prohibited", NONE, "a jumbo payload although there is a length", _jumbo("prohibited")),
    field(P + "jumbo.truncated", NONE, "a jumbo payload that needs none", _jumbo("truncated")),
    field(P + "jumbo.missing", NONE, "neither a length nor a jumbo payload", lambda v, p: _empty(v, p, True)),
    field(P + "mipv6.home_address", IPV6, "home address", option(0xC9, 16), 2, 16),
    field(P + "calipso.doi", NUMBER, "CALIPSO: domain of interpretation", option(0x07, 8), 2, 4),
    field(P + "calipso.cmpt.length", NUMBER, "CALIPSO: words of the compartments", option(0x07, 8), 6, 1),
    field(P + "calipso.sens_level", NUMBER, "CALIPSO: sensitivity", option(0x07, 8), 7, 1),
    field(P + "calipso.checksum", NUMBER, "CALIPSO: checksum", option(0x07, 8), 8, 2),
    field(P + "smf_dpd.hash_bit", BOOLEAN, "SMF: a hash", option(0x08, 1), 2, 1, 0x80),
    field(P + "smf_dpd.hav", BYTES, "SMF: hash assist value", where(option(0x08, 1), _byte(2, 0x80, 0x80)), 2, REST),
    field(P + "smf_dpd.tid_type", NUMBER, "SMF: type of who tags", where(option(0x08, 1), _byte(2, 0x80, 0)), 2, 1, 0x70),
    field(P + "smf_dpd.tid_len", NUMBER, "SMF: length of who tags", where(option(0x08, 1), _byte(2, 0x80, 0)), 2, 1, 0x0F),
    field(P + "qs_func", NUMBER, "Quick-Start: function", option(0x26, 1), 2, 1, 0xF0),
    field(P + "qs_rate", NUMBER, "Quick-Start: rate", where(option(0x26, 1), lambda v, h: v.data[h.at + 2] & 0x70 == 0), 2, 1, 0x0F),
    field(P + "qs_ttl", NUMBER, "Quick-Start: time to live", where(option(0x26, 2), _byte(2, 0xF0, 0)), 3, 1),
    field(P + "qs_unused", NUMBER, "Quick-Start: not used", where(option(0x26, 2), _byte(2, 0xF0, 0x80)), 3, 1),
    field(P + "qs_nonce", NUMBER, "Quick-Start: nonce", where(option(0x26, 6), lambda v, h: v.data[h.at + 2] & 0x70 == 0), 4, 4,
          0xFFFFFFFC),
    field(P + "qs_reserved", NUMBER, "Quick-Start: reserved", where(option(0x26, 6), lambda v, h: v.data[h.at + 2] & 0x70 == 0), 4, 4, 0x3),
    *_flagged(0x63, 2, 4, "rpl.flag", ("", NUMBER, "RPL: flags", 0), (".o", BOOLEAN, "RPL: downwards", 0x80),
              (".r", BOOLEAN, "RPL: the rank is wrong", 0x40), (".f", BOOLEAN, "RPL: cannot be forwarded", 0x20),
              (".rsv", NUMBER, "RPL: reserved", 0x1F)),
    field(P + "rpl.instance_id", NUMBER, "RPL: instance", option(0x63, 4), 3, 1),
    field(P + "rpl.sender_rank", NUMBER, "RPL: rank of the sender", option(0x63, 4), 4, 2),
    *_flagged(0x6D, 2, 2, "mpl.flag", ("", NUMBER, "MPL: flags", 0), (".s", NUMBER, "MPL: length of the seed", 0xC0),
              (".m", BOOLEAN, "MPL: the largest sequence number", 0x20), (".v", BOOLEAN, "MPL: version", 0x10),
              (".rsv", NUMBER, "MPL: reserved", 0x0F)),
    field(P + "mpl.sequence", NUMBER, "MPL: sequence number", option(0x6D, 2), 3, 1),
    Field(P + "mpl.seed_id", BYTES, "MPL: seed", _seed, PARSE),
    field(P + "mpl.ipv6_src_seed_id", NONE, "MPL: the source is the seed", where(option(0x6D, 2), _byte(2, 0xC0, 0))),
    *_flagged(0xEE, 2, 3, "dff.flag", ("s", NUMBER, "depth-first forwarding: flags", 0), (".ver", NUMBER, "version", 0xC0),
              (".dup", BOOLEAN, "a duplicate", 0x20), (".ret", BOOLEAN, "it comes back", 0x10), (".rsv", NUMBER, "reserved", 0x0F)),
    field(P + "dff.sequence_number", NUMBER, "depth-first forwarding: sequence number", option(0xEE, 3), 3, 2),
    field(P + "ilnp_nonce", BYTES, "ILNP: nonce", option(0x8B), 2, REST),
    field(P + "lio.length", NUMBER, "line: length of its name", option(0x8C, 1), 2, 1),
    field(P + "lio.line_id", STRING, "line: its name", option(0x8C, 2), 3, REST),
    field(P + "pmtu.min", NUMBER, "smallest MTU on the way", option(0x30, 4), 2, 2),
    field(P + "pmtu.rtn", NUMBER, "smallest MTU on the way back", option(0x30, 4), 4, 2, 0xFFFE, scale=2),
    field(P + "pmtu.r_flag", BOOLEAN, "an answer is wanted", option(0x30, 4), 4, 2, 0x0001),
    *(field(P + "pdm." + name, NUMBER, f"performance and diagnostics: {meaning}", option(0x0F, 10), offset, size)
      for name, meaning, offset, size in (("scale_dtlr", "scale of the time since the last one received", 2, 1),
                                          ("scale_dtls", "scale of the time since the last one sent", 3, 1),
                                          ("psn_this_pkt", "number of this packet", 4, 2),
                                          ("psn_last_recv", "number of the last one received", 6, 2),
                                          ("delta_last_recv", "time since the last one received", 8, 2),
                                          ("delta_last_sent", "time since the last one sent", 10, 2))),
    field(P + "experimental", BYTES, "an experiment", of_kind(options, *EXPERIMENTS), 2, REST),
    field(P + "unknown", BYTES, "an option that nobody knows", where(options, _other), 2, REST),
    field(P + "ioam.rsv", NUMBER, "telemetry: reserved", option(0x31, 2), 2, 1),
    field(P + "ioam.opt_type", NUMBER, "telemetry: type", option(0x31, 2), 3, 1),
    field(P + "invalid_len", NONE, "an option has not the length that its kind has", where(options, _wrong_length)),
    field(P + "header_mismatch", NONE, "an option stands in the wrong header", where(options, _mismatch)),
]


# --- routing --------------------------------------------------------------------------------------------------------------------

def routing(kind: int, least: int = 8) -> Finder:
    """Routing headers of one type."""
    return where(extension(ROUTING), lambda view, found: (found.stop - found.at >= least) & (view.data[found.at + 2] == kind))


def _strange_routing(view: View, found: Headers) -> Mask:
    return (found.stop - found.at >= 8) & ~np.isin(view.data[found.at + 2], (0, 2, 3, 4, 5, 6))


def _segments(kind: int, size: int) -> Finder:
    """Compact segments (draft "IPv6 Compact Routing Header")."""
    return repeated(routing(kind), 4, size, 2048)


def _current_segment(kind: int, size: int) -> Finder:
    def find(view: View, candidates: Table) -> Headers:
        found = routing(kind)(view, candidates)
        at = found.at + 4 + size * view.data[found.at + 3].astype(np.int64)
        which = at + size <= found.stop
        found = found.only(which)
        return Headers(found.packets, at[which], at[which] + size, found.proto, found.quoted, found.nth)

    return find


def _octets(find: Finder) -> Source:
    """The length of extension headers in bytes: what is written does not count the first eight."""
    length = read(find, NUMBER, 1, 1)

    def source(view: View, candidates: Table) -> Column:
        column = length(view, candidates)
        return column.having((column.values + 1) * 8)

    return source


P2 = "ipv6.routing."
ROUTING_FIELDS = [
    *(field(f"ipv6.{name}.len", NUMBER, f"length of the {meaning}, as it was sent", extension(kind), 1, 1)
      for name, kind, meaning in (("hopopts", HOP_BY_HOP, "hop-by-hop options"), ("dstopts", DESTINATION, "destination options"),
                                  ("routing", ROUTING, "routing header"))),
    *(Field(f"ipv6.{name}.len_oct", NUMBER, f"bytes of the {meaning}",
            _octets(extension(kind)), PARSE, bits=16)
      for name, kind, meaning in (("hopopts", HOP_BY_HOP, "hop-by-hop options"), ("dstopts", DESTINATION, "destination options"),
                                  ("routing", ROUTING, "routing header"))),
    field("ipv6.hopopts.not_first", NONE, "hop-by-hop options that do not come first", _not_first),
    field("ipv6.fraghdr.reserved_octet", NUMBER, "reserved", extension(FRAGMENT), 1, 1),
    field("ipv6.fraghdr.reserved_bits", NUMBER, "reserved", extension(FRAGMENT), 2, 2, 0x0006),
    field(P2 + "src.reserved", BYTES, "source route: reserved", routing(0), 4, 4),
    field(P2 + "src.addr", IPV6, "source route: an address", repeated(routing(0), 8, 16), 0, 16),
    field(P2 + "deprecated", NONE, "a source route, which nobody uses any more", routing(0)),
    field(P2 + "mipv6.reserved", BYTES, "mobility: reserved", routing(2), 4, 4),
    field(P2 + "mipv6.home_address", IPV6, "mobility: home address", routing(2, 24), 8, 16),
    field(P2 + "rpl.cmprI", NUMBER, "RPL: bytes left out of addresses", routing(3), 4, 4, 0xF0000000),
    field(P2 + "rpl.cmprE", NUMBER, "RPL: bytes left out of the last address", routing(3), 4, 4, 0x0F000000),
    field(P2 + "rpl.pad", NUMBER, "RPL: bytes of padding", routing(3), 4, 4, 0x00F00000),
    field(P2 + "rpl.reserved", NUMBER, "RPL: reserved", routing(3), 4, 4, 0x000FFFFF),
    field(P2 + "rpl.reserved_not0", NONE, "RPL: what is reserved is not 0",
          where(routing(3), lambda view, found: view.number(found.at + 4, 4) & 0xFFFFF != 0)),
    field(P2 + "srh.last_entry", NUMBER, "segments: the last one", routing(4), 4, 1),
    field(P2 + "srh.flags", NUMBER, "segments: flags", routing(4), 5, 1),
    field(P2 + "srh.tag", BYTES, "segments: tag", routing(4), 6, 2),
    field(P2 + "srh.addr", IPV6, "segments: an address", repeated(routing(4), 8, 16), 0, 16),
    field(P2 + "crh16.sid", NUMBER, "compact segments: one", _segments(5, 2), 0, 2),
    field(P2 + "crh16.current_sid", NUMBER, "compact segments: the next one", _current_segment(5, 2), 0, 2),
    field(P2 + "crh32.sid", NUMBER, "compact segments: one", _segments(6, 4), 0, 4),
    field(P2 + "crh32.current_sid", NUMBER, "compact segments: the next one", _current_segment(6, 4), 0, 4),
    field(P2 + "unknown_data", BYTES, "a type that nobody knows", where(extension(ROUTING), _strange_routing), 4, REST),
    field(P2 + "undecoded", NONE, "a type that nobody knows", where(extension(ROUTING), _strange_routing)),
]


# --- addresses that hold others ---------------------------------------------------------------------------------------------------

def _address(offset: int) -> Finder:
    """Source (8) or destination (24) of every header."""
    def find(view: View, candidates: Table) -> Headers:
        found = headers("ipv6")(view, candidates)
        found = found.only(found.at + 40 <= found.stop)
        return Headers(found.packets, found.at + offset, found.at + offset + 16, found.proto, found.quoted, found.nth)

    return find


def _begins(prefix: bytes) -> Guard:
    return lambda view, found: view.number(found.at, len(prefix)) == int.from_bytes(prefix, "big")


def _slaac(view: View, found: Headers) -> Mask:
    """Made of a MAC address (RFC 4291 appendix A), not a group."""
    return (view.number(found.at + 11, 2) == 0xFFFE) & (view.data[found.at + 8] & 2 != 0) & (view.data[found.at] != 0xFF)


def _isatap(view: View, found: Headers) -> Mask:
    return np.isin(view.number(found.at + 8, 4), (0x00005EFE, 0x02005EFE)) & (view.data[found.at] != 0xFF)


def _embeds(view: View, found: Headers) -> Mask:
    """Under the well-known prefix 64:ff9b::/96 (RFC 6052 section 2.1)."""
    return (view.number(found.at, 4) == 0x0064FF9B) & (view.number(found.at + 4, 8) == 0)


def _mac(find: Finder) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found = find(view, candidates)
        value = view.number(found.at + 8, 3) << 24 | view.number(found.at + 13, 3)
        return Column(found.packets, value ^ 0x020000000000, found.nth)

    return source


def _inverted(find: Finder, offset: int, size: int) -> Source:
    """Teredo sends what it tells of the client with all bits turned (RFC 4380 section 4)."""
    source = read(find, NUMBER, offset, size)

    def turned(view: View, candidates: Table) -> Column:
        column = source(view, candidates)
        return column.having(column.values ^ ((1 << 8 * size) - 1))

    return turned


def _plain(kind: Type, offset: int, size: int) -> Callable[[Finder], Source]:
    return lambda find: read(find, kind, offset, size)


INSIDE = (("slaac_mac", ETHER, "MAC address that it was made of", _slaac, _mac),
          ("6to4_gw_ipv4", IPV4, "gateway of 6to4", _begins(b"\x20\x02"), _plain(IPV4, 2, 4)),
          ("6to4_sla_id", NUMBER, "network behind the gateway of 6to4", _begins(b"\x20\x02"), _plain(NUMBER, 6, 2)),
          ("ts_ipv4", IPV4, "server of Teredo", _begins(b"\x20\x01\0\0"), _plain(IPV4, 4, 4)),
          ("tc_port", NUMBER, "port of a client of Teredo", _begins(b"\x20\x01\0\0"), lambda find: _inverted(find, 10, 2)),
          ("tc_ipv4", IPV4, "address of a client of Teredo", _begins(b"\x20\x01\0\0"), lambda find: _inverted(find, 12, 4)),
          ("isatap_ipv4", IPV4, "address in one of ISATAP", _isatap, _plain(IPV4, 12, 4)),
          ("embed_ipv4", IPV4, "address that is embedded", _embeds, _plain(IPV4, 12, 4)))
"""(name, type, meaning, of which addresses, where it is)."""


def _in_addresses() -> list[Field]:
    fields = []
    for name, kind, meaning, guard, make in INSIDE:
        source, destination = (make(where(_address(offset), guard)) for offset in (8, 24))

        def either(view: View, candidates: Table, source: Source = source, destination: Source = destination) -> Column:
            return joined([source(view, candidates), destination(view, candidates)])

        bits = 16 if kind == NUMBER else 64
        fields += [Field(f"ipv6.{which}{name}", kind, f"{where_}: {meaning}", values, PARSE, bits=bits)
                   for which, where_, values in (("src_", "source", source), ("dst_", "destination", destination),
                                                 ("", "source or destination", either))]
    return fields


_IPV6 = headers("ipv6")

IPV6_FIELDS = [
    *OPTION_FIELDS,
    *ROUTING_FIELDS,
    *_in_addresses(),
    field("ipv6.plen_exceeds_framing", NONE, "it says it is longer than what was sent", where(_IPV6, _exceeds)),
    field("ipv6.plen_zero", NONE, "it says it is empty", lambda v, p: _empty(v, p, False)),
]
