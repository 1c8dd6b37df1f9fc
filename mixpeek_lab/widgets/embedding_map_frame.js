// The map's frame: stage with its toolbar, card and messages; the panel beside it.
import { freshId, h } from "./nodes.js";

export const METHOD_NAMES = { pca: "PCA", umap: "UMAP", tsne: "t-SNE" };
export const KEYS = [
  ["← → ↑ ↓", "move the map"],
  ["+ − 0", "closer, farther, all of it"],
  ["Enter", "the document in the middle; then arrows go from point to point"],
  ["S", "a rectangle: arrows move it, Shift and arrows size it, Enter selects"],
  ["Esc", "leave, then clear the selection"],
];

/** The stage: canvases, card, hint and tools; `keysId` is of what explains the keys. */
export function buildStage(keysId) {
  const tool = (name, label, text) => h("button", { type: "button", class: "mxm-tool", "data-tool": name, "aria-label": label, title: label }, text);
  const ui = {
    points: h("canvas", { class: "mxm-points", "aria-hidden": "true" }),
    over: h("canvas", { class: "mxm-over", role: "img", tabindex: "0", "aria-label": "Map", "aria-describedby": keysId, "data-lm-suppress-shortcuts": "true" }),
    card: h("div", { class: "mxm-card", hidden: true, "aria-hidden": "true" }),
    hint: h("div", { class: "mxm-hint", hidden: true }),
    tools: [tool("pan", "Move the map by dragging", "Move"), tool("lasso", "Lasso: draw around points freehand", "Lasso"), tool("box", "Box: draw a rectangle around points", "Box")],
    zooms: [tool("in", "Closer", "+"), tool("out", "Farther", "−"), tool("fit", "Fit: show all points", "Fit")],
  };
  ui.stage = h("div", { class: "mxm-stage" }, ui.points, ui.over, ui.hint, ui.card,
    h("div", { class: "mxm-toolbar", role: "toolbar", "aria-label": "Map tools" },
      h("div", { class: "mxm-group" }, ui.tools), h("div", { class: "mxm-group" }, ui.zooms)));
  return ui;
}

/** What is worked out, how far it is, and a way to end it. */
export function buildBusy() {
  const ui = {
    phase: h("span", { class: "mxm-phase" }),
    fill: h("div", { class: "mxm-fill" }),
    cancel: h("button", { type: "button", class: "mxm-link" }, "Cancel"),
  };
  ui.busy = h("div", { class: "mxm-busy", hidden: true }, h("div", { class: "mxm-track" }, ui.fill), ui.phase, ui.cancel);
  return ui;
}

export function buildKeys(id, keys) {
  return h("details", { class: "mxm-keys" }, h("summary", { "data-lm-suppress-shortcuts": "true" }, "Keys"),
    h("dl", { id }, keys.map(([key, what]) => h("div", {}, h("dt", {}, key), h("dd", {}, what)))));
}

export const labelled = (name, node) => h("label", { class: "mxm-row", for: node.id }, h("span", {}, name), node);

export function buildMapFrame(about) {
  const id = freshId();
  const ui = {
    ...buildStage(`${id}-keys`),
    ...buildBusy(),
    banner: h("div", { class: "mxm-banner", hidden: true, role: "alert" }),
    color: h("select", { class: "mxm-select", id: `${id}-color` }, h("option", { value: "" }, "nothing"), about.fields.map((name) => h("option", { value: name }, name))),
    method: h("select", { class: "mxm-select", id: `${id}-method` }, about.methods.map((name) => h("option", { value: name }, METHOD_NAMES[name] ?? name))),
    query: h("input", { class: "mxm-query", type: "text", autocomplete: "off", spellcheck: "false", placeholder: "Words to find a place for …", "aria-label": "Query" }),
    starNote: h("p", { class: "mxm-note mxm-star-note", hidden: true, "aria-live": "polite" }),
    nearest: h("ol", { class: "mxm-nearest", hidden: true, role: "list", "aria-label": "Nearest documents" }),
    legend: h("div", { class: "mxm-legend" }),
    note: h("p", { class: "mxm-note" }),
    count: h("div", { class: "mxm-count" }),
    zoomTo: h("button", { type: "button", class: "mxm-link" }, "Zoom to it"),
    clear: h("button", { type: "button", class: "mxm-link" }, "Clear"),
    uses: h("p", { class: "mxm-note", hidden: true }, "In Python: ", h("code", {}, ".selected"), ", ", h("code", {}, ".filter"), ", ", h("code", {}, ".selection_sql"), " of this map."),
    hits: h("div", { class: "mxm-hits", hidden: true }),
    live: h("div", { class: "mx-visually-hidden", role: "status", "aria-live": "polite" }),
  };
  ui.actions = h("div", { class: "mxm-actions", hidden: true }, ui.zoomTo, ui.clear);
  ui.ask = h("div", { class: "mxm-ask", role: "search", hidden: !about.can_ask }, ui.query);
  ui.root = h("section", { class: "mixpeek mxm", "aria-label": `Embedding map: ${about.title}` },
    h("div", { class: "mxm-head" },
      h("div", { class: "mxm-title", title: about.title }, about.title),
      h("span", { class: "mxm-total" }, `${about.count.toLocaleString("en")} points`), ui.ask, ui.busy),
    ui.banner,
    h("div", { class: "mxm-body" }, ui.stage,
      h("div", { class: "mxm-panel", tabindex: "0", role: "group", "aria-label": "Method, colours and selection" },
        labelled("Method", ui.method), labelled("Colour by", ui.color), ui.legend, ui.hits, ui.starNote, ui.nearest,
        h("div", { class: "mxm-selection" }, ui.count, ui.actions, ui.uses),
        buildKeys(`${id}-keys`, KEYS))),
    h("div", { class: "mxm-foot" }, ui.note, about.code && h("code", { class: "mxm-code", title: "Run this to get the map again" }, about.code)),
    ui.live);
  return ui;
}
