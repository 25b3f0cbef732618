"""Numbers and the names that Wireshark gives them: IP protocols, Ethernet types, service access points, PPP protocols.

Facts about formats, gathered from the rows of tshark 4.0.
"""

IP_PROTOCOLS: dict[int, str] = {
    0: "IPv6 Hop-by-Hop Option", 1: "ICMP", 2: "IGMP", 3: "GGP", 4: "IPIP", 5: "Stream", 6: "TCP", 7: "CBT", 8: "EGP",
    9: "IGRP", 10: "BBN RCC", 11: "Network Voice", 12: "PUP", 13: "ARGUS", 14: "EMCON", 15: "XNET", 16: "CHAOS",
    17: "UDP", 18: "Multiplex", 19: "DCN Measurement", 20: "Host Monitoring", 21: "Packet radio", 22: "IDP",
    23: "Trunk-1", 24: "Trunk-2", 25: "Leaf-1", 26: "Leaf-2", 27: "Reliable Data", 28: "IRT", 29: "ISO TP4",
    30: "Bulk Data", 31: "MFE NSP", 32: "Merit Internodal", 33: "Datagram Congestion Control Protocol",
    34: "3rd Party Connect", 35: "Inter-Domain Policy Routing Protocol", 36: "XTP", 37: "Datagram delivery",
    38: "Control Message", 39: "TP++", 40: "IL", 41: "IPv6", 42: "Source demand routing",
    43: "Routing Header for IPv6", 44: "Fragment Header for IPv6", 45: "Inter-Domain Routing Protocol",
    46: "Reservation Protocol", 47: "Generic Routing Encapsulation", 48: "Dynamic source routing", 49: "BNA",
    50: "Encap Security Payload", 51: "Authentication Header", 52: "INSLP", 53: "SWIPE", 54: "NBMA ARP",
    55: "IP Mobility", 56: "TLSP Kryptonet", 57: "SKIP", 58: "ICMPv6", 59: "No Next Header for IPv6",
    60: "Destination Options for IPv6", 61: "any host internal protocol", 62: "Mobile IPv6 (old)",
    63: "any local network", 64: "SATNET EXPAK", 65: "Kryptolan", 66: "Remote Virtual Disk", 67: "IPPC",
    68: "any distributed file system", 69: "SATNET Monitoring", 70: "VISA", 71: "IPCV", 72: "CPNX", 73: "CPHB",
    74: "Wang Span", 75: "Packet Video", 76: "Backroom SATNET Mon", 77: "Sun ND Protocol", 78: "Wideband Mon",
    79: "Wideband Expak", 80: "ISO Internet Protocol", 81: "VMTP", 82: "Secure VMTP", 83: "VINES", 84: "TTP",
    85: "NSFNET IGP", 86: "Dissimilar Gateway", 87: "TCF", 88: "EIGRP", 89: "OSPF IGP", 90: "Sprite RPC",
    91: "Locus ARP", 92: "Multicast Transport", 93: "AX.25 Frames", 94: "IP in IP", 95: "MICP", 96: "Semaphore",
    97: "Ether in IP", 98: "ENCAP", 99: "any private encryption scheme", 100: "GMTP", 101: "Ipsilon Flow",
    102: "PNNI over IP", 103: "PIM", 104: "ARIS", 105: "SCPS", 106: "QNX", 107: "Active Networks", 108: "IPComp",
    109: "Sitara Networks", 110: "Compaq Peer", 111: "IPX IN IP", 112: "VRRP", 113: "PGM", 114: "any 0-hop protocol",
    115: "Layer 2 Tunneling", 116: "DDX", 117: "IATP", 118: "STP", 119: "SpectraLink", 120: "UTI", 121: "SMP",
    122: "SM", 123: "PTP", 124: "ISIS over IP", 125: "FIRE", 126: "CRTP", 127: "CRUDP", 128: "SSCOPMCE", 129: "IPLT",
    130: "Secure Packet", 131: "PIPE", 132: "SCTP", 133: "Fibre Channel", 134: "RSVP E2EI", 135: "Mobile IPv6",
    136: "UDPLite", 137: "MPLS in IP", 138: "MANET", 139: "HIP", 140: "Shim6 header", 141: "WESP", 142: "ROHC",
    143: "Ethernet", 173: "AX/4000 Testframe", 224: "Novell NCS Heartbeat",
}
"""ip.proto: what it is called where no dissector takes it; further ones see `ip_protocol`."""


def ip_protocol(number: int) -> str:
    """The name of an IP protocol number."""
    return IP_PROTOCOLS.get(number, "Unassigned" if number < 224 else "Unknown")


