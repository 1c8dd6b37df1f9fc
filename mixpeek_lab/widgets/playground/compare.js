// The panel that puts the pinned baseline beside what stands now.
import { h, keepingFocus, s } from "../nodes.js";
import { settingsWords } from "./baseline.js";
import { jaccard, rankBiasedOverlap } from "./overlap.js";

const COMPARED_ROW = 26;
const BETWEEN = 120;

/** The panel of the tab "Compare"; gives {node, paint()}. */
export function makeCompare(app, baseline, onPick) {
  const { state } = app;
  const body = h("div");
  const node = h("div", { class: "mxp-pad" }, body);

  function paint() {
    keepingFocus(body, () => body.replaceChildren(...(baseline.pinned() ? compared() : invitation())));
  }

  function invitation() {
    return [
      h("div", { class: "mxp-empty" }, h("strong", {}, "Nothing to compare with yet"),
        "Pin the settings as they stand, then move a weight, another filter or another query: both orders stand side by side.",
        h("div", { class: "mxp-empty-action" }, pinButton("Pin these settings"), h("span", { class: "mxp-hint" }, " or Ctrl+Enter in the query box"))),
    ];
  }
  const pinButton = (text) => h("button", { class: "mxp-button is-strong", type: "button", "data-action": "pin", onclick: baseline.pin }, text);

  function compared() {
    const before = baseline.hits();
    const settings = baseline.pinned();
    const head = h("div", { class: "mxp-sides" },
      side("Baseline", settingsWords(settings)),
      side("Now", settingsWords({ ...app.choice(), filters: state.filters })));
    const bar = h("div", { class: "mxp-toolbar" },
      h("button", { class: "mxp-button", type: "button", "data-action": "load", onclick: () => app.load(settings) }, "Go back to the baseline"),
      pinButton("Pin these instead"),
      h("button", { class: "mxp-button", type: "button", "data-action": "unpin", onclick: baseline.unpin }, "Unpin"));
    if (!before) return [head, h("div", { class: "mxp-empty" }, "Asking for the baseline’s results …"), bar];
    return [head, measures(before), pairs(before), bar];
  }

  function side(name, words) {
    return h("div", {}, h("div", { class: "mxp-label" }, name), h("div", { class: "mxp-side-words" }, words));
  }

  function measures(before) {
    const [a, b] = [before.hits, state.hits].map((hits) => hits.map((hit) => hit.document_id));
    const common = a.filter((id) => b.includes(id)).length;
    const top = a[0] === b[0] ? "the same" : "another";
    const facts = [
      [`Jaccard@${app.model.get("limit")}`, jaccard(a, b).toFixed(2), "shared documents over all documents of both"],
      ["RBO", rankBiasedOverlap(a, b).toFixed(2), "rank-biased overlap, p = 0.9: the first ranks count most"],
      ["common", String(common)], ["only baseline", String(a.length - common)], ["only now", String(b.length - common)], ["first", top],
    ];
    return h("dl", { class: "mxp-facts" }, facts.map(([name, value, title]) => h("div", { title }, h("dt", {}, name), h("dd", {}, value))));
  }

  function pairs(before) {
    const [a, b] = [before.hits, state.hits];
    const now = rankMap(state);
    const then = rankMap(before);
    const depth = Math.max(a.length, b.length);
    const places = new Map(b.map((hit, at) => [hit.document_id, at]));
    const y = (at) => (at + 0.5) * COMPARED_ROW;
    const drawing = s("svg", { width: BETWEEN, height: depth * COMPARED_ROW, viewBox: `0 0 ${BETWEEN} ${depth * COMPARED_ROW}`, preserveAspectRatio: "none", "aria-hidden": "true", class: "mxp-between" });
    a.forEach((hit, from) => {
      if (!places.has(hit.document_id)) return;
      const to = places.get(hit.document_id);
      const tone = to < from ? "is-up" : to > from ? "is-down" : "";
      drawing.append(s("path", { d: `M0 ${y(from)}C${BETWEEN / 2} ${y(from)} ${BETWEEN / 2} ${y(to)} ${BETWEEN} ${y(to)}`, class: `mxp-pair ${tone}`, "data-id": hit.document_id }));
    });
    const left = a.map((hit) => item(hit, places.has(hit.document_id) ? null : toldNow(now.get(hit.document_id)), "baseline", before.payload));
    const known = new Set(a.map((hit) => hit.document_id));
    const right = b.map((hit) => item(hit, known.has(hit.document_id) ? null : toldThen(then.get(hit.document_id)), "now"));
    return h("div", { class: "mxp-pairs" }, h("ol", { "aria-label": "Baseline" }, left), drawing, h("ol", { "aria-label": "Now" }, right));
  }

  function item(hit, note, where, payload = state.payload) {
    return h("li", { class: note ? "is-unique" : "" }, h("button", { class: "mxp-lines-name", type: "button", "data-id": hit.document_id, disabled: where === "baseline", onclick: () => onPick(hit.document_id), onmouseenter: () => light(hit.document_id), onmouseleave: () => light(null), onfocus: () => light(hit.document_id), onblur: () => light(null) },
      h("b", {}, String(hit.rank)), h("span", { class: "mxp-lines-title", title: app.titleOf(hit.document_id, payload) }, app.titleOf(hit.document_id, payload)), note && h("span", { class: "mxp-note" }, note)));
  }

  function light(id) {
    for (const path of body.querySelectorAll(".mxp-pair")) path.classList.toggle("is-lit", path.dataset.id === id);
  }

  app.on("baseline", () => node.offsetParent && paint());
  return { node, paint };
}

const rankMap = ({ ranking, hits }) => new Map([...ranking.map((each, at) => [each.id, at + 1]), ...hits.map((hit) => [hit.document_id, hit.rank])]);
const toldNow = (rank) => (rank ? `now ${rank}` : "gone");
const toldThen = (rank) => (rank ? `was ${rank}` : "new");
