"""Gateways: finds the connections between web servers and applications, and reads their requests."""

from typing import Protocol

import numpy as np

from sniff import limits
from sniff.decode import fastcgi, scgi
from sniff.decode.cgi import CgiRequest, Place
from sniff.packets import columns as c
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch

LOOK = 96
"""Bytes at the beginning of a connection that tell what it speaks."""


_ENDS = [c.IP_VERSION, c.SRC_HI, c.SRC_LO, c.SRC_PORT, c.DST_HI, c.DST_LO, c.DST_PORT]


class Reader(Protocol):
    """What reads one connection; see FastCgiReader."""

    done: list[CgiRequest]
    held: int

    def data(self, direction: int, data: bytes, place: Place) -> None: ...

    def gap(self, direction: int, length: int) -> None: ...

    def end(self, place: Place) -> None: ...


class Gateways:
    """Reads the pieces of every batch in order; the connections are known by their first bytes, on any port."""

    def __init__(self, counters: limits.Counters) -> None:
        self.counters = counters
        self._readers: dict[int, Reader] = {}       # by flow table row, oldest first
        self._ends: dict[int, tuple[int, ...]] = {}

    def read(self, streams: StreamBatch) -> list[CgiRequest]:
        """The requests that were over in this batch, in the order in which they ended."""
        pieces = streams.pieces
        if not pieces.shape[1]:
            return []
        mine = self._candidates(streams)
        if self._readers:
            mine |= np.isin(pieces[s.P_SLOT], np.fromiter(self._readers, np.int64, len(self._readers)))
        chosen = np.flatnonzero(mine)
        if not len(chosen):
            return []
        wanted = set(pieces[s.P_SLOT, chosen].tolist())
        chosen = np.flatnonzero(np.isin(pieces[s.P_SLOT], np.fromiter(wanted, np.int64, len(wanted))))
        found: list[CgiRequest] = []
        for column in pieces[:, chosen].T.tolist():
            self._piece(streams, column, found)
        self._bound(streams, found)
        return found

    def _candidates(self, streams: StreamBatch) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Which pieces begin a connection with a byte that one of the protocols begins with."""
        pieces = streams.pieces
        first = ((pieces[s.P_KIND] == s.Piece.DATA) & (pieces[s.P_DIRECTION] == 0) & (pieces[s.P_STREAM_OFFSET] == 0)
                 & (pieces[s.P_LEN] >= fastcgi.HEADER))
        for buffer, data in ((0, streams.packets.data), (1, streams.held)):
            here = np.flatnonzero(first & (pieces[s.P_BUFFER] == buffer))
            byte = data[pieces[s.P_START, here]]
            first[here] = (byte <= 1) | ((byte >= ord("1")) & (byte <= ord("9")))
        return first

    def _piece(self, streams: StreamBatch, piece: list[int], found: list[CgiRequest]) -> None:
        slot, kind, direction = piece[s.P_SLOT], piece[s.P_KIND], piece[s.P_DIRECTION]
        reader = self._readers.get(slot)
        place = Place(piece[s.P_ORIGIN], piece[s.P_TS_NS], piece[s.P_OFFSET])
        if kind == s.Piece.DATA:
            source = streams.held if piece[s.P_BUFFER] else streams.packets.data
            data = source[piece[s.P_START]:piece[s.P_START] + piece[s.P_LEN]].tobytes()
            if reader is None:
                if direction or piece[s.P_STREAM_OFFSET]:
                    return
                reader = _reader_for(data[:LOOK], piece[s.P_STREAM])
                if reader is None:
                    return
                self._readers[slot] = reader
                self._ends[slot] = tuple(streams.packets.table[_ENDS, piece[s.P_PACKET]].tolist())
            reader.data(direction, data, place)
        elif reader is None:
            return
        elif kind == s.Piece.GAP:
            reader.gap(direction, piece[s.P_LEN])
        elif kind == s.Piece.END or kind == s.Piece.RESET or (kind == s.Piece.FIN and direction):
            reader.end(place)
        numbers = streams.packets.table[c.NUMBER]
        packet = piece[s.P_PACKET]
        self._hand_on(slot, reader, place.offset, int(numbers[packet]) if 0 <= packet < len(numbers) else place.packet, found)
        if kind == s.Piece.END:
            del self._readers[slot], self._ends[slot]

    def _hand_on(self, slot: int, reader: Reader, offset: int, packet: int, found: list[CgiRequest]) -> None:
        """The requests that are over; they learn whose they were."""
        for request in reader.done:
            request.ends = self._ends[slot]
            request.last_offset = max(offset, request.offset)
            request.ended_packet = packet
        found += reader.done
        reader.done.clear()

    def _bound(self, streams: StreamBatch, found: list[CgiRequest]) -> None:
        """Give up the oldest connections when too much is held."""
        held = sum(reader.held for reader in self._readers.values())
        while self._readers and (held > limits.WAITING_BYTES or len(self._readers) > limits.GATEWAY_CONNECTIONS):
            slot = next(iter(self._readers))
            reader = self._readers.pop(slot)
            held -= reader.held
            reader.end(Place(0, 0, -1))
            self._hand_on(slot, reader, -1, max(streams.packets.table[c.NUMBER].tolist(), default=0), found)
            del self._ends[slot]
            self.counters.exchanges_given_up += 1


def _reader_for(data: bytes, stream: int) -> Reader | None:
    if fastcgi.begins(data):
        return fastcgi.FastCgiReader(stream)
    if scgi.begins_scgi(data):
        return scgi.ScgiReader(stream)
    if scgi.begins_uwsgi(data):
        return scgi.ScgiReader(stream, uwsgi=True)
    return None
