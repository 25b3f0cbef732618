"""Rows of frames that hold no IP: Ethernet types, IEEE 802.2, and link headers that are cut."""

from collections.abc import Callable

from sniff.decode.words import lldp, ppp
from sniff.decode.words.names import ETHERTYPE_NAMES, ETHERTYPES, SAP_PROTOCOLS, SAPS
from sniff.decode.words.row import Row
from sniff.packets import columns as c
from sniff.packets.addresses import ipv4_text, mac_text
from sniff.packets.columns import Layer

COOKED_TYPES = ["Unicast to us", "Broadcast", "Multicast", "Unicast to another host", "Sent by us"]
CISCO = 0x00000C
NO_ADDRESSES = (0, 9, 12, 14, 50, 101, 104, 108)
"""Link types whose packets have none: Wireshark writes N/A."""


def describe(row: Row) -> None:
    """A frame, from where its dissection stopped."""
    layer = row.column[c.LAYER]
    if layer == Layer.ETHERNET:
        _ethernet(row)
    elif layer in (Layer.ETHERTYPE, Layer.ARP):
        by_ethertype(row)
    elif layer == Layer.LLC:
        _llc(row)
    elif layer == Layer.PPP:
        ppp.describe(row)
    elif layer == Layer.PPPOE:
        ppp.session(row)
    elif layer == Layer.CISCO_HDLC:
        ppp.cisco_hdlc(row)
    elif layer == Layer.MPLS:
        _mpls(row)
    elif layer == Layer.VLAN:
        _vlan(row)
    elif layer == Layer.COOKED:
        _cooked(row)
    elif layer == Layer.LOOPBACK:
        row.need(2 if row.column[c.LINK_TYPE] == 0 else 0)
        row.protocol, row.info = "N/A", "Null/Loopback"
        row.need(4)
    elif layer == Layer.RAW:
        _raw(row)
    elif layer == Layer.FDDI:
        row.protocol = "FDDI"
        control = row.u8(0)
        row.info = f"Async LLC frame, priority {control & 7}" if control & 0xF0 == 0x50 else "Unknown frame type"
        row.need(13)
    elif layer == Layer.TOKEN_RING:
        row.protocol = "TR"
        row.need(14)
        row.info = "Token-Ring MAC"
    elif layer == Layer.CAPTURE:
        _capture(row)


def addresses(row: Row) -> None:
    """Source and Destination where the columns cannot say them."""
    link = row.column[c.LINK_TYPE]
    if row.column[c.CAPLEN] < {0: 2, 9: 1, 50: 1}.get(link, 0):
        row.source = row.destination = ""
    elif row.column[c.L2] >= 0 and row.column[c.LAYER] == Layer.ETHERNET:
        row.source = mac_text(int.from_bytes(row.data[6:12], "big")) if len(row.data) >= 12 else ""
        row.destination = mac_text(int.from_bytes(row.data[:6], "big")) if len(row.data) >= 6 else ""
    elif link in (113, 276):
        row.source, row.destination = _cooked_source(row), ""
    elif row.column[c.LAYER] in (Layer.LOOPBACK, Layer.RAW, Layer.PPP, Layer.CISCO_HDLC) or link in NO_ADDRESSES:
        row.source = row.destination = "N/A"


def _ethernet(row: Row) -> None:
    row.protocol = "Ethernet"
    row.need(14)
    kind = row.u16(12)
    row.info = f"Ethernet Unknown: Invalid length/type: 0x{kind:04x} ({kind})"


def by_ethertype(row: Row) -> None:
    """What follows an Ethernet type."""
    kind = row.column[c.ETHERTYPE]
    cooked = row.column[c.LINK_TYPE] in (113, 276) and row.column[c.OUTER_L3] < 0
    writer = WRITERS.get(kind)
    if writer is not None:
        writer(row)
        return
    row.protocol = ETHERTYPES.get(kind, f"0x{kind:04x}")
    header = row.frame(row.column[c.HEADER] - 8, 8) if row.column[c.HEADER] - row.column[c.START] >= 8 else b""
    if row.protocol.startswith("0x") and header[:3] == b"\xaa\xaa\x03" and header[6:] == kind.to_bytes(2, "big"):
        row.protocol = "LLC"
        row.info = f"U, func=UI; SNAP, OUI 0x{header[3:6].hex().upper()} ({ORGANISATIONS[0]}), PID 0x{kind:04X}"
    elif kind <= 0x0600 and cooked:
        row.protocol, row.info = "SLL", _cooked_type(row)
    elif row.protocol.startswith("0x") and row.column[c.LINK_TYPE] in (0, 108) and row.column[c.OUTER_L3] < 0:
        row.protocol, row.info = "N/A", "Null/Loopback"
    elif row.protocol.startswith("0x"):
        row.info = ETHERTYPE_NAMES.get(kind) or _below(row)


