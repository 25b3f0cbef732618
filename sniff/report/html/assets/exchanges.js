// The exchanges: the network panel people know, with what a capture knows and a browser does not.

const BARS_FROM = 560;      // the least width of the table in which the waterfall has a column; else a bar runs below each row

const exchangesView = {
  grid: null, detail: null, filter: "", grouped: false, folded: new Set(), bars: "auto", opened: -1, scale: null,

  make() {
    const x = report.core.exchanges;
    const columns = [
      {key: "no", title: "No.", width: numberWidth(x.first), number: true, rising: true, from: 620, hint: "frame.number of its first packet",
       cell: (i) => x.first[i], value: (i) => x.first[i]},
      {key: "method", title: "Method", width: `${Math.min(Math.max(78, 18 + 8.5 * Math.max(...x.methods.map((method) => method.length), 0)), 124)}px`, cell: methodOf, value: methodOf},
      {key: "host", title: "Host", width: "minmax(80px, 1fr)", from: 760, cell: hostOf, value: hostOf},
      {key: "path", title: "Path", width: "minmax(96px, 2fr)", cell: (i) => x.path[i] ? foldedPath(x.path[i]) : x.flags[i] & 16 ? "(request not captured)" : "",
       value: (i) => x.path[i], name: "path"},
      {key: "status", title: "Status", width: "84px", cell: (i) => statusBadge(i), value: (i) => x.status[i] || 1000 + x.state[i], hint: "http.response.code"},
      {key: "type", title: "Type", width: "74px", from: 820, cell: (i) => shortType(typeOf(i)), value: typeOf},
      {key: "size", title: "Size", width: "68px", number: true, from: 520, hint: "bytes of the response's body on the wire", cell: (i) => bytes(x.rbytes[i]),
       value: (i) => x.rbytes[i]},
      {key: "time", title: "Time", width: "76px", number: true, hint: "from the first packet it needed to its last byte", cell: (i) => x.state[i] === 4 ? report.total[i] ? `≥ ${span(report.total[i])}` : "" : span(report.total[i]),
       value: (i) => report.total[i]},
      {key: "wait", title: "Wait", width: "76px", number: true, from: 1240, hint: "from the last byte of the request to the first of the response", cell: (i) => x.d6[i] ? span(x.d6[i]) : "", value: (i) => x.d6[i]},
      {key: "start", title: "Waterfall", width: "minmax(120px, 1.6fr)", from: BARS_FROM, hint: "click to sort by start", extra: (width) => this.ruler(width), cell: (i) => this.waterfall(i),
       value: (i) => x.start[i], name: "bars", plain: true, rising: true},
    ];
    this.grid = new Grid({label: "Exchanges", columns, open: (i) => this.open(i), group: (ids) => this.groups(ids),
      paint: (row, i) => {
        if (failed(i)) row.classList.add("failed");
        if (this.grid.width < BARS_FROM) row.append(h("div.underbar", {"aria-hidden": "true"}, this.waterfall(i)));
      }});
    this.grid.onResize = () => this.scaleWords();
    this.grid.groupTitle = (host) => this.groupTitle(host);
    this.grid.toggle = (host) => { if (!this.folded.delete(host)) this.folded.add(host); this.grid.arrange(); };
    this.grid.enter = () => { if (!this.pane.hidden) this.pane.focus(); };
    this.grid.onSort = () => remember();
    this.box = new FilterBox({id: "filter", label: "Filter exchanges", placeholder: "Filter: status >= 400, wait > 100ms, ip.addr == 10.0.0.0/8, words", schema: exchangeFields,
      apply: (test, text) => this.choose(test, text), leave: () => this.grid.body.focus()});
    this.state = h("span.quiet", {id: "filter-state", role: "status"});
    const chips = [["All", ""], ["Failed", "error"], ["Slow", "time > 1s"], ["Retransmitted", "retransmissions"]];
    this.chips = chips.map(([title, filter]) => h("button.chip", {type: "button", "aria-pressed": "false", "data-filter": filter,
      on: {click: () => this.box.set(filter)}}, title));
    this.groupButton = h("button.chip", {type: "button", "aria-pressed": "false", on: {click: () => {
      this.grouped = !this.grouped;
      this.groupButton.setAttribute("aria-pressed", this.grouped);
      this.grid.arrange();
    }}}, "Group by host");
    const har = h("button.chip", {type: "button", title: "the exchanges that are shown, as far as this page holds them, for a browser's network panel", on: {click: () => this.saveHar()}}, "Save HAR");
    const scales = h("select", {"aria-label": "Waterfall shows", on: {change: (event) => { this.bars = event.target.value; this.rescale(); this.scaleWords(); this.grid.heads(); this.grid.forget(); this.grid.draw(); }}},
      h("option", {value: "auto"}, "Waterfall: automatic"), h("option", {value: "when"}, "Waterfall: when"), h("option", {value: "long"}, "Waterfall: how long"));
    this.legend = h("div.legend", {"aria-hidden": "true"}, PHASES.map((phase) => h("span.key", null, h(`i.swatch.phase-${phase}`), PHASE_TITLES[phase])),
      h("span.key", null, h("i.tick"), "sent again"), h("span.key", null, h("i.tick.stall"), "window closed"));
    this.pane = h("aside.pane", {hidden: true, tabindex: -1, "aria-label": "Details of the exchange"});
    this.main = h("div.split", null, h("div.split-main", null, this.grid.element, h("div.footbar", null, this.state, this.span = h("span.quiet"), this.legend)), this.pane);
    return h("section.view.panel", {id: "view-exchanges", "aria-label": "Exchanges", hidden: true},
      h("div.toolbar", null, this.box.element, h("div.chips", {role: "group", "aria-label": "Quick filters"}, this.chips, this.groupButton, har), scales, this.box.problem), this.main);
  },

  start() {
    if (this.ids) this.grid.resize();
    else this.apply("");
  },

  apply(text) {
    return this.box.set(text);
  },

  /** Show those for which a test holds. */
  choose(test, text) {
    this.filter = text;
    for (const chip of this.chips) chip.setAttribute("aria-pressed", chip.dataset.filter === text.trim());
    const ids = [];
    for (let i = 0; i < report.count; i++) if (!test || test(i)) ids.push(i);
    this.ids = ids;
    this.rescale();
    this.scaleWords();
    this.grid.empty.textContent = report.count ? "No exchange matches." : "There are no HTTP exchanges in this capture.";
    this.grid.show(ids);
    const seen = report.core.seen.exchanges;
    const x = report.core.exchanges;
    let size = 0;
    for (const i of ids) size += Math.max(x.rbytes[i], 0) + Math.max(x.qbytes[i], 0);
    this.state.textContent = `${number(ids.length)} of ${plural(report.count, "exchange")}` + (seen > report.count ? `, chosen from ${number(seen)}` : "")
      + (ids.length ? ` · ${bytes(size)} in bodies` : "");
  },

  /** What is shown, as a HAR file. */
  async saveHar() {
    const details = report.details = report.details || await allDetails();
    save(JSON.stringify(asHar(this.ids.map((i) => [i, details[i] || {}])), null, 1), "exchanges.har", "application/json");
  },

  /** Over what the bars are drawn: a span of the capture, or a duration. */
  rescale() {
    const x = report.core.exchanges;
    let [first, last, longest] = [Infinity, 0, 0];
    for (const i of this.ids) {
      first = Math.min(first, x.start[i]);
      last = Math.max(last, x.start[i] + report.total[i]);
      longest = Math.max(longest, report.total[i]);
    }
    const durations = this.ids.map((i) => report.total[i]).sort((a, b) => a - b);
    const part = (share) => durations[Math.floor(durations.length * share)] || 1;
    const when = this.bars === "when" || (this.bars === "auto" && last - first < 40 * part(0.75));
    this.scale = when ? {first, length: Math.max(last - first, 1)}
      : {first: null, length: Math.max(Math.min(longest, Math.max(part(0.5) * 5, part(0.75) * 2.5)), 1)};
  },

  /** What the bars below the rows mean, when they stand there: then no ruler says it. */
  scaleWords() {
    const below = this.grid.width && this.grid.width < BARS_FROM && this.ids.length;
    this.span.textContent = !below ? "" : this.scale.first === null ? `bars: 0 to ${span(this.scale.length)}` : `bars: ${span(this.scale.length)} from left to right`;
  },

  /** Marks of time over the bars: at round durations, as many as there is room for. */
  ruler(width) {
    if (!this.scale || !this.ids || !this.ids.length || !width || this.scale.length <= 1) return "";
    const step = roundStep(this.scale.length / Math.max(width / 90, 1.5));
    const share = 100 * step / this.scale.length;
    this.grid.body.style.setProperty("--step", `${share.toFixed(4)}%`);
    const marks = [];
    for (let count = 1; count * share <= 100.01; count++) if (count * share * width / 100 > 138) marks.push(h("i.mark", {css: {left: `${(count * share).toFixed(3)}%`}}, span(Math.round(step * count))));
    return h("span.ruler", {"aria-hidden": "true"}, marks);
  },

  waterfall(i) {
    const x = report.core.exchanges;
    const {first, length} = this.scale;
    const begin = first === null ? 0 : x.start[i] - first;
    const longer = first === null && report.total[i] > length;      // then the bar shows its parts, and a mark says that it goes on
    const whole = longer ? report.total[i] * 1.03 : length;
    const place = (ns) => `${Math.min(Math.max(100 * ns / whole, 0), 100).toFixed(3)}%`;
    const track = h(longer ? "div.track.longer" : "div.track", {title: this.words(i)});
    let at = begin;
    STEPS.forEach((phase, step) => {
      const took = x[`d${step}`][i];
      if (took > 0 && at < whole) track.append(h(`i.seg.phase-${phase}`, {css: {left: place(at), width: `max(${place(Math.min(took, whole - at))}, 1px)`}}));
      at += took;
    });
    if (report.total[i] === 0) track.append(h("i.seg.phase-queue", {css: {left: place(begin), width: "2px"}}));
    if (longer) track.append(h("i.more", {"aria-hidden": "true"}, "›"));
    for (const [ns, , kind] of x.events[i] || []) {
      if (begin + ns <= whole) track.append(h(kind ? "i.tick.stall" : "i.tick", {css: {left: place(begin + ns)}}));
    }
    return track;
  },

  words(i) {
    const phases = phasesOf(i);
    const parts = PHASES.filter((phase) => phases[phase] > 0).map((phase) => `${PHASE_TITLES[phase].toLowerCase()} ${span(phases[phase])}`);
    const again = (report.core.exchanges.events[i] || []).filter((event) => event[2] === 0).length;
    return `${span(report.total[i])}${parts.length ? `: ${parts.join(", ")}` : ""}${again ? `; ${plural(again, "segment")} sent again` : ""}`;
  },

  groups(ids) {
    if (!this.grouped) return ids;
    const x = report.core.exchanges;
    const byHost = new Map();
    for (const i of ids) {
      const mine = byHost.get(x.host[i]);
      if (mine) mine.push(i); else byHost.set(x.host[i], [i]);
    }
    this.groupSizes = byHost;
    const found = [];
    for (const [host, mine] of [...byHost].sort((a, b) => b[1].length - a[1].length)) {
      found.push(-1 - host);
      if (!this.folded.has(host)) found.push(...mine);
    }
    return found;
  },

  groupTitle(host) {
    const mine = this.groupSizes.get(host);
    const bad = mine.filter(failed).length;
    const longest = Math.max(...mine.map((i) => report.total[i]));
    return [h("span", {"aria-hidden": "true"}, this.folded.has(host) ? "▸ " : "▾ "), h("b", null, report.core.exchanges.hosts[host] || "(unknown)"), ` ${plural(mine.length, "exchange")}` +
      (bad ? `, ${number(bad)} failed` : "") + `, slowest ${span(longest)}`];
  },

  async open(i, tab) {
    this.opened = i;
    remember();
    await detail.show(this.pane, i, tab);
    this.main.classList.add("open");
    this.grid.resize();
    this.grid.reveal(i);
  },

  close() {
    this.opened = -1;
    this.pane.hidden = true;
    this.main.classList.remove("open");
    remember();
    this.grid.body.focus();
  },

  /** Show one exchange from anywhere. */
  async goTo(i, tab) {
    navigate("exchanges");
    if (!this.grid.place || !this.grid.place.has(i)) {
      await this.apply("");
    }
    this.grid.resize();
    this.grid.reveal(i);
    await this.open(i, tab);
  },
};

