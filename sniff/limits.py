"""Every cap on memory and work that traffic could grow, in one place.

Each has an eviction rule, said beside it, and a counter in `Counters` that the summary shows when it fired.
Sizes are bytes, counts are entries, times are nanoseconds of packet time.
"""

from dataclasses import dataclass, fields

# --- batches -----------------------------------------------------------------------------------------------------------

BATCH_PACKETS = 16_344
"""Most packets in one batch: 16 Ki less 40, since columns a power of two apart would compete for the same cache lines. A
few batches are alive at once, and larger ones are no faster."""

BATCH_BYTES = 8 << 20
"""Bytes of the store read for one batch; one larger record makes one larger batch."""

BATCH_WAIT_NS = 50_000_000
"""A live batch is handed on after this long, however small it is."""

MAX_RECORD = 256 << 20
"""A record that claims more captured bytes than this is damage. Wireshark's own bound is 128 MiB for D-Bus and USB, and
256 KiB for everything else; real captures of segmentation offload stay far below."""

SPOOL_BYTES = 4 << 30
"""Bytes of a pipe or of decompressed data kept in a temporary file for views that look at them later; the oldest are
written over first."""

COMPRESSION_LAYERS = 4
"""Compressed files inside compressed files that are opened; what lies deeper is no capture."""

DECOMPRESSION_WINDOW = 128 << 20
"""Most memory that a compressed file may ask for; more is refused. What `zstd -d` and `xz -9` allow by themselves."""

INTERFACES = 65_536
"""Interfaces of one file; packets of further ones are damage."""

FILE_COMMENTS = 10_000
"""Comments about files, sections and interfaces that are kept; further ones are dropped."""

SECRETS_BYTES = 16 << 20
"""Bytes of decryption secrets kept; further blocks are dropped."""

OWNERS = 131_072
"""Ends of connections whose process is remembered; the one that was heard of first is forgotten first."""

RECORDED_NAMES = 4_096
"""Names of addresses that a live capture keeps for its file; the oldest is forgotten first."""

REPEATED_BYTES = 64 << 10
"""Bytes of the newest records of owners that stand again at the beginning of a ring's next file."""

# --- packets -----------------------------------------------------------------------------------------------------------

MAX_LAYERS = 128
"""Headers looked at in one packet, tunnels included; what lies deeper stays payload."""

FRAGMENT_BYTES = 16 << 20
"""Bytes of incomplete IP fragments held; the oldest datagram is dropped first."""

FRAGMENT_DATAGRAMS = 16_384
"""Incomplete datagrams held; the oldest is dropped first."""

FRAGMENT_TIMEOUT_NS = 60_000_000_000
"""A datagram that is not whole after this long is dropped (RFC 8200 section 4.5: 60 seconds)."""

# --- reassembly --------------------------------------------------------------------------------------------------------

MAX_FLOWS = 131_072
"""Flows (TCP and UDP) remembered at once; the eighth that was idle for longest is ended first. A flow takes 450 bytes
where only rows are wanted (which number no UDP flows), 1.3 KB where messages are, and 1.9 KB where it is told how
connections ended; one that carries HTTP about 6 KB more in decoding and pairing."""

FLOW_IDLE_NS = 3_600_000_000_000
"""A flow silent for this long is ended when its slot is wanted."""

HELD_BYTES = 64 << 20
"""Bytes of out-of-order TCP data held, all streams together; the stream that holds most gives up its oldest hole first."""

HELD_BYTES_PER_STREAM = 4 << 20
"""Bytes of out-of-order data one direction may hold while it waits for a missing segment; then the hole is a gap."""

HELD_SEGMENTS_PER_STREAM = 4_096
"""Segments one direction may hold while it waits for a missing one; then the hole is a gap."""

STREAM_JUMP_BYTES = 16 << 20
"""A TCP segment or acknowledgement further than this beyond everything seen of its stream needs to be confirmed, by the
other end or by two segments that continue it, before the bytes between are taken for a gap. Twice the largest window
that Linux gives by default (6 MiB)."""

CONFLICT_PACKETS = 8_192
"""A repetition of TCP bytes is compared with their first copy when that came at most this many packets before; the batches
that far back are kept. A power of two."""