def _below(row: Row) -> str:
    """What the row says already when nobody knows an Ethernet type: the layer below wrote it."""
    below = row.column[c.L2]
    if below < 0:
        return ""
    tags = row.frame(below, 18)
    if row.column[c.VLAN] >= 0 and len(tags) == 18:
        tag = tags[14] << 8 | tags[15]
        if tags[12:14] == b"\x88\xa8":
            return f"PRI: {tag >> 13}  DROP: {tag >> 12 & 1} ID: {tag & 0xFFF}"
        return f"PRI: {tag >> 13}  DEI: {tag >> 12 & 1}  ID: {tag & 0xFFF}"
    link = row.column[c.LINK_TYPE]
    if link in (113, 276):
        return _cooked_type(row)
    return "Ethernet II" if link in (1, 101, 228, 229) or row.column[c.OUTER_L3] >= 0 else ""


def _vlan(row: Row) -> None:
    row.protocol = "VLAN"
    tag = row.u16(0)
    row.info = f"PRI: {tag >> 13}  DEI: {tag >> 12 & 1}  ID: {tag & 0xFFF}"
    row.need(4)


def _mpls(row: Row) -> None:
    row.protocol, row.info = "MPLS", "MPLS Label Switched Packet"
    at = 0
    while not row.u8(at + 2) & 1:
        at += 4
    row.need(at + 5)


def _cooked(row: Row) -> None:
    row.need(4 if row.column[c.LINK_TYPE] == 113 else 12)
    row.protocol = "SLL"
    row.info = _cooked_type(row)
    row.need(16 if row.column[c.LINK_TYPE] == 113 else 20)


def _cooked_source(row: Row) -> str:
    """The sender's hardware address; one of four bytes is an IPv4 address (a tunnel's)."""
    header = row.frame(row.column[c.L2], 20)
    at, length = (6, header[5] if len(header) > 5 and not header[4] else 0) if row.column[c.LINK_TYPE] == 113 else (
        12, header[11] if len(header) > 11 else 0)
    if length == 6 and len(header) >= at + 6:
        return mac_text(int.from_bytes(header[at:at + 6], "big"))
    if length == 4 and len(header) >= at + 4:
        return ipv4_text(int.from_bytes(header[at:at + 4], "big"))
    return ""


def _cooked_type(row: Row) -> str:
    header = row.frame(row.column[c.L2], 20)
    at = 0 if row.column[c.LINK_TYPE] == 113 else 10   # tshark 4.0 takes two bytes in version 2 as well
    kind = int.from_bytes(header[at:at + 2], "big")
    return COOKED_TYPES[kind] if kind < len(COOKED_TYPES) else f"Unknown ({kind})"


def _raw(row: Row) -> None:
    row.protocol, row.info = "N/A", "Raw packet data"
    if row.column[c.FLAGS] & c.Flag.HEADER_CUT:
        row.need(8)


def _capture(row: Row) -> None:
    link = row.column[c.LINK_TYPE]
    row.protocol = {239: "NFLOG", 192: "PPI", 258: "PKTAP", 127: "WLAN", 117: "PFLOG", 109: "Enc"}.get(link, "")
    if link == 192:
        row.need(8)
        length = row.u8(2) | row.u8(3) << 8
        row.info = f"PPI version {row.u8(0)}, {length} bytes"
        row.need(length)
    elif link == 258:
        row.need(4)
        length = int.from_bytes(row.data[:4], "little")
        row.info = f"PKTAP, {length} byte header"
        row.need(min(length, 108))
    elif link == 127 and row.left >= 4:
        row.info = f"Radiotap Capture v{row.u8(0)}, Length {row.u8(2) | row.u8(3) << 8}"
    elif link == 239:
        row.need(4)


# --- IEEE 802.2 ---------------------------------------------------------------------------------------------------------------

UNNUMBERED = {0x03: "UI", 0x0F: "DM", 0x2F: "SABM", 0x43: "DISC", 0x63: "UA", 0x6F: "SABME", 0x87: "FRMR", 0xAF: "XID",
              0xE3: "TEST"}
UNNUMBERED_RESPONSES = {0x0F: "DM", 0x63: "UA", 0x87: "FRMR"}
SUPERVISORY = ["RR", "RNR", "REJ", "SREJ"]


