"""PPP's own protocols (RFC 1661, 1332, 1334, 1994), PPPoE discovery (RFC 2516), Cisco HDLC's keep-alives."""

from sniff.decode.words.names import ETHERTYPES, PPP_NAMES, PPP_PROTOCOLS
from sniff.decode.words.row import Row
from sniff.packets import columns as c

CODES = ["Vendor Specific", "Configuration Request", "Configuration Ack", "Configuration Nak", "Configuration Reject",
         "Termination Request", "Termination Ack", "Code Reject", "Protocol Reject", "Echo Request", "Echo Reply",
         "Discard Request", "Identification", "Time Remaining", "Reset Request", "Reset Ack"]
PAP, CHAP = 0xC023, 0xC223
DISCOVERY = {0x09: "Active Discovery Initiation (PADI)", 0x07: "Active Discovery Offer (PADO)",
             0x19: "Active Discovery Request (PADR)", 0x65: "Active Discovery Session-confirmation (PADS)",
             0xA7: "Active Discovery Terminate (PADT)", 0xD3: "Active Discovery Message (PADM)",
             0x0A: "Active Discovery Session-Grant (PADG)", 0x0B: "Active Discovery Session-Credit Resp.(PADC)",
             0x0C: "Active Discovery Quality (PADQ)", 0x00: "Session Data"}
AC_NAME = 0x0102


def describe(row: Row) -> None:
    """A packet from its PPP protocol number on."""
    if not row.column[c.CAPLEN]:
        row.need(1)
    row.protocol = "PPP"
    row.need(2)
    number = row.data[0]
    at = 1
    if not number & 1:
        number, at = row.u16(0), 2
    protocol = PPP_PROTOCOLS.get(number)
    if protocol is None:
        row.protocol = f"0x{number:04x}"
        row.info = f"PPP {PPP_NAMES.get(number, 'Unknown')} (0x{number:04x})"
        return
    control(row, number, at, protocol)


def control(row: Row, number: int, at: int, protocol: str) -> None:
    """A control protocol: code, identifier, length, and what some codes carry."""
    row.protocol = protocol
    if number == 0xFD:
        row.info = "Compressed data"
        return
    if number < 0x8000:
        return
    code = row.u8(at)
    if number == PAP:
        _pap(row, at, code)
    elif number == CHAP:
        _chap(row, at, code)
    else:
        row.info = CODES[code] if code < len(CODES) else f"Unknown (0x{code:02x})"
        row.need(at + max(row.u16(at + 2), 4))


def _pap(row: Row, at: int, code: int) -> None:
    names = {1: "Authenticate-Request", 2: "Authenticate-Ack", 3: "Authenticate-Nak"}
    row.info = names.get(code, "Unknown")
    row.need(at + 4)
    if code == 1:
        length = row.u8(at + 4)
        peer = row.text(at + 5, length)
        password = row.text(at + 6 + length, row.u8(at + 5 + length))
        row.info += f" (Peer-ID='{peer}', Password='{password}')"
    elif code in (2, 3):
        row.info += f" (Message='{row.text(at + 5, row.u8(at + 4))}')"


def _chap(row: Row, at: int, code: int) -> None:
    names = {1: "Challenge", 2: "Response", 3: "Success", 4: "Failure"}
    row.info = names.get(code, "Unknown")
    length = row.u16(at + 2)
    if code in (1, 2):
        size = row.u8(at + 4)
        value = row.raw(at + 5, size).hex()
        row.info += f" (NAME='{row.text(at + 5 + size, max(length - 5 - size, 0))}', VALUE=0x{value})"
    elif code in (3, 4):
        row.info += f" (MESSAGE='{row.text(at + 4, max(length - 4, 0))}')"


def discovery(row: Row) -> None:
    """PPPoE discovery: the access concentrator's name shows."""
    row.protocol = "PPPoED"
    code = row.u8(1)
    row.info = DISCOVERY.get(code, "Unknown")
    length = row.u16(4)
    at, end = 6, 6 + length
    name = ""
    while at + 4 <= end:
        kind, size = row.u16(at), row.u16(at + 2)
        if kind == 0:
            break
        value = row.text(at + 4, size)
        if kind == AC_NAME:
            name = value
        at += 4 + size
    if name:
        row.info += f" AC-Name='{name}'"


def session(row: Row) -> None:
    """A PPPoE session packet that is no PPP."""
    row.protocol = "PPPoES"
    row.info = DISCOVERY.get(row.u8(1), "Unknown")
    row.need(6)


def cisco_hdlc(row: Row) -> None:
    """Cisco HDLC with a protocol that holds no IP."""
    row.protocol = "CHDLC"
    row.need(4)
    kind = row.u16(2)
    if kind == 0x8035:
        row.protocol = "SLARP"
        code = row.u32(4)
        if code == 2:
            row.info = f"Line keepalive, outgoing sequence {row.u32(8)}, returned sequence {row.u32(12)}"
        elif code in (0, 1):
            row.info = f"Address {'request' if code == 0 else 'reply'}, from {row.ipv4(8)}, mask {row.ipv4(12)}"
        else:
            row.info = f"Unknown packet type 0x{code:08X}"
        return
    row.protocol = ETHERTYPES.get(kind, f"0x{kind:04x}")
