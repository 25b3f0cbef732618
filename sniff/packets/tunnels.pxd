from sniff.packets.headers cimport Packet, end_at, ipv6, is_tunnel, lacks, read16, read32, read64

cdef int by_tunnel_proto(Packet p) except? -1 nogil
cdef int by_port(Packet p) except? -1 nogil
cdef int gre_payload(Packet p) except? -1 nogil
