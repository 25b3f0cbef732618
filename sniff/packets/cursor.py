"""The record that one packet's walk fills: its columns (columns.py), then the cursor below.

The compiled modules of this room share these numbers and declare those they use as C globals of their own.
"""

from sniff.packets.columns import COUNT

# --- places in the record, after the columns ------------------------------------------------------------------------------
POS = COUNT            # index of the next header
LIMIT = COUNT + 1      # index after the last captured byte of this layer
FRAGMENT = COUNT + 2   # 1: an IP fragment whose bytes are all there
LAYERS = COUNT + 3     # headers read so far
PROGRESS = COUNT + 4   # packets of the batch that are done
LINK = COUNT + 5       # LINKTYPE_ number of the header that comes next
FOUND = COUNT + 6      # fragments found in the batch
TRACED = COUNT + 7     # 0: nobody wants to know which headers there are; else one more than the headers that were written down
QUOTED = COUNT + 8     # 1: inside what an ICMP error quotes
TRACE = COUNT + 9      # the headers themselves, TRACE_SIZE numbers each
TRACE_SIZE = 6         # Layer, index of its first byte, LIMIT, IP_PROTO and ETHERTYPE as they stood when it began, QUOTED
TRACE_LAYERS = 28      # headers that are written down at most
RECORD = TRACE + TRACE_SIZE * TRACE_LAYERS     # int64 numbers in a record

# --- what a layer function answers: what comes next ------------------------------------------------------------------------
STOP = 0
BY_ETHERTYPE = 1       # r[ETHERTYPE] says what
BY_IP_PROTO = 2        # r[IP_PROTO] says what
BY_VERSION = 3         # IPv4 or IPv6, by its first four bits
ETHERNET = 4
BY_LINK_TYPE = 5       # r[LINK] says what
BY_PORT = 6            # a UDP payload; its port belongs to a tunnel
BY_PPP = 7             # a PPP protocol number, then what it says
LLC = 8
MPLS = 9
IEEE80211 = 10
PPPOE = 11
IN_IP = 12             # an IP protocol that may be a tunnel
GRE_PAYLOAD = 13       # r[ETHERTYPE] says what, by GRE's numbers

SWAPPED_80211 = -2     # in r[LINK]: 802.11 frame control in the other byte order, as CAPWAP has it
