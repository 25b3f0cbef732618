"""The columns of a PacketBatch: rows of one int64 table, `table[COLUMN, packet]`.

One dtype keeps the compiled loops simple: they take `table: longlong[:, ::1]` and these numbers. "index" always means
an index into `batch.data`; -1 means that there is no such thing in this packet. uint64 values (addresses) are stored in
the same 64 bits, reinterpreted.
"""

from enum import IntEnum, IntFlag

NUMBER = 0          # frame.number
TS_NS = 1           # frame.time_epoch, nanoseconds
CAPLEN = 2          # frame.cap_len
WIRELEN = 3         # frame.len
START = 4           # index of the frame's first byte
OFFSET = 5          # the same in the store (RawBatch.offset)
INTERFACE = 6
LINK_TYPE = 7
KIND = 8            # Kind: the innermost layer that was understood
FLAGS = 9           # Flag bits
ADDRESS_KIND = 10   # Address: what the Source and Destination cells show
SRC_HI = 11         # source address: upper 64 bits (IPv6; 0 for IPv4 and MAC)
SRC_LO = 12         # lower 64 bits (IPv6), or the IPv4 address, or the 48-bit MAC
DST_HI = 13
DST_LO = 14
L2 = 15             # index of the (innermost) link header, -1 for raw IP
ETHERTYPE = 16      # of the innermost payload of the link layer; -1 none, an 802.3 length for LLC frames
L3 = 17             # index of the innermost IP header (or ARP ... header)
IP_VERSION = 18     # 4, 6 or 0
IP_PROTO = 19       # ip.proto / last ipv6.nxt, of the innermost IP; -1 none
TTL = 20            # ip.ttl / ipv6.hlim
L4 = 21             # index of the transport header (or of what follows the network layer)
END = 22            # index just after the innermost packet's last captured byte, link padding and FCS removed
PAYLOAD = 23        # index of the TCP or UDP payload
PAYLOAD_LEN = 24    # bytes of it that were captured
PAYLOAD_WIRE = 25   # bytes of it by the headers; -1 when a header does not tell
SRC_PORT = 26
DST_PORT = 27
TCP_SEQ = 28        # tcp.seq_raw
TCP_ACK = 29        # tcp.ack_raw
TCP_FLAGS = 30      # tcp.flags: 12 bits, reserved ones included
TCP_WINDOW = 31     # tcp.window_size_value
TCP_HEADER = 32     # tcp.hdr_len, bytes; may be below 20 in a malformed segment
TCP_URGENT = 33
VLAN = 34           # outermost vlan.id, -1
OUTER_L3 = 35       # index of the outermost IP header; equal to L3 without a tunnel
UDP_LENGTH = 36     # udp.length as written
LAYER = 37          # Layer: the header that the row is about, the last one that was looked at
HEADER = 38         # index of that header
WIRE_END = 39       # index after the innermost packet's last byte on the wire: END, or beyond it when bytes were not captured
TCP_TIMES = 40      # TSval << 32 | TSecr when two NOPs and a time stamp are all the TCP options there are (all that most
                    # segments have; nobody then needs to look at their bytes again); -1 otherwise
COUNT = 41          # rows of the table


class Kind(IntEnum):
    """The innermost layer that was understood. TCP and UDP rows are written by compiled code, the others in Python."""

    FRAME = 0            # link type or contents without a dissector
    TCP = 1
    UDP = 2
    ICMP = 3
    ICMPV6 = 4
    IGMP = 5
    ARP = 6
    IPV4_FRAGMENT = 7
    IPV6_FRAGMENT = 8
    IP_OTHER = 9         # IPv4 or IPv6 with a protocol that has no dissector
    ETHERNET_OTHER = 10  # an ethertype or LLC protocol without a dissector
    IP_MALFORMED = 11    # an IP header that does not hold together


class Flag(IntFlag):
    """What else is true of a packet."""

    CUT = 1             # the snapshot length cut off bytes that the innermost headers promise
    MALFORMED = 2       # a header contradicts itself or ends too early by its own lengths
    TUNNEL = 4          # the innermost IP lies in another one (or in GRE, VXLAN ...)
    GTP = 8             # ... in GTP-U: Wireshark writes the protocol as `GTP <TCP>`
    REASSEMBLED = 16    # the last fragment: the columns describe the whole datagram (see PacketBatch.data)
    IN_ERROR = 32       # quoted inside an ICMP error
    HEADER_CUT = 64     # the transport header itself is not whole
    TEREDO = 128


class Layer(IntEnum):
    """What begins at HEADER."""

    UNKNOWN = 0         # a link type without a dissector
    ETHERNET = 1        # Ethernet itself: its header is not whole
    ETHERTYPE = 2       # what follows an Ethernet type; ETHERTYPE says which
    LLC = 3             # IEEE 802.2
    PPP = 4             # from the protocol number on
    CISCO_HDLC = 5
    COOKED = 6          # Linux cooked, either version
    LOOPBACK = 7        # BSD null or loop
    IEEE80211 = 8
    FDDI = 9
    TOKEN_RING = 10
    CAPTURE = 11        # a header of the capturing program (NFLOG, PPI, PKTAP, radiotap ...)
    RAW = 12            # raw IP that is no IP
    MPLS = 13
    ARP = 14
    IPV4 = 15
    IPV6 = 16
    IPV6_EXTENSION = 17  # IP_PROTO says which
    IP_PROTO = 18       # what follows IP; IP_PROTO says which
    TCP = 19
    UDP = 20
    VLAN = 21
    PPPOE = 22
    FRAME_RELAY = 23


class Address(IntEnum):
    """What SRC_* and DST_* hold."""

    NONE = 0
    MAC = 1
    IPV4 = 4
    IPV6 = 6
    TEXT = 9            # the words for this packet (decode/) name source and destination themselves
