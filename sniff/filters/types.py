"""The types of fields, and what a literal means for each of them.

Values of a type travel as arrays (columns.py): numbers, IPv4 and MAC addresses and times as int64, IPv6 addresses as two
uint64, the others as Python objects. Times are nanoseconds.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from sniff.filters.record import record
from sniff.filters.syntax import Form, Literal


class Type(Enum):
    """What the values of a field are; the word is what people read."""

    NONE = "label"                 # there or not there, no value
    BOOLEAN = "boolean"
    NUMBER = "number"
    FLOAT = "floating-point number"
    IPV4 = "IPv4 address"
    IPV6 = "IPv6 address"
    ETHER = "MAC address"
    BYTES = "bytes"
    STRING = "string"
    TIME = "date and time"
    SPAN = "duration"
    PROTOCOL = "protocol"


NUMBERS = frozenset({Type.NUMBER, Type.BOOLEAN, Type.IPV4, Type.ETHER, Type.TIME, Type.SPAN, Type.FLOAT})
"""Types whose values are one number each."""

OBJECTS = frozenset({Type.BYTES, Type.STRING, Type.PROTOCOL})
"""Types whose values are Python objects: bytes and protocols are bytes, strings are str."""

ARITHMETIC = frozenset({Type.NUMBER, Type.FLOAT, Type.SPAN, Type.TIME})
SLICEABLE = frozenset({Type.BYTES, Type.STRING, Type.PROTOCOL, Type.ETHER, Type.IPV4, Type.IPV6})
SEARCHABLE = frozenset({Type.BYTES, Type.STRING, Type.PROTOCOL})
"""Types that `contains` and `matches` look into; a MAC address is bytes to `contains`."""

COMPARABLE = {Type.BYTES: OBJECTS | {Type.ETHER, Type.IPV4, Type.IPV6}, Type.PROTOCOL: OBJECTS | {Type.ETHER},
              Type.ETHER: {Type.ETHER, Type.BYTES, Type.PROTOCOL}, Type.STRING: OBJECTS, Type.IPV4: {Type.IPV4, Type.BYTES},
              Type.IPV6: {Type.IPV6, Type.BYTES}, Type.NUMBER: {Type.NUMBER, Type.FLOAT, Type.BOOLEAN},
              Type.BOOLEAN: {Type.BOOLEAN, Type.NUMBER}, Type.FLOAT: {Type.FLOAT, Type.NUMBER}, Type.TIME: {Type.TIME},
              Type.SPAN: {Type.SPAN}}
"""{type: types whose values it can be compared with}."""


class BadLiteral(ValueError):
    """A literal that means nothing for a type; the message says why."""


@record
class Constant:
    """What a literal means.

    value  int, float, str, bytes, or (high, low) of an IPv6 address
    mask   of an address with a prefix, likewise; None for all bits
    """

    type: Type
    value: Any
    mask: Any = None


# Compiled when a literal needs them.
_NUMBER = r"(?a)0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[0-9]+"
_BYTES = r"(?a):?(?:[0-9a-fA-F]{2}(?:[:.-][0-9a-fA-F]{2})*:?|[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+)"
_PLAIN_BYTES = r"(?a):?(?:[0-9a-fA-F]{2})+|0[xX][0-9a-fA-F]{1,2}|:?[0-9a-fA-F]"
_SECONDS = r"(?a)(-)?(\d{1,11})?(?:\.(\d*))?"
_FLOAT = r"(?a)[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?"
_ISO_TIME = r"(?a)(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
_WORD_TIME = (r"(?a)([A-Za-z]{3}) {1,2}(\d{1,2}), (\d{4})(?: (\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?"
              r"\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TRUE, FALSE = frozenset({"true", "set", "yes"}), frozenset({"false", "not set", "no"})


def constant(literal: Literal, type_: Type, *, bits: int = 64, names: dict[str, int] | None = None) -> Constant:
    """What a literal means as a value of a type. Raises BadLiteral.

    bits   of the numbers of the field
    names  {name in lower case: number} that the field has words for
    """
    text = literal.text.decode("utf-8", "surrogateescape")
    quoted = literal.form == Form.STRING
    match type_:
        case Type.NUMBER:
            return Constant(type_, _number(literal, text, bits, names or {}))
        case Type.BOOLEAN:
            return Constant(type_, _boolean(literal, text))
        case Type.FLOAT:
            return Constant(type_, _float(text))
        case Type.STRING:
            return Constant(type_, text)
        case Type.BYTES | Type.PROTOCOL:
            return Constant(type_, literal.text if literal.form != Form.WORD else _bytes(text))
        case Type.ETHER:
            return _ether(text)
        case Type.TIME:
            return Constant(type_, _time(text))
        case Type.SPAN:
            return Constant(type_, _span(text))
    if quoted:
        raise BadLiteral(f"an {type_.value} stands without quotes")
    return _ipv4(text) if type_ == Type.IPV4 else _ipv6(text)


def whole_number(text: str) -> int:
    """A number as C writes it: 80, 0x50, 0120, 0b1010000. Raises BadLiteral."""
    if re.fullmatch(_NUMBER, text) is None or len(text) > 70:
        raise BadLiteral(f"'{text}' is no number")
    if text[:2].lower() in ("0x", "0b", "0o"):
        return int(text, 0)
    return int(text, 8) if len(text) > 1 and text[0] == "0" else int(text)


def _number(literal: Literal, text: str, bits: int, names: dict[str, int]) -> int:
    if literal.form == Form.CHARACTER:
        return literal.text[0]
    if text.lower() in names:
        return names[text.lower()]
    if literal.form == Form.STRING:
        from difflib import get_close_matches
        close = get_close_matches(text.lower(), names, 1)
        raise BadLiteral(f"{text!r} is none of its names" + (f"; did you mean {close[0]!r}?" if close else "") if names else
                         f"a number is needed here, not the text {text!r}")
    value = whole_number(text)
    if value >= 1 << bits:
        raise BadLiteral(f"{text} is too big for this field, which holds at most {(1 << bits) - 1}")
    return min(value, 2**63 - 1)


def _boolean(literal: Literal, text: str) -> int:
    if text.lower() in TRUE:
        return 1
    if text.lower() in FALSE:
        return 0
    if literal.form == Form.WORD and re.fullmatch(_NUMBER, text):
        return int(whole_number(text) != 0)
    raise BadLiteral(f"'{text}' is neither true nor false")


def _float(text: str) -> float:
    if re.fullmatch(_FLOAT, text) is None:
        raise BadLiteral(f"'{text}' is no number")
    return float(text)


def _bytes(text: str) -> bytes:
    if re.fullmatch(_BYTES, text) or re.fullmatch(_PLAIN_BYTES, text):
        digits = re.sub(r"[:.-]", "", text.lower().removeprefix("0x"))
        return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
    raise BadLiteral(f"'{text}' is no bytes; 0d:0a is, and a text stands in double quotes")


def _ether(text: str) -> Constant:
    if re.fullmatch(_BYTES, text) is None:
        raise BadLiteral(f"'{text}' is no MAC address; 00:11:22:aa:bb:cc is")
    value = _bytes(text)
    if len(value) != 6:
        raise BadLiteral(f"a MAC address has 6 bytes, this has {len(value)}")
    return Constant(Type.ETHER, int.from_bytes(value, "big"))


def _ipv4(text: str) -> Constant:
    address, slash, prefix = text.partition("/")
    try:
        value = int(IPv4Address(address))
    except AddressValueError:
        raise BadLiteral(f"'{text}' is no IPv4 address; 10.1.2.3 and 10.0.0.0/8 are") from None
    if not slash:
        return Constant(Type.IPV4, value)
    bits = _prefix(prefix, 32)
    return Constant(Type.IPV4, value, (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF)


def _ipv6(text: str) -> Constant:
    address, slash, prefix = text.partition("/")
    try:
        value = int(IPv6Address(address)) if "%" not in address else -1
    except AddressValueError:
        value = -1
    if value < 0:
        raise BadLiteral(f"'{text}' is no IPv6 address; 2001:db8::1 and fe80::/10 are")
    low = (1 << 64) - 1
    if not slash:
        return Constant(Type.IPV6, (value >> 64, value & low))
    mask = ((1 << 128) - 1) << (128 - _prefix(prefix, 128)) & ((1 << 128) - 1)
    return Constant(Type.IPV6, (value >> 64, value & low), (mask >> 64, mask & low))


def _prefix(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 3 or int(text) > most:
        raise BadLiteral(f"'/{text}' is no prefix length; it is a number from 0 to {most}")
    return int(text)


def _span(text: str) -> int:
    found = re.fullmatch(_SECONDS, text)
    if found is None or (not found[2] and not found[3]):
        raise BadLiteral(f"'{text}' is no duration; it is a number of seconds: 0.25")
    value = int(found[2] or 0) * 1_000_000_000 + int(((found[3] or "") + "0" * 9)[:9])
    return -value if found[1] else min(value, 2**63 - 1)


def _time(text: str) -> int:
    found = re.fullmatch(_ISO_TIME, text.strip())
    parts: list[Any]
    if found is not None:
        parts = list(found.groups())
    else:
        found = re.fullmatch(_WORD_TIME, text.strip())
        if found is None or found[1].lower() not in _MONTHS:
            raise BadLiteral(f"'{text}' is no date and time; \"2024-03-01 12:30:00\" and \"Mar 1, 2024 12:30:00.5\" are")
        parts = [found[3], str(_MONTHS.index(found[1].lower()) + 1), found[2], *found.groups()[3:]]
    year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        if parts[7] is None:      # as Wireshark: the time of this machine
            moment = moment.replace(tzinfo=None).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadLiteral(f"'{text}' is no date and time") from None
    shift = timedelta()
    zone = parts[7]
    if zone and zone[0] in "+-":
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (1 if zone[0] == "+" else -1)
    seconds = (moment - shift - _EPOCH) // timedelta(seconds=1) + max(0, second - 59)
    return max(-2**63, min(seconds * 1_000_000_000 + int(((parts[6] or "") + "0" * 9)[:9]), 2**63 - 1))
