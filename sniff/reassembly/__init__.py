"""PacketBatch in, StreamBatch out: flows, sequence analysis, and the bytes of each direction in order, gaps marked.

Talks to packets/ only. Knows TCP and nothing of what is inside it.
"""
