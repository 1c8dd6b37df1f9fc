// The stage of a map: points that are looked at, hovered, walked through and drawn around. What is
// done with a selection, and where documents come from, is for whoever shows it.
import { fillCard, placeCard, spokenCard } from "./embedding_map_card.js";
import { boxOf, countOf, fittedTo, markInside, toData, toScreen, unitPixels } from "./embedding_map_geometry.js";
import { buildGrid, nearestPoint, nextPoint } from "./embedding_map_grid.js";
import { listen } from "./embedding_map_input.js";
import { makeScene } from "./embedding_map_scene.js";

const HOME_VIEW = { x: 0, y: 0, zoom: 1 };
const HOVER_REACH = 14;
/** Points drawn in the first frame of a movement; later ones take what the machine does in time. */
const FIRST_DRAWN = 250000;
const MOST_DOCUMENTS = 400;

/**
 * Works `ui` (see `buildStage`). `model` has highlights, hidden and view; `about` count and palette.
 * `banner(text)` and `say(text)` tell people; `askDocument(point)` promises a document; `onMarks(marks,
 * isAdding)` gets what was drawn around, beside what is marked or in its place; `onColours(paint, hidden)` paints a legend. Where they are
 * given, `notesOf(point)` are lines for the card, `onPick(point)` is a click or Enter on a point, and
 * `leave()` says what Escape does once there is nothing to leave.
 */
export function makeStage({ model, ui, about, banner, say, askDocument, onMarks, onColours, notesOf = () => [], onPick, leave = () => false }) {
  const map = {
    xy: new Float32Array(0), codes: new Uint8Array(0), marks: new Uint8Array(about.count), colours: { kind: "none", entries: [], ends: [] },
    view: { ...HOME_VIEW, ...model.get("view") }, size: { width: 1, height: 1, ratio: 1 }, mode: "pan", near: -1, isStepping: false,
    shape: [], grid: null, marked: 0, budget: Math.min(about.count, FIRST_DRAWN), documents: new Map(), frames: [], drawn: 0,
  };
  const timers = {};
  const later = (name, wait, act) => {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(act, wait);
  };
  const scene = makeScene({ model, ui, map, about, banner, later, onColours });
  const { schedule, isShown } = scene;

  function setView(view) {
    map.view = view;
    if (!map.isStepping) hideCard();
    scene.moved();
    if (map.isStepping) showCard(map.near);
  }

  function setPoints(xy) {
    map.xy = xy;
    map.grid = null;
    scene.painter().setPoints(xy);
    later("grid", 30, () => (map.grid ??= buildGrid(map.xy)));
    leavePoint();
    schedule();
  }

  function setColours(colours, codes) {
    map.codes = codes;
    map.colours = colours;
    scene.painter().setCodes(codes);
    scene.recolour();
  }

  function setMarks(marks) {
    map.marks = marks;
    map.marked = countOf(marks);
    scene.painter().setMarks(marks);
    schedule();
  }

  const readDocument = (point) => {
    if (!map.documents.has(point)) {
      if (map.documents.size > MOST_DOCUMENTS) map.documents.delete(map.documents.keys().next().value);
      map.documents.set(point, askDocument(point).catch((error) => {
        map.documents.delete(point);
        return { message: error.message };
      }));
    }
    return map.documents.get(point);
  };

  function endShape(path, isAdding) {
    const polygon = [];
    for (let at = 0; at < path.length; at += 2) polygon.push(...toData(map.view, map.size, path[at], path[at + 1]));
    const marks = new Uint8Array(about.count);
    if (Math.min(about.count, map.xy.length / 2)) markInside(map.xy, polygon, isShown, marks);
    map.shape = [];
    schedule();
    onMarks(marks, isAdding);
  }

  function zoomToMarked() {
    const flat = [];
    for (let i = 0; i < about.count; i += 1) if (map.marks[i]) flat.push(map.xy[2 * i], map.xy[2 * i + 1]);
    if (flat.length) setView(fittedTo(boxOf(flat), map.size));
  }

  // ------------------------------------------------------------ the document of a point

  const gridOf = () => (map.grid ??= buildGrid(map.xy));

  function hover(px, py) {
    if (!map.xy.length) return;
    const [x, y] = toData(map.view, map.size, px, py);
    const point = scene.hitAt(px, py) ?? nearestPoint(gridOf(), x, y, HOVER_REACH / unitPixels(map.view, map.size), isShown);
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
    const notes = notesOf(point);
    fillCard(ui.card, body, notes);
    ui.card.hidden = false;
    placeCard(ui.card, map.size, ...pixelOf(point));
    if (map.isStepping) say(spokenCard(body, notes));
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

  const pixelOf = (point) => toScreen(map.view, map.size, map.xy[2 * point], map.xy[2 * point + 1]);

  /** Go to a point; the view follows where it is out of sight. */
  function stepTo(point) {
    if (point < 0) return say("No further point that way.");
    map.isStepping = true;
    map.near = point;
    const [px, py] = pixelOf(point);
    const isOut = px < 30 || py < 30 || px > map.size.width - 30 || py > map.size.height - 30;
    if (isOut) return setView({ ...map.view, x: map.xy[2 * point], y: map.xy[2 * point + 1] });
    schedule();
    return showCard(point);
  }

  function enter() {
    if (!map.xy.length) return undefined;
    if (map.isStepping && onPick) return onPick(map.near);
    let point = -1;
    for (let radius = 0.05 / map.view.zoom; point < 0 && radius < 100; radius *= 3) point = nearestPoint(gridOf(), map.view.x, map.view.y, radius, isShown);
    return stepTo(point);
  }

  function useTool(tool) {
    map.mode = tool;
    ui.stage.dataset.mode = tool;
    for (const button of ui.tools) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }

  const acts = {
    view: () => map.view, size: () => map.size, mode: () => map.mode, isStepping: () => map.isStepping,
    setView, hover, leave: leavePoint, endShape, enter, say,
    escape: () => (map.isStepping ? leavePoint() : leave()),
    fit: () => setView(HOME_VIEW),
    pick: () => map.near >= 0 && onPick?.(map.near),
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
  const zoomBy = (factor) => setView({ ...map.view, zoom: Math.min(100000, Math.max(0.2, map.view.zoom * factor)) });
  for (const button of ui.tools) button.addEventListener("click", () => useTool(button.dataset.tool));
  ui.zooms[0].addEventListener("click", () => zoomBy(1.5));
  ui.zooms[1].addEventListener("click", () => zoomBy(1 / 1.5));
  ui.zooms[2].addEventListener("click", acts.fit);
  listen(ui.over, acts);

  return {
    map, scene, later, setPoints, setColours, setMarks, useTool, stepTo, leavePoint, zoomToMarked,
    /** Call once the nodes are in the page. */
    start() {
      scene.start();
      useTool("pan");
      scene.recolour();
      setMarks(map.marks);
    },
    close() {
      Object.values(timers).forEach(clearTimeout);
      scene.dispose();
    },
  };
}
