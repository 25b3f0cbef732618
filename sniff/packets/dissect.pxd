from sniff.packets.captures cimport ieee80211
from sniff.packets.headers cimport Packet, ipv6_extensions, is_tunnel, narrow, plain
from sniff.packets.links cimport link_layer, llc, mpls, ppp, pppoe
from sniff.packets.tunnels cimport by_port, by_tunnel_proto, gre_payload
