"""Data of DNS records as Wireshark's fields (`dns.a`, `dns.mx.preference` ...), and as the text of a zone file.

Common types are read by the table below. What it does not know is left to dnspython where text is asked for, and is bytes
where fields are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sniff.decode.dns_constants import TYPE_NAMES
from sniff.decode.dns_text import BadName, quote, read_name, show_ipv6, unknown

Value = int | str | bytes | list["int | str"]
Fields = dict[str, Value]


class _Short(Exception):
    """The data ends too early."""


class Data(NamedTuple):
    """Where the data of one record lies: wire[start:end]."""

    wire: bytes
    start: int
    end: int


LAYOUTS: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("a", "ip4"),), 2: (("ns", "name"),), 3: (("md", "name"),), 4: (("mf", "name"),), 5: (("cname", "name"),),
    6: (("soa.mname", "name"), ("soa.rname", "name"), ("soa.serial_number", "4"), ("soa.refresh_interval", "4"),
        ("soa.retry_interval", "4"), ("soa.expire_limit", "4"), ("soa.minimum_ttl", "4")),
    7: (("mb", "name"),), 8: (("mg", "name"),), 9: (("mr", "name"),), 10: (("null", "rest"),),
    11: (("wks.address", "ip4"), ("wks.protocol", "1"), ("wks.bits", "rest")), 12: (("ptr.domain_name", "name"),),
    13: (("hinfo.cpu", "string"), ("hinfo.os", "string")), 14: (("minfo.r", "name"), ("minfo.e", "name")),
    15: (("mx.preference", "2"), ("mx.mail_exchange", "name")), 16: (("txt", "strings"),),
    17: (("rp.mailbox", "name"), ("rp.txt_rr", "name")), 18: (("afsdb.subtype", "2"), ("afsdb.hostname", "name")),
    19: (("x25.psdn_address", "string"),), 21: (("rt.subtype", "2"), ("rt.intermediate_host", "name")),
    28: (("aaaa", "ip6"),), 30: (("nxt.next_domain_name", "name"), ("resp.type", "bits")),
    33: (("srv.priority", "2"), ("srv.weight", "2"), ("srv.port", "2"), ("srv.target", "name")),
    35: (("naptr.order", "2"), ("naptr.preference", "2"), ("naptr.flags", "string"), ("naptr.service", "string"),
         ("naptr.regex", "string"), ("naptr.replacement", "name")),
    36: (("kx.preference", "2"), ("kx.key_exchange", "name")), 39: (("dname", "name"),),
    37: (("cert.type", "2"), ("cert.key_tag", "2"), ("cert.algorithm", "1"), ("cert.certificate", "rest")),
    43: (("ds.key_id", "2"), ("ds.algorithm", "1"), ("ds.digest_type", "1"), ("ds.digest", "rest")),
    44: (("sshfp.algorithm", "1"), ("sshfp.fingerprint.type", "1"), ("sshfp.fingerprint", "rest")),
    46: (("rrsig.type_covered", "2"), ("rrsig.algorithm", "1"), ("rrsig.labels", "1"), ("rrsig.original_ttl", "4"),
         ("rrsig.signature_expiration", "4"), ("rrsig.signature_inception", "4"), ("rrsig.key_tag", "2"),
         ("rrsig.signers_name", "name"), ("rrsig.signature", "rest")),
    47: (("nsec.next_domain_name", "name"), ("resp.type", "windows")),
    48: (("dnskey.flags", "2"), ("dnskey.protocol", "1"), ("dnskey.algorithm", "1"), ("dnskey.public_key", "rest")),
    49: (("dhcid.rdata", "rest"),),
    50: (("nsec3.algo", "1"), ("nsec3.flags", "1"), ("nsec3.iterations", "2"), ("nsec3.salt_value", "bytes"),
         ("nsec3.hash_value", "bytes"), ("resp.type", "windows")),
    51: (("nsec3.algo", "1"), ("nsec3.flags", "1"), ("nsec3.iterations", "2"), ("nsec3.salt_value", "bytes")),
    52: (("tlsa.certificate_usage", "1"), ("tlsa.selector", "1"), ("tlsa.matching_type", "1"),
         ("tlsa.certificate_association_data", "rest")),
    61: (("openpgpkey", "rest"),), 62: (("csync.soa", "4"), ("csync.flags", "2"), ("resp.type", "windows")),
    63: (("zonemd.serial", "4"), ("zonemd.scheme", "1"), ("zonemd.hash_algo", "1"), ("zonemd.digest", "rest")),
    64: (("svcb.svcpriority", "2"), ("svcb.targetname", "name"), ("svcb.svcparam", "parameters")),
    65: (("svcb.svcpriority", "2"), ("svcb.targetname", "name"), ("svcb.svcparam", "parameters")), 99: (("spf", "strings"),),
    108: (("eui48", "mac"),), 109: (("eui64", "mac"),),
    249: (("tkey.algo_name", "name"), ("tkey.signature_inception", "4"), ("tkey.signature_expiration", "4"), ("tkey.mode", "2"),
          ("tkey.error", "2"), ("tkey.key_data", "block"), ("tkey.other_data", "block")),
    250: (("tsig.algorithm_name", "name"), ("tsig.time_signed", "6"), ("tsig.fudge", "2"), ("tsig.mac", "block"),
          ("tsig.original_id", "2"), ("tsig.error", "2"), ("tsig.other_data", "block")),
    257: (("caa.flags", "1"), ("caa.tag", "string"), ("caa.value", "text")),
}
"""{type: (field below `dns.`, form) ...}. Forms: a number of bytes is an unsigned number of that size; see _READERS."""
for _same, _as in ((24, 46), (25, 48), (59, 43), (60, 48), (32769, 43)):
    LAYOUTS[_same] = LAYOUTS[_as]

PARAMETERS = {0: "mandatory", 1: "alpn", 2: "no-default-alpn", 3: "port", 4: "ipv4hint", 5: "ech", 6: "ipv6hint", 7: "dohpath",
              8: "ohttp"}
"""Service parameters by number (RFC 9460 section 14.3.2, RFC 9461, RFC 9540)."""


def _take(data: Data, at: int, size: int) -> bytes:
    if at + size > data.end:
        raise _Short
    return data.wire[at:at + size]


def _string(data: Data, at: int) -> tuple[str, int]:
    text = _take(data, at + 1, _take(data, at, 1)[0])
    return text.decode("utf-8", "backslashreplace"), at + 1 + len(text)


def _strings(data: Data, at: int) -> tuple[Value, int]:
    texts: list[int | str] = []
    while at < data.end:
        text, at = _string(data, at)
        texts.append(text)
    return texts, at


def _bytes(data: Data, at: int) -> tuple[Value, int]:
    size = _take(data, at, 1)[0]
    return _take(data, at + 1, size), at + 1 + size


def _block(data: Data, at: int) -> tuple[Value, int]:
    size = int.from_bytes(_take(data, at, 2), "big")
    return _take(data, at + 2, size), at + 2 + size


def _name(data: Data, at: int) -> tuple[Value, int]:
    name, after = read_name(data.wire, at)
    if after > data.end:
        raise _Short
    return name, after


def _bits(data: Data, at: int, base: int = 0, end: int = -1) -> tuple[Value, int]:
    end = data.end if end < 0 else end
    kinds = [base + 8 * (i - at) + bit for i in range(at, end) for bit in range(8) if data.wire[i] << bit & 0x80]
    return list(map(type_name, kinds)), end


def _windows(data: Data, at: int) -> tuple[Value, int]:
    kinds: list[int | str] = []
    while at < data.end:
        window, size = _take(data, at, 2)
        _take(data, at + 2, size)
        more, at = _bits(data, at + 2, 256 * window, at + 2 + size)
        kinds += more  # type: ignore[arg-type]
    return kinds, at


def _parameters(data: Data, at: int) -> tuple[Value, int]:
    parameters: list[int | str] = []
    while at < data.end:
        key = int.from_bytes(_take(data, at, 2), "big")
        value, at = _block(data, at + 2)
        parameters.append(show_parameter(key, value))  # type: ignore[arg-type]
    return parameters, at


_READERS: dict[str, Callable[[Data, int], tuple[Value, int]]] = {
    "name": _name,                                                       # may be compressed
    "string": _string,                                                   # a length byte and text
    "strings": _strings,                                                 # such strings until the data ends
    "bytes": _bytes,                                                     # a length byte and bytes
    "block": _block,                                                     # a 16-bit length and bytes
    "ip4": lambda data, at: (".".join(map(str, _take(data, at, 4))), at + 4),
    "ip6": lambda data, at: (show_ipv6(_take(data, at, 16)), at + 16),
    "mac": lambda data, at: (data.wire[at:data.end].hex(":"), data.end),
    "rest": lambda data, at: (data.wire[at:data.end], data.end),         # all that is left, as bytes
    "text": lambda data, at: (data.wire[at:data.end].decode("utf-8", "backslashreplace"), data.end),
    "bits": _bits, "windows": _windows,                                  # names of the types in a bitmap
    "parameters": _parameters,                                           # service parameters, each `key=value`
}


def show_parameter(key: int, value: bytes) -> str:
    """A service parameter as text: `alpn=h2,h3`, `port=443`; bytes that do not fit its key in hexadecimal."""
    name = PARAMETERS.get(key, f"key{key}")
    if key == 0 and len(value) % 2 == 0:
        keys = [int.from_bytes(value[i:i + 2], "big") for i in range(0, len(value), 2)]
        shown = ",".join(PARAMETERS.get(k, f"key{k}") for k in keys)
    elif key == 1:
        at, ids = 0, []
        while at < len(value) and at + 1 + value[at] <= len(value):
            ids.append(value[at + 1:at + 1 + value[at]].decode("ascii", "backslashreplace"))
            at += 1 + value[at]
        shown = ",".join(ids) if at == len(value) else value.hex()
    elif key == 3 and len(value) == 2:
        shown = str(int.from_bytes(value, "big"))
    elif key == 4 and len(value) % 4 == 0:
        shown = ",".join(".".join(map(str, value[i:i + 4])) for i in range(0, len(value), 4))
    elif key == 6 and len(value) % 16 == 0:
        shown = ",".join(show_ipv6(value[i:i + 16]) for i in range(0, len(value), 16))
    elif key == 7:
        shown = value.decode("utf-8", "backslashreplace")
    else:
        shown = value.hex()
    return f"{name}={shown}" if shown else name


def type_name(kind: int) -> str:
    """`A`, `AAAA` ...; `TYPE1234` for a number without a name (RFC 3597)."""
    return TYPE_NAMES.get(kind) or f"TYPE{kind}"


def read_fields(kind: int, data: Data) -> Fields:
    """{field: value} of one record's data. What cannot be read as its type is `dns.data`, bytes. Never raises."""
    layout = LAYOUTS.get(kind)
    fields: Fields = {}
    if layout is None:
        return {"dns.data": data.wire[data.start:data.end]}
    at = data.start
    try:
        for field, form in layout:
            if form.isdigit():
                value: Value = int.from_bytes(_take(data, at, int(form)), "big")
                at += int(form)
            else:
                value, at = _READERS[form](data, at)
            fields["dns." + field] = value
    except (_Short, BadName):
        fields["dns.data"] = data.wire[data.start:data.end]
    return fields


