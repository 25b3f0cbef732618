// What everything here is made with: elements, numbers, times. Text from the wire only ever becomes a text node.

const NS_SVG = "http://www.w3.org/2000/svg";

/** An element: h("td.number", {title: "..."}, "text", otherElement). Attributes are set as text; `on` adds listeners. */
function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  return fill(element, attributes, children);
}

/** The same in SVG. */
function svg(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElementNS(NS_SVG, name);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  return fill(element, attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (key === "css") for (const [name, text] of Object.entries(value)) element.style.setProperty(name, text);
    else if ((key === "title" || key === "aria-label") && value) element.setAttribute(key, visible(String(value)));
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  append(element, children);
  return element;
}

/** Characters that are not seen, or turn others round: a text could pass for another one. */
const HIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu;
const visible = (text) => text.replace(HIDDEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === "") continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : document.createTextNode(visible(String(child))));
  }
}

const byId = (id) => document.getElementById(id);

const grouped = new Intl.NumberFormat("en-US");
const number = (value) => grouped.format(value);
const plural = (value, one, many) => `${number(value)} ${value === 1 ? one : many || one + "s"}`;

/** An address or a name, and a port: 192.0.2.1:80, [2001:db8::1]:80. */
const endpoint = (host, port) => host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Three figures of a number. */
function figures(value) {
  const whole = Math.abs(Math.trunc(value));
  return value.toFixed(whole >= 100 ? 0 : whole >= 10 ? 1 : 2);
}

/** A duration in a unit that suits. */
function span(ns) {
  if (ns < 0) return "";
  if (ns === 0) return "0";
  if (ns < 1000) return `${ns} ns`;
  for (const [unit, size] of [["µs", 1e3], ["ms", 1e6], ["s", 1e9]]) {
    const value = ns / size;
    if (value < (unit === "s" ? 120 : 999.5)) return `${figures(value)} ${unit}`;
  }
  const seconds = Math.round(ns / 1e9);
  const pad = (part) => String(part).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** Bytes in a unit that suits. */
function bytes(count) {
  if (count < 0) return "";
  if (count < 1000) return `${count} B`;
  for (const [unit, size] of [["kB", 1e3], ["MB", 1e6], ["GB", 1e9], ["TB", 1e12]]) {
    const value = count / size;
    if (value < 999.5 || unit === "TB") return `${figures(value)} ${unit}`;
  }
}

const percent = (part, whole) => whole ? `${(100 * part / whole).toFixed(1)} %` : "";

/** Seconds since the capture began, with microseconds: 12.345678. */
const relative = (ns) => (ns / 1e9).toFixed(6);

const clock = {zero: [0, 0], utc: false};

/** [milliseconds since 1970, nanoseconds within the second] of a time relative to the beginning of the capture. */
function absolute(ns) {
  const total = clock.zero[1] + ns;
  const carry = Math.floor(total / 1e9);
  const rest = total - carry * 1e9;
  return [(clock.zero[0] + carry) * 1000, rest];
}

/** A time of day: in the viewer's zone, or UTC. */
function timeOfDay(ns, utc) {
  const [ms, rest] = absolute(ns);
  const date = new Date(ms);
  const pad = (part) => String(part).padStart(2, "0");
  const [hours, minutes, seconds] = utc ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${pad(hours)}:${pad(minutes)}:${pad(seconds)}.${String(Math.floor(rest / 1000)).padStart(6, "0")}`;
}

function dateAndTime(ns, utc) {
  const date = new Date(absolute(ns)[0]);
  if (Number.isNaN(date.getTime())) return "";
  const pad = (part) => String(part).padStart(2, "0");
  const day = utc ? `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`
    : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${timeOfDay(ns, utc)} ${utc ? "UTC" : zoneName(date)}`;
}

function zoneName(date) {
  const part = new Intl.DateTimeFormat(undefined, {timeZoneName: "short"}).formatToParts(date).find((one) => one.type === "timeZoneName");
  return part ? part.value : "local";
}

/** Say something to those who do not see the page, and for a moment to those who do. */
let silence = 0;
function say(text) {
  const place = byId("said");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(silence);
  silence = setTimeout(() => place.classList.remove("shown"), 2000);
}

/** Let the browser save a text as a file. */
function save(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  const link = h("a", {href: url, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  say(`${name} saved`);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea.offscreen", {"aria-hidden": "true"});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`${what} copied`);
}
