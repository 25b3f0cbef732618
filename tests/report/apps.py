"""AppBatches with bodies, from frames."""

import numpy as np

from sniff.decode import columns as d
from sniff.decode.batch import AppBatch
from sniff.decode.http1 import HttpMessages
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets.stage import Dissector
from sniff.reassembly.stage import Tracker
from tests import wire


def app_batches(frames, sizes=()):
    """What decoding says of each batch of these frames, without rows."""
    notes, counters = Notes(), Counters()
    dissector, tracker, reader = Dissector(notes, counters), Tracker(notes, counters), HttpMessages(notes, counters, bodies=True)
    for raw in wire.batches(frames, sizes):
        streams = tracker.track(dissector.dissect(raw))
        messages, heads = reader.read(streams)
        yield AppBatch(streams, np.zeros((d.APP_COUNT, len(raw)), np.int64), np.empty(0, np.uint8), messages, heads,
                       begun=reader.begun, bodies=reader.parts)
