cdef int ipv6(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int ipv6_extensions(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int is_tunnel(long long port) except? -1 nogil
cdef int plain(const unsigned char[::1] data, long long[::1] r, int layer) except? -1 nogil
cdef long long read16(const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
cdef long long read32(const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
cdef long long read48(const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
cdef long long read64(const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
cdef long long read16_le(const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
cdef long long read32_le(const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
cdef int enter(long long[::1] r, long long layer) except? -1 nogil
cdef int lacks(long long[::1] r, long long length) except? -1 nogil
cdef int end_at(long long[::1] r, long long end) except? -1 nogil