ETHERTYPES: dict[int, str] = {
    0x0600: "IDP", 0x0641: "Roofnet", 0x0643: "Roofnet", 0x0644: "Roofnet", 0x0645: "Roofnet", 0x0712: "MDP",
    0x0713: "MDP", 0x08f0: "WiMax", 0x0baf: "Vines Echo", 0x0c15: "C15CH_HBEAT", 0x2001: "CGMP", 0x2065: "CRTP",
    0x2067: "CRTP", 0x22ea: "MRP-MSRP", 0x22f0: "IEEE1722", 0x22f4: "ISIS", 0x2323: "DECT Unk", 0x4305: "BATADV_???",
    0x6000: "LAPB", 0x6003: "DEC DNA", 0x6004: "LAT", 0x8021: "PPP IPCP", 0x8023: "PPP OSINLCP", 0x8035: "ARP",
    0x8038: "DEC_STP", 0x8057: "PPP IPV6CP", 0x8059: "PPP PPPMuxCP", 0x809b: "LLAP", 0x80e1: "DLR", 0x80f3: "AARP",
    0x80fd: "PPP CCP", 0x80ff: "CLNP", 0x8102: "BOFL", 0x8103: "LACP", 0x8133: "NSRP", 0x8137: "IPX", 0x8181: "STP",
    0x81fd: "ISMP", 0x8204: "QNET_LWL4", 0x8207: "PPP CDPCP", 0x8281: "PPP MPLSCP", 0x872d: "WLCCP", 0x8783: "MINT",
    0x8808: "MAC CTRL", 0x8809: "Slow Protocols", 0x8863: "PPPoED", 0x886c: "HomePNA", 0x886d: "Intel ANS probe",
    0x886f: "MS NLB", 0x8874: "Broadcom tag", 0x887b: "HomePlug", 0x888e: "EAP", 0x8892: "PN-PTCP", 0x8899: "Realtek",
    0x889a: "HyperSCSI", 0x889b: "CSM_ENCAPS", 0x88a1: "TELKONET", 0x88a2: "AoE", 0x88b7: "IEEE802a", 0x88b8: "GOOSE",
    0x88c7: "EAP", 0x88ca: "TIPC", 0x88cc: "LLDP", 0x88cd: "SIII MDT", 0x88d8: "CESoETH", 0x88d9: "LLTD",
    0x88dc: "WSMP", 0x88e1: "HomePlug AV", 0x88e3: "PN-MRP", 0x88ee: "E-LMI", 0x88f5: "MRP-MVRP", 0x88f6: "MRP-MMRP",
    0x88f7: "PTPv2", 0x88f8: "NCSI", 0x88fb: "HSR/PRP", 0x8901: "FLIP", 0x8902: "CFM", 0x8911: "LINX", 0x8914: "FIP",
    0x8917: "MIH", 0x891d: "TTE/PCF", 0x892d: "bluecom", 0x892f: "HSR", 0x893a: "ieee1905", 0x8940: "ECP",
    0x8942: "LLDP", 0x8947: "GEONW", 0x894f: "NSH", 0x9000: "LOOP", 0x9021: "RTmac", 0x9022: "RTcfg", 0x9104: "EERO",
    0x99fe: "TECMP", 0xa0ed: "6LoWPAN", 0xaefe: "O-RAN-FH-U", 0xb4e3: "CL3", 0xc021: "PPP LCP", 0xc023: "PPP PAP",
    0xc029: "PPP CBCP", 0xc02b: "PPP BACP", 0xc02d: "PPP BAP", 0xc0de: "XIP", 0xc0df: "NWP", 0xc223: "PPP CHAP",
    0xcafe: "LLT", 0xd00d: "TDMoE", 0xf052: "HCrt",
}
"""The Protocol cell of Ethernet types that Wireshark has a dissector for."""

ETHERTYPE_NAMES: dict[int, str] = {
    0x0805: "X.25 Layer 3", 0x0842: "Wake on LAN", 0x1984: "Netmon Train", 0x3c07: "3Com NBP Datagram",
    0x3e3f: "EPL_V1", 0x6001: "DEC DNA Dump/Load", 0x6002: "DEC DNA Remote Console", 0x6005: "DEC Diagnostics",
    0x6006: "DEC Customer use", 0x6007: "DEC LAVC/SCA", 0x8041: "DEC LAST",
    0x8104: "Simple Loop Protection Protocol (old)", 0x81ff: "Cabletron SFVLAN 1.8 Tag-Based Flood", 0x86dd: "IPv6",
    0x8819: "Cirrus Cobranet Packet", 0x885a: "Foundry proprietary", 0x8881: "CDMA2000 A10 Unstructured byte stream",
    0x8884: "ATM over Ethernet", 0x88ab: "ETHERNET Powerlink v2", 0x88ad: "XiMeta Technology",
    0x88b4: "WAI Authentication Protocol", 0x88b5: "Local Experimental Ethertype 1",
    0x88b6: "Local Experimental Ethertype 2", 0x88b9: "IEC 61850/GSE management services",
    0x88ba: "IEC 61850/SV (Sampled Value Transmission", 0x88d2: "CDMA2000 A10 3GPP2 Packet",
    0x892b: "Schweitzer Engineering Labs Layer 2 Protocol", 0xfff2: "Cisco ACI ARP gleaning",
}
"""Names of Ethernet types that Wireshark knows but has no dissector for."""

