// The grid: only the rows and columns in sight are in the page, and their nodes are used again.
import { freshId, h } from "../nodes.js";
import { cellText, fillCell, widthOf } from "./cells.js";
import { buildHeader } from "./head.js";
import { makeScroller } from "./scroller.js";

const GUTTER = 76;
const HEAD = 118; // as in grid.css: what is not in the page yet has no height
const OVERSCAN = 4;
const MOST_HEIGHT = 420;
const REST = 120;
const FITTED_ROWS = 60;

/**
 * `rows` is of rows.js. `actions`: `sort`, `filter` (see head.js), `open(row, column)`,
 * `pick(what, first, last)`, `rest(first, last, columns)` once nothing moves. `files`: row number →
 * what media_cells says.
 */
export function makeGrid({ label, rowHeight, rows, actions, files }) {
  const id = freshId();
  const corner = h("div", { class: "mxe-corner", role: "columnheader", "aria-colindex": "1" });
  const headRow = h("div", { class: "mxe-head-row", role: "row", "aria-rowindex": "1" }, corner);
  const head = h("div", { class: "mxe-head", role: "rowgroup" }, headRow);
  const body = h("div", { class: "mxe-body", role: "rowgroup" });
  const node = h("div", { class: "mxe-grid", role: "grid", tabindex: "0", "aria-label": label, "aria-multiselectable": "true", "data-lm-suppress-shortcuts": "true" }, head, body);
  node.style.setProperty("--mxe-row", `${rowHeight}px`);
  const scroller = makeScroller(node, body, head, rowHeight, paint);
  const widths = new Map();
  const headers = new Map();
  const slots = new Map();
  const spare = [];
  let columns = [];
  let lefts = [0];
  let count = 0;
  let view = { sort: [], filters: {} };
  let epoch = 0;
  let active = { row: 0, column: 0 };
  let rest = null;
  let lastTop = 0;

  const all = h("button", { type: "button", class: "mxe-all", tabindex: "-1", onclick: () => actions.pick(all.dataset.is === "all" ? "none" : "only", 0, count - 1) }, "select all");
  corner.append(all);

  // ---------------------------------------------------------------- what is shown

  function setColumns(next) {
    columns = next;
    active = { ...active, column: Math.min(active.column, Math.max(0, columns.length - 1)) };
    for (const [name, header] of headers) {
      if (columns.some((column) => column.name === name)) continue;
      header.remove();
      headers.delete(name);
    }
    node.setAttribute("aria-colcount", String(columns.length + 1));
    layOut();
  }

  function layOut() {
    lefts = [GUTTER];
    for (const column of columns) lefts.push(lefts.at(-1) + (widths.get(column.name) ?? widthOf(column)));
    for (const part of [head, body]) part.style.width = `${lefts.at(-1)}px`;
    // Those out of sight as well: where they stood before, others may stand now.
    columns.forEach((column, at) => headers.has(column.name) && place(headers.get(column.name), at));
    refresh();
  }

  /** Widths after the first rows; a column that has its width keeps it. */
  function fit() {
    const given = Array.from({ length: Math.min(count, FITTED_ROWS) }, (_, row) => rows.at(row)).filter(Boolean);
    const unknown = given.length ? columns.filter((column) => !widths.has(column.name)) : [];
    if (!unknown.length) return refresh();
    for (const column of unknown) widths.set(column.name, widthOf(column, given.map((row) => cellText(column, row.value(column.name)))));
    return layOut();
  }

  function setView(next, nextCount) {
    view = next;
    count = nextCount;
    active = { ...active, row: Math.min(active.row, count - 1) };
    node.setAttribute("aria-rowcount", String(count + 1));
    const wanted = HEAD + Math.max(1, count) * rowHeight + 16;
    node.style.height = `${Math.min(MOST_HEIGHT + (rowHeight > 40 ? 120 : 0), wanted)}px`;
    for (const header of headers.values()) header.update(view);
    scroller.setCount(count);
    refresh();
  }

  function setPicked(selected) {
    all.dataset.is = selected && selected === count ? "all" : "some";
    all.textContent = all.dataset.is === "all" ? "clear" : "select all";
    refresh();
  }

  /** Fill every cell anew with the next paint. */
  function refresh() {
    epoch += 1;
    scroller.schedule();
  }

  // ---------------------------------------------------------------- painting

  function paint() {
    if (!node.isConnected) return;
    const [first, last] = scroller.range();
    const [left, right] = columnsInSight();
    paintHead(left, right);
    const from = Math.max(0, first - OVERSCAN);
    const to = Math.min(count - 1, last + OVERSCAN);
    const by = scroller.top - lastTop;
    lastTop = scroller.top;
    rows.want(from, to, Math.abs(by) > node.clientHeight ? 0 : by < 0 ? -1 : 1);
    for (const [row, slot] of slots) {
      if (row >= from && row <= to) continue;
      slots.delete(row);
      spare.push(slot);
    }
    for (let row = from; row <= to; row += 1) paintRow(row, left, right);
    for (const slot of spare) slot.node.hidden = true;
    node.setAttribute("aria-busy", String(!rows.isIdle()));
    pointAtActive();
    clearTimeout(rest);
    rest = setTimeout(() => actions.rest(first, last, columns.slice(left, right + 1), headers), REST);
  }

  function columnsInSight() {
    const [from, to] = [node.scrollLeft + GUTTER, node.scrollLeft + node.clientWidth];
    let left = 0;
    while (left < columns.length - 1 && lefts[left + 1] < from) left += 1;
    let right = left;
    while (right < columns.length - 1 && lefts[right + 1] < to) right += 1;
    return [left, Math.min(right, columns.length - 1)];
  }

  function paintHead(left, right) {
    for (let at = left; at <= right; at += 1) {
      const column = columns[at];
      let header = headers.get(column.name);
      if (!header) {
        header = buildHeader(column, { ...actions, resize });
        header.update(view);
        headers.set(column.name, header);
      }
      place(header, at);
      if (!header.isConnected) headRow.append(header);
      header.classList.toggle("is-active", active.row === -1 && active.column === at);
    }
  }

  function place(header, at) {
    const key = `${lefts[at]}-${lefts[at + 1]}-${at}`;
    if (header.dataset.place === key) return;
    header.dataset.place = key;
    header.id = `${id}-h-${at}`;
    header.setAttribute("aria-colindex", String(at + 2));
    header.style.left = `${lefts[at]}px`;
    header.style.width = `${lefts[at + 1] - lefts[at]}px`;
  }

  function resize(column, width) {
    widths.set(column.name, width);
    layOut();
  }

  function paintRow(row, left, right) {
    let slot = slots.get(row);
    if (!slot) {
      slot = spare.pop() ?? newSlot();
      slots.set(row, slot);
      slot.node.hidden = false;
    }
    slot.node.style.transform = `translateY(${scroller.pixelOfRow(row)}px)`;
    const found = rows.at(row);
    const key = `${epoch}/${row}/${left}-${right}/${found ? found.number : "…"}`;
    if (slot.key === key) return;
    slot.key = key;
    slot.node.dataset.row = row;
    slot.node.setAttribute("aria-rowindex", String(row + 2));
    slot.node.setAttribute("aria-selected", String(Boolean(found?.isPicked)));
    slot.node.classList.toggle("is-waiting", !found && !rows.isOver);
    slot.node.classList.toggle("is-lost", !found && rows.isOver);
    slot.node.classList.toggle("is-odd", row % 2 === 1);
    slot.gutter.textContent = (row + 1).toLocaleString("en");
    fillRow(slot, row, left, right, found);
  }

  function fillRow(slot, row, left, right, found) {
    while (slot.cells.length < right - left + 1) slot.cells.push(slot.node.appendChild(h("div", { class: "mxe-cell", role: "gridcell" })));
    slot.cells.forEach((cell, at) => {
      const place = left + at;
      cell.hidden = place > right;
      if (cell.hidden) return;
      cell.id = `${id}-${row}-${place}`;
      cell.dataset.column = place;
      cell.setAttribute("aria-colindex", String(place + 2));
      cell.style.left = `${lefts[place]}px`;
      cell.style.width = `${lefts[place + 1] - lefts[place]}px`;
      cell.classList.toggle("is-active", active.row === row && active.column === place);
      if (found) fillCell(cell, columns[place], found.value(columns[place].name), files.get(found.number));
      else cell.textContent = rows.isOver && place === Math.max(left, 0) ? "not here: the kernel is gone" : "";
    });
  }

  function newSlot() {
    const gutter = h("div", { class: "mxe-gutter", role: "rowheader", "aria-colindex": "1" });
    const row = h("div", { class: "mxe-row", role: "row" }, gutter);
    body.append(row);
    return { node: row, gutter, cells: [], key: "" };
  }

  // ---------------------------------------------------------------- the active cell

  function pointAtActive() {
    const name = active.row < 0 ? `${id}-h-${active.column}` : `${id}-${active.row}-${active.column}`;
    if (node.querySelector(`[id="${name}"]`)) node.setAttribute("aria-activedescendant", name);
    else node.removeAttribute("aria-activedescendant");
  }

  /** Make a cell the active one (row -1: the header) and show it. */
  function activate(row, column) {
    active = { row: Math.max(-1, Math.min(row, count - 1)), column: Math.max(0, Math.min(column, columns.length - 1)) };
    if (active.row >= 0) scroller.reveal(active.row);
    const [from, to] = [lefts[active.column] - GUTTER, lefts[active.column + 1]];
    if (from < node.scrollLeft) node.scrollLeft = from;
    else if (to > node.scrollLeft + node.clientWidth) node.scrollLeft = Math.min(from, to - node.clientWidth);
    refresh();
  }

  body.addEventListener("click", (event) => {
    const row = Number(event.target.closest(".mxe-row")?.dataset.row ?? -1);
    if (row < 0) return;
    const cell = event.target.closest(".mxe-cell");
    node.focus({ preventScroll: true });
    if (!cell || event.shiftKey || event.ctrlKey || event.metaKey) actions.click(row, event);
    activate(row, cell ? Number(cell.dataset.column) : active.column);
  });
  body.addEventListener("dblclick", (event) => {
    const cell = event.target.closest(".mxe-cell");
    if (cell) actions.open(Number(cell.closest(".mxe-row").dataset.row), columns[Number(cell.dataset.column)]);
  });
  new ResizeObserver(() => scroller.settle()).observe(node);

  return {
    node, setColumns, setView, setPicked, refresh, fit, activate, headers,
    get active() { return active; },
    get columns() { return columns; },
    get count() { return count; },
    rowsInSight: () => scroller.rowsInSight(),
    scrollToTop: () => scroller.moveTo(0),
  };
}
