// The map and the search's filter: what it lets through stands out, what is drawn around goes into it.
import { united, unpackedMarks } from "../embedding_map_geometry.js";
import { h, keepingFocus, plural } from "../nodes.js";
import { documentsOf, withDocuments } from "./filters.js";

/** Documents that a lasso's filter names, at most: `MOST_CHOSEN` of map_panel.py. */
const MOST_CHOSEN = 10000;

/** For the tab `tab`; `at()` is the map that is open. {read(), by(marks, isAdding), send(ids), paint(), forget()}. */
export function makeMapFilter({ app, ui, tab, link, at, isGone, banner, failed, say }, filterForm) {
  const { state } = app;
  let shown = null; // the filter whose points stand out

  /** What the filter lets through stands out. */
  async function readPassing() {
    if (!at()?.stage) return;
    const filter = JSON.stringify(state.filters ?? null);
    if (filter === shown && at().passingOf === at().stage) return;
    shown = filter;
    at().passingOf = at().stage;
    const { bytes } = state.filters ? await link.ask({ type: "map_passing" }) : { bytes: new ArrayBuffer(0) };
    if (filter !== shown) return;
    at().stage.setMarks(bytes.byteLength ? unpackedMarks(new Uint8Array(bytes), at().count) : new Uint8Array(at().count));
    paintChip();
  }

  async function filterBy(drawn, isAdding) {
    const marks = isAdding && documentsOf(state.filters) ? united(at().stage.map.marks, drawn) : drawn;
    const within = [];
    marks.forEach((mark, point) => mark && within.push(point));
    if (!within.length) return say("No document within.");
    if (within.length > MOST_CHOSEN) return banner(`${plural(within.length, "document")} are within; a filter names ${MOST_CHOSEN.toLocaleString("en")} at most. Draw a smaller shape.`);
    banner();
    try {
      const { body } = await link.ask({ type: "map_ids", points: within });
      at().stage.setMarks(marks);
      sendFilter(body.ids);
      say(`Filter: ${plural(body.ids.length, "document")} of the map.`);
    } catch (error) {
      failed(error);
    }
  }

  /** Search with the documents of the map in the filter; null takes them off. */
  function sendFilter(ids) {
    const filters = withDocuments(state.filters, ids);
    app.search(ui.query.value, { isForced: true, changes: { filters } });
    state.filters = filters;
    filterForm.paint();
    paintChip();
  }

  function paintChip() {
    const chosen = documentsOf(state.filters);
    const marked = at()?.stage?.map.marked ?? 0;
    tab.chip.hidden = !chosen && !state.filters;
    const text = chosen ? `Filter: ${plural(chosen.length, "document")} of the map` : `${marked.toLocaleString("en")} of ${plural(at()?.count ?? 0, "point")} pass the filter`;
    const off = chosen && !isGone() && h("button", { class: "mxp-icon", type: "button", "data-action": "unlasso", "aria-label": "Take the map’s filter off", onclick: () => sendFilter(null) }, "×");
    keepingFocus(tab.chip, () => tab.chip.replaceChildren(...[h("span", {}, text), off].filter(Boolean)));
  }

  const forget = () => (shown = null);
  return { read: readPassing, by: filterBy, send: sendFilter, paint: paintChip, forget };
}
