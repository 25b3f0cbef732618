// The other tables: connections, DNS, hosts, notes. Each has a box to filter by its fields, or by words.

/** A view with one grid: rows of an object of columns, or of arrays. */
class TableView {
  constructor(id, title, {what, columns, count, schema, open, paint, seen, empty, placeholder}) {
    Object.assign(this, {id, title, what, columns, count, schema, openRow: open, paint, seen, emptyText: empty, placeholder});
  }

  make() {
    this.box = new FilterBox({id: `${this.id}-filter`, label: `Filter ${this.what}`, placeholder: `Filter: ${this.placeholder}`, schema: this.schema,
      apply: (test) => this.choose(test), leave: () => this.grid.body.focus()});
    this.state = h("span.quiet", {role: "status"});
    this.grid = new Grid({label: this.title, columns: this.columns(), open: this.openRow, paint: this.paint});
    return h("section.view.panel", {id: `view-${this.id}`, "aria-label": this.title, hidden: true}, h("div.toolbar", null, this.box.element, this.state, this.box.problem), h("div.split-main", null, this.grid.element));
  }

  start() {
    if (!this.grid.ids) this.box.run();
    else this.grid.resize();
  }

  apply(text) {
    return this.box.set(text);
  }

  /** Show those rows for which a test holds. */
  choose(test) {
    const total = this.count();
    const ids = [];
    for (let i = 0; i < total; i++) if (!test || test(i)) ids.push(i);
    this.grid.empty.textContent = total ? "Nothing matches." : this.emptyText;
    this.grid.show(ids);
    const seen = this.seen ? this.seen() : total;
    this.state.textContent = `${number(ids.length)} of ${number(total)}` + (seen > total ? `, chosen from ${number(seen)}` : "");
  }
}

const column = (key, title, width, cell, value, more) => ({key, title, width, cell, value, ...more});
const numeric = {number: true};

const connectionsView = new TableView("connections", "Connections", {
  what: "connections", schema: schemaOnce("connections", connectionSchema), placeholder: "retransmissions, duration > 1s, tcp.port == 80, words",
  empty: "There are no connections.",
  count: () => report.core.connections.stream.length,
  seen: () => report.core.seen.connections,
  open: (i) => { const c = report.core.connections; if (c.tcp[i]) sequenceView.goTo(c.stream[i]); else timelineView.goToPacket(c.first[i]); },
  paint: (row, i) => { const c = report.core.connections; if (c.cretrans[i] + c.sretrans[i] || /refused|no answer/.test(c.words[c.end[i]])) row.classList.add("troubled"); },
  columns: () => {
    const c = report.core.connections;
    const longest = Math.max(1, ...bounded(c.duration));
    return [
      column("stream", "Stream", "84px", (i) => `${c.tcp[i] ? "tcp" : "udp"} ${c.stream[i]}`, (i) => c.stream[i] + (c.tcp[i] ? 0 : 1e9), {number: false}),
      column("client", "Client", "minmax(160px, 1fr)", (i) => endpoint(c.words[c.client[i]], c.cport[i]), (i) => c.words[c.client[i]], {from: 700}),
      column("server", "Server", "minmax(110px, 1.4fr)", (i) => endpoint(c.words[c.name[i]] || c.words[c.server[i]], c.sport[i]), (i) => c.words[c.name[i]] || c.words[c.server[i]]),
      column("start", "Start", "88px", (i) => relative(c.start[i]), (i) => c.start[i], {number: true, rising: true, from: 900, hint: "seconds since the first packet"}),
      column("duration", "Duration", "140px", (i) => barCell(c.duration[i] / longest, span(c.duration[i])), (i) => c.duration[i], {number: true, from: 480}),
      column("bytes", "Sent ⇄ received", "142px", (i) => h("span.pair", null, h("span", null, bytes(c.cbytes[i])), h("span.quiet", null, "⇄"), h("span", null, bytes(c.sbytes[i]))), (i) => c.cbytes[i] + c.sbytes[i], numeric),
      column("packets", "Packets", "78px", (i) => number(c.cpackets[i] + c.spackets[i]), (i) => c.cpackets[i] + c.spackets[i], {number: true, from: 760}),
      column("rtt", "Round trip", "94px", (i) => span(c.rtt[i]), (i) => c.rtt[i], {number: true, from: 620, hint: "the shortest there was"}),
      column("again", "Sent again", "102px", (i) => c.cretrans[i] + c.sretrans[i] || "", (i) => c.cretrans[i] + c.sretrans[i], {number: true, from: 560, hint: "retransmitted segments"}),
      column("stall", "Stalled", "82px", (i) => c.stall[i] ? span(c.stall[i]) : "", (i) => c.stall[i], {number: true, from: 980, hint: "how long windows were closed"}),
      column("end", "End", "118px", (i) => c.words[c.end[i]], (i) => c.words[c.end[i]], {from: 420}),
    ];
  },
});

