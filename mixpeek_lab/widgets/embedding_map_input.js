// Pointer, wheel and keys of the map, as calls of `acts`.
import { pannedBy, zoomedAt } from "./embedding_map_geometry.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 60;
const BOX_STEP = 20;

/** Listens on `node`. `acts`: view, size, mode, setView, hover, pick, shape, endShape, step, … */
export function listen(node, acts) {
  listenToPointer(node, acts);
  listenToWheel(node, acts);
  listenToKeys(node, acts);
}

function listenToPointer(node, acts) {
  let drag = null;
  const at = (event) => {
    const box = node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture(event.pointerId);
    const mode = acts.mode() === "pan" && event.shiftKey ? "lasso" : acts.mode();
    drag = { from: at(event), last: at(event), mode, path: at(event), isAdding: event.shiftKey, hasMoved: false };
  });
  node.addEventListener("pointermove", (event) => {
    const now = at(event);
    if (!drag) return acts.hover(...now);
    drag.hasMoved ||= Math.hypot(now[0] - drag.from[0], now[1] - drag.from[1]) > 3;
    if (drag.mode === "pan") acts.setView(pannedBy(acts.view(), acts.size(), now[0] - drag.last[0], now[1] - drag.last[1]));
    else acts.shape(grown(drag, now));
    drag.last = now;
    return undefined;
  });
  const end = (event) => {
    if (!drag) return;
    const done = drag;
    drag = null;
    if (done.mode !== "pan" && done.hasMoved && event.type === "pointerup") acts.endShape(done.path, done.isAdding);
    else acts.shape([]);
    if (done.hasMoved || event.type !== "pointerup") return;
    acts.hover(...done.from);
    acts.pick?.();
  };
  node.addEventListener("pointerup", end);
  node.addEventListener("pointercancel", end);
  node.addEventListener("pointerleave", () => !drag && acts.leave());
  node.addEventListener("dblclick", (event) => acts.mode() === "pan" && acts.setView(zoomedAt(acts.view(), acts.size(), ...at(event), 2)));
}

/** The path of a drag with the newest place in it: a box has four corners, a lasso many. */
function grown(drag, [px, py]) {
  if (drag.mode === "box") drag.path = [drag.from[0], drag.from[1], px, drag.from[1], px, py, drag.from[0], py];
  else if (Math.hypot(px - drag.path.at(-2), py - drag.path.at(-1)) >= 3) drag.path.push(px, py);
  return drag.path;
}

function listenToWheel(node, acts) {
  node.addEventListener("wheel", (event) => {
    // The page scrolls under the pointer, unless the map is in use.
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== node) return acts.hint();
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const box = node.getBoundingClientRect();
    const factor = Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) * (event.ctrlKey ? 0.008 : 0.002));
    return acts.setView(zoomedAt(acts.view(), acts.size(), event.clientX - box.left, event.clientY - box.top, factor));
  }, { passive: false });
}

function listenToKeys(node, acts) {
  let box = null;
  const outline = () => [box.x, box.y, box.x + box.width, box.y, box.x + box.width, box.y + box.height, box.x, box.y + box.height];
  const leaveBox = () => {
    box = null;
    acts.shape([]);
  };
  const inBox = (event) => {
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) {
      box.width = Math.max(10, box.width + arrow[0] * BOX_STEP);
      box.height = Math.max(10, box.height - arrow[1] * BOX_STEP);
    } else if (arrow) {
      box.x += arrow[0] * BOX_STEP;
      box.y -= arrow[1] * BOX_STEP;
    } else if (event.key === "Enter") {
      const path = outline();
      leaveBox();
      return acts.endShape(path, event.shiftKey);
    } else if (event.key === "Escape") {
      return leaveBox();
    } else return false;
    return acts.shape(outline());
  };
  const onMap = (event) => {
    const { width, height } = acts.size();
    const arrow = ARROWS[event.key];
    const zoom = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, _: 1 / 1.5 }[event.key];
    if (arrow && acts.isStepping()) return acts.step(...arrow);
    if (arrow) return acts.setView(pannedBy(acts.view(), acts.size(), -arrow[0] * STEP, arrow[1] * STEP));
    if (zoom) return acts.setView(zoomedAt(acts.view(), acts.size(), width / 2, height / 2, zoom));
    if (event.key === "0") return acts.fit();
    if (event.key === "Enter") return acts.enter();
    if (event.key === "Escape") return acts.escape();
    if (event.key === "s" || event.key === "S") {
      box = { x: width * 0.3, y: height * 0.3, width: width * 0.4, height: height * 0.4 };
      acts.say("A rectangle in the middle. Arrows move it, Shift and arrows size it, Enter selects.");
      return acts.shape(outline());
    }
    return false;
  };
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if ((box ? inBox(event) : onMap(event)) === false) return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener("blur", () => {
    if (box) leaveBox();
    acts.leave();
  });
}
