"""A file, a pipe or an interface in, RawBatch out: bytes of the store and one record per packet.

The only room that opens files and sockets or reads a clock. It knows file formats and nothing of what packets mean.
"""
