"""Data of DNS records that no line of dns_layouts.py describes: what is there depends on what came before."""

from collections.abc import Callable, Iterator
from functools import cache

from sniff.filters.fields.dns_layouts import DSO, LAYOUTS, TWISTED, UNKNOWN
from sniff.filters.fields.dns_reader import FORMS, Found, Item, Reader, Short, address6, cut, items, line, read


@cache
def _forms(kind: int) -> dict[str, Item]:
    """{field: item} of a type that a function reads; 0: of stateful operations."""
    return {one.name: one for one in items(TWISTED[kind] if kind else DSO)}


def _all(reader: Reader, *names: str) -> Iterator[Found]:
    for name in names:
        yield from FORMS[reader.forms[name].form](reader, reader.forms[name])


def _key(reader: Reader) -> Iterator[Found]:
    """KEY (RFC 2535 section 3): flags of a key that is not there are not shown."""
    yield reader.one("key.flags")
    flags = ["authentication", "confidentiality"]
    if reader.last & 0xC000 != 0xC000:
        flags += ["required", "associated_user", "associated_named_entity", "ipsec", "mime", "signatory"]
    for name in flags:
        yield reader.one(f"key.flags.{name}")
    yield from _all(reader, "key.protocol", "key.algorithm", "key.key_id", "key.public_key")


def _loc(reader: Reader) -> Iterator[Found]:
    """LOC (RFC 1876), of which there is only version 0."""
    yield reader.one("loc.version")
    if reader.last == 0:
        yield from _all(reader, "loc.size", "loc.horizontal_precision", "loc.vertical_precision", "loc.latitude", "loc.longitude",
                        "loc.altitude")
    else:
        reader.at, reader.last = reader.start, reader.end - reader.start
        yield reader.one("loc.unknown_data")


def _a6(reader: Reader) -> Iterator[Found]:
    """A6 (RFC 2874): the last bits of an address, and who knows the first ones."""
    yield reader.one("a6.prefix_len")
    prefix = reader.last
    if prefix > 128:
        raise Short
    size = (128 - prefix + 7) // 8
    if size:
        yield "a6.address_suffix", address6(reader.take(size).rjust(16, b"\0"))
    if prefix:
        yield reader.one("a6.prefix_name")


def _options(reader: Reader) -> Iterator[Found]:
    """OPT (RFC 6891 section 6.1.2)."""
    while reader.at < reader.end:
        yield reader.one("opt")
        yield reader.one("opt.code")
        code = reader.last
        yield reader.one("opt.len")
        size, at = reader.last, reader.at
        yield reader.one("opt.data")
        reader.at = at
        if code in _OPTIONS:
            yield from _OPTIONS[code](reader, size)
        reader.at = at + size if code != 15 or size != 1 else at        # half an error code is not passed over


def _numbers_of(name: str) -> Callable[[Reader, int], Iterator[Found]]:
    def read(reader: Reader, size: int) -> Iterator[Found]:
        for _ in range(size):
            yield reader.one(name)

    return read


def _subnet(reader: Reader, size: int) -> Iterator[Found]:
    """RFC 7871 section 6."""
    yield reader.one("opt.client.family")
    family = reader.last
    yield from _all(reader, "opt.client.netmask", "opt.client.scope")
    length = size - 4
    if not 0 <= length <= 16:
        yield "rr.opt.bad_length", 1
        length = 16
    address = reader.take(length).ljust(16, b"\0")
    if family == 1:
        yield "opt.client.addr4", int.from_bytes(address[:4], "big")
    elif family == 2:
        yield "opt.client.addr6", address6(address)
    else:
        reader.at -= length
        yield "opt.client.addr", reader.take(size - 4)


def _old_subnet(reader: Reader, size: int) -> Iterator[Found]:
    yield "depr.opc", 1
    yield from _subnet(reader, size)


def _cookie(reader: Reader, size: int) -> Iterator[Found]:
    yield reader.one("opt.cookie.client")
    reader.last = size - 8
    yield reader.one("opt.cookie.server")


