"""RawBatch in, PacketBatch out: link, network and transport headers as columns that point into the packet's bytes.

Talks to capture/ only. One packet at a time, but for IP fragments, which are put together here.
"""
