"""Where fields lie in the data of DNS records: one line a type of record, read from left to right.

A line is made of `field:form`, fields without their `dns.`; `-` is no field. Forms:

    1 2 4       a number of so many bytes; 1+ one that counts only when it is not 0
    &80         bits of the number before (hexadecimal); one bit is a boolean
    ip4 ip6     an address
    ether       a MAC address
    name        a domain name, which may be compressed; namelen how long the one is that begins here
    text utf8   as many characters as the number before says: ASCII, UTF-8; string is UTF-8 in mDNS only
    bytes       as many bytes as the number before says; data the same, but none at all is no value; 8b eight bytes
    rest        what is left of the data; rest? the same, but nothing is no value; restext as ASCII
    time4 time6 seconds since 1970
    mark        no value, only a label; marked one that the number before makes, when it is not 0
    bits types  a bitmap of types of records: of NXT, in windows
    base32      as many bytes as the number before says, written as NSEC3 does
    keyid       the key tag of all data of the record (RFC 4034 appendix B)
    =rest       the same without going on

`( ... )*` comes again until the data ends, `( ... )?` when more than one byte is left. What is more twisted than that is read
by a function of dns_twisted.py, and stands here with all that it may find.
"""

_SIGNATURE = ("rrsig.type_covered:2 rrsig.algorithm:1 rrsig.labels:1 rrsig.original_ttl:4 rrsig.signature_expiration:time4 "
              "rrsig.signature_inception:time4 rrsig.key_tag:2 rrsig.signers_name:name rrsig.signature:rest?")
_DIGEST = "ds.key_id:2 ds.algorithm:1 ds.digest_type:1 ds.digest:rest"
_DNSKEY = ("dnskey.flags:2 dnskey.flags.zone_key:&100 dnskey.flags.key_revoked:&80 dnskey.flags.secure_entry_point:&1 "
           "dnskey.flags.reserved:&fe7e dnskey.protocol:1 dnskey.algorithm:1 dnskey.key_id:keyid dnskey.public_key:rest")

LAYOUTS = {
    1: "a:ip4", 2: "ns:name", 3: "md:name", 4: "mf:name", 5: "cname:name", 7: "mb:name", 8: "mg:name", 9: "mr:name",
    6: "soa.mname:name soa.rname:name soa.serial_number:4 soa.refresh_interval:4 soa.retry_interval:4 soa.expire_limit:4 "
       "soa.minimum_ttl:4",
    10: "null:rest", 11: "wks.address:ip4 wks.protocol:1 ( wks.bits:1+ )*", 12: "ptr.domain_name:name",
    13: "hinfo.cpu_length:1 hinfo.cpu:text hinfo.os_length:1 hinfo.os:text", 14: "minfo.r:name minfo.e:name",
    15: "mx.preference:2 mx.mail_exchange:name", 16: "( txt.length:1 txt:string )*", 17: "rp.mailbox:name rp.txt_rr:name",
    18: "afsdb.subtype:2 afsdb.hostname:name", 19: "x25.length:1 x25.psdn_address:text",
    20: "idsn.length:1 idsn.address:text ( idsn.sa.length:1 idsn.sa.address:text )?",
    21: "rt.subtype:2 rt.intermediate_host:name", 22: "nsap.rdata:rest", 23: "nsap_ptr.owner:name", 24: _SIGNATURE, 46: _SIGNATURE,
    26: "px.preference:2 px.map822:name px.map400:name",
    27: "gpos.longitude_length:1 gpos.longitude:text gpos.latitude_length:1 gpos.latitude:text gpos.altitude_length:1 gpos.altitude:text",
    28: "aaaa:ip6", 30: "nxt.next_domain_name:name resp.type:bits",
    33: "srv.priority:2 srv.weight:2 srv.port:2 srv.target:name",
    35: "naptr.order:2 naptr.preference:2 naptr.flags_length:1 naptr.flags:text naptr.service_length:1 naptr.service:text "
        "naptr.regex_length:1 naptr.regex:text naptr.replacement_length:namelen naptr.replacement:name",
    36: "kx.preference:2 kx.key_exchange:name", 37: "cert.type:2 cert.key_tag:2 cert.algorithm:1 cert.certificate:rest?",
    39: "dname:name", 43: _DIGEST, 59: _DIGEST, 32769: _DIGEST,
    44: "sshfp.algorithm:1 sshfp.fingerprint.type:1 sshfp.fingerprint:rest?", 47: "nsec.next_domain_name:name resp.type:types",
    48: _DNSKEY, 60: _DNSKEY, 49: "dhcid.rdata:rest",
    50: "nsec3.algo:1 nsec3.flags:1 nsec3.flags.opt_out:&1 nsec3.iterations:2 nsec3.salt_length:1 nsec3.salt_value:bytes "
        "nsec3.hash_length:1 nsec3.hash_value:base32 resp.type:types",
    51: "nsec3.algo:1 nsec3.flags:1 nsec3.iterations:2 nsec3.salt_length:1 nsec3.salt_value:bytes",
    52: "tlsa.certificate_usage:1 tlsa.selector:1 tlsa.matching_type:1 tlsa.certificate_association_data:rest",
    61: "openpgpkey:restext",
    62: "csync.soa:4 csync.flags:2 csync.flags.immediate:&1 csync.flags.soaminimum:&2 csync.type_bitmap:=rest resp.type:types",
    63: "zonemd.serial:4 zonemd.scheme:1 zonemd.hash_algo:1 zonemd.digest:rest", 99: "( spf.length:1 spf:text )*",
    104: "ilnp.nid.preference:2 ilnp.nid:8b", 105: "ilnp.l32.preference:2 ilnp.l32:ip4", 106: "ilnp.l64.preference:2 ilnp.l64:8b",
    107: "ilnp.lp.preference:2 ilnp.lp:name", 108: "eui48:ether", 109: "eui64:8b",
    249: "tkey.algo_name:name tkey.signature_inception:time4 tkey.signature_expiration:time4 tkey.mode:2 tkey.error:2 tkey.key_size:2 "
         "tkey.key_data:data tkey.other_size:2 tkey.other_data:data",
    65282: "-:4 winsr.local_flag:&1 winsr.lookup_timeout:4 winsr.cache_timeout:4 winsr.name_result_domain:name",
}
"""{type of record: its line}."""

