// The details of one exchange: headers, bodies, timing, packets, the whole connection; to copy as curl or HAR.

const TABS = [["headers", "Headers"], ["request", "Request"], ["response", "Response"], ["timing", "Timing"], ["packets", "Packets"], ["stream", "Connection"]];

const detail = {
  tab: "headers",

  async show(pane, i, tab) {
    const x = report.core.exchanges;
    const found = await detailOf(i) || {};
    const has = {headers: true, request: Boolean(found.q && found.q.b), response: Boolean(found.r), timing: true, packets: true, stream: true};
    if (tab) this.tab = tab;
    const current = has[this.tab] ? this.tab : "headers";
    const panel = h("div.tabpanel", {role: "tabpanel", id: "detail-panel", tabindex: 0, "aria-labelledby": `tab-${current}`});
    const tabs = TABS.filter(([name]) => has[name]).map(([name, title]) => h("button.tab", {type: "button", role: "tab", id: `tab-${name}`,
      "aria-selected": name === current, "aria-controls": "detail-panel", tabindex: name === current ? 0 : -1,
      on: {click: () => choose(name), keydown: (event) => arrows(event)}}, title));
    const choose = (name) => {
      this.tab = name;
      for (const one of tabs) {
        const mine = one.id === `tab-${name}`;
        one.setAttribute("aria-selected", mine);
        one.tabIndex = mine ? 0 : -1;
      }
      panel.setAttribute("aria-labelledby", `tab-${name}`);
      panel.replaceChildren();
      panel.scrollTop = 0;
      this[name](panel, i, found);
      remember();
    };
    const arrows = (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
      next.click();
      next.focus();
    };
    const actions = h("div.actions", null,
      h("button.small", {type: "button", "aria-label": "Copy as curl", on: {click: () => copy(asCurl(i, found), "curl command")}}, h("span.wide", null, "Copy as "), "curl"),
      h("button.small", {type: "button", "aria-label": "Copy as HAR", on: {click: () => copy(JSON.stringify(asHar([[i, found]]), null, 2), "HAR")}}, h("span.wide", null, "Copy as "), "HAR"));
    pane.replaceChildren(
      h("div.pane-head", null,
        h("div.pane-title", null, h("b", null, methodOf(i)), " ", statusBadge(i), " ", h("span.quiet", null, span(report.total[i]))),
        actions, h("button.close", {type: "button", "aria-label": "Close details", title: "Close (Esc)", on: {click: () => exchangesView.close()}}, "✕"),
        h("p.pane-url", null, urlOf(i) || "(request not captured)")),
      h("div.tabs", {role: "tablist", "aria-label": "Details"}, tabs), panel);
    pane.hidden = false;
    if (x.number[i] !== undefined) choose(current);
  },

  headers(panel, i, found) {
    const x = report.core.exchanges;
    const general = [["URL", urlOf(i)], ...moments("Began", x.start[i]),
      ["Connection", linkButton(`tcp.stream ${x.stream[i]}`, () => sequenceView.goTo(x.stream[i]))],
      ["Packets", linkButton(x.first[i] === x.last[i] ? `${x.first[i]}` : `${x.first[i]} to ${x.last[i]}`, () => timelineView.goToPacket(x.first[i]))],
      ["State", stateOf(i) + (x.flags[i] & 1 ? ", pair inferred" : "")]];
    append(panel, [block2("General", pairs(general))]);
    for (const remark of found.w || []) panel.append(h("p.remark", null, remark));
    if (found.q) append(panel, [block2("Request", h("p.startline", null, found.q.l), pairs(found.q.h), moreFields(found.q))]);
    for (const interim of found.i || []) append(panel, [block2("Interim response", h("p.startline", null, interim.l), pairs(interim.h))]);
    if (found.r) append(panel, [block2("Response", h("p.startline", null, found.r.l), pairs(found.r.h), moreFields(found.r))]);
  },

  request(panel, i, found) { append(panel, [bodyView(found.q)]); },
  response(panel, i, found) { append(panel, [bodyView(found.r)]); },

  timing(panel, i) {
    const x = report.core.exchanges;
    const phases = phasesOf(i);
    const total = Math.max(report.total[i], 1);
    let at = 0;
    const rows = [];
    const kinds = {};
    STEPS.forEach((phase, step) => {
      const took = x[`d${step}`][i];
      if (took > 0) rows.push(h("tr", null, h("th", {scope: "row"}, h(`i.swatch.phase-${phase}`), PHASE_TITLES[phase]), h("td.bars", null,
        h("div.track", null, h(`i.seg.phase-${phase}`, {css: {left: `${100 * at / total}%`, width: `max(${100 * took / total}%, 2px)`}}))),
        h("td.number", null, span(took)), h("td.number", null, percent(took, total))));
      at += took;
      kinds[phase] = (kinds[phase] || 0) + took;
    });
    const events = x.events[i] || [];
    for (const [kind, title] of [[0, "Sent again"], [1, "Window closed"]]) {
      const mine = events.filter((event) => event[2] === kind);
      if (mine.length) rows.push(h("tr", null, h("th", {scope: "row"}, h(kind ? "i.tick.stall" : "i.tick"), title), h("td.bars", null,
        h("div.track", null, mine.map(([ns]) => h(kind ? "i.tick.stall" : "i.tick", {css: {left: `${100 * ns / total}%`}})))), h("td.number", null, `${number(mine.length)} ×`), h("td")));
    }
    const longest = PHASES.reduce((a, b) => phases[b] > phases[a] ? b : a);
    append(panel, [block2("Where the time went",
      h("table.timing", null, h("thead", null, h("tr", null, h("th", {scope: "col"}, "Phase"), h("th", {scope: "col"}, "When"), h("th.number", {scope: "col"}, "Took"), h("th.number", {scope: "col"}, "Part"))),
        h("tbody", null, rows), h("tfoot", null, h("tr", null, h("th", {scope: "row", colspan: 2}, "Total"), h("td.number", null, span(report.total[i])), h("td")))),
      h("p", null, EXPLANATIONS[longest](`${2 * phases[longest] > total ? "Most of the time" : "The largest part of the time"}, ${span(phases[longest])},`, phases[longest], x.rbytes[i])))]);
    if (events.length) append(panel, [block2("What went wrong on the way", h("ul.plain", null, events.slice(0, 50).map(([ns, packet, kind, direction]) =>
      h("li", null, `${span(ns)} after the beginning: the ${direction ? "server" : "client"} ${kind ? "closed its window, or filled that of the other end" : "sent a segment again"}, `,
        linkButton(`packet ${packet}`, () => timelineView.goToPacket(packet))))))]);
    append(panel, [block2("When", pairs([...moments("Began", x.start[i]), ...moments("Ended", x.start[i] + report.total[i]),
      ["In the capture", `from ${relative(x.start[i])} s to ${relative(x.start[i] + report.total[i])} s`]]))]);
  },

  async packets(panel, i) {
    const x = report.core.exchanges;
    const table = await packets();
    const rows = [];
    table.no.forEach((no, row) => { if (table.stream[row] === x.stream[i] && x.first[i] <= no && no <= x.last[i]) rows.push(row); });
    const lookups = lookupsBefore(i);
    if (lookups.length) append(panel, [block2("The name was asked for in", h("ul.plain", null, lookups.map((packet) => h("li", null, linkButton(`packet ${packet}`, () => timelineView.goToPacket(packet))))))]);
    if (!rows.length) {
      panel.append(h("p.quiet", null, `Its packets, ${x.first[i]} to ${x.last[i]} of tcp.stream ${x.stream[i]}, are not in this page.`));
      return;
    }
    const own = report.core.all ? "" : " that are in this page";
    append(panel, [h("p.quiet", null, `${plural(rows.length, "packet")}${own}, of tcp.stream ${x.stream[i]}`), packetTable(table, rows.slice(0, 500), x.start[i])]);
    if (rows.length > 500) panel.append(h("p.quiet", null, `${number(rows.length - 500)} more are in the timeline.`));
  },

  async stream(panel, i) {
    const x = report.core.exchanges;
    panel.append(h("p", null, linkButton("Sequence diagram", () => sequenceView.goTo(x.stream[i])), " · ", linkButton("Its packets", () => timelineView.goToStream(x.stream[i]))));
    await followStream(panel, x.stream[i], i);
  },
};

