"""Rows of IP itself: fragments, headers that do not hold together, protocols that have no row of their own."""

from collections.abc import Callable

from sniff.decode.words import routing
from sniff.decode.words.memory import Memory
from sniff.decode.words.names import ip_protocol
from sniff.decode.words.row import CUT, MALFORMED, Row, Short
from sniff.packets import columns as c
from sniff.packets.addresses import ipv4_text, ipv6_bytes_text, mac_text
from sniff.packets.columns import Kind, Layer

EXTENSIONS = {0: "IPv6 hop-by-hop options", 43: "IPv6 routing", 60: "IPv6 destination options"}


def describe(row: Row, memory: Memory) -> None:
    """A packet whose innermost understood layer is IP."""
    kind, layer = row.column[c.KIND], row.column[c.LAYER]
    row.protocol = "IPv6" if row.column[c.IP_VERSION] == 6 else "IPv4"
    if kind == Kind.IPV4_FRAGMENT:
        _ipv4_fragment(row)
    elif kind == Kind.IPV6_FRAGMENT:
        _ipv6_fragment(row)
    elif layer == Layer.IPV6_EXTENSION:
        _extensions(row)
    elif kind == Kind.IP_MALFORMED and layer == Layer.IPV4:
        _bad_ipv4(row)
    elif kind == Kind.IP_MALFORMED and layer == Layer.IPV6:
        _bad_ipv6(row)
    elif layer == Layer.RAW:
        if not row.data and row.column[c.LINK_TYPE] in (0, 108):
            row.protocol, row.info = "N/A", "Null/Loopback"
        else:
            row.protocol = "IP" if row.data else "PPP" if row.column[c.LINK_TYPE] in (9, 50) else ""
        row.info = f"Bogus IP version ({row.u8(0) >> 4})"
    elif layer == Layer.IPV4:
        return   # a header without any payload
    elif layer in (Layer.TCP, Layer.UDP):
        _extensions(row)
        row.need(4)   # it is not there, or this would be a row of theirs
    else:
        _protocol(row, memory)


def _ipv4_fragment(row: Row) -> None:
    header = row.frame(row.column[c.L3], 20)
    offset = ((header[6] & 0x1F) << 8 | header[7]) * 8
    proto = row.column[c.IP_PROTO]
    row.info = (f"Fragmented IP protocol (proto={ip_protocol(proto)} {proto}, off={offset}, "
                f"ID={header[4] << 8 | header[5]:04x})")


def _ipv6_fragment(row: Row) -> None:
    word = row.u16(2)
    _extensions(row, stop=True)
    row.info += (", " if row.info else "") + _fragment_text(row.u8(0), word, row.u32(4))


def _fragment_text(following: int, word: int, identification: int) -> str:
    return (f"IPv6 fragment (off={word & 0xFFF8} more={'y' if word & 1 else 'n'} ident=0x{identification:08x} "
            f"nxt={following})")


def _extensions(row: Row, stop: bool = False) -> None:
    """The names of the extension headers, for a packet that ends among them (or `stop`s at a fragment header)."""
    header = row.frame(row.column[c.L3], 40)
    if row.column[c.IP_VERSION] == 6:
        first, following, at = row.column[c.L3] + 40, header[6], 0
    else:
        first, following, at = row.column[c.L3] + (header[0] & 0xF) * 4, header[9], 0
    data = row.frame(first, row.column[c.END] - first)
    names: list[str] = []
    while following in EXTENSIONS or following == 44:
        last = first + at >= row.column[c.HEADER]
        if following == 44:
            if stop and last:
                break
            if len(data) < at + 8:
                row.info = " , ".join(names)
                _ends(row, at + 8 - len(data))
            names.append(_fragment_text(data[at], data[at + 2] << 8 | data[at + 3],
                                        int.from_bytes(data[at + 4:at + 8], "big")))
            following, at = data[at], at + 8
            continue
        names.append(EXTENSIONS[following])
        length = (data[at + 1] + 1) * 8 if len(data) > at + 1 else 8
        if len(data) < at + length:
            row.info = " , ".join(names)
            _ends(row, at + length - len(data))
        following, at = data[at], at + length
        if last:
            break
    row.info = " , ".join(names) + (" " if names and stop else "")
    if row.column[c.LAYER] == Layer.IPV6_EXTENSION and row.column[c.FLAGS] & c.Flag.HEADER_CUT and not stop:
        raise Short(CUT if row.column[c.FLAGS] & c.Flag.CUT else MALFORMED)


