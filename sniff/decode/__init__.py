"""StreamBatch in, messages out: what was said, one protocol, one module.

Talks to packets/ and reassembly/. A decoder sees bytes and packet times; it opens nothing and raises on nothing.
"""
