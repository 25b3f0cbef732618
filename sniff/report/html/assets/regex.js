// Regular expressions in linear time, whatever the text: all ways to match are followed at once (Thompson 1968), by an automaton
// that is built as far as the text needs it. The browser's own may try every way, one after the other, and hang the page.
// Letters match in either case, as with -Y. What cannot be done so (back references, looking around) is refused.

class PatternError extends Error {}

const MOST_NODES = 5000;
const MOST_STATES = 1000;
const MOST_GROUPS = 60;
/** What comes next: the end, a character of a word, another one, a newline that is the last character (before which $ matches). */
const [AT_END, AT_WORD, AT_OTHER, AT_LAST_NEWLINE] = [0, 1, 2, 3];
const [AT_START, AFTER_NEWLINE] = [4, 5];
const CLASSES = {d: [48, 57], w: [48, 57, 65, 90, 95, 95, 97, 122], s: [9, 13, 32, 32], h: [9, 9, 32, 32]};
const ESCAPED = {n: 10, t: 9, r: 13, f: 12, v: 11, a: 7, e: 27, 0: 0};
const isWordCode = (code) => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95;

class Pattern {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.groups = 0;
    this.fold = true;
    this.dots = false;
    this.lines = false;
    const leading = /^\(\?([ims]*)(?:-([ims]+))?\)/.exec(text);
    if (leading) {
      for (const letter of leading[1]) this[{i: "fold", s: "dots", m: "lines"}[letter]] = true;
      for (const letter of leading[2] || "") this[{i: "fold", s: "dots", m: "lines"}[letter]] = false;
      this.at = leading[0].length;
    }
    const tree = this.either();
    if (this.at < text.length) throw new PatternError("a ) stands here without its (");
    this.nodes = [];
    this.first = this.build(tree, this.node({match: true}));
    this.forget();
  }

  // --- reading it ---

  either() {
    const parts = [this.row()];
    while (this.text[this.at] === "|") { this.at++; parts.push(this.row()); }
    return parts.length === 1 ? parts[0] : {either: parts};
  }

  row() {
    const parts = [];
    while (this.at < this.text.length && !"|)".includes(this.text[this.at])) parts.push(this.repeated());
    return {row: parts};
  }

  repeated() {
    let part = this.one();
    for (;;) {
      const rest = this.text.slice(this.at, this.at + 24);
      const counted = /^(?:([*+?])|\{(\d{1,4})(?:(,)(\d{1,4})?)?\})[?+]?/.exec(rest);
      if (!counted) return part;
      this.at += counted[0].length;
      const [least, most] = counted[1] ? {"*": [0, Infinity], "+": [1, Infinity], "?": [0, 1]}[counted[1]]
        : [Number(counted[2]), counted[3] ? counted[4] === undefined ? Infinity : Number(counted[4]) : Number(counted[2])];
      if (most < least) throw new PatternError(`${counted[0]} ends before it begins`);
      part = {repeat: part, least, most};
    }
  }

  one() {
    const letter = this.text[this.at++];
    if (letter === "(") {
      if (this.text[this.at] === "?") {
        const kind = /^\?(?::|P?<(?![=!])[^>]{1,40}>)/.exec(this.text.slice(this.at, this.at + 48));
        if (!kind) throw new PatternError("looking ahead or behind and other special groups are not there");
        this.at += kind[0].length;
      }
      if (++this.groups > MOST_GROUPS) throw new PatternError(`more than ${MOST_GROUPS} groups`);
      const inner = this.either();
      if (this.text[this.at++] !== ")") throw new PatternError("a ( is not closed");
      return inner;
    }
    if (letter === "[") return this.set();
    if (letter === ".") return this.dots ? {negated: true, ranges: []} : {negated: true, ranges: [10, 10]};
    if (letter === "^") return {assert: this.lines ? "line" : "start"};
    if (letter === "$") return {assert: this.lines ? "lineEnd" : "end"};
    if ("*+?".includes(letter)) throw new PatternError(`${letter} repeats nothing`);
    if (letter !== "\\") return {ranges: this.both([letter.charCodeAt(0), letter.charCodeAt(0)])};
    const next = this.text[this.at];
    if (next === "b" || next === "B") { this.at++; return {assert: next}; }
    if (next === "A") { this.at++; return {assert: "start"}; }
    if (next === "z" || next === "Z") { this.at++; return {assert: "end"}; }
    return this.escape();
  }

  /** What stands after a backslash. */
  escape() {
    const letter = this.text[this.at++];
    if (letter === undefined) throw new PatternError("nothing follows the last \\");
    if (CLASSES[letter.toLowerCase()] && /[dwsh]/i.test(letter)) return {ranges: CLASSES[letter.toLowerCase()], negated: letter !== letter.toLowerCase()};
    if (/[1-9]/.test(letter)) throw new PatternError("back references are not there");
    let code = letter in ESCAPED ? ESCAPED[letter] : -1;
    const hex = /^(?:x([0-9a-f]{2})|x\{([0-9a-f]{1,4})\}|u([0-9a-f]{4}))/i.exec(this.text.slice(this.at - 1, this.at + 8));
    if (hex) { this.at += hex[0].length - 1; code = parseInt(hex[1] || hex[2] || hex[3], 16); }
    if (code < 0 && /[a-z]/i.test(letter)) throw new PatternError(`\\${letter} means nothing here`);
    if (code < 0) code = letter.charCodeAt(0);
    return {ranges: this.both([code, code])};
  }

  set() {
    const negated = this.text[this.at] === "^";
    if (negated) this.at++;
    const ranges = [];
    let first = true;
    for (; this.text[this.at] !== "]" || first; first = false) {
      if (this.at >= this.text.length) throw new PatternError("a [ is not closed");
      const low = this.member(ranges);
      if (low < 0) continue;
      let high = low;
      if (this.text[this.at] === "-" && this.text[this.at + 1] !== "]" && this.at + 1 < this.text.length) {
        this.at++;
        high = this.member(ranges);
        if (high < low) throw new PatternError("a range in [ ] ends before it begins");
      }
      ranges.push(...this.both([low, high]));
    }
    this.at++;
    return {ranges, negated};
  }

  /** A character of a set; -1 for a class, which is added to the ranges. */
  member(ranges) {
    const letter = this.text[this.at++];
    if (letter !== "\\") return letter.charCodeAt(0);
    if (this.text[this.at] === "b") { this.at++; return 8; }
    const found = this.escape();
    if (!found.negated && found.ranges.length === 2 && found.ranges[0] === found.ranges[1]) return found.ranges[0];
    if (!found.negated && this.fold && found.ranges.length === 4 && found.ranges[0] === found.ranges[1]) return found.ranges[0];
    if (found.negated) {
      let from = 0;
      for (let at = 0; at < found.ranges.length; at += 2) { ranges.push(from, found.ranges[at] - 1); from = found.ranges[at + 1] + 1; }
      ranges.push(from, 65535);
    } else ranges.push(...found.ranges);
    return -1;
  }

  /** A range of letters in both cases. */
  both([low, high]) {
    if (!this.fold) return [low, high];
    const ranges = [low, high];
    for (const [from, to, shift] of [[65, 90, 32], [97, 122, -32], [0xC0, 0xDE, 32], [0xE0, 0xFE, -32], [0x391, 0x3A9, 32], [0x3B1, 0x3C9, -32], [0x410, 0x42F, 32], [0x430, 0x44F, -32]]) {
      const [a, b] = [Math.max(low, from), Math.min(high, to)];
      if (a <= b) ranges.push(a + shift, b + shift);
    }
    return ranges;
  }

  // --- the automaton ---

  node(node) {
    if (this.nodes.push(node) > MOST_NODES) throw new PatternError("it is too large");
    return this.nodes.length - 1;
  }

  /** The node with which a part begins; behind it goes on at `next`. */
  build(part, next) {
    if (part.row) return part.row.reduceRight((after, one) => this.build(one, after), next);
    if (part.either) return this.node({split: part.either.map((one) => this.build(one, next))});
    if (part.assert) return this.node({assert: part.assert, next});
    if (part.ranges) return this.node({ranges: part.ranges, negated: Boolean(part.negated), next});
    let begin = next;
    if (part.most === Infinity) {
      begin = this.node({split: [next]});
      this.nodes[begin].split.unshift(this.build(part.repeat, begin));
    } else for (let count = part.least; count < part.most; count++) begin = this.node({split: [this.build(part.repeat, begin), next]});
    for (let count = 0; count < part.least; count++) begin = this.build(part.repeat, begin);
    return begin;
  }

  forget() {
    this.states = new Map();
    this.start = this.state([this.first], AT_START);
  }

  /** A state: nodes that may go on, and what came before. */
  state(nodes, before) {
    const key = `${before}:${nodes.join()}`;
    let found = this.states.get(key);
    if (!found) this.states.set(key, found = {nodes, before, next: new Map()});
    return found;
  }

  /** All nodes that are reached without a character; null when one of them is the end. code: the character ahead. */
  closure(state, ahead, code) {
    const [seen, open, found] = [new Set(), [...state.nodes], []];
    const [word, last] = [state.before === AT_WORD, ahead === AT_END || ahead === AT_LAST_NEWLINE];
    while (open.length) {
      const number = open.pop();
      if (seen.has(number)) continue;
      seen.add(number);
      const node = this.nodes[number];
      if (node.match) return null;
      if (node.split) open.push(...node.split);
      else if (node.ranges) found.push(node);
      else {
        const holds = {start: state.before === AT_START, line: state.before === AT_START || state.before === AFTER_NEWLINE, end: last,
          lineEnd: last || code === 10, b: word !== (ahead === AT_WORD), B: word === (ahead === AT_WORD)}[node.assert];
        if (holds) open.push(node.next);
      }
    }
    return found;
  }

  step(state, code, ahead) {
    const reached = this.closure(state, ahead, code);
    if (!reached) return null;
    const nodes = new Set([this.first]);
    for (const node of reached) {
      let inside = false;
      for (let at = 0; at < node.ranges.length && !inside; at += 2) inside = code >= node.ranges[at] && code <= node.ranges[at + 1];
      if (inside !== node.negated) nodes.add(node.next);
    }
    return this.state([...nodes].sort((a, b) => a - b), ahead === AT_WORD ? AT_WORD : code === 10 ? AFTER_NEWLINE : AT_OTHER);
  }

  /** Whether it is found anywhere in a text. */
  test(text) {
    let state = this.start;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const last = code === 10 && at === text.length - 1;
      const key = last ? 65536 : code;
      let next = state.next.get(key);
      if (next === undefined) {
        next = this.step(state, code, last ? AT_LAST_NEWLINE : isWordCode(code) ? AT_WORD : AT_OTHER);
        state.next.set(key, next);
        if (this.states.size > MOST_STATES) {
          this.forget();
          if (next) next = this.state(next.nodes, next.before);
        }
      }
      if (next === null) return true;
      state = next;
    }
    return this.closure(state, AT_END, -1) === null;
  }
}