def _llc(row: Row) -> None:
    row.protocol = "LLC"
    destination, source, control = row.u8(0), row.u8(1), row.u8(2)
    words = _control(row, source & 1)
    if destination == 0xAA and source == 0xAA and (control == 3 or not control & 1):
        row.info = words
        _snap(row, 3 if control == 3 else 4)
        return
    row.info = (f"{words}; DSAP {_sap(destination)} {'Group' if destination & 1 else 'Individual'}, "
                f"SSAP {_sap(source)} {'Response' if source & 1 else 'Command'}")
    if control == 0xAF or control == 0xBF:
        _xid(row)
    elif control == 3 or not control & 1:
        at = 3 if control == 3 else 4
        if destination == 0x42:
            stp(row, at)
        elif destination == 0xFE and row.left > at and row.u8(at) == 0x83:
            _isis(row, at)
        elif destination in SAP_PROTOCOLS:
            row.protocol, row.info = SAP_PROTOCOLS[destination], ""


def _sap(sap: int) -> str:
    return SAPS.get(sap & 0xFE, f"0x{sap & 0xFE:02x}")


def _control(row: Row, response: int) -> str:
    """The control field (IEEE 802.2 section 5.2), poll and final bits included."""
    control = row.u8(2)
    if control & 3 == 3:
        final = f" {'F' if response else 'P'}" if control & 0x10 else ""
        return f"U{final}, func={UNNUMBERED.get(control & 0xEF, 'Unknown')}"
    extended = row.u8(3)
    final = f" {'F' if response else 'P'}" if extended & 1 else ""
    if control & 1:
        return f"S{final}, func={SUPERVISORY[control >> 2 & 3]}, N(R)={extended >> 1}"
    final = " P" if extended & 1 else ""
    return f"I{final}, N(R)={extended >> 1}, N(S)={control >> 1}"


ORGANISATIONS = {0: "Officially Xerox, but 0:0:0:0:0:0 is more common", CISCO: "Cisco Systems, Inc", 0x0080C2: "IEEE 802.1",
                 0x004096: "Cisco Systems, Inc", 0x080007: "Apple, Inc.",
                 **dict.fromkeys(range(1, 10), "Xerox Corporation")}


def _snap(row: Row, at: int) -> None:
    """An organisation and its protocol, at `at`."""
    row.need(at + 5)
    organisation, kind = row.u24(at), row.u16(at + 3)
    row.info += f"; SNAP, OUI 0x{organisation:06X} ({ORGANISATIONS.get(organisation, 'Unknown')}), PID 0x{kind:04X}"
    if organisation == CISCO and kind == 0x2000:
        lldp.cdp(row, at + 5)
    elif organisation == CISCO and kind == 0x010B:
        stp(row, at + 5)
    elif organisation == CISCO and kind in CISCO_PROTOCOLS:
        row.protocol, row.info = CISCO_PROTOCOLS[kind]
    elif organisation == 0x0080C2 and kind in (0x000E, 0x0008):
        stp(row, at + 5)
    elif organisation == 0x004096 and kind == 0:
        row.protocol = "WLCCP"


CISCO_PROTOCOLS = {0x2003: ("VTP", "VLAN Trunking Protocol"), 0x2004: ("DTP", "Dynamic Trunk Protocol"),
                   0x0111: ("UDLD", "UDLD"), 0x0104: ("PAGP", "Port Aggregation Protocol")}


def _xid(row: Row) -> None:
    """A basic XID: format, types of LLC, window size."""
    if row.left >= 6 and row.u8(3) == 0x81:
        kinds = {1: "Type 1 LLC (Class I LLC)", 2: "Type 2 LLC", 3: "Type 1 and Type 2 LLCs (Class II LLC)", 4: "Type 3 LLC",
                 5: "Type 1 and Type 3 LLCs (Class III LLC)", 6: "Type 2 and Type 3 LLCs",
                 7: "Type 1 and Type 2 and Type 3 LLCs (Class IV LLC)"}
        row.protocol = "XID"
        row.info = f"Basic Format; {kinds.get(row.u8(4) & 0x1F, 'Unknown')}; Window Size {row.u8(5) >> 1}"


def stp(row: Row, at: int) -> None:
    """A spanning tree BPDU (IEEE 802.1D section 9.3)."""
    row.protocol, row.info = "STP", ""
    row.need(at + 4)
    if row.u16(at) != 0:
        return
    kind = row.u8(at + 3)
    if kind == 0x80:
        row.info = "Topology Change Notification"
        return
    if kind not in (0, 2):
        row.info = f"Unknown BPDU type ({kind})"
        return
    version, flags = row.u8(at + 2), row.u8(at + 4)
    name = "Conf" if kind == 0 else {2: "RST", 3: "MST", 4: "SPT"}.get(version, "RST")
    priority = row.u16(at + 5)
    row.info = (f"{name}. {'TC + ' if flags & 1 else ''}Root = {priority & 0xF000}/{priority & 0xFFF}/{row.mac(at + 7)}  "
                f"Cost = {row.u32(at + 13)}  Port = 0x{row.u16(at + 25):04x}")
    row.need(at + (35 if kind == 0 else 36))


