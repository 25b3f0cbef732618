"""Routing protocols that run on IP itself: OSPF, EIGRP, PIM, VRRP, RSVP."""

from sniff.decode.words.row import Row

OSPF = {1: "Hello Packet", 2: "DB Description", 3: "LS Request", 4: "LS Update", 5: "LS Acknowledge"}
EIGRP = {1: "Update", 2: "Request", 3: "Query", 4: "Reply", 5: "Hello", 6: "IPX/SAP Update", 10: "SIA Query", 11: "SIA Reply"}
PIM = ["Hello", "Register", "Register-stop", "Join/Prune", "Bootstrap", "Assert", "Graft", "Graft-Ack",
       "Candidate-RP-Advertisement", "State-Refresh", "DF election", "ECMP redirect"]
RSVP = {1: "PATH Message", 2: "RESV Message", 3: "PATH ERROR Message", 4: "RESV ERROR Message", 5: "PATH TEAR Message",
        6: "RESV TEAR Message", 7: "CONFIRM Message. ", 12: "BUNDLE Message", 13: "ACK Message", 15: "SREFRESH Message",
        20: "HELLO Message", 25: "INTEGRITY CHALLENGE Message", 26: "INTEGRITY RESPONSE Message"}


def ospf(row: Row) -> None:
    """RFC 2328 section A.3.1."""
    row.protocol = "OSPF"
    kind = row.u8(1)
    row.info = OSPF.get(kind, f"Unknown ({kind})")
    row.need(16)


def eigrp(row: Row) -> None:
    """RFC 7868 section 6.3."""
    row.protocol = "EIGRP"
    opcode = row.u8(1)
    row.info = EIGRP.get(opcode, f"Unknown OpCode (0x{opcode:04x})")
    row.need(20)


def pim(row: Row) -> None:
    """RFC 7761 section 4.9."""
    version, kind = row.u8(0) >> 4, row.data[0] & 0xF
    row.protocol = f"PIMv{version}"
    if version != 2:
        row.info = "Unknown"
        return
    row.info = PIM[kind] if kind < len(PIM) else f"Unknown ({kind})"
    row.need(4)


def vrrp(row: Row) -> None:
    """RFC 9568 section 5.1."""
    row.protocol = "VRRP"
    version, kind = row.u8(0) >> 4, row.data[0] & 0xF
    row.info = f"{'Announcement' if kind in (0, 1) else f'Unknown ({kind})'} (v{version})"
    row.need(8)


def rsvp(row: Row) -> None:
    """RFC 2205 section 3.1.1."""
    row.protocol = "RSVP"
    kind = row.u8(1)
    row.info = f"{RSVP.get(kind, f'Unknown ({kind})')}. "
    row.need(8)