TWISTED = {
    25: "key.flags:2 key.flags.authentication:&8000 key.flags.confidentiality:&4000 key.flags.required:&2000 "
        "key.flags.associated_user:&400 key.flags.associated_named_entity:&200 key.flags.ipsec:&80 key.flags.mime:&40 "
        "key.flags.signatory:&f key.protocol:1 key.algorithm:1 key.key_id:keyid key.public_key:rest?",
    29: "loc.version:1 loc.size:1 loc.horizontal_precision:1 loc.vertical_precision:1 loc.latitude:4 loc.longitude:4 loc.altitude:4 "
        "loc.unknown_data:bytes",
    38: "a6.prefix_len:1 a6.address_suffix:ip6 a6.prefix_name:name",
    41: "opt:mark opt.code:2 opt.len:2 opt.data:bytes opt.dau:1 opt.dhu:1 opt.n3u:1 depr.opc:mark opt.client.family:2 "
        "opt.client.netmask:1 opt.client.scope:1 rr.opt.bad_length:mark opt.client.addr4:ip4 opt.client.addr6:ip6 opt.client.addr:bytes "
        "opt.cookie.client:8b opt.cookie.server:bytes opt.edns_tcp_keepalive.timeout:2 opt.padding:bytes opt.chain.fqdn:text "
        "opt.ext_error.info_code:2 opt.ext_error.extra_text:utf8",
    42: "apl.address_family:2 apl.coded_prefix:1 apl.negation:&80 apl.afdlength:&7f apl.afdpart.ipv4:ip4 "
        "apl.afdpart.ipv6:ip6 apl.afdpart.data:bytes",
    45: "ipseckey.gateway_precedence:1 ipseckey.gateway_type:1 ipseckey.gateway_algorithm:1 ipseckey.gateway_ipv4:ip4 "
        "ipseckey.gateway_ipv6:ip6 ipseckey.gateway_dns:name ipseckey.public_key:rest?",
    55: "hip.hit.length:1 hip.hit.pk.algo:1 hip.pk.length:2 hip.hit:bytes hip.pk:bytes hip.rendezvous_server:name",
    64: "svcb.svcpriority:2 svcb.targetname:name svcb.svcparam:mark svcb.svcparam.key:2 svcb.svcparam.value.length:2 "
        "svcb.svcparam.mandatory.key:2 svcb.svcparam.alpn.length:1 svcb.svcparam.alpn:text svcb.svcparam.port:2 "
        "svcb.svcparam.ipv4hint.ip:ip4 svcb.svcparam.ipv6hint.ip:ip6 svcb.svcparam.echconfig:bytes svcb.svcparam.odohconfig:bytes "
        "svcb.svcparam.value:data",
    250: "tsig.algorithm_name:name tsig.time_signed:time6 tsig.fudge:2 tsig.mac_size:2 tsig.mac:mark tsig.noalg:mark "
         "tsig.original_id:2 tsig.error:2 tsig.other_len:2 tsig.other_data:data",
    257: "caa.flags:1 caa.flags.issuer_critical:&80 caa.issue:text caa.issuewild:text caa.iodef:text caa.unknown:text caa.tag_length:1 "
         "caa.tag:text caa.value:text",
    65281: "wins.local_flag:&1 wins.lookup_timeout:4 wins.cache_timeout:4 wins.nb_wins_servers:4 wins.wins_server:ip4",
    65422: "xpf.ip_version:1 xpf.protocol:1 xpf.source_ipv4:ip4 xpf.destination_ipv4:ip4 xpf.source_ipv6:ip6 xpf.destination_ipv6:ip6 "
           "xpf.sport:2 xpf.dport:2",
}
TWISTED[65] = TWISTED[64]
"""The same for types that functions read (dns_twisted.py): all fields that these may find, in any order."""

