// Filters: words, or the display-filter fields that exchanges have. Compiled to a function of the exchange's number.
//
//   http.response.code >= 400        status: 4xx        host: example        not type: image
//   http.request.method == "POST" and time > 200ms      error      retransmissions

const NUMBERS = {
  "http.response.code": (i) => report.core.exchanges.status[i], "frame.number": (i) => report.core.exchanges.first[i],
  "tcp.stream": (i) => report.core.exchanges.stream[i], "http.time": (i) => report.core.exchanges.d6[i],
  "sniff.duration": (i) => report.total[i], size: (i) => report.core.exchanges.rbytes[i],
  "tcp.srcport": (i) => report.core.exchanges.port[i],
  "sniff.request.body_bytes": (i) => report.core.exchanges.qbytes[i],
};
for (const phase of PHASES) NUMBERS[`sniff.phases.${phase}`] = (i) => phasesOf(i)[phase];
const TEXTS = {
  "http.host": hostOf, "http.request.method": methodOf, "http.request.full_uri": urlOf,
  "http.request.uri": (i) => report.core.exchanges.path[i], "http.content_type": typeOf, "sniff.state": stateOf,
};
const FLAGS = {
  error: failed, failed, retransmissions: (i) => Boolean(report.core.exchanges.flags[i] & 2),
  stalled: (i) => Boolean(report.core.exchanges.flags[i] & 4), inferred: (i) => Boolean(report.core.exchanges.flags[i] & 1),
  gap: (i) => Boolean(report.core.exchanges.flags[i] & 8), slow: (i) => report.total[i] > 1e9,
};
const ALIASES = {
  status: "http.response.code", code: "http.response.code", method: "http.request.method", host: "http.host", url: "http.request.full_uri",
  path: "http.request.uri", type: "http.content_type", mime: "http.content_type", packet: "frame.number", stream: "tcp.stream",
  time: "sniff.duration", duration: "sniff.duration", state: "sniff.state", bytes: "size", "sniff.response.body_bytes": "size",
  port: "tcp.srcport", "http.request.method_name": "http.request.method", ttfb: "http.time",
};
for (const phase of PHASES) ALIASES[phase] = `sniff.phases.${phase}`;
const UNITS = {ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, min: 6e10, b: 1, kb: 1e3, mb: 1e6, gb: 1e9};
const WORDS_OF_OPERATORS = {eq: "==", ne: "!=", gt: ">", lt: "<", ge: ">=", le: "<=", contains: "contains", matches: "~"};
const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*"?)|(\(|\)|\{|\})|(==|!=|>=|<=|&&|\|\||>|<|~|=|!)|([^\s"()<>=!~{}]+))/y;

class FilterError extends Error {}

const fieldOf = (word) => {
  const name = ALIASES[word.toLowerCase()] || word.toLowerCase();
  return name in NUMBERS || name in TEXTS ? name : null;
};