const dnsView = new TableView("dns", "DNS", {
  what: "lookups", schema: schemaOnce("dns", lookupSchema), placeholder: "dns.qry.name contains \"example\", time > 100ms, error, words",
  empty: "There are no DNS lookups.",
  count: () => report.core.lookups.query.length,
  seen: () => report.core.seen.lookups,
  open: (i) => timelineView.goToPacket(report.core.lookups.query[i]),
  paint: (row, i) => { if (report.core.lookups.error[i]) row.classList.add("failed"); },
  columns: () => {
    const d = report.core.lookups;
    const longest = Math.max(1, ...bounded(d.time));
    return [
      column("packet", "No.", numberWidth(d.query), (i) => d.query[i], (i) => d.query[i], {number: true, rising: true}),
      column("time", "At", "88px", (i) => relative(d.t[i]), (i) => d.t[i], {number: true, rising: true, from: 760, hint: "seconds since the first packet"}),
      column("name", "Name", "minmax(110px, 1.5fr)", (i) => d.name[i], (i) => d.name[i], {name: "path"}),
      column("type", "Type", "62px", (i) => d.words[d.type[i]], (i) => d.words[d.type[i]]),
      column("status", "Status", "122px", (i) => [d.error[i] ? h("span", {"aria-hidden": "true"}, "▲ ") : null, d.words[d.status[i]]], (i) => d.words[d.status[i]], {from: 360}),
      column("took", "Time", "130px", (i) => d.time[i] < 0 ? "" : barCell(d.time[i] / longest, span(d.time[i])), (i) => d.time[i], {number: true, from: 440}),
      column("answers", "Answers", "minmax(110px, 2fr)", (i) => d.answers[i], (i) => d.answers[i], {from: 560}),
      column("client", "Client", "120px", (i) => d.words[d.client[i]], (i) => d.words[d.client[i]], {from: 980}),
      column("server", "Server", "120px", (i) => d.words[d.server[i]], (i) => d.words[d.server[i]], {from: 880}),
    ];
  },
});

const gatewaysView = new TableView("cgi", "CGI", {
  what: "requests to applications", schema: schemaOnce("gateways", gatewaySchema), placeholder: "status >= 400, wait > 100ms, words",
  empty: "There are no requests over FastCGI, SCGI or uwsgi.",
  count: () => report.core.gateways.packet.length,
  seen: () => report.core.seen.gateways,
  open: (i) => timelineView.goToPacket(report.core.gateways.packet[i]),
  paint: (row, i) => { if (report.core.gateways.error[i]) row.classList.add("failed"); },
  columns: () => {
    const g = report.core.gateways;
    const longest = Math.max(1, ...bounded(g.time));
    const word = (name) => (i) => g.words[g[name][i]];
    const sign = (i) => g.error[i] ? h("span", {"aria-hidden": "true"}, "▲ ") : null;
    return [
      column("packet", "No.", numberWidth(g.packet), (i) => g.packet[i], (i) => g.packet[i], {number: true, rising: true, from: 560}),
      column("protocol", "Protocol", "82px", word("protocol"), word("protocol"), {from: 480}),
      column("method", "Method", "78px", word("method"), word("method")),
      column("host", "Host", "minmax(70px, .7fr)", word("host"), word("host"), {from: 820}),
      column("path", "Path", "minmax(96px, 2fr)", (i) => g.path[i], (i) => g.path[i], {name: "path"}),
      column("status", "Status", "84px", (i) => [sign(i), g.status[i] || "none"], (i) => g.status[i]),
      column("response", "Size", "72px", (i) => bytes(g.response[i]), (i) => g.response[i], {number: true, from: 620, hint: "bytes of the response's body"}),
      column("wait", "Wait", "80px", (i) => span(g.wait[i]), (i) => g.wait[i], {number: true, from: 380, hint: "until the first byte of the response"}),
      column("time", "Time", "142px", (i) => barCell(g.time[i] / longest, span(g.time[i])), (i) => g.time[i], {number: true, from: 700}),
      column("errors", "Standard error", "minmax(118px, 1.6fr)", (i) => g.errors[i], (i) => g.errors[i], {from: 900}),
      column("state", "State", "96px", word("state"), word("state"), {from: 760}),
      column("server", "Application", "minmax(90px, 150px)", (i) => g.words[g.server[i]] ? `${g.words[g.server[i]]}:${g.port[i]}` : "", word("server"), {from: 1000}),
    ];
  },
});

const serversView = new TableView("servers", "HTTP servers", {
  what: "servers", schema: schemaOnce("servers", serverSchema), placeholder: "failed, wait > 100ms, words",
  empty: "There are no HTTP servers.",
  count: () => report.core.servers.length,
  open: (i) => { navigate("exchanges"); exchangesView.apply(`http.host == ${quoted(report.core.servers[i][0])}`); },
  paint: (row, i) => { if (report.core.servers[i][2]) row.classList.add("troubled"); },
  columns: () => {
    const s = report.core.servers;
    const most = Math.max(1, ...bounded(s.map((row) => row[3])));
    return [
      column("name", "Host", "minmax(120px, 2fr)", (i) => s[i][0], (i) => s[i][0]),
      column("requests", "Requests", "92px", (i) => number(s[i][1]), (i) => s[i][1], numeric),
      column("errors", "Failed", "76px", (i) => s[i][2] ? number(s[i][2]) : "", (i) => s[i][2], numeric),
      column("bytes", "Bodies", "150px", (i) => barCell(s[i][3] / most, bytes(s[i][3])), (i) => s[i][3], {number: true, from: 480}),
      column("mean", "Mean time", "104px", (i) => span(Math.round(s[i][4] / Math.max(s[i][1], 1))), (i) => s[i][4] / Math.max(s[i][1], 1), {number: true, from: 400}),
      column("wait", "Mean wait", "104px", (i) => span(Math.round(s[i][5] / Math.max(s[i][1], 1))), (i) => s[i][5] / Math.max(s[i][1], 1), {number: true, from: 620}),
      column("slowest", "Slowest", "90px", (i) => span(s[i][6]), (i) => s[i][6], {number: true, from: 560}),
    ];
  },
});

