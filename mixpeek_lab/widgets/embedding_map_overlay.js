// What lies over the points: hits, the query's star, the shape being drawn, the point under the
// pointer.
import { toScreen } from "./embedding_map_geometry.js";

const NUMBERED = 10;

/**
 * Draws `scene` = {view, size, xy, hits, isRanked, chosen, star, near, shape, inks} (shape: flat pixels).
 * Hits have rings, or, where they are ranked, discs: the better, the larger; the first have their rank.
 */
export function drawOverlay(canvas, scene) {
  const { view, size, xy } = scene;
  const context = canvas.getContext("2d");
  context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  if (scene.isRanked) for (let at = scene.hits.length - 1; at >= 0; at -= 1) drawDisc(context, scene, at);
  else for (const point of scene.hits) {
    if (point >= 0 && 2 * point + 1 < xy.length) drawRing(context, toScreen(view, size, xy[2 * point], xy[2 * point + 1]), 7, scene.inks.hit, scene.inks.paper);
  }
  if (scene.star) drawStar(context, toScreen(view, size, ...scene.star), scene.inks);
  if (scene.chosen >= 0 && 2 * scene.chosen + 1 < xy.length) drawRing(context, toScreen(view, size, xy[2 * scene.chosen], xy[2 * scene.chosen + 1]), 13, scene.inks.hit, scene.inks.paper);
  if (scene.near >= 0) drawRing(context, toScreen(view, size, xy[2 * scene.near], xy[2 * scene.near + 1]), scene.isRanked && scene.hits.includes(scene.near) ? 13 : 8, scene.inks.text, scene.inks.paper);
  if (scene.shape.length >= 4) drawShape(context, scene.shape, scene.inks);
}

/** How large the disc of the hit at `at` of `count` is. */
export function discRadius(at, count) {
  return at < NUMBERED ? 10 - 2 * (at / NUMBERED) : 6.5 - 2.5 * ((at - NUMBERED) / Math.max(1, count - NUMBERED));
}

function drawDisc(context, { view, size, xy, hits, inks }, at) {
  const point = hits[at];
  if (!(point >= 0) || 2 * point + 1 >= xy.length) return;
  const [px, py] = toScreen(view, size, xy[2 * point], xy[2 * point + 1]);
  const radius = discRadius(at, hits.length);
  context.beginPath();
  context.arc(px, py, radius, 0, 2 * Math.PI);
  context.fillStyle = at < NUMBERED ? inks.hit : inks.later;
  context.strokeStyle = inks.paper;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
  if (at >= NUMBERED) return;
  context.fillStyle = inks.paper;
  context.font = `600 ${at < 9 ? 11 : 9}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(at + 1), px, py + 0.5);
}

/** The hit whose disc is at a pixel, the best of several; null where there is none. */
export function discAt({ view, size, xy, hits }, px, py) {
  for (let at = 0; at < hits.length; at += 1) {
    const point = hits[at];
    if (!(point >= 0) || 2 * point + 1 >= xy.length) continue;
    const [x, y] = toScreen(view, size, xy[2 * point], xy[2 * point + 1]);
    if (Math.hypot(px - x, py - y) <= discRadius(at, hits.length) + 1) return point;
  }
  return null;
}

function drawRing(context, [px, py], radius, ink, paper) {
  for (const [width, colour] of [[4.5, paper], [2, ink]]) {
    context.beginPath();
    context.arc(px, py, radius, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }
}

function drawStar(context, [px, py], inks) {
  context.beginPath();
  for (let corner = 0; corner < 10; corner += 1) {
    const radius = corner % 2 ? 6 : 14;
    const angle = (corner * Math.PI) / 5 - Math.PI / 2;
    context.lineTo(px + radius * Math.cos(angle), py + radius * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = inks.hit;
  context.strokeStyle = inks.paper;
  context.lineWidth = 2;
  context.fill();
  context.stroke();
}

function drawShape(context, shape, inks) {
  context.beginPath();
  for (let at = 0; at < shape.length; at += 2) context.lineTo(shape[at], shape[at + 1]);
  context.closePath();
  context.globalAlpha = 0.12;
  context.fillStyle = inks.accent;
  context.fill();
  context.globalAlpha = 1;
  context.setLineDash([5, 4]);
  context.lineWidth = 1.5;
  context.strokeStyle = inks.accent;
  context.stroke();
  context.setLineDash([]);
}
