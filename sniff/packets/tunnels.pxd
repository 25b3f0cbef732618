from sniff.packets.headers cimport Packet, be16, be32, be64, ipv6, is_tunnel, missing, narrow

cdef int by_tunnel_proto(Packet p) except? -1 nogil
cdef int by_port(Packet p) except? -1 nogil
cdef int gre_payload(Packet p) except? -1 nogil