const EXPLANATIONS = {
  dns: (most) => `${most} passed until the name had been looked up in DNS.`,
  connect: (most) => `${most} went into opening the connection: one round trip, more when a SYN was lost.`,
  queue: (most) => `${most} the request waited for its turn: for a free connection, or behind an earlier response on this one.`,
  send: (most) => `${most} went into sending the request.`,
  wait: (most) => `${most} passed between the last byte of the request and the first byte of the response: one round trip, and what the server needed to think.`,
  receive: (most, ns, size) => `${most} went into receiving the response` + (size > 0 && ns > 0 ? `: ${bytes(size)} at ${bytes(Math.round(size / ns * 1e9))}/s.` : "."),
};

/** A moment in the viewer's zone and in UTC, once when that is the same. */
const moments = (title, ns) => {
  const [local, utc] = [dateAndTime(ns, false), dateAndTime(ns, true)];
  return local === utc ? [[title, utc]] : [[title, local], ["", utc]];
};

const block2 = (title, ...content) => h("section.block", null, h("h3", null, title), content);
const linkButton = (text, act) => h("button.link", {type: "button", on: {click: act}}, text);
const pairs = (list) => h("dl.fields", null, list.map(([name, value]) => [h(name ? "dt" : "dt.again", null, name || "\u00a0"), h("dd", null, value)]));
const moreFields = (message) => message.more ? h("p.quiet", null, `${plural(message.more, "field")} more`) : null;

