// Filters: the display filters of `sniff -Y` and Wireshark, over the rows of a table of this page; or simply words.
//
//   http.response.code >= 400 and ip.addr == 10.0.0.0/8        http.host matches "\.example\.(com|org)$"
//   http.request.method in {"PUT", "POST"} and not http.header.x-request-id        sniff.wait > 200ms
//   status: 4xx        host: example        error        logo        http.host[0:3] == "www"        frame.len - 20 > 1000
//
// A schema says what there is to ask about: {fields: {name: {type, get(row), hint, ...}}, short: {name: field}, flags: {word: test(row)},
// words(row, text)}. get gives a value, a list of them, or undefined. A filter becomes a function of the number of a row.

class FilterError extends Error {
  constructor(message, at, end, instead) { super(message); Object.assign(this, {at, end, instead}); }
}

const TYPES = {number: "a number", span: "a duration", text: "a text", address: "an address", flag: "true or false", bytes: "a number of bytes"};
const OPERATORS = {eq: "==", any_eq: "==", ne: "!=", all_ne: "!=", all_eq: "===", any_ne: "!==", gt: ">", ge: ">=", lt: "<", le: "<=", contains: "contains", matches: "matches",
  not: "not", and: "and", or: "or", xor: "xor", in: "in", any: "any", all: "all"};
const SIGNS = {"===": "===", "!==": "!==", "==": "==", "!=": "!=", "~=": "!==", ">=": ">=", "<=": "<=", "&&": "and", "||": "or", "^^": "xor", ">": ">", "<": "<", "~": "matches",
  "=": "==", "!": "not", "(": "(", ")": ")", "{": "{", "}": "}", ",": ","};
const COMPARISONS = new Set(["==", "!=", "===", "!==", ">", "<", ">=", "<="]);
const MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="};
const FUNCTIONS = {len: "number", count: "number", lower: "text", upper: "text", string: "text"};
const SPACES = /^(?:ip|ipv6|tcp|udp|http|http2|dns|frame|eth|vlan|arp|icmp|icmpv6|sniff|_ws|mdns|tls|data|sll)\./;
const SECONDS = {ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, min: 6e10, h: 3.6e12};
const SIZES = {b: 1, kb: 1e3, mb: 1e6, gb: 1e9, k: 1e3, m: 1e6, g: 1e9, kib: 1024, mib: 1 << 20, gib: 2 ** 30};
const MOST_LEVELS = 60;

/** The tokens of a filter, with their places; the last one is of kind "end". */
function tokensOf(text) {
  const pattern = /\s*(?:(r?"(?:[^"\\]|\\.)*")|(===|!==|==|!=|~=|>=|<=|&&|\|\||\^\^|[><~=!(){},])|((?:\[[-\d:, ]*\]|(?!&&|\|\|)[^\s"(){}<>=!~,])+)|("))/sy;
  const found = [];
  let match;
  while ((match = pattern.exec(text))) {
    const [end, raw] = [pattern.lastIndex, match[1] || match[2] || match[3] || match[4]];
    const place = {at: end - raw.length, end};
    if (match[4]) throw new FilterError("this text has no closing quote", place.at, text.length);
    if (match[1]) found.push({kind: "string", raw, text: raw[0] === "r" ? raw.slice(2, -1) : unescaped(raw.slice(1, -1)), ...place});
    else if (match[2]) found.push({kind: "sign", raw, text: SIGNS[raw], ...place});
    else {
      const word = raw.toLowerCase();
      found.push(Object.hasOwn(OPERATORS, word) ? {kind: "keyword", raw, text: OPERATORS[word], ...place} : {kind: "word", raw, text: raw, ...place});
    }
  }
  found.push({kind: "end", raw: "", text: "", at: text.length, end: text.length});
  return found;
}

const ESCAPES = {n: "\n", t: "\t", r: "\r", a: "\x07", f: "\f", v: "\v"};
/** A text between quotes. A backslash that stands before nothing special stays, so that "\." may be written in regular expressions. */
const unescaped = (text) => text.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/gs, (all, hex, more, letter) => hex || more ? String.fromCharCode(parseInt(hex || more, 16))
  : letter === '"' || letter === "\\" ? letter : ESCAPES[letter] || all);
