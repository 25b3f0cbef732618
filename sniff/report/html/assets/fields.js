// What filters can ask about: the fields of each table, with the names that they have for `sniff -Y` and Wireshark where these have one.

const field = (type, hint, get, more) => ({type, hint, get, ...more});
const above = (value) => value >= 0 ? value : undefined;
const times = (values, kind) => { const count = (values || []).filter((event) => event[2] === kind).length; return count || undefined; };
const matchAny = (words, text) => words.some((word) => String(word).toLowerCase().includes(text));

/** ip.addr and its kin, from the two ends of something. */
function addressFields(client, server) {
  const all = {};
  for (const [prefix, family] of [["ip", 32], ["ipv6", 128]]) {
    const only = (read) => (i) => read(i).filter((text) => (addressOf(text) || {}).bits === family);
    const kind = family === 32 ? "IPv4" : "IPv6";
    all[`${prefix}.addr`] = field("address", `${kind} address of either end; also 10.0.0.0/8`, only((i) => [client(i), server(i)]), {family});
    all[`${prefix}.src`] = field("address", `${kind} address of the client`, only((i) => [client(i)]), {family});
    all[`${prefix}.dst`] = field("address", `${kind} address of the server`, only((i) => [server(i)]), {family});
  }
  return all;
}

// --- exchanges ------------------------------------------------------------------------------------------------------

const HEADER_FIELDS = {accept: "accept", accept_encoding: "accept-encoding", accept_language: "accept-language", authorization: "authorization", cache_control: "cache-control",
  connection: "connection", content_encoding: "content-encoding", content_length: "content-length", cookie: "cookie", date: "date", last_modified: "last-modified", location: "location",
  proxy_authorization: "proxy-authorization", referer: "referer", server: "server", set_cookie: "set-cookie", transfer_encoding: "transfer-encoding", upgrade: "upgrade",
  user_agent: "user-agent", www_authenticate: "www-authenticate", x_forwarded_for: "x-forwarded-for"};

/** The messages of an exchange whose details were read. */
const messagesOf = (i) => { const found = (report.details || [])[i]; return found ? [found.q, ...(found.i || []), found.r].filter(Boolean) : []; };
const headerField = (name) => field("text", `header field ${name}`, (i) => messagesOf(i).flatMap((message) => message.h.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)), {details: true});
const bodyTexts = (i) => messagesOf(i).map((message) => message.b ? bodyText(message.b) : "").filter(Boolean);