def _keepalive(reader: Reader, size: int) -> Iterator[Found]:
    if size == 2:
        yield reader.one("opt.edns_tcp_keepalive.timeout")


def _chain(reader: Reader, size: int) -> Iterator[Found]:
    if size:
        yield reader.one("opt.chain.fqdn")


def _error(reader: Reader, size: int) -> Iterator[Found]:
    if size >= 2:
        yield reader.one("opt.ext_error.info_code")
    if size > 2:
        reader.last = size - 2
        yield reader.one("opt.ext_error.extra_text")


_OPTIONS: dict[int, Callable[[Reader, int], Iterator[Found]]] = {
    5: _numbers_of("opt.dau"), 6: _numbers_of("opt.dhu"), 7: _numbers_of("opt.n3u"), 8: _subnet, 0x50FA: _old_subnet, 10: _cookie,
    11: _keepalive, 12: lambda reader, size: _all(reader, "opt.padding"), 13: _chain, 15: _error}


def _prefixes(reader: Reader) -> Iterator[Found]:
    """APL (RFC 3123)."""
    while reader.end - reader.at > 1:
        yield reader.one("apl.address_family")
        family = reader.last
        yield reader.one("apl.coded_prefix")
        reader.number(1)
        yield reader.one("apl.negation")
        yield reader.one("apl.afdlength")
        size = reader.last & 0x7F
        part = reader.take(size)
        if family == 1 and size <= 4:
            yield "apl.afdpart.ipv4", int.from_bytes(part.ljust(4, b"\0"), "big")
        elif family == 2 and size <= 16:
            yield "apl.afdpart.ipv6", address6(part.ljust(16, b"\0"))
        else:
            yield "apl.afdpart.data", part


def _ipsec_key(reader: Reader) -> Iterator[Found]:
    """IPSECKEY (RFC 4025)."""
    yield from _all(reader, "ipseckey.gateway_precedence", "ipseckey.gateway_type")
    gateway = {1: "ipseckey.gateway_ipv4", 2: "ipseckey.gateway_ipv6", 3: "ipseckey.gateway_dns"}.get(reader.last)
    yield reader.one("ipseckey.gateway_algorithm")
    if gateway is not None:
        yield reader.one(gateway)
    yield from _all(reader, "ipseckey.public_key")


def _host_identity(reader: Reader) -> Iterator[Found]:
    """HIP (RFC 8005): tag and key behind their lengths, servers until the data ends."""
    yield reader.one("hip.hit.length")
    tag = reader.last
    yield from _all(reader, "hip.hit.pk.algo", "hip.pk.length")
    key = reader.last
    for name, size in (("hip.hit", tag), ("hip.pk", key)):
        yield name, reader.take(size)
    while reader.end - reader.at > 1:
        yield reader.one("hip.rendezvous_server")


def _service(reader: Reader) -> Iterator[Found]:
    """SVCB and HTTPS (RFC 9460)."""
    yield from _all(reader, "svcb.svcpriority", "svcb.targetname")
    while reader.at < reader.end:
        yield reader.one("svcb.svcparam")
        yield reader.one("svcb.svcparam.key")
        key = reader.last
        yield reader.one("svcb.svcparam.value.length")
        yield from _parameter(reader, key, reader.last)


def _parameter(reader: Reader, key: int, size: int) -> Iterator[Found]:
    if key in _REPEATED:
        name, each = _REPEATED[key]
        for _ in range(0, size, each):
            yield reader.one(name)
    elif key == 1:
        end = reader.at + size
        while reader.at < end:
            yield from _all(reader, "svcb.svcparam.alpn.length", "svcb.svcparam.alpn")
    elif key == 3:
        yield reader.one("svcb.svcparam.port")
    elif key in (5, 32769):
        yield reader.one("svcb.svcparam.echconfig" if key == 5 else "svcb.svcparam.odohconfig")
    elif key != 2:
        yield from _all(reader, "svcb.svcparam.value")


