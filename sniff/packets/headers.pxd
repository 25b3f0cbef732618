cdef class Packet:
    cdef const unsigned char[::1] data
    cdef long long[::1] r


cdef int ipv6(Packet p) except? -1 nogil
cdef int ipv6_extensions(Packet p) except? -1 nogil
cdef int is_tunnel(long long port) except? -1 nogil
cdef int plain(Packet p, int layer) except? -1 nogil
cdef long long read16(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long read32(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long read48(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long read64(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long read16_le(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long read32_le(Packet p, Py_ssize_t at) except? -1 nogil
cdef int enter(Packet p, long long layer) except? -1 nogil
cdef int lacks(Packet p, long long length) except? -1 nogil
cdef int end_at(Packet p, long long end) except? -1 nogil
