// The timeline: rows of packets as Wireshark shows them, in its colours, and the sequence diagram of one connection.

const UDP = 2 ** 40;
const APPLICATIONS = /^(DNS|MDNS|LLMNR|NBNS|HTTP|SSDP|FCGI|WebSocket)/;

const NOTHING = {fields: {}, short: {}, flags: {}, words: () => true, examples: []};

const timelineView = {
  grid: null, onlyApplications: false, chosen: null,

  make() {
    this.box = new FilterBox({id: "packet-filter", label: "Filter packets", placeholder: "Filter: tcp.stream == 3, dns, tcp.analysis.flags, words",
      schema: () => report.packets ? packetFields() : NOTHING, apply: (test) => { this.chosen = test; this.choose(); }, leave: () => this.grid.body.focus()});
    this.state = h("span.quiet", {role: "status"});
    this.toggle = h("button.chip", {type: "button", "aria-pressed": "false", on: {click: () => {
      this.onlyApplications = !this.onlyApplications;
      this.toggle.setAttribute("aria-pressed", this.onlyApplications);
      this.choose();
    }}}, "Only DNS and HTTP");
    this.colours = h("button.chip", {type: "button", "aria-pressed": "true", on: {click: () => {
      const plain = this.section.classList.toggle("plain");
      this.colours.setAttribute("aria-pressed", !plain);
    }}}, "Colours");
    this.bar = h("div.linkbar", {"aria-live": "polite"}, h("span.quiet", null, "Choose a packet to see what it belongs to."));
    this.place = h("div.split-main");
    return this.section = h("section.view.panel", {id: "view-timeline", "aria-label": "Timeline", hidden: true},
      h("div.toolbar", null, this.box.element, h("div.chips", null, this.toggle, this.colours), this.state, this.box.problem), this.place, this.bar);
  },

  async start() {
    if (this.grid) return this.grid.resize();
    const table = await packets();
    if (this.grid) return;
    const columns = [
      {key: "no", title: "No.", width: numberWidth(table.no), number: true, rising: true, cell: (row) => table.no[row], value: (row) => table.no[row]},
      {key: "time", title: "Time", width: "92px", number: true, rising: true, hint: "seconds since the first packet", cell: (row) => relative(table.t[row]), value: (row) => table.t[row], plain: true},
      {key: "clock", title: "Clock", width: "134px", number: true, from: 1100, hint: "time of day in your zone", cell: (row) => timeOfDay(table.t[row], clock.utc)},
      {key: "src", title: "Source", width: "minmax(100px, 150px)", from: 640, cell: (row) => table.addresses[table.src[row]], value: (row) => table.addresses[table.src[row]]},
      {key: "dst", title: "Destination", width: "minmax(100px, 150px)", from: 640, cell: (row) => table.addresses[table.dst[row]], value: (row) => table.addresses[table.dst[row]]},
      {key: "protocol", title: "Protocol", width: "88px", from: 480, cell: (row) => table.protocols[table.protocol[row]], value: (row) => table.protocols[table.protocol[row]]},
      {key: "length", title: "Length", width: "74px", number: true, from: 520, hint: "bytes on the wire", cell: (row) => table.length[row], value: (row) => table.length[row]},
      {key: "info", title: "Info", width: "minmax(160px, 1fr)", cell: (row) => table.info[row], value: (row) => table.info[row], name: "info"},
    ];
    this.grid = new Grid({label: "Packets", columns, open: (row) => this.open(row), paint: (element, row) => element.classList.add(`rule-${table.rule[row]}`)});
    this.grid.enter = () => { const button = this.bar.querySelector("button"); if (button) button.focus(); };
    this.place.append(this.grid.element);
    await this.box.run();
  },

  apply(text) {
    return this.box.set(text);
  },

  /** Show those that were chosen. */
  choose() {
    const table = report.packets;
    if (!table || !this.grid) return;
    const test = this.chosen;
    const ids = [];
    table.no.forEach((_, row) => {
      if (this.onlyApplications && !APPLICATIONS.test(table.protocols[table.protocol[row]])) return;
      if (!test || test(row)) ids.push(row);
    });
    this.grid.empty.textContent = table.no.length ? "No packet matches." : "There are no packets in this capture.";
    this.grid.show(ids);
    this.state.textContent = `${number(ids.length)} of ${plural(table.no.length, "packet")}` + (report.core.all ? "" : `, chosen from ${number(report.core.seen.packets)}`);
  },

  open(row) {
    const table = report.packets;
    const [no, stream] = [table.no[row], table.stream[row]];
    const parts = [h("b", null, `Packet ${no}`), h("span.quiet", null, dateAndTime(table.t[row], clock.utc))];
    if (stream >= 0 && stream < UDP) {
      const i = exchangeOfPacket(stream, no);
      if (i >= 0) parts.push(h("button.small.primary", {type: "button", on: {click: () => exchangesView.goTo(i)}}, `${methodOf(i)} ${shortened(urlOf(i) || "response", 60)} ${report.core.exchanges.status[i] || stateOf(i)}`));
      parts.push(h("button.small", {type: "button", on: {click: () => this.goToStream(stream)}}, `Only tcp.stream ${stream}`),
        h("button.small", {type: "button", on: {click: () => sequenceView.goTo(stream)}}, "Sequence diagram"));
    } else if (stream >= UDP) {
      parts.push(h("button.small", {type: "button", on: {click: () => this.apply(`udp.stream == ${stream - UDP}`)}}, `Only udp.stream ${stream - UDP}`));
    }
    if (this.box.input.value) parts.push(h("button.small", {type: "button", on: {click: async () => { await this.apply(""); this.grid.reveal(row); }}}, "All packets"));
    this.bar.replaceChildren(h("div.linkbar-line", null, parts), h("p.linkbar-info", null, `${table.protocols[table.protocol[row]]} · ${table.info[row]}`));
    remember();
  },

  async goToPacket(no) {
    navigate("timeline");
    await this.start();
    const row = report.rowOfPacket.get(no);
    if (row === undefined) { say(`Packet ${no} is not in this page`); return; }
    if (!this.grid.place || !this.grid.place.has(row)) {
      this.onlyApplications = false;
      this.toggle.setAttribute("aria-pressed", "false");
      await this.apply("");
    }
    this.grid.resize();
    this.grid.reveal(row);
    this.open(row);
    this.grid.body.focus();
  },

  async goToStream(stream) {
    navigate("timeline");
    await this.start();
    await this.apply(`tcp.stream == ${stream}`);
  },
};

