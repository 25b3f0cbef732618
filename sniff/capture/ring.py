# cython: boundscheck=True, wraparound=False
"""Turns the packets of one block of a Linux packet ring (TPACKET_V3) into pcapng packet blocks.

A leaf: the memory that the kernel shares with us in, bytes for a file out. Everything else about capturing (sockets,
filters, files, time) is Python in afpacket.py and live.py. Layouts: linux/if_packet.h, whose structures have the same
offsets on every machine that runs us; draft-ietf-opsawg-pcapng section 4.3.
"""

import cython

# struct tpacket_block_desc: offsets in bytes from the start of a block.
BLOCK_STATUS = 8            # u32; TP_STATUS_USER when the block is ours
BLOCK_PACKETS = 12          # u32
BLOCK_FIRST = 16            # u32, from the start of the block
STATUS_USER = 1

# struct tpacket3_hdr and the struct sockaddr_ll behind it: offsets in bytes from the start of a packet's header.
NEXT = 0
SECONDS = 4
NANOSECONDS = 8
CAPTURED = 12
LENGTH = 16
STATUS = 20
MAC_AND_NET = 24            # two u16
VLAN_TCI = 32
VLAN_TPID = 36              # u16
LL_PROTOCOL = 50            # u16 in network byte order
LL_IFINDEX = 52
LL_HATYPE = 56              # u16
LL_PKTTYPE = 58             # u8
LL_HALEN = 59               # u8
LL_ADDRESS = 60             # u8[8]
VLAN_VALID = 0x10
VLAN_TPID_VALID = 0x40

# Kinds of link: how a packet of an interface is written.
AS_IS = 0                   # from its link header on
TAGGED = 1                  # the same, and a VLAN tag that the kernel took out is put back (Ethernet)
COOKED = 2                  # from its network header on, behind a header of LINKTYPE_LINUX_SLL2

# What the interfaces of a socket are, int64[k, IF_FIELDS].
IF_INDEX = 0                # as the kernel counts them
IF_KIND = 1
IF_NUMBER = 2               # pcapng interface of the current file
IF_SKIP = 3                 # bits 1 << sll_pkttype of packets that are not wanted
IF_COUNT = 4                # written: packets
IF_FIELDS = 5

# Where the reader stands, int64[STATE].
LEFT = 0                    # packets of the block that were not looked at
AT = 1                      # offset in the ring of the next one
FILLED = 2                  # bytes of `out` that are used
WANTED = 3                  # packets that may still be written; negative: no bound
SNAPLEN = 4                 # most bytes of a packet
LAST_NS = 5                 # written: time stamp of the last packet
WHY = 6                     # written: why it stopped
IFINDEX = 7                 # written, for STRANGER: the interface
HATYPE = 8                  # written, for STRANGER: its type (ARPHRD_)
LARGEST = 9                 # written, for ROOM: bytes that the packet needs
STATE = 10

DONE = 0                    # the block is used up
ROOM = 1                    # `out` is full
STRANGER = 2                # a packet of an interface that is not in the table
ENOUGH = 3                  # no more packets are wanted

