"""Fields of Wireshark that a filter cannot have, and what to do instead. Looked at only when somebody wrote such a name."""

_TOLD_LATER = "it is known only when a later packet is read"
_DISSECTORS = "it depends on Wireshark's dissectors of all protocols above TCP and UDP"
_PLACES = "there is no table of places and providers; use addresses with prefixes: ip.addr == 192.0.2.0/24"
_BLOCKS = "this option of pcapng is not kept; use frame.interface_name or frame.comment"
_PROCESS = "the capture says it differently; use sniff.process, sniff.process.pid, sniff.process.user"
_COOKIE = "Wireshark guesses it only when it is told to; use tcp.options.timestamp.tsval or tcp.seq_raw"

NAMES = {
    "frame.time_delta_displayed": "it depends on what the filter itself finds; use frame.time_delta",
    "frame.md5_hash": "Wireshark has it only when it is told to; compare bytes: frame[0:4] == 01:02:03:04",
    "frame.section_number": "sections of a file are not told apart; use frame.number",
    "frame.p2p_dir": "link types that tell a direction have other headers; use sll.pkttype or sniff.direction",
    "ip.reassembled_in": f"{_TOLD_LATER}; use ip.fragment, which is there in the packet that completes the datagram",
    "ipv6.reassembled.in": f"{_TOLD_LATER}; use ipv6.fragment, which is there in the packet that completes the datagram",
    "ip.bogus_ip_version": "what is no IPv4 has no header; use eth.type == 0x0800 and not ip",
    "ipv6.bogus_ipv6_version": "what is no IPv6 has no header; use eth.type == 0x86dd and not ipv6",
    "ip.nop": "use ip.opt.type == 1",
    "tcp.nop": "use tcp.option_kind == 1",
    "tcp.pdu.last_frame": f"{_TOLD_LATER}; use http.request or http.response",
    "tcp.continuation_to": f"{_DISSECTORS}; use tcp.stream",
    "tcp.segment_data": f"{_DISSECTORS}; use tcp.payload",
    "tcp.fin_retransmission": "use tcp.connection.fin and tcp.analysis.retransmission",
    "tcp.short_segment": "use tcp.hdr_len and frame.len",
    "tcp.analysis.tfo_ack": "use tcp.options.tfo and tcp.flags.syn",
    "tcp.analysis.tfo_ignored": "use tcp.options.tfo and tcp.flags.syn",
    "udp.pdu.size": f"{_DISSECTORS}; use udp.length",
    "vlan.cfi": "it is called vlan.dei",
    "vlan.id_name": "nobody gives names to VLANs here; use vlan.id",
    "icmp.no_resp": f"{_TOLD_LATER}; use icmp.resp_to, which replies have",
    "icmp.resp_not_found": f"{_TOLD_LATER}; use icmp.resp_to, which replies have",
    "icmpv6.no_resp": f"{_TOLD_LATER}; use icmpv6.resp_to, which replies have",
    "icmpv6.resp_not_found": f"{_TOLD_LATER}; use icmpv6.resp_to, which replies have",
    "icmpv6.resp_in": "the reply is not known yet when the request is read; use icmpv6.resp_to",
    "icmp.data_time": "what a ping holds is not read; use icmp[8:8]",
    "icmp.data_time_relative": "what a ping holds is not read; use icmp.resptime",
}
"""{name: what to do instead}."""

BEGINNINGS = {
    "ip.geoip.": _PLACES, "ipv6.geoip.": _PLACES, "tcp.proc.": _PROCESS, "udp.proc.": _PROCESS,
    "frame.packet_flags": _BLOCKS, "frame.interface_queue": _BLOCKS, "frame.packet_id": _BLOCKS, "frame.verdict": _BLOCKS,
    "frame.drop_count": _BLOCKS, "frame.cb_": _BLOCKS, "frame.bblog": _BLOCKS, "frame.pcaplog": _BLOCKS,
    "frame.coloring_rule": "rows have no colours of Wireshark's; write what the rule says",
    "eth.addr.oui_": "there is no list of manufacturers; use eth.addr.oui == 0x0050c2",
    "eth.src.oui_": "there is no list of manufacturers; use eth.src.oui == 0x0050c2",
    "eth.dst.oui_": "there is no list of manufacturers; use eth.dst.oui == 0x0050c2",
    "ip.tos": "use ip.dsfield, ip.dsfield.dscp and ip.dsfield.ecn",
    "ip.cipso.": "categories are not read; use ip.opt.type == 134 and ip.cipso.doi",
    "ip.opt.sec_rfc791": "use ip.opt.type == 130 and ip.opt.sec_cl",
    "ipv6.embed_ipv4": "use ipv6.embed_ipv4 or ipv6.addr == 64:ff9b::/96",
    "ipv6.src_route_list": "use ipv6.routing.src.addr",
    "tcp.segment": f"{_DISSECTORS}; use tcp.len, http or dns",
    "tcp.reassembled": f"{_DISSECTORS}; use http.file_data",
    "tcp.pdu.": f"{_DISSECTORS}; use tcp.len",
    "tcp.syncookie.": _COOKIE, "tcp.options.timestamp.tsval.syncookie": _COOKIE,
    "icmp.mip.": "use icmp.type == 9 and bytes: icmp[16:4]",
    "icmp.int_": "use icmp.ext.class == 2",
    "icmp.mpls.": "use icmp.mpls.label",
    "icmpv6.rpl.": "use icmpv6.type == 155", "icmpv6.rr.": "use icmpv6.type == 138", "icmpv6.ni.": "use icmpv6.type in {139, 140}",
    "icmpv6.mip6.": "use icmpv6.type in {144..147}", "icmpv6.fmip6.": "use icmpv6.type == 154",
        "icmpv6.ext.": "use icmpv6.type in {160, 161}",
    "icmpv6.send.": "use icmpv6.type in {148, 149}", "icmpv6.6lowpannd.": "use icmpv6.type in {157, 158}",
    "icmpv6.mcast_ra.": "use icmpv6.type == 151", "icmpv6.ilnp.": "use icmpv6.type == 156", "icmpv6.mpl.": "use icmpv6.type == 159",
    "arp.duplicate": "addresses are not remembered; use arp.src.proto_ipv4 and arp.src.hw_mac",
    "arp.packet-storm": "use arp and frame.time_delta",
    "sll.trailer": "use frame and slices: frame[-4:4]",
}
"""The same for all names that begin so; the first that fits counts."""

FAMILIES = {
    "ipv6.opt.": "use ipv6.opt.type",
    "ipv6.routing.": "use ipv6.routing.type and ipv6.routing.segleft",
    "tcp.options.": "use tcp.option_kind and tcp.options",
    "icmp.ext.": "use icmp.ext.class and icmp.ext.ctype",
    "icmpv6.opt.": "use icmpv6.opt.type",
    "icmpv6.": "use icmpv6.type and bytes: icmpv6[8:4]",
    "igmp.": "use igmp.type and bytes: igmp[4:4]",
    "arp.": "use arp.hw.type, arp.src.hw and arp.dst.hw",
}
"""What to do when nothing better is known of a name that begins so."""


def instead_of(name: str) -> str | None:
    """What to write instead of a field that Wireshark has."""
    return NAMES.get(name) or _first(BEGINNINGS, name)


def of_family(name: str) -> str | None:
    """What is there for names like this one."""
    return _first(FAMILIES, name)


def _first(table: dict[str, str], name: str) -> str | None:
    return next((words for beginning, words in table.items() if name.startswith(beginning)), None)
