"""Values of fields in the data of the DNS records of a batch, and which of its messages end too early."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sniff.decode import dns_columns as d
from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import Source
from sniff.filters.fields.dns_layouts import LAYOUTS, TWISTED
from sniff.filters.fields.dns_reader import Reader, Short
from sniff.filters.fields.dns_rows import places, record_rows, wire_of
from sniff.filters.fields.dns_twisted import operation, walk
from sniff.filters.types import OBJECTS, Type
from sniff.filters.view import View
from sniff.packets.batch import Table

KNOWN = [*LAYOUTS, *TWISTED]


def of_records(name: str, kind: Type, kinds: tuple[int, ...]) -> Source:
    """A field of the data of records of some types, of all unknown types for none."""

    def source(view: View, candidates: Table) -> Column:
        rows, _ = record_rows(view, candidates)
        types = view.dns.records[rows, d.R_TYPE]
        wanted = np.isin(types, kinds) if kinds else ~np.isin(types, KNOWN)
        rows = rows[wanted & (view.dns.records[rows, d.R_LENGTH] > 0)]
        packets, values = read_rows(view, rows, name)
        return shaped(packets, values, kind)

    return source


def read_rows(view: View, rows: Table, name: str) -> tuple[list[int], list[Any]]:
    """(packets, values) of a field in some records. A message that ends too early in one of them has no more of them."""
    packets: list[int] = []
    values: list[Any] = []
    current = given_up = -1
    beyond = 0      # bytes that records read beyond their ends: what all of a message may, together, is as much as it has
    wire = wire_of(view)
    for row, message, base, stop, packet, multicast in places(view, rows):
        if message == given_up:
            continue
        if message != current:
            current, beyond = message, 0
        kind, at, size = view.dns.records[row, [d.R_TYPE, d.R_DATA, d.R_LENGTH]].tolist()
        reader = Reader(wire, base, stop, base + at, base + at + size, multicast)
        try:
            for found, value in walk(kind, reader):
                if found == name:
                    packets.append(packet)
                    values.append(value)
            beyond += max(reader.at - reader.end, 0)
        except Short:
            beyond = stop
        if beyond > stop - base:
            given_up = message
    return packets, values


def of_stateful_messages(name: str, kind: Type) -> Source:
    """A field of stateful operations."""

    def source(view: View, candidates: Table) -> Column:
        packets: list[int] = []
        values: list[Any] = []
        for k in np.flatnonzero(stateful(view) & np.isin(view.dns_packets, candidates)).tolist():
            try:
                for found, value in operation(_operation(view, k)):
                    if found == name:
                        packets.append(int(view.dns_packets[k]))
                        values.append(value)
            except Short:
                pass
        return shaped(packets, values, kind)

    return source


def stateful(view: View) -> NDArray[np.bool_]:
    """bool[k]: which messages are stateful operations."""
    found: NDArray[np.bool_] | None = view.memory.get("dns_stateful")
    if found is not None:
        return found
    messages = view.dns.messages
    none = ~messages[:, [d.D_QUESTIONS, d.D_ANSWERS, d.D_AUTHORITY, d.D_ADDITIONAL]].any(axis=1)
    found = view.memory["dns_stateful"] = none & (messages[:, d.D_FLAGS] >> 11 & 15 == 6) & (messages[:, d.D_ID] >= 0)
    return found


def _operation(view: View, message: int) -> Reader:
    start, length, size = view.dns.messages[message, [d.D_START, d.D_LEN, d.D_WIRE]].tolist()
    return Reader(wire_of(view), start, start + length, start + 12, start + size)


def left_over(view: View, message: int) -> int:
    """How many bytes follow the last record of a message; -1 when it ends too early."""
    row = view.dns.messages[message].tolist()
    if row[d.D_ID] < 0 or row[d.D_STATE] != d.MessageState.WHOLE:
        return -1
    try:
        if stateful(view)[message]:
            reader = _operation(view, message)
            for _ in operation(reader):
                pass
            return reader.end - reader.at
        rows = np.arange(row[d.D_FIRST_RECORD], row[d.D_FIRST_RECORD] + row[d.D_RECORDS])
        rows = rows[view.dns.records[rows, d.R_LENGTH] > 0]
        for one, _, base, stop, _, multicast in places(view, rows):
            kind, at, size = view.dns.records[one, [d.R_TYPE, d.R_DATA, d.R_LENGTH]].tolist()
            for _ in walk(kind, Reader(wire_of(view), base, stop, base + at, base + at + size, multicast)):
                pass
    except Short:
        return -1
    return int(row[d.D_WIRE] - row[d.D_PARSED])


def broken(view: View) -> NDArray[np.bool_]:
    """bool[k]: messages that end too early, so that nothing is said about them as a whole.

    The data of records of the most common types is taken to be as it should, as long as it is not obviously too short.
    """
    messages, records = view.dns.messages, view.dns.records
    found: NDArray[np.bool_] = (messages[:, d.D_STATE] != d.MessageState.WHOLE) | (messages[:, d.D_ID] < 0)
    kinds, sizes = records[:, d.R_TYPE], records[:, d.R_LENGTH]
    odd = (sizes > 0) & ~np.isin(kinds, COMMON) & ((kinds != 1) | (sizes != 4)) & ((kinds != 28) | (sizes != 16))
    odd &= records[:, d.R_SECTION] != d.Section.QUESTION
    for k in np.union1d(records[odd, d.R_MESSAGE], np.flatnonzero(stateful(view))).tolist():
        found[k] = found[k] or left_over(view, k) < 0
    return found


COMMON = (2, 5, 6, 12, 15, 16, 33, 41)      # NS CNAME SOA PTR MX TXT SRV OPT


def shaped(packets: list[int], values: list[Any], kind: Type) -> Column:
    """A column of values of a type."""
    if kind == Type.IPV6:
        return Column(np.asarray(packets, np.int64), np.array(values, np.uint64).reshape(-1, 2))
    return objects(packets, values) if kind in OBJECTS else numbers(packets, values)
