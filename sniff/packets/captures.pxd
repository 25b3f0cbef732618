from sniff.packets.headers cimport Packet, be16, be32, be48, begin, ipv6, le16, le32, missing, narrow

cdef int wireless_capture(Packet p) except? -1 nogil
cdef int ppi(Packet p) except? -1 nogil
cdef int pktap(Packet p) except? -1 nogil
cdef int nflog(Packet p) except? -1 nogil
cdef int openbsd_enc(Packet p) except? -1 nogil
cdef int pflog(Packet p) except? -1 nogil
cdef int ieee80211(Packet p) except? -1 nogil
