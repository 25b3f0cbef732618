// Grid: a table of any length of which only the visible rows exist. Sorted by its heads, driven by mouse and keys.

const ROW_HEIGHT = 26;

/** The width of a column of whole numbers. */
const numberWidth = (values, title = "No.") => `${20 + 8 * Math.max(number(values.reduce((most, value) => Math.max(most, value), 0)).length, title.length + 1)}px`;

class Grid {
  /**
   * label    for screen readers
   * columns  [{key, title, width (CSS grid track), from (least width of the grid in which it is shown), number, cell(id) -> text, node
   *           or [...], value(id) for sorting, hint, extra(width) -> what else stands in its head}]
   * open     (id) => called when a row is chosen
   * paint    (element, id) => gives a row its looks
   */
  constructor({label, columns, open, paint, group}) {
    this.columns = columns;
    this.open = open;
    this.paint = paint;
    this.group = group;
    this.order = [];
    this.sorted = null;
    this.active = -1;
    this.rows = new Map();
    this.head = h("div.grid-head", {role: "row", "aria-rowindex": 1});
    this.space = h("div.grid-space", {role: "rowgroup"});
    this.body = h("div.grid", {role: "grid", tabindex: 0, "aria-label": label, on: {
      scroll: () => this.draw(), keydown: (event) => this.key(event), focus: () => this.mark()}},
      h("div.grid-top", {role: "rowgroup"}, this.head), this.space);
    this.empty = h("p.empty", {hidden: true}, "Nothing matches.");
    this.element = h("div.grid-frame", null, this.body, this.empty);
    new ResizeObserver(() => this.resize()).observe(this.body);
    this.name = `g${Grid.count++}`;
    this.width = 0;
    this.heads();
  }

  static count = 0;

  get shown() {
    return this.columns.filter((column) => !column.from || this.width >= column.from);
  }

  heads() {
    const cells = this.shown.map((column, index) => {
      const by = this.sorted && this.sorted.key === column.key ? this.sorted : null;
      const attributes = {role: "columnheader", "aria-colindex": index + 1, "aria-sort": by ? by.down ? "descending" : "ascending" : column.value ? "none" : null};
      const title = [column.title, by ? h("span.arrow", {"aria-hidden": "true"}, by.down ? " ▼" : " ▲") : null];
      return h(`div.cell${column.number ? ".number" : ""}${column.name ? `.head-${column.name}` : ""}`, attributes, column.value
        ? h("button.head", {type: "button", title: column.hint || null, tabindex: 0, on: {click: () => this.sortBy(column.key)}}, title)
        : h("span", {title: column.hint || null}, title));
    });
    this.head.replaceChildren(...cells);
    this.body.style.setProperty("--tracks", this.shown.map((column) => column.width).join(" "));
    this.shown.forEach((column, index) => { if (column.extra) cells[index].append(column.extra(cells[index].clientWidth)); });
    this.body.setAttribute("aria-colcount", this.shown.length);
  }

  resize() {
    const width = this.body.clientWidth;
    if (!width) return;
    if (width !== this.width) {
      this.width = width;
      this.heads();
      this.forget();
      if (this.onResize) this.onResize();
    }
    this.draw();
  }

  /** Show these rows, in this order; a number below zero is the head of group -1 - number. */
  show(ids) {
    this.ids = ids;
    this.arrange();
  }

  arrange() {
    if (this.columns.some((column) => column.extra)) this.heads();
    let order = this.ids;
    if (this.sorted) {
      const {key, down} = this.sorted;
      const column = this.columns.find((one) => one.key === key);
      const values = new Map(order.map((id) => [id, column.value(id)]));
      const sign = down ? -1 : 1;
      order = [...order].sort((a, b) => {
        const [one, other] = [values.get(a), values.get(b)];
        return sign * (typeof one === "string" ? one.localeCompare(other) : one - other) || a - b;
      });
    }
    this.order = this.group ? this.group(order) : order;
    this.empty.hidden = this.order.length > 0;
    this.body.setAttribute("aria-rowcount", this.order.length + 1);
    this.space.style.height = `${this.order.length * ROW_HEIGHT}px`;
    this.place = new Map(this.order.map((id, index) => [id, index]));
    this.forget();
    this.draw();
  }