SAPS: dict[int, str] = {
    0x0000: "NULL LSAP", 0x0002: "LLC Sub-Layer Management", 0x0004: "SNA Path Control", 0x0006: "TCP/IP",
    0x0008: "SNA", 0x000c: "SNA", 0x000e: "PROWAY (IEC955) Network Management and Initialization",
    0x0010: "NetWare (unofficial?)", 0x0014: "ISO Network Layer (OSLAN 1)", 0x0018: "Texas Instruments",
    0x0020: "ISO Network Layer (unofficial?)", 0x0034: "ISO Network Layer (unofficial?)",
    0x0042: "Spanning Tree BPDU", 0x004e: "EIA RS-511 Manufacturing Message Service",
    0x0054: "ISO Network Layer (OSLAN 2)", 0x007e: "ISO 8208 (X.25 over 802.2)", 0x0080: "XNS", 0x0082: "BACnet",
    0x0086: "Nestar", 0x008e: "PROWAY (IEC955) Active Station List Maintenance", 0x0098: "ARP", 0x00aa: "SNAP",
    0x00b4: "HP JetDirect Printer", 0x00ba: "Banyan Vines", 0x00bc: "Banyan Vines", 0x00e0: "NetWare",
    0x00f0: "NetBIOS", 0x00f4: "IBM Net Management", 0x00f8: "HP Extended LLC", 0x00fa: "Ungermann-Bass",
    0x00fc: "Remote Program Load", 0x00fe: "ISO Network Layer",
}
"""Names of LLC service access points, lowest bit 0."""

SAP_PROTOCOLS: dict[int, str] = {
    0x0004: "SNA", 0x0008: "SNA", 0x000c: "SNA", 0x0010: "IPX", 0x0014: "CLNP", 0x0020: "CLNP", 0x0034: "CLNP",
    0x0040: "SNA", 0x0042: "STP", 0x0054: "CLNP", 0x007e: "X.25", 0x0080: "3Com XNS", 0x0082: "BACnet-APDU",
    0x00bc: "Vines LLC", 0x00c8: "SNA", 0x00e0: "IPX", 0x00f0: "NetBIOS", 0x00f8: "HPEXT", 0x00fc: "RPL",
    0x00fe: "CLNP",
}
"""The Protocol cell of what a destination service access point announces."""

PPP_PROTOCOLS: dict[int, str] = {
    0x0023: "CLNP", 0x0027: "DEC DNA", 0x0029: "DDP", 0x002b: "IPX", 0x0031: "PPP BCP", 0x0035: "Vines IP",
    0x003d: "PPP MP", 0x004b: "LLC", 0x004d: "SNA", 0x0059: "PPP PPPMux", 0x005b: "VSNP", 0x0061: "CRTP",
    0x0065: "CRTP", 0x0067: "CRTP", 0x00fd: "PPP Comp", 0x0205: "DEC_STP", 0x0207: "CDP", 0x0281: "MPLS",
    0x0283: "MPLS", 0x2065: "CRTP", 0x2067: "CRTP", 0x8021: "PPP IPCP", 0x8023: "PPP OSINLCP", 0x8031: "PPP BCP NCP",
    0x8057: "PPP IPV6CP", 0x8059: "PPP PPPMuxCP", 0x805b: "VSNCP", 0x80fd: "PPP CCP", 0x8207: "PPP CDPCP",
    0x8281: "PPP MPLSCP", 0xc021: "PPP LCP", 0xc023: "PPP PAP", 0xc029: "PPP CBCP", 0xc02b: "PPP BACP",
    0xc02d: "PPP BAP", 0xc223: "PPP CHAP", 0xc227: "EAP",
}
"""The Protocol cell of PPP protocols that Wireshark has a dissector for."""