function exchangeSchema() {
  const x = report.core.exchanges;
  const [client, server] = [(i) => x.addresses[x.client[i]], (i) => x.addresses[x.server[i]]];
  const fields = {
    "frame.number": field("number", "packet with its first byte", (i) => x.first[i]),
    "frame.time_relative": field("span", "when it began, since the first packet", (i) => x.start[i]),
    "tcp.stream": field("number", "number of its connection", (i) => x.stream[i]),
    "tcp.port": field("number", "port of either end", (i) => [x.port[i], x.sport[i]]),
    "tcp.srcport": field("number", "port of the client", (i) => x.port[i]),
    "tcp.dstport": field("number", "port of the server", (i) => x.sport[i]),
    ...addressFields(client, server),
    http: field("flag", "is HTTP/1", (i) => !(x.flags[i] & 32)),
    http2: field("flag", "is HTTP/2", (i) => Boolean(x.flags[i] & 32)),
    "http.request": field("flag", "its request was seen", (i) => !(x.flags[i] & 16)),
    "http.response": field("flag", "it has a response", (i) => x.status[i] > 0),
    "http.request.method": field("text", "method", methodOf, {values: () => [...x.methods].sort()}),
    "http.host": field("text", "the server's name", hostOf, {values: () => x.hosts.slice(0, 50)}),
    "http.request.uri": field("text", "path and query", (i) => x.path[i]),
    "http.request.uri.path": field("text", "path", (i) => x.path[i].split("?")[0]),
    "http.request.uri.query": field("text", "what stands after the ?", (i) => x.path[i].split("?").slice(1).join("?")),
    "http.request.full_uri": field("text", "scheme, host, path and query", (i) => x.flags[i] & 16 ? "" : urlOf(i)),
    "http.request.version": field("text", "HTTP/1.1", (i) => { const [first] = messagesOf(i); return first && !(x.flags[i] & 16) ? first.l.split(" ").pop() : ""; }, {details: true}),
    "http.response.code": field("number", "status; 4xx means 400 to 499", (i) => x.status[i] || undefined, {values: () => [...new Set(x.status)].filter(Boolean).sort((a, b) => a - b)}),
    "http.response.phrase": field("text", "reason phrase", (i) => { const last = messagesOf(i).pop(); return x.status[i] && last ? last.l.split(" ").slice(2).join(" ") : ""; }, {details: true}),
    "http.content_type": field("text", "media type of the response", typeOf, {values: () => x.types.filter(Boolean).slice(0, 50)}),
    "http.time": field("span", "from the first byte of the request to that of the response", (i) => x.status[i] && !(x.flags[i] & 16) ? x.d4[i] + x.d5[i] + x.d6[i] : undefined),
    "http.file_data": field("text", "bodies", bodyTexts, {details: true}),
    "sniff.url": field("text", "what it asked for, in full", (i) => x.flags[i] & 16 ? "" : urlOf(i)),
    "sniff.state": field("text", "how it stands", stateOf, {values: () => STATES}),
    "sniff.duration": field("span", "all of it", (i) => report.total[i]),
    "sniff.retransmissions": field("number", "segments sent again while it lasted", (i) => times(x.events[i], 0)),
    "sniff.stalls": field("number", "times a window was closed while it lasted", (i) => times(x.events[i], 1)),
    "sniff.inferred": field("flag", "the pair is probable, not sure", (i) => Boolean(x.flags[i] & 1)),
    "sniff.request.body_bytes": field("bytes", "body of the request, as it was sent", (i) => above(x.qbytes[i])),
    "sniff.response.body_bytes": field("bytes", "body of the response, as it was sent", (i) => above(x.rbytes[i])),
  };
  for (const phase of PHASES) fields[`sniff.${phase}`] = field("span", `${PHASE_TITLES[phase].toLowerCase()}: how long`, (i) => phasesOf(i)[phase]);
  for (const [name, header] of Object.entries(HEADER_FIELDS)) fields[`http.${name}`] = headerField(header);
  const length = fields["http.content_length"];
  fields["http.content_length"] = {...length, type: "bytes", get: (i) => length.get(i).map(Number).filter(Number.isFinite)};
  fields["http.header"] = field("text", "any header field, as name: value", (i) => messagesOf(i).flatMap((message) => message.h.map(([name, value]) => `${name}: ${value}`)), {details: true});
  const short = {status: "http.response.code", code: "http.response.code", method: "http.request.method", host: "http.host", url: "http.request.full_uri", path: "http.request.uri",
    type: "http.content_type", mime: "http.content_type", packet: "frame.number", stream: "tcp.stream", time: "sniff.duration", duration: "sniff.duration", state: "sniff.state",
    size: "sniff.response.body_bytes", bytes: "sniff.response.body_bytes", port: "tcp.port", ttfb: "http.time", start: "frame.time_relative"};
  for (const phase of PHASES) { short[phase] = `sniff.${phase}`; short[`sniff.phases.${phase}`] = `sniff.${phase}`; }
  return {
    fields, short, hasDetails: true,
    more: (name) => name.startsWith("http.header.") && name.length > 12 ? headerField(name.slice(12)) : undefined,
    flags: {error: failed, failed, retransmissions: (i) => Boolean(x.flags[i] & 2), stalled: (i) => Boolean(x.flags[i] & 4), inferred: (i) => Boolean(x.flags[i] & 1),
      gap: (i) => Boolean(x.flags[i] & 8), slow: (i) => report.total[i] > 1e9},
    finders: {header: (i, text) => fields["http.header"].get(i).some((line) => line.toLowerCase().includes(text)), body: (i, text) => bodyTexts(i).some((one) => one.toLowerCase().includes(text))},
    words: (i, text) => urlOf(i).toLowerCase().includes(text) || methodOf(i).toLowerCase() === text || typeOf(i).toLowerCase().includes(text) || String(x.status[i]) === text || stateOf(i) === text,
    examples: ["status >= 400", "time > 200ms", "wait > 100ms", "host: example", "http.request.method == \"POST\"", "ip.addr == 10.0.0.0/8", "http.host matches \"^www\\.\"", "http.header.cookie",
      "body: text", "retransmissions", "sniff.state == \"aborted\""],
  };
}

