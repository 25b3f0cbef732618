"""What to say first: the verdict in one sentence, and what needs attention, each with a link to its evidence."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from sniff.exchange.dns import State as DnsState
from sniff.exchange.http import Exchange, State
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.reassembly.columns import ConnState
from sniff.report.html.figures import Figures
from sniff.report.html.masking import Masker
from sniff.report.summary import CAPS, NOTE_WORDS, span

PHASE_WORDS = ("looking up the name", "connecting", "queueing", "sending the request", "waiting for the server",
               "receiving the response")

SUSPICIOUS = {Code.TCP_CONFLICT, Code.HTTP_AMBIGUOUS_FRAMING, Code.DNS_SECOND_ANSWER, Code.TCP_FORGED_JUMP}
"""Notes that may mean an attack."""

RETRANSMISSION_PERCENT = 1.0
"""More of them are worth a word."""

SLOW_LOOKUP_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that needs attention.

    level  error, warning or note
    link   where in the page the evidence is: `#exchanges?f=...`; empty for nowhere
    """

    level: str
    text: str
    link: str = ""


def count(number: int, one: str, many: str = "") -> str:
    """`1 request`, `2,000 requests`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(part: int, whole: int) -> str:
    """`1.8 %`."""
    value = 100 * part / whole if whole else 0.0
    return f"{value:.1f}\u00a0%" if 0.05 <= value < 99.95 or not part or part == whole else "< 0.1\u00a0%" if value < 1 else "> 99.9\u00a0%"


def longest_phase(exchange: Exchange) -> tuple[str, int]:
    """(in words, ns): where most of the time of an exchange went."""
    phases = exchange.phases
    place = max(range(6), key=lambda index: phases[index])
    return PHASE_WORDS[place], phases[place]


def verdict(figures: Figures) -> str:
    """What happened, in one sentence or two."""
    http, dns, flows = figures.http, figures.dns, figures.flows
    parts: list[str] = []
    if http.requests:
        hosts = len(http.hosts)
        parts.append(f"{count(http.requests, 'request')} to {count(hosts, 'host')}")
        if http.failed or any(http.statuses):       # keys: 0 for no response
            one = http.requests == 1
            parts.append(("it failed" if one else f"{http.failed:,} failed") if http.failed else "answered" if one else "none failed")
        else:
            parts.append(f"{'it was not' if http.requests == 1 else 'none was'} answered before the capture ended")
        if http.slowest is not None and http.slowest[0] > 0:
            duration, exchange = http.slowest
            words, most = longest_phase(exchange)
            parts.append(f"{'it took' if http.requests == 1 else 'slowest'} {span(duration)}"
                         + (f", most of it {words}" if most * 2 > duration else ""))
    elif http.states[State.UNASKED]:
        parts.append(f"{count(http.states[State.UNASKED], 'response')} of HTTP, no request was captured")
    elif figures.packets.packets:
        parts.append(f"{count(figures.packets.packets, 'packet')} without HTTP{_kinds(figures)}")
        parts += [count(number, what) for number, what in ((flows.tcp, "TCP connection"), (flows.udp, "UDP flow")) if number]
    else:
        return "The capture holds no packets."
    attempts = flows.states[ConnState.S0] + flows.states[ConnState.REJ]
    if attempts:
        parts.append(f"{count(attempts, 'connection attempt')} failed" if attempts < flows.tcp or http.requests
                     else "it was refused or not answered" if attempts == 1 else "all of them were refused or not answered")
    if dns.kept.seen:
        failed = dns.failed + dns.states[DnsState.UNANSWERED]
        parts.append(count(dns.kept.seen, "DNS lookup") + (f" ({failed:,} failed)" if failed else ""))
    if flows.segments:
        parts.append(f"{percent(flows.retransmissions, flows.segments)} retransmitted" if flows.retransmissions
                     else "nothing retransmitted")
    return ", ".join(parts[:1]) + "".join(f"; {part}" for part in parts[1:]) + "."


def _kinds(figures: Figures) -> str:
    """`, most of them UDP`; `, all of them ARP`."""
    kinds = figures.packets.kinds.most_common(1)
    if not kinds or kinds[0][1] * 2 <= figures.packets.packets:
        return ""
    if figures.packets.packets == 1:
        return f" ({kind_words(kinds[0][0])})"
    return f", {'all' if kinds[0][1] == figures.packets.packets else 'most'} of them {kind_words(kinds[0][0])}"


KIND_WORDS = {"FRAME": "other frames", "ICMPV6": "ICMPv6", "IPV4_FRAGMENT": "IPv4 fragments", "IPV6_FRAGMENT": "IPv6 fragments",
              "IP_OTHER": "other IP", "ETHERNET_OTHER": "other Ethernet", "IP_MALFORMED": "malformed IP"}


def kind_words(name: str) -> str:
    """The name of a Kind as people write it."""
    return KIND_WORDS.get(name, name)


def findings(figures: Figures, notes: Notes, counters: Counters, damage: list[str], dropped: int, masker: Masker) -> list[Finding]:
    """What needs attention, the worst first."""
    found = [*_capture(figures, notes, damage, dropped), *_http(figures, masker), *_dns(figures), *_tcp(figures),
             *_notes(notes, counters)]
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda one: order[one.level])


def _filter(text: str) -> str:
    return "#exchanges?f=" + quote(text, safe="")


def _most(status: int, whole: int, statuses: Counter[int]) -> str:
    """`: 503`, or `, most often 404 (12)`."""
    return f": {status}" if statuses[status] == whole else f", most often {status} ({statuses[status]:,})"


def _capture(figures: Figures, notes: Notes, damage: list[str], dropped: int) -> Iterator[Finding]:
    for line in damage:
        yield Finding("error", f"The capture file is damaged: {line}", "#notes")
    if dropped > 0:
        yield Finding("error", f"{count(dropped, 'packet')} {'was' if dropped == 1 else 'were'} dropped while capturing: what is missing "
                               "here may have been there", "#statistics")
    back = notes.counts[Code.TIME_BACKWARDS]
    if back:
        yield Finding("warning", f"The clock of the capture went back {count(back, 'time')}: what took time there is not known", "#notes")
    if figures.packets.cut:
        cut = figures.packets.cut
        yield Finding("warning", f"{count(cut, 'packet')} {'was' if cut == 1 else 'were'} cut by the snapshot length: bodies are "
                                 "incomplete", "#statistics")


def _http(figures: Figures, masker: Masker) -> Iterator[Finding]:
    http = figures.http
    by_class = {digit: sum(number for status, number in http.statuses.items() if status // 100 == digit) for digit in (4, 5)}
    if by_class[5]:
        worst = max((status for status in http.statuses if status // 100 == 5), key=lambda status: http.statuses[status])
        yield Finding("error", f"{count(by_class[5], 'response')} with a server error{_most(worst, by_class[5], http.statuses)}",
                      _filter("http.response.code >= 500"))
    if by_class[4]:
        worst = max((status for status in http.statuses if status // 100 == 4), key=lambda status: http.statuses[status])
        yield Finding("warning", f"{count(by_class[4], 'response')} with a client error{_most(worst, by_class[4], http.statuses)}",
                      _filter("http.response.code >= 400 and http.response.code < 500"))
    if http.states[State.ABORTED]:
        yield Finding("error", f"{count(http.states[State.ABORTED], 'exchange')} broke off: the connection was reset or closed in "
                               "the middle", _filter("state == aborted"))
    if http.states[State.UNANSWERED]:
        yield Finding("error", f"{count(http.states[State.UNANSWERED], 'request')} got no response", _filter("state == unanswered"))
    if http.states[State.RUNNING]:
        yield Finding("note", f"{count(http.states[State.RUNNING], 'exchange')} still ran when the capture ended",
                      _filter("state == running"))
    if http.states[State.UNASKED]:
        yield Finding("note", f"{count(http.states[State.UNASKED], 'response')} whose request was not captured",
                      _filter("state == unasked"))
    if http.slow:
        limit = "1 s"
        yield Finding("warning", f"{count(http.slow, 'exchange')} took longer than {limit}", _filter("time > 1s"))
    if http.slowest is not None and http.slowest[0] > 50_000_000:
        duration, exchange = http.slowest
        words, most = longest_phase(exchange)
        url = masker.url(exchange.url(masker.secrets))
        url = url if len(url) < 100 else url[:99] + "…"
        yield Finding("note", f"The slowest exchange took {span(duration)}, {span(most)} of it {words}: {url}",
                      f"#exchanges?x={exchange.number}")
    if http.retried:
        yield Finding("note", f"{count(http.retried, 'exchange')} met retransmissions or closed windows", _filter("retransmissions"))
    if http.credentials["basic"]:
        yield Finding("warning", f"{count(http.credentials['basic'], 'request')} sent a password in the clear (Basic authentication "
                                 "without encryption)", _filter("header: authorization"))
    if http.inferred:
        yield Finding("note", f"{count(http.inferred, 'pair')} of request and response inferred, as bytes are missing before",
                      _filter("inferred"))


def _dns(figures: Figures) -> Iterator[Finding]:
    dns = figures.dns
    missing = dns.rcodes[3]
    failed = dns.failed - missing
    if failed:
        yield Finding("error", f"{count(failed, 'DNS lookup')} failed at the server", "#dns?f=error")
    if dns.states[DnsState.UNANSWERED]:
        yield Finding("warning", f"{count(dns.states[DnsState.UNANSWERED], 'DNS query', 'DNS queries')} got no answer", "#dns?f=unanswered")
    if missing:
        yield Finding("note", f"{count(missing, 'DNS lookup')} for names that do not exist", "#dns?f=NXDOMAIN")
    slow = dns.times.percentile_ns(95)
    if slow > SLOW_LOOKUP_NS:
        yield Finding("warning", f"DNS is slow: one lookup in twenty takes longer than {span(slow)}", "#dns")


def _tcp(figures: Figures) -> Iterator[Finding]:
    flows = figures.flows
    if flows.segments and 100 * flows.retransmissions / flows.segments >= RETRANSMISSION_PERCENT:
        yield Finding("warning", f"{flows.retransmissions:,} of {flows.segments:,} segments with data were sent again "
                                 f"({percent(flows.retransmissions, flows.segments)})", "#connections?f=retransmissions")
    for state, words in ((ConnState.S0, "got no answer"), (ConnState.REJ, "refused")):
        if flows.states[state]:
            yield Finding("error", f"{count(flows.states[state], 'connection attempt')} {words}",
                          f"#connections?f={quote('no answer' if state == ConnState.S0 else 'refused')}")
    resets = sum(flows.states[state] for state in (ConnState.RSTO, ConnState.RSTR, ConnState.RSTOS0, ConnState.RSTRH))
    if resets:
        yield Finding("note", f"{count(resets, 'connection')} ended with a reset", "#connections?f=reset")
    if flows.missing:
        yield Finding("warning", f"{flows.missing:,} bytes of streams were acknowledged but are not in the capture",
                      "#connections?f=missing")
    if flows.stall_ns > 100_000_000:
        yield Finding("warning", f"Receivers kept their windows closed for {span(flows.stall_ns)} in all: they did not keep up",
                      "#connections?f=stalled")


def _notes(notes: Notes, counters: Counters) -> Iterator[Finding]:
    for code, number in sorted(notes.counts.items()):
        if code in SUSPICIOUS:
            yield Finding("error", f"{NOTE_WORDS.get(code, code.name)}: {number:,}. This can be an attack", "#notes")
    malformed = sum(number for code, number in notes.counts.items() if "MALFORMED" in code.name)
    if malformed:
        yield Finding("warning", f"{count(malformed, 'malformed message')}", "#notes")
    for name, number in counters.fired().items():
        yield Finding("note", f"A limit was reached: {CAPS.get(name, name.replace('_', ' '))}: {number:,}", "")
