"""Fields of IPv4 options, and what is odd about IPv4 headers (RFC 791 section 3.1 and those of each option)."""

from collections.abc import Callable

import numpy as np

from sniff.filters.columns import Column, Mask, joined, objects
from sniff.filters.field import PARSE, Field
from sniff.filters.fields.packets import as_string
from sniff.filters.fields.places import (
    REST,
    Finder,
    field,
    headers,
    listed,
    longer,
    of_kind,
    read,
    repeated,
    sized,
    where,
)
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets import columns as c
from sniff.packets.batch import Table

NONE, BOOLEAN, NUMBER, BYTES, IPV4 = Type.NONE, Type.BOOLEAN, Type.NUMBER, Type.BYTES, Type.IPV4
_IP = headers("ip")


def _whole(view: View, found: Headers) -> Mask:
    return found.at + 20 <= found.stop


_HEADER = where(_IP, _whole)


def options(view: View, candidates: Table) -> Headers:
    """All options that are whole."""
    found = _HEADER(view, candidates)
    end = found.at + (view.data[found.at] & 15).astype(np.int64) * 4
    which = end > found.at + 20
    found = listed(view, found.only(which), found.at[which] + 20, np.minimum(end, found.stop)[which])
    size = found.stop - found.at
    short = np.zeros(len(size), np.bool_)
    for kind, least in LEAST.items():
        short |= (found.proto == kind) & (size < least)
    if not short.any():
        return found
    before: Table = np.cumsum(short) - short       # Wireshark does not come beyond an option that is too short
    first = np.searchsorted(found.packets * 64 + found.nth, found.packets * 64 + found.nth, "left")
    return found.only((before == before[first]) & ~(short & (found.proto == 25) & (size == 2)))


LEAST = {7: 3, 11: 4, 12: 4, 25: 3, 68: 4, 82: 12, 130: 3, 131: 3, 133: 3, 134: 6, 136: 4, 137: 3, 148: 4}
"""{kind: bytes that an option of that kind has at least}."""


def option(kind: int, *sizes: int) -> Finder:
    """Options of one kind, of any or of some sizes."""
    found = of_kind(options, kind)
    return sized(found, *sizes) if sizes else found


def _of(*kinds: int) -> Finder:
    return of_kind(options, *kinds)


KNOWN = (0, 1, 7, 11, 12, 25, 68, 82, 130, 131, 133, 134, 136, 137, 148, 149)
SIZES = {11: 4, 12: 4, 25: 8, 82: 12, 136: 4, 148: 4}
"""{kind: the size that its options have}."""

_TYPE = _of(*KNOWN)
_ROUTE, _SOURCE_ROUTE = longer(_of(7, 131, 137), 3), longer(_of(131, 137), 3)
_QUICK = longer(option(25), 3)


def _byte(offset: int, mask: int, *wanted: int) -> Callable[[View, Headers], Mask]:
    shift = (mask & -mask).bit_length() - 1
    return lambda view, found: np.isin((view.data[found.at + offset].astype(np.int64) & mask) >> shift, wanted)


def _sound(view: View, found: Headers) -> Mask:
    """Its pointer points at the beginning of an address."""
    pointer = view.data[found.at + 2]
    return (pointer >= 4) & (pointer & 3 == 0)


def _addresses(find: Finder, wanted: Callable[[Table, Table, Table], Mask]) -> Finder:
    """Addresses of a route: by (place in the option from 1, pointer, size of the option)."""
    def found(view: View, candidates: Table) -> Headers:
        options = where(find, _sound)(view, candidates)
        count = (options.stop - options.at - 3) // 4
        which = np.repeat(np.arange(len(count)), count)
        place = 3 + 4 * (np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count))
        inside = options.only(which)
        parts = Headers(inside.packets, inside.at + place, inside.at + place + 4, inside.proto, inside.quoted, inside.nth)
        return parts.only(wanted(place + 1, view.data[inside.at + 2].astype(np.int64), inside.stop - inside.at))

    return found


_RECORDED = _addresses(longer(_of(7, 131, 137), 3), lambda place, pointer, size: place < pointer)
_EMPTY = _addresses(longer(option(7), 3), lambda place, pointer, size: place >= pointer)
_AHEAD = _addresses(_SOURCE_ROUTE, lambda place, pointer, size: (place >= pointer) & (place + 3 != size))
_CURRENT = _addresses(_SOURCE_ROUTE, lambda place, pointer, size: place == pointer)


