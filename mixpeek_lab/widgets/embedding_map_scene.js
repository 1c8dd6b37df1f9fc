// What paints the map: the points below, hits and shapes above, at the size and in the colours of
// the page.
import { discAt, drawOverlay } from "./embedding_map_overlay.js";
import { makeGlPainter } from "./embedding_map_gl.js";
import { makePlainPainter } from "./embedding_map_plain.js";
import { h, plural } from "./nodes.js";
import { paletteOf } from "./embedding_map_legend.js";

const SCENE_REST = 160;
const SLOW_FRAME = 34;
const QUICK_FRAME = 20;
const LEAST_DRAWN = 50000;
const WATCHED = ["data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind", "class"];

/** Paints `map` into `ui`. `banner(text)` tells people; `onColours(paint, hidden)` redraws the legend. */
export function makeScene({ model, ui, map, about, banner, later, onColours }) {
  let painter = null;
  let frame = 0;
  let overFrame = 0;
  let isMoving = false;
  let lastFrame = 0;
  const sizes = new ResizeObserver(resize);
  const themes = new MutationObserver(recolour);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const schedule = () => {
    frame ||= requestAnimationFrame(draw);
  };

  function draw(now) {
    frame = 0;
    if (!painter || map.size.width < 2) return;
    if (isMoving && lastFrame) adapt(now - lastFrame);
    lastFrame = isMoving ? now : 0;
    map.drawn = Math.min(about.count, painter.most, isMoving ? map.budget : Infinity);
    painter.draw(map.view, map.size, map.drawn, map.marked > 0);
    drawOver();
  }

  function drawOver() {
    overFrame = 0;
    if (!painter || map.size.width < 2) return;
    const { points: hits = [], star = null, chosen = -1, ranked: isRanked = false } = model.get("highlights");
    drawOverlay(ui.over, { ...map, hits, star, chosen, isRanked });
  }
  /** Where only what lies over the points has changed. */
  const scheduleOver = () => {
    if (!frame) overFrame ||= requestAnimationFrame(drawOver);
  };
  const hitAt = (px, py) => {
    const { points: hits = [], ranked: isRanked = false } = model.get("highlights");
    return isRanked ? discAt({ ...map, hits }, px, py) : null;
  };

  /** While the map moves, as many points as the machine draws in a frame; all of them at rest. */
  function adapt(took) {
    map.frames.push(took);
    if (map.frames.length > 600) map.frames.shift();
    if (took > SLOW_FRAME) map.budget = Math.max(LEAST_DRAWN, Math.round(map.drawn * 0.6));
    else if (took < QUICK_FRAME) map.budget = Math.min(about.count, Math.round(map.budget * 1.2));
  }

  function moved() {
    isMoving = true;
    schedule();
    later("rest", SCENE_REST, () => {
      isMoving = false;
      schedule();
      model.set("view", map.view);
      model.save_changes();
    });
  }

  function start() {
    painter = makeGlPainter(ui.points, () => banner("The browser took WebGL away. Run the cell again to see the points."));
    if (!painter) startPlain();
    sizes.observe(ui.stage);
    themes.observe(document.body, { attributes: true, attributeFilter: WATCHED });
    dark.addEventListener("change", recolour);
  }

  function startPlain() {
    const fresh = h("canvas", { class: "mxm-points", "aria-hidden": "true" }); // the old one is bound to WebGL
    ui.points.replaceWith(fresh);
    ui.points = fresh;
    painter = makePlainPainter(fresh);
    const shown = about.count > painter.most ? `a sample of ${plural(painter.most, "point")} is` : "the points are";
    banner(`This browser has no WebGL: ${shown} drawn on a plain canvas, which is slower.`);
  }

  function resize() {
    const ratio = window.devicePixelRatio || 1;
    map.size = { width: Math.max(1, ui.stage.clientWidth), height: Math.max(1, ui.stage.clientHeight), ratio };
    for (const canvas of [ui.points, ui.over]) {
      canvas.width = Math.round(map.size.width * ratio);
      canvas.height = Math.round(map.size.height * ratio);
    }
    if (painter && map.size.width > 1) {
      cancelAnimationFrame(frame);
      draw(performance.now()); // a canvas is empty after it was sized: no frame without points
    }
  }

  function recolour() {
    const style = getComputedStyle(ui.root);
    const [red, green, blue] = style.backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [255, 255, 255];
    const isDark = red * 0.3 + green * 0.59 + blue * 0.11 < 128;
    const paint = about.palette[isDark ? "dark" : "light"];
    const hidden = model.get("hidden");
    const rgba = paletteOf(map.colours, paint, hidden);
    map.alphas = Uint8Array.from({ length: 256 }, (_, code) => rgba[4 * code + 3]);
    map.inks = { hit: isDark ? "#ff5fb7" : "#d01c8b", later: isDark ? "#a8477d" : "#e58cc3", text: style.color, paper: style.backgroundColor, accent: isDark ? "#64b5f6" : "#1976d2" };
    ui.root.style.setProperty("--mxm-hit", map.inks.hit);
    painter.setPalette(rgba);
    onColours(paint, hidden);
    schedule();
  }

  return {
    schedule,
    scheduleOver,
    hitAt,
    moved,
    start,
    recolour,
    painter: () => painter,
    isShown: (point) => map.alphas[map.codes[point]] > 0,
    dispose() {
      sizes.disconnect();
      themes.disconnect();
      dark.removeEventListener("change", recolour);
      cancelAnimationFrame(frame);
      cancelAnimationFrame(overFrame);
      painter?.dispose();
    },
  };
}