_NEXT = cython.declare(cython.Py_ssize_t, NEXT)
_SECONDS = cython.declare(cython.Py_ssize_t, SECONDS)
_NANOSECONDS = cython.declare(cython.Py_ssize_t, NANOSECONDS)
_CAPTURED = cython.declare(cython.Py_ssize_t, CAPTURED)
_LENGTH = cython.declare(cython.Py_ssize_t, LENGTH)
_STATUS = cython.declare(cython.Py_ssize_t, STATUS)
_MAC_AND_NET = cython.declare(cython.Py_ssize_t, MAC_AND_NET)
_VLAN_TCI = cython.declare(cython.Py_ssize_t, VLAN_TCI)
_VLAN_TPID = cython.declare(cython.Py_ssize_t, VLAN_TPID)
_LL_PROTOCOL = cython.declare(cython.Py_ssize_t, LL_PROTOCOL)
_LL_IFINDEX = cython.declare(cython.Py_ssize_t, LL_IFINDEX)
_LL_HATYPE = cython.declare(cython.Py_ssize_t, LL_HATYPE)
_LL_PKTTYPE = cython.declare(cython.Py_ssize_t, LL_PKTTYPE)
_LL_HALEN = cython.declare(cython.Py_ssize_t, LL_HALEN)
_LL_ADDRESS = cython.declare(cython.Py_ssize_t, LL_ADDRESS)
_VLAN_VALID = cython.declare(cython.longlong, VLAN_VALID)
_VLAN_TPID_VALID = cython.declare(cython.longlong, VLAN_TPID_VALID)
_TAGGED = cython.declare(cython.longlong, TAGGED)
_COOKED = cython.declare(cython.longlong, COOKED)
_LEFT = cython.declare(cython.Py_ssize_t, LEFT)
_AT = cython.declare(cython.Py_ssize_t, AT)
_FILLED = cython.declare(cython.Py_ssize_t, FILLED)
_WANTED = cython.declare(cython.Py_ssize_t, WANTED)
_SNAPLEN = cython.declare(cython.Py_ssize_t, SNAPLEN)
_LAST_NS = cython.declare(cython.Py_ssize_t, LAST_NS)
_WHY = cython.declare(cython.Py_ssize_t, WHY)
_IFINDEX = cython.declare(cython.Py_ssize_t, IFINDEX)
_HATYPE = cython.declare(cython.Py_ssize_t, HATYPE)
_LARGEST = cython.declare(cython.Py_ssize_t, LARGEST)
_DONE = cython.declare(cython.longlong, DONE)
_ROOM = cython.declare(cython.longlong, ROOM)
_STRANGER = cython.declare(cython.longlong, STRANGER)
_ENOUGH = cython.declare(cython.longlong, ENOUGH)
_IF_INDEX = cython.declare(cython.Py_ssize_t, IF_INDEX)
_IF_KIND = cython.declare(cython.Py_ssize_t, IF_KIND)
_IF_NUMBER = cython.declare(cython.Py_ssize_t, IF_NUMBER)
_IF_SKIP = cython.declare(cython.Py_ssize_t, IF_SKIP)
_IF_COUNT = cython.declare(cython.Py_ssize_t, IF_COUNT)

_EPB = cython.declare(cython.longlong, 6)
_EPB_FIXED = cython.declare(cython.Py_ssize_t, 28)      # bytes in front of the packet
_SECOND = cython.declare(cython.longlong, 1_000_000_000)
_LOW_WORD = cython.declare(cython.longlong, 0xFFFFFFFF)
_TAG = cython.declare(cython.Py_ssize_t, 4)             # bytes of a VLAN tag
_TAG_AT = cython.declare(cython.Py_ssize_t, 12)         # behind the two addresses
_SLL2 = cython.declare(cython.Py_ssize_t, 20)           # bytes of its header
_ETHERTYPE_VLAN = cython.declare(cython.longlong, 0x8100)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=True)
def _u16(ring: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.longlong:
    if big:
        return cython.cast(cython.longlong, ring[at]) << 8 | cython.cast(cython.longlong, ring[at + 1])
    return cython.cast(cython.longlong, ring[at]) | cython.cast(cython.longlong, ring[at + 1]) << 8


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=True)
def _put32(out: cython.uchar[::1], at: cython.Py_ssize_t, value: cython.longlong, big: cython.bint) -> cython.int:
    if big:
        out[at] = cython.cast(cython.uchar, value >> 24 & 0xFF)
        out[at + 1] = cython.cast(cython.uchar, value >> 16 & 0xFF)
        out[at + 2] = cython.cast(cython.uchar, value >> 8 & 0xFF)
        out[at + 3] = cython.cast(cython.uchar, value & 0xFF)
    else:
        out[at] = cython.cast(cython.uchar, value & 0xFF)
        out[at + 1] = cython.cast(cython.uchar, value >> 8 & 0xFF)
        out[at + 2] = cython.cast(cython.uchar, value >> 16 & 0xFF)
        out[at + 3] = cython.cast(cython.uchar, value >> 24 & 0xFF)
    return 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=True)
