cdef long long lacks(Py_ssize_t upto, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
cdef long long item(Py_ssize_t at, long long length, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
cdef long long read_name(const unsigned char[::1] data, Py_ssize_t base, Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end, unsigned char[::1] buffer, long long[::1] scratch) except? -1 nogil
cdef bint printable(long long code) noexcept nogil
cdef Py_ssize_t show(const unsigned char[::1] text, Py_ssize_t at, Py_ssize_t end, unsigned char[::1] pool, Py_ssize_t out) except? -1 nogil
cdef Py_ssize_t show_raw(const unsigned char[::1] text, Py_ssize_t at, Py_ssize_t end, unsigned char[::1] pool, Py_ssize_t out) except? -1 nogil
cdef Py_ssize_t show_ascii(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, long long most, unsigned char[::1] pool, Py_ssize_t out) except? -1 nogil
cdef Py_ssize_t show_ipv6(const unsigned char[::1] data, Py_ssize_t at, unsigned char[::1] pool, Py_ssize_t out) except? -1 nogil
cdef Py_ssize_t show_ipv4(const unsigned char[::1] data, Py_ssize_t at, unsigned char[::1] pool, Py_ssize_t out) except? -1 nogil
cdef Py_ssize_t show_number(long long value, unsigned char[::1] pool, Py_ssize_t out) except? -1 nogil
