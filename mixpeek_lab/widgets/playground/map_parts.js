// Nodes of the tab "Map": its bar, the stage with the hits beside it, what stands there before.
import { METHOD_NAMES, buildBusy, buildKeys, buildStage } from "../embedding_map_frame.js";
import { freshId, h, plural } from "../nodes.js";

const MAP_KEYS = [
  ["← → ↑ ↓", "move the map"],
  ["+ − 0", "closer, farther, all of it"],
  ["J K", "the next hit, the one before"],
  ["Enter", "the document in the middle; then arrows go from point to point, Enter selects"],
  ["S", "a rectangle: arrows move it, Shift and arrows size it, Enter filters by it"],
  ["Esc", "leave, then take the filter off"],
];
const WAYS = {
  pca: "PCA: quick, and the only one that puts a query exactly where its vector is",
  umap: "UMAP: shows which documents are neighbours; takes a while",
  tsne: "t-SNE: shows small groups; takes a while",
};

/** All that the tab paints into. */
export function buildMapTab() {
  const id = freshId();
  const ui = {
    ...buildBusy(),
    which: h("select", { class: "mxp-select", "aria-label": "Vectors of the map" }),
    method: h("select", { class: "mxp-select", "aria-label": "Method of the map" }),
    color: h("select", { class: "mxp-select", "aria-label": "Colour points by" }),
    chip: h("div", { class: "mxp-asked mxp-map-chip", hidden: true }),
    banner: h("div", { class: "mxp-banner is-warning", hidden: true, role: "alert" }),
    empty: h("div", { class: "mxp-map-empty", hidden: true }),
    place: h("div", { class: "mxp-map-place" }),
    told: h("div", { class: "mxp-hint mxp-map-told" }),
    hits: h("ol", { class: "mxp-map-hits", role: "list", "aria-label": "Hits on the map" }),
    legend: h("div", { class: "mxm-legend" }),
    star: h("p", { class: "mxm-note mxp-map-star" }),
    note: h("p", { class: "mxm-note" }),
    keysId: `${id}-keys`,
  };
  ui.keys = buildKeys(ui.keysId, MAP_KEYS);
  ui.side = h("div", { class: "mxp-map-side" }, ui.told, ui.hits, ui.legend);
  ui.body = h("div", { class: "mxp-map-body", hidden: true }, ui.place, ui.side);
  ui.controls = h("div", { class: "mxp-toolbar mxp-map-bar" }, ui.which, ui.method, ui.color, ui.chip, ui.busy);
  ui.foot = h("div", { class: "mxp-map-foot", hidden: true }, ui.star, ui.note, ui.keys);
  ui.node = h("div", { class: "mxp-pad mxp-map" }, ui.controls, ui.banner, ui.empty, ui.body, ui.foot);
  return ui;
}

/** A stage in the place of the one before. */
export function freshStage(ui) {
  const parts = buildStage(ui.keysId);
  ui.place.replaceChildren(parts.stage);
  return parts;
}

/** The options of the bar, for `maps` and the fields of the one that is open. */
export function fillControls(ui, { maps, methods, fields, current, method, color }) {
  const option = (value, text) => h("option", { value }, text);
  const legs = new Set(maps.map((each) => each.leg));
  const name = (each) => (legs.size === maps.length ? each.leg : `${each.leg} · ${each.collection}`);
  ui.which.replaceChildren(...maps.map((each) => option(each.id, name(each))));
  ui.which.value = current;
  ui.which.hidden = maps.length < 2;
  ui.method.replaceChildren(...methods.map((each) => option(each, METHOD_NAMES[each] ?? each)));
  ui.method.value = method;
  ui.color.replaceChildren(option("", "Colour: none"), ...fields.map((each) => option(each, `Colour: ${each}`)));
  ui.color.value = color;
}

/** What there is to do while no map is worked out: `make(method)`. */
export function fillEmpty(ui, { map, count, methods, making, make }) {
  const ways = methods.map((name, at) => h("label", { class: "mxp-map-way" },
    h("input", { type: "radio", name: ui.keysId, value: name, checked: at === 0 }), h("span", {}, WAYS[name] ?? name)));
  const begin = h("button", { class: "mxp-button is-strong", type: "button", "data-action": "make-map", disabled: Boolean(making), onclick: () => make(ui.empty.querySelector("input:checked").value) }, "Draw the map");
  ui.empty.replaceChildren(
    h("strong", {}, `No map of ${map.feature} yet`),
    h("p", {}, `A map draws the ${plural(count, "vector")} of ${map.collection} in the plane: near points are alike. It shows where the query and its hits lie, and what you draw around becomes a filter.`),
    h("fieldset", { class: "mxp-map-ways" }, h("legend", { class: "mx-visually-hidden" }, "Method"), ways),
    h("p", { class: "mxp-hint" }, "It is worked out in the background, once for each state of the collection; go on searching meanwhile."),
    begin);
}

/** A hit's row in the list: rank, name, and what there is to say of it; `isFirst` for the Tab key. */
export function hitRow({ id, rank, name, isThere, isChosen, isFirst }, { choose, open, light }) {
  const button = h("button", { class: "mxp-map-hit", type: "button", "data-at": id, tabindex: isFirst ? 0 : -1, "aria-current": isChosen ? "true" : null, title: name, onclick: () => choose(id), onfocus: () => light(id), onmouseenter: () => light(id) },
    h("b", {}, String(rank)), h("span", {}, name), !isThere && h("i", {}, "not on this map"));
  return h("li", {}, button, isChosen && h("button", { class: "mxp-link", type: "button", "data-action": "open-hit", onclick: () => open(id) }, "Open in Results"));
}