// --- packets --------------------------------------------------------------------------------------------------------

const ANALYSIS = {retransmission: /\[TCP (?:Fast |Spurious )?Retransmission\]/, fast_retransmission: /\[TCP Fast Retransmission\]/, spurious_retransmission: /\[TCP Spurious Retransmission\]/,
  out_of_order: /\[TCP Out-Of-Order\]/, lost_segment: /\[TCP Previous segment not captured\]/, ack_lost_segment: /\[TCP ACKed unseen segment\]/, duplicate_ack: /\[TCP Dup ACK /,
  zero_window: /\[TCP ZeroWindow\]/, zero_window_probe: /\[TCP ZeroWindowProbe\]/, window_full: /\[TCP Window Full\]/, window_update: /\[TCP Window Update\]/, keep_alive: /\[TCP Keep-Alive\]/,
  reused_ports: /\[TCP Port numbers reused\]/, flags: /\[TCP (?!segment of|PDU)/};

function packetSchema() {
  const table = report.packets;
  const c = report.core.connections;
  const connection = new Map();
  c.stream.forEach((stream, place) => connection.set(c.tcp[place] ? stream : stream + UDP, place));
  const exchange = new Map();
  const exchangeOf = (row) => {
    if (!exchange.has(row)) exchange.set(row, table.stream[row] >= 0 && table.stream[row] < UDP ? exchangeOfPacket(table.stream[row], table.no[row]) : -1);
    return exchange.get(row);
  };
  const [source, destination] = [(row) => table.addresses[table.src[row]], (row) => table.addresses[table.dst[row]]];
  const protocol = (row) => table.protocols[table.protocol[row]];
  const isTcp = (row) => (table.stream[row] >= 0 && table.stream[row] < UDP) || protocol(row) === "TCP";
  const isUdp = (row) => table.stream[row] >= UDP || protocol(row) === "UDP";
  const ports = (kind) => {
    const ends = (row) => {
      const place = connection.get(table.stream[row]);
      if (place === undefined || (kind === "tcp") !== Boolean(c.tcp[place])) return [];
      return table.dir[row] ? [c.sport[place], c.cport[place]] : [c.cport[place], c.sport[place]];
    };
    return {[`${kind}.port`]: field("number", "port of either end", ends), [`${kind}.srcport`]: field("number", "port of the sender", (row) => ends(row).slice(0, 1)),
      [`${kind}.dstport`]: field("number", "port of the receiver", (row) => ends(row).slice(1))};
  };
  const fields = {
    "frame.number": field("number", "number in the capture", (row) => table.no[row]), "frame.len": field("bytes", "bytes on the wire", (row) => table.length[row]),
    "frame.time_relative": field("span", "time since the first packet", (row) => table.t[row]),
    "tcp.stream": field("number", "number of the TCP connection", (row) => table.stream[row] >= 0 && table.stream[row] < UDP ? table.stream[row] : undefined),
    "udp.stream": field("number", "number of the UDP stream", (row) => table.stream[row] >= UDP ? table.stream[row] - UDP : undefined),
    ...addressFields(source, destination), ...ports("tcp"), ...ports("udp"),
    "_ws.col.protocol": field("text", "the cell Protocol", protocol, {values: () => table.protocols}), "_ws.col.info": field("text", "the cell Info", (row) => table.info[row]),
    "sniff.direction": field("number", "0 from the client, 1 from the server", (row) => table.stream[row] >= 0 ? table.dir[row] : undefined),
    tcp: field("flag", "is TCP", isTcp), udp: field("flag", "is UDP", isUdp),
    http: field("flag", "is HTTP", (row) => protocol(row).startsWith("HTTP")),
  };
  for (const [name, pattern] of Object.entries(ANALYSIS)) fields[`tcp.analysis.${name}`] = field("flag", "mark of sequence analysis", (row) => pattern.test(table.info[row]));
  for (const name of ["dns", "mdns", "llmnr", "nbns", "arp", "icmp", "icmpv6", "ssdp", "websocket"]) fields[name] = field("flag", `is ${name.toUpperCase()}`, (row) => protocol(row).toLowerCase() === name);
  const asked = exchangeFields();
  return {
    fields, short: {protocol: "_ws.col.protocol", info: "_ws.col.info", length: "frame.len", len: "frame.len", time: "frame.time_relative", packet: "frame.number", stream: "tcp.stream"},
    flags: {}, hasDetails: true,
    more: (name) => {        // the packets of exchanges of which it is true
      const found = Object.hasOwn(asked.fields, name) ? asked.fields[name] : asked.more(name);
      return found ? {...found, get: (row) => { const i = exchangeOf(row); return i < 0 ? undefined : found.get(i); }} : undefined;
    },
    suggested: Object.keys(asked.fields).filter((name) => /^(http\.|sniff\.)/.test(name)).map((name) => [name, `${asked.fields[name].hint}: packets of such exchanges`]),
    words: (row, text) => matchAny([table.info[row], source(row), destination(row), protocol(row)], text),
    examples: ["tcp.stream == 0", "dns", "tcp.analysis.flags", "tcp.analysis.retransmission", "ip.addr == 10.0.0.0/8", "tcp.port == 80", "frame.len > 1000", "http.response.code >= 400"],
  };
}

// --- the other tables -----------------------------------------------------------------------------------------------

function connectionSchema() {
  const c = report.core.connections;
  const word = (name) => (i) => c.words[c[name][i]];
  const port = (protocol, values) => (i) => Boolean(c.tcp[i]) === (protocol === "tcp") ? values(i) : undefined;
  const fields = {
    "tcp.stream": field("number", "number of the TCP connection", (i) => c.tcp[i] ? c.stream[i] : undefined), "udp.stream": field("number", "number of the UDP stream", (i) => c.tcp[i] ? undefined : c.stream[i]),
    tcp: field("flag", "is TCP", (i) => Boolean(c.tcp[i])), udp: field("flag", "is UDP", (i) => !c.tcp[i]),
    ...addressFields(word("client"), word("server")), "sniff.name": field("text", "the server's name, as the client learned it", word("name")),
    "frame.number": field("number", "its first packet", (i) => c.first[i]), "frame.time_relative": field("span", "when it began, since the first packet", (i) => c.start[i]),
    "sniff.duration": field("span", "from its first packet to its last", (i) => c.duration[i]),
    "sniff.packets": field("number", "packets of both ends", (i) => c.cpackets[i] + c.spackets[i]), "sniff.bytes": field("bytes", "what both ends sent, headers not counted", (i) => c.cbytes[i] + c.sbytes[i]),
    "sniff.round_trip": field("span", "the shortest round trip", (i) => above(c.rtt[i])), "tcp.analysis.initial_rtt": field("span", "from SYN to the third packet", (i) => above(c.handshake[i])),
    "sniff.retransmissions": field("number", "segments sent again", (i) => c.cretrans[i] + c.sretrans[i] || undefined), "sniff.missing": field("bytes", "bytes that were not captured", (i) => c.missing[i] || undefined),
    "sniff.stall": field("span", "how long windows were closed", (i) => c.stall[i] || undefined), "sniff.state": field("text", "how it ended", word("end"), {values: () => [...new Set(c.end.map((end) => c.words[end]))]}),
  };
  for (const kind of ["tcp", "udp"]) {
    fields[`${kind}.port`] = field("number", "port of either end", port(kind, (i) => [c.cport[i], c.sport[i]]));
    fields[`${kind}.srcport`] = field("number", "port of the client", port(kind, (i) => c.cport[i]));
    fields[`${kind}.dstport`] = field("number", "port of the server", port(kind, (i) => c.sport[i]));
  }
  const line = (i) => [c.tcp[i] ? "tcp" : "udp", `stream ${c.stream[i]}`, word("client")(i), word("server")(i), word("name")(i), c.sport[i], word("end")(i)];
  return {fields, short: {stream: "tcp.stream", duration: "sniff.duration", time: "sniff.duration", bytes: "sniff.bytes", packets: "sniff.packets", rtt: "sniff.round_trip", state: "sniff.state", end: "sniff.state", name: "sniff.name",
    host: "sniff.name", start: "frame.time_relative", stall: "sniff.stall"},
    flags: {retransmissions: (i) => c.cretrans[i] + c.sretrans[i] > 0, missing: (i) => c.missing[i] > 0, stalled: (i) => Boolean(c.stall[i] || c.zero[i])},
    words: (i, text) => matchAny(line(i), text), examples: ["retransmissions", "duration > 1s", "tcp.port == 80", "ip.addr == 10.0.0.0/8", "end: reset", "bytes > 100kB"]};
}

const RECORD_TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR", 43: "DS", 46: "RRSIG", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 255: "ANY"};
const RESPONSE_CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"};
const named = (names) => (text) => Object.hasOwn(names, text) ? names[text] : text.toUpperCase();

function lookupSchema() {
  const d = report.core.lookups;
  const word = (name) => (i) => d.words[d[name][i]];
  const fields = {
    "dns.qry.name": field("text", "the name asked for", (i) => d.name[i]), "dns.qry.type": field("text", "type of record, by number or name", word("type"), {names: named(RECORD_TYPES), values: () => [...new Set(d.type.map((one) => d.words[one]))]}),
    "dns.flags.rcode": field("text", "how it went, by number or name", word("status"), {names: named(RESPONSE_CODES), values: () => [...new Set(d.status.map((one) => d.words[one]))]}),
    "dns.time": field("span", "from query to response", (i) => above(d.time[i])), "dns.answers": field("text", "each answer", (i) => d.answers[i].split(", ").filter(Boolean)),
    "dns.a": field("address", "IPv4 addresses among the answers; also 10.0.0.0/8", (i) => d.answers[i].split(", ").filter((one) => (addressOf(one) || {}).bits === 32), {family: 32}),
    "dns.aaaa": field("address", "IPv6 addresses among the answers", (i) => d.answers[i].split(", ").filter((one) => (addressOf(one) || {}).bits === 128), {family: 128}),
    "dns.retransmission": field("flag", "the query was sent again", (i) => d.retries[i] > 0), "frame.number": field("number", "packet of the query", (i) => d.query[i] || d.response[i]),
    "frame.time_relative": field("span", "when it was asked, since the first packet", (i) => d.t[i]), ...addressFields(word("client"), word("server")),
    "udp.stream": field("number", "number of the UDP stream", (i) => word("transport")(i) === "udp" ? d.stream[i] : undefined),
    dns: field("flag", "is DNS", (i) => word("protocol")(i).toLowerCase() === "dns"), mdns: field("flag", "is mDNS", (i) => word("protocol")(i).toLowerCase() === "mdns"), llmnr: field("flag", "is LLMNR", (i) => word("protocol")(i).toLowerCase() === "llmnr"),
  };
  return {fields, short: {name: "dns.qry.name", host: "dns.qry.name", type: "dns.qry.type", status: "dns.flags.rcode", time: "dns.time", packet: "frame.number", answers: "dns.answers"},
    flags: {error: (i) => Boolean(d.error[i]), failed: (i) => Boolean(d.error[i])},
    words: (i, text) => matchAny([d.name[i], word("type")(i), word("status")(i), d.answers[i], word("client")(i), word("server")(i), word("protocol")(i)], text),
    examples: ["error", "dns.qry.name contains \"example\"", "type == AAAA", "time > 100ms", "dns.a == 10.0.0.0/8", "status == NXDOMAIN"]};
}

function gatewaySchema() {
  const g = report.core.gateways;
  const word = (name) => (i) => g.words[g[name][i]];
  return {fields: {"frame.number": field("number", "packet with its first byte", (i) => g.packet[i]), "frame.time_relative": field("span", "when it began, since the first packet", (i) => g.t[i]),
    "tcp.stream": field("number", "number of its connection", (i) => g.stream[i]), "sniff.cgi.protocol": field("text", "fastcgi, scgi or uwsgi", word("protocol"), {values: () => ["fastcgi", "scgi", "uwsgi"]}),
    "sniff.cgi.method": field("text", "method", word("method")), "sniff.cgi.host": field("text", "the host that was asked for", word("host")), "sniff.cgi.uri": field("text", "path and query", (i) => g.path[i]),
    "sniff.cgi.status": field("number", "status; 4xx means 400 to 499", (i) => g.status[i] || undefined), "sniff.cgi.wait": field("span", "until the first byte of the response", (i) => above(g.wait[i])),
    "sniff.duration": field("span", "all of it", (i) => g.time[i]), "sniff.cgi.stderr": field("text", "what the application wrote to its standard error", (i) => g.errors[i]),
    "sniff.state": field("text", "how it stands", word("state"))},
    short: {packet: "frame.number", stream: "tcp.stream", protocol: "sniff.cgi.protocol", method: "sniff.cgi.method", host: "sniff.cgi.host", path: "sniff.cgi.uri", status: "sniff.cgi.status", wait: "sniff.cgi.wait", time: "sniff.duration",
      stderr: "sniff.cgi.stderr", state: "sniff.state", "http.response.code": "sniff.cgi.status", "http.request.method": "sniff.cgi.method", "http.request.uri": "sniff.cgi.uri", "http.host": "sniff.cgi.host"},
    flags: {error: (i) => Boolean(g.error[i]), failed: (i) => Boolean(g.error[i])},
    words: (i, text) => matchAny([word("protocol")(i), word("method")(i), word("host")(i), g.path[i], g.status[i], word("state")(i), g.errors[i]], text), examples: ["error", "status >= 400", "wait > 100ms", "sniff.cgi.stderr"]};
}

function serverSchema() {
  const s = report.core.servers;
  return {fields: {"http.host": field("text", "the server's name", (i) => s[i][0]), "sniff.requests": field("number", "requests", (i) => s[i][1]), "sniff.failed": field("number", "failed requests", (i) => s[i][2] || undefined),
    "sniff.bytes": field("bytes", "bodies, as they were sent", (i) => s[i][3]), "sniff.duration": field("span", "mean time", (i) => s[i][4] / Math.max(s[i][1], 1)),
    "sniff.wait": field("span", "mean wait", (i) => s[i][5] / Math.max(s[i][1], 1)), "sniff.slowest": field("span", "slowest exchange", (i) => s[i][6])},
    short: {host: "http.host", name: "http.host", requests: "sniff.requests", bytes: "sniff.bytes", time: "sniff.duration", wait: "sniff.wait", slowest: "sniff.slowest"},
    flags: {error: (i) => s[i][2] > 0, failed: (i) => s[i][2] > 0}, words: (i, text) => matchAny([s[i][0]], text), examples: ["failed", "wait > 100ms", "slowest > 1s", "requests > 10"]};
}

function hostSchema() {
  const a = report.core.addresses;
  const only = (family) => (i) => (addressOf(a[i][0]) || {}).bits === family ? a[i][0] : undefined;
  return {fields: {"ip.addr": field("address", "IPv4 address; also 10.0.0.0/8", only(32), {family: 32}), "ipv6.addr": field("address", "IPv6 address; also fe80::/10", only(128), {family: 128}),
    "sniff.name": field("text", "its name", (i) => a[i][1]), "sniff.bytes": field("bytes", "sent and received", (i) => a[i][2] + a[i][3]), "sniff.packets": field("number", "packets", (i) => a[i][4]),
    "sniff.flows": field("number", "connections and flows", (i) => a[i][5]), "tcp.port": field("number", "ports it serves", (i) => a[i][8].map(([port]) => port))},
    short: {name: "sniff.name", host: "sniff.name", bytes: "sniff.bytes", packets: "sniff.packets", flows: "sniff.flows", port: "tcp.port"},
    flags: {client: (i) => a[i][6] > 0, server: (i) => a[i][7] > 0}, words: (i, text) => matchAny([a[i][0], a[i][1], ...a[i][8].map(([port]) => port)], text),
    examples: ["ip.addr == 10.0.0.0/8", "server", "port == 80", "bytes > 1MB"]};
}

function noteSchema() {
  const n = allNotes();
  return {fields: {"sniff.note": field("text", "what was noticed", (i) => n[i][0], {values: () => [...new Set(n.map((one) => one[0]))]}), "frame.number": field("number", "packet", (i) => n[i][1] || undefined),
    "sniff.detail": field("text", "detail", (i) => n[i][5])}, short: {note: "sniff.note", packet: "frame.number", detail: "sniff.detail"}, flags: {},
    words: (i, text) => matchAny(n[i], text), examples: ["sniff.note == \"comment\"", "packet > 100"]};
}

const schemas = new Map();
const schemaOnce = (name, make) => () => { if (!schemas.has(name)) schemas.set(name, make()); return schemas.get(name); };
const exchangeFields = schemaOnce("exchanges", exchangeSchema);
const packetFields = schemaOnce("packets", packetSchema);
