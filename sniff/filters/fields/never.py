"""Fields that are there for no packet, here as in Wireshark where nobody changed its settings: so that a filter with them works."""

from sniff.filters.field import COLUMN, Field, nothing
from sniff.filters.types import Type

CHECKSUMS = "nobody verifies checksums, which a network card may write later"
WINDOW = "Wireshark's window sets it"

NEVER = {
    "ip.checksum_calculated": (Type.NUMBER, CHECKSUMS), "ip.checksum_bad.expert": (Type.NONE, CHECKSUMS),
    "tcp.checksum_calculated": (Type.NUMBER, CHECKSUMS), "tcp.checksum_bad.expert": (Type.NONE, CHECKSUMS),
    "udp.checksum_calculated": (Type.NUMBER, CHECKSUMS), "udp.checksum.bad": (Type.NONE, CHECKSUMS),
    "eth.fcs_bad": (Type.NONE, CHECKSUMS),
    "ip.flags.sf": (Type.BOOLEAN, "the reserved bit is ip.flags.rb"), "ip.evil_packet": (Type.NONE, "the reserved bit is ip.flags.rb"),
    "udp.length.bad_zero": (Type.NONE, "a length of 0 is udp.length.bad"),
    "udp.checksum_coverage": (Type.NUMBER, "it belongs to UDP-Lite"),
    "frame.ref_time": (Type.NONE, WINDOW), "frame.time_invalid": (Type.NONE, "times are always whole"),
    "frame.incomplete": (Type.NONE, "Wireshark's developers ask for it"),
    "frame.link_nr": (Type.NUMBER, "only link types that sniff does not read have it"),
    "vlan.too_many_tags": (Type.NONE, "so many tags are not read"),
}
"""{name: (type, why)}."""

NEVER_FIELDS = [Field(name, kind, f"never there: {why}", nothing, COLUMN, bits=32 if kind == Type.NUMBER else 64)
                for name, (kind, why) in NEVER.items()]
