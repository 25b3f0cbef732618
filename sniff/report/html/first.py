"""The first screen: HTML that tells what happened without any script, in a browser, in a mail, on paper."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape as escape_markup

from sniff.report.capture_info import utc
from sniff.report.html import charts
from sniff.report.html.figures import Figures
from sniff.report.html.findings import Finding, count, percent
from sniff.report.message import printable
from sniff.report.summary import size, span


@dataclass(slots=True)
class Capture:
    """What is said of the capture itself, printable and masked.

    files       names without folders
    facts       [(label, value)]: format, interfaces, drops, damage
    """

    title: str
    files: list[str]
    version: str
    facts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange in a table that needs no script."""

    link: str
    method: str
    url: str
    status: str
    time: str
    where: str


def escape(text: str) -> str:
    """A text as text: no markup, and nothing in it that is not seen or turns other characters round."""
    return escape_markup(printable(text))


def first_screen(capture: Capture, figures: Figures, verdict: str, findings: Sequence[Finding], failed: Sequence[Row],
                 slowest: Sequence[Row], left_out: Sequence[str], notices: Sequence[str], remarks: Sequence[str] = ()) -> str:
    """The part of the page that needs no script. `notices` are to be seen, `remarks` only to be found."""
    parts = ['<a class="skip" href="#main">Skip to the report</a>', _header(capture, figures), '<main id="main" tabindex="-1">',
             '<section id="view-overview" class="view" aria-labelledby="verdict">',
             f'<h2 id="verdict" class="verdict">{escape(verdict)}</h2>', _tiles(figures), _charts(figures), '<div class="columns">',
             _findings(findings), _facts(capture, left_out, notices, remarks), "</div>"]
    if failed:
        parts.append(_table("Failed", failed))
    if slowest:
        parts.append(_table("Slowest", slowest))
    parts.append('<p class="notice" id="unscripted">The tables of all exchanges, packets, connections and lookups need JavaScript.</p>'
                 "</section></main>")
    return "\n".join(parts)


def _header(capture: Capture, figures: Figures) -> str:
    first, last = figures.packets.first_ns, figures.packets.last_ns
    when = ""
    if first is not None and last is not None:
        when = (f'<time datetime="{_iso(first)}" data-ns="{first}">{escape(utc(first, 3))}</time> · '
                f"{escape(span(last - first))} · {count(figures.packets.packets, 'packet')}")
    return (f'<header class="top"><div class="titles"><h1>{escape(capture.title)}</h1>'
            f'<p class="quiet">{when}</p></div><div class="tools"></div></header>')


def _iso(ns: int) -> str:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except OverflowError:
        return ""


def _tiles(figures: Figures) -> str:
    http, dns, flows, packets = figures.http, figures.dns, figures.flows, figures.packets
    tiles: list[tuple[str, str, str, str, str]] = []
    if http.requests:
        tiles.append(("Requests", f"{http.requests:,}", f"to {count(len(http.hosts), 'host')}", "#exchanges", ""))
        tiles.append(("Failed", f"{http.failed:,}", percent(http.failed, http.requests) + " of requests",
                      "#exchanges?f=error", "bad" if http.failed else ""))
        tiles.append(("Median time", span(http.total.percentile_ns(50)), f"95 % in {span(http.total.percentile_ns(95))}",
                      "#statistics", ""))
        tiles.append(("Slowest", span(http.total.longest_ns), f"wait up to {span(http.wait.longest_ns)}",
                      "#exchanges?s=-time", ""))
    else:
        tiles.append(("Packets", f"{packets.packets:,}", "none" if not packets.packets else "no request among them" if http.kept.seen
                      else "no HTTP among them", "#timeline", ""))
    tiles.append(("Data", size(packets.wire_bytes), f"{size(http.body_bytes)} in bodies" if http.requests
                  else "on the wire", "#statistics", ""))
    if not http.requests and flows.addresses:
        tiles.append(("Hosts", f"{len(flows.addresses):,}", "by IP address", "#hosts", ""))
    if flows.tcp:
        tiles.append(("Connections", f"{flows.tcp:,}", f"{flows.udp:,} UDP {'flow' if flows.udp == 1 else 'flows'}" if flows.udp else "TCP",
                      "#connections?f=tcp" if flows.udp else "#connections", ""))
    elif flows.udp:
        tiles.append(("UDP flows", f"{flows.udp:,}", "no TCP connections", "#connections", ""))
    if flows.segments:
        tiles.append(("Sent again", percent(flows.retransmissions, flows.segments), f"of {count(flows.segments, 'segment')}",
                      "#connections?f=retransmissions" if flows.retransmissions else "#connections",
                      "bad" if flows.retransmissions * 100 >= flows.segments else ""))
    if dns.kept.seen:
        tiles.append(("DNS lookups", f"{dns.kept.seen:,}", f"median {span(dns.times.percentile_ns(50))}" if dns.times.count
                      else "none answered", "#dns", ""))
    items = "".join(f'<a class="tile {kind}" href="{link}"><span class="label">{escape(label)}</span>'
                    f'<span class="value">{escape(value)}</span><span class="quiet">{escape(more)}</span></a>'
                    for label, value, more, link, kind in tiles)
    return f'<nav class="tiles" aria-label="Key figures">{items}</nav>'