/** {test(i), needsDetails}: a filter as a function. Raises FilterError with words for people. */
function compile(text, details) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) break;
    tokens.push(match[1] !== undefined ? {text: match[1].replace(/^"|"$/g, "").replace(/\\(.)/g, "$1"), quoted: true}
      : {text: match[2] || match[3] || match[4], sign: Boolean(match[2] || match[3])});
  }
  let at = 0;
  let needsDetails = false;
  const peek = () => tokens[at];
  const isWord = (...words) => peek() && !peek().quoted && words.includes(peek().text.toLowerCase());

  function either() {
    const parts = [both()];
    while (isWord("or", "||")) { at++; parts.push(both()); }
    return parts.length === 1 ? parts[0] : (i) => parts.some((part) => part(i));
  }
  function both() {
    const parts = [one()];
    while (peek() && !isWord(")", "or", "||")) {
      if (isWord("and", "&&")) at++;
      parts.push(one());
    }
    return parts.length === 1 ? parts[0] : (i) => parts.every((part) => part(i));
  }
  function one() {
    const token = peek();
    if (!token) throw new FilterError("something is missing at the end");
    if (isWord("not", "!")) { at++; const inner = one(); return (i) => !inner(i); }
    if (isWord("(")) {
      at++;
      const inner = either();
      if (!isWord(")")) throw new FilterError("a bracket is not closed");
      at++;
      return inner;
    }
    at++;
    if (token.sign && !token.quoted) throw new FilterError(`what stands before ${token.text}?`);
    return token.quoted ? contains(token.text) : term(token.text);
  }
  function term(word) {
    const colon = word.indexOf(":");
    const key = colon > 0 ? word.slice(0, colon).toLowerCase() : "";
    if (colon > 0 && (fieldOf(key) || key === "header" || key === "body") && !word.startsWith("//", colon + 1)) {
      let value = word.slice(colon + 1);
      if (!value) {
        if (!peek()) return () => true;
        value = tokens[at++].text;
      }
      if (key === "header" || key === "body") return inDetails(key, value);
      const name = fieldOf(key);
      return name in NUMBERS ? compare(name, "==", value) : like(TEXTS[name], value);
    }
    const operator = peek() && !peek().quoted ? WORDS_OF_OPERATORS[peek().text.toLowerCase()] || (peek().text === "=" ? "==" : peek().text) : "";
    if (["==", "!=", ">", "<", ">=", "<=", "~", "contains"].includes(operator)) {
      const name = fieldOf(word);
      if (!name) throw new FilterError(`no field '${word}'; there are ${Object.keys(ALIASES).slice(0, 12).join(", ")} ...`);
      at++;
      if (!peek()) throw new FilterError(`what should ${word} be compared with?`);
      return compare(name, operator, tokens[at++].text);
    }
    if (isWord("in") && fieldOf(word)) {
      at++;
      if (!isWord("{")) throw new FilterError(`${word} in {1 2 3}`);
      at++;
      const tests = [];
      while (peek() && !isWord("}")) tests.push(compare(fieldOf(word), "==", tokens[at++].text.replace(/,$/, "")));
      at++;
      return (i) => tests.some((test) => test(i));
    }
    if (word.toLowerCase() in FLAGS) return FLAGS[word.toLowerCase()];
    const name = fieldOf(word);
    if (name && word.includes(".")) return name in NUMBERS ? (i) => NUMBERS[name](i) > 0 : (i) => TEXTS[name](i) !== "";
    return contains(word);
  }
  function compare(name, operator, text) {
    if (name in TEXTS) {
      const read = TEXTS[name];
      const value = text.toLowerCase();
      if (operator === "==") return (i) => read(i).toLowerCase() === value;
      if (operator === "!=") return (i) => read(i).toLowerCase() !== value;
      if (operator === "contains") return (i) => read(i).toLowerCase().includes(value);
      if (operator === "~") { const pattern = regular(text); return (i) => pattern.test(read(i)); }
      throw new FilterError(`${name} is a text: == != contains ~`);
    }
    const read = NUMBERS[name];
    const group = /^([1-9])xx$/i.exec(text);
    if (group) {
      const digit = Number(group[1]);
      return operator === "!=" ? (i) => Math.floor(read(i) / 100) !== digit : (i) => Math.floor(read(i) / 100) === digit;
    }
    const match = /^(-?[0-9][0-9._]*)([a-zµ]*)$/i.exec(text);
    const unit = match ? match[2].toLowerCase() : "";
    if (!match || (unit && !(unit in UNITS))) throw new FilterError(`'${text}' is no number`);
    const isTime = name.startsWith("sniff.phases") || name === "sniff.duration" || name === "http.time";
    const value = Number(match[1].replaceAll("_", "")) * (unit ? UNITS[unit] : isTime ? 1e9 : 1);
    const tests = {"==": (a) => a === value, "!=": (a) => a !== value, ">": (a) => a > value, "<": (a) => a < value,
      ">=": (a) => a >= value, "<=": (a) => a <= value};
    const test = tests[operator];
    if (!test) throw new FilterError(`${name} is a number: == != > < >= <=`);
    return (i) => test(read(i));
  }
  function regular(text) {
    try { return new RegExp(text, "i"); } catch { throw new FilterError(`'${text}' is no regular expression`); }
  }
  function like(read, text) {
    const value = text.toLowerCase();
    return (i) => read(i).toLowerCase().includes(value);
  }
  function contains(text) {
    const value = text.toLowerCase();
    return (i) => urlOf(i).toLowerCase().includes(value) || methodOf(i).toLowerCase() === value || typeOf(i).toLowerCase().includes(value)
      || String(report.core.exchanges.status[i]) === value || stateOf(i) === value;
  }
  function inDetails(key, text) {
    needsDetails = true;
    const value = text.toLowerCase();
    return (i) => {
      const found = details && details[i];
      if (!found) return false;
      return [found.q, found.r].some((message) => message && (key === "header"
        ? message.h.some(([name, content]) => name.toLowerCase().includes(value) || `${name}: ${content}`.toLowerCase().includes(value))
        : message.b && JSON.stringify(message.b.t || "").toLowerCase().includes(value)));
    };
  }

  if (!tokens.length) return {test: null, needsDetails: false};
  const test = either();
  if (at < tokens.length) throw new FilterError(`what does '${tokens[at].text}' mean here?`);
  return {test, needsDetails};
}
