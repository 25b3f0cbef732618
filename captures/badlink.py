"""A bad link between two namespaces: it loses, repeats, reorders and delays packets, the same ones every time.

    python captures/badlink.py NAMESPACE

Opens the point-to-point device `sniff0` here and in NAMESPACE, and passes every packet from one to the other.
The devices carry bare IP packets, so what is recorded on them has link type "raw IP".
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

LOST, REPEATED, LATE = 0.04, 0.03, 0.06
DELAY, DELAY_LATE = 0.010, 0.022
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
CLONE_NEWNET = 0x40000000


def open_device(name: str) -> int:
    """A file descriptor that reads and writes the IP packets of the TUN device `name`."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def open_device_in(namespace: str, name: str) -> int:
    """The same in another network namespace; the caller stays in its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(there, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"cannot enter namespace {namespace}")
    device = open_device(name)
    libc.setns(home, CLONE_NEWNET)
    return device


def main() -> None:
    """Pass packets until killed."""
    here, there = open_device("sniff0"), open_device_in(sys.argv[1], "sniff0")
    print("ready", flush=True)
    dice = random.Random(7)
    under_way: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        for device in select.select([here, there], [], [], wait)[0]:
            packet = os.read(device, 65536)
            copies = 0 if dice.random() < LOST else 2 if dice.random() < REPEATED else 1
            for copy in range(copies):
                late = dice.random() < LATE
                count += 1
                arrival = time.monotonic() + (DELAY_LATE if late else DELAY) + copy * 0.002
                heapq.heappush(under_way, (arrival, count, there if device == here else here, packet))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, device, packet = heapq.heappop(under_way)
            os.write(device, packet)


if __name__ == "__main__":
    main()
