from sniff.packets.headers cimport end_at, enter, ipv6, lacks, read16, read16_le, read32, read32_le, read48

cdef int wireless_capture(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int ppi(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int pktap(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int nflog(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int openbsd_enc(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int pflog(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int ieee80211(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
