// The hits on the map: their list, the selected one, the keys that go from one to the next.
import { keepingFocus, plural } from "../nodes.js";
import { hitRow } from "./map_parts.js";

export const documentOf = (id) => id.split("#")[0];

/** For the tab `tab`; `at()` is the map that is open, `own` what its stage lights. */
export function makeMapHits({ app, tab, own, at, say, paint }, openHit) {
  const { state } = app;

  const pointOf = (id) => (id && state.hits.some((hit) => hit.document_id === id) ? at().points.get(documentOf(id)) ?? -1 : -1);

  function describe() {
    const there = own.highlights.points.filter((point) => point >= 0).length;
    const missing = at().isLocated ? state.hits.length - there : 0;
    at().over.setAttribute("aria-label", `Map of ${plural(at().count, "document")} by ${at().shown}. ${plural(there, "hit")} on it${at().star ? ", and the query" : ""}. The list beside it names them.`);
    tab.told.textContent = state.hits.length ? `${plural(state.hits.length, "hit")}${missing ? `, ${missing} not on this map` : ""}; the better, the larger.` : "No hits.";
  }

  function paintHits() {
    const isActive = (hit) => hit.document_id === state.active;
    const first = state.hits.find(isActive) ?? state.hits[0];
    const rows = state.hits.map((hit) => ({ id: hit.document_id, rank: hit.rank, name: app.titleOf(hit.document_id), isThere: !at().isLocated || at().points.has(documentOf(hit.document_id)), isChosen: isActive(hit), isFirst: hit === first }));
    keepingFocus(tab.hits, () => tab.hits.replaceChildren(...rows.map((row) => hitRow(row, { choose, open: openHit, light }))));
  }

  /** A line for the card of a point: its rank, or that no leg found it. */
  function notesOf(point) {
    const id = [...at().points].find(([, each]) => each === point)?.[0];
    const rank = id ? state.ranking.findIndex((each) => documentOf(each.id) === id) : -1;
    const hit = id && state.hits.find((each) => documentOf(each.document_id) === id);
    if (hit) return [`Hit ${hit.rank}. Click selects it.`];
    return [rank < 0 ? "No leg found it for this query." : `Rank ${rank + 1} of ${state.ranking.length}: not shown.`];
  }

  // ------------------------------------------------------------ one hit

  /** The hit is the selected one, here and in the list of results. */
  function choose(id) {
    state.active = id;
    state.open.add(id);
    paint();
    tab.hits.querySelector(`[data-at="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "nearest" });
    say(`Selected: ${app.titleOf(id)}`);
  }

  function pick(point) {
    const hit = state.hits.find((each) => at().points.get(documentOf(each.document_id)) === point);
    if (hit) choose(hit.document_id);
    return undefined;
  }

  /** The point of a hit is marked while the pointer or the focus is on its row. */
  function light(id) {
    own.highlights = { ...own.highlights, chosen: pointOf(id) };
    at().stage.scene.scheduleOver();
  }

  function walk(by) {
    const there = state.hits.filter((hit) => at().points.has(documentOf(hit.document_id)));
    if (!there.length) return;
    const now = there.findIndex((hit) => hit.document_id === state.active);
    const next = there[Math.min(there.length - 1, Math.max(0, now + by))];
    state.active = next.document_id;
    paint();
    at().stage.stepTo(at().points.get(documentOf(next.document_id)));
  }

  tab.hits.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...tab.hits.querySelectorAll(".mxp-map-hit")];
    const next = rows[Math.min(rows.length - 1, Math.max(0, rows.findIndex((row) => row.parentNode.contains(document.activeElement)) + by))];
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  });

  tab.hits.addEventListener("mouseleave", () => at() && light(state.active));

  return { paint: paintHits, describe, pointOf, notesOf, pick, walk };
}