def show_data(kind: int, data: Data, family: int = 1) -> str:
    """A record's data as a zone file has it, names without a dot at the end. Never raises.

    The common types are written here; for the others dnspython is asked, which needs 20 times as long.
    """
    try:
        match kind:
            case 1 if data.end - data.start == 4:
                return ".".join(map(str, data.wire[data.start:data.end]))
            case 28 if data.end - data.start == 16:
                return show_ipv6(data.wire[data.start:data.end])
            case 2 | 5 | 12 | 39:
                return _whole(*_name(data, data.start), data)
            case 15:
                preference = int.from_bytes(_take(data, data.start, 2), "big")
                return f"{preference} {_whole(*_name(data, data.start + 2), data)}"
            case 33:
                numbers = [int.from_bytes(_take(data, data.start + i, 2), "big") for i in (0, 2, 4)]
                return f"{numbers[0]} {numbers[1]} {numbers[2]} {_whole(*_name(data, data.start + 6), data)}"
            case 16 | 99:
                return " ".join(map(quote, _raw_strings(data)))
            case 6:
                mname, at = _name(data, data.start)
                rname, at = _name(data, at)
                numbers = [int.from_bytes(_take(data, at + i, 4), "big") for i in range(0, 20, 4)]
                return " ".join(map(str, (mname, _whole(rname, at + 20, data), *numbers)))
    except (_Short, BadName):
        return unknown(data.wire[data.start:data.end])
    return _ask_dnspython(kind, data, family)


def _whole(value: Any, after: int, data: Data) -> str:
    """`value`, when the data ends where it does."""
    if after != data.end:
        raise _Short
    return str(value)


def _raw_strings(data: Data) -> list[bytes]:
    strings, at = [], data.start
    while at < data.end:
        size = data.wire[at]
        strings.append(_take(data, at + 1, size))
        at += 1 + size
    return strings


def _ask_dnspython(kind: int, data: Data, family: int) -> str:
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    try:
        family_, kind_ = dns.rdataclass.RdataClass.make(family), dns.rdatatype.RdataType.make(kind)
        record = dns.rdata.from_wire(family_, kind_, data.wire, data.start, data.end - data.start)
        return str(record.to_text())
    except Exception:
        return unknown(data.wire[data.start:data.end])
