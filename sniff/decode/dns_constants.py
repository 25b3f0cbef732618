"""Names of DNS opcodes, status codes and record types, as Wireshark writes them in a row; and the ones DNS itself uses.

The compiled writer reads them as numbers: place << 8 | length in WORDS, one text that holds them all.
"""

from array import array

OPCODE_NAMES = {0: "Standard query", 1: "Inverse query", 2: "Server status request", 4: "Zone change notification",
                5: "Dynamic update", 6: "DNS Stateful operations (DSO)"}
STATUS_NAMES = {1: "Format error", 2: "Server failure", 3: "No such name", 4: "Not implemented", 5: "Refused",
                6: "Name exists", 7: "RRset exists", 8: "RRset does not exist", 9: "Not authoritative",
                10: "Name out of zone", 11: "DSO-Type not implemented"}
TYPE_NAMES = {
    0: "Unused", 1: "A", 2: "NS", 3: "MD", 4: "MF", 5: "CNAME", 6: "SOA", 7: "MB", 8: "MG", 9: "MR", 10: "NULL", 11: "WKS",
    12: "PTR", 13: "HINFO", 14: "MINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB", 19: "X25", 20: "ISDN", 21: "RT",
    22: "NSAP", 23: "NSAP-PTR", 24: "SIG", 25: "KEY", 26: "PX", 27: "GPOS", 28: "AAAA", 29: "LOC", 30: "NXT", 31: "EID",
    32: "NIMLOC", 33: "SRV", 34: "ATMA", 35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 40: "SINK", 41: "OPT",
    42: "APL", 43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3",
    51: "NSEC3PARAM", 52: "TLSA", 55: "HIP", 57: "RKEY", 58: "TALINK", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY",
    62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF", 100: "UINFO", 101: "UID", 102: "GID", 103: "UNSPEC",
    104: "NID", 105: "L32", 106: "L64", 107: "LP", 108: "EUI48", 109: "EUI64", 249: "TKEY", 250: "TSIG", 251: "IXFR",
    252: "AXFR", 253: "MAILA", 254: "MAILB", 255: "ANY", 256: "URI", 257: "CAA", 32768: "TA", 32769: "DLV", 65281: "WINS",
    65282: "WINS-R", 65422: "XPF",
}
"""Record types by number. 253 and 254 stand the other way round in RFC 1035; these are the words of a row."""

SMALL_TYPES = 258
"""TYPES[t] is the word of type t below this; above follow pairs of type and word."""

STANDARD = b"Standard query 0x"
STANDARD_RESPONSE = b"Standard query response 0x"

RESPONSE, UNKNOWN_OPERATION, UNKNOWN_ERROR, UNKNOWN_TYPE, QM_QUESTION, CACHE_FLUSH = range(6)
"""Indexes in PHRASES."""


def _table() -> "tuple[bytes, dict[str, int]]":
    """(one text that holds all words once, {word: place << 8 | length})."""
    phrases = [" response", "Unknown operation (", " Unknown error (", " Unknown (", ', "QM" question', ", cache flush"]
    words = [*OPCODE_NAMES.values(), *(" " + w for w in STATUS_NAMES.values()), *(" " + w for w in TYPE_NAMES.values()),
             *phrases]
    text = b""
    places = {}
    for word in words:
        places[word] = len(text) << 8 | len(word)
        text += word.encode()
    PHRASES.extend(places[phrase] for phrase in phrases)
    return text, places


PHRASES = array("q")
WORDS, _PLACES = _table()
OPCODES = array("q", [_PLACES.get(OPCODE_NAMES.get(opcode, ""), 0) for opcode in range(16)])
STATUSES = array("q", [_PLACES.get(" " + STATUS_NAMES.get(status, ""), 0) for status in range(16)])
TYPES = array("q", [_PLACES.get(" " + TYPE_NAMES.get(kind, ""), 0) for kind in range(SMALL_TYPES)]
              + [number for kind in TYPE_NAMES if kind >= SMALL_TYPES for number in (kind, _PLACES[" " + TYPE_NAMES[kind]])])
