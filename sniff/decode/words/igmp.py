"""IGMP versions 0 to 3 (RFC 988, 1112, 2236, 3376)."""

from sniff.decode.words.memory import Memory
from sniff.decode.words.row import Row

VERSION_0 = {1: "Create Group Request", 2: "Create Group Reply", 3: "Join Group Request", 4: "Join Group Reply",
             5: "Leave Group Request", 6: "Leave Group Reply", 7: "Confirm Group Request", 8: "Confirm Group Reply"}
QUERY, REPORT_V1, DVMRP, PIM_V1, REPORT_V2, LEAVE, REPORT_V3 = 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x22
INCLUDE, EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW, BLOCK = range(1, 7)
PIM_V1_TYPES = {0: "Query", 1: "Register", 2: "Register-stop", 3: "Join/Prune", 4: "RP-Reachable", 5: "Assert",
                6: "Graft", 7: "Graft-Ack", 8: "Mode"}


def describe(row: Row, memory: Memory) -> None:
    """One IGMP message."""
    row.protocol = "IPv4"
    kind = row.u8(0)
    if kind == QUERY:
        _query(row)
    elif kind < 0x10:
        row.protocol = "IGMPv0"
        row.info = VERSION_0.get(kind, f"Unknown Type:0x{kind:02x}")
        row.need(20)
    elif kind == REPORT_V1:
        row.protocol, row.info = "IGMPv1", "Membership Report"
        row.need(8)
    elif kind == REPORT_V2:
        row.protocol, row.info = "IGMPv2", "Membership Report"
        row.info += f" group {row.ipv4(4)}"
    elif kind == LEAVE:
        row.protocol, row.info = "IGMPv2", "Leave Group"
        row.info += f" {row.ipv4(4)}"
    elif kind == REPORT_V3:
        _report_v3(row)
    elif kind == DVMRP:
        row.protocol = "DVMRP"
        row.need(8)
        names = ["Unknown Type:0x00", "Probe", "Report", "Ask Neighbors", "Neighbors", "Ask Neighbors 2", "Neighbors 2",
                 "Prune", "Graft", "Graft ACK"]
        code = row.data[1]
        row.info = f"V3 {names[code] if code < len(names) else f'Unknown Type:0x{code:02x}'}"
    elif kind == PIM_V1:
        row.protocol, row.info = "PIMv1", PIM_V1_TYPES.get(row.u8(1), "Unknown")
    elif kind in (0x40, 0x41, 0x42):
        row.protocol = "IGAP"
        row.info = {0x40: "Membership Report (Join)", 0x41: "Membership Query", 0x42: "Leave Group"}[kind]
        row.need(12)
    else:
        row.protocol, row.info = "IGMP", f"Unknown Type:0x{kind:02x}"
        if kind == 0x1E:
            row.info = f"Traceroute Response, {max(row.left - 24, 0) // 32} blocks"
            row.need(24)
        elif kind == 0x1F:
            row.info = "Traceroute Request"
            row.need(24)


def _query(row: Row) -> None:
    """The version of a query shows in its length and its response time (RFC 3376 section 7.1)."""
    code = row.u8(1)
    if row.left >= 12:
        row.protocol = "IGMPv3"
    elif code == 0:
        row.protocol = "IGMPv1"
    else:
        row.protocol = "IGMPv2"
    row.info = "Membership Query"
    row.need(8)
    if row.protocol == "IGMPv1":
        return
    row.info += f", specific for group {row.ipv4(4)}" if any(row.data[4:8]) else ", general"
    if row.protocol == "IGMPv3":
        count = row.u16(10)
        if count:
            row.info += f", sources {{{_sources(row, 12, count)}}}"


def _report_v3(row: Row) -> None:
    row.protocol, row.info = "IGMPv3", "Membership Report"
    row.need(8)
    count = row.u16(6)
    if not count:
        row.info += " - General query"
    at = 8
    for _ in range(count):
        kind, words, sources = row.u8(at), row.u8(at + 1), row.u16(at + 2)
        group = row.ipv4(at + 4)
        row.info += _record(kind, group, sources, _sources(row, at + 8, sources))
        at += 8 + 4 * sources + 4 * words
        row.need(at)


def _sources(row: Row, at: int, count: int) -> str:
    return ", ".join([row.ipv4(at + 4 * i) for i in range(count)])


def _record(kind: int, group: str, count: int, sources: str) -> str:
    """One group record (RFC 3376 section 4.2.12)."""
    if kind in (INCLUDE, TO_INCLUDE):
        if not count:
            return f" / Leave group {group}"
        return f" / Join group {group} for source{'s in' if count > 1 else ''} {{{sources}}}"
    if kind in (EXCLUDE, TO_EXCLUDE):
        if not count:
            return f" / Join group {group} for any sources"
        return f" / Join group {group}, for source{'s' if count > 1 else ''} not {'in ' if count > 1 else ''}{{{sources}}}"
    if kind in (ALLOW, BLOCK):
        if not count:
            return f" / Group {group}, {'ALLOW_NEW' if kind == ALLOW else 'BLOCK_OLD'}_SOURCES but no source specified (?)"
        return f" / Group {group}, {'new' if kind == ALLOW else 'block'} source{'s' if count > 1 else ''} {{{sources}}}"
    return f" / Group {group}, unknown record type (?)" + (f", sources {{{sources}}}" if count else "")
