"""HttpTotals: the numbers of a summary, counted in columns; no object is made for a message."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sniff import limits
from sniff.decode import columns as c
from sniff.packets.batch import Table

PREFACE = c.METHODS.index("PRI")
"""The method of the preface of HTTP/2 (RFC 9113 section 3.4), which is no request."""
SLOWEST = 5
"""How many of the slowest exchanges are remembered."""


class Slow(NamedTuple):
    """One of the slowest exchanges: how long it took from the first byte of the request to the last of the response.

    request_offset  where the first byte of the request stands in the store, -1 when not known
    """

    duration_ns: int
    stream: int
    request_packet: int
    response_packet: int
    request_offset: int = -1


@dataclass(slots=True)
class HttpTotals:
    """What a summary says of HTTP.

    requests, responses  messages, 1xx and the preface of HTTP/2 not counted
    classes              responses by first digit of the status: {2: 10, 4: 1}; 0 where there was none
    errors               responses with a status of 400 and above
    incomplete           messages that broke off, or of which bytes are missing
    body_bytes           bytes of all bodies, content codings not undone
    slowest              the slowest exchanges, slowest first; sure pairs only
    """

    requests: int = 0
    responses: int = 0
    errors: int = 0
    incomplete: int = 0
    body_bytes: int = 0
    classes: dict[int, int] = field(default_factory=dict)
    slowest: list[Slow] = field(default_factory=list)
    _waiting: Table = field(default_factory=lambda: np.empty((c.M_COUNT, 0), np.int64))

    def add(self, messages: Table) -> None:
        """Count the messages of one batch.

        messages  int64[M_COUNT, k]  AppBatch.messages
        """
        if not messages.shape[1]:
            return
        preface = messages[c.M_METHOD] == PREFACE
        if preface.any():
            messages = messages[:, ~preface]
        status = messages[c.M_STATUS]
        answers = messages[c.M_IS_RESPONSE] != 0
        final = answers & ((status < 100) | (status >= 200) | (status == 101))
        self.requests += int(np.count_nonzero(~answers))
        self.responses += int(np.count_nonzero(final))
        self.errors += int(np.count_nonzero(final & (status >= 400)))
        whole = messages[c.M_FLAGS] & (c.MessageFlag.COMPLETE | c.MessageFlag.GAP) == c.MessageFlag.COMPLETE
        self.incomplete += int(np.count_nonzero(~whole))
        self.body_bytes += int(messages[c.M_BODY_LEN].sum())
        for digit, count in zip(*np.unique(status[final] // 100, return_counts=True), strict=True):
            self.classes[int(digit)] = self.classes.get(int(digit), 0) + int(count)
        self._time(messages[:, ~answers], messages[:, final])

    def _time(self, requests: Table, responses: Table) -> None:
        """Find the slowest pairs. Requests wait here until their responses end, at most limits.PENDING_TOTALS."""
        sure = c.MessageFlag.RESYNC
        requests = np.concatenate([self._waiting, requests[:, requests[c.M_FLAGS] & sure == 0]], axis=1)
        responses = responses[:, (responses[c.M_FLAGS] & sure == 0) & (responses[c.M_SEQUENCE] >= 0)]
        asked, answered = _key(requests), _key(responses)
        _, left, right = np.intersect1d(asked, answered, return_indices=True)
        waiting = np.ones(len(asked), np.bool_)
        waiting[left] = False
        self._waiting = requests[:, waiting][:, -limits.PENDING_TOTALS:]
        if not len(left):
            return
        duration = responses[c.M_LAST_NS, right] - requests[c.M_FIRST_NS, left]
        top = np.argsort(duration)[-SLOWEST:]
        self.slowest += [Slow(int(duration[index]), int(requests[c.M_STREAM, left[index]]),
                              int(requests[c.M_FIRST_PACKET, left[index]]),
                              int(responses[c.M_FIRST_PACKET, right[index]]),
                              int(requests[c.M_STORE_OFFSET, left[index]])) for index in top]
        self.slowest.sort(reverse=True)
        del self.slowest[SLOWEST:]


def _key(messages: Table) -> Table:
    """One number for stream and sequence, the same for a request and its response."""
    key: Table = (messages[c.M_STREAM] << 24) + np.minimum(messages[c.M_SEQUENCE], (1 << 24) - 1)
    return key