PPP_NAMES: dict[int, str] = {
    0x0001: "Padding Protocol", 0x0003: "ROHC small-CID", 0x0005: "ROHC large-CID", 0x0025: "Xerox NS IDP",
    0x0033: "Stream Protocol (ST-II)", 0x0039: "AppleTalk EDDP", 0x003b: "AppleTalk SmartBuffered",
    0x003f: "NETBIOS Framing", 0x0041: "Cisco Systems", 0x0043: "Ascom Timeplex",
    0x0045: "Fujitsu Link Backup and Load Balancing (LBLB)", 0x0047: "DCA Remote Lan",
    0x0049: "Serial Data Transport Protocol (PPP-SDTP)", 0x004f: "IPv6 Header Compression ",
    0x0051: "KNX Bridging Data", 0x0053: "Encryption", 0x0055: "Individual Link Encryption",
    0x0057: "Internet Protocol version 6", 0x005d: "TRILL Network Protocol (TNP)", 0x0063: "RTP IPHC Compressed TCP",
    0x0069: "RTP IPHC Compressed RTP 8", 0x006f: "Stampede Bridging", 0x0073: "MP+ Protocol", 0x00c1: "NTCITS IPI",
    0x00fb: "Single link compression in multilink", 0x0201: "802.1d Hello Packets", 0x0203: "IBM Source Routing BPDU",
    0x0209: "Netcs Twin Routing", 0x020b: "STP - Scheduled Transfer Protocol",
    0x020d: "EDP - Extreme Discovery Protocol", 0x0211: "Optical Supervisory Channel Protocol (OSCP)",
    0x0213: "Optical Supervisory Channel Protocol (OSCP)", 0x0231: "Luxcom", 0x0233: "Sigma Network Systems",
    0x0235: "Apple Client Server Protocol", 0x0285: "IEEE p1284.4 standard - data packets",
    0x0287: "ETSI TETRA Network Protocol Type 1", 0x0289: "Multichannel Flow Treatment Protocol",
    0x2063: "RTP IPHC Compressed TCP No Delta", 0x2069: "RTP IPHC Compressed RTP 16",
    0x4001: "Cray Communications Control Protocol", 0x4003: "CDPD Mobile Network Registration Protocol",
    0x4005: "Expand accelerator protocol", 0x4007: "ODSICP NCP", 0x4009: "DOCSIS DLL",
    0x400b: "Cetacean Network Detection Protocol", 0x4021: "Stacker LZS", 0x4023: "RefTek Protocol",
    0x4025: "Fibre Channel", 0x4027: "EMIT Protocols", 0x405b: "Vendor-Specific Protocol (VSP)",
    0x405d: "TRILL Link State Protocol (TLSP)", 0x8025: "Xerox NS IDP Control Protocol",
    0x8027: "DECnet Phase IV Control Protocol", 0x8029: "AppleTalk Control Protocol",
    0x802b: "Novell IPX Control Protocol", 0x8033: "Stream Protocol Control Protocol",
    0x8035: "Banyan Vines Control Protocol", 0x803d: "Multi-Link Control Protocol",
    0x803f: "NETBIOS Framing Control Protocol", 0x8041: "Cisco Systems Control Protocol", 0x8043: "Ascom Timeplex",
    0x8045: "Fujitsu LBLB Control Protocol", 0x8047: "DCA Remote Lan Network Control Protocol (RLNCP)",
    0x8049: "Serial Data Control Protocol (PPP-SDCP)", 0x804b: "SNA over 802.2 Control Protocol",
    0x804d: "SNA Control Protocol", 0x804f: "IP6 Header Compression Control Protocol",
    0x8051: "KNX Bridging Control Protocol", 0x8053: "Encryption Control Protocol",
    0x8055: "Individual Link Encryption Control Protocol", 0x805d: "TRILL Network Control Protocol",
    0x806f: "Stampede Bridging Control Protocol", 0x8073: "MP+ Control Protocol",
    0x80c1: "NTCITS IPI Control Protocol", 0x80fb: "Single link compression in multilink control",
    0x8209: "Netcs Twin Routing", 0x820b: "STP - Control Protocol",
    0x820d: "EDPCP - Extreme Discovery Protocol Control Protocol", 0x8235: "Apple Client Server Protocol Control",
    0x8285: "IEEE p1284.4 standard - Protocol Control", 0x8287: "ETSI TETRA TNP1 Control Protocol",
    0x8289: "Multichannel Flow Treatment Protocol", 0xc025: "Link Quality Report",
    0xc027: "Shiva Password Authentication Protocol", 0xc05b: "Vendor-Specific Authentication Protocol (VSAP)",
    0xc081: "Container Control Protocol", 0xc225: "RSA Authentication Protocol",
    0xc229: "Mitsubishi Security Information Exchange Protocol (SIEP)",
    0xc26f: "Stampede Bridging Authorization Protocol", 0xc281: "Proprietary Authentication Protocol",
    0xc283: "Proprietary Authentication Protocol", 0xc481: "Proprietary Node ID Authentication Protocol",
}
"""Names of the other PPP protocols."""
