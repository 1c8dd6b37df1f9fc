// The explorer's view. Data is somebody else's text: it enters the page as text nodes only.
import { makeCalls } from "./calls.js";
import { buildDetail } from "./detail.js";
import { buildFilter } from "./filter.js";
import { buildFrame } from "./frame.js";
import { makeGrid } from "./grid.js";
import { bindKeys, passSaving } from "./keys.js";
import { watchNewer } from "./newer.js";
import { makeRows } from "./rows.js";

const PANEL_WIDTH = 264;

/** One explorer of the rows that there are now. */
function build(model, el) {
  const about = model.get("about");
  const files = new Map();
  const summaries = new Map();
  let view = { sort: [], filters: {}, search: "", version: -1, count: 0, selected: 0 };
  let wanted = view; // differs from `view` while the kernel works on it
  let isUnfolded = !about.columns.some((column) => !column.is_lineage);
  let panel = null;
  let isSummarising = false;

  const calls = makeCalls(model, { onPush: adopt, onSlow: (isSlow) => ui.root.classList.toggle("is-slow", isSlow), onGone: stay, onNews: (header) => newer.say(header) });
  const rows = makeRows(calls.ask, { onRows: () => grid.fit(), onError: tell });
  const detail = buildDetail(() => grid.node.focus({ preventScroll: true }), openRow);
  const ui = buildFrame({ title: about.title, code: about.code, lineage: about.columns.filter((column) => column.is_lineage).length }, {
    retry,
    search: (text) => text !== wanted.search && change({ search: text }).catch(tell),
    copy, fold,
    unfilter: (name) => setFilter(name, null).catch(tell),
    unsort: () => change({ sort: [] }).catch(tell),
    unpick: () => pick("none", 0, -1),
  });
  const actions = {
    sort, filter: openFilter, open, openRow, pick, copy: () => copy("rows"), rest,
    click: (row, event) => keys.click(row, event),
    search: () => ui.search.focus(),
    escape: () => (view.selected ? pick("none", 0, -1) : false),
  };
  const newer = watchNewer(ui.root, { look: calls.look, renew: () => calls.ask("renew").catch(tell) });
  const grid = makeGrid({ label: `${about.title}, ${about.total.toLocaleString("en")} rows`, rowHeight: about.row_height, rows, actions, files });
  const keys = bindKeys(grid, actions);
  ui.root.append(newer.node, grid.node, detail.node);
  passSaving(ui.root);
  ui.root.mixpeek = { grid, rows, ask: calls.ask };
  el.append(ui.root);

  // ---------------------------------------------------------------- which rows, in what order

  function tell(error) {
    if (error.isGone) ui.say();
    else ui.fail(error.message);
  }

  /** The kernel is gone: what is in sight stays, and the page says how to get all of it again. */
  function stay() {
    rows.stop();
    ui.lose();
    grid.refresh();
  }

  /** Ask once more for what was refused. */
  function retry() {
    ui.fail(null);
    for (const [name, { error }] of summaries) if (error) summaries.delete(name);
    rows.forgive();
    grid.refresh();
  }

  /** Take over what the kernel says of the view. */
  function adopt(next) {
    const isNew = next.version !== view.version;
    view = next;
    wanted = view;
    ui.fail(null);
    if (isNew) {
      rows.reset({ version: view.version, count: view.count });
      summaries.clear();
      grid.setView(view, view.count);
    }
    ui.update(view, about.total);
    grid.setPicked(view.selected);
  }

  async function change(part) {
    const mine = { ...wanted, ...part };
    wanted = mine;
    try {
      const { sort: order, filters, search } = mine;
      const next = await calls.ask("view", { sort: order, filters, search });
      if (wanted !== mine) return; // another wish came, and its answer will
      adopt(next);
    } catch (error) {
      if (wanted === mine) wanted = view;
      throw error;
    }
    grid.scrollToTop();
  }

  function setFilter(name, filter) {
    const { [name]: _, ...others } = wanted.filters;
    return change({ filters: filter ? { ...others, [name]: filter } : others });
  }

  /** Ascending, descending, not at all; with Shift beside the columns there are. */
  function sort(column, isMore) {
    const now = wanted.sort.find(([name]) => name === column.name)?.[1];
    const next = { undefined: "asc", asc: "desc", desc: null }[now];
    const others = wanted.sort.filter(([name]) => name !== column.name);
    if (!isMore) return change({ sort: next ? [[column.name, next]] : [] }).catch(tell);
    const place = now ? wanted.sort.findIndex(([name]) => name === column.name) : others.length;
    if (next) others.splice(place, 0, [column.name, next]);
    return change({ sort: others }).catch(tell);
  }

  function showColumns() {
    const shown = about.columns.filter((column) => isUnfolded || !column.is_lineage);
    rows.reset({ columns: shown });
    grid.setColumns(shown);
    ui.fold.setAttribute("aria-pressed", String(isUnfolded));
  }

  function fold() {
    isUnfolded = !isUnfolded;
    showColumns();
  }

  // ---------------------------------------------------------------- once nothing moves

  function rest(first, last, columns, headers) {
    summarise(columns, headers);
    if (about.columns.some((column) => column.is_media)) showFiles(first, last);
  }

  /** The summaries of the columns in sight, one after the other. */
  async function summarise(columns, headers) {
    if (isSummarising) return;
    isSummarising = true;
    try {
      for (const column of columns) {
        const version = view.version;
        if (!summaries.has(column.name)) {
          const found = await calls.ask("summary", { column: column.name }).catch(({ message }) => ({ error: message }));
          if (calls.isGone) return;
          if (version !== view.version) break;
          summaries.set(column.name, found);
        }
        const header = headers.get(column.name);
        if (header && header.summary !== summaries.get(column.name)) header.summarise(summaries.get(column.name));
      }
    } finally {
      isSummarising = false;
    }
    if (columns.some((column) => !summaries.has(column.name))) grid.refresh();
  }

  async function showFiles(first, last) {
    const numbers = [];
    for (let row = first; row <= last; row += 1) {
      const found = rows.at(row);
      if (found && !files.has(found.number)) numbers.push(found.number);
    }
    if (!numbers.length) return;
    for (const number of numbers) files.set(number, null);
    try {
      const found = await calls.ask("media", { rows: numbers });
      for (const [number, file] of Object.entries(found)) files.set(Number(number), file);
    } catch (error) {
      tell(error);
    }
    grid.refresh();
  }

  // ---------------------------------------------------------------- panels

  function closePanel() {
    panel?.remove();
    panel = null;
    ui.root.style.minHeight = "";
    grid.node.focus({ preventScroll: true });
  }

  function openFilter(column, anchor) {
    const isSame = panel?.dataset.column === column.name;
    if (panel) closePanel();
    if (isSame) return;
    panel = buildFilter(column, view.filters[column.name], summaries.get(column.name), {
      onApply: (filter) => setFilter(column.name, filter),
      onClose: closePanel,
    });
    panel.dataset.column = column.name;
    const [outer, box, top] = [ui.root.getBoundingClientRect(), (anchor.closest(".mxe-col") ?? anchor).getBoundingClientRect(), grid.node.getBoundingClientRect()];
    panel.style.left = `${Math.max(6, Math.min(box.left - outer.left, outer.width - PANEL_WIDTH - 6))}px`;
    panel.style.top = `${top.top - outer.top + 56}px`;
    ui.root.append(panel);
    ui.root.style.minHeight = `${panel.offsetTop + panel.offsetHeight + 8}px`; // a short table has room too
    panel.focusFirst();
  }

  async function open(row, column) {
    const found = rows.at(row);
    if (!found) return;
    try {
      detail.show(column, row, await calls.ask("cell", { row: found.number, column: column.name }));
    } catch (error) {
      tell(error);
    }
  }

  /** All fields of a row, folded columns too, in the order that they have. */
  async function openRow(row) {
    const found = rows.at(row);
    if (!found) return;
    try {
      const fields = [];
      for (const column of about.columns) fields.push([column, await calls.ask("cell", { row: found.number, column: column.name })]);
      detail.showRow(row, fields);
    } catch (error) {
      tell(error);
    }
  }

  // ---------------------------------------------------------------- rows to take along

  async function pick(what, first, last) {
    if (!calls.isGone) rows.pick(what, first, last);
    grid.refresh();
    try {
      const { selected } = await calls.ask("select", { what, first, last });
      view = { ...view, selected };
      ui.update(view, about.total);
      grid.setPicked(selected);
    } catch (error) {
      tell(error);
    }
  }

  async function copy(what) {
    try {
      const names = grid.columns.map((column) => column.name);
      const { text, rows: count } = await calls.ask("copy", { what, columns: names });
      await navigator.clipboard.writeText(text);
      ui.status.textContent = count === null ? "SQL copied" : `${count.toLocaleString("en")} rows copied`;
    } catch (error) {
      tell(error);
    }
  }

  showColumns();
  calls.ask("state").then((state) => {
    if (state.version !== view.version) adopt(state);
  }).catch(tell);
  return {
    focus: () => grid.node.focus({ preventScroll: true }),
    close() {
      calls.close();
      detail.free();
      newer.close();
    },
  };
}

function render({ model, el }) {
  let shown = build(model, el);
  // Read anew: other rows, and maybe other columns.
  const rebuild = () => {
    const hadFocus = el.contains(document.activeElement);
    shown.close();
    el.replaceChildren();
    shown = build(model, el);
    if (hadFocus) shown.focus();
  };
  model.on("change:about", rebuild);
  return () => {
    model.off("change:about", rebuild);
    shown.close();
  };
}

export default { render };