def _current(view: View, candidates: Table) -> Column:
    """Where the packet goes now: what its header says, as long as its source route is not at its end."""
    parts = _CURRENT(view, candidates)
    found = _HEADER(view, candidates)
    place = {(packet, nth): at for packet, nth, at in zip(found.packets.tolist(), found.nth.tolist(), found.at.tolist(), strict=True)}
    at = np.array([place[key] for key in zip(parts.packets.tolist(), parts.nth.tolist(), strict=True)], np.int64)
    return Column(parts.packets, view.number(at + 16, 4), parts.nth)


# --- time stamps ----------------------------------------------------------------------------------------------------------------

_STAMPS = longer(option(68), 4)
_WITH_ADDRESS, _WITHOUT = where(_STAMPS, _byte(3, 0x0F, 1, 3)), where(_STAMPS, _byte(3, 0x0F, 0, 2, *range(4, 16)))


def _stamps(view: View, candidates: Table) -> Column:
    return joined([read(repeated(_WITHOUT, 4, 4), NUMBER, 0, 4)(view, candidates),
                   read(repeated(_WITH_ADDRESS, 4, 8), NUMBER, 4, 4)(view, candidates)])


def _left_over(view: View, found: Headers) -> Mask:
    """The last part of an option is not whole."""
    size = found.stop - found.at
    route = np.isin(found.proto, (7, 131, 137)) & (size > 3)
    route[route] = _sound(view, found.only(route))
    over = route & ((size - 3) % 4 != 0)
    stamps = (found.proto == 68) & (size > 4)
    flag = np.zeros(len(size), np.int64)
    flag[stamps] = view.data[found.at[stamps] + 3] & 15
    over |= stamps & ((np.isin(flag, (1, 3)) & ((size - 4) % 8 != 0)) | (~np.isin(flag, (1, 3)) & ((size - 4) % 4 != 0)))
    return over


def _wrong_length(view: View, found: Headers) -> Mask:
    size = found.stop - found.at
    wrong = np.zeros(len(size), np.bool_)
    for kind, wanted in SIZES.items():
        wrong |= (found.proto == kind) & (size != wanted)
    for k in np.flatnonzero((found.proto == 130) & (size > 3)).tolist():
        wrong[k] = _flag_bytes(view, int(found.at[k]), int(found.stop[k])) != found.stop[k] - found.at[k] - 3 \
            or bool(view.data[found.stop[k] - 1] & 1)
    return wrong


def _flag_bytes(view: View, at: int, stop: int) -> int:
    """Bytes of the flags of a security option: the last one has its last bit not set (RFC 1108 section 2.4)."""
    count = 0
    while at + 3 + count < stop:
        count += 1
        if not view.data[at + 2 + count] & 1:
            break
    return count


def _flags(view: View, candidates: Table) -> Headers:
    """Each byte with flags of the protection authorities."""
    found = longer(option(130), 4)(view, candidates)
    counts = np.array([_flag_bytes(view, at, stop) for at, stop in zip(found.at.tolist(), found.stop.tolist(), strict=True)], np.int64)
    inside = found.only(np.repeat(np.arange(len(counts)), counts))
    nth = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return Headers(inside.packets, inside.at + 3 + nth, inside.at + 4 + nth, nth, inside.quoted, inside.nth)


_FIRST_FLAGS, _LATER_FLAGS = where(_flags, lambda v, h: h.proto == 0), where(_flags, lambda v, h: h.proto > 0)


def _unassigned(view: View, candidates: Table) -> Column:
    """The first byte has two such bits, the others have seven."""
    return joined([read(_FIRST_FLAGS, NUMBER, 0, 1, 0x06)(view, candidates), read(_LATER_FLAGS, NUMBER, 0, 1, 0xFE)(view, candidates)])


def _difference(view: View, candidates: Table) -> Column:
    found = where(longer(_QUICK, 4), _byte(2, 0xF0, 0))(view, candidates)
    headers_ = _HEADER(view, candidates)
    lives = {key: int(view.data[at + 8]) for *key_, at in zip(headers_.packets.tolist(), headers_.nth.tolist(), headers_.at.tolist(),
                                                              strict=True) for key in [tuple(key_)]}
    values = [(lives[key] - int(view.data[at + 3])) % 256 for *key_, at in zip(found.packets.tolist(), found.nth.tolist(),
          found.at.tolist(),
                                                                              strict=True) for key in [tuple(key_)]]
    return Column(found.packets, np.array(values, np.int64), found.nth)