CONFLICT_BYTES = 16 << 20
"""The same in captured bytes: large segments push out others sooner."""

CONVERSATIONS = 65_536
"""ICMP conversations and outsides of tunnels counted at once for connection logs; the idlest is written out first."""

# --- decoding ----------------------------------------------------------------------------------------------------------

MULTIPART_ROW_BYTES = 32 << 10
"""Of a multipart body: what a row tells of parts that begin behind that is nothing."""
HEAD_BYTES = 4 << 20
"""Bytes of one HTTP message head that are kept; a longer head is still framed, the rest of it is not shown.
llhttp allows 80 KiB, Apache 100 fields of 8 KiB, nginx 4 buffers of 8 KiB; what decides about framing may stand at the end
of a hundred thousand fields."""

SHORT_HEAD_BYTES = 256 << 10
"""The same for heads in other protocols (FastCGI, SCGI, HTTP/2), of which many connections may hold one, and for trailers and
the headers of gzip."""

HEAD_FIELDS = 10_000
"""Header fields of one message that are shown; the rest is counted."""

WAITING_BYTES = 32 << 20
"""Bytes of unfinished heads and rows' words kept, all connections together; those that waited longest are dropped first."""

BODY_BYTES = 64 << 20
"""Bytes of one decoded body that are given out; more is said to be cut (decompression bombs)."""

BODY_PREFIX = 512
"""First bytes of every body kept with the message: enough to tell its type (WHATWG MIME Sniffing reads 1445 at most)."""

DECODERS_BYTES = 256 << 20
"""Bytes that the decompressors of all bodies that are arriving may hold; the one that holds most is given up first."""

OBJECT_GATHER_BYTES = 256 << 10
"""Bytes of one exported body that are gathered before they are written."""

OBJECTS_GATHER_BYTES = 32 << 20
"""Bytes of all exported bodies that are gathered; then all are written."""

SNIFF_BYTES = 1_445
"""First decoded bytes of a body that tell its type (WHATWG MIME Sniffing section 5.2)."""

PENDING_EXCHANGES = 1_024
"""Requests of one connection that may wait for their responses (pipelining); the oldest is given up first."""

HTTP2_CONNECTIONS = 4_096
"""HTTP/2 connections that are read at once; further ones are passed over."""

HTTP2_BODIES_BYTES = 64 << 20
"""Bytes of bodies of open HTTP/2 streams that are kept, as they were sent; what comes then is said to be missing."""

HAR_BODY_BYTES = 4 << 20
"""Bytes of one decoded body that a HAR holds; more is said to be cut."""

HAR_BODIES_BYTES = 64 << 20
"""Bytes of the bodies of unfinished exchanges that are kept for a HAR; the largest are given up first."""

HAR_PAGES = 65_536
"""Pages of one HAR; exchanges of further ones belong to no page."""

HAR_URLS = 262_144
"""URLs and hosts remembered to tell which page an exchange belongs to; the oldest is forgotten first."""

RANGED_FILES = 4_096
"""Files fetched in parts that are put together at once; the oldest is given out first, as it is."""

RANGED_FILE_PARTS = 4_096
"""Parts of one such file; then it is given out as it is."""

GATEWAY_CONNECTIONS = 16_384
"""Connections between web servers and applications (FastCGI, SCGI, uwsgi) that are read at once; the oldest is given up
first, and so it is when they hold more than WAITING_BYTES."""

PENDING_TOTALS = 65_536
"""Requests of all connections that wait for their responses in the summary; the oldest is given up first."""

CONNECTION_TEXTS = 65_536
"""Connections whose addresses are remembered as they are written; then all are forgotten."""

LOG_TEXTS = 4_096
"""Values of header fields (short ones, of one kind) whose words in a log are remembered; then all are forgotten."""

LOG_TEXT_BYTES = 256
"""Bytes of a value that is worth remembering."""

EVENTS = 1 << 20
"""Retransmissions and closed windows remembered for the exchanges they fall into; those of the oldest batch are forgotten
first."""

DNS_PENDING = 65_536
"""DNS queries that wait for their responses; the oldest is given up first."""