const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** The field of a schema with a name; undefined when there is none. */
function fieldOf(schema, word) {
  const name = word.toLowerCase();
  const full = Object.hasOwn(schema.short, name) ? schema.short[name] : name;
  if (Object.hasOwn(schema.fields, full)) return schema.fields[full];
  return schema.more ? schema.more(full) : undefined;
}

/** {test(row), needsDetails}; test is null for an empty filter. Raises FilterError, which knows the place. */
function compile(text, schema) {
  return new Compiler(text, schema).compile();
}

/** What slices and arithmetic make of fields. */
const ARITHMETIC = {"+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => b ? a / b : undefined, "%": (a, b) => b ? a % b : undefined,
  "&": (a, b) => Number(BigInt(Math.trunc(a)) & BigInt(Math.trunc(b)))};
const LEVELS = [["&"], ["+", "-"], ["*", "/", "%"]];
const NUMERIC = new Set(["number", "span", "bytes"]);
const SLICE = /^(.*?)((?:\[[^\]]*\])+)$/s;
const MOST_OPERATORS = 100;

/** The bytes of a text or of an address, one character for each, as slices cut them. */
function bytesOf(type, value) {
  if (type !== "address") return Array.from(new TextEncoder().encode(String(value)), (byte) => String.fromCharCode(byte)).join("");
  const address = addressOf(value);
  if (!address) return "";
  const hex = address.value.toString(16).padStart(address.bits / 4, "0");
  return hex.replace(/../g, (byte) => String.fromCharCode(parseInt(byte, 16)));
}

/** Some bytes of a value, or undefined where it has not all of them. parts: [[start, length or undefined, last or undefined]] */
function cut(value, parts) {
  let found = "";
  for (const [from, length, last] of parts) {
    const start = from >= 0 ? from : value.length + from;
    const stop = last !== undefined ? (last >= 0 ? last : value.length + last) + 1 : length === undefined ? value.length : start + length;
    if (start < 0 || start >= stop || stop > value.length) return undefined;
    found += value.slice(start, stop);
  }
  return found;
}

class Compiler {
  constructor(text, schema) {
    Object.assign(this, {text, schema, tokens: tokensOf(text), at: 0, level: 0, needsDetails: false});
  }

  compile() {
    if (this.next.kind === "end") return {test: null, needsDetails: false};
    const test = this.joined(["or", "xor", "and"]);
    if (this.next.kind !== "end") throw this.unexpected();
    return {test, needsDetails: this.needsDetails};
  }

  get next() { return this.tokens[this.at]; }
  is(...operators) { return (this.next.kind === "sign" || this.next.kind === "keyword") && operators.includes(this.next.text); }
  take() { return this.tokens[this.at++]; }
  wrong(message, token, instead) { return new FilterError(message, token.at, Math.max(token.end, token.at + 1), instead); }
  unexpected() {
    const token = this.next;
    return token.kind === "end" ? this.wrong("something is missing at the end", token) : this.wrong(`'${token.raw}' was not expected here`, token);
  }
  deeper(token) { if (++this.level > MOST_LEVELS) throw this.wrong(`this is nested more than ${MOST_LEVELS} levels deep`, token); }

  joined([operator, ...others]) {
    if (!operator) return this.test();
    const parts = [this.joined(others)];
    for (;;) {
      if (this.is(operator)) this.take();
      else if (operator !== "and" || this.next.kind === "end" || this.is(")", "or", "xor", "}", ",")) break;      // words side by side mean both
      parts.push(this.joined(others));
    }
    if (parts.length === 1) return parts[0];
    if (operator === "or") return (i) => parts.some((part) => part(i));
    if (operator === "and") return (i) => parts.every((part) => part(i));
    return (i) => parts.reduce((one, part) => one !== part(i), false);
  }

  test() {
    const token = this.next;
    if (this.is("not")) {
      this.take();
      this.deeper(token);
      const inner = this.test();
      this.level--;
      return (i) => !inner(i);
    }
    if (this.is("(")) {
      this.take();
      this.deeper(token);
      const inner = this.joined(["or", "xor", "and"]);
      if (!this.is(")")) throw this.wrong(this.next.kind === "end" ? "a ) is missing here" : `'${this.next.raw}' was not expected here`, this.next);
      this.take();
      this.level--;
      return inner;
    }
    return this.relation();
  }

