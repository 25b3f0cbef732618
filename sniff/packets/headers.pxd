cdef class Packet:
    cdef const unsigned char[::1] data
    cdef long long[::1] r


cdef int ipv6(Packet p) except? -1 nogil
cdef int ipv6_extensions(Packet p) except? -1 nogil
cdef int is_tunnel(long long port) except? -1 nogil
cdef int plain(Packet p, int layer) except? -1 nogil
cdef long long be16(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long be32(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long be48(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long be64(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long le16(Packet p, Py_ssize_t at) except? -1 nogil
cdef long long le32(Packet p, Py_ssize_t at) except? -1 nogil
cdef int begin(Packet p, long long layer) except? -1 nogil
cdef int missing(Packet p, long long length) except? -1 nogil
cdef int narrow(Packet p, long long end) except? -1 nogil
