// The frame around the grid: title, search, chips of the filters, what is selected, actions.
import { h } from "../nodes.js";
import { filterWords } from "./filter.js";

const TYPING_PAUSE = 250;

/**
 * `code` makes the explorer again. `actions`: `search(text)`, `copy(what)`, `fold()`,
 * `unfilter(name)`, `unsort()`, `unpick()`, `retry()`.
 */
export function buildFrame({ title, code, lineage }, actions) {
  let typing = null;
  const search = h("input", {
    type: "search", class: "mxe-input mxe-search", placeholder: "Search all columns  ( / )", "aria-label": "Search all columns", spellcheck: "false",
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(() => actions.search(search.value), TYPING_PAUSE);
    },
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.key !== "Enter") return;
      clearTimeout(typing);
      actions.search(search.value);
    },
  });
  const status = h("div", { class: "mxe-status", role: "status" });
  const chips = h("div", { class: "mxe-chips" });
  const fold = h("button", { type: "button", class: "mxe-button", hidden: !lineage, "aria-pressed": "false", onclick: () => actions.fold(), title: "Columns that say where each row comes from" }, `Lineage (${lineage})`);
  const button = (what, text, hint) => h("button", { type: "button", class: "mxe-button", title: hint, onclick: () => actions.copy(what) }, text);
  const copies = [button("rows", "Copy rows", "The selected rows, or all, tab-separated (Ctrl+C)"), button("sql", "Copy SQL", "The selected rows, or all, as a query")];
  const error = h("div", { class: "mxe-error-text", role: "alert" });
  const fault = h("div", { class: "mxe-error", hidden: true }, error, h("button", { type: "button", class: "mxe-button is-small", title: "Close this, and ask again for rows that are missing", onclick: () => actions.retry() }, "Dismiss"));
  const gone = h("div", { class: "mxe-gone", role: "alert", hidden: true });
  const root = h("div", { class: "mixpeek mxe" },
    h("div", { class: "mxe-bar" }, h("span", { class: "mxe-title" }, title), search, fold, ...copies),
    h("div", { class: "mxe-bar is-second" }, status, chips), fault, gone);

  function update({ sort, filters, search: text, count, selected }, total) {
    if (document.activeElement !== search && root.getRootNode().activeElement !== search) search.value = text;
    const rows = `${total.toLocaleString("en")} row${total === 1 ? "" : "s"}`;
    const shown = count === total ? rows : `${count.toLocaleString("en")} of ${rows}`;
    status.textContent = selected ? `${shown}, ${selected.toLocaleString("en")} selected` : shown;
    const named = Object.entries(filters).map(([name, filter]) => chip(filterWords(name, filter), `Remove the filter on ${name}`, () => actions.unfilter(name)));
    if (sort.length) named.push(chip(`sorted by ${sort.map(([name, way]) => (way === "asc" ? name : `${name} descending`)).join(", ")}`, "Back to the query's own order", actions.unsort));
    if (selected) named.push(chip("selection", "Clear the selection", actions.unpick));
    chips.replaceChildren(...named);
  }

  function fail(message) {
    error.textContent = message ?? "";
    fault.hidden = !message;
  }

  /** The kernel is gone, for good. */
  function lose() {
    fail(null);
    gone.replaceChildren(...goneNodes(code));
    gone.hidden = false;
  }

  /** Say it again to whoever asks something of it. */
  function say() {
    lose();
    gone.scrollIntoView({ block: "nearest" });
  }

  return { root, search, status, fold, update, fail, lose, say };
}

function goneNodes(code) {
  const told = "The kernel that had these rows is gone: it was restarted, or it ended. The rows that were already here stay in sight.";
  if (!code) return [h("p", {}, told, " For all of them, run the cell again.")];
  const copy = h("button", {
    type: "button", class: "mxe-button is-small",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(code);
        copy.textContent = "Copied";
      } catch {
        copy.textContent = "Select it and press Ctrl+C"; // the browser lets no page write there
      }
    },
  }, "Copy");
  return [h("p", {}, told, " For all of them, run this again:"), h("div", { class: "mxe-again" }, h("pre", { class: "mxe-pre", tabindex: "0", role: "region", "aria-label": "The code", "data-lm-suppress-shortcuts": "true" }, code), copy)];
}

function chip(text, hint, onRemove) {
  return h("button", { type: "button", class: "mxe-chip", title: hint, "aria-label": `${text}: ${hint}`, onclick: onRemove }, text, h("span", { "aria-hidden": "true" }, " ×"));
}
