"""Fields of NetBIOS names over UDP (RFC 1002 section 4.2), read message by message."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sniff.filters.columns import Column
from sniff.filters.field import MESSAGE, Field, Source
from sniff.filters.fields.dns_data import shaped
from sniff.filters.fields.dns_reader import Found, Reader, Short
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind

PORT = 137
NB, NBSTAT = 32, 33
WAIT = 7        # opcode: wait for acknowledgment
LENGTH = 16     # bytes of a name; the last one says for which service it stands

SERVICES = {
    0: "Workstation/Redirector", 1: "Browser", 2: "Workstation/Redirector", 3: "Messenger service/Main name", 5: "Forwarded name",
    6: "RAS Server service", 27: "Domain Master Browser", 28: "Domain Controllers", 29: "Local Master Browser",
    30: "Browser Election Service", 31: "Net DDE Service", 32: "Server service", 33: "RAS client service",
    34: "Exchange Interchange (MSMail Connector)", 35: "Exchange Store", 36: "Exchange Directory", 43: "Lotus Notes Server service",
    48: "Modem sharing server service", 49: "Modem sharing client service", 67: "SMS Clients Remote Control",
    68: "SMS Administrators Remote Control Tool", 69: "SMS Clients Remote Chat", 70: "SMS Clients Remote Transfer",
    76: "DEC Pathworks TCP/IP Service on Windows NT", 82: "DEC Pathworks TCP/IP Service on Windows NT", 106: "Microsoft Exchange IMC",
    135: "Microsoft Exchange MTA", 190: "Network Monitor Agent", 191: "Network Monitor Analyzer",
}
"""Services by the last byte of a name, as Wireshark words them."""

FLAGS = (("response", 0x8000, False, "is a response"), ("opcode", 0x7800, False, "what is wanted: 0 a query, 5 registration, 6 release"),
         ("authoritative", 0x0400, True, "the node knows it first-hand"), ("truncated", 0x0200, False, "did not fit into the packet"),
         ("recdesired", 0x0100, False, "the server shall ask others"), ("recavail", 0x0080, True, "the server can ask others"),
         ("broadcast", 0x0010, False, "went to all"), ("rcode", 0x000F, True, "status of a response"))
"""(name, bits, in responses only, meaning)."""
NAME_FLAGS = (("group", 0x8000), ("ont", 0x6000), ("drg", 0x1000), ("cnf", 0x0800), ("act", 0x0400), ("prm", 0x0200))
STATISTICS = (("unit_id", 6), ("jumpers", 1), ("test_result", 1), ("version_number", 2), ("period_of_statistics", 2), ("num_crcs", 2),
              ("num_alignment_errors", 2), ("num_collisions", 2), ("num_send_aborts", 2), ("num_good_sends", 4), ("num_good_receives", 4),
              ("numretransmits", 2), ("num_no_resource_conditions", 2), ("numcommand_blocks", 2), ("numpending_sessions", 2),
              ("max_num_pending_sessions", 2), ("max_total_sessions_possible", 2), ("session_data_packet_size", 2))
"""(name, bytes) of what follows the names of a node's status."""


def shown(name: bytes) -> str:
    """A name of 16 bytes for people: `WORKGROUP<1d>`."""
    text = name[:LENGTH - 1]
    text = text.rstrip(b" ") or text
    return "".join(chr(byte) if 32 <= byte < 127 else f"<{byte:02x}>" for byte in text) + f"<{name[LENGTH - 1]:02x}>"


def decoded(name: bytes) -> tuple[str, str]:
    """(a name that was written as 32 letters, the service it stands for); or what is wrong with it (RFC 1001 section 14.1)."""
    letters, dot, scope = name.partition(b".")
    letters = letters.partition(b"\0")[0]
    for k, byte in enumerate(letters):
        if not 65 <= byte <= 90:
            return (f"Illegal NetBIOS name ({'2nd' if k % 2 else '1st'} character not between A and Z in first-level encoding)"), "Unknown"
    if len(letters) % 2:
        return "Illegal NetBIOS name (odd number of bytes)", "Unknown"
    if len(letters) < 2 * LENGTH:
        return f"Illegal NetBIOS name ({len(letters) // 2} bytes long)", "Unknown"
    plain = bytes((letters[k] - 65 << 4 | letters[k + 1] - 65) & 0xFF for k in range(0, 2 * LENGTH, 2))
    return shown(plain) + (dot + scope).decode("utf-8", "replace"), SERVICES.get(plain[-1], "Unknown")


def read(reader: Reader) -> Iterator[Found]:
    """(field without its `nbns.`, value) of a message. Raises Short where it ends too early."""
    number, flags = reader.number(2), reader.number(2)
    yield "id", number
    yield from _flags(flags, False)
    counts = []
    for name in ("queries", "answers", "auth_rr", "add_rr"):
        counts.append(reader.number(2))
        yield f"count.{name}", counts[-1]
    for _ in range(counts[0]):
        raw, reader.at = reader.raw_name(reader.at)
        kind, family = reader.number(2), reader.number(2)
        yield from (("name", decoded(raw)[0]), ("type", kind), ("class", family))
    for _ in range(sum(counts[1:])):
        yield from _record(reader, flags >> 11 & 15)


def _flags(flags: int, inside: bool) -> Iterator[Found]:
    """Flags of a message; inside: of the one that somebody is to wait for."""
    yield "flags", flags
    for name, bits, responses, _ in FLAGS:
        if not responses or (flags & 0x8000 and not (inside and name == "rcode")):
            yield f"flags.{name}", (flags & bits) // (bits & -bits)