  relation() {
    let all;
    const quantifier = this.next;
    const after = this.tokens[this.at + 1];
    if (this.is("any", "all") && after && after.kind === "word" && fieldOf(this.schema, after.text)) all = this.take().text === "all";
    const token = this.take();
    if (token.kind === "string" || (token.kind === "keyword" && !COMPARISONS.has(token.text) && !["and", "or", "xor"].includes(token.text) && !this.startsComparison())) {
      return this.reversed(token) || this.words(token.kind === "string" ? token.text : token.raw);
    }
    if (token.kind !== "word") {
      if (token.kind === "end") throw this.wrong("something is missing at the end", token);
      throw this.wrong(COMPARISONS.has(token.text) || ["contains", "matches", "in"].includes(token.text) ? `a field is needed before '${token.raw}'` : `'${token.raw}' was not expected here`, token);
    }
    const short = this.shortForm(token);
    if (short) return short;
    const constant = this.constantBefore(token);
    let field = constant || this.operand(token);
    const flag = Object.hasOwn(this.schema.flags, token.text.toLowerCase()) ? this.schema.flags[token.text.toLowerCase()] : undefined;
    if (!field || (flag && !this.startsComparison())) {
      if (flag) return flag;
      if (this.startsComparison()) {
        const turned = this.reversed(token);
        if (turned) return turned;
        if (!this.is("in", "not", "contains", "matches") || SPACES.test(token.text)) throw this.unknown(token);
      } else if (SPACES.test(token.text.toLowerCase())) throw this.unknown(token);
      if (token.text === "any" || token.text === "all") throw this.wrong(`'${quantifier.raw}' needs a comparison`, quantifier);
      return this.words(token.text);
    }
    const masked = this.isArithmetic("&");
    field = this.calculated(field, token);
    if (field.details) this.needsDetails = true;
    if (this.next.kind === "sign" && COMPARISONS.has(this.next.text)) return this.compared(field, token, all);
    if (this.is("contains", "matches")) return this.searched(field, token, all);
    if (this.is("in")) { this.take(); return this.member(field, token, all); }
    if (this.is("not") && this.tokens[this.at + 1].text === "in" && this.tokens[this.at + 1].kind === "keyword") {
      this.at += 2;
      const inside = this.member(field, token, all);
      return (i) => !inside(i);
    }
    if (this.next.kind === "keyword" && COMPARISONS.has(this.next.text)) return this.compared(field, token, all);
    if (masked) return (i) => valuesOf(field, i).some(Boolean);
    const present = field.present || ((i) => valuesOf(field, i).length > 0);
    return field.type === "flag" ? (i) => valuesOf(field, i).some(Boolean) : present;
  }

  startsComparison() {
    return this.next.kind !== "end" && (COMPARISONS.has(this.next.text) || this.is("contains", "matches", "in"))
      || (this.is("not") && this.tokens[this.at + 1].text === "in" && this.tokens[this.at + 1].kind === "keyword");
  }

  /** 80 == tcp.port */
  reversed(token) {
    const [operator, other] = [this.next, this.tokens[this.at + 1]];
    if (!COMPARISONS.has(operator.text) || operator.kind === "string" || !other || other.kind !== "word" || (token.kind === "word" && fieldOf(this.schema, token.text))) return null;
    let field = this.named(other);
    if (!field) return null;
    this.at += 2;
    field = this.calculated(field, other);
    if (field.details) this.needsDetails = true;
    return this.values(field, MIRRORED[operator.text] || operator.text, undefined, this.literal(field, token, other));
  }

  // --- slices and arithmetic ---

  /** The field that a word names, with what is cut from it: http.host[0:3]; undefined when it names none. */
  named(token) {
    const plain = fieldOf(this.schema, token.text);
    const match = plain ? null : SLICE.exec(token.text);
    if (!match || !match[1]) return plain;
    const whole = fieldOf(this.schema, match[1]);
    return whole ? this.sliced(whole, match[2], token, token.at + match[1].length) : undefined;
  }

