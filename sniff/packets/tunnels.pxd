from sniff.packets.headers cimport end_at, ipv6, is_tunnel, lacks, read16, read32, read64

cdef int by_tunnel_proto(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int by_port(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int gre_payload(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
