// The tab "Map": the vectors behind a leg in the plane, the query as a star, its hits lit; what is drawn
// around becomes a filter. The points of all candidates are asked for once per answer: weights move
// the hits without the kernel.
import { buildLegend } from "../embedding_map_legend.js";
import { makeLink, whenKernelGoes } from "../embedding_map_link.js";
import { makeStage } from "../embedding_map_stage.js";
import { h, keepingFocus } from "../nodes.js";
import { documentsOf } from "./filters.js";
import { makeMapFilter } from "./map_filter.js";
import { documentOf, makeMapHits } from "./map_hits.js";
import { buildMapTab, fillControls, fillEmpty, freshStage } from "./map_parts.js";

const FRAMES_KEPT = 200;

/** The panel, or null where the playground was given no vectors; {node, paint()}. */
export function makeMap(app, ui, filterForm, openHit) {
  if (!app.about.offers?.includes("maps")) return null;
  const { model, state } = app;
  const tab = buildMapTab();
  const own = { highlights: {}, hidden: [], view: { x: 0, y: 0, zoom: 1 } };
  const local = { get: (name) => own[name], set: (name, value) => (own[name] = value), save_changes: () => undefined };
  const times = [];
  let given = null; // the maps there can be, the methods, the palette
  let open = null; // the one that is open: {id, leg, …, count, fields, stage, shown, points, star}
  let beginning = null;
  let isGone = false;
  let wanted = 0; // answers since the points were asked for
  let located = 0;

  const link = makeLink(model, (news) => news.push === "star" && open && putStar({ ...news.star, isLast: true }));
  const say = (text) => (ui.live.textContent = text);
  function banner(...parts) {
    if (isGone) return;
    tab.banner.replaceChildren(...parts);
    tab.banner.hidden = !parts.join("");
  }
  const failed = (error) => banner(error.message);
  const context = { app, ui, tab, own, link, at: () => open, isGone: () => isGone, banner, failed, say, paint: () => paint() };
  const hits = makeMapHits(context, openHit);
  const filter = makeMapFilter(context, filterForm);
  const isShown = () => tab.node.offsetParent !== null;

  // ------------------------------------------------------------ which map

  async function begin() {
    const { body } = await link.ask({ type: "map_offers" });
    given = body;
    if (!body.maps.length) {
      tab.controls.hidden = true;
      tab.empty.hidden = false;
      tab.empty.replaceChildren(h("strong", {}, "No map"), h("p", {}, "This retriever looks for words only: without a vector leg there is nothing to draw."));
      return;
    }
    const known = body.maps.some((each) => each.id === model.get("map_status").map);
    await openMap(known ? model.get("map_status").map : body.maps[0].id);
  }

  async function openMap(id) {
    const { body } = await link.ask({ type: "map_open", map: id, method: open?.shown ?? "" });
    open?.stage?.close();
    own.hidden = [];
    open = { ...given.maps.find((each) => each.id === id), ...body, stage: null, shown: "", points: new Map(), isLocated: false, star: null, color: "" };
    located = -1;
    filter.forget();
    tab.node.dataset.map = id;
    paintStatus();
    await locate();
  }

  /** Points are in the page: from now on the stage shows them. */
  function stageOf() {
    if (open.stage) return open.stage;
    tab.body.hidden = tab.foot.hidden = false;
    const parts = { ...freshStage(tab), root: ui.root };
    open.over = parts.over;
    open.stage = makeStage({
      model: local, ui: parts, about: { count: open.count, palette: given.palette }, banner, say,
      askDocument: (point) => link.ask({ type: "map_document", point }).then(({ body }) => body),
      onMarks: filter.by, onColours: paintLegend, notesOf: hits.notesOf, onPick: hits.pick,
      leave: () => (documentsOf(state.filters) ? filter.send(null) : false),
    });
    parts.over.addEventListener("keydown", (event) => {
      const by = { j: 1, J: 1, k: -1, K: -1 }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      hits.walk(by);
    });
    open.stage.start();
    tab.node.mixpeek = open.stage.map;
    return open.stage;
  }

  function paintStatus() {
    const status = model.get("map_status");
    if (!open || isGone) return;
    if (status.map !== open.id) {
      if (given.maps.some((each) => each.id === status.map)) openMap(status.map).catch(failed);
      return;
    }
    const isMaking = Boolean(status.phase);
    tab.busy.hidden = !isMaking;
    tab.phase.textContent = isMaking ? `${status.phase}${status.share == null ? " …" : ` ${Math.round(100 * status.share)} %`}` : "";
    tab.fill.style.width = `${100 * (status.share ?? 0)}%`;
    tab.busy.classList.toggle("is-unknown", status.share == null);
    tab.note.textContent = status.note;
    if (status.error) banner(status.error);
    tab.empty.hidden = Boolean(status.shown);
    if (!status.shown) tab.body.hidden = tab.foot.hidden = true;
    tab.method.hidden = tab.color.hidden = !status.shown;
    if (!status.shown) keepingFocus(tab.empty, () => fillEmpty(tab, { map: open, count: open.count, methods: given.methods, making: isMaking, make }));
    fillControls(tab, { ...given, fields: open.fields, current: open.id, method: status.making || status.shown, color: open.color });
    if (!status.shown || open.shown === status.shown) return;
    open.shown = status.shown;
    readPoints(status).catch(failed);
  }

  async function readPoints({ map: id, shown }) {
    const asked = open;
    const { bytes } = await link.ask({ type: "map_points", map: id, method: shown });
    if (asked !== open || open.shown !== shown) return;
    const isFirst = !open.stage;
    const stage = stageOf();
    stage.setPoints(new Float32Array(bytes));
    if (isFirst) stage.setColours({ kind: "none", entries: [], ends: [] }, new Uint8Array(open.count));
    tab.node.dataset.method = shown;
    paint();
    await Promise.all([askStar(), filter.read()]);
  }

  function make(method) {
    banner();
    link.ask({ type: "map_make", method }).catch((error) => {
      paintStatus();
      failed(error);
    });
  }

  async function recolour(field) {
    open.color = field;
    own.hidden = [];
    const [legend, codes] = await Promise.all([link.ask({ type: "map_legend", field }), link.ask({ type: "map_codes", field })]);
    if (open.color === field) open.stage?.setColours(legend.body, new Uint8Array(codes.bytes));
  }

  function paintLegend(paintOf, hidden) {
    const setHidden = (labels) => {
      own.hidden = labels;
      open.stage.scene.recolour();
    };
    const labels = () => open.stage.map.colours.entries.map((entry) => entry.label);
    const at = [...tab.legend.querySelectorAll("button")].indexOf(document.activeElement);
    tab.legend.replaceChildren(...buildLegend(open.stage?.map.colours ?? { entries: [] }, paintOf, hidden,
      (label) => setHidden(own.hidden.includes(label) ? own.hidden.filter((each) => each !== label) : [...own.hidden, label]),
      (label) => setHidden(labels().filter((each) => each !== label))));
    tab.legend.querySelectorAll("button")[at]?.focus();
  }

  // ------------------------------------------------------------ hits, the query, the filter

  /** The points of every candidate of the answer; then weights need the kernel no more. */
  async function locate() {
    if (!open || isGone) return;
    const mine = wanted;
    located = mine;
    open.isLocated = false;
    const { body } = await link.ask({ type: "map_locate" });
    if (mine !== wanted) return;
    open.points = new Map(Object.entries(body.points));
    open.like = body.like;
    open.isLocated = true;
    if (body.is_stale) banner("The collection was processed since this map was drawn. ", h("button", { class: "mxp-link", type: "button", onclick: again }, "Draw it anew"));
    paint();
    await Promise.all([askStar(), filter.read()]);
  }

  function again() {
    banner();
    openMap(open.id).catch(failed);
  }

  async function askStar() {
    if (!open?.stage) return;
    const like = open.like && open.points.get(open.like);
    if (state.like) {
      const { xy } = open.stage.map;
      putStar(like === undefined ? { how: "The document that is asked with is not on this map." } : { at: [xy[2 * like], xy[2 * like + 1]], how: "The star is the document that is asked with." });
      return;
    }
    const mine = wanted;
    const found = await link.ask({ type: "map_star" }).then(({ body }) => body, (error) => ({ how: `No star: ${error.message}` }));
    if (mine === wanted) putStar(found);
  }

  let lastTurn = 0; // of a star that came in the place of an earlier one
  function putStar({ at = null, how = "", turn = 0, isLast = false }) {
    if (turn && turn === lastTurn && !isLast) return;
    if (isLast) lastTurn = turn;
    open.star = at;
    tab.star.textContent = how;
    paint();
  }

  // ------------------------------------------------------------ painting

  function paint() {
    if (!beginning && !isGone) beginning = begin().catch((error) => {
      beginning = null;
      failed(error);
    });
    if (!open) return;
    if (located !== wanted) locate().catch(failed);
    if (!open.stage) return;
    const started = performance.now();
    own.highlights = { points: state.hits.map((hit) => open.points.get(documentOf(hit.document_id)) ?? -1), star: open.star, chosen: hits.pointOf(state.active), ranked: true };
    open.stage.scene.scheduleOver();
    hits.paint();
    filter.paint();
    hits.describe();
    times.push(performance.now() - started);
    if (times.length > FRAMES_KEPT) times.shift();
  }

  tab.which.addEventListener("change", () => openMap(tab.which.value).catch(failed));
  tab.method.addEventListener("change", () => make(tab.method.value));
  tab.color.addEventListener("change", () => recolour(tab.color.value).catch(failed));
  tab.cancel.addEventListener("click", () => link.ask({ type: "map_cancel" }).catch(failed));
  app.on("answer", ({ header }) => {
    if (!header.ok) return;
    wanted += 1;
    if (open && isShown()) locate().catch(failed);
  });
  model.on("change:map_status", paintStatus);

  const unwatch = whenKernelGoes(model, () => {
    banner("The kernel is gone: the picture stays, but nothing new can be asked. Run this for a living one: ", h("code", {}, app.about.code || "the cell above"));
    isGone = true;
    link.end("The kernel is gone.");
    tab.busy.hidden = true;
    const drawing = tab.place.querySelectorAll("[data-tool=lasso], [data-tool=box]");
    for (const control of [tab.which, tab.method, tab.color, ...drawing]) control.disabled = true;
    open?.stage?.useTool("pan");
    filter.paint();
  });
  app.closers.push(() => {
    unwatch();
    model.off("change:map_status", paintStatus);
    link.close();
    open?.stage?.close();
  });
  Object.assign(app, { mapTimes: times, mapLights: () => own.highlights, mapPending: link.pending });
  return { node: tab.node, paint };
}
