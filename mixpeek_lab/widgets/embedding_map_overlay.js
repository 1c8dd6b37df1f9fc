// What lies over the points: rings around hits, the query's star, the shape being drawn, the point
// under the pointer.
import { toScreen } from "./embedding_map_geometry.js";

/** Draws `scene` = {view, size, xy, hits, star, near, shape, inks} (shape: flat pixels). */
export function drawOverlay(canvas, scene) {
  const { view, size, xy } = scene;
  const context = canvas.getContext("2d");
  context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  for (const point of scene.hits) {
    if (2 * point + 1 < xy.length) drawRing(context, toScreen(view, size, xy[2 * point], xy[2 * point + 1]), 7, scene.inks.hit, scene.inks.paper);
  }
  if (scene.star) drawStar(context, toScreen(view, size, ...scene.star), scene.inks);
  if (scene.near >= 0) drawRing(context, toScreen(view, size, xy[2 * scene.near], xy[2 * scene.near + 1]), 8, scene.inks.text, scene.inks.paper);
  if (scene.shape.length >= 4) drawShape(context, scene.shape, scene.inks);
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
