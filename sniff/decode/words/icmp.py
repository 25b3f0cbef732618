"""ICMP for IPv4 (RFC 792, 950, 1256, 2002, 2521)."""

from sniff.decode.words.memory import Memory
from sniff.decode.words.row import CUT, Row, Short
from sniff.packets import columns as c

ECHO_REPLY, UNREACHABLE, QUENCH, REDIRECT, ECHO, ADVERTISEMENT, EXCEEDED, PARAMETER = 0, 3, 4, 5, 8, 9, 11, 12

TYPES = {0: "Echo (ping) reply", 1: "Reserved", 2: "Reserved", 3: "Destination unreachable",
         4: "Source quench (flow control)", 5: "Redirect", 6: "Alternate host address", 8: "Echo (ping) request",
         9: "Router advertisement", 10: "Router solicitation", 11: "Time-to-live exceeded", 12: "Parameter problem",
         13: "Timestamp request", 14: "Timestamp reply", 15: "Information request", 16: "Information reply",
         17: "Address mask request", 18: "Address mask reply", 19: "Reserved (for security)", 30: "Traceroute",
         31: "Datagram Conversion Error", 32: "Mobile Host Redirect", 33: "IPv6 Where-Are-You", 34: "IPv6 I-Am-Here",
         35: "Mobile Registration Request", 36: "Mobile Registration Reply", 37: "Domain Name Request",
         38: "Domain Name Reply", 39: "SKIP", 40: "Photuris", 41: "Experimental mobility protocols",
         42: "Extended Echo request", 43: "Extended Echo reply"}

CODES: dict[int, list[str]] = {
    UNREACHABLE: ["Network unreachable", "Host unreachable", "Protocol unreachable", "Port unreachable",
                  "Fragmentation needed", "Source route failed", "Destination network unknown", "Destination host unknown",
                  "Source host isolated", "Network administratively prohibited", "Host administratively prohibited",
                  "Network unreachable for TOS", "Host unreachable for TOS", "Communication administratively filtered",
                  "Host precedence violation", "Precedence cutoff in effect"],
    REDIRECT: ["Redirect for network", "Redirect for host", "Redirect for TOS and network", "Redirect for TOS and host"],
    6: ["Alternate address for host"],
    EXCEEDED: ["Time to live exceeded in transit", "Fragment reassembly time exceeded"],
    PARAMETER: ["Pointer indicates the error", "Required option missing", "Bad length"],
    40: ["Bad SPI", "Authentication Failed", "Decompression Failed", "Decryption Failed", "Need Authentication",
         "Need Authorization"],
}

FULL_LENGTH = {13: 20, 14: 20, 17: 12, 18: 12}
"""Bytes of the messages that have fields behind identifier and sequence number."""


def describe(row: Row, memory: Memory) -> None:
    """One ICMP message."""
    row.protocol = "ICMP"
    row.need(6)   # Wireshark looks at the extensions' length before it writes anything
    kind, code = row.data[0], row.data[1]
    name = TYPES.get(kind, "Unknown ICMP (obsolete or malformed?)")
    why = ""
    if kind == ADVERTISEMENT:
        advertisement = {0: "Normal router advertisement", 16: "Does not route common traffic"}
        if code in advertisement:
            name = "Mobile IP Advertisement"
        why = advertisement.get(code, f"Unknown code: {code}")
    elif kind in CODES:
        known = CODES[kind]
        why = known[code] if code < len(known) else f"Unknown code: {code}"
    row.info = f"{name:<20} ({why})" if why else f"{name:<20}"

    if kind in (ECHO, ECHO_REPLY) or 13 <= kind <= 18:
        row.need(8)
        identifier, sequence = row.u16(4), row.u16(6)
        swapped = (sequence & 0xFF) << 8 | sequence >> 8
        row.info += f" id=0x{identifier:04x}, seq={sequence}/{swapped}"
        if row.column[c.IP_VERSION] == 4:
            row.info += f", ttl={row.column[c.TTL]}"
        if kind in (ECHO, ECHO_REPLY):
            _match(row, memory, kind == ECHO_REPLY)
        row.need(FULL_LENGTH.get(kind, 8))
    elif kind in (UNREACHABLE, QUENCH, REDIRECT, EXCEEDED, PARAMETER):
        row.need(9 if kind == REDIRECT else 8)
        _quoted(row, 8)
    elif kind == ADVERTISEMENT:
        row.need(8 + row.u8(4) * row.u8(5) * 4 if row.u8(5) else 8)


def _match(row: Row, memory: Memory, reply: bool) -> None:
    """Remember a request, or find the one that a reply answers: same hosts, identifier, number and contents.

    The contents are compared by the checksum: that of the reply differs by the type alone.
    """
    checksum = row.u16(2)
    if reply:
        checksum = plus_ones_complement(checksum, 0xFFFF ^ 0x0800)
    hosts = frozenset(((row.column[c.SRC_HI], row.column[c.SRC_LO]), (row.column[c.DST_HI], row.column[c.DST_LO])))
    key = (hosts, checksum, row.data[4:8])
    if not reply:
        memory.request(key, row.column[c.NUMBER])
    elif number := memory.answered(key):
        row.info += f" (request in {number})"


def plus_ones_complement(checksum: int, addend: int) -> int:
    """Sum of two 16-bit numbers with the carry added at the low end (RFC 1071)."""
    total = checksum + addend
    return (total & 0xFFFF) + (total >> 16)


def _quoted(row: Row, at: int) -> None:
    """The packet that an error quotes: it may be short, but what the capture cut off is told."""
    missing = row.wire_len > len(row.data)
    if missing and len(row.data) < at + 20:
        raise Short(CUT)
    if missing and row.data[at] >> 4 == 4:
        header = (row.data[at] & 0xF) * 4
        transport = {6: 20, 17: 8, 1: 8}.get(row.data[at + 9], 0)
        if len(row.data) < at + header + transport:
            raise Short(CUT)
        if transport == 8 and row.data[at + 9] == 17 and (row.u16(at + header) == 53 or row.u16(at + header + 2) == 53):
            raise Short(CUT)   # DNS is looked into even there
