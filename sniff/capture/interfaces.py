"""The interfaces of this machine, and whether we may capture on them."""

import os
import socket
import sys
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LocalInterface:
    """One interface.

    addresses  IPv4, IPv6 and hardware addresses, as text
    up         whether it is up
    speed      megabits a second, 0 when not known
    mtu        bytes
    """

    name: str
    addresses: list[str] = field(default_factory=list)
    up: bool = False
    speed: int = 0
    mtu: int = 0


def interfaces() -> list[LocalInterface]:
    """All interfaces: those that are up first, loopback behind the others."""
    import psutil  # type: ignore[import-untyped]
    addresses, states = psutil.net_if_addrs(), psutil.net_if_stats()
    found = []
    for name in sorted(set(addresses) | set(states)):
        known = sorted(addresses.get(name, []), key=lambda entry: entry.family)
        state = states.get(name)
        texts = [_with_prefix(entry.address, entry.netmask) for entry in known]
        found.append(LocalInterface(name, texts, bool(state and state.isup), state.speed if state else 0,
                                    state.mtu if state else 0))
    return sorted(found, key=lambda one: (not one.up, any(text.startswith("127.") for text in one.addresses), one.name))


def _with_prefix(address: str, netmask: str | None) -> str:
    """192.0.2.1/24; the address alone when there is no mask."""
    import ipaddress
    try:
        bits = int(ipaddress.ip_address(netmask or "")).bit_count()
        ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return f"{address.partition('%')[0]}/{bits}"


def on_linux() -> bool:
    """Whether this is Linux, where there are packet sockets."""
    return sys.platform.startswith("linux")


def may_capture() -> bool:
    """Whether this user may open a capture socket."""
    if on_linux():
        try:
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        except OSError:
            return False
        return True
    return os.geteuid() == 0 or os.access("/dev/bpf0", os.R_OK | os.W_OK)


def permission_help() -> str:
    """What to do about a missing permission, in half a line."""
    if on_linux():
        return ("run it with sudo, or allow it once and for all programs in this Python: "
                f"sudo setcap cap_net_raw,cap_net_admin=eip {os.path.realpath(sys.executable)}")
    return "run it with sudo"
