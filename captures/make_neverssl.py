#!/usr/bin/env python3
"""Make captures/neverssl.pcap: somebody asks DNS for neverssl.com and then fetches a page from it.

    python captures/make_neverssl.py

Ten packets, always the same bytes:

     1  DNS query           6  GET /online
     2  DNS response        7  its ACK
     3  SYN                 8  head of the response and the first part of its only chunk
     4  SYN, ACK            9  the rest of the chunk
     5  ACK                10  the five bytes of the final chunk, which end the message
"""

from decimal import Decimal
from pathlib import Path

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

OUTPUT = Path(__file__).with_name("neverssl.pcap")

HOST = "kfdlbcnsmrthvxwz.neverssl.com"
ADDRESSES = ["13.33.47.133", "13.33.47.80", "13.33.47.26", "13.33.47.241"]
CLIENT, RESOLVER, SERVER = "192.168.1.2", "8.8.8.8", ADDRESSES[0]
CLIENT_MAC, ROUTER_MAC = "02:00:00:00:01:02", "02:00:00:00:01:01"
CLIENT_PORT, DNS_PORT = 50318, 56082
CLIENT_ISN, SERVER_ISN = 0x5E1F_0A00, 0xC3D4_0100
MSS = 1460
SEGMENT = MSS - 12  # the time stamp option takes twelve bytes of every segment
START = Decimal("1529330145.000000")

REQUEST = "\r\n".join(
    [
        "GET /online HTTP/1.1",
        f"Host: {HOST}",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language: de-DE,de;q=0.8,en-US;q=0.5",
        "Accept-Encoding: gzip, deflate",
        "Referer: http://neverssl.com/",
        "DNT: 1",
        "Connection: keep-alive",
        "Upgrade-Insecure-Requests: 1",
        "Cache-Control: max-age=0",
        "",
        "",
    ]
).encode()

PARAGRAPHS = [
    (
        "What?",
        ("This website is for when you try to open Facebook, Google, Amazon, etc on a wifi network, and nothing happens. "
        "Type \"http://neverssl.com\" into your browser's url bar, and you'll be able to log on."),
    ),
    (
        "How?",
        ("neverssl.com will never use SSL (also known as TLS). No encryption, no strong authentication, no HSTS, no "
        "HTTP/2.0, just plain old unencrypted HTTP and forever stuck in the dark ages of internet security."),
    ),
    (
        "Why?",
        ("Normally, that's a bad idea. You should always use SSL and secure encryption when possible. In fact, it's such "
        "a bad idea that most websites are now using https by default. And that's great, but it also means that if you're "
        "relying on poorly-behaved wifi networks, it can be hard to get online. Secure browsers and websites using https "
        "make it impossible for those wifi networks to send you to a login or payment page."),
    ),
]
PAGE = "\n".join(
    [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        "<title>NeverSSL - Connecting ... </title>",
        "<style>",
        "body { font-family: Montserrat, helvetica, arial, sans-serif; font-size: 16px; color: #444444; margin: 0; }",
        "h2 { font-weight: 700; font-size: 1.6em; margin-top: 30px; }",
        "p { line-height: 1.6em; }",
        ".container { max-width: 650px; margin: 20px auto; padding: 0 15px; }",
        "</style>",
        "</head>",
        "<body>",
        '<div class="container">',
        "<h1>NeverSSL</h1>",
        *(f"<h2>{title}</h2>\n<p>{text}</p>" for title, text in PARAGRAPHS),
        "</div>",
        "</body>",
        "</html>",
        "",
    ]
).encode()

RESPONSE_HEAD = "\r\n".join(
    [
        "HTTP/1.1 200 OK",
        "Content-Type: text/html; charset=UTF-8",
        "Transfer-Encoding: chunked",
        "Connection: keep-alive",
        "Date: Mon, 18 Jun 2018 13:55:45 GMT",
        "Server: AmazonS3",
        "Cache-Control: no-cache",
        "Vary: Accept-Encoding",
        "X-Cache: Miss from cloudfront",
        "",
        "",
    ]
).encode()
FINAL_CHUNK = b"0\r\n\r\n"