def _isis(row: Row, at: int) -> None:
    """ISO 10589: hellos, link states and sequence numbers."""
    row.protocol = "ISIS"
    kind = row.u8(at + 4) & 0x1F
    level = {15: 1, 16: 2, 18: 1, 20: 2, 24: 1, 25: 2, 26: 1, 27: 2}.get(kind, 0)
    row.info = ""
    if kind in (15, 16):
        row.protocol, row.info = "ISIS HELLO", f"L{level} HELLO, System-ID: {_system(row, at + 9)}"
    elif kind == 17:
        row.protocol, row.info = "ISIS HELLO", f"P2P HELLO, System-ID: {_system(row, at + 9)}"
    elif kind in (18, 20):
        row.protocol = "ISIS LSP"
        row.info = (f"L{level} LSP, LSP-ID: {_lsp(row, at + 12)}, Sequence: 0x{row.u32(at + 20):08x}, "
                    f"Lifetime: {row.u16(at + 10):5}s")
    elif kind in (24, 25):
        row.protocol = "ISIS CSNP"
        row.info = f"L{level} CSNP, Source-ID: {_system(row, at + 10)}.{row.u8(at + 16):02x}"
        row.info += f", Start LSP-ID: {_lsp(row, at + 17)}"
        row.info += f", End LSP-ID: {_lsp(row, at + 25)}"
    elif kind in (26, 27):
        row.protocol, row.info = "ISIS PSNP", f"L{level} PSNP, Source-ID: {_system(row, at + 10)}.{row.u8(at + 16):02x}"
    lengths = {15: 27, 16: 27, 17: 20, 18: 27, 20: 27, 24: 33, 25: 33, 26: 17, 27: 17}
    at += lengths.get(kind, row.left)
    while at + 2 <= row.left:
        at += 2 + row.u8(at + 1)
        row.need(at)


def _system(row: Row, at: int) -> str:
    digits = row.raw(at, 6).hex()
    return f"{digits[:4]}.{digits[4:8]}.{digits[8:]}"


def _lsp(row: Row, at: int) -> str:
    return f"{_system(row, at)}.{row.u8(at + 6):02x}-{row.u8(at + 7):02x}"


# --- Ethernet types -----------------------------------------------------------------------------------------------------------

def _loop(row: Row) -> None:
    row.protocol = "LOOP"
    skip = row.u8(0) | row.u8(1) << 8
    function = row.u8(2 + skip) | row.u8(3 + skip) << 8
    row.info = {1: "Reply", 2: "Forward Data"}.get(function, f"Unknown function ({function})")


def _mac_control(row: Row) -> None:
    row.protocol = "MAC CTRL"
    code = row.u16(0)
    names = {1: f"Pause: pause_time: {row.u16(2)} quanta", 2: "Gate", 3: "Report", 4: "Register Request", 5: "Register",
             6: "Register Ack", 0x0101: "Class Based Flow Control [CBFC] Pause"}
    row.info = names.get(code, "Unknown")


def _slow(row: Row) -> None:
    """IEEE 802.3 annex 57A: LACP, marker, OAM."""
    subtype = row.u8(0)
    row.protocol, row.info = "Slow Protocols", f"Subtype = {subtype}"
    if subtype == 1:
        row.protocol = "LACP"
        row.info = f"v{row.u8(1)} ACTOR {_lacp(row, 4)} PARTNER {_lacp(row, 24)}"
    elif subtype == 2:
        row.protocol = "Marker"
        row.info = f"Marker Protocol SysId={row.mac(6)}, P={row.u16(4)}, TId={row.u32(12)}"
    elif subtype == 3:
        names = {0: "Information", 1: "Event Notification", 2: "Variable Request", 3: "Variable Response",
                 4: "Loopback Control", 0xFE: "Organization Specific"}
        row.protocol, row.info = "OAM", f"OAMPDU: {names.get(row.u8(3), f'Reserved (0x{row.u8(3):02x})')}"
    elif subtype == 10:
        row.protocol, row.info = "OSSP", "OUI: (Unknown OSSP organization)"