UNKNOWN = "undecoded.type:mark data:rest"
"""What any other type holds."""

DSO = ("dso:mark dso.tlv:mark dso.tlv.type:2 dso.tlv.length:2 dso.tlv.keepalive.inactivity:4 dso.tlv.keepalive.interval:4 "
       "dso.tlv.retrydelay.retrydelay:4 dso.tlv.encpad.padding:data dso.tlv.data:data")
"""What stateful operations hold (RFC 8490), which have no records."""

MEANINGS = {
    "a": "address in A records", "aaaa": "address in AAAA records", "cname": "name in CNAME records", "ns": "name server in NS records",
    "ptr.domain_name": "name in PTR records", "txt": "texts in TXT records", "txt.length": "bytes of a text in TXT records",
    "opt": "an option (EDNS)", "opt.code": "code of an option (EDNS): 8 client subnet, 12 padding, 15 extended error",
    "opt.len": "bytes of an option", "opt.data": "bytes of an option", "opt.ext_error.info_code": "extended error (RFC 8914)",
    "opt.ext_error.extra_text": "what it says in words", "opt.client.addr4": "the client's subnet (RFC 7871)",
    "opt.client.addr6": "the client's subnet (RFC 7871)", "opt.client.addr": "the client's subnet, of another family",
    "opt.client.netmask": "bits of the client's subnet that count", "opt.client.scope": "bits of it for which the answer holds",
    "opt.cookie.client": "the client's cookie (RFC 7873)", "opt.cookie.server": "the server's cookie, empty in a first query",
    "opt.dau": "DNSSEC algorithm that is understood (RFC 6975)", "opt.dhu": "DS digest that is understood (RFC 6975)",
    "opt.n3u": "NSEC3 hash that is understood (RFC 6975)", "opt.padding": "padding (RFC 7830)",
    "opt.chain.fqdn": "closest name that is trusted (RFC 7901)", "opt.edns_tcp_keepalive.timeout": "how long it may idle, 100 ms",
    "rr.opt.bad_length": "the client's subnet is longer than an address", "depr.opc": "the client's subnet under an old code",
    "undecoded.type": "a record of a type that Wireshark does not know", "data": "data of such a record",
    "dnskey.key_id": "key tag (RFC 4034 appendix B)", "key.key_id": "key tag (RFC 4034 appendix B)", "tsig.mac": "there is a MAC",
    "tsig.noalg": "a MAC of an algorithm that nobody looks into", "resp.type": "type of a record",
    "svcb.svcparam": "a parameter of SVCB and HTTPS records", "svcb.svcparam.alpn": "protocol that the service speaks: h2, h3",
    "svcb.svcparam.key": "which parameter: 1 alpn, 3 port, 4 and 6 hints, 5 ech", "caa.issue": "who may issue certificates",
    "caa.issuewild": "who may issue wildcard certificates", "caa.iodef": "where to report to",
}
"""Fields that are worth more than the words they are made of."""
