"""ARP and its relatives (RFC 826, 903, 1931, 2390, 5227)."""

from collections.abc import Callable

from sniff.decode.words.memory import Memory
from sniff.decode.words.row import Row
from sniff.packets.addresses import ipv4_text, mac_text

ETHERNET_LIKE = (1, 6)
REQUEST, REPLY = 1, 2

Text = Callable[[bytes], str]

MARS = {11: "MARS request", 12: "MARS MULTI request", 13: "MARS MSERV request", 14: "MARS JOIN request", 15: "MARS LEAVE",
        16: "MARS NAK", 17: "MARS UNSERV request", 18: "MARS SJOIN request", 19: "MARS SLEAVE",
        20: "MARS grouplist request", 21: "MARS grouplist reply", 22: "MARS redirect map", 23: "MAPOS UNARP request"}


def describe(row: Row, memory: Memory) -> None:
    """One ARP packet."""
    row.protocol = "ARP"
    hardware, protocol = row.u16(0), row.u16(2)
    hardware_len, protocol_len = row.u8(4), row.u8(5)
    operation = row.u16(6)
    row.need(8 + 2 * (hardware_len + protocol_len))
    at = 8
    sender_mac = row.data[at:at + hardware_len]
    sender_ip = row.data[at + hardware_len:at + hardware_len + protocol_len]
    at += hardware_len + protocol_len
    target_mac = row.data[at:at + hardware_len]
    target_ip = row.data[at + hardware_len:at + hardware_len + protocol_len]

    is_ipv4 = protocol == 0x0800 and protocol_len == 4
    is_ethernet = hardware in ETHERNET_LIKE and hardware_len == 6

    def ip(address: bytes) -> str:
        return _ip_text(address, is_ipv4)

    def mac(address: bytes) -> str:
        return _mac_text(address, is_ethernet)

    if operation == REQUEST:
        _request(row, ip, sender_ip, target_mac, target_ip)
    elif operation == REPLY:
        if sender_ip == target_ip:
            row.info = f"Gratuitous ARP for {ip(sender_ip)} (Reply)"
        else:
            row.info = f"{ip(sender_ip)} is at {mac(sender_mac)}"
    elif operation in (3, 5, 8):
        row.protocol = {3: "RARP", 5: "DRARP", 8: "Inverse ARP"}[operation]
        row.info = f"Who is {mac(target_mac)}? Tell {mac(sender_mac)}"
    elif operation in (4, 6):
        row.protocol = "RARP" if operation == 4 else "DRARP"
        row.info = f"{mac(target_mac)} is at {ip(target_ip)}"
    elif operation == 7:
        row.protocol, row.info = "DRARP", "DRARP Error"
    elif operation == 9:
        row.protocol, row.info = "Inverse ARP", f"{mac(sender_mac)} is at {ip(sender_ip)}"
    elif operation == 10:
        row.info = "ARP NAK"
    elif operation in MARS:
        row.protocol = "MAPOS" if operation == 23 else "MARS"
        row.info = f"{MARS[operation]} from {mac(sender_mac)} at {ip(sender_ip)}"
    elif operation in (24, 25):
        row.info = f"Experimental {operation - 23} ( opcode {operation} )"
    elif operation in (0, 65535):
        row.info = f"Reserved opcode {operation}"
    else:
        row.info = f"Unknown ARP opcode 0x{operation:04x}"

    if is_ipv4 and is_ethernet and operation in (REQUEST, REPLY):
        duplicate = b""
        if _is_owner(sender_mac, sender_ip):
            duplicate = sender_ip if memory.conflict(sender_ip, sender_mac) else b""
        if operation != REQUEST and sender_ip != target_ip and _is_owner(target_mac, target_ip):
            # Wireshark forgets what it found of the sender.
            duplicate = target_ip if memory.conflict(target_ip, target_mac) else b""
        if duplicate:
            row.info += f" (duplicate use of {ip(duplicate)} detected!)"


def _request(row: Row, ip: Text, sender_ip: bytes, target_mac: bytes, target_ip: bytes) -> None:
    if any(target_mac):
        if sender_ip == target_ip:
            row.info = f"Gratuitous ARP for {ip(sender_ip)} (Request)"
            return
    elif not any(sender_ip) and (sender_ip != target_ip or not sender_ip):
        row.info = f"Who has {ip(target_ip)}? (ARP Probe)"
        return
    elif sender_ip == target_ip:
        row.info = f"ARP Announcement for {ip(sender_ip)}"
        return
    row.info = f"Who has {ip(target_ip)}? Tell {ip(sender_ip)}"


def _is_owner(mac: bytes, ip: bytes) -> bool:
    """Whether the pair can be one machine: no multicast or empty hardware address, no empty protocol address."""
    return not mac[0] & 1 and any(mac) and any(ip)


def _ip_text(address: bytes, is_ipv4: bool) -> str:
    if not address:
        return "<No address>"
    return ipv4_text(int.from_bytes(address, "big")) if is_ipv4 else address.hex()


def _mac_text(address: bytes, is_ethernet: bool) -> str:
    if not address:
        return "<No address>"
    return mac_text(int.from_bytes(address, "big")) if is_ethernet else address.hex()
