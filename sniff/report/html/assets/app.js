// The page: which view is shown, what the address says, keys, colours.

const VIEWS = [["overview", "Overview", null], ["exchanges", "Exchanges", exchangesView], ["timeline", "Timeline", timelineView], ["sequence", "Sequence", sequenceView],
  ["connections", "Connections", connectionsView], ["dns", "DNS", dnsView], ["servers", "Servers", serversView], ["hosts", "Hosts", hostsView],
  ["statistics", "Statistics", statisticsView], ["notes", "Notes", notesView], ["cgi", "CGI", gatewaysView]];

let current = "overview";
let quiet = true;        // until the address was read

function navigate(name) {
  const known = VIEWS.some(([id]) => id === name) ? name : "overview";
  current = known;
  for (const [id] of VIEWS) {
    byId(`view-${id}`).hidden = id !== known;
    const link = byId(`nav-${id}`);
    if (id === known) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  document.body.dataset.view = known;
  const view = VIEWS.find(([id]) => id === known)[2];
  if (view) view.start();
  const link = byId(`nav-${known}`);
  if (link.offsetParent) link.parentElement.scrollLeft = link.offsetLeft - 60;
  remember();
}

/** Put what is shown into the address, so that a link shows it again. */
function remember() {
  if (quiet) return;
  const parts = new URLSearchParams();
  if (current === "exchanges") {
    if (exchangesView.filter) parts.set("f", exchangesView.filter);
    if (exchangesView.grid.sorted) parts.set("s", (exchangesView.grid.sorted.down ? "-" : "") + exchangesView.grid.sorted.key);
    if (exchangesView.opened >= 0) { parts.set("x", report.core.exchanges.number[exchangesView.opened]); if (detail.tab !== "headers") parts.set("t", detail.tab); }
  } else if (current === "timeline") {
    if (timelineView.box.input.value) parts.set("f", timelineView.box.input.value);
    if (report.packets && timelineView.grid && timelineView.grid.active >= 0) parts.set("p", report.packets.no[timelineView.grid.active]);
  }
  else if (current === "sequence" && sequenceView.stream !== undefined) parts.set("stream", sequenceView.stream);
  else {
    const view = VIEWS.find(([id]) => id === current)[2];
    if (view instanceof TableView && view.box.input.value) parts.set("f", view.box.input.value);
  }
  const text = parts.toString();
  const hash = `#${current}${text ? `?${text}` : ""}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
}

async function restore() {
  const [name, text] = location.hash.slice(1).split("?");
  const parts = new URLSearchParams(text || "");
  quiet = true;
  try {
    navigate(name || "overview");
    if (current === "exchanges") {
      const wanted = parts.get("x");
      const filter = parts.get("f") || "";
      await exchangesView.apply(filter);
      const sort = parts.get("s");
      if (sort) exchangesView.grid.sortBy(sort.replace(/^-/, ""), sort.startsWith("-"));
      if (wanted !== null) {
        const i = report.byNumber.get(Number(wanted));
        if (i !== undefined) await exchangesView.goTo(i, parts.get("t"));
      }
    } else if (current === "timeline") {
      await timelineView.start();
      if (parts.has("f")) await timelineView.apply(parts.get("f"));
      if (parts.has("p")) await timelineView.goToPacket(Number(parts.get("p")));
    } else if (current === "sequence" && parts.has("stream")) await sequenceView.draw(Number(parts.get("stream")));
    else {
      const view = VIEWS.find(([id]) => id === current)[2];
      if (view instanceof TableView && parts.has("f")) await view.apply(parts.get("f"));
    }
  } finally {
    quiet = false;
  }
}

// --- colours --------------------------------------------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];
const THEME_NAMES = {auto: ["◐", " Auto"], light: ["☀", " Light"], dark: ["☾", " Dark"]};

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const button = byId("theme");
  button.replaceChildren(THEME_NAMES[theme][0], h("span.wide", null, THEME_NAMES[theme][1]));
  button.setAttribute("aria-label", `Colours: ${theme}`);
  button.dataset.value = theme;
  try { localStorage.setItem("sniff-theme", theme); } catch { /* a page from a file may have no store */ }
}

function savedTheme() {
  try { return localStorage.getItem("sniff-theme") || "auto"; } catch { return "auto"; }
}

// --- keys -----------------------------------------------------------------------------------------------------------

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "Escape") {
    if (byId("help").open) return;
    if (typing && event.target.value && event.target.type === "search") return;
    if (current === "exchanges" && !exchangesView.pane.hidden) exchangesView.close();
    else if (typing) event.target.blur();
    return;
  }
  if (typing) return;
  if (event.key === "/") {
    const input = byId(`view-${current}`).querySelector("input[type=search]");
    if (!input) navigate("exchanges");
    (input || exchangesView.box.input).focus();
    event.preventDefault();
  } else if (event.key === "?") byId("help").showModal();
  else if (/^[0-9]$/.test(event.key)) {
    const view = VIEWS[(Number(event.key) + 9) % 10];
    if (view) navigate(view[0]);
  }
}

// --- the frame ------------------------------------------------------------------------------------------------------

function frame() {
  if (!report.core.gateways.packet.length) VIEWS.pop();
  const counts = {exchanges: report.core.seen.exchanges, timeline: report.core.seen.packets, connections: report.core.seen.connections, dns: report.core.seen.lookups, cgi: report.core.seen.gateways,
    notes: report.core.seen.notes + report.core.comments.length};
  const nav = h("nav.views", {"aria-label": "Views"}, VIEWS.map(([id, title]) => h("a", {href: `#${id}`, id: `nav-${id}`, on: {click: (event) => { event.preventDefault(); navigate(id); }}},
    title, counts[id] ? h("span.count", null, compact(counts[id])) : null)));
  document.querySelector("header.top").after(nav);
  document.querySelector("h1").title = document.querySelector("h1").textContent;
  const main = byId("main");
  for (const [id, , view] of VIEWS) if (id !== "overview") main.append(view.make());
  const help = h("dialog", {id: "help", "aria-label": "Keys and filters"}, h("form", {method: "dialog"}, h("button.close", {"aria-label": "Close"}, "✕")), h("h2", null, "Keys"), h("dl.fields", null,
    [["/", "filter"], ["↑ ↓ or j k", "the next row"], ["Page Up, Page Down, Home, End", "move in a table"], ["Enter", "open, go to the details"], ["Esc", "close the details"],
     ["1 … 9, 0", "views"], ["?", "this help"]].map(([key, what]) => [h("dt", null, key), h("dd", null, what)])),
    h("h2", null, "Filters"), h("p", null, "The display filters of Wireshark and ", h("code", null, "sniff -Y"), ", over the rows of a table; or words. The box proposes fields while you type."),
    h("dl.fields.filters", null, [["http.response.code >= 400", "== != > >= < <=, or eq ne gt ge lt le; status is short for it, 4xx a group"], ["http.request.method in {\"PUT\", \"POST\"}", "one of these; 8000..8080 is a range"],
      ["http.host contains \"shop\"", "has it in it; host: shop does not mind capitals"], ["http.host matches \"^(www|api)\\.\"", "regular expression"], ["http.host[0:3] == \"www\"", "some bytes: [offset:length], [first-last], [offset]; below zero from the end"],
      ["ip.addr == 10.0.0.0/8", "addresses, with a prefix if you like"], ["frame.len - 20 > 1000", "+ - * / % &, with spaces around"],
      ["sniff.wait > 200ms", "durations: seconds, or with ns us ms s min h"], ["http.header.x-request-id", "there is one"], ["header: cookie  body: error", "anywhere in the headers or bodies"],
      ["error and not (slow or logo)", "and or xor not, && || ^^ !, brackets; words alone are looked for in the row"]].map(([filter, what]) => [h("dt", null, h("code", null, filter)), h("dd", null, what)])));
  document.body.append(help);
  const zone = h("button.small", {type: "button", id: "zone", "aria-pressed": "false", on: {click: () => {
    clock.utc = !clock.utc;
    zone.setAttribute("aria-pressed", clock.utc);
    zone.replaceChildren(...(clock.utc ? ["UTC"] : ["Local", h("span.wide", null, " time")]));
    localTime();
    if (timelineView.grid) { timelineView.grid.forget(); timelineView.grid.draw(); }
  }}}, "Local", h("span.wide", null, " time"));
  document.querySelector("header.top .tools").append(zone,
    h("button.small", {type: "button", id: "theme", on: {click: (event) => setTheme(THEMES[(THEMES.indexOf(event.currentTarget.dataset.value) + 1) % 3])}}),
    h("button.small", {type: "button", "aria-label": "Keys and filters", on: {click: () => help.showModal()}}, "?"));
  document.body.append(h("div", {id: "said", role: "status", "aria-live": "polite"}));
  setTheme(savedTheme());
  localTime();
}

const compact = (value) => value < 10000 ? number(value) : value < 999500 ? `${Math.round(value / 1000)}k` : `${(value / 1e6).toFixed(1)}M`;

/** The time in the title: the viewer's, or UTC; the other one as a hint. */
function localTime() {
  const element = document.querySelector("header.top time");
  if (!element) return;
  element.textContent = dateAndTime(0, clock.utc).replace(/(\.\d{3})\d{3}/, "$1");
  element.title = dateAndTime(0, !clock.utc);
}

async function begin() {
  if (!("DecompressionStream" in globalThis)) {
    document.querySelector("main").prepend(h("p.notice", null, "This browser is too old for the tables of this page: Chrome 80, Firefox 113 or Safari 16.4 are needed."));
    return;
  }
  await prepare();
  frame();
  await exchangesView.apply("");
  for (const link of document.querySelectorAll('main a[href^="#"]')) {
    link.addEventListener("click", (event) => { event.preventDefault(); history.replaceState(null, "", link.getAttribute("href")); restore(); });
  }
  addEventListener("hashchange", restore);
  addEventListener("keydown", keys);
  await restore();
  document.documentElement.dataset.ready = "true";
}

byId("unscripted").remove();
begin();
