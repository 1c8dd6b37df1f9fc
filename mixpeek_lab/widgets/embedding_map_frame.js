// The map's frame: stage with its toolbar, card and messages; the panel beside it.
import { chipsOf, headingOf, pictureOf } from "./documents.js";
import { freshId, h } from "./nodes.js";

const METHOD_NAMES = { pca: "PCA", umap: "UMAP", tsne: "t-SNE" };
const KEYS = [
  ["← → ↑ ↓", "move the map"],
  ["+ − 0", "closer, farther, all of it"],
  ["Enter", "the document in the middle; then arrows go from point to point"],
  ["S", "a rectangle: arrows move it, Shift and arrows size it, Enter selects"],
  ["Esc", "leave, then clear the selection"],
];

export function buildMapFrame(about) {
  const id = freshId();
  const tool = (name, label, text) => h("button", { type: "button", class: "mxm-tool", "data-tool": name, "aria-label": label, title: label }, text);
  const ui = {
    points: h("canvas", { class: "mxm-points", "aria-hidden": "true" }),
    over: h("canvas", { class: "mxm-over", role: "img", tabindex: "0", "aria-describedby": `${id}-keys`, "data-lm-suppress-shortcuts": "true" }),
    card: h("div", { class: "mxm-card", hidden: true, "aria-hidden": "true" }),
    hint: h("div", { class: "mxm-hint", hidden: true }),
    banner: h("div", { class: "mxm-banner", hidden: true, role: "alert" }),
    color: h("select", { class: "mxm-select", id: `${id}-color` }, h("option", { value: "" }, "nothing"), about.fields.map((name) => h("option", { value: name }, name))),
    method: h("select", { class: "mxm-select", id: `${id}-method` }, about.methods.map((name) => h("option", { value: name }, METHOD_NAMES[name] ?? name))),
    legend: h("div", { class: "mxm-legend" }),
    note: h("p", { class: "mxm-note" }),
    phase: h("span", { class: "mxm-phase" }),
    fill: h("div", { class: "mxm-fill" }),
    cancel: h("button", { type: "button", class: "mxm-link" }, "Cancel"),
    count: h("div", { class: "mxm-count" }),
    zoomTo: h("button", { type: "button", class: "mxm-link" }, "Zoom to it"),
    clear: h("button", { type: "button", class: "mxm-link" }, "Clear"),
    uses: h("p", { class: "mxm-note", hidden: true }, "In Python: ", h("code", {}, ".selected"), ", ", h("code", {}, ".filter"), ", ", h("code", {}, ".selection_sql"), " of this map."),
    hits: h("div", { class: "mxm-hits", hidden: true }),
    live: h("div", { class: "mx-visually-hidden", role: "status", "aria-live": "polite" }),
  };
  ui.tools = [tool("pan", "Move the map by dragging", "Move"), tool("lasso", "Select with a freehand lasso", "Lasso"), tool("box", "Select with a rectangle", "Box")];
  ui.zooms = [tool("in", "Closer", "+"), tool("out", "Farther", "−"), tool("fit", "Show all points", "Fit")];
  ui.busy = h("div", { class: "mxm-busy", hidden: true }, h("div", { class: "mxm-track" }, ui.fill), ui.phase, ui.cancel);
  ui.actions = h("div", { class: "mxm-actions", hidden: true }, ui.zoomTo, ui.clear);
  ui.stage = h("div", { class: "mxm-stage" }, ui.points, ui.over, ui.hint, ui.card,
    h("div", { class: "mxm-toolbar", role: "toolbar", "aria-label": "Map tools" },
      h("div", { class: "mxm-group" }, ui.tools), h("div", { class: "mxm-group" }, ui.zooms)));
  const labelled = (name, node) => h("label", { class: "mxm-row", for: node.id }, h("span", {}, name), node);
  ui.root = h("section", { class: "mixpeek mxm", "aria-label": `Embedding map: ${about.title}` },
    h("div", { class: "mxm-head" },
      h("div", { class: "mxm-title", title: about.title }, about.title),
      h("span", { class: "mxm-total" }, `${about.count.toLocaleString("en")} points`), ui.busy),
    ui.banner,
    h("div", { class: "mxm-body" }, ui.stage,
      h("div", { class: "mxm-panel" },
        labelled("Method", ui.method), labelled("Colour by", ui.color), ui.legend, ui.hits,
        h("div", { class: "mxm-selection" }, ui.count, ui.actions, ui.uses),
        h("details", { class: "mxm-keys" }, h("summary", { "data-lm-suppress-shortcuts": "true" }, "Keys"),
          h("dl", { id: `${id}-keys` }, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, key), h("dd", {}, what))))))),
    h("div", { class: "mxm-foot" }, ui.note, about.code && h("code", { class: "mxm-code", title: "Run this to get the map again" }, about.code)),
    ui.live);
  return ui;
}

/** Fill the card with a document's body, or with a message. */
export function fillCard(card, body) {
  if (body.message) return card.replaceChildren(h("div", { class: "mxm-card-text" }, body.message));
  const [headingField, heading] = headingOf(body.fields, "data");
  const picture = pictureOf(body);
  const chips = chipsOf(body.fields, "data", headingField, heading).filter(([name]) => !name.startsWith("_")).slice(0, 6);
  const text = body.media || (typeof body.fields.data === "string" ? body.fields.data.replace(/\s+/g, " ").trim() : "");
  const short = text.length > 240 ? `${text.slice(0, 239)}…` : text;
  return card.replaceChildren(...[
    picture && h("img", { class: "mxm-card-picture", src: picture, alt: "" }),
    h("div", { class: "mxm-card-heading" }, heading || body.id),
    short && h("div", { class: "mxm-card-text" }, short),
    h("div", { class: "mxm-card-chips" }, chips.map(([name, value]) => h("span", {}, h("b", {}, name), ` ${value}`))),
  ].filter(Boolean));
}

/** What a screen reader says of a document. */
export function spokenCard(body) {
  if (body.message) return body.message;
  const [, heading] = headingOf(body.fields, "data");
  const text = body.media || (typeof body.fields.data === "string" ? body.fields.data.slice(0, 160) : "");
  return [heading || body.id, text].filter(Boolean).join(": ");
}

/** Put the card beside a pixel, within the stage. */
export function placeCard(card, size, px, py) {
  const width = card.offsetWidth;
  const height = card.offsetHeight;
  const left = px + 16 + width > size.width ? px - 16 - width : px + 16;
  card.style.left = `${Math.max(4, Math.min(left, size.width - width - 4))}px`;
  card.style.top = `${Math.max(4, Math.min(py - 20, size.height - height - 4))}px`;
}
