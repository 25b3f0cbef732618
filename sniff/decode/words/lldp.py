"""Discovery of neighbours on a link: LLDP (IEEE 802.1AB) and CDP."""

from sniff.decode.words.row import Row

CHASSIS, PORT, TTL, SYSTEM_NAME, SYSTEM_DESCRIPTION = 1, 2, 3, 5, 6
CHASSIS_KINDS = {1: "CC", 2: "IA", 3: "PC", 4: "MA", 5: "NA", 6: "IN", 7: "LA"}
PORT_KINDS = {1: "IA", 2: "PC", 3: "MA", 4: "NA", 5: "IN", 6: "AC", 7: "LA"}


def describe(row: Row) -> None:
    """The identities that open an LLDP frame, its time to live, its system name and description."""
    row.protocol = "LLDP"
    at = 0
    while at + 2 <= row.left:
        head = row.u16(at)
        kind, length = head >> 9, head & 0x1FF
        if at == 0 and kind != CHASSIS:
            row.info = "Invalid Chassis ID TLV"
            return
        if kind == 0:
            return
        if kind in (CHASSIS, PORT) and length > 1:
            row.info += _identity(row, at + 2, length, CHASSIS_KINDS if kind == CHASSIS else PORT_KINDS) + " "
        elif kind == TTL and length >= 2:
            row.info += f"{row.u16(at + 2)} "
        elif kind == SYSTEM_NAME:
            row.info += f"SysN={row.text(at + 2, length)} "
        elif kind == SYSTEM_DESCRIPTION:
            row.info += f"SysD={row.text(at + 2, length)} "
        row.need(at + 2 + length)
        at += 2 + length


def _identity(row: Row, at: int, length: int, kinds: dict[int, str]) -> str:
    kind = kinds.get(row.u8(at), "")
    if kind == "MA" and length == 7:
        return f"MA/{row.mac(at + 1)}"
    if kind == "NA" and length == 6 and row.u8(at + 1) == 1:
        return f"NA/{row.ipv4(at + 2)}"
    return f"{kind}/{row.text(at + 1, length - 1)}"


def cdp(row: Row, at: int) -> None:
    """Cisco Discovery Protocol: the names of device and port."""
    row.protocol, row.info = "CDP", ""
    row.need(row.left)   # its checksum covers all
    row.need(at + 4)
    at += 4
    while at + 4 <= row.left:
        kind, length = row.u16(at), row.u16(at + 2)
        if length < 4:
            return
        if kind == 1:
            row.info += f"Device ID: {row.text(at + 4, length - 4)}  "
        elif kind == 3:
            row.info += f"Port ID: {row.text(at + 4, length - 4)}  "
        row.need(at + length)
        at += length