def _record(reader: Reader, opcode: int) -> Iterator[Found]:
    begun = reader.at
    raw, reader.at = reader.raw_name(begun)
    room = reader.at - begun - 1
    kind, family, ttl, size = reader.number(2), reader.number(2), reader.number(4), reader.number(2)
    if reader.at + size > reader.stop:
        raise Short
    name, service = decoded(raw)
    yield "name", f"{name} ({service})" if kind == NB else name
    yield from (("type", kind), ("class", family), ("ttl", ttl), ("data_length", size))
    if kind == NB:
        yield from _addresses(reader, size, opcode)
    elif kind == NBSTAT:
        yield from _status(reader, size, room)
    else:
        yield "data", reader.take(size)


def _addresses(reader: Reader, size: int, opcode: int) -> Iterator[Found]:
    while size > 0:
        if size < 2:
            yield "incomplete_entry", 1
            return
        flags = reader.number(2)
        size -= 2
        if opcode == WAIT:
            yield from _flags(flags, True)
            continue
        yield from (("nb_flags", flags), ("nb_flags.group", flags >> 15), ("nb_flags.ont", flags >> 13 & 3))
        if size < 4:
            yield "incomplete_entry", 1
            return
        yield "addr", reader.number(4)
        size -= 4


def _status(reader: Reader, size: int, room: int) -> Iterator[Found]:
    """room: characters of each name that are shown; as in Wireshark, as many as the record's own name takes bytes, less one."""
    if size < 1:
        yield "incomplete_entry", 1
        return
    count = reader.number(1)        # its byte is not counted, as in Wireshark
    yield "number_of_names", count
    for _ in range(count):
        if size < LENGTH:
            yield "incomplete_entry", 1
            return
        name = reader.take(LENGTH)
        yield "netbios_name", shown(name)[:-4][:room]      # without its last byte
        size -= LENGTH
        if size < 2:
            yield "incomplete_entry", 1
            return
        flags = reader.number(2)
        yield "name_flags", flags
        for part, bits in NAME_FLAGS:
            yield f"name_flags.{part}", (flags & bits) // (bits & -bits)
        size -= 2
    for part, length in STATISTICS:
        if size < length:
            yield "incomplete_entry", 1
            return
        yield part, reader.number(length)
        size -= length


# --- fields ---------------------------------------------------------------------------------------------------------------

def _messages(name: str, kind: Type) -> Source:
    """What one field says in every message."""

    def source(view: View, candidates: Table) -> Column:
        table = view.table
        mine = (table[c.KIND, candidates] == Kind.UDP) & (table[c.PAYLOAD_LEN, candidates] > 0)
        mine &= (table[c.SRC_PORT, candidates] == PORT) | (table[c.DST_PORT, candidates] == PORT)
        packets: list[int] = []
        values: list[Any] = []
        for packet in candidates[np.flatnonzero(mine)].tolist():
            wire = view.packets.payload(packet)
            try:
                for found, value in read(Reader(wire, 0, len(wire), 0, len(wire))):
                    if found == name:
                        packets.append(packet)
                        values.append(value)
            except Short:
                pass
        return shaped(packets, values, kind)

    return source


def _field(name: str, kind: Type, meaning: str, bits: int = 16) -> Field:
    return Field(f"nbns.{name}", kind, meaning, _messages(name, kind), MESSAGE, bits=bits if kind == Type.NUMBER else 64)


def _flag(prefix: str, name: str, bits: int, meaning: str) -> Field:
    return _field(f"{prefix}.{name}", Type.NUMBER if bits & bits - 1 else Type.BOOLEAN, meaning)


MEANINGS = {"group": "a group's name", "ont": "kind of node: 0 B, 1 P, 2 M, 3 H", "drg": "is being given up", "cnf": "is in conflict",
            "act": "is in use", "prm": "is the node's permanent name"}

NBNS_FIELDS = [
    _field("id", Type.NUMBER, "number of query and response"), _field("flags", Type.NUMBER, "all flags"),
    *(_flag("flags", name, bits, meaning) for name, bits, _, meaning in FLAGS),
    *(_field(f"count.{name}", Type.NUMBER, f"{meaning}, as the header says") for name, meaning in (
        ("queries", "questions"), ("answers", "answers"), ("auth_rr", "authority records"), ("add_rr", "additional records"))),
    _field("name", Type.STRING, "name that is asked for, or owner of a record, and its service: WORKGROUP<1d>"),
    _field("type", Type.NUMBER, "type: 32 a name, 33 a node's status"), _field("class", Type.NUMBER, "class"),
    _field("ttl", Type.NUMBER, "seconds a record holds", 32), _field("data_length", Type.NUMBER, "bytes of the data of a record"),
    _field("data", Type.BYTES, "data of a record of another type"), _field("addr", Type.IPV4, "address that a name has"),
    _field("nb_flags", Type.NUMBER, "flags of a name's address"),
    *(_flag("nb_flags", name, bits, MEANINGS[name]) for name, bits in NAME_FLAGS[:2]),
    _field("number_of_names", Type.NUMBER, "names that a node has", 8), _field("netbios_name", Type.STRING, "a name that a node has"),
    _field("name_flags", Type.NUMBER, "flags of a name that a node has"),
    *(_flag("name_flags", name, bits, MEANINGS[name]) for name, bits in NAME_FLAGS),
    *(_field(name, Type.ETHER if size == 6 else Type.NUMBER, f"of a node's status: {name.replace('_', ' ')}", 8 * size)
      for name, size in STATISTICS),
    _field("incomplete_entry", Type.NONE, "the data of a record end too early"),
]
