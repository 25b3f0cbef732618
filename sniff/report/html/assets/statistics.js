// Statistics: small charts of everything that was counted, over the whole capture.

const statisticsView = {
  make() {
    this.content = h("div.statistics");
    return h("section.view", {id: "view-statistics", "aria-label": "Statistics", hidden: true}, this.content);
  },
  start() {
    if (this.content.childElementCount) return;
    const s = report.core.statistics;
    const cards = [
      histogram("Time of exchanges", s.total, "from the first packet to the last byte"),
      histogram("Waiting for the server", s.wait, "from the last byte sent to the first byte received"),
      histogram("DNS lookups", s.dns, "from query to response"),
      histogram("Round trips", s.trips, "the shortest of each connection"),
      histogram("Opening connections", s.handshakes, "from SYN to the third packet"),
      bars("Status codes", s.statuses.map(([status, count]) => [status ? String(status) : "no response", count, status ? `http.response.code == ${status}` : "not http.response", status >= 400 || !status])),
      bars("Where the time went", PHASES.map((phase, place) => [PHASE_TITLES[phase], s.phases[place], ""]), span, PHASES.map((phase) => `phase-${phase}`)),
      bars("Types of content", s.types.slice(0, 12).map(([type, , size]) => [type || "(not said)", size, type ? `http.content_type == ${quoted(type)}` : ""]), bytes),
      bars("Bytes by host", report.core.servers.slice().sort((a, b) => b[3] - a[3]).slice(0, 12).map((row) => [row[0], row[3], ""]), bytes),
      bars("Methods", s.methods.map(([method, count]) => [method, count, `http.request.method == ${quoted(method)}`])),
      bars("Marks of TCP", s.marks.map(([mark, count]) => [mark, count, ""])),
      bars("How connections ended", s.ends.map(([end, count]) => [end, count, ""])),
      bars("Packets by layer", s.kinds.map(([kind, count]) => [kind, count, ""])),
    ].filter(Boolean);
    append(this.content, [percentilesCard(s), cards.length ? h("div.cards", null, cards) : h("p.empty", null, "There is nothing to count in this capture.")]);
  },
};

const card = (title, hint, ...content) => h("section.card", null, h("h3", null, title), hint ? h("p.quiet", null, hint) : null, content);

function percentilesCard(s) {
  const names = {total: "Exchange", wait: "Waiting", dns: "DNS lookup", trips: "Round trip", handshakes: "Opening"};
  const rows = Object.entries(names).filter(([name]) => s.percentiles[name][0]);
  if (!rows.length) return null;
  return card("Latency", "half, 75 %, 90 %, 95 % and 99 % were faster", h("div.scroll", {tabindex: 0, role: "region", "aria-label": "Latency"}, h("table", null,
    h("thead", null, h("tr", null, ["", "Count", "50 %", "75 %", "90 %", "95 %", "99 %", "Longest"].map((title) => h("th.number", {scope: "col"}, title)))),
    h("tbody", null, rows.map(([name, title]) => h("tr", null, h("th", {scope: "row"}, title), s.percentiles[name].map((value, place) => h("td.number", null, place ? span(value) : number(value)))))))));
}

/** Counts by duration, as columns. Sizes double with every second one. */
function histogram(title, data, hint) {
  if (!data.length) return null;
  const most = Math.max(...data.map(([, , count]) => count));
  const [width, height] = [Math.max(data.length, 6) * 14, 90];
  const chart = svg("svg.histogram", {viewBox: `0 0 ${width} ${height}`, role: "img", preserveAspectRatio: "none",
    "aria-label": `${title}: ${data.map(([from, to, count]) => `${number(count)} from ${span(from)} to ${span(to)}`).join(", ")}`},
    data.map(([from, to, count], place) => count ? svg("rect.bar", {x: place * 14 + 1, width: 12, y: height - Math.max(height * count / most, 1.5), height: Math.max(height * count / most, 1.5)},
      svg("title", null, `${span(from)} to ${span(to)}: ${number(count)}`)) : null));
  return card(title, hint, chart, h("div.scale", {css: {width: `${100 * data.length / Math.max(data.length, 6)}%`}}, h("span", null, span(data[0][0])), h("span", null, data.length > 2 ? `peak ${number(most)}` : ""), h("span", null, span(data[data.length - 1][1]))));
}

/** Names with bars; a click filters the exchanges. */
function bars(title, data, format = number, classes = []) {
  const known = data.map((row, place) => [...row, classes[place]]).filter(([, value]) => value > 0);
  if (!known.length) return null;
  const most = Math.max(...known.map(([, value]) => value));
  return card(title, "", h("ul.bars", null, known.map(([name, value, filter, bad, kind]) => h("li", null,
    h("span.bar-name", {title: name.length > 20 ? name : null}, filter ? linkButton(name, () => { navigate("exchanges"); exchangesView.apply(filter); }) : name),
    h("span.bar-track", {"aria-hidden": "true"}, h(`i.fill${typeof kind === "string" ? `.${kind}` : typeof bad === "string" ? `.${bad}` : bad === true ? ".bad" : ""}`, {css: {width: `${100 * value / most}%`}})),
    h("span.number", null, format(value))))));
}
