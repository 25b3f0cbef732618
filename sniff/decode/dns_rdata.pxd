from sniff.decode.dns_names cimport item, lacks, read_name, show, show_ascii, show_ipv4, show_ipv6, show_number, show_raw

cdef Py_ssize_t rest(long long kind, const unsigned char[::1] data, Py_ssize_t base, Py_ssize_t owner, Py_ssize_t rdata, long long length, Py_ssize_t skip, Py_ssize_t end, Py_ssize_t wire_end, unsigned char[::1] buffer, long long[::1] scratch, unsigned char[::1] pool, Py_ssize_t out) except? -1 nogil