function statusBadge(i) {
  const x = report.core.exchanges;
  const state = stateOf(i);
  if (!x.status[i]) return h("span.status.none", null, state === "running" ? "running" : state === "unanswered" ? "no response" : state);
  const digit = Math.floor(x.status[i] / 100);
  const sign = digit >= 5 ? "✕ " : digit === 4 ? "▲ " : "";
  return h(`span.status.s${digit}`, null, sign ? h("span", {"aria-hidden": "true"}, sign) : null, String(x.status[i]),
    state === "aborted" ? h("span", {title: "broke off"}, " ✂") : state === "running" ? " …" : null);
}

const SHORT_TYPES = {javascript: "script", "x-www-form-urlencoded": "form", "octet-stream": "binary", plain: "text", "svg+xml": "svg"};

function shortType(type) {
  const part = type.split("/").pop().replace(/^x-(?!www)/, "").replace(/^vnd\.(?:.*\.)?/, "");
  return Object.hasOwn(SHORT_TYPES, part) ? SHORT_TYPES[part] : part;
}

/** A path whose end stays in sight when there is no room for all of it: what differs stands there. */
function foldedPath(path) {
  if (path.length < 28) return path;
  const query = path.indexOf("?");
  const cut = path.lastIndexOf("/", query < 0 ? path.length - 2 : query - 2);
  return cut < 1 ? path : h("span.folded", {title: path}, h("span", null, path.slice(0, cut)), h("span", null, path.slice(cut)));
}

/** 1, 2 or 5 of a unit: the next one above a duration. */
function roundStep(ns) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(ns, 1)));
  return unit * [1, 2, 5, 10].find((times) => unit * times >= ns);
}