_REPEATED = {0: ("svcb.svcparam.mandatory.key", 2), 4: ("svcb.svcparam.ipv4hint.ip", 4), 6: ("svcb.svcparam.ipv6hint.ip", 16)}


def _transaction_signature(reader: Reader) -> Iterator[Found]:
    """TSIG (RFC 8945 section 4.2)."""
    name, algorithm = reader.one("tsig.algorithm_name")
    yield name, algorithm
    yield from _all(reader, "tsig.time_signed", "tsig.fudge", "tsig.mac_size")
    if reader.last:
        yield "tsig.mac", 1
        if algorithm != "gss.microsoft.com":
            yield "tsig.noalg", 1
        reader.take(reader.last)
    yield from _all(reader, "tsig.original_id", "tsig.error", "tsig.other_len", "tsig.other_data")


def _authorities(reader: Reader) -> Iterator[Found]:
    """CAA (RFC 8659 section 4.1). A tag that is the beginning of a known one is taken for it."""
    yield reader.one("caa.flags")
    yield reader.one("caa.flags.issuer_critical")
    size = reader.number(1)
    raw = reader.take(size)
    data = reader.take(reader.end - reader.at)
    value = cut(data).encode()[:len(data)].decode("utf-8", "surrogateescape")      # as many bytes as there were before others replaced them
    for tag in ("issue", "issuewild", "iodef", "unknown"):
        if raw.partition(b"\0")[0] == tag[:size].encode() or tag == "unknown":
            yield f"caa.{tag}", value
            break
    yield "caa.tag_length", size
    yield "caa.tag", cut(raw)
    yield "caa.value", value


def _wins(reader: Reader) -> Iterator[Found]:
    reader.number(4)
    yield reader.one("wins.local_flag")
    yield from _all(reader, "wins.lookup_timeout", "wins.cache_timeout", "wins.nb_wins_servers")
    left = reader.last
    while reader.at != reader.end and left:
        yield reader.one("wins.wins_server")
        left -= 1


def _forwarded(reader: Reader) -> Iterator[Found]:
    """XPF (draft-bellis-dnsop-xpf)."""
    yield reader.one("xpf.ip_version")
    version = {4: "ipv4", 6: "ipv6"}.get(reader.last)
    if version is not None:
        yield from _all(reader, "xpf.protocol", f"xpf.source_{version}", f"xpf.destination_{version}", "xpf.sport", "xpf.dport")


_FUNCTIONS: dict[int, Callable[[Reader], Iterator[Found]]] = {
    25: _key, 29: _loc, 38: _a6, 41: _options, 42: _prefixes, 45: _ipsec_key, 55: _host_identity, 64: _service, 65: _service,
    250: _transaction_signature, 257: _authorities, 65281: _wins, 65422: _forwarded}


def operation(reader: Reader) -> Iterator[Found]:
    """(field, value) of a DSO message (RFC 8490 section 5.4), read from behind its header. Raises Short."""
    reader.forms = _forms(0)
    if reader.at == reader.end:
        raise Short
    yield "dso", 1
    while reader.end - reader.at >= 4:
        yield "dso.tlv", 1
        yield reader.one("dso.tlv.type")
        kind = reader.last
        yield reader.one("dso.tlv.length")
        names = {1: ("dso.tlv.keepalive.inactivity", "dso.tlv.keepalive.interval"), 2: ("dso.tlv.retrydelay.retrydelay",),
                 3: ("dso.tlv.encpad.padding",)}.get(kind, ("dso.tlv.data",))
        yield from _all(reader, *names)


def walk(kind: int, reader: Reader) -> Iterator[Found]:
    """(field, value) in the order in which they stand in the data of a record of a type. Raises Short where the message ends."""
    if kind in _FUNCTIONS:
        reader.forms = _forms(kind)
        yield from _FUNCTIONS[kind](reader)
    else:
        yield from read(reader, line(LAYOUTS.get(kind, UNKNOWN)))
