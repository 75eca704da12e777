
"use strict";
// The rows are data of strangers: they reach the page by textContent only, never as markup.
(() => {
  const PAGE = 100;
  const PRINTED = 2000;
  const language = document.documentElement.lang;
  const data = { words: {}, texts: [], changes: [], questions: [], skipped: [] };
  for (const block of document.querySelectorAll('script[type="application/json"]')) {
    const { words, ...lists } = JSON.parse(block.textContent);
    Object.assign(data.words, words);
    for (const [name, rows] of Object.entries(lists)) for (const row of rows) data[name].push(row);
    block.remove();
  }
  const count = new Intl.NumberFormat(language);
  const collator = new Intl.Collator(language, { numeric: true, sensitivity: "base" });
  const byId = (id) => document.getElementById(id);

  function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // --- rows into cells ---------------------------------------------------------------------------

  function side(pieces, at) {
    const tag = at ? "ins" : "del";
    const node = make("div", at ? "number come" : "number gone");
    for (const piece of pieces) {
      if (typeof piece === "string") node.append(piece);
      else if (piece[at]) node.append(make(tag, "", piece[at]));
    }
    return node;
  }

  const joined = (pieces, at) => pieces.map((p) => (typeof p === "string" ? p : p[at])).join("");

  function cardCell([name, ref]) {
    const cell = make("td");
    cell.append(make("bdi", name ? "" : "unnamed", name || data.words["no-name"]));
    const place = make("div", "ref", ref);
    place.title = ref;
    cell.append(place);
    return cell;
  }

  function changeCell(pieces) {
    const cell = make("td");
    for (const at of [0, 1]) if (joined(pieces, at)) cell.append(side(pieces, at));
    return cell;
  }

  function readingsCell(value, readings) {
    const cell = make("td");
    cell.append(make("div", "number", value));
    readings.forEach(([pieces, meaning], i) => {
      const line = make("div", "reading");
      const words = make("div");
      const number = side(pieces, 1);
      number.className = "number";
      words.append(number, make("div", "meaning", meaning));
      line.append(make("b", "", String(i + 1)), words);
      cell.append(line);
    });
    return cell;
  }

  function whyCell(numbers) {
    const cell = make("td");
    const list = make("ul", "why");
    for (const number of numbers) list.append(make("li", "", data.texts[number]));
    cell.append(list);
    return cell;
  }

  function statusCell(status, detail) {
    const cell = make("td");
    const known = Object.hasOwn(data.words, status);
    cell.append(make("span", known ? `badge ${status}` : "badge", known ? data.words[status] : status));
    if (detail) cell.append(make("div", "detail", detail));
    return cell;
  }

  const why = (numbers) => numbers.map((n) => data.texts[n]).join(" ");

  // For each list: its cells, the text to sort each column by, and what it can be filtered by.
  const KINDS = {
    changes: {
      cells: (r) => [cardCell(r), changeCell(r[2]), whyCell(r[4]), make("td", "rule-id", r[3]),
        statusCell(r[5], r[6])],
      keys: [(r) => r[0] || r[1], (r) => joined(r[2], 0), (r) => why(r[4]), (r) => r[3], (r) => r[5]],
      words: (r) => [r[0], r[1], r[3], r[6], joined(r[2], 0), joined(r[2], 1)],
      rule: (r) => r[3],
      status: (r) => r[5],
    },
    questions: {
      cells: (r) => [cardCell(r), readingsCell(r[2], r[3]), whyCell(r[5]),
        make("td", "rule-id", r[4]), statusCell(r[6], r[7])],
      keys: [(r) => r[0] || r[1], (r) => r[2], (r) => why(r[5]), (r) => r[4], (r) => r[6]],
      words: (r) => [r[0], r[1], r[4], r[2], ...r[3].map(([pieces]) => joined(pieces, 1))],
      rule: (r) => r[4],
      status: (r) => r[6],
    },
    skipped: {
      cells: (r) => [make("td", "", r[0]), make("td", "", r[1])],
      keys: [(r) => r[0], (r) => r[1]],
      words: (r) => r,
      rule: () => "",
      status: () => "",
    },
  };

  // --- search ------------------------------------------------------------------------------------

  const fold = (text) =>
    text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/đ/g, "d");
  const digits = (text) => text.replace(/[\s().\-\/]/g, "");

  function haystack(words) {
    const text = fold(words.join("\n"));
    return `${text}\n${digits(words.join("|"))}`;
  }

  function matcher(typed) {
    const text = fold(typed.trim());
    const bare = digits(text);
    const wanted = /^\+?\d+$/.test(bare) ? bare : text;
    return (hay) => !wanted || hay.includes(wanted);
  }

  // --- one long list -----------------------------------------------------------------------------

  class Grid {
    constructor(name) {
      this.name = name;
      this.kind = KINDS[name];
      this.rows = data[name];
      this.shown = this.rows;
      this.hay = null;
      this.page = 0;
      this.size = PAGE;
      this.section = byId(name);
      this.body = this.section.querySelector("tbody");
      this.pager = this.section.querySelector(".pager");
      this.sorted = null;
      sortable(this.section.querySelectorAll("th"), (column, down) => this.sort(column, down));
    }

    filter({ typed, verdict, rule, status }) {
      const unfit = this.name === "skipped" && (rule || status);
      this.section.hidden = Boolean(!this.rows.length || unfit || (verdict && verdict !== this.name));
      if (this.section.hidden) return;
      const matches = matcher(typed);
      if (typed.trim()) this.hay ??= new Map(this.rows.map((r) => [r, haystack(this.kind.words(r))]));
      this.shown = this.rows.filter((r) =>
        (!rule || this.kind.rule(r) === rule) && (!status || this.kind.status(r) === status)
        && (!typed.trim() || matches(this.hay.get(r))));
      if (this.sorted) this.arrange();
      this.page = 0;
      this.draw();
    }

    sort(column, down) {
      this.sorted = [column, down];
      this.arrange();
      this.page = 0;
      this.draw();
    }

    arrange() {
      const [column, down] = this.sorted;
      const key = this.kind.keys[column];
      const keyed = this.shown.map((row, i) => [key(row), i, row]);
      const sign = down ? -1 : 1;
      keyed.sort((a, b) => sign * collator.compare(a[0], b[0]) || a[1] - b[1]);
      this.shown = keyed.map((entry) => entry[2]);
    }

    draw() {
      const from = this.page * this.size;
      const part = this.shown.slice(from, from + this.size);
      this.body.replaceChildren(...part.map((row) => {
        const line = make("tr");
        line.append(...this.kind.cells(row));
        return line;
      }));
      if (!part.length) this.body.append(this.nothing());
      const few = this.shown.length === this.rows.length;
      this.section.querySelector("h2 small").textContent = few
        ? count.format(this.rows.length)
        : `${count.format(this.shown.length)} / ${count.format(this.rows.length)}`;
      this.drawPager(from, part.length);
    }

    nothing() {
      const line = make("tr");
      const cell = make("td", "empty", data.words.nothing);
      cell.colSpan = this.kind.keys.length;
      line.append(cell);
      return line;
    }

    drawPager(from, length) {
      const said = { from: from + 1, to: from + length, of: this.shown.length };
      const text = data.words.shown.replace(/\{(\w+)\}/g, (_, key) => count.format(said[key]));
      const last = from + length >= this.shown.length;
      const all = this.page === 0 && last;
      this.pager.replaceChildren(...(all ? [] : [
        this.turn("previous", -1, this.page === 0), make("span", "", text), this.turn("next", 1, last),
      ]));
    }

    turn(word, by, off) {
      const button = make("button", "", data.words[word]);
      button.type = "button";
      button.disabled = off;
      button.addEventListener("click", () => {
        this.page += by;
        this.draw();
        this.section.scrollIntoView({ block: "start" });
      });
      return button;
    }

    resize(size) {
      const first = this.page * this.size;
      this.size = size;
      this.page = Math.floor(first / size);
      if (!this.section.hidden) this.draw();
    }
  }

  function sortable(heads, sort) {
    heads.forEach((head, column) => {
      const button = make("button", "", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(column, down);
      });
      head.replaceChildren(button);
    });
  }

  // --- the short tables, whose rows are in the page ----------------------------------------------

  for (const table of document.querySelectorAll("table.sortable")) {
    const key = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    sortable(table.querySelectorAll("th"), (column, down) => {
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => (down ? -1 : 1) * collator.compare(key(a, column), key(b, column)));
      table.tBodies[0].append(...rows);
    });
  }

  // --- the filters -------------------------------------------------------------------------------

  const grids = Object.keys(KINDS).map((name) => new Grid(name));

  function fill(select, first, values, text) {
    const option = (value, said) => {
      const node = make("option", "", said);
      node.value = value;
      return node;
    };
    const sorted = [...values].filter(Boolean).sort(collator.compare);
    select.replaceChildren(option("", first), ...sorted.map((value) => option(value, text(value))));
  }

  const gathered = (what) => new Set(grids.flatMap((g) => g.rows.map((r) => g.kind[what](r))));
  fill(byId("rule"), data.words["all-rules"], gathered("rule"), (rule) => rule);
  fill(byId("status"), data.words["all-statuses"], gathered("status"), (s) => data.words[s] ?? s);

  function filter() {
    const chosen = { typed: byId("search").value, verdict: byId("verdict").value,
      rule: byId("rule").value, status: byId("status").value };
    for (const grid of grids) grid.filter(chosen);
  }

  let waiting = 0;
  byId("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 150);
  });
  for (const id of ["verdict", "rule", "status"]) byId(id).addEventListener("change", filter);
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("beforeprint", () => grids.forEach((grid) => grid.resize(PRINTED)));
  addEventListener("afterprint", () => grids.forEach((grid) => grid.resize(PAGE)));
  filter();
})();
