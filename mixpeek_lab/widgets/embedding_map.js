// The embedding map's view: what the traits say, drawn; what people do, told to the kernel.
import { boxOf, countOf, fittedTo, markInside, packedMarks, toData, toScreen, unitPixels, unpackedMarks } from "./embedding_map_geometry.js";
import { buildGrid, nearestPoint, nextPoint } from "./embedding_map_grid.js";
import { buildLegend } from "./embedding_map_legend.js";
import { buildMapFrame, fillCard, placeCard, spokenCard } from "./embedding_map_frame.js";
import { h, plural } from "./nodes.js";
import { listen } from "./embedding_map_input.js";
import { makeLink } from "./embedding_map_link.js";
import { makeScene } from "./embedding_map_scene.js";

const HOME = { x: 0, y: 0, zoom: 1 };
const REACH = 14;
/** Points drawn in the first frame of a movement; later ones take what the machine does in time. */
const FIRST_DRAWN = 250000;

function render({ model, el }) {
  const about = model.get("about");
  const ui = buildMapFrame(about);
  const map = {
    xy: new Float32Array(0), codes: new Uint8Array(0), marks: new Uint8Array(about.count), colours: { kind: "none", entries: [], ends: [] },
    view: { ...HOME, ...model.get("view") }, size: { width: 1, height: 1, ratio: 1 }, mode: "pan", near: -1, isStepping: false,
    shape: [], grid: null, marked: 0, budget: Math.min(about.count, FIRST_DRAWN), documents: new Map(), frames: [], drawn: 0,
  };
  const timers = {};
  const later = (name, wait, act) => {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(act, wait);
  };
  const link = makeLink(model, (news) => news.push === "selection" && readSelection());
  const scene = makeScene({ model, ui, map, about, banner, later, onColours: paintLegend });
  const { schedule, isShown } = scene;

  function setView(view) {
    map.view = view;
    if (!map.isStepping) hideCard();
    scene.moved();
    if (map.isStepping) showCard(map.near);
  }

  function paintLegend(paint, hidden) {
    const before = [...ui.legend.querySelectorAll("button")].indexOf(document.activeElement);
    ui.legend.replaceChildren(...buildLegend(map.colours, paint, hidden, toggle, only));
    ui.legend.querySelectorAll("button")[before]?.focus();
  }

  // ------------------------------------------------------------ what the kernel has

  function banner(text) {
    ui.banner.textContent = text;
    ui.banner.hidden = !text;
  }
  const say = (text) => {
    ui.live.textContent = text;
  };
  const failed = (error) => banner(error.message);

  async function readPoints() {
    const { header, bytes } = await link.ask({ type: "points" });
    map.xy = new Float32Array(bytes);
    map.version = header.about.version;
    map.grid = null;
    scene.painter().setPoints(map.xy);
    ui.root.dataset.method = header.about.method;
    ui.root.dataset.version = header.about.version;
    later("grid", 30, () => (map.grid ??= buildGrid(map.xy)));
    leavePoint();
    schedule();
  }

  async function readColours() {
    const field = model.get("color");
    const { header, bytes } = await link.ask({ type: "colours", field });
    if (field !== model.get("color")) return;
    map.codes = new Uint8Array(bytes);
    map.colours = header.about;
    scene.painter().setCodes(map.codes);
    scene.recolour();
    ui.root.dataset.color = field;
  }

  async function readSelection() {
    const { bytes } = await link.ask({ type: "selection" });
    mark(unpackedMarks(new Uint8Array(bytes), about.count), false);
  }

  const readDocument = (point) => {
    if (!map.documents.has(point)) {
      if (map.documents.size > 400) map.documents.delete(map.documents.keys().next().value);
      map.documents.set(point, link.ask({ type: "document", point }).then(({ body }) => body, (error) => {
        map.documents.delete(point);
        return { message: error.message };
      }));
    }
    return map.documents.get(point);
  };

  function paintStatus() {
    const status = model.get("status");
    ui.method.value = model.get("method");
    ui.note.textContent = status.note ?? "";
    ui.busy.hidden = !status.phase;
    ui.phase.textContent = status.phase ? `${status.phase}${status.share == null ? " …" : ` ${Math.round(100 * status.share)} %`}` : "";
    ui.fill.style.width = `${100 * (status.share ?? 0)}%`;
    ui.busy.classList.toggle("is-unknown", status.share == null);
    if (status.error) banner(status.error);
    else if (scene.painter().kind === "webgl") banner("");
    if (map.version !== undefined && status.version !== map.version) readPoints().catch(failed);
    describe();
  }

  function describe() {
    const by = model.get("color");
    const { points = [], star, missing = 0 } = model.get("highlights");
    ui.over.setAttribute("aria-label", `Map of ${plural(about.count, "document")} by ${model.get("status").shown}${by ? `, coloured by ${by}` : ""}. ${plural(map.marked, "document")} selected.`);
    ui.hits.hidden = !points.length && !star && !missing;
    ui.hits.replaceChildren(...[
      points.length > 0 && h("span", {}, h("i", { class: "mxm-ring", "aria-hidden": "true" }), plural(points.length, "hit")),
      star && h("span", {}, h("i", { class: "mxm-star", "aria-hidden": "true" }, "★"), "query"),
      missing > 0 && h("span", {}, `${missing} not on this map`),
    ].filter(Boolean));
  }

  // ------------------------------------------------------------ selecting, the legend

  function mark(marks, isOurs) {
    map.marks = marks;
    map.marked = countOf(marks);
    scene.painter().setMarks(marks);
    ui.count.textContent = map.marked ? `${map.marked.toLocaleString("en")} of ${plural(about.count, "point")} selected` : "Nothing selected: draw with the lasso or the box.";
    ui.actions.hidden = ui.uses.hidden = !map.marked;
    describe();
    schedule();
    if (!isOurs) return;
    say(map.marked ? `${plural(map.marked, "document")} selected.` : "Nothing selected.");
    link.ask({ type: "select" }, [packedMarks(marks).buffer]).catch(failed);
  }

  function endShape(path, isAdding) {
    const polygon = [];
    for (let at = 0; at < path.length; at += 2) polygon.push(...toData(map.view, map.size, path[at], path[at + 1]));
    const marks = isAdding ? map.marks.slice() : new Uint8Array(about.count);
    const most = Math.min(about.count, map.xy.length / 2);
    if (most) markInside(map.xy, polygon, isShown, marks);
    map.shape = [];
    mark(marks, true);
  }

  function zoomToMarked() {
    const flat = [];
    for (let i = 0; i < about.count; i += 1) if (map.marks[i]) flat.push(map.xy[2 * i], map.xy[2 * i + 1]);
    if (flat.length) setView(fittedTo(boxOf(flat), map.size));
  }

  const setHidden = (labels) => {
    model.set("hidden", labels);
    model.save_changes();
  };
  const toggle = (label) => {
    const hidden = model.get("hidden");
    setHidden(hidden.includes(label) ? hidden.filter((each) => each !== label) : [...hidden, label]);
  };
  const only = (label) => setHidden(map.colours.entries.map((entry) => entry.label).filter((each) => each !== label));

  // ------------------------------------------------------------ the document of a point

  function hover(px, py) {
    if (!map.xy.length) return;
    map.grid ??= buildGrid(map.xy);
    const [x, y] = toData(map.view, map.size, px, py);
    const point = nearestPoint(map.grid, x, y, REACH / unitPixels(map.view, map.size), isShown);
    if (point === map.near) return;
    map.isStepping = false;
    map.near = point;
    schedule();
    if (point < 0) return hideCard();
    return later("hover", 50, () => map.near === point && showCard(point));
  }

  async function showCard(point) {
    const body = await readDocument(point);
    if (map.near !== point || point < 0) return;
    fillCard(ui.card, body);
    ui.card.hidden = false;
    placeCard(ui.card, map.size, ...toScreen(map.view, map.size, map.xy[2 * point], map.xy[2 * point + 1]));
    if (map.isStepping) say(spokenCard(body));
  }

  function hideCard() {
    ui.card.hidden = true;
    map.near = -1;
  }

  function leavePoint() {
    map.isStepping = false;
    hideCard();
    schedule();
  }

  function stepTo(point) {
    if (point < 0) return say("No further point that way.");
    map.isStepping = true;
    map.near = point;
    const [px, py] = toScreen(map.view, map.size, map.xy[2 * point], map.xy[2 * point + 1]);
    const isOut = px < 30 || py < 30 || px > map.size.width - 30 || py > map.size.height - 30;
    if (isOut) return setView({ ...map.view, x: map.xy[2 * point], y: map.xy[2 * point + 1] });
    schedule();
    return showCard(point);
  }

  function enter() {
    if (!map.xy.length) return;
    map.grid ??= buildGrid(map.xy);
    let point = -1;
    for (let radius = 0.05 / map.view.zoom; point < 0 && radius < 100; radius *= 3) point = nearestPoint(map.grid, map.view.x, map.view.y, radius, isShown);
    stepTo(point);
  }

  function escape() {
    if (map.isStepping) return leavePoint();
    if (map.marked) return mark(new Uint8Array(about.count), true);
    return false;
  }

  function useTool(tool) {
    map.mode = tool;
    ui.stage.dataset.mode = tool;
    for (const button of ui.tools) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }

  const zoomBy = (factor) => setView({ ...map.view, zoom: Math.min(100000, Math.max(0.2, map.view.zoom * factor)) });
  const acts = {
    view: () => map.view, size: () => map.size, mode: () => map.mode, isStepping: () => map.isStepping,
    setView, hover, leave: leavePoint, endShape, enter, escape, say,
    fit: () => setView(HOME),
    step: (dx, dy) => stepTo(nextPoint(map.xy, map.near, dx, dy, isShown)),
    shape: (shape) => {
      map.shape = shape;
      schedule();
    },
    hint: () => {
      ui.hint.textContent = "Click the map, or hold Ctrl, to zoom with the wheel";
      ui.hint.hidden = false;
      later("hint", 1500, () => (ui.hint.hidden = true));
    },
  };
  for (const button of ui.tools) button.addEventListener("click", () => useTool(button.dataset.tool));
  ui.zooms[0].addEventListener("click", () => zoomBy(1.5));
  ui.zooms[1].addEventListener("click", () => zoomBy(1 / 1.5));
  ui.zooms[2].addEventListener("click", acts.fit);
  ui.clear.addEventListener("click", () => mark(new Uint8Array(about.count), true));
  ui.zoomTo.addEventListener("click", zoomToMarked);
  ui.cancel.addEventListener("click", () => set("method", model.get("status").shown));
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  ui.color.addEventListener("change", () => {
    model.set("hidden", []);
    set("color", ui.color.value);
  });
  ui.method.addEventListener("change", () => set("method", ui.method.value));
  listen(ui.over, acts);

  // ------------------------------------------------------------ beginning and end

  const watched = {
    "change:status": paintStatus,
    "change:method": paintStatus,
    "change:selected_count": () => model.get("selected_count") !== map.marked && readSelection().catch(failed),
    "change:hidden": scene.recolour,
    "change:highlights": () => {
      describe();
      schedule();
    },
    "change:color": () => {
      ui.color.value = model.get("color");
      readColours().catch(failed);
    },
    "change:view": () => {
      const { x, y, zoom } = model.get("view");
      if (x === map.view.x && y === map.view.y && zoom === map.view.zoom) return;
      map.view = { x, y, zoom };
      schedule();
    },
  };
  for (const [name, act] of Object.entries(watched)) model.on(name, act);
  el.append(ui.root);
  scene.start();
  useTool("pan");
  ui.color.value = model.get("color");
  scene.recolour();
  mark(map.marks, false);
  paintStatus();
  ui.root.mixpeek = map;
  later("hint", 700, () => {
    ui.hint.textContent = "Waiting for the kernel …";
    ui.hint.hidden = false;
  });
  Promise.all([readPoints(), readColours(), model.get("selected_count") ? readSelection() : null]).then(() => {
    clearTimeout(timers.hint);
    ui.hint.hidden = true;
    ui.root.classList.add("is-ready");
  }, failed);
  return () => {
    Object.values(timers).forEach(clearTimeout);
    for (const [name, act] of Object.entries(watched)) model.off(name, act);
    link.close();
    scene.dispose();
  };
}

export default { render };
