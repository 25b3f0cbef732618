"""The columns of HTTP exchanges: rows[exchange, COLUMN], int64, one row an exchange.

A row holds the whole rows of its messages (decode/columns.py, M_*), so that it outlives their batch. Heads and first bytes of
bodies lie in two pools, uint8 arrays.
"""

from sniff.decode.columns import M_COUNT

X_REQUEST = 0                   # the request's M_* columns; zeros when it was not seen
X_RESPONSE = M_COUNT            # the response's
X_HEAD = 2 * M_COUNT            # where the pool of heads has that of the request, of the response; M_HEAD_KEPT bytes each
X_PREFIX = X_HEAD + 2           # the same in the pool of first bytes; M_PREFIX_LEN bytes each
X_HAS = X_HEAD + 4              # bit 0: there is a request, bit 1: there is a response
X_STATE = X_HEAD + 5            # State
X_ODD = X_HEAD + 6              # bits of Odd
X_STREAM = X_HEAD + 7           # tcp.stream
X_CONNECTION = X_HEAD + 8       # index of its Connection
X_NUMBER = X_HEAD + 9           # 0, 1, 2 ... in the order in which exchanges were made
X_PLACE = X_HEAD + 10           # likewise, among those of its connection
X_MOMENTS = X_HEAD + 11         # nine moments, ns: asked, answered, SYN, open, first and last byte sent, turn, first and last byte
X_COUNT = X_HEAD + 20

REQUEST, RESPONSE = 1, 2
"""Bits of X_HAS."""

INFERRED, INTERIM, EVENTS, HTTP2 = 1, 2, 4, 8
"""Bits of X_ODD: bytes were missing before, so the pair is probable and not sure; there were responses 1xx; something went wrong
on the wire meanwhile; its messages are those of HTTP/2, whose heads are made up."""
