from sniff.packets.captures cimport ieee80211, nflog, openbsd_enc, pflog, pktap, ppi, wireless_capture
from sniff.packets.headers cimport Packet, be16, be32, be48, begin, ipv6, le32, missing, narrow

cdef int link_layer(Packet p) except? -1 nogil
cdef int llc(Packet p) except? -1 nogil
cdef int ppp(Packet p) except? -1 nogil
cdef int pppoe(Packet p) except? -1 nogil
cdef int mpls(Packet p) except? -1 nogil