const hostsView = new TableView("hosts", "Hosts", {
  what: "hosts", schema: schemaOnce("hosts", hostSchema), placeholder: "ip.addr == 10.0.0.0/8, port == 80, words",
  empty: "There are no IP addresses.",
  count: () => report.core.addresses.length,
  open: (i) => { const [address] = report.core.addresses[i]; const found = addressOf(address); navigate("timeline");
    timelineView.start().then(() => timelineView.apply(found ? `${found.bits === 32 ? "ip" : "ipv6"}.addr == ${address}` : quoted(address))); },
  columns: () => {
    const a = report.core.addresses;
    const most = Math.max(1, ...bounded(a.map((row) => row[2] + row[3])));
    return [
      column("address", "Address", "minmax(120px, 1fr)", (i) => a[i][0], (i) => a[i][0]),
      column("name", "Name", "minmax(100px, 1.4fr)", (i) => a[i][1], (i) => a[i][1], {from: 480}),
      column("bytes", "Bytes", "160px", (i) => barCell((a[i][2] + a[i][3]) / most, bytes(a[i][2] + a[i][3])), (i) => a[i][2] + a[i][3], numeric),
      column("sent", "Sent", "84px", (i) => bytes(a[i][2]), (i) => a[i][2], {number: true, from: 620}),
      column("received", "Received", "84px", (i) => bytes(a[i][3]), (i) => a[i][3], {number: true, from: 620}),
      column("packets", "Packets", "86px", (i) => number(a[i][4]), (i) => a[i][4], {number: true, from: 700}),
      column("flows", "Flows", "76px", (i) => number(a[i][5]), (i) => a[i][5], {number: true, from: 560}),
      column("role", "Role", "120px", (i) => a[i][6] && a[i][7] ? "client and server" : a[i][7] ? "server" : "client", (i) => a[i][7] - a[i][6], {from: 860}),
      column("ports", "Serves ports", "minmax(90px, 1fr)", (i) => a[i][8].map(([port]) => port).join(", "), null, {from: 760}),
    ];
  },
});

const notesView = new TableView("notes", "Notes", {
  what: "notes", schema: schemaOnce("notes", noteSchema), placeholder: "sniff.note, packet > 100, words",
  empty: "Nothing strange was noticed.",
  count: () => allNotes().length,
  seen: () => Math.max(report.core.seen.notes + report.core.comments.length, allNotes().length),
  open: (i) => { if (allNotes()[i][1]) timelineView.goToPacket(allNotes()[i][1]); },
  columns: () => [
    column("what", "What", "minmax(140px, 1.4fr)", (i) => allNotes()[i][0], (i) => allNotes()[i][0]),
    column("packet", "Packet", "82px", (i) => allNotes()[i][1] || "file", (i) => allNotes()[i][1], {number: true, rising: true}),
    column("detail", "Detail", "minmax(130px, 2fr)", (i) => allNotes()[i][5], (i) => allNotes()[i][5], {from: 420}),
    column("needed", "Needed", numberWidth(allNotes().map((note) => note[3]), "Needed"), (i) => allNotes()[i][3] < 0 ? "" : number(allNotes()[i][3]), (i) => allNotes()[i][3], {number: true, from: 700}),
    column("had", "Had", numberWidth(allNotes().map((note) => note[4]), "Had"), (i) => allNotes()[i][4] < 0 ? "" : number(allNotes()[i][4]), (i) => allNotes()[i][4], {number: true, from: 700}),
    column("offset", "Offset in file", "122px", (i) => allNotes()[i][2] < 0 ? "" : number(allNotes()[i][2]), (i) => allNotes()[i][2], {number: true, from: 860}),
  ],
});

let notesAndComments = null;
function allNotes() {
  if (!notesAndComments) notesAndComments = [...report.core.comments.map(([packet, text]) => ["comment", packet, -1, -1, -1, text]), ...report.core.notes];
  return notesAndComments;
}

/** Not too many arguments for Math.max. */
const bounded = (values) => values.length < 50000 ? values : values.slice(0, 50000);

const barCell = (part, text) => [h("i.cellbar", {css: {width: `${Math.max(1, 46 * Math.min(Math.max(part, 0), 1))}%`}, "aria-hidden": "true"}), h("span", null, text)];