def _ends(row: Row, more: int) -> None:
    """The packet ends `more` bytes too early."""
    raise Short(CUT if row.column[c.END] + more <= row.column[c.WIRE_END] else MALFORMED)


def _bad_ipv4(row: Row) -> None:
    """Why a header is none, in Wireshark's order of looking at it."""
    version = row.u8(0) >> 4
    if version != 4:
        row.info = f"Bogus IPv4 version ({version}, must be 4)"
        return
    _partial_addresses(row, 12, 4)
    row.need(20)
    header = (row.data[0] & 0xF) * 4
    if header < 20:
        row.info = f"Bogus IP header length ({header}, must be at least 20)"
        return
    length = row.u16(2)
    if length and length < header:
        row.info = f"Bogus IP length ({length}, less than header length {header})"
        return
    row.need(header)


def _bad_ipv6(row: Row) -> None:
    version = row.u8(0) >> 4
    if version != 6:
        row.info = f"Bogus IPv6 version ({version}, must be 6)"
        return
    _partial_addresses(row, 8, 16)
    if len(row.data) < 40 <= row.wire_len:
        raise Short(CUT)
    if len(row.data) < 40:
        row.info = f"Invalid IPv6 header ({len(row.data)} bytes, need exactly 40)"
    row.need(40)


def _partial_addresses(row: Row, source: int, length: int) -> None:
    """A header that is cut after its source address shows it; the destination stays the lower layer's."""
    if row.column[c.ADDRESS_KIND] == c.Address.TEXT and source + length <= len(row.data) < source + 2 * length:
        address = row.data[source:source + length]
        row.source = ipv6_bytes_text(address) if length == 16 else ipv4_text(int.from_bytes(address, "big"))
        row.destination = _lower_destination(row)


def _lower_destination(row: Row) -> str:
    """The destination that the layer below this IP header shows."""
    outer = row.column[c.OUTER_L3]
    if row.column[c.L2] > outer:   # an Ethernet frame inside a tunnel
        return mac_text(row.column[c.DST_LO])
    if outer != row.column[c.L3]:
        header = row.frame(outer, 40)
        return ipv6_bytes_text(header[24:40]) if header[0] >> 4 == 6 else ipv4_text(int.from_bytes(header[16:20], "big"))
    if row.column[c.LINK_TYPE] in (0, 9, 12, 14, 50, 101, 104, 108):
        return "N/A"
    return "" if row.column[c.LINK_TYPE] in (100, 107, 109, 113, 117, 228, 229, 239, 276) else mac_text(row.column[c.DST_LO])


def _protocol(row: Row, memory: Memory) -> None:
    """What follows IP, by its protocol number."""
    proto = row.column[c.IP_PROTO]
    if proto == 59 and row.column[c.IP_VERSION] == 6:
        row.info = "IPv6 no next header"
        return
    writer = WRITERS.get(proto)
    if proto == 132:
        _sctp(row, memory)
    elif writer is None:
        unknown = "Unknown IP Protocol: " if row.column[c.IP_VERSION] == 6 else ""
        row.info = f"{unknown}{ip_protocol(proto)} ({proto})"
    else:
        writer(row)


def _esp(row: Row) -> None:
    row.protocol = "ESP"
    spi = row.u32(0)
    row.need(8)
    row.info = f"ESP (SPI=0x{spi:08x})"


def _ah(row: Row) -> None:
    row.protocol = "AH"
    row.info = f"AH (SPI=0x{row.u32(4):08x})"
    row.need(12)
    row.need((row.data[1] + 2) * 4)


def _ipcomp(row: Row) -> None:
    row.protocol = "IPComp"
    row.info = f"IPComp (CPI=0x{row.u16(2):04x})"