def _lacp(row: Row, at: int) -> str:
    state = row.u8(at + 14)
    flags = "".join(letter if state >> (7 - i) & 1 else "*" for i, letter in enumerate("EFDCSGTA"))
    return f"{row.mac(at + 2)} P: {row.u16(at + 12)} K: {row.u16(at + 8)} {flags}"


EAP_CODES = {1: "Request", 2: "Response", 3: "Success", 4: "Failure", 5: "Initiate", 6: "Finish"}
EAP_TYPES = {1: "Identity", 2: "Notification", 3: "Legacy Nak (Response Only)", 4: "MD5-Challenge EAP (EAP-MD5-CHALLENGE)",
             5: "One-Time Password EAP (EAP-OTP)", 6: "Generic Token Card EAP (EAP-GTC)", 13: "TLS EAP (EAP-TLS)",
             17: "Cisco Wireless EAP / Lightweight EAP (EAP-LEAP)", 18: "GSM Subscriber Identity Modules EAP (EAP-SIM)",
             21: "Tunneled TLS EAP (EAP-TTLS)", 23: "UMTS Authentication and Key Agreement EAP (EAP-AKA)",
             25: "Protected EAP (EAP-PEAP)", 26: "MS-EAP-Authentication EAP (EAP-MS-AUTH)",
             43: "Flexible Authentication via Secure Tunneling EAP (EAP-FAST)"}
EAPOL_TYPES = {1: "Start", 2: "Logoff", 3: "Key", 4: "Encapsulated ASF Alert", 6: "Announcement (Generic)",
               7: "Announcement (Specific)", 8: "Announcement Request"}


def _eapol(row: Row) -> None:
    """IEEE 802.1X and the EAP (RFC 3748) or key message inside."""
    row.protocol = "EAP"
    row.need(4)
    kind = row.u8(1)
    if kind == 0:
        code = row.u8(4)
        row.info = EAP_CODES.get(code, f"Unknown code (0x{code:02X})")
        row.need(8)
        if code in (1, 2) and row.u16(6) > 4:
            method = row.u8(8)
            row.info += f", {EAP_TYPES.get(method, f'Unknown type (0x{method:02x})')}"
        return
    row.protocol = "EAPOL" if kind != 5 else "EAPOL-MKA"
    row.info = EAPOL_TYPES.get(kind, f"Unknown Type (0x{kind:02X})")
    if kind == 3:
        _eapol_key(row)


def _eapol_key(row: Row) -> None:
    """Which message of the handshake a key is shows in its flags (IEEE 802.11 section 12.7)."""
    row.need(4 + 95)
    flags = row.u16(5)
    if flags & 0x08:
        secure, ack, install = flags & 0x200, flags & 0x80, flags & 0x40
        if ack:
            row.info += " (Message 3 of 4)" if install else " (Message 1 of 4)"
        else:
            row.info += " (Message 4 of 4)" if secure or not row.u16(97) else " (Message 2 of 4)"
    else:
        row.info += f" (Group Message {1 if flags & 0x80 else 2} of 2)"


def _tdls(row: Row) -> None:
    row.protocol = ETHERTYPES.get(0x890D, "0x890d")
    if row.left >= 4 and row.u8(0) == 2:
        names = ["TDLS Setup Request", "TDLS Setup Response", "TDLS Setup Confirm", "TDLS Teardown",
                 "TDLS Peer Traffic Indication", "TDLS Channel Switch Request", "TDLS Channel Switch Response",
                 "TDLS Peer PSM Request", "TDLS Peer PSM Response", "TDLS Peer Traffic Response", "TDLS Discovery Request"]
        action = row.u8(2)
        row.protocol = "TDLS"
        row.info = f"{names[action] if action < len(names) else f'Unknown ({action})'}, Dialog Token={row.u8(3)}"
    else:
        row.protocol, row.info = "Ethernet", "Ethernet II"


def _ppp_control(number: int) -> Callable[[Row], None]:
    def write(row: Row) -> None:
        ppp.control(row, number, 0, ETHERTYPES[number])
    return write


WRITERS: dict[int, Callable[[Row], None]] = {
    0x9000: _loop, 0x8808: _mac_control, 0x8809: _slow, 0x888E: _eapol, 0x88C7: _eapol, 0x8863: ppp.discovery,
    0x88CC: lldp.describe, 0x890D: _tdls, 0x88E5: lambda row: _macsec(row),
    **{number: _ppp_control(number) for number in (0xC021, 0xC023, 0xC223, 0x8021, 0x8057)}}


def _macsec(row: Row) -> None:
    row.protocol, row.info = "MACSEC", "MACsec frame"
    row.need(6)
