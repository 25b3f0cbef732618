// The box in which a filter is written: it proposes fields, operators and values, points at mistakes, and says what it chose.

const MOST_PROPOSALS = 9;

class FilterBox {
  /**
   * id, label    of the input; placeholder
   * schema       () => what there is to ask about (fields.js)
   * apply        (test, text) => show the rows for which test(row) holds; test is null for all
   * leave        () => where the keyboard goes on after Enter
   */
  constructor({id, label, placeholder, schema, apply, leave}) {
    Object.assign(this, {schema, applied: apply, leave, turn: 0, active: -1, proposals: [], value: ""});
    this.list = h("ul.proposals", {id: `${id}-proposals`, role: "listbox", "aria-label": "Proposals", hidden: true});
    this.problem = h("p.filter-problem", {id: `${id}-problem`, role: "status", hidden: true});
    this.input = h("input", {type: "search", id, placeholder, "aria-label": label, autocomplete: "off", autocapitalize: "off", spellcheck: "false", role: "combobox", "aria-autocomplete": "list",
      "aria-expanded": "false", "aria-controls": `${id}-proposals`, "aria-describedby": `${id}-problem`,
      on: {input: () => { this.propose(); this.soon(); }, keydown: (event) => this.key(event), blur: () => { this.close(); if (this.input.value !== this.value) this.run(); }, search: () => { if (this.input.value !== this.value) this.run(); }}});
    this.element = h("div.filter-box", null, this.input, this.list);
  }

  /** Write a filter into it, and use it. */
  set(text) {
    this.input.value = text;
    this.close();
    return this.run();
  }

  soon() {
    clearTimeout(this.wait);
    this.wait = setTimeout(() => this.run(), 120);
  }

  async run() {
    clearTimeout(this.wait);
    const text = this.input.value;
    const turn = ++this.turn;
    let compiled;
    try {
      compiled = compile(text, this.schema());
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      if (this.list.hidden || error.end < text.trimEnd().length) this.tell(text, error);
      return;
    }
    this.tell();
    if (compiled.needsDetails && !report.details) {
      this.input.setAttribute("aria-busy", "true");
      report.details = await allDetails();
      this.input.removeAttribute("aria-busy");
      if (turn !== this.turn) return;
    }
    this.value = text;
    this.applied(compiled.test, text);
    remember();
  }

  /** Point at the place of a mistake. */
  tell(text, error) {
    if (error && !this.problem.hidden && this.told === text) return;      // a click on its button begins by leaving the box
    this.told = text;
    this.input.toggleAttribute("aria-invalid", Boolean(error));
    if (error) this.input.setAttribute("aria-invalid", "true");
    this.problem.hidden = !error;
    if (!error) { this.problem.replaceChildren(); return; }
    const from = Math.max(error.at - 40, 0);
    this.problem.replaceChildren(h("code", null, from ? "…" : "", text.slice(from, error.at), h("mark", null, text.slice(error.at, error.end) || "\u00a0"), shortened(text.slice(error.end), 40)), " ", h("span", null, error.message), " ",
      error.instead ? h("button.small", {type: "button", on: {click: () => { this.set(text.slice(0, error.at) + error.instead + text.slice(error.end)); this.input.focus(); }}}, `Use ${error.instead}`) : "");
  }

  // --- proposals ---

