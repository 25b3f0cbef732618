"""The table of all fields: look one up by its name, search them, or find the name that was meant."""

import re
from functools import cache
from importlib import import_module

from sniff.filters.field import Field

_HEADER = r"http\.header\.[A-Za-z0-9!#$%&*+.^_|~-]+"

HEADER = "http.header.NAME"
"""Stands in lists for the fields of all header fields."""

ABSENT = {"http.response_in": "the response is not known yet when its request is read; use http.request_in",
          "http.next_request_in": "the next request is not known yet; use http.prev_request_in",
          "http.next_response_in": "the next response is not known yet; use http.prev_response_in",
          "dns.response_in": "the response is not known yet when its query is read; use dns.response_to",
          "http.subdissector_failed": "who reads a body and fails is not known here; use http.content_type",
          **dict.fromkeys((f"xml.{name}" for name in ("attribute", "cdata", "comment", "doctype", "tag", "xmlpi")),
                          "XML is not taken apart; use xml contains or http.file_data"),
          **dict.fromkeys((f"mime_multipart.{name}" for name in (
              "decryption_not_possible", "header.originalcontent", "header.sectoken-length")),
              "encrypted parts are not taken apart; use http.content_type"),
          "icmp.resp_in": "the reply is not known yet when the request is read; use icmp.type",
          "tcp.reassembled_in": "where a message ends is not known yet; use http or dns",
          "frame.protocols": "only Wireshark's dissectors name all protocols; use the names themselves: dns and udp"}
"""Fields of Wireshark that a filter in one pass cannot have, and what to do instead."""


@cache
def all_fields() -> dict[str, Field]:
    """{name: field} in alphabetical order."""
    places = dict.fromkeys([*MODULES.values(), *(place for more in MORE.values() for place in more)])
    fields = [field for place in places for field in _fields_in(*place).values()]
    return {field.name: field for field in sorted(fields, key=lambda field: field.name)}


MODULES = {"dns": ("dns", "DNS_FIELDS"), "mdns": ("dns", "DNS_FIELDS"), "llmnr": ("dns", "DNS_FIELDS"),
           "http": ("http", "HTTP_FIELDS"), "tcp": ("tcp", "TCP_FIELDS"), "sniff": ("own", "OWN_FIELDS"),
           "sll": ("links", "LINK_FIELDS"),
           **dict.fromkeys(("json", "xml", "data-text-lines", "urlencoded-form", "png", "image-gif", "image-jfif", "media",
                            "mime_multipart"), ("media", "MEDIA_FIELDS")),
           **dict.fromkeys(("nbns", "ssdp", "websocket", "http2", "grpc", "fcgi"), ("rows", "ROW_FIELDS")),
           **dict.fromkeys(("frame", "eth", "vlan", "arp", "ip", "ipv6", "icmp", "icmpv6", "igmp", "udp"),
                           ("packets", "PACKET_FIELDS"))}
"""{first part of a name: (module, its list of fields)}: a filter imports only what it names."""

_NEVER = ("never", "NEVER_FIELDS")

MORE: dict[str, tuple[tuple[str, str], ...]] = {
    "dns": (("dns_more", "DNS_DATA_FIELDS"),),
    "http": (("http_more", "HTTP_MORE_FIELDS"),),
    "nbns": (("nbns", "NBNS_FIELDS"),),
    "tcp": (("tcp_states", "TCP_STATES"), ("tcp_options", "TCP_OPTIONS"), _NEVER),
    "ip": (("fragments", "FRAGMENT_FIELDS"), ("ip_options", "IP_OPTIONS"), _NEVER),
    "ipv6": (("fragments", "FRAGMENT_FIELDS"), ("ipv6", "IPV6_FIELDS")),
    "icmpv6": (("icmpv6", "ICMPV6_FIELDS"),),
    "frame": (("frames", "FRAME_FIELDS"), _NEVER),
    **dict.fromkeys(("icmp", "igmp", "arp"), (("icmp", "ICMP_FIELDS"),)),
    **dict.fromkeys(("eth", "vlan", "udp"), (("links", "LINK_FIELDS"), _NEVER)),
}
"""Where those fields are that are asked for less often, in the order in which they are looked through."""


@cache
def _fields_in(module: str, attribute: str) -> dict[str, Field]:
    return {field.name: field for field in getattr(import_module(f"sniff.filters.fields.{module}"), attribute)}


def begins_like_a_field(name: str) -> bool:
    """Whether the part before the first dot is one with which names of fields begin."""
    return name.partition(".")[0].lower() in MODULES


def find(name: str) -> Field | None:
    """The field of that name, None for none."""
    first = name.partition(".")[0]
    field = _fields_in(*MODULES[first]).get(name) if first in MODULES else None
    if field is None and name.startswith("http.header.") and re.fullmatch(_HEADER, name):
        from sniff.filters.fields.http import header_field
        return header_field(name.removeprefix("http.header."))
    for place in MORE.get(first, ()) if field is None else ():
        field = field or _fields_in(*place).get(name)
    return field


def search(word: str) -> list[Field]:
    """The fields whose name or meaning contains a word; those with it in their name first."""
    word = word.lower()
    fields = all_fields().values()
    named = [field for field in fields if word in field.name]
    return named + [field for field in fields if word not in field.name and word in field.meaning.lower()]


def instead_of(name: str) -> str | None:
    """What to do without a field that Wireshark has and a filter in one pass cannot have; None for any other name."""
    from sniff.filters.fields import absent
    return ABSENT.get(name) or absent.instead_of(name)


def nearest(name: str) -> str:
    """What to tell somebody who wrote a name that does not exist: the field that was probably meant; may be empty."""
    from difflib import get_close_matches

    from sniff.filters.fields import absent
    fields = all_fields()
    instead = instead_of(name)
    if instead is not None:
        return instead
    if name.lower() in fields:
        return f"did you mean {name.lower()}?"
    last = "." + name.rpartition(".")[2].lower()
    alike = sorted((one for one in fields if "." in name and one.endswith(last)), key=lambda one: not one.startswith(("http.", "dns.")))
    close = get_close_matches(name.lower(), fields, 2, 0.6)
    if (alike and not begins_like_a_field(name)) or not close:
        close = alike[:2]
    if not close:
        return absent.of_family(name) or "sniff fields WORD finds fields by a word"
    return f"did you mean {' or '.join(close)}?"
