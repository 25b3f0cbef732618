cdef bint is_token_byte(long long c) noexcept nogil
cdef Py_ssize_t line_end(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t stop, bint bare_cr) except? -2 nogil
cdef Py_ssize_t text_end(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end) except? -2 nogil
cdef long long lower(long long c) noexcept nogil
cdef Py_ssize_t method_number(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end, const unsigned char[::1] names, const long long[::1] starts) except? -2 nogil
cdef long long known_start(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end, const unsigned char[::1] names, const long long[::1] starts, long long[::1] facts) except? -2 nogil
cdef long long start_line(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end, const unsigned char[::1] names, const long long[::1] starts, long long[::1] facts) except? -2 nogil
cdef bint is_http(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end) except? -2 nogil
cdef bint starts_http(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end) except? -2 nogil
cdef long long status_code(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end) except? -2 nogil
cdef long long version_of(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end) except? -2 nogil
cdef bint is_space(long long c) noexcept nogil
cdef bint is_name(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end, long long name, Py_ssize_t length) except? -2 nogil
cdef long long list_has(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end, long long name, Py_ssize_t length) except? -2 nogil
cdef long long parse_fields(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t end, bint bare_cr, long long[::1] facts) except? -2 nogil
cdef Py_ssize_t head_end(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t looked, Py_ssize_t stop, bint bare_cr, long long[::1] facts) except? -2 nogil
cdef Py_ssize_t read_head(const unsigned char[::1] view, Py_ssize_t start, Py_ssize_t line, Py_ssize_t stop, bint bare_cr, long long[::1] facts) except? -2 nogil