function lookupsBefore(i) {
  const x = report.core.exchanges;
  if (!x.d0[i]) return [];
  const lookups = report.core.lookups;
  const place = lookups.t.findIndex((t) => t === x.start[i]);
  return place < 0 ? [] : [lookups.query[place], lookups.response[place]].filter(Boolean);
}

function packetTable(table, rows, zero) {
  return h("div.scroll", {tabindex: 0, role: "region", "aria-label": "Packets"}, h("table.packets", null, h("thead", null, h("tr", null,
    ["No.", "Time", "From", "Protocol", "Length", "Info"].map((title) => h("th", {scope: "col"}, title)))),
    h("tbody", null, rows.map((row) => h(`tr.rule-${table.rule[row]}`, null, h("td.number", null, linkButton(String(table.no[row]), () => timelineView.goToPacket(table.no[row]))),
      h("td.number", null, `+${span(Math.max(table.t[row] - zero, 0))}`), h("td", null, table.dir[row] ? "server" : "client"), h("td", null, table.protocols[table.protocol[row]]),
      h("td.number", null, table.length[row]), h("td.info", null, table.info[row]))))));
}

/** A body, drawn. Nothing of it is ever markup: text nodes, a hex dump, or a picture from its own bytes. */
function bodyView(message) {
  const body = message.b;
  if (!body) return h("p.quiet", null, "It has no body.");
  const facts = [body.m, bytes(body.n), body.z ? `sent as ${body.z.join(", ")}` : "", body.c ? `charset ${body.c}` : "", body.pretty ? "indented" : ""].filter(Boolean);
  const head = h("p.quiet", null, facts.join(" · "));
  const notes = [];
  if (body.x) notes.push(h("p.remark", null, `${bytes(body.x)} of it were not captured.`));
  for (const problem of body.e || []) notes.push(h("p.remark", null, problem));
  if (body.cut) notes.push(h("p.quiet", null, `${bytes(body.cut)} more are not in this page.`));
  const tool = (text, what) => h("button.small", {type: "button", on: {click: () => copy(text, what)}}, "Copy");
  if (body.k === "text") return h("div", null, head, tool(body.t, "Body"), notes, h("pre.body", {tabindex: 0, "aria-label": "Body"}, body.t));
  if (body.k === "form") return h("div", null, head, notes, pairs(body.t));
  if (body.k === "parts") return h("div", null, head, notes, pairs(body.t.map((part) => [part[0], part.length === 2 ? part[1] : `file ${part[1]}, ${part[2]}, ${bytes(part[3])}`])));
  if (body.k === "picture") return h("div", null, head, notes, h("figure.picture", null, h("img", {src: `data:${body.m};base64,${body.d}`, alt: `The picture that was sent, ${body.m}`})));
  if (body.k === "hex") return h("div", null, head, notes, h("pre.body.hex", {tabindex: 0, "aria-label": "Hex dump"}, hexDump(decode(body.d))));
  if (body.k === "redacted") return h("div", null, head, h("p.quiet", null, "The body was left out: this report is redacted."));
  return h("div", null, head, h("p.quiet", null, "There was no room for the body in this page; `sniff show` prints it."));
}

