from sniff.decode.dns_names cimport item, lacks, read_name, show_ipv4

cdef Py_ssize_t nbns_row(const unsigned char[::1] data, Py_ssize_t base, Py_ssize_t end, Py_ssize_t wire_end, unsigned char[::1] pool, Py_ssize_t out, Py_ssize_t full, unsigned char[::1] buffer, long long[::1] scratch) except? -1 nogil