DNS_WAIT_NS = 60_000_000_000
"""A DNS query that got no response for this long is unanswered; resolvers give up after 5 to 30 seconds."""

NAMES = 262_144
"""Names learned from DNS that are remembered (client, address); the oldest is forgotten first."""

NAME_BYTES = 64
"""Bytes of names remembered for each of them on average; longer ones push out the oldest sooner."""

PINGS = 65_536
"""Ping requests that wait for their replies; the oldest is forgotten first."""

SCTP_NUMBERS = 65_536
"""SCTP transmission numbers and associations remembered, to tell what is sent again; the oldest is forgotten first."""

ARP_OWNERS = 65_536
"""Addresses whose owners ARP has named (a second owner is told); the oldest is forgotten first."""

FILTER_BODY_BYTES = 1 << 20
"""Bytes of one HTTP body that a filter looks at (http.file_data); the rest is not searched."""

FILTER_JSON_PATHS = 16 << 20
"""Characters of the paths of one body of JSON (json.path); members behind that have none."""

FILTER_BODIES_BYTES = 64 << 20
"""Bytes of bodies that are not over that a filter keeps; those that began first are given up."""

HTTP_FILTER_STREAMS = 65_536
"""Connections whose requests a display filter remembers, to tell which response answers which; the oldest is forgotten first."""

TCP_FILTER_STREAMS = 65_536
"""TCP connections whose waiting segments a filter remembers; the one idle for longest is forgotten."""

TCP_FILTER_SEGMENTS = 1 << 20
"""Segments that wait for their acknowledgement, of all connections together; the connection idle for longest is forgotten first."""

STATS_ENDPOINTS = 65_536
"""Addresses that statistics count; when there are more, the smaller half of them is forgotten."""

STATS_CONVERSATIONS = 65_536
"""Conversations that statistics keep (twice as many for a while); the smallest are forgotten first."""

STATS_NAMES = 4_096
"""Hosts, media types and names that failed that statistics count one by one; those counted least are folded into one."""

STATS_PATHS = 16_384
"""Paths on hosts, likewise."""

STATS_SLOWEST = 100
"""Slowest exchanges and lookups that are remembered."""

STATS_INTERVALS = 20_000
"""Intervals of time that packets are counted in; when there are more, ten become one."""

REPORT_ROWS = 5_000
"""Rows of each table of an HTML report: trouble, the slowest, a fair sample of the rest; the page says what it left out."""

REPORT_HOSTS = 20_000
"""Names and addresses that a report counts apart; what comes later counts as one more."""

REPORT_BODY_BYTES = 256 << 10
"""Bytes of one body that a report keeps; less when REPORT_BODIES_BYTES would not do."""

REPORT_BODIES_BYTES = 64 << 20
"""Bytes of all bodies that are held while a report is made."""

REPORT_PAGE_BYTES = 15_000_000
"""Bytes of the page that details and packets may take; the bodies that tell least are left out first."""

REPORT_STREAMS = 500
"""Connections that are no HTTP whose words a report keeps, REPORT_STREAM_BYTES of each; the first ones."""

REPORT_STREAM_BYTES = 8 << 10
"""See REPORT_STREAMS."""

REPORT_SECRETS = 200_000
"""Secrets that a report remembers, to hide them wherever they occur; further ones are hidden where their place tells."""

REPORT_PHRASES = 500
"""The same of secrets with other characters than those of a word: each is looked for in every text."""

NOTES = 100_000
"""Rows of the notes table; further notes are only counted by code."""


@dataclass(slots=True)
class Counters:
    """How often each cap fired. Shown to the user when not zero."""

    fragments_dropped: int = 0
    flows_evicted: int = 0
    holes_given_up: int = 0
    heads_cut: int = 0
    rows_given_up: int = 0
    bodies_cut: int = 0
    exchanges_given_up: int = 0
    dns_given_up: int = 0
    names_forgotten: int = 0
    owners_forgotten: int = 0
    rows_forgotten: int = 0
    notes_dropped: int = 0
    endpoints_forgotten: int = 0
    conversations_forgotten: int = 0
    spool_bytes_lost: int = 0

    def fired(self) -> dict[str, int]:
        """{counter: times} of the caps that fired."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
