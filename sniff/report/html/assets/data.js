// The data of the page: JSON, compressed and in Base64, unpacked when it is needed.

const blocks = new Map();

/** What was embedded under a name; null when there is no such block. */
function block(name) {
  if (!blocks.has(name)) blocks.set(name, unpack(name));
  return blocks.get(name);
}

async function unpack(name) {
  const element = byId(`data-${name}`);
  const text = element ? element.textContent : globalThis.sniffData ? globalThis.sniffData[name] : undefined;
  if (text === undefined) return null;
  const stream = new Blob([decode(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  if (element) element.remove();
  return JSON.parse(await new Response(stream).text());
}

function decode(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const data = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) data[at] = raw.charCodeAt(at);
  return data;
}

const PHASES = ["dns", "connect", "queue", "send", "wait", "receive"];
const PHASE_TITLES = {dns: "DNS lookup", connect: "Connecting", queue: "Queueing", send: "Sending", wait: "Waiting", receive: "Receiving"};
/** Which phase each of the eight steps between the nine moments of an exchange belongs to. */
const STEPS = ["dns", "queue", "connect", "queue", "send", "queue", "wait", "receive"];
const STATES = ["complete", "unanswered", "aborted", "running", "unasked"];

/** All that the page knows. Filled by `prepare`. */
const report = {core: null, count: 0, byNumber: new Map(), byStream: new Map(), total: null, packets: null, rowOfPacket: new Map(), details: null};

async function prepare() {
  const core = report.core = await block("core");
  clock.zero = core.zero;
  const x = core.exchanges;
  report.count = x.number.length;
  report.total = new Float64Array(report.count);
  for (let i = 0; i < report.count; i++) {
    let sum = 0;
    for (let step = 0; step < 8; step++) sum += x[`d${step}`][i];
    report.total[i] = sum;
    report.byNumber.set(x.number[i], i);
    const mine = report.byStream.get(x.stream[i]);
    if (mine) mine.push(i); else report.byStream.set(x.stream[i], [i]);
  }
}

/** {phase: ns} of an exchange. */
function phasesOf(i) {
  const found = {dns: 0, connect: 0, queue: 0, send: 0, wait: 0, receive: 0};
  STEPS.forEach((phase, step) => { found[phase] += report.core.exchanges[`d${step}`][i]; });
  return found;
}

const methodOf = (i) => report.core.exchanges.methods[report.core.exchanges.method[i]];
const hostOf = (i) => report.core.exchanges.hosts[report.core.exchanges.host[i]];
const typeOf = (i) => report.core.exchanges.types[report.core.exchanges.type[i]];
const stateOf = (i) => STATES[report.core.exchanges.state[i]];
const failed = (i) => report.core.exchanges.status[i] >= 400 || stateOf(i) === "aborted" || stateOf(i) === "unanswered";

function urlOf(i) {
  const x = report.core.exchanges;
  const scheme = x.schemes[x.scheme[i]];
  return (scheme ? `${scheme}://` : "") + hostOf(i) + x.path[i];
}

/** Headers and bodies of an exchange. */
async function detailOf(i) {
  const chunk = await block(`x${Math.floor(i / report.core.chunk)}`);
  return chunk ? chunk[i % report.core.chunk] : null;
}

/** Headers and bodies of all of them. */
async function allDetails() {
  const found = [];
  for (let start = 0; start < report.count; start += report.core.chunk) found.push(...await block(`x${start / report.core.chunk}`));
  return found;
}

/** The rows of packets. */
async function packets() {
  if (report.packets) return report.packets;
  const table = report.packets = await block("packets");
  table.no.forEach((no, row) => report.rowOfPacket.set(no, row));
  return table;
}

/** The exchange that a packet of a stream belongs to; -1 for none. */
function exchangeOfPacket(stream, no) {
  const x = report.core.exchanges;
  let found = -1;
  for (const i of report.byStream.get(stream) || []) {
    if (x.first[i] <= no && no <= x.last[i]) {
      found = i;
      if (x.last[i] === no || x.first[i] === no) break;
    }
  }
  return found;
}
