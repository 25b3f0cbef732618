"""Capture filters: libpcap compiles the expression, the kernel runs the program before a packet is copied.

libpcap is only looked for when there is an expression; it is what tcpdump and Wireshark use, so the language is theirs
(man pcap-filter). Programs are lists of struct sock_filter: (code, jump if true, jump if false, k).
"""

import ctypes
import ctypes.util
import re
import struct
from dataclasses import dataclass
from typing import Any

from sniff.errors import MissingTool, SniffError, UsageError

Program = list[tuple[int, int, int, int]]

ETHERNET, RAW, LINUX_SLL = 1, 12, 113
"""DLT_ numbers, which are libpcap's own and not always those of files."""

LD, LDX, CLASS, MODE = 0, 1, 0x07, 0xE0
ABS, IND, MSH = 0x20, 0x40, 0xA0
LD_WORD_ABS, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
LD_HALF_ABS, LD_BYTE_ABS, LD_HALF_IND, LD_BYTE_IND, LDX_HEADER_LEN = 0x28, 0x30, 0x48, 0x50, 0xB1
AND, JUMP, JUMP_SET = 0x54, 0x05, 0x45
LOWEST = 1 << 32
AD_OFF, NET_OFF = LOWEST - 0x1000, LOWEST - 0x100000
AD_PROTOCOL, AD_PKTTYPE, AD_IFINDEX, AD_HATYPE, AD_RANDOM = 0, 4, 8, 28, 56
SLL_LEN = 16
SLL_FIELDS = {0: AD_OFF + AD_PKTTYPE, 2: AD_OFF + AD_HATYPE, 14: AD_OFF + AD_PROTOCOL}
"""Fields of a cooked header that the kernel gives out for a packet of any kind of link."""
MOST_JUMP = 255
NETMASK_UNKNOWN = 0xFFFFFFFF
VLAN_WORD = re.compile(r"\bvlan\b")


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_uint), ("insns", ctypes.POINTER(_Instruction))]


@dataclass(frozen=True, slots=True)
class Link:
    """What a filter is compiled for.

    dlt        DLT_ number of the frames; LINUX_SLL stands for interfaces of several kinds at once
    interface  the name of one interface, for filters that only make sense live (vlan); "" for several
    """

    dlt: int
    interface: str = ""


def compile_filter(expression: str, link: Link, snaplen: int) -> Program:
    """The program for an expression. Raises UsageError with libpcap's words, MissingTool without libpcap."""
    pcap = _libpcap()
    message = ctypes.create_string_buffer(256)
    handle = None
    if link.interface and VLAN_WORD.search(expression):     # the kernel takes tags out: only a live handle knows that
        handle = pcap.pcap_open_live(link.interface.encode(), snaplen, 0, 0, message)
    handle = handle or pcap.pcap_open_dead(link.dlt, snaplen)
    if not handle:
        raise SniffError("capture filter: libpcap has no memory")
    program = _Program()
    try:
        if pcap.pcap_compile(handle, ctypes.byref(program), expression.encode(), 1, NETMASK_UNKNOWN):
            words = pcap.pcap_geterr(handle).decode("utf-8", "replace")
            raise UsageError(f"capture filter '{expression}': {words}")
        found = [(at.code, at.jt, at.jf, at.k) for at in program.insns[:program.len]]
        pcap.pcap_freecode(ctypes.byref(program))
    finally:
        pcap.pcap_close(handle)
    return _for_any_link(found, expression) if link.dlt == LINUX_SLL else found


def only_interfaces(indices: list[int], rest: Program) -> Program:
    """The program that looks at packets of these interfaces only, and leaves them to `rest`."""
    head: Program = [(LD_WORD_ABS, 0, 0, AD_OFF + AD_IFINDEX)]
    for number, index in enumerate(indices):
        head.append((JUMP_EQUAL, len(indices) - number, 0, index))
    return [*head, (RETURN, 0, 0, 0), *rest]


def everything(snaplen: int) -> Program:
    """The program that takes every packet, cut to `snaplen` bytes; nothing for 0."""
    return [(RETURN, 0, 0, snaplen)]


def both(first: Program, second: Program) -> Program:
    """The program that asks `second` about what `first` takes."""
    end = len(first)
    return [(JUMP, 0, 0, end - at - 1) if code == RETURN and k else (code, jt, jf, k)
            for at, (code, jt, jf, k) in enumerate(first)] + second