  /** A field, or the result of a function, and what is cut from it. */
  operand(token) {
    if (!(this.is("(") && Object.hasOwn(FUNCTIONS, token.text.toLowerCase()))) return this.named(token);
    const field = this.called(token);
    return this.next.kind === "word" && /^(?:\[[^\]]*\])+$/.test(this.next.text) ? this.sliced(field, this.next.text, this.take(), this.tokens[this.at - 1].at) : field;
  }

  sliced(field, text, token, at) {
    for (const [, inner] of text.matchAll(/\[([^\]]*)\]/g)) {
      const place = {at, end: token.end};
      if (field.type !== "text" && field.type !== "address") throw this.wrong(`only texts and addresses have slices, this is ${TYPES[field.type]}`, place);
      const parts = inner.split(",").map((part) => this.range(part.trim(), place));
      const before = field;
      field = {type: "text", raw: true, details: before.details, get: (i) => valuesOf(before, i).map((value) => cut(before.raw ? value : bytesOf(before.type, value), parts))
        .filter((value) => value !== undefined)};
    }
    return field;
  }

  /** [offset, length, last] of `0:3`, `0-2`, `5`, `:3`, `4:` or `-3:2`. */
  range(text, place) {
    const match = /^(-?\d{1,9})?(?:([:-])(-?\d{1,9})?)?$/.exec(text);
    if (!match || !/\d/.test(text)) throw this.wrong(`'${text}' is no range; [offset:length], [first-last] and [offset] are`, place);
    const [start, sign, value] = [Number(match[1] || 0), match[2], match[3] === undefined ? undefined : Number(match[3])];
    if (!sign) return [start, 1];
    if (value === undefined) return [start];
    if (sign === ":" && value <= 0) throw this.wrong("the length of a slice is at least 1", place);
    if (sign === "-" && (start < 0) === (value < 0) && value < start) throw this.wrong(`'${text}' ends before it begins`, place);
    return sign === ":" ? [start, value] : [start, undefined, value];
  }

  isArithmetic(...operators) {
    return this.next.kind === "word" && (operators.length ? operators.includes(this.next.text) : Object.hasOwn(ARITHMETIC, this.next.text));
  }

  /** The 2 of `2 * sniff.wait`: a field that is always the same; null when this is nothing of the kind. */
  constantBefore(token) {
    const other = this.tokens[this.at + 1];
    if (token.kind !== "word" || !this.isArithmetic() || !/^-?[\d.]/.test(token.text) || !other || other.kind !== "word") return null;
    const beside = this.named(other);
    return beside && NUMERIC.has(beside.type) ? this.constant(token, beside, this.next.text) : null;
  }

  constant(token, beside, operator) {
    const type = ["+", "-"].includes(operator) ? beside.type : "number";
    const {value} = this.literal({type}, token, token);
    return {type: beside.type, get: () => value};
  }

  /** A field and what is added to it, or taken away: & binds least, then + and -, then * / %. */
  calculated(field, token, levels = LEVELS) {
    if (!levels.length) return field;
    let left = this.calculated(field, token, levels.slice(1));
    while (this.isArithmetic(...levels[0])) {
      const sign = this.take();
      if ((this.operators = (this.operators || 0) + 1) > MOST_OPERATORS) throw this.wrong(`more than ${MOST_OPERATORS} operations`, sign);
      if (!NUMERIC.has(left.type)) throw this.wrong(`${token.raw} is ${TYPES[left.type]}; '${sign.text}' needs numbers`, token);
      const right = this.take();
      if (right.kind !== "word") throw this.wrong(`a number or a field is needed after '${sign.text}'`, right.kind === "end" ? sign : right);
      const other = this.calculated(this.operand(right) || this.constant(right, left, sign.text), right, levels.slice(1));
      if (!NUMERIC.has(other.type)) throw this.wrong(`${right.raw} is ${TYPES[other.type]}; '${sign.text}' needs numbers`, right);
      const [one, two, whole] = [left, other, sign.text === "/" && left.type !== "span"];
      const act = ARITHMETIC[sign.text];
      left = {type: one.type, details: one.details || two.details, get: (i) => {
        const values = valuesOf(two, i);
        return valuesOf(one, i).flatMap((a) => values.map((b) => act(a, b))).filter((value) => value !== undefined).map((value) => whole ? Math.trunc(value) : value);
      }};
    }
    return left;
  }

  words(text) {
    const wanted = text.toLowerCase();
    const {words} = this.schema;
    return (i) => words(i, wanted);
  }

  /** host: example */
  shortForm(token) {
    const colon = token.text.indexOf(":");
    if (colon < 1 || token.text.startsWith("//", colon + 1)) return null;
    const key = token.text.slice(0, colon).toLowerCase();
    const finder = this.schema.finders && Object.hasOwn(this.schema.finders, key) ? this.schema.finders[key] : null;
    const field = finder ? null : fieldOf(this.schema, key);
    if (!finder && !field) return null;
    let value = {kind: "word", text: token.text.slice(colon + 1), raw: token.text.slice(colon + 1), at: token.at + colon + 1, end: token.end};
    if (!value.text) {
      if (this.next.kind === "end") return () => true;
      if (this.next.kind === "sign") throw this.unexpected();
      value = this.take();
    }
    const text = (value.kind === "keyword" ? value.raw : value.text).toLowerCase();
    if (finder || field.details) this.needsDetails = true;
    if (finder) return (i) => finder(i, text);
    if (field.type === "text") return (i) => valuesOf(field, i).some((one) => one.toLowerCase().includes(text));
    return this.values(field, "==", undefined, this.literal(field, value, token));
  }

  called(token) {
    this.take();
    const inner = this.take();
    const field = inner.kind === "word" ? this.named(inner) : undefined;
    if (!field) throw inner.kind === "word" ? this.unknown(inner) : this.wrong("a field is needed here", inner);
    if (!this.is(")")) throw this.wrong("a ) is missing here", this.next);
    this.take();
    const name = token.text.toLowerCase();
    if (["lower", "upper"].includes(name) && field.type !== "text") throw this.wrong(`${name}() takes a text, ${inner.raw} is ${TYPES[field.type]}`, inner);
    const type = FUNCTIONS[name];
    if (name === "count") return {type, details: field.details, get: (i) => valuesOf(field, i).length};
    const change = {len: (value) => String(value).length, lower: (value) => value.toLowerCase(), upper: (value) => value.toUpperCase(), string: String}[name];
    return {type, details: field.details, get: (i) => valuesOf(field, i).map(change)};
  }

  compared(field, token, all) {
    const operator = this.take();
    const right = this.take();
    if (right.kind === "end") throw this.wrong(`what should ${token.raw} be compared with?`, operator);
    if (right.kind === "sign") throw this.wrong(`a value is needed here${field.type === "text" ? ", a text in double quotes" : ""}`, right);
    const counts = NUMERIC.has(field.type);
    let other = right.kind === "word" && (this.is("(") || (right.text.includes(".") && !/^\d/.test(right.text))) ? this.operand(right) : undefined;
    if (counts && (other || this.isArithmetic())) other = this.calculated(other || this.constant(right, field, "+"), right);
    if (other && (other.type === field.type || (counts && NUMERIC.has(other.type)))) {
      const test = COMPARE[operator.text];
      const every = all !== undefined ? all : operator.text === "!=" || operator.text === "===";
      if (other.details) this.needsDetails = true;
      return (i) => {
        const [left, values] = [valuesOf(field, i), valuesOf(other, i)];
        const pair = (one) => values[every ? "every" : "some"]((two) => test(ranked(field, one), ranked(field, two)));
        return left.length > 0 && values.length > 0 && left[every ? "every" : "some"](pair);
      };
    }
    return this.values(field, operator.text, all, this.literal(field, right, token));
  }

  /** A comparison with a literal. `!=` and `===` have to hold for every value, as with -Y; what is not there fulfils nothing. */
  values(field, operator, all, literal) {
    const every = all !== undefined ? all : operator === "!=" || operator === "===";
    const hold = literal.test ? (operator === "==" || operator === "===" ? literal.test : operator === "!=" || operator === "!==" ? (value) => !literal.test(value) : null) : null;
    const test = hold || ((value) => value !== undefined && COMPARE[operator](ranked(field, value), literal.value));
    const usable = field.family ? (value) => { const address = addressOf(value); return address !== null && address.bits === field.family; } : null;
    return (i) => {
      let values = valuesOf(field, i);
      if (usable) values = values.filter(usable);
      return every ? values.length > 0 && values.every(test) : values.some(test);
    };
  }

  searched(field, token, all) {
    const operator = this.take();
    const right = this.take();
    if (right.kind === "end") throw this.wrong(`what should ${token.raw} ${operator.text === "matches" ? "match" : "contain"}?`, operator);
    if (right.kind === "sign") throw this.wrong("a text in double quotes is needed here", right);
    if (field.type !== "text") throw this.wrong(`${token.raw} is ${TYPES[field.type]}; '${operator.raw}' looks into texts`, token);
    const word = right.kind === "keyword" ? right.raw : right.text;
    const wanted = field.raw && operator.text === "contains" ? bytesOf("text", word) : word;
    let test;
    if (operator.text === "contains") test = (value) => value.includes(wanted);
    else {
      try {
        const pattern = new Pattern(wanted);
        test = (value) => pattern.test(value);
      } catch (error) {
        if (error instanceof PatternError) throw this.wrong(`no regular expression: ${error.message}`, right);
        throw error;
      }
    }
    return all ? (i) => { const values = valuesOf(field, i); return values.length > 0 && values.every(test); } : (i) => valuesOf(field, i).some(test);
  }

  member(field, token, all) {
    if (!this.is("{")) throw this.wrong(`'in' needs a set in braces: ${token.raw} in {${EXAMPLES[field.type]}}`, this.next.kind === "end" ? this.tokens[this.at - 1] : this.next);
    this.take();
    const tests = [];
    while (!this.is("}")) {
      const item = this.take();
      if (item.kind === "end") throw this.wrong("a } is missing here", item);
      if (item.kind === "sign") throw this.wrong(`'${item.raw}' was not expected here`, item);
      const dots = item.kind === "word" ? item.text.indexOf("..") : -1;
      if (dots > 0) {
        const part = (from, to) => ({kind: "word", text: item.text.slice(from, to), raw: item.text.slice(from, to), at: item.at + from, end: item.at + to});
        const [low, high] = [part(0, dots), part(dots + 2, item.text.length)];
        const [least, most] = [this.literal(field, low, token).value, this.literal(field, high, token).value];
        tests.push((value) => { const rank = ranked(field, value); return rank >= least && rank <= most; });
      } else {
        const literal = this.literal(field, item, token);
        tests.push(literal.test || ((value) => ranked(field, value) === literal.value));
      }
      if (this.is(",")) this.take();
    }
    if (!tests.length) throw this.wrong("the set is empty", this.next);
    this.take();
    const test = (value) => tests.some((one) => one(value));
    return all ? (i) => { const values = valuesOf(field, i); return values.length > 0 && values.every(test); } : (i) => valuesOf(field, i).some(test);
  }

  /** What a literal means beside a field: {value} to compare with, or {test(value)}. */
  literal(field, token, beside) {
    const text = token.kind === "keyword" ? token.raw : token.text;
    const bad = (why) => this.wrong(why, token);
    if (field.names) {
      const named = field.names(text);
      if (named !== undefined) return {value: named};
    }
    if (field.raw) return {value: token.kind === "word" && /^[\da-f]{2}(?:[:.-][\da-f]{2})*$/i.test(text) ? text.replace(/(..)[:.-]?/g, (_, byte) => String.fromCharCode(parseInt(byte, 16))) : bytesOf("text", text)};
    if (field.type === "text") return {value: text};
    if (field.type === "flag") {
      if (/^(1|true|yes|set)$/i.test(text)) return {value: true};
      if (/^(0|false|no)$/i.test(text)) return {value: false};
      throw bad(`'${text}' is neither true nor false`);
    }
    if (field.type === "address") {
      const [address, prefix] = text.split("/");
      const found = addressOf(address);
      if (!found || (field.family && found.bits !== field.family) || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= found.bits))) {
        throw bad(`'${text}' is no ${field.family === 128 ? "IPv6 address; 2001:db8::1 and fe80::/10 are" : field.family === 32 ? "IPv4 address; 10.1.2.3 and 10.0.0.0/8 are" : "address; 10.1.2.3 and 10.0.0.0/8 are"}`);
      }
      const shift = BigInt(found.bits - (prefix === undefined ? found.bits : Number(prefix)));
      const wanted = found.value >> shift;
      return {value: found.value, test: prefix === undefined ? undefined : (value) => { const one = addressOf(value); return one !== null && one.bits === found.bits && one.value >> shift === wanted; }};
    }
    const group = /^([1-9])xx$/i.exec(text);
    if (group && field.type === "number") return {value: Number(group[1]) * 100, test: (value) => Math.floor(value / 100) === Number(group[1])};
    const units = field.type === "span" ? SECONDS : field.type === "bytes" ? SIZES : {};
    const match = /^(-?(?:0x[0-9a-f]+|\d[\d_]*(?:\.\d+)?|\.\d+))([a-zµ]*)$/i.exec(text);
    if (!match || (match[2] && !Object.hasOwn(units, match[2].toLowerCase()))) {
      throw bad(`'${text}' is no ${{number: "number", span: "duration; 0.25 (seconds) and 250ms are", bytes: "number of bytes; 1500 and 20kB are"}[field.type]}`);
    }
    const value = Number(match[1].replaceAll("_", "")) * (match[2] ? units[match[2].toLowerCase()] : field.type === "span" ? 1e9 : 1);
    return {value};
  }

  unknown(token) {
    const close = nearest(this.schema, token.text);
    const otherwise = SPACES.test(token.text) ? "" : "; a text to look for stands in double quotes";
    return this.wrong(`no field '${shortened(token.text, 60)}' here${close ? `; did you mean ${close}?` : otherwise}`, token, close);
  }
}

