"""What the Python libraries need to find the same things: `python -m benchmarks.peers LIBRARY FILE`.

Each prints how many HTTP requests and responses (or DNS messages) it found, so that a fast wrong answer is seen.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path


def scapy_streams(path: str) -> Counter[str]:
    """scapy with its TCP session and its HTTP layer, as its documentation shows."""
    from scapy.layers.dns import DNS
    from scapy.layers.http import HTTPRequest, HTTPResponse
    from scapy.packet import Packet
    from scapy.sendrecv import sniff
    from scapy.sessions import TCPSession

    found: Counter[str] = Counter()

    def count(packet: Packet) -> None:
        for layer in (HTTPRequest, HTTPResponse, DNS):
            found[layer.__name__] += layer in packet

    sniff(offline=path, session=TCPSession, store=False, prn=count)
    return found


def pyshark_http(path: str) -> Counter[str]:
    """pyshark with a display filter; tshark does the work, XML carries it over."""
    import pyshark

    found: Counter[str] = Counter()
    with pyshark.FileCapture(path, display_filter="http or dns", keep_packets=False) as capture:
        for packet in capture:
            if "HTTP" in packet:
                found["HTTPRequest"] += "request_method" in packet.http.field_names
                found["HTTPResponse"] += "response_code" in packet.http.field_names
            else:
                found["DNS"] += 1
    return found


def dpkt_packets(path: str) -> Counter[str]:
    """dpkt packet by packet: it has no reassembly, so messages longer than a segment are lost."""
    import dpkt

    found: Counter[str] = Counter()
    with Path(path).open("rb") as file:
        for _, data in dpkt.pcap.Reader(file):
            transport = dpkt.ethernet.Ethernet(data).data.data
            try:
                if isinstance(transport, dpkt.udp.UDP):
                    dpkt.dns.DNS(transport.data)
                    found["DNS"] += 1
                elif transport.data and transport.dport == 80:
                    dpkt.http.Request(transport.data)
                    found["HTTPRequest"] += 1
                elif transport.data and transport.sport == 80:
                    dpkt.http.Response(transport.data)
                    found["HTTPResponse"] += 1
            except dpkt.UnpackError:
                found["not understood"] += 1
    return found


LIBRARIES: dict[str, Callable[[str], Counter[str]]] = {
    "scapy": scapy_streams,
    "pyshark": pyshark_http,
    "dpkt": dpkt_packets,
}

if __name__ == "__main__":
    print(dict(LIBRARIES[sys.argv[1]](sys.argv[2])))
