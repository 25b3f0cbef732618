"""Identifiers that tie the rows of different logs together: the same connection has the same one everywhere.

They follow from the capture alone, so that the same capture always gives the same logs.
"""

import hashlib
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [second + first for first in _ALPHABET for second in _ALPHABET]
"""Two digits at once, the lower one first."""
_BASE = len(_PAIRS)
_EIGHT = _BASE ** 4


@lru_cache(maxsize=4096)        # rows of one connection tend to come together
def connection_uid(protocol: int, stream: int, first_ns: int) -> str:
    """Zeek's `uid` of a flow: `C` and 17 letters and digits.

    protocol  6 TCP, 17 UDP, 1 ICMP
    stream    its number among the flows of that protocol
    first_ns  time of its first packet
    """
    return "C" + _short(f"{protocol}/{stream}/{first_ns}")


def file_uid(connection: str, number: int) -> str:
    """Zeek's `fuid` of a file: `F` and 17 letters and digits, from the uid of its connection and its number there."""
    return "F" + _short(f"{connection}/{number}")


@lru_cache(maxsize=4096)
def flow_id(protocol: int, stream: int, first_ns: int) -> int:
    """Suricata's `flow_id` of a flow: a number of 53 bits, so that JavaScript reads it exactly."""
    return int.from_bytes(_digest(f"{protocol}/{stream}/{first_ns}")[:7]) & (1 << 53) - 1


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _short(text: str) -> str:
    """17 letters and digits: those of the digest as a number to the base of 62, lowest first."""
    pairs, base = _PAIRS, _BASE
    rest, low = divmod(int.from_bytes(_digest(text)), _EIGHT)     # small numbers divide faster
    rest, high = divmod(rest, _EIGHT)
    low, a = divmod(low, base)
    low, b = divmod(low, base)
    d, c = divmod(low, base)
    high, e = divmod(high, base)
    high, f = divmod(high, base)
    h, g = divmod(high, base)
    return pairs[a] + pairs[b] + pairs[c] + pairs[d] + pairs[e] + pairs[f] + pairs[g] + pairs[h] + _ALPHABET[rest % 62]