GRE_PROTOCOLS = {0: "Possible GRE keepalive packet", 0x0800: "IP", 0x86DD: "IPv6", 0x880B: "PPP", 0x6558:
                 "Transparent Ethernet bridging", 0x88BE: "ERSPAN", 0x22EB: "ERSPAN III", 0x8847: "MPLS label switched packet",
                 0x8848: "MPLS multicast label switched packet", 0x883E: "WCCP", 0x0806: "ARP", 0x2001: "NHRP", 0x00FE:
                 "OSI Network Layer", 0x8881: "CDMA2000 A10 Unstructured byte stream", 0x894F: "Network Service Header"}


def _gre(row: Row) -> None:
    protocol = row.u16(2)
    row.protocol = "GRE"
    if protocol in (0x88BE, 0x22EB) and row.column[c.FLAGS] & c.Flag.HEADER_CUT:
        row.protocol, row.info = "ERSPAN", "ERSPAN:"
        raise Short(CUT if row.column[c.FLAGS] & c.Flag.CUT else MALFORMED)
    row.info = f"Encapsulated {GRE_PROTOCOLS.get(protocol, f'0x{protocol:04X} (unknown)')}"
    flags = row.u16(0)
    row.need(4 + 4 * bool(flags & 0xC000) + 4 * bool(flags & 0x2000) + 4 * bool(flags & 0x1000)
             + 4 * bool(flags & 0x0080 and flags & 7 == 1))


CHUNKS = ["DATA", "INIT", "INIT_ACK", "SACK", "HEARTBEAT", "HEARTBEAT_ACK", "ABORT", "SHUTDOWN", "SHUTDOWN_ACK", "ERROR",
          "COOKIE_ECHO", "COOKIE_ACK", "ECNE", "CWR", "SHUTDOWN_COMPLETE", "AUTH"]
MORE_CHUNKS = {64: "I_DATA", 128: "ASCONF_ACK", 129: "PKTDROP", 130: "RE_CONFIG", 132: "PAD", 192: "FORWARD_TSN", 193: "ASCONF",
               194: "I_FORWARD_TSN"}


def _sctp(row: Row, memory: Memory) -> None:
    """RFC 9260: the names of the chunks; transmission numbers count from the first one seen."""
    row.protocol = "SCTP" if row.left else row.protocol
    row.need(12)
    association = (*row.column[c.SRC_HI:c.DST_LO + 1], row.data[:8])
    tracked = any(row.data[4:8])   # a tag of zero belongs to no association
    at = 12
    while at + 4 <= row.left:
        kind, length = row.u8(at), row.u16(at + 2)
        row.info += f"{CHUNKS[kind] if kind < len(CHUNKS) else MORE_CHUNKS.get(kind, 'Unknown')} "
        if kind == 0:
            tsn = row.u32(at + 4)
            first = memory.first_tsn(association, tsn) if tracked else 0
            row.info += f"(TSN={(tsn - first) & 0xFFFFFFFF}) "
            if tracked and memory.sent_before(association, tsn):
                row.info += "(retransmission) "
            elif row.data[at + 1] & 3 != 3:
                row.info += "(Message Fragment) "
        if length < 4:
            raise Short(MALFORMED)
        at += (length + 3) & ~3
    row.need(min(at, row.left))


def _udp_lite(row: Row) -> None:
    row.protocol = "UDP-Lite"
    source, destination = row.u16(0), row.u16(2)
    row.need(8)
    row.info = f"{source} → {destination} Len={row.left - 8}"
    if not row.u16(6):
        row.info += " [ILLEGAL CHECKSUM (0)]"


def _dccp(row: Row) -> None:
    row.protocol = "DCCP"
    row.need(12)
    names = ["Request", "Response", "Data", "Ack", "DataAck", "CloseReq", "Close", "Reset", "Sync", "SyncAck"]
    kind = row.data[8] >> 1 & 0xF
    row.info = f"{row.u16(0)} → {row.u16(2)} [{names[kind] if kind < len(names) else 'Reserved'}]"


WRITERS: dict[int, Callable[[Row], None]] = {
    33: _dccp, 46: routing.rsvp, 47: _gre, 50: _esp, 51: _ah, 88: routing.eigrp, 89: routing.ospf, 103: routing.pim,
    108: _ipcomp, 112: routing.vrrp, 136: _udp_lite}