  sortBy(key, down) {
    const column = this.columns.find((one) => one.key === key);
    if (!column) return;
    if (down === undefined) {
      if (!this.sorted || this.sorted.key !== key) this.sorted = {key, down: Boolean(column.number && !column.rising)};
      else if (this.sorted.down === Boolean(column.number && !column.rising)) this.sorted = {key, down: !this.sorted.down};
      else this.sorted = null;
    } else this.sorted = {key, down};
    this.heads();
    this.arrange();
    this.body.scrollTop = 0;
    if (this.onSort) this.onSort(this.sorted);
    const button = this.head.querySelector(`[aria-sort="ascending"] button, [aria-sort="descending"] button`);
    if (button && down === undefined) button.focus();
  }

  forget() {
    this.rows.clear();
    this.space.replaceChildren();
  }

  draw() {
    const height = this.body.clientHeight;
    if (!height) return;
    const first = Math.max(0, Math.floor(this.body.scrollTop / ROW_HEIGHT) - 6);
    const last = Math.min(this.order.length, Math.ceil((this.body.scrollTop + height) / ROW_HEIGHT) + 6);
    for (const [index, element] of this.rows) {
      if (index < first || index >= last) {
        element.remove();
        this.rows.delete(index);
      }
    }
    const fresh = [];
    for (let index = first; index < last; index++) {
      if (!this.rows.has(index)) {
        const element = this.row(index);
        this.rows.set(index, element);
        fresh.push(element);
      }
    }
    this.space.append(...fresh);
    this.mark();
  }

  row(index) {
    const id = this.order[index];
    const element = h("div.row", {role: "row", id: `${this.name}-${index}`, "aria-rowindex": index + 2,
      on: {click: () => { this.choose(index); }}});
    element.style.top = `${index * ROW_HEIGHT}px`;
    if (index % 2) element.classList.add("odd");
    if (id < 0) {
      element.classList.add("group");
      element.append(h("div.cell.wide", {role: "gridcell", "aria-colspan": this.shown.length}, this.groupTitle(-1 - id)));
      return element;
    }
    this.shown.forEach((column, place) => {
      const cell = h(column.number ? "div.cell.number" : "div.cell", {role: "gridcell", "aria-colindex": place + 1});
      if (column.name) cell.classList.add(column.name);
      append(cell, [column.cell(id)]);
      if (!column.plain && cell.childElementCount === 0 && cell.textContent.length > 12) cell.title = cell.textContent;
      element.append(cell);
    });
    if (this.paint) this.paint(element, id);
    return element;
  }

  mark() {
    for (const [index, element] of this.rows) {
      const active = this.order[index] === this.active && this.active !== -1;
      element.classList.toggle("active", active);
      element.setAttribute("aria-selected", active);
      if (active) this.body.setAttribute("aria-activedescendant", element.id);
    }
  }

  /** The row of an id, brought into sight; false when it is not shown. */
  reveal(id) {
    const index = this.place.get(id);
    if (index === undefined) return false;
    this.active = id;
    const top = index * ROW_HEIGHT;
    const room = this.body.clientHeight - 2 * ROW_HEIGHT;
    if (top < this.body.scrollTop || top > this.body.scrollTop + room) this.body.scrollTop = Math.max(0, top - room / 2);
    this.draw();
    return true;
  }

  choose(index, quietly) {
    const id = this.order[index];
    if (id === undefined) return;
    if (id < 0) { if (!quietly && this.toggle) this.toggle(-1 - id); return; }
    this.active = id;
    const top = index * ROW_HEIGHT;
    const room = this.body.clientHeight - 2 * ROW_HEIGHT;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    else if (top > this.body.scrollTop + room) this.body.scrollTop = top - room;
    this.draw();
    if (this.open && !quietly) this.open(id);
  }

  key(event) {
    if (event.target !== this.body) return;
    const page = Math.max(1, Math.floor(this.body.clientHeight / ROW_HEIGHT) - 2);
    const now = this.place && this.place.has(this.active) ? this.place.get(this.active) : -1;
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, j: 1, k: -1};
    let next;
    if (event.key in steps && !event.ctrlKey && !event.metaKey && !event.altKey) next = now + steps[event.key];
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = this.order.length - 1;
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(Math.max(now, 0)); if (this.enter) this.enter(); return; }
    else return;
    event.preventDefault();
    next = Math.min(Math.max(next, 0), this.order.length - 1);
    const down = next > now;
    while (this.order[next] < 0 && next > 0 && next < this.order.length - 1) next += down ? 1 : -1;
    this.choose(next);
  }
}