def _charts(figures: Figures) -> str:
    if not figures.packets.packets:
        return ""
    width_ns, columns = figures.series.columns()
    drawn = []
    packets = charts.over_time("Packets", "", width_ns, [("bar", "packets", columns["packets"])])
    if figures.http.requests:
        drawn.append(charts.over_time("Requests", "", width_ns, [("bar", "requests", columns["requests"]),
                                                                 ("bar bad", "failed", columns["errors"])]))
    else:
        drawn.append(packets)
    drawn.append(charts.over_time("Bytes on the wire", "", width_ns, [("bar", "", columns["bytes"])], as_bytes=True))
    if sum(columns["retransmissions"]):
        drawn.append(charts.over_time("Retransmissions", "", width_ns, [("bar bad", "", columns["retransmissions"])]))
    elif figures.http.requests:
        drawn.append(packets)
    return f'<div class="charts">{"".join(drawn)}</div>'


LEVELS = {"error": ("✕", "Error"), "warning": ("▲", "Warning"), "note": ("•", "Note")}


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return '<section class="card"><h3>What needs attention</h3><p class="allwell">✓ Nothing stands out.</p></section>'
    items = []
    for one in findings:
        sign, word = LEVELS[one.level]
        text = escape(one.text)
        shown = f'<a href="{escape(one.link)}">{text}</a>' if one.link else text
        items.append(f'<li class="{one.level}"><span class="sign" role="img" aria-label="{word}">{sign}</span> <span>{shown}</span></li>')
    return f'<section class="card"><h3>What needs attention</h3><ul class="findings">{"".join(items)}</ul></section>'


def _facts(capture: Capture, left_out: Sequence[str], notices: Sequence[str], remarks: Sequence[str]) -> str:
    rows = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in capture.facts)
    more = "".join(f'<p class="notice">{escape(line)}</p>' for line in notices)
    if left_out or remarks:
        more += f'<p class="quiet left">{" ".join(map(escape, [*left_out, *remarks]))}</p>'
    return f'<section class="card"><h3>The capture</h3><dl class="facts">{rows}</dl>{more}</section>'


def _table(title: str, rows: Sequence[Row]) -> str:
    lines = "".join(
        f'<tr><td>{escape(row.method)}</td><td class="url"><a href="{escape(row.link)}">{escape(row.url)}</a></td>'
        f'<td>{escape(row.status)}</td><td class="number">{escape(row.time)}</td><td>{escape(row.where)}</td></tr>' for row in rows)
    return (f'<section class="card brief"><h3>{escape(title)}</h3><div class="scroll" tabindex="0" role="region" '
            f'aria-label="{escape(title)}"><table><thead><tr><th scope="col">Method</th><th scope="col">URL</th><th scope="col">Status'
            f'</th><th scope="col" class="number">Time</th><th scope="col">Longest phase</th></tr></thead><tbody>{lines}</tbody></table>'
            "</div></section>")