  /** What could stand at the caret: [{text, hint, from}], from: where the word begins that it takes the place of. */
  find(all) {
    const text = this.input.value;
    const caret = this.input.selectionStart === null ? text.length : this.input.selectionStart;
    const schema = this.schema();
    let tokens;
    try { tokens = tokensOf(text.slice(0, caret)).slice(0, -1); } catch { return []; }
    const last = tokens[tokens.length - 1];
    if (!last) return all ? schema.examples.map((example) => ({text: example, hint: "", from: 0, whole: true})) : [];
    const writing = last.end === caret && last.kind !== "sign" ? last : null;
    const before = tokens[tokens.length - (writing ? 2 : 1)];
    const partial = writing ? writing.raw.toLowerCase() : "";
    const from = writing ? writing.at : caret;
    const field = before && before.kind === "word" ? fieldOf(schema, before.text) : undefined;
    if (field && field.type !== "flag") {
      const known = [["==", "is"], ["!=", "is not"], ...(field.type === "text" ? [["contains", "has in it"], ["matches", "regular expression"]] : [[">", "more than"], [">=", ""], ["<", "less than"], ["<=", ""]]), ["in", "one of {..}"]];
      return known.filter(([sign]) => sign.startsWith(partial) && sign !== partial).map(([sign, hint]) => ({text: sign, hint, from}));
    }
    const compared = tokens[tokens.length - (writing ? 3 : 2)];
    if (before && (COMPARISONS.has(before.text) || ["contains", "{", ","].includes(before.text)) && compared) {
      const owner = [...tokens].reverse().find((token) => token.kind === "word" && token !== writing && fieldOf(schema, token.text));
      const beside = owner && fieldOf(schema, owner.text);
      if (!beside || !beside.values) return [];
      const bare = partial.replace(/^"/, "");
      return beside.values().map(String).filter((value) => value.toLowerCase().includes(bare) && value.toLowerCase() !== bare).slice(0, MOST_PROPOSALS)
        .map((value) => ({text: beside.type === "text" && !beside.names ? quoted(value) : value, hint: "", from}));
    }
    if (before && (before.text === "matches" || before.text === "in")) return [];
    if (!writing) return all ? Object.entries(schema.fields).slice(0, MOST_PROPOSALS).map(([name, {hint}]) => ({text: name, hint, from})) : [];
    if (writing.kind === "string" || partial.includes(":")) return [];
    return this.named(schema, partial, from);
  }

  /** Fields that begin so, then those of which a part does. */
  named(schema, partial, from) {
    const names = [...Object.entries(schema.short).map(([name, full]) => [name, full]), ...Object.keys(schema.flags).map((name) => [name, ""]),
      ...Object.entries(schema.fields).map(([name, {hint}]) => [name, hint]), ...(schema.suggested || [])];
    if (schema.hasDetails && partial.startsWith("http.header.") && !report.details) {
      allDetails().then((found) => { report.details = found; if (document.activeElement === this.input) this.propose(); });
    } else if (schema.hasDetails && partial.startsWith("http.header.")) {
      const seen = new Set();
      for (let i = 0; i < report.count && seen.size < 200; i++) for (const message of messagesOf(i)) for (const [name] of message.h) seen.add(name.toLowerCase());
      names.push(...[...seen].sort().map((name) => [`http.header.${name}`, "header field"]));
    }
    const rank = ([name]) => name === partial ? -1 : name.startsWith(partial) ? 0 : name.split(".").some((part) => part.startsWith(partial)) ? 1 : -1;
    return [0, 1].flatMap((wanted) => names.filter((one) => rank(one) === wanted)).slice(0, MOST_PROPOSALS).map(([text, hint]) => ({text, hint, from}));
  }

  propose(all) {
    this.proposals = this.find(all);
    this.active = -1;
    this.list.hidden = !this.proposals.length;
    this.input.setAttribute("aria-expanded", !this.list.hidden);
    this.input.removeAttribute("aria-activedescendant");
    this.list.replaceChildren(...this.proposals.map(({text, hint}, place) => h("li", {role: "option", id: `${this.list.id}-${place}`, "aria-selected": "false",
      on: {mousedown: (event) => { event.preventDefault(); this.accept(place); }}}, h("b", null, text), hint ? h("span.quiet", null, hint) : null)));
  }

  close() {
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  choose(place) {
    this.active = place;
    [...this.list.children].forEach((one, index) => one.setAttribute("aria-selected", index === place));
    if (place >= 0) {
      this.input.setAttribute("aria-activedescendant", this.list.children[place].id);
      this.list.children[place].scrollIntoView({block: "nearest"});
    } else this.input.removeAttribute("aria-activedescendant");
  }

  accept(place) {
    const {text, from, whole} = this.proposals[place];
    const value = this.input.value;
    const caret = whole ? value.length : this.input.selectionStart;
    const written = text + (whole || value[caret] === " " ? "" : " ");
    this.input.value = value.slice(0, from) + written + value.slice(caret);
    this.input.setSelectionRange(from + written.length, from + written.length);
    this.propose();
    this.soon();
  }

  key(event) {
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open && event.key === "ArrowDown") this.propose(true);
      if (this.list.hidden) { if (event.key === "ArrowDown") this.leave(); return; }
      const [count, step] = [this.proposals.length, event.key === "ArrowDown" ? 1 : -1];
      this.choose((this.active + step + count + (this.active < 0 && step < 0 ? 1 : 0)) % count);
    } else if (event.key === "Enter") {
      if (open && this.active >= 0) { event.preventDefault(); this.accept(this.active); return; }
      this.close();
      this.run().then(() => { if (this.problem.hidden) this.leave(); });
    } else if (event.key === "Tab" && open && !event.shiftKey && this.active >= 0) {
      event.preventDefault();
      this.accept(this.active);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
      this.run();
    }
  }
}
