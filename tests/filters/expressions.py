"""Filters that are compared with Wireshark's own answer, and where the two may differ."""

EXPRESSIONS = r'''
frame.number < 5
tcp
udp
ip
ipv6
dns
http
eth
arp
icmp
icmpv6
http.request
http.response
http.response.code >= 400
http.response.code == 200
http.request.method == "GET"
http.host contains "a"
http.host matches "^[a-z.]+$"
http.user_agent
http.content_type contains "html"
http.content_length > 100
http.request.uri contains "/"
http.request.full_uri matches "http://"
http.server
http.location
http.time > 0.001
http.request_in
http.response_for.uri
http.request.uri.query.parameter
http.set_cookie
http.cookie
http.connection
http.transfer_encoding
http.response.phrase == "OK"
http.request.version == "HTTP/1.1"
http.date
http contains "GET"
http.request.line contains "Accept"
tcp.port == 80
tcp.flags.syn == 1
tcp.flags.syn
tcp.flags == 0x012
tcp.flags & 2
tcp.len > 0
tcp.seq == 1
tcp.ack > 1000
tcp.window_size < 1000
tcp.window_size_value == 0
tcp.stream == 0
tcp.stream in {1, 3..5}
tcp.time_relative > 0.01
tcp.time_delta > 0.001
tcp.analysis.flags
tcp.analysis.retransmission
tcp.analysis.out_of_order
tcp.analysis.duplicate_ack
tcp.analysis.lost_segment
tcp.analysis.window_update
tcp.analysis.keep_alive
tcp.analysis.ack_rtt > 0.0001
tcp.hdr_len > 20
tcp.options.mss_val
tcp.options.wscale.shift > 5
tcp.options.timestamp.tsval
tcp.options.sack_le
tcp.options.sack_perm
tcp.option_kind == 5
tcp.payload contains "HTTP"
tcp.payload[0:3] == 47:45:54
tcp.seq_raw > 2147483648
tcp.nxtseq > 1
tcp.checksum
tcp.urgent_pointer == 0
tcp.connection.syn
tcp.connection.fin
tcp.connection.rst
tcp.flags.str contains "AP"
udp.port == 53
udp.srcport < 1024
udp.length > 50
udp.stream == 0
udp.payload
udp.time_delta > 0.001
ip.addr == 10.0.0.0/8
ip.src == 192.0.2.1
ip.dst != 192.0.2.1
ip.src !== 192.0.2.1
ip.addr === 192.0.2.1
!(ip.addr == 192.0.2.1)
ip.ttl < 64
ip.ttl in {1..63, 128}
ip.flags.df
ip.flags.df == 0
ip.flags.mf == 1
ip.frag_offset > 0
ip.proto == 6
ip.proto == UDP
ip.len > 500
ip.id == 0
ip.hdr_len == 20
ip.version == 4
ip.dsfield.dscp == 0
ip.src == ip.dst
ip.checksum == 0
ip.src[0:2] == c0:00
ip.src & 255.255.255.0 == 192.0.2.0
ipv6.addr == 2001:db8::/32
ipv6.src == ::1
ipv6.nxt == 6
ipv6.hlim == 64
ipv6.plen > 40
ipv6.flow != 0
eth.addr == ff:ff:ff:ff:ff:ff
eth.dst[0] & 1
eth.src[0:3] == 00:00:00
eth.type == 0x0800
eth.dst.ig == 1
eth.src.lg
vlan.id == 1
vlan
arp.opcode == 1
arp.src.proto_ipv4 == 10.0.0.0/8
arp.isgratuitous == 1
icmp.type == 3
icmp.type == 8 or icmp.type == 0
icmp.code == 3
icmp.seq > 0
icmpv6.type in {128, 129, 135, 136}
dns.qry.name contains "example"
dns.qry.name == "example.com"
dns.qry.name matches "^[a-z]+\\.example"
dns.qry.type == 1
dns.qry.type == 28
dns.flags.response == 0
dns.flags.response == 1
dns.flags.rcode == 3
dns.flags.rcode != 0
dns.flags.authoritative == 1
dns.flags.recavail
dns.flags.truncated == 1
dns.flags.opcode == 0
dns.a
dns.a == 192.0.2.0/24
dns.aaaa
dns.cname
dns.txt
dns.mx.preference
dns.srv.port
dns.ptr.domain_name
dns.soa.mname
dns.resp.ttl > 100
dns.resp.type == 41
dns.resp.name contains "example"
dns.count.answers > 1
dns.count.queries == 1
dns.count.add_rr > 0
dns.id > 1000
dns.time > 0.0001
dns.response_to
dns.retransmission
dns.count.labels > 2
dns.qry.name.len > 15
dns.length
dns contains "example"
mdns
llmnr
frame.len > 100
frame.len == 0x42
frame.cap_len < frame.len
frame.time_relative > 0.05
frame.time_delta > 0.001
frame.time_epoch > 1000000000
frame.time > "2020-01-01 00:00:00"
frame.time < "Jan 1, 2020 00:00:00"
frame.interface_id == 0
frame.interface_name
frame.comment
frame contains 47:45:54
frame[12:2] == 08:00
frame[-1] == 00
frame matches "host:"
len(tcp.payload) > 500
len(http.host) > 5
count(ip.addr) > 2
count(http.request) > 1
count(dns.a) > 1
lower(http.host) contains "exam"
upper(http.request.method) == "GET"
string(ip.src) matches "^192"
string(frame.number) matches "[05]$"
max(tcp.port) > 40000
min(udp.port) == 53
abs(tcp.len) > 100
tcp.srcport > tcp.dstport
tcp.len + 100 > 1000
tcp.srcport - tcp.dstport == 0
tcp.len * 2 > 1000
tcp.len % 2 == 1
{tcp.len + 1} / 2 > 100
any ip.addr == 192.0.2.1
all tcp.port > 79
not tcp and not udp
!tcp || http
tcp && !http && tcp.len > 0
(tcp or udp) and ip.addr == 192.0.2.0/24
tcp.port in {80, 443, 8000..8100}
tcp.port not in {80}
http.request.method in {"GET", "HEAD"}
http.host in {"a".."z"}
ip.addr in {192.0.2.1 .. 192.0.2.9}
ip.addr#1 == 192.0.2.1
ip.src#2
tcp[13] & 2 == 2
tcp[13] == 18
tcp contains 0d:0a
tcp.port == 80 and udp or dns
udp or tcp and http
ip contains "GET"
udp contains 01:00:00:01
eth contains "HTTP"
ipv6 contains "GET"
tcp == 1
http.host
http.referer
http.authorization
http.authbasic
http.www_authenticate
http.last_modified
http.upgrade
http.request_number > 1
http.response_number > 1
http.prev_request_in
http.prev_response_in
http.cookie_pair
http.content_encoding == "gzip"
http.accept_encoding contains "gzip"
http.cache_control
http.request.uri.path
http.request.uri matches "\\.(png|jpg|html)$"
http.chat
http.response.code.desc == "OK"
http.response.code.desc contains "Error"
http.te_and_length
http.te_unknown
http.bad_header_name
http.leading_crlf
http.proxy_connect_host
http.proxy_connect_port == 443
http.decompression_failed
http.authcitrix
http.path_segment
http.chunk_size > 100
http.chunk_data contains "a"
http.chunk_boundary == 0d:0a
http.chunked_trailer_part
http and json
http and xml
http and data-text-lines
http and media
urlencoded-form
urlencoded-form.key == "a"
urlencoded-form.value contains "1"
http and mime_multipart
mime_multipart.header.content-disposition contains "name"
mime_multipart.last_boundary
mime_multipart.part
png || image-gif || image-jfif
json.key
json.value.string contains "a"
json.value.number == "1"
json.path_with_value contains "/"
http.file_data contains "e"
http.file_data matches "^<"
len(http.file_data) > 100
ip.host contains "192."
eth.src_resolved contains "02:"
ip.checksum.status == 2
tcp.checksum.status == "Unverified"
tcp.flags.ace
tcp.options.mptcp.subtype
icmp.seq_le > 0
icmpv6.nd.ns.target_address
ipv6.hopopts
ipv6.fraghdr.offset > 0
dns.flags.authenticated
dns.resp.name == "_http._tcp.lab.test"
dns.srv.service == "_http"
dns.srv.proto
dns.srv.name contains "lab"
dns.txt.length > 5
dns.count.zones
dns.opt
dns.opt.cookie.client
dns.opt.cookie.server
len(dns.opt.cookie.server) == 0
dns.opt.client.addr4
dns.extraneous
dns.unsolicited
dns.resp.z.reserved == 0
dns.undecoded.type
nbns.name contains "WPAD"
nbns.flags.opcode == 5
nbns.addr
dns.resp.type == 33
dns.naptr.flags_length
dns.caa.tag == "issue"
dns.svcb.svcparam.alpn
dns.dnskey.key_id
dns.rrsig.signature_inception
dns.soa.serial_number > 0
dns.opt.code == 10
dns.opt.len > 4
dns.resp.edns0_version == 0
dns.retransmit_request
dns.response_to > 1
frame.marked == 0
frame <= "GET"
tcp.options < "GET"
tcp.payload[0:2] > "GET"
http.host contains ""
max(icmpv6.code, dns.resp.ext_rcode) !== 1
min(ip.hdr_len, dns.resp.edns0_version) >= 5
tcp.options.sack_re > 65535
ip.version == 6
ip.frag_offset == 185
tcp.analysis.bytes_in_flight > 1000
tcp.analysis.bytes_in_flight >= tcp.len
tcp.analysis.push_bytes_sent > 100
tcp.analysis.acks_frame == 3
tcp.analysis.acks_frame > 10
tcp.analysis.rto > 0.01
tcp.analysis.rto_frame
tcp.analysis
tcp.window_size_scalefactor == 128
tcp.window_size_scalefactor == -2
tcp.connection.fin_active
tcp.connection.fin_passive
tcp.options.sack.dsack
tcp.options.mss.absent
tcp.options.mptcp.version
tcp.reset_cause
tcp.urgent_pointer.non_zero
ip.fragment
ip.fragment.count == 3
ip.reassembled.length > 1000
ip.fragments contains 00:01
ip.opt.type == 148
ip.ttl.lncb
ip.ttl.too_small
ip.bogus_ip_length
ipv6.slaac_mac
ipv6.opt.type
frame.encap_type == 1
frame.encap_type == 25
frame.comment.expert
eth.padding
eth.trailer
eth.fcs
sll.pkttype == 4
sll.src.eth
udp.checksum.status == 3
udp.possible_traceroute
udp.length.bad
icmp.checksum.status == 1
icmp.resp_to
icmp.resptime > 0
icmp.unused
igmp.type
arp.isprobe
'''.strip().splitlines()
"""One a line. Nothing in them refers to a particular capture."""