function hexDump(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 16) {
    const row = data.subarray(at, at + 16);
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, "0"));
    const text = [...row].map((byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".").join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.slice(0, 8).join(" ").padEnd(23)}  ${hex.slice(8).join(" ").padEnd(23)}  ${text}`);
  }
  return lines.join("\n");
}

/** What both ends of a connection said, from its exchanges in their order. */
async function followStream(panel, stream, current) {
  const mine = report.byStream.get(stream) || [];
  panel.append(h("p.quiet", null, `${plural(mine.length, "exchange")} on tcp.stream ${stream}${report.core.seen.exchanges > report.count ? " are in this page" : ""}`));
  const text = h("div.follow", null);
  panel.append(text);
  for (const i of mine.slice(0, 50)) {
    const found = await detailOf(i) || {};
    for (const [side, message] of [["client", found.q], ...(found.i || []).map((one) => ["server", one]), ["server", found.r]]) {
      if (!message) continue;
      const head = [message.l, ...message.h.map(([name, value]) => `${name}: ${value}`)].join("\n");
      text.append(h(`pre.said.${side}`, {"aria-label": `The ${side} says`, "aria-current": i === current ? "true" : null}, head + "\n" + bodyText(message.b)));
    }
  }
  if (!mine.length) {
    const said = (await block("said") || {})[stream] || [];
    if (said.length) panel.firstChild.textContent = `What was said on tcp.stream ${stream}, as far as this page holds it`;
    for (const [direction, packet, ns, words] of said) {
      const side = direction ? "server" : "client";
      text.append(h("div.spoken", null, h("span.quiet", null, `+${span(ns)} `, linkButton(`packet ${packet}`, () => timelineView.goToPacket(packet))),
        h(`pre.said.${side}`, {"aria-label": `The ${side} says`}, words)));
    }
    if (!said.length) text.append(h("p.quiet", null, "What was said is not in this page: it is encrypted, redacted, or there was no room. `sniff follow` prints it."));
  }
  if (mine.length > 50) panel.append(h("p.quiet", null, `${number(mine.length - 50)} more exchanges`));
}

function bodyText(body) {
  if (!body) return "";
  if (body.k === "text") return `\n${body.t}`;
  if (body.k === "form") return `\n${body.t.map(([name, value]) => `${name}=${value}`).join("\n")}`;
  if (body.k === "parts") return `\n${body.t.map((part) => part.length === 2 ? `${part[0]}=${part[1]}` : `${part[0]}=[file ${part[1]}]`).join("\n")}`;
  if (body.k === "hex") return `\n${hexDump(decode(body.d))}`;
  return `\n[${body.m || "body"}, ${bytes(body.n)}]`;
}

const quoteShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The request as a command line. What is masked stays masked. */
function asCurl(i, found) {
  const parts = ["curl", quoteShell(urlOf(i))];
  const method = methodOf(i);
  const request = found.q || {h: []};
  if (report.core.exchanges.flags[i] & 32) parts.push(urlOf(i).startsWith("https:") ? "--http2" : "--http2-prior-knowledge");
  if (method && method !== "GET") parts.push("-X", quoteShell(method));
  for (const [name, value] of request.h) {
    if (!/^(host|content-length|connection|transfer-encoding)$/i.test(name) && !name.startsWith(":")) parts.push("-H", quoteShell(`${name}: ${value}`));
  }
  const body = request.b;
  if (body && body.k === "text") parts.push("--data-raw", quoteShell(body.t));
  else if (body && body.k === "form") for (const [name, value] of body.t) parts.push("--data-urlencode", quoteShell(`${name}=${value}`));
  else if (body && body.k === "parts") for (const part of body.t) parts.push("-F", quoteShell(part.length === 2 ? `${part[0]}=${part[1]}` : `${part[0]}=@${part[1]}`));
  if (request.h.some(([name]) => name.toLowerCase() === "accept-encoding")) parts.push("--compressed");
  return parts.join(" ");
}

/** Exchanges as a HAR file: [[number, details]]. */
const asHar = (list) => ({log: {version: "1.2", creator: {name: "sniff", version: report.core.version}, entries: list.map(([i, found]) => harEntry(i, found))}});

/** `HTTP/2.0`, as browsers write it. */
const harVersion = (word) => word === "HTTP/2" ? "HTTP/2.0" : word || "";

function harEntry(i, found) {
  const x = report.core.exchanges;
  const phases = phasesOf(i);
  const ms = (ns) => ns / 1e6;
  const fresh = phases.connect > 0;
  const [request, response] = [found.q || {l: "", h: [], n: [-1, -1]}, found.r || {l: "", h: [], n: [-1, -1]}];
  const headers = (message) => message.h.map(([name, value]) => ({name, value}));
  const url = urlOf(i);
  const query = url.includes("?") ? url.slice(url.indexOf("?") + 1).split("&").map((pair) => { const [name, ...value] = pair.split("="); return {name, value: value.join("=")}; }) : [];
  const entry = {
    startedDateTime: new Date(absolute(x.start[i])[0] + absolute(x.start[i])[1] / 1e6).toISOString(), time: ms(report.total[i]),
    request: {method: methodOf(i), url, httpVersion: harVersion(request.l.split(" ").pop()), cookies: [], headers: headers(request), queryString: query,
      headersSize: request.n[0], bodySize: request.n[1]},
    response: {status: x.status[i], statusText: response.l.split(" ").slice(2).join(" "), httpVersion: harVersion(response.l.split(" ")[0]), cookies: [], headers: headers(response),
      content: harContent(response.b), redirectURL: (response.h.find(([name]) => name.toLowerCase() === "location") || ["", ""])[1], headersSize: response.n[0], bodySize: response.n[1]},
    cache: {}, timings: {blocked: ms(phases.queue), dns: fresh ? ms(phases.dns) : -1, connect: fresh ? ms(phases.connect) : -1, send: ms(phases.send),
      wait: ms(phases.wait), receive: ms(phases.receive), ssl: -1},
    connection: String(x.stream[i]), _sniff: {"frame.number": x.first[i], "tcp.stream": x.stream[i], state: stateOf(i), masked: !report.core.secrets},
  };
  if (request.b && request.b.k === "text") entry.request.postData = {mimeType: request.b.m, text: request.b.t};
  if (request.b && request.b.k === "form") entry.request.postData = {mimeType: request.b.m, params: request.b.t.map(([name, value]) => ({name, value}))};
  return entry;
}

function harContent(body) {
  if (!body) return {size: 0, mimeType: ""};
  const content = {size: body.n, mimeType: body.m || ""};
  if (body.k === "text") content.text = body.t;
  if (body.k === "picture" || (body.k === "hex" && !body.cut)) { content.text = body.d; content.encoding = "base64"; }
  return content;
}
