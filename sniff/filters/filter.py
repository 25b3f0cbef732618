"""A display filter, ready to be used: which packets of a batch match.

A Filter is what its text says and may be shared; a Matcher is one use of it on one capture, and sees every batch in order.
"""

from typing import TYPE_CHECKING

import numpy as np

from sniff.decode.batch import AppBatch
from sniff.filters.check import check, fields_of
from sniff.filters.columns import Mask
from sniff.filters.parser import parse
from sniff.filters.view import Context, View
from sniff.packets import columns as c

if TYPE_CHECKING:
    from sniff.filters.trackers import Tracker


class Filter:
    """A display filter in Wireshark's language.

    text      as it was written
    fields    names of the fields in it
    trackers  what has to see every batch for it
    heads     it needs to know which messages rows are about, and their heads (AppBatch.row_messages)
    owners    it asks who owns the ends of connections
    notes     it asks what is strange so far
    flows     it asks about streams of UDP, or directions
    pieces    it needs the bytes of streams in order; messages: it needs HTTP messages, too; bodies: and their bodies
    """

    def __init__(self, text: str) -> None:
        """Raises FilterError, which points at the mistake."""
        self.text = text
        self.predicate, names = check(text, parse(text))
        fields = fields_of(names)
        self.fields = tuple(sorted(names))
        wanted = {tracker for field in fields for tracker in field.trackers}
        self.trackers = tuple(sorted(wanted))
        self.heads = any(field.heads for field in fields)
        self.bodies = any(field.bodies for field in fields)
        self.messages = self.bodies or any(field.messages for field in fields)
        self.flows = "dns_times" in wanted or any(field.name.startswith(("udp.stream", "udp.time", "sniff.")) for field in fields)
        self.owners = "processes" in wanted
        self.notes = "sniff.note" in names
        self.pieces = self.messages or "dns" in wanted

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    def matcher(self, context: Context | None = None) -> "Matcher":
        """One use of it."""
        return Matcher(self, context if context is not None else Context())


class Matcher:
    """A filter at work on one capture."""

    def __init__(self, filter: Filter, context: Context) -> None:
        self.filter = filter
        self._context = context
        self._trackers: list["Tracker"] = []
        if filter.trackers:
            from sniff.filters.trackers import TRACKERS
            self._trackers = [make() for name, make in TRACKERS.items() if name in filter.trackers]
        self._zero_ns: int | None = None

    def see(self, apps: AppBatch) -> View:
        """The next batch, with what those before it say of it. Batches are to come in order, none left out."""
        packets = apps.streams.packets
        if self._zero_ns is None and len(packets):
            self._zero_ns = int(packets.table[c.TS_NS, 0])
        view = View(apps, self._context, self._zero_ns or 0)
        for tracker in self._trackers:
            tracker.add(view)
        return view

    def match(self, view: View) -> Mask:
        """bool[n]: which packets of a batch that was seen match. Another thread may see the next one meanwhile."""
        if not view.size:
            return np.zeros(0, np.bool_)
        mask = self.filter.predicate.mask(view, np.arange(view.size))
        view.memory.clear()     # what is in it refers to the view: without this the batch would live until Python looks for cycles
        return mask
