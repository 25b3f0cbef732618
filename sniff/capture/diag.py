"""Asks the kernel of Linux for one socket by its addresses: netlink's sock_diag, what `ss` uses.

Everybody may ask. The answer says which user a socket belongs to and its inode, by which /proc knows the process.
linux/inet_diag.h, linux/sock_diag.h.
"""

import errno
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_ERROR = 2
_NO_COOKIE = 0xFFFFFFFF
_ALL_STATES = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_REQUEST_BODY = struct.Struct("=BBBBI2s2s16s16sIII")
_ANSWER = struct.Struct("=BBBB2s2s16s16sIII5I")
_PATIENCE_S = 1.0

ESTABLISHED, SYN_RECEIVED, CLOSE_WAIT, LISTEN = 1, 3, 8, 10

TCP, UDP = 6, 17


@dataclass(frozen=True, slots=True)
class Found:
    """A socket.

    state  one of the kernel's TCP states; of UDP CLOSE (7) when it is not connected
    inode  0 when no process has it (yet, or any more)
    """

    state: int
    uid: int
    inode: int


class SocketTable:
    """The kernel's sockets of this network namespace."""

    def __init__(self) -> None:
        """Raises OSError where the kernel has no sock_diag."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
        self._socket.settimeout(_PATIENCE_S)
        self._number = 0

    def find(self, protocol: int, address: bytes, port: int, peer: bytes, peer_port: int, ifindex: int = 0) -> Found | None:
        """The socket at this end of a connection, the one that listens there when there is none; None for neither.

        address, peer  4 or 16 bytes
        ifindex        where the packet came from, for sockets that are bound to an interface
        """
        family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
        one, other = (address, port), (peer, peer_port)
        if protocol == UDP:     # the kernel has them the other way round here, "for historical reasons"
            one, other = other, one
        body = _REQUEST_BODY.pack(family, protocol, 0, 0, _ALL_STATES, struct.pack(">H", one[1]), struct.pack(">H", other[1]),
                                  one[0], other[0], ifindex, _NO_COOKIE, _NO_COOKIE)
        self._number = self._number + 1 & 0x7FFFFFFF
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, self._number, 0) + body)
        while True:
            answer = self._socket.recv(4096)
            _length, kind, _flags, number, _sender = _HEADER.unpack_from(answer)
            if number != self._number:
                continue        # of a question that was given up
            if kind != _BY_FAMILY:
                if kind == _ERROR and -struct.unpack_from("=i", answer, _HEADER.size)[0] not in (errno.ENOENT, 0):
                    error = -struct.unpack_from("=i", answer, _HEADER.size)[0]
                    raise OSError(error, os.strerror(error))
                return None
            fields = _ANSWER.unpack_from(answer, _HEADER.size)
            return Found(fields[1], fields[-2], fields[-1])

    def listener(self, protocol: int, address: bytes, port: int, ifindex: int = 0) -> Found | None:
        """The socket that listens there."""
        found = self.find(protocol, address, port, bytes(len(address)), 0, ifindex)
        return found if found is not None and (found.state == LISTEN or protocol == UDP) else None

    def close(self) -> None:
        """Ask no more."""
        self._socket.close()


def packed(address: str) -> bytes:
    """4 or 16 bytes."""
    return ipaddress.ip_address(address).packed