def at(seconds: str, packet: Packet) -> Packet:
    """`packet`, captured this many seconds after the first one."""
    packet.time = START + Decimal(seconds)
    return packet


def datagram(source: str, destination: str, sport: int, dport: int, ident: int, ttl: int, message: DNS) -> Packet:
    """A UDP datagram between the client and its resolver."""
    macs = (CLIENT_MAC, ROUTER_MAC) if source == CLIENT else (ROUTER_MAC, CLIENT_MAC)
    return (
        Ether(src=macs[0], dst=macs[1])
        / IP(src=source, dst=destination, id=ident, ttl=ttl)
        / UDP(sport=sport, dport=dport)
        / message
    )


class Connection:
    """Both ends of the TCP connection: numbers that follow from what was sent."""

    def __init__(self) -> None:
        self.next = {CLIENT: CLIENT_ISN, SERVER: SERVER_ISN}
        self.ident = {CLIENT: 0x2A10, SERVER: 0x7E01}
        self.clock = {CLIENT: 1_946_102_000, SERVER: 3_310_887_000}
        self.last_stamp = {CLIENT: 0, SERVER: 0}

    def segment(self, seconds: str, source: str, flags: str, payload: bytes = b"") -> Packet:
        """The next segment of `source`."""
        destination = SERVER if source == CLIENT else CLIENT
        macs = (CLIENT_MAC, ROUTER_MAC) if source == CLIENT else (ROUTER_MAC, CLIENT_MAC)
        ports = (CLIENT_PORT, 80) if source == CLIENT else (80, CLIENT_PORT)
        stamps = (self.clock[source] + int(Decimal(seconds) * 1000), self.last_stamp[destination])
        self.last_stamp[source] = stamps[0]
        if "S" in flags:
            options = [("MSS", MSS), ("SAckOK", b""), ("Timestamp", stamps), ("NOP", None), ("WScale", 7)]
            window = 29_200 if source == CLIENT else 28_960
        else:
            options = [("NOP", None), ("NOP", None), ("Timestamp", stamps)]
            window = 229 if source == CLIENT else 235
        packet = (
            Ether(src=macs[0], dst=macs[1])
            / IP(src=source, dst=destination, id=self.ident[source], flags="DF", ttl=64 if source == CLIENT else 240)
            / TCP(
                sport=ports[0],
                dport=ports[1],
                seq=self.next[source],
                ack=self.next[destination] if "A" in flags else 0,
                flags=flags,
                window=window,
                options=options,
            )
        )
        self.ident[source] += 1
        self.next[source] += len(payload) + ("S" in flags)
        return at(seconds, packet / Raw(payload) if payload else packet)


def packets() -> list[Packet]:
    """The ten packets."""
    question = DNSQR(qname=HOST, qtype="A")
    answers = [DNSRR(rrname=HOST, type="A", ttl=59, rdata=address) for address in ADDRESSES]
    response = RESPONSE_HEAD + b"%x\r\n" % len(PAGE) + PAGE + b"\r\n"
    tcp = Connection()
    return [
        at("0.000000", datagram(CLIENT, RESOLVER, DNS_PORT, 53, 0x91C4, 64, DNS(id=0x8E28, rd=1, qd=[question]))),
        at(
            "0.074903",
            datagram(
                RESOLVER,
                CLIENT,
                53,
                DNS_PORT,
                0x1F52,
                121,
                DNS(id=0x8E28, qr=1, rd=1, ra=1, qd=[question], an=answers).compress(),
            ),
        ),
        tcp.segment("0.081240", CLIENT, "S"),
        tcp.segment("0.107019", SERVER, "SA"),
        tcp.segment("0.107087", CLIENT, "A"),
        tcp.segment("0.107518", CLIENT, "PA", REQUEST),
        tcp.segment("0.133902", SERVER, "A"),
        tcp.segment("0.137541", SERVER, "A", response[:SEGMENT]),
        tcp.segment("0.137603", SERVER, "PA", response[SEGMENT:]),
        tcp.segment("0.137736", SERVER, "PA", FINAL_CHUNK),
    ]


if __name__ == "__main__":
    wrpcap(str(OUTPUT), packets(), linktype=1)
