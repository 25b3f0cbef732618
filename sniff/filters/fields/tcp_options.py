"""Fields of TCP options: where each lies, and what is wrong with an option (RFC 9293 section 3.2 and those of each option)."""

import numpy as np

from sniff.filters.columns import Column, Mask, joined
from sniff.filters.field import PARSE, Field, Source
from sniff.filters.fields.places import (
    REST,
    Finder,
    Guard,
    after,
    either,
    field,
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
from sniff.reassembly import columns as s

NONE, BOOLEAN, NUMBER, BYTES, IPV4, IPV6 = Type.NONE, Type.BOOLEAN, Type.NUMBER, Type.BYTES, Type.IPV4, Type.IPV6


def _lists(view: View, candidates: Table) -> tuple[Headers, Table]:
    """TCP headers with options, and where these end."""
    found = view.headers("tcp")
    found = found.only(np.isin(found.packets, candidates) & (found.at + 20 <= found.stop))
    end = found.at + (view.data[found.at + 12] >> 4).astype(np.int64) * 4
    which = end > found.at + 20
    return found.only(which), end[which]


def options(view: View, candidates: Table) -> Headers:
    """All options that are whole."""
    found, end = _lists(view, candidates)
    return listed(view, found, found.at + 20, np.minimum(end, found.stop))


def option(kind: int, *sizes: int) -> Finder:
    """Options of one kind, of any or of some sizes."""
    found = of_kind(options, kind)
    return sized(found, *sizes) if sizes else found


def _number_at(offset: int, mask: int, *wanted: int) -> Guard:
    shift = (mask & -mask).bit_length() - 1
    return lambda view, found: np.isin((view.data[np.minimum(found.at + offset, found.stop - 1)].astype(np.int64) & mask) >> shift,
          wanted) \
        & (found.stop - found.at > offset)


# --- what is wrong ----------------------------------------------------------------------------------------------------------

SIZES = {2: (4,), 3: (3,), 4: (2,), 6: (6,), 7: (6,), 8: (10,), 11: (6,), 12: (6,), 13: (6,), 19: (18,), 21: (6,), 22: (2,), 23: (2,),
         27: (8,), 28: (4,), 78: (16,), 172: (2, 5, 8, 11), 174: (2, 5, 8, 11)}
"""{kind: sizes that its options have}."""


def _wrong_length(view: View, found: Headers) -> Mask:
    size = found.stop - found.at
    wrong = np.zeros(len(size), np.bool_)
    for kind, sizes in SIZES.items():
        wrong |= (found.proto == kind) & ~np.isin(size, sizes)
    experiment = np.isin(found.proto, (253, 254))
    number = np.zeros(len(size), np.int64)
    named = experiment & (size >= 4)
    number[named] = view.number(found.at[named] + 2, 2)
    accurate = np.isin(number, (0xACC0, 0xACC1)) & ~np.isin(size, (4, 7, 10, 13))
    return wrong | accurate | (experiment & (size < 4)) | ((found.proto == 29) & (size < 4)) | ((found.proto == 76) & (size < 3))


def _after_end(view: View, candidates: Table) -> Column:
    """The end of the list is followed by something that is not padding."""
    found, end = _lists(view, candidates)
    last = of_kind(options, 0)(view, candidates)
    stop = dict(zip(zip(found.packets.tolist(), found.nth.tolist(), strict=True), np.minimum(end, found.stop).tolist(), strict=True))
    wrong = [k for k, (packet, nth, at) in enumerate(zip(last.packets.tolist(), last.nth.tolist(), last.at.tolist(), strict=True))
             if view.slice(at, stop[packet, nth]).strip(b"\0")]
    return read(lambda view, candidates: last.only(np.array(wrong, np.int64)), NONE)(view, candidates)


def _mss(view: View, candidates: Table, present: bool) -> Headers:
    """SYN packets that have options but not this one, or other packets with it; what Wireshark could read to their end."""
    tcp, _ = _lists(view, candidates)
    broken = view.flows[s.TAGS] & int(s.Tag.BAD_OPTIONS | s.Tag.CUT_OPTIONS) != 0
    tcp = tcp.only(~broken[tcp.packets])
    syn = view.data[tcp.at + 13] & 2 != 0
    have = option(2)(view, candidates)
    key = have.packets * 64 + have.nth
    has = np.isin(tcp.packets * 64 + tcp.nth, key)
    return tcp.only((~syn & has) if present else (syn & ~has))


# --- SACK -------------------------------------------------------------------------------------------------------------------

def _relative(offset: int) -> Source:
    """Edges of SACK blocks count from where the other direction began."""
    edges = read(_duplicates, NUMBER, offset, 4)

    def source(view: View, candidates: Table) -> Column:
        column = edges(view, candidates)
        return column.having((column.values - view.flows[s.ACK_BASE][column.packets]) & 0xFFFFFFFF)

    return source


def _duplicates(view: View, candidates: Table) -> Headers:
    """First blocks that say what came twice (RFC 2883 section 4): below what is acknowledged, or within the second block."""
    found = sized(of_kind(options, 5), 10, 18, 26, 34)(view, candidates)
    blocks = repeated(lambda view, candidates: found, 2, 8)(view, candidates)
    first = blocks.only(blocks.proto == 0)
    base = view.flows[s.ACK_BASE][first.packets]
    right = (view.number(first.at + 4, 4) - base) & 0xFFFFFFFF
    twice = _before_or_at(right, view.flows[s.REL_ACK][first.packets])
    two = found.stop - found.at >= 18
    at = np.where(two, first.at + 8, first.at)
    other_left, other_right = ((view.number(at + k, 4) - base) & 0xFFFFFFFF for k in (0, 4))
    inside = two & ~_before_or_at(right, other_left) & _before_or_at(right, other_right)
    return first.only(twice | inside)


def _before_or_at(one: Table, other: Table) -> Mask:
    return ((one - other) & 0xFFFFFFFF == 0) | ((one - other) & 0x80000000 != 0)


# --- Multipath TCP (RFC 8684 section 3) --------------------------------------------------------------------------------------

def mptcp(subtype: int, *sizes: int) -> Finder:
    """Multipath TCP options of one subtype."""
    return where(option(30, *sizes), _number_at(2, 0xF0, subtype))


def _dss(part: str) -> Source:
    """What a data sequence signal holds: its flags say which parts there are, and how long they are."""
    def source(view: View, candidates: Table) -> Column:
        found = longer(mptcp(2), 4)(view, candidates)
        flags = view.data[found.at + 3].astype(np.int64)
        acked = flags & 1 != 0
        sequenced = flags & 4 != 0
        ack_size = np.where(acked, np.where(flags & 2, 8, 4), 0)
        number_size = np.where(flags & 8, 8, 4)
        number = found.at + 4 + ack_size
        after = number + number_size
        at, size, wanted = {"ack": (found.at + 4, ack_size, acked), "number": (number, number_size, sequenced),
                            "subflow": (after, np.full(len(after), 4), sequenced),
                            "length": (after + 4, np.full(len(after), 2), sequenced),
                            "checksum": (after + 6, np.full(len(after), 2), sequenced & (after + 10 <= found.stop))}[part]
        which = wanted & (at + size <= found.stop)
        if part != "ack":       # what lies beyond the option ends it
            which &= ~acked | (found.at + 4 + ack_size <= found.stop)
        found, at, size = found.only(which), at[which], size[which]
        values = np.zeros(len(at), np.int64)
        for bytes_ in (2, 4, 8):
            values[size == bytes_] = view.number(at[size == bytes_], bytes_)
        return Column(found.packets, values, found.nth)

    return source


def _number_field(name: str, meaning: str, source: Source, bits: int) -> Field:
    return Field(name, NUMBER, meaning, source, PARSE, bits=bits)


_CAPABLE = longer(mptcp(0), 4)
_VERSION_1 = where(_CAPABLE, _number_at(2, 0x0F, 1))
_OTHER_VERSION = where(_CAPABLE, lambda view, found: view.data[found.at + 2] & 15 != 1)
_ADDRESS = longer(mptcp(3), 4)
_TOLD_VERSION = where(longer(mptcp(3), 3), _number_at(2, 0x0F, 4, 6))
_JOIN = mptcp(1, 12, 16)
_RESET = longer(mptcp(8), 4)


def _last(find: Finder, size: int) -> Finder:
    """The last bytes of places."""
    def last(view: View, candidates: Table) -> Headers:
        found = find(view, candidates)
        return Headers(found.packets, found.stop - size, found.stop, found.proto, found.quoted, found.nth)

    return last


P = "tcp.options.mptcp."
_FLAGS = either(after(_CAPABLE, 3), after(_JOIN, 2), after(longer(mptcp(2), 4), 3), after(longer(mptcp(5), 3), 2),
                 after(_RESET, 2))
_SHA1 = "it wants HMAC-SHA1"

MPTCP = [
    field(P + "version", NUMBER, "version", longer(mptcp(0), 3), 2, 1, 0x0F),
    field(P + "flags", NUMBER, "its flags", _FLAGS, 0, 1),
    field(P + "checksumreq.flags", NUMBER, "checksums are wanted", _CAPABLE, 3, 1, 0x80),
    field(P + "extensibility.flag", NUMBER, "extensibility", _CAPABLE, 3, 1, 0x40),
    field(P + "nomoresubflows.flag", NUMBER, "no more subflows to this address", _VERSION_1, 3, 1, 0x20),
    Field(P + "reserved.flag", NUMBER, "reserved flags", lambda view, candidates: _reserved(view, candidates), PARSE, bits=8),
    field(P + "sha1.flag", NUMBER, _SHA1, _OTHER_VERSION, 3, 1, 0x01),
    field(P + "sha256.flag", NUMBER, "it wants HMAC-SHA256", _VERSION_1, 3, 1, 0x01),
    field(P + "sendkey", NUMBER, "key of the sender", mptcp(0, 12, 20, 22, 24), 4, 8),
    field(P + "recvkey", NUMBER, "key of the receiver", either(after(mptcp(0, 20, 22, 24), 12), after(longer(mptcp(7), 12), 4)), 0, 8),
    field(P + "backup.flag", NUMBER, "only when no other path is left", either(_JOIN, longer(mptcp(5), 3)), 2, 1, 0x01),
    field(P + "addrid", NUMBER, "identifier of an address",
          either(after(_JOIN, 3), after(_ADDRESS, 3), repeated(mptcp(4), 3, 1), after(mptcp(5, 4), 3)), 0, 1),
    field(P + "recvtok", NUMBER, "token of the receiver", mptcp(1, 12), 4, 4),
    field(P + "sendrand", NUMBER, "random number of the sender", either(after(mptcp(1, 12), 8), after(mptcp(1, 16), 12)), 0, 4),
    field(P + "sendtrunchmac", NUMBER, "shortened HMAC of the sender", mptcp(1, 16), 4, 8),
    field(P + "sendhmac", BYTES, "HMAC of the sender", mptcp(1, 24), 4, 20),
    field(P + "reserved", NUMBER, "reserved bits", either(mptcp(1, 24), longer(mptcp(6), 4), longer(mptcp(7), 4)), 2, 2, 0x0FFF),
    field(P + "datafin.flag", NUMBER, "the data ends", longer(mptcp(2), 4), 3, 1, 0x10),
    field(P + "dseqn8.flag", NUMBER, "the sequence number has 8 bytes", longer(mptcp(2), 4), 3, 1, 0x08),
    field(P + "dseqnpresent.flag", NUMBER, "there is a sequence number", longer(mptcp(2), 4), 3, 1, 0x04),
    field(P + "dataack8.flag", NUMBER, "the acknowledgement has 8 bytes", longer(mptcp(2), 4), 3, 1, 0x02),
    field(P + "dataackpresent.flag", NUMBER, "there is an acknowledgement", longer(mptcp(2), 4), 3, 1, 0x01),
    _number_field(P + "rawdataack", "acknowledgement of data, as it was sent", _dss("ack"), 64),
    Field(P + "rawdataseqno", NUMBER, "sequence number of data, as it was sent",
          lambda view, candidates: _joined(view, candidates, _dss("number"), read(longer(mptcp(6), 12), NUMBER, 4, 8)), PARSE),
    _number_field(P + "subflowseqno", "sequence number in the subflow", _dss("subflow"), 32),
    Field(P + "datalvllen", NUMBER, "bytes of data that it is about",
          lambda view, candidates: _joined(view, candidates, _dss("length"), read(mptcp(0, 22, 24), NUMBER, 20, 2)), PARSE, bits=16),
    Field(P + "checksum", NUMBER, "checksum", lambda view, candidates: _joined(view, candidates, _dss("checksum"),
                                                                              read(mptcp(0, 24), NUMBER, 22, 2)), PARSE, bits=16),
    field(P + "ipver", NUMBER, "version of the address", _TOLD_VERSION, 2, 1, 0x0F),
    field(P + "echo", NUMBER, "repeats what the other end told", where(_ADDRESS, lambda v, h: ~np.isin(v.data[h.at + 2] & 15, (4,
          6))), 2, 1, 0x01),
    field(P + "ipv4", IPV4, "an address that is told", mptcp(3, 8, 10, 16, 18), 4, 4),
    field(P + "ipv6", IPV6, "an address that is told", mptcp(3, 20, 22, 28, 30), 4, 16),
    field(P + "port", NUMBER, "port of that address", either(after(mptcp(3, 10, 18), 8), after(mptcp(3, 22, 30), 20)), 0, 2),
    field(P + "addaddrtrunchmac", NUMBER, "shortened HMAC", _last(mptcp(3, 16, 18, 28, 30), 8), 0, 8),
    *(field(f"{P}flag_{letter}.flag", BOOLEAN, f"flag {letter} of a reset", _RESET, 2, 1, bit)
      for letter, bit in (("U", 8), ("V", 4), ("W", 2), ("T", 1))),
    field(P + "rst_reason", NUMBER, "why it resets", _RESET, 3, 1),
]


def _reserved(view: View, candidates: Table) -> Column:
    """The bits have other masks in version 1."""
    return _joined(view, candidates, read(_VERSION_1, NUMBER, 3, 1, 0x1E), read(_OTHER_VERSION, NUMBER, 3, 1, 0x3E))


def _joined(view: View, candidates: Table, *sources: Source) -> Column:
    return joined([source(view, candidates) for source in sources])


# --- Riverbed ---------------------------------------------------------------------------------------------------------------

_PROBE = longer(option(76), 3)
_PROBE_1 = where(_PROBE, lambda view, found: view.data[found.at + 2] & 1 != 0)
_PROBE_2 = where(_PROBE, lambda view, found: view.data[found.at + 2] & 1 == 0)


def _probe_1(*kinds: int) -> Finder:
    return where(_PROBE_1, _number_at(2, 0xF0, *kinds))


def _probe_2(*kinds: int) -> Finder:
    return where(_PROBE_2, _number_at(2, 0xFE, *kinds))


_KNOWN_2 = where(_PROBE_2, lambda view, found: view.data[found.at + 2] >> 1 <= 10)


def _two(view: View, candidates: Table) -> Column:
    """Probes of the second form are of version 2."""
    found = _KNOWN_2(view, candidates)
    return Column(found.packets, np.full(len(found.packets), 2), found.nth)


R, T = "tcp.options.rvbd.probe.", "tcp.options.rvbd.trpy."
_TRPY = option(78, 16)
_RESERVED = longer(_probe_1(0, 1, 3, 4, 5), 4)
_NOTIFY = longer(_probe_2(6, 8, 9), 4)

RIVERBED = [
    field(R + "type1", NUMBER, "type", where(_PROBE_1, lambda v, h: v.data[h.at + 2] >> 4 <= 10), 2, 1, 0xF0),
    Field(R + "version", NUMBER, "version", lambda view, candidates: _joined(
        view, candidates, read(where(_PROBE_1, lambda v, h: v.data[h.at + 2] >> 4 <= 10), NUMBER, 2, 1, 0x0F), _two), PARSE, bits=8),
    field(R + "type2", NUMBER, "type", _KNOWN_2, 2, 1, 0xFE),
    field(R + "version_raw", NUMBER, "version", _KNOWN_2, 2, 1, 0x01),
    field(R + "reserved", NUMBER, "reserved", _RESERVED, 3, 1),
    field(R + "prober", IPV4, "who asks", longer(_probe_1(0, 1, 3, 4, 5), 8), 4, 4),
    field(R + "appli_ver", NUMBER, "version of the application", longer(_probe_1(0, 3, 4), 10), 8, 2),
    field(R + "proxy.ip", IPV4, "proxy", longer(_probe_1(1, 5), 14), 8, 4),
    field(R + "proxy.port", NUMBER, "port of the proxy", longer(_probe_1(1, 5), 14), 12, 2),
    field(R + "client.ip", IPV4, "client", either(after(longer(_probe_1(5), 18), 14), after(longer(_probe_2(8), 8), 4)), 0, 4),
    field(R + "storeid", NUMBER, "store", longer(_probe_2(9), 8), 4, 4),
    field(R + "flags", NUMBER, "flags", longer(_probe_2(6, 7, 8, 9, 10), 4), 3, 1),
    field(R + "flags.notcfe", BOOLEAN, "not the first on the client's side", _NOTIFY, 3, 1, 0x04),
    field(R + "flags.last", BOOLEAN, "last of several", _NOTIFY, 3, 1, 0x01),
    *(field(f"{R}flags.{name}", BOOLEAN, meaning, longer(_probe_2(7), 4), 3, 1, mask) for name, mask, meaning in (
        ("probe", 0x10, "its cache is not used"), ("ssl", 0x02, "TLS"), ("server", 0x01, "the other side is connected"))),
    *(field(T + name, NUMBER if name == "flags" else BOOLEAN, meaning, _TRPY, 2, 2, mask) for name, mask, meaning in (
        ("flags", 0, "options"), ("flags.mode", 0x0001, "transparency"), ("flags.oob", 0x0002, "another connection beside"),
        ("flags.chksum", 0x0004, "reserved"), ("flags.fw_rst", 0x0100, "all firewalls"),
        ("flags.fw_rst_inner", 0x0200, "inner firewalls"), ("flags.fw_rst_probe", 0x0400, "passes firewalls"))),
    field(T + "src.ip", IPV4, "source", _TRPY, 4, 4),
    field(T + "dst.ip", IPV4, "destination", _TRPY, 8, 4),
    field(T + "src.port", NUMBER, "source port", _TRPY, 12, 2),
    field(T + "dst.port", NUMBER, "destination port", _TRPY, 14, 2),
]

# --- all others ---------------------------------------------------------------------------------------------------------------

_SCPS = option(20, 4)
_EXPERIMENT = either(longer(option(253), 4), longer(option(254), 4))


def _fast_open(view: View, candidates: Table) -> Headers:
    """Fast Open options, those of the experiment among them, from the byte before what they hold."""
    own = after(option(34), 2)
    tried = after(where(_EXPERIMENT, lambda view, found: view.number(found.at + 2, 2) == 0xF989), 4)
    return either(own, tried)(view, candidates)


_KNOWN = (0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 19, 20, 21, 22, 23, 27, 28, 29, 30, 34, 76, 78, 172, 174, 253, 254)


def _unknown(view: View, candidates: Table) -> Headers:
    found = options(view, candidates)
    return found.only(~np.isin(found.proto, _KNOWN))


def _accurate(swapped: bool, place: int) -> Finder:
    """A counter of accurate ECN: two orders of the same three (RFC draft "More Accurate ECN" section 3.2.3)."""
    return after(longer(sized(option(174 if swapped else 172), 5, 8, 11), 5 + 3 * place), 2 + 3 * place)


TCP_OPTIONS = [
    field("tcp.option.len.invalid", NONE, "an option has not the length that its kind has", where(options, _wrong_length)),
    field("tcp.suboption_malformed", NONE, "a SACK block goes beyond its option",
          where(option(5), lambda view, found: (found.stop - found.at - 2) % 8 != 0)),
    Field("tcp.non_zero_bytes_after_eol", NONE, "something stands behind the end of the options", _after_end, PARSE),
    field("tcp.options.mss.absent", NONE, "a SYN without the maximum segment size", lambda v, p: _mss(v, p, False)),
    field("tcp.options.mss.present", NONE, "another packet with a maximum segment size", lambda v, p: _mss(v, p, True)),
    field("tcp.options.wscale.shift.invalid", NONE, "a window scale above 14", where(option(3, 3), lambda v, h: v.data[h.at + 2] > 14)),
    field("tcp.options.sack.dsack", NONE, "a block that came twice", _duplicates),
    Field("tcp.options.sack.dsack_le", NUMBER, "left edge of a block that came twice, relative", _relative(0), PARSE, bits=32),
    Field("tcp.options.sack.dsack_re", NUMBER, "right edge of it", _relative(4), PARSE, bits=32),
    field("tcp.options.echo_value", NUMBER, "echo option (obsolete)", either(option(6, 6), option(7, 6)), 2, 4),
    field("tcp.options.cc_value", NUMBER, "connection count (obsolete)", either(*(option(kind, 6) for kind in (11, 12, 13))), 2, 4),
    field("tcp.options.md5.digest", BYTES, "MD5 signature (RFC 2385)", option(19, 18), 2, 16),
    field("tcp.options.ao.keyid", NUMBER, "authentication option: key (RFC 5925)", longer(option(29), 4), 2, 1),
    field("tcp.options.ao.rnextkeyid", NUMBER, "key that it wants next", longer(option(29), 4), 3, 1),
    field("tcp.options.ao.mac", BYTES, "authentication code", longer(option(29), 5), 4, REST),
    field("tcp.options.qs.rate", NUMBER, "Quick-Start: rate", option(27, 8), 2, 1, 0x0F),
    field("tcp.options.qs.ttl_diff", NUMBER, "Quick-Start: difference of the time to live", option(27, 8), 3, 1),
    field("tcp.options.user_to_granularity", BOOLEAN, "user timeout in minutes", option(28, 4), 2, 2, 0x8000),
    field("tcp.options.user_to_val", NUMBER, "user timeout", option(28, 4), 2, 2, 0x7FFF),
    field("tcp.options.tfo.request", NONE, "Fast Open: asks for a cookie", where(_fast_open, lambda v, h: h.stop == h.at)),
    field("tcp.options.tfo.cookie", BYTES, "Fast Open: the cookie", where(_fast_open, lambda v, h: h.stop > h.at), 0, REST),
    field("tcp.analysis.tfo_syn", NONE, "a SYN with a cookie of Fast Open",
          where(where(_fast_open, lambda v, h: h.stop > h.at), lambda v, h: v.table[c.TCP_FLAGS, h.packets] & 0x12 == 0x02)),
    field("tcp.options.experimental.exid", NUMBER, "experiment", _EXPERIMENT, 2, 2),
    field("tcp.options.experimental.data", BYTES, "data of an experiment",
          where(longer(_EXPERIMENT, 5), lambda v, h: ~np.isin(v.number(h.at + 2, 2), (0xF989, 0xACC0, 0xACC1))), 4, REST),
    field("tcp.options.acc_ecn.ee0b", NUMBER, "bytes marked ECT(0)", either(_accurate(False, 0), _accurate(True, 2)), 0, 3),
    field("tcp.options.acc_ecn.eceb", NUMBER, "bytes marked CE", either(_accurate(False, 1), _accurate(True, 1)), 0, 3),
    field("tcp.options.acc_ecn.ee1b", NUMBER, "bytes marked ECT(1)", either(_accurate(False, 2), _accurate(True, 0)), 0, 3),
    field("tcp.options.scps.vector", NUMBER, "SCPS: capabilities", _SCPS, 2, 1),
    *(field(f"tcp.options.scpsflags.{name}", BOOLEAN, f"SCPS: {meaning}", _SCPS, 2, 1, mask) for name, mask, meaning in (
        ("bets", 0x80, "partial reliability"), ("snack1", 0x40, "short negative acknowledgements"),
        ("snack2", 0x20, "long negative acknowledgements"), ("compress", 0x10, "compressed headers"), ("nlts", 0x08, "time stamps"))),
    field("tcp.options.scpsflags.reserved", NUMBER, "SCPS: reserved flags", _SCPS, 2, 1, 0x07),
    field("tcp.options.scps.binding", NUMBER, "SCPS: connection", _SCPS, 3, 1),
    field("tcp.options.snack.offset", NUMBER, "negative acknowledgement: offset", option(21, 6), 2, 2),
    field("tcp.options.snack.size", NUMBER, "negative acknowledgement: size", option(21, 6), 4, 2),
    field("tcp.options.unknown.payload", BYTES, "an option that nobody knows", longer(_unknown, 3), 2, REST),
    *MPTCP,
    *RIVERBED,
]