const EXAMPLES = {number: "80, 8000..8080", span: "0.1..0.5", text: '"GET", "HEAD"', address: "10.0.0.0/8", flag: "true", bytes: "0..1500"};
const COMPARE = {"==": (a, b) => a === b, "===": (a, b) => a === b, "!=": (a, b) => a !== b, "!==": (a, b) => a !== b, ">": (a, b) => a > b, "<": (a, b) => a < b,
  ">=": (a, b) => a >= b, "<=": (a, b) => a <= b};

/** The values of a field in a row, as a list. */
function valuesOf(field, i) {
  const value = field.get(i);
  return value === undefined || value === null || value === "" ? [] : Array.isArray(value) ? value : [value];
}

/** What a value is compared by. */
function ranked(field, value) {
  if (field.type !== "address") return value;
  const address = addressOf(value);
  return address ? address.value : undefined;
}

const addresses = new Map();
/** {bits, value} of an address; null for what is none. */
function addressOf(text) {
  let found = addresses.get(text);
  if (found === undefined) {
    found = readAddress(text);
    if (addresses.size > 20000) addresses.clear();
    addresses.set(text, found);
  }
  return found;
}

function readAddress(text) {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (four) {
    const parts = four.slice(1).map(Number);
    return parts.every((part) => part < 256) ? {bits: 32, value: BigInt(((parts[0] * 256 + parts[1]) * 256 + parts[2]) * 256 + parts[3])} : null;
  }
  if (!/^[0-9a-f:]+(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?$/i.test(text) || !text.includes(":")) return null;
  let words = text;
  const tail = /(\d{1,3}(?:\.\d{1,3}){3})$/.exec(text);
  if (tail) {
    const inner = readAddress(tail[1]);
    if (!inner) return null;
    words = text.slice(0, -tail[1].length) + `${(inner.value >> 16n).toString(16)}:${(inner.value & 0xffffn).toString(16)}`;
  }
  const halves = words.split("::");
  if (halves.length > 2) return null;
  const [left, right] = halves.map((half) => half ? half.split(":") : []);
  const groups = halves.length === 2 ? [...left, ...Array(Math.max(8 - left.length - right.length, 0)).fill("0"), ...right] : left;
  if (groups.length !== 8 || groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group)) || (halves.length === 2 && left.length + right.length > 7)) return null;
  return {bits: 128, value: groups.reduce((value, group) => value << 16n | BigInt(parseInt(group, 16)), 0n)};
}

/** The name of a field that is meant by a word that is none. */
function nearest(schema, word) {
  const wanted = word.toLowerCase();
  const part = wanted.split(".").pop();
  let [best, least] = ["", Infinity];
  for (const name of [...Object.keys(schema.fields), ...Object.keys(schema.short)]) {
    let cost = distance(wanted, name);
    if (part.length > 2 && (name.split(".").pop() === part || name === part)) cost = Math.min(cost, 1.5);
    if (cost < least) [best, least] = [name, cost];
  }
  return least <= Math.max(2, wanted.length / 3) ? best : "";
}

/** How many letters differ (Levenshtein 1966, with neighbours that changed places). */
function distance(one, other) {
  if (Math.abs(one.length - other.length) > 12 || one.length > 60) return Infinity;
  let [before, last] = [[], Array.from({length: other.length + 1}, (_, column) => column)];
  for (let row = 1; row <= one.length; row++) {
    const now = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      now[column] = Math.min(last[column] + 1, now[column - 1] + 1, last[column - 1] + (same ? 0 : 1));
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) now[column] = Math.min(now[column], before[column - 2] + 1);
    }
    [before, last] = [last, now];
  }
  return last[other.length];
}