def _copy(ring: cython.const[cython.uchar][::1], source: cython.Py_ssize_t, out: cython.uchar[::1],
          at: cython.Py_ssize_t, count: cython.Py_ssize_t) -> cython.int:
    if count > 0:
        out[at:at + count] = ring[source:source + count]
    return 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=True)
def _put_sll2(ring: cython.const[cython.uchar][::1], header: cython.Py_ssize_t, ifindex: cython.longlong,
              hatype: cython.longlong, out: cython.uchar[::1], at: cython.Py_ssize_t) -> cython.int:
    _copy(ring, header + _LL_PROTOCOL, out, at, 2)
    out[at + 2] = 0
    out[at + 3] = 0
    _put32(out, at + 4, ifindex, True)
    out[at + 8] = cython.cast(cython.uchar, hatype >> 8 & 0xFF)
    out[at + 9] = cython.cast(cython.uchar, hatype & 0xFF)
    out[at + 10] = ring[header + _LL_PKTTYPE]
    out[at + 11] = ring[header + _LL_HALEN]
    _copy(ring, header + _LL_ADDRESS, out, at + 12, 8)
    return 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-2, check=True)
def _find(interfaces: cython.longlong[:, ::1], ifindex: cython.longlong) -> cython.Py_ssize_t:
    row: cython.Py_ssize_t
    for row in range(interfaces.shape[0]):
        if interfaces[row, _IF_INDEX] == ifindex:
            return row
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=True)
def _pack(words: cython.const[cython.uint][::1], ring: cython.const[cython.uchar][::1], big: cython.bint,
          interfaces: cython.longlong[:, ::1], out: cython.uchar[::1], state: cython.longlong[::1]) -> cython.int:
    left: cython.longlong = state[_LEFT]
    header: cython.Py_ssize_t = state[_AT]
    at: cython.Py_ssize_t = state[_FILLED]
    wanted: cython.longlong = state[_WANTED]
    snaplen: cython.longlong = state[_SNAPLEN]
    why: cython.longlong = _DONE
    word: cython.Py_ssize_t
    start: cython.Py_ssize_t
    row: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t
    extra: cython.Py_ssize_t
    ifindex: cython.longlong
    kind: cython.longlong
    status: cython.longlong
    caplen: cython.longlong
    wirelen: cython.longlong
    total: cython.longlong
    ts_ns: cython.longlong
    tci: cython.longlong
    tpid: cython.longlong
    mac: cython.longlong
    net: cython.longlong
    while left > 0:
        if wanted == 0:
            why = _ENOUGH
            break
        word = header >> 2
        ifindex = cython.cast(cython.longlong, words[word + (_LL_IFINDEX >> 2)])
        if row >= interfaces.shape[0] or interfaces[row, _IF_INDEX] != ifindex:
            row = _find(interfaces, ifindex)
            if row < 0:
                state[_IFINDEX] = ifindex
                state[_HATYPE] = _u16(ring, header + _LL_HATYPE, big)
                why = _STRANGER
                break
        if interfaces[row, _IF_SKIP] >> (ring[header + _LL_PKTTYPE] & 31) & 1:
            header += cython.cast(cython.Py_ssize_t, words[word])
            left -= 1
            continue
        kind = interfaces[row, _IF_KIND]
        status = cython.cast(cython.longlong, words[word + (_STATUS >> 2)])
        caplen = cython.cast(cython.longlong, words[word + (_CAPTURED >> 2)])
        wirelen = cython.cast(cython.longlong, words[word + (_LENGTH >> 2)])
        mac = _u16(ring, header + _MAC_AND_NET, big)
        start = header + cython.cast(cython.Py_ssize_t, mac)
        extra = 0
        if kind == _COOKED:
            net = _u16(ring, header + _MAC_AND_NET + 2, big)
            if net > mac and net - mac <= caplen:
                start += cython.cast(cython.Py_ssize_t, net - mac)
                caplen -= net - mac
                wirelen -= net - mac
            extra = _SLL2
        elif kind == _TAGGED and status & _VLAN_VALID and caplen >= _TAG_AT:
            extra = _TAG
        caplen = min(caplen + extra, max(snaplen, extra + _TAG_AT))
        wirelen += extra
        total = (caplen + 3 & ~3) + _EPB_FIXED + 4
        if at + total > out.shape[0]:
            state[_LARGEST] = total
            why = _ROOM
            break
        ts_ns = (cython.cast(cython.longlong, words[word + (_SECONDS >> 2)]) * _SECOND
                 + cython.cast(cython.longlong, words[word + (_NANOSECONDS >> 2)]))
        _put32(out, at, _EPB, big)
        _put32(out, at + 4, total, big)
        _put32(out, at + 8, interfaces[row, _IF_NUMBER], big)
        _put32(out, at + 12, ts_ns >> 32, big)
        _put32(out, at + 16, ts_ns & _LOW_WORD, big)
        _put32(out, at + 20, caplen, big)
        _put32(out, at + 24, wirelen, big)
        at += _EPB_FIXED
        end = at + cython.cast(cython.Py_ssize_t, caplen)
        if kind == _COOKED:
            _put_sll2(ring, header, ifindex, _u16(ring, header + _LL_HATYPE, big), out, at)
            _copy(ring, start, out, at + _SLL2, end - at - _SLL2)
        elif extra:
            tci = cython.cast(cython.longlong, words[word + (_VLAN_TCI >> 2)])
            tpid = _u16(ring, header + _VLAN_TPID, big) if status & _VLAN_TPID_VALID else _ETHERTYPE_VLAN
            _copy(ring, start, out, at, _TAG_AT)
            _put32(out, at + _TAG_AT, tpid << 16 | tci & 0xFFFF, True)
            _copy(ring, start + _TAG_AT, out, at + _TAG_AT + _TAG, end - at - _TAG_AT - _TAG)
        else:
            _copy(ring, start, out, at, end - at)
        at = end
        while caplen & 3:
            out[at] = 0
            at += 1
            caplen += 1
        _put32(out, at, total, big)
        at += 4
        interfaces[row, _IF_COUNT] += 1
        state[_LAST_NS] = ts_ns
        wanted -= 1
        header += cython.cast(cython.Py_ssize_t, words[word])
        left -= 1
    state[_LEFT] = left
    state[_AT] = header
    state[_FILLED] = at
    state[_WANTED] = wanted
    state[_WHY] = why
    return 0


@cython.ccall
def pack(words: cython.const[cython.uint][::1], ring: cython.const[cython.uchar][::1], big: cython.bint,
         interfaces: cython.longlong[:, ::1], out: cython.uchar[::1], state: cython.longlong[::1]) -> cython.longlong:
    """Write packets of one block of the ring as enhanced packet blocks; why it stopped (DONE, ROOM, STRANGER, ENOUGH).

    words       uint32[m / 4]  the ring, all blocks of it, for fields of four bytes
    ring        uint8[m]       the same memory
    big         the byte order of this machine, in which the blocks are written too
    interfaces  int64[k, IF_FIELDS]; IF_COUNT counts up
    out         uint8[o]       filled from state[FILLED] on with whole blocks
    state       int64[STATE]   LEFT and AT say where to go on, and do so again afterwards

    The kernel writes the headers, so that nothing a packet holds decides an offset; an offset out of bounds would be an
    IndexError. Time stamps are nanoseconds, so the interface must be described with that resolution.
    """
    with cython.nogil:
        _pack(words, ring, big, interfaces, out, state)
    return state[_WHY]