def _padding(view: View, candidates: Table) -> Column:
    found = option(149)(view, candidates)
    at = found.stop - (found.stop - found.at - 2) % 4
    which = at < found.stop
    found, at = found.only(which), at[which]
    return objects(found.packets, [view.slice(a, b) for a, b in zip(at.tolist(), found.stop.tolist(), strict=True)], found.nth)


# --- what is odd ------------------------------------------------------------------------------------------------------------------

ANY_TTL = -1
GROUP_TTL = {18: 255, 102: 255, 251: 255, 252: ANY_TTL}
"""{last byte of a group in 224.0.0.0/24: the time to live that its packets have}; that of others is 1."""


def _local_group(view: View, found: Headers) -> Mask:
    """Not what packets to a group of the local network should have."""
    group = view.number(found.at + 16, 4)
    life = view.data[found.at + 8].astype(np.int64)
    wanted = np.ones(len(group), np.int64)
    for last, value in GROUP_TTL.items():
        wanted[(group & 0xFF == last) & (view.data[found.at + 9] != 2)] = value
    return (group >> 8 == 0xE00000) & (wanted != ANY_TTL) & (life != wanted)


def _short_life(view: View, found: Headers) -> Mask:
    group = view.number(found.at + 16, 4)
    return (group >> 28 != 0xE) & (view.data[found.at + 8] < 5) & ~np.isin(view.data[found.at + 9], (89, 103))


def _bad_length(view: View, found: Headers) -> Mask:
    """The datagram is shorter than its header, or longer than what was sent."""
    length = view.number(found.at + 2, 2)
    sent = found.stop - found.at + (view.table[c.WIRELEN] - view.table[c.CAPLEN])[found.packets]
    return ~found.quoted & (length != 0) & ((length < (view.data[found.at] & 15).astype(np.int64) * 4) | (length > sent))


_SECURITY = longer(option(130), 3)
_FLAG_NAMES = {"genser": 0x80, "siop_esi": 0x40, "sci": 0x20, "nsa": 0x10, "doe": 0x08}