def beginnings(one_in: int, snaplen: int) -> Program:
    """The program that takes the packets that TCP connections begin with, UDP to or from port 53, and of all other TCP and
    UDP one packet in so many (a power of two; 1: all). For any kind of link; IPv6 without extension headers.
    """
    steps: list[tuple[str, int, str, str, int]] = [
        # label, code, label to go to if true, if false, k; no label: the next step
        ("", LD_WORD_ABS, "", "", AD_OFF + AD_PROTOCOL),
        ("", JUMP_EQUAL, "", "version 6?", 0x0800),
        ("", LD_HALF_ABS, "", "", NET_OFF + 6),
        ("", JUMP_SET, "none", "", 0x1FFF),                     # a later fragment
        ("", LDX_HEADER_LEN, "", "", NET_OFF),
        ("", LD_BYTE_ABS, "", "", NET_OFF + 9),
        ("", JUMP_EQUAL, "flags 4", "", 6),
        ("", JUMP_EQUAL, "", "none", 17),
        ("", LD_HALF_IND, "", "", NET_OFF),
        ("", JUMP_EQUAL, "take", "", 53),
        ("", LD_HALF_IND, "", "", NET_OFF + 2),
        ("", JUMP_EQUAL, "take", "other", 53),
        ("flags 4", LD_BYTE_IND, "", "", NET_OFF + 13),
        ("", JUMP_SET, "take", "other", 2),
        ("version 6?", JUMP_EQUAL, "", "none", 0x86DD),
        ("", LD_BYTE_ABS, "", "", NET_OFF + 6),
        ("", JUMP_EQUAL, "flags 6", "", 6),
        ("", JUMP_EQUAL, "", "none", 17),
        ("", LD_HALF_ABS, "", "", NET_OFF + 40),
        ("", JUMP_EQUAL, "take", "", 53),
        ("", LD_HALF_ABS, "", "", NET_OFF + 42),
        ("", JUMP_EQUAL, "take", "other", 53),
        ("flags 6", LD_BYTE_ABS, "", "", NET_OFF + 53),
        ("", JUMP_SET, "take", "other", 2),
        ("other", LD_WORD_ABS, "", "", AD_OFF + AD_RANDOM),
        ("", AND, "", "", one_in - 1),
        ("", JUMP_EQUAL, "take", "none", 0),
        ("take", RETURN, "", "", snaplen),
        ("none", RETURN, "", "", 0),
    ]
    places = {label: at for at, (label, *_rest) in enumerate(steps) if label}

    def far(at: int, label: str) -> int:
        return places[label] - at - 1 if label else 0

    return [(code, far(at, true), far(at, false), k) for at, (_label, code, true, false, k) in enumerate(steps)]


def pack(program: Program) -> bytes:
    """The program as the array of struct sock_filter that SO_ATTACH_FILTER wants."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _for_any_link(program: Program, expression: str) -> Program:
    """A program for cooked packets, made to run on packets of whatever link: offsets count from the network header."""
    made = []
    for code, jt, jf, k in program:
        mode = code & MODE
        if code & CLASS in (LD, LDX) and mode in (ABS, IND, MSH):
            if k >= SLL_LEN:
                k = NET_OFF + k - SLL_LEN
            elif k in SLL_FIELDS and mode == ABS:
                k = SLL_FIELDS[k]
            else:
                raise UsageError(f"capture filter '{expression}': asks for link headers, which several interfaces at "
                                  "once do not have in common")
        made.append((code, jt, jf, k))
    return made


def _libpcap() -> Any:
    for name in (ctypes.util.find_library("pcap"), "libpcap.so.1", "libpcap.so.0.8", "libpcap.dylib", "wpcap.dll"):
        if not name:
            continue
        try:
            pcap = ctypes.CDLL(name)
            break
        except OSError:
            continue
    else:
        raise MissingTool("capture filters need libpcap, which is not installed (Debian: apt install libpcap0.8); "
                          "sniff captures everything without one")
    pcap.pcap_open_dead.restype = pcap.pcap_open_live.restype = ctypes.c_void_p
    pcap.pcap_geterr.restype = ctypes.c_char_p
    pcap.pcap_open_live.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p]
    pcap.pcap_compile.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Program), ctypes.c_char_p, ctypes.c_int, ctypes.c_uint]
    pcap.pcap_geterr.argtypes = pcap.pcap_close.argtypes = [ctypes.c_void_p]
    pcap.pcap_freecode.argtypes = [ctypes.POINTER(_Program)]
    return pcap
