"""IEEE 802.11 frames: management, control, and data that cannot be read."""

from sniff.decode.words.row import Row
from sniff.packets import columns as c

MANAGEMENT = {0: "Association Request", 1: "Association Response", 2: "Reassociation Request", 3: "Reassociation Response",
              4: "Probe Request", 5: "Probe Response", 6: "Measurement Pilot", 8: "Beacon frame", 9: "ATIM",
              10: "Disassociate", 11: "Authentication", 12: "Deauthentication", 13: "Action", 14: "Action No Ack"}
CONTROL = {4: "Beamforming Report Poll", 5: "VHT/HE NDP Announcement", 7: "Control Wrapper", 8: "802.11 Block Ack Req",
           9: "802.11 Block Ack", 10: "Power-Save poll", 11: "Request-to-send", 12: "Clear-to-send", 13: "Acknowledgement",
           14: "CF-End (Control-frame)", 15: "CF-End + CF-Ack (Control-frame)"}
DATA = ["Data", "Data + CF-Ack", "Data + CF-Poll", "Data + CF-Ack + CF-Poll", "Null function (No data)",
        "Acknowledgement (No data)", "CF-Poll (No data)", "CF-Ack/Poll (No data)", "QoS Data", "QoS Data + CF-Acknowledgment",
        "QoS Data + CF-Poll", "QoS Data + CF-Ack + CF-Poll", "QoS Null function (No data)", "Unrecognized (Reserved frame)",
        "QoS CF-Poll (No Data)", "QoS CF-Ack + CF-Poll (No data)"]
FIXED = {0: 4, 2: 10, 4: 0, 5: 12, 8: 12}
"""Bytes of fixed parameters before the tags of management frames whose network name shows."""


def describe(row: Row) -> None:
    """One frame from its frame control field on."""
    row.protocol = "802.11"
    row.need(2)
    control, flags = row.data[0], row.data[1]
    if row.column[c.LINK_TYPE] == 1:   # in a CAPWAP tunnel: the two bytes are swapped
        control, flags = flags, control
    kind, subtype = control >> 2 & 3, control >> 4
    if kind == 0:
        row.info = MANAGEMENT.get(subtype, "Unrecognized (Reserved frame)")
    elif kind == 1:
        row.info = CONTROL.get(subtype, "Unrecognized (Reserved frame)")
    elif kind == 2:
        row.info = DATA[subtype]
    else:
        row.info = "Unrecognized (Reserved frame)"
    if kind == 2 and flags & 0x44 == 4 and not subtype & 4:
        row.need(24)
        row.info = "Fragmented IEEE 802.11 frame"
        return
    if kind in (0, 2):
        sequence = row.u8(22) | row.u8(23) << 8
        row.info += f", SN={sequence >> 4}, FN={sequence & 0xF}"
    else:
        _control_addresses(row, subtype)
    row.info += f", Flags={_flags(flags)}"
    if kind == 0 and subtype in FIXED:
        _network(row, subtype)


def _flags(flags: int) -> str:
    return "".join(letter if flags >> (7 - i) & 1 else "." for i, letter in enumerate("opmPRMFT"))


def _control_addresses(row: Row, subtype: int) -> None:
    """Control frames name receiver and transmitter."""
    row.source = row.destination = ""
    if row.left >= 10 and subtype >= 7:
        row.destination = f"{row.mac(4)} (RA)"
        if subtype in (8, 9, 11, 14, 15) and row.left >= 16:
            row.source = f"{row.mac(10)} (TA)"


def _network(row: Row, subtype: int) -> None:
    at = 24 + FIXED[subtype]
    if subtype in (5, 8) and row.left >= at:
        row.info += f", BI={row.u8(32) | row.u8(33) << 8}"
    while at + 2 <= row.left:
        kind, length = row.u8(at), row.u8(at + 1)
        if kind == 0:
            name = row.text(at + 2, length)
            row.info += f', SSID="{name}"' if name.strip("\0") else ", SSID=Wildcard (Broadcast)"
        row.need(at + 2 + length)
        at += 2 + length
