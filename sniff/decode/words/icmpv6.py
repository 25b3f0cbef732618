"""ICMPv6 (RFC 4443) with neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710, 3810)."""

from collections.abc import Callable

from sniff.decode.words.icmp import plus_ones_complement
from sniff.decode.words.memory import Memory
from sniff.decode.words.row import MALFORMED, Row, Short
from sniff.packets import columns as c

TYPES = {1: "Destination Unreachable", 2: "Packet Too Big", 3: "Time Exceeded", 4: "Parameter Problem",
         100: "Private experimentation", 101: "Private experimentation",
         127: "Reserved for expansion of ICMPv6 error messages", 128: "Echo (ping) request", 129: "Echo (ping) reply",
         130: "Multicast Listener Query", 131: "Multicast Listener Report", 132: "Multicast Listener Done",
         133: "Router Solicitation", 134: "Router Advertisement", 135: "Neighbor Solicitation",
         136: "Neighbor Advertisement", 137: "Redirect", 138: "Router Renumbering", 139: "Node Information Query",
         140: "Node Information Reply", 141: "Inverse Neighbor Discovery Solicitation",
         142: "Inverse Neighbor Discovery Advertisement", 143: "Multicast Listener Report Message v2",
         144: "Home Agent Address Discovery Request", 145: "Home Agent Address Discovery Reply",
         146: "Mobile Prefix Solicitation", 147: "Mobile Prefix Advertisement", 148: "Certification Path Solicitation",
         149: "Certification Path Advertisement", 150: "Experimental Mobility", 151: "Multicast Router Advertisement",
         152: "Multicast Router Solicitation", 153: "Multicast Router Termination", 154: "FMIPv6", 155: "RPL Control",
         156: "Locator Update", 157: "Duplicate Address Request", 158: "Duplicate Address Confirmation",
         159: "MPL Control Message", 160: "Extended Echo request", 161: "Extended Echo reply",
         200: "Private experimentation", 201: "Private experimentation",
         255: "Reserved for expansion of ICMPv6 informational messages"}

CODES: dict[int, dict[int, str]] = {
    1: {0: "no route to destination", 1: "Administratively prohibited", 2: "Beyond scope of source address",
        3: "Address unreachable", 4: "Port unreachable", 5: "Source address failed ingress/egress policy",
        6: "Reject route to destination", 7: "Error in Source Routing Header"},
    3: {0: "hop limit exceeded in transit", 1: "fragment reassembly time exceeded"},
    4: {0: "erroneous header field encountered", 1: "unrecognized Next Header type encountered",
        2: "unrecognized IPv6 option encountered", 3: "IPv6 First Fragment has incomplete IPv6 Header Chain"},
    138: {0: "Command", 1: "Result", 255: "Sequence number reset"},
    139: {0: "Query subject = IPv6 addresses", 1: "Query subject = DNS name or empty", 2: "Query subject = IPv4 addresses"},
    140: {0: "Successful", 1: "Refused", 2: "Unknown query type"},
    155: {0: "DODAG Information Solicitation", 1: "DODAG Information Object", 2: "Destination Advertisement Object",
          3: "Destination Advertisement Object Acknowledgment", 4: "P2P Discovery Reply Object",
          5: "P2P Discovery Reply Object Acknowledgement"},
    160: {0: "No error"},
    161: {0: "No error", 1: "Malformed Query", 2: "No Such Interface", 3: "No Such Table Entry",
          4: "Multiple Interfaces Satisfy Query"},
}


def describe(row: Row, memory: Memory) -> None:
    """One ICMPv6 message."""
    row.protocol = "ICMPv6"
    kind = row.u8(0)
    row.info = TYPES.get(kind, f"Unknown ({kind})")
    code = row.u8(1)
    if kind in CODES:
        unknown = "Unknown" if kind == 1 else f"Unknown ({code})"
        row.info += f" ({CODES[kind].get(code, unknown)})"
    row.need(4)
    writer = WRITERS.get(kind)
    if writer is not None:
        writer(row, memory)


def _echo(row: Row, memory: Memory) -> None:
    row.need(8)
    needed = 8
    if row.column[c.FLAGS] & c.Flag.TEREDO and row.data[0] == 128:
        # RFC 5991 section 2.2: what Teredo clients send through the native network to test the way.
        row.protocol, row.info = "Teredo", "Direct IPv6 Connectivity Test"
        needed = 12   # with its nonce
    row.info += f" id=0x{row.u16(4):04x}, seq={row.u16(6)}, hop limit={row.column[c.TTL]}"
    row.need(needed)
    reply = row.data[0] == 129
    checksum = row.u16(2)
    if reply:
        checksum = plus_ones_complement(checksum, 0x0100)
    hosts = frozenset(((row.column[c.SRC_HI], row.column[c.SRC_LO]), (row.column[c.DST_HI], row.column[c.DST_LO])))
    key = (hosts, checksum, row.data[4:8], 6)
    if not reply:
        memory.request(key, row.column[c.NUMBER])
    elif number := memory.answered(key):
        row.info += f" (request in {number})"


def _error(row: Row, memory: Memory) -> None:
    """Errors quote the packet; extensions (RFC 4884) may follow at a length of eight-byte units."""
    row.need(9)
    if row.data[0] in (1, 3) and row.data[4] and 8 + row.data[4] * 8 > row.left:
        raise Short(MALFORMED)


def _router_solicitation(row: Row, memory: Memory) -> None:
    row.need(8)
    _options(row, 8)


def _router_advertisement(row: Row, memory: Memory) -> None:
    row.need(16)
    _options(row, 16)


def _neighbor_solicitation(row: Row, memory: Memory) -> None:
    row.info += f" for {row.ipv6(8)}"
    _options(row, 24)


def _neighbor_advertisement(row: Row, memory: Memory) -> None:
    target = row.ipv6(8)
    names = [name for bit, name in ((0x80, "rtr"), (0x40, "sol"), (0x20, "ovr")) if row.data[4] & bit]
    row.info += f" {target} ({', '.join(names) or 'none'})"
    _options(row, 24)


def _redirect(row: Row, memory: Memory) -> None:
    row.need(40)
    _options(row, 40)


def _options(row: Row, at: int) -> None:
    """Neighbour discovery options (RFC 4861 section 4.6): link-layer addresses show in the row."""
    while at < row.left:
        kind, length = row.u8(at), row.u8(at + 1) * 8
        if not length:
            return
        if length == 8 and kind in (1, 2):
            row.info += (" from " if kind == 1 else " is at ") + row.mac(at + 2)
        row.need(at + length)
        at += length


def _listener(row: Row, memory: Memory) -> None:
    row.need(24)


def _listener_report_v2(row: Row, memory: Memory) -> None:
    """Records up to the end of the packet, whatever their number says."""
    row.need(8)
    at = 8
    while at < row.left:
        at += 20 + row.u8(at + 1) * 4 + row.u16(at + 2) * 16
        row.need(at)


WRITERS: dict[int, Callable[[Row, Memory], None]] = {
    1: _error, 2: _error, 3: _error, 4: _error, 128: _echo, 129: _echo, 130: _listener, 131: _listener, 132: _listener,
    133: _router_solicitation, 134: _router_advertisement, 135: _neighbor_solicitation, 136: _neighbor_advertisement,
    137: _redirect, 143: _listener_report_v2}
