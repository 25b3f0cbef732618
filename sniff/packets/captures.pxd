from sniff.packets.headers cimport Packet, end_at, enter, ipv6, lacks, read16, read16_le, read32, read32_le, read48

cdef int wireless_capture(Packet p) except? -1 nogil
cdef int ppi(Packet p) except? -1 nogil
cdef int pktap(Packet p) except? -1 nogil
cdef int nflog(Packet p) except? -1 nogil
cdef int openbsd_enc(Packet p) except? -1 nogil
cdef int pflog(Packet p) except? -1 nogil
cdef int ieee80211(Packet p) except? -1 nogil
