from sniff.packets.captures cimport ieee80211, nflog, openbsd_enc, pflog, pktap, ppi, wireless_capture
from sniff.packets.headers cimport end_at, enter, ipv6, lacks, read16, read32, read32_le, read48

cdef int link_layer(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int llc(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int ppp(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int pppoe(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
cdef int mpls(const unsigned char[::1] data, long long[::1] r) except? -1 nogil