TAIL = "Wireshark takes a response for the answer to the last request, not to the first one that waits"
EARLY = "the row of a request comes with its last byte, here after the interim response"
SNAPLEN = "of a head that was cut off Wireshark shows less"
CUT = "a body that was cut off is not searched"
LOST = "after lost bytes Wireshark counts on from another message"

DIFFERENT = {
    ("dig-unreachable", "udp.stream == 0"): "what an ICMP error quotes has no stream of its own",
    ("nginx-lossy", "http.prev_response_in"): LOST,
    ("nginx-lossy-sender", "http.time > 0.001"): LOST,
    ("nginx-lossy-sender", "http.response_number > 1"): LOST,
    ("nginx-lossy-sender", "http.prev_request_in"): LOST,
    ("nginx-pipelining", "http.request_in"): TAIL,
    ("nginx-pipelining", "http.prev_request_in"): TAIL,
    ("nginx-pipelining", "http.response_number > 1"): TAIL,
    ("nginx-methods", "http.response_for.uri"): EARLY,
    ("nginx-methods", "http.request_number > 1"): EARLY,
    ("python-expect", "http.response_for.uri"): EARLY,
    ("python-expect", "http.request_number > 1"): EARLY,
    ("python-forms", "http.response_for.uri"): EARLY,
    ("python-forms", "http.request_number > 1"): EARLY,
    ("nginx-snaplen", "http.request"): SNAPLEN,
    ("nginx-snaplen", "http.request.full_uri matches \"http://\""): SNAPLEN,
    ("nginx-snaplen", "http.file_data contains \"e\""): CUT,
    ("nginx-snaplen", "http.request_in"): SNAPLEN,
    ("nginx-snaplen", "http.prev_request_in"): SNAPLEN,
}
"""{(capture, filter): why what we find is not what Wireshark finds}."""