IP_OPTIONS = [
    field("ip.opt.type", NUMBER, "kind of an option", _TYPE, 0, 1),
    field("ip.opt.type.copy", BOOLEAN, "it stands in every fragment", _TYPE, 0, 1, 0x80),
    field("ip.opt.type.class", NUMBER, "class of an option", _TYPE, 0, 1, 0x60),
    field("ip.opt.type.number", NUMBER, "number of an option", _TYPE, 0, 1, 0x1F),
    field("ip.opt.len", NUMBER, "bytes of an option", _of(*KNOWN[2:]), 1, 1),
    field("ip.opt.len.invalid", NONE, "an option has not the length that its kind has", where(options, _wrong_length)),
    field("ip.subopt_too_long", NONE, "the last part of an option goes beyond its end", where(options, _left_over)),
    field("ip.opt.ptr", NUMBER, "pointer of a route or of time stamps", longer(_of(7, 68, 131, 137), 3), 2, 1),
    field("ip.opt.ptr.before_address", NONE, "it points before the first address", where(_ROUTE, lambda v, h: v.data[h.at + 2] < 4)),
    field("ip.opt.ptr.middle_address", NONE, "it points into an address",
          where(_ROUTE, lambda v, h: (v.data[h.at + 2] >= 4) & (v.data[h.at + 2] & 3 != 0))),
    field("ip.rec_rt", IPV4, "an address on the way, recorded", _RECORDED, 0, 4),
    field("ip.empty_rt", IPV4, "room for an address on the way", _EMPTY, 0, 4),
    field("ip.src_rt", IPV4, "an address of the source route that is ahead", _AHEAD, 0, 4),
    Field("ip.cur_rt", IPV4, "where the source route leads now", _current, PARSE),
    *(Field(f"ip.{name}_rt_host", Type.STRING, f"{meaning}, as text", as_string(source, IPV4), PARSE) for name, meaning, source in (
        ("rec", "a recorded address", read(_RECORDED, IPV4, 0, 4)), ("empty", "room for an address", read(_EMPTY, IPV4, 0, 4)),
        ("src", "an address ahead", read(_AHEAD, IPV4, 0, 4)), ("cur", "where the source route leads now", _current))),
    field("ip.opt.overflow", NUMBER, "hosts without room for their time stamp", _STAMPS, 3, 1, 0xF0),
    field("ip.opt.flag", NUMBER, "what time stamps stand with: 0 nothing, 1 addresses, 3 addresses told before", _STAMPS, 3, 1, 0x0F),
    Field("ip.opt.time_stamp", NUMBER, "time stamp, milliseconds", _stamps, PARSE, bits=32),
    field("ip.opt.time_stamp_addr", IPV4, "whose it is", repeated(_WITH_ADDRESS, 4, 8), 0, 4),
    field("ip.opt.ra", NUMBER, "router alert", longer(option(148), 4), 2, 2),
    field("ip.opt.sid", NUMBER, "stream identifier", longer(option(136), 4), 2, 2),
    field("ip.opt.mtu", NUMBER, "MTU probe or reply", longer(_of(11, 12), 4), 2, 2),
    field("ip.opt.addr", IPV4, "address of a selective broadcast", repeated(option(149), 2, 4), 0, 4),
    Field("ip.opt.padding", BYTES, "bytes of an option that mean nothing", _padding, PARSE),
    field("ip.opt.id_number", NUMBER, "traceroute: number", longer(option(82), 4), 2, 2),
    field("ip.opt.ohc", NUMBER, "traceroute: hops outbound", longer(option(82), 6), 4, 2),
    field("ip.opt.rhc", NUMBER, "traceroute: hops of the answer", longer(option(82), 8), 6, 2),
    field("ip.opt.originator", IPV4, "traceroute: who asked", longer(option(82), 12), 8, 4),
    field("ip.opt.qs_func", NUMBER, "Quick-Start: function", _QUICK, 2, 1, 0xF0),
    field("ip.opt.qs_rate", NUMBER, "Quick-Start: rate", where(_QUICK, _byte(2, 0xF0, 0, 8)), 2, 1, 0x0F),
    field("ip.opt.qs_ttl", NUMBER, "Quick-Start: time to live", where(longer(_QUICK, 4), _byte(2, 0xF0, 0)), 3, 1),
    Field("ip.opt.qs_ttl_diff", NUMBER, "Quick-Start: difference of the time to live", _difference, PARSE, bits=8),
    field("ip.opt.qs_unused", NUMBER, "Quick-Start: not used", where(longer(_QUICK, 4), _byte(2, 0xF0, 8)), 3, 1),
    field("ip.opt.qs_nonce", NUMBER, "Quick-Start: nonce", where(longer(_QUICK, 8), _byte(2, 0xF0, 0, 8)), 4, 4, 0xFFFFFFFC),
    field("ip.opt.qs_reserved", NUMBER, "Quick-Start: reserved", where(longer(_QUICK, 8), _byte(2, 0xF0, 0, 8)), 4, 4, 0x3),
    field("ip.opt.sec_cl", NUMBER, "security: classification level", _SECURITY, 2, 1),
    field("ip.opt.sec_prot_auth_flags", NUMBER, "security: flags of the protection authorities", _flags, 0, 1),
    *(field(f"ip.opt.sec_prot_auth_{name}", BOOLEAN, f"security: {name.upper().replace('_', '-')}", _FIRST_FLAGS, 0, 1, mask)
      for name, mask in _FLAG_NAMES.items()),
    Field("ip.opt.sec_prot_auth_unassigned", NUMBER, "security: other authorities", _unassigned, PARSE, bits=8),
    field("ip.opt.sec_prot_auth_fti", BOOLEAN, "security: another byte with flags follows", _flags, 0, 1, 0x01),
    field("ip.opt.ext_sec_add_sec_info_format_code", NUMBER, "extended security: format", longer(option(133), 3), 2, 1),
    field("ip.opt.ext_sec_add_sec_info", BYTES, "extended security: what it says", longer(option(133), 4), 3, REST),
    field("ip.cipso.doi", NUMBER, "commercial security: domain of interpretation", longer(option(134), 6), 2, 4),
    field("ip.ttl.lncb", NONE, "a time to live that packets to groups of the local network do not have", where(_HEADER, _local_group)),
    field("ip.ttl.too_small", NONE, "a time to live below 5", where(_HEADER, _short_life)),
    field("ip.bogus_header_length", NONE, "the header says it has less than 20 bytes",
          where(_IP, lambda v, h: (h.at < h.stop) & (v.data[np.minimum(h.at, len(v.data) - 1)] & 15 < 5))),
    field("ip.bogus_ip_length", NONE, "the datagram says it is shorter than its header", where(_HEADER, _bad_length)),
]