const shortened = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

const SEQUENCE_ROWS = 400;

const sequenceView = {
  make() {
    this.content = h("div.sequence-content");
    return h("section.view.panel", {id: "view-sequence", "aria-label": "Sequence diagram", hidden: true}, this.content);
  },
  start() {
    if (!this.content.childElementCount) {
      const first = report.core.connections.tcp.findIndex(Boolean);
      if (first >= 0) this.draw(report.core.connections.stream[first]);
      else this.content.replaceChildren(h("p.empty", null, "There is no TCP connection."));
    }
  },
  goTo(stream) {
    navigate("sequence");
    return this.draw(stream);
  },
  async draw(stream) {
    this.stream = stream;
    const table = await packets();
    const rows = [];
    table.no.forEach((_, row) => { if (table.stream[row] === stream) rows.push(row); });
    const c = report.core.connections;
    const at = c.stream.findIndex((one, index) => one === stream && c.tcp[index]);
    const ends = at >= 0 ? [endpoint(c.words[c.client[at]], c.cport[at]), endpoint(c.words[c.server[at]], c.sport[at])] : ["client", "server"];
    const facts = at >= 0 ? [plural(c.cpackets[at] + c.spackets[at], "packet"), `${bytes(c.cbytes[at])} ⇄ ${bytes(c.sbytes[at])}`, span(c.duration[at]),
      c.rtt[at] >= 0 ? `round trip ${span(c.rtt[at])}` : "", c.words[c.end[at]]].filter(Boolean) : [];
    const choice = h("select", {"aria-label": "Connection", on: {change: (event) => { this.draw(Number(event.target.value)); remember(); }}},
      c.stream.map((one, index) => c.tcp[index] && index < 2000 ? h("option", {value: one, selected: one === stream}, `tcp.stream ${one}: ${endpoint(c.words[c.client[index]], c.cport[index])} → ${endpoint(c.words[c.name[index]] || c.words[c.server[index]], c.sport[index])}`) : null));
    const mine = report.byStream.get(stream) || [];
    const head = h("div.toolbar", null, choice, h("span.quiet", null, facts.join(" · ")),
      h("div.chips", null, h("button.chip", {type: "button", on: {click: () => timelineView.goToStream(stream)}}, "Packets"),
        h("button.chip", {type: "button", on: {click: () => mine.length ? exchangesView.goTo(mine[0], "stream") : this.follow(stream)}}, "Follow stream")));
    this.content.replaceChildren(head, rows.length ? this.diagram(table, rows, ends) : h("p.empty", null, "Its packets are not in this page."));
    remember();
  },
  /** What was said, in the place of the diagram. */
  async follow(stream) {
    const frame = h("div.sequence-frame", {tabindex: 0, role: "region", "aria-label": "What was said"});
    this.content.lastChild.replaceWith(frame);
    await followStream(frame, stream, -1);
  },
  diagram(table, rows, ends) {
    const shown = rows.slice(0, SEQUENCE_ROWS);
    const zero = table.t[rows[0]];
    const list = h("ol.sequence", {"aria-label": "Packets of the connection, client left, server right, time down"});
    let before = zero;
    for (const row of shown) {
      const pause = table.t[row] - before;
      before = table.t[row];
      if (pause > 100e6) list.append(h("li.pause", null, `${span(pause)} pass`));
      const i = exchangeOfPacket(table.stream[row], table.no[row]);
      const info = table.info[row].replace(/^\d+ → \d+ /, "");
      const mark = /\[TCP (?!segment of|PDU|Window Update|Keep-Alive)([^\]]+)\]/.exec(table.info[row]);
      const server = table.dir[row] === 1;
      list.append(h(server ? "li.step.from-server" : "li.step.from-client", null,
        h("span.when", null, `+${span(table.t[row] - zero)}`),
        h("button.arrow-line" + (mark ? ".marked" : ""), {type: "button", "aria-label": `Packet ${table.no[row]}, from the ${server ? "server" : "client"}: ${info}`, on: {click: () => timelineView.goToPacket(table.no[row])}},
          h("span.label", null, mark ? h("b", null, `${mark[1]}: `) : null, shortened(info.replace(/\[TCP [^\]]+\] ?(\d+ → \d+ )?/g, "").replace(/ (TSval|TSecr|Win|SACK_PERM|WS|MSS)(=\d+)?/g, ""), 110)), h(server ? "i.line.left" : "i.line.right", {"aria-hidden": "true"})),
        h("span.what", null, i >= 0 && (report.core.exchanges.first[i] === table.no[row] || report.core.exchanges.last[i] === table.no[row])
          ? linkButton(report.core.exchanges.first[i] === table.no[row] ? `${methodOf(i) || "?"} ${shortened(report.core.exchanges.path[i], 24)}` : `${report.core.exchanges.status[i] || stateOf(i)}`, () => exchangesView.goTo(i)) : `no. ${table.no[row]}`)));
    }
    return h("div.sequence-frame", {tabindex: 0, role: "region", "aria-label": "Sequence diagram"}, h("div.ends", null, h("b", null, ends[0]), h("b", null, ends[1])), list,
      rows.length > SEQUENCE_ROWS ? h("p.quiet", null, `${number(rows.length - SEQUENCE_ROWS)} more packets are in the timeline.`) : null);
  },
};
