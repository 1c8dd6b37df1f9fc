// From data to the screen and back, and what lies within a drawn shape. Pure functions.
// A view is `{x, y, zoom}`: the middle of the picture in data, zoom 1 shows -1 to 1.

export const LEAST_ZOOM = 0.2;
export const MOST_ZOOM = 100000;
const MARGIN = 1.06;

/** Pixels for one unit of data. */
export function unitPixels(view, size) {
  return (Math.min(size.width, size.height) / 2 / MARGIN) * view.zoom;
}

export function toScreen(view, size, x, y) {
  const unit = unitPixels(view, size);
  return [size.width / 2 + (x - view.x) * unit, size.height / 2 - (y - view.y) * unit];
}

export function toData(view, size, px, py) {
  const unit = unitPixels(view, size);
  return [view.x + (px - size.width / 2) / unit, view.y - (py - size.height / 2) / unit];
}

/** The view after zooming by `factor`; what is at the pixel stays there. */
export function zoomedAt(view, size, px, py, factor) {
  const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, view.zoom * factor));
  const [x, y] = toData(view, size, px, py);
  const unit = unitPixels({ ...view, zoom }, size);
  return { x: x - (px - size.width / 2) / unit, y: y + (py - size.height / 2) / unit, zoom };
}

/** The view after dragging the picture by pixels. */
export function pannedBy(view, size, dx, dy) {
  const unit = unitPixels(view, size);
  return { ...view, x: view.x - dx / unit, y: view.y + dy / unit };
}

/** The view that shows all of a box `[left, bottom, right, top]` in data. */
export function fittedTo(box, size) {
  const [left, bottom, right, top] = box;
  const unit = unitPixels({ zoom: 1 }, size);
  const wide = size.width / Math.max(1e-9, (right - left) * unit);
  const high = size.height / Math.max(1e-9, (top - bottom) * unit);
  const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, Math.min(wide, high) * 0.8));
  return { x: (left + right) / 2, y: (bottom + top) / 2, zoom };
}

/** Whether a point lies within a polygon of flat coordinates (even-odd rule). */
export function isInside(polygon, x, y) {
  let inside = false;
  const count = polygon.length / 2;
  for (let i = 0, j = count - 1; i < count; j = i, i += 1) {
    const xi = polygon[2 * i];
    const yi = polygon[2 * i + 1];
    const xj = polygon[2 * j];
    const yj = polygon[2 * j + 1];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** `[left, bottom, right, top]` around flat coordinates. */
export function boxOf(flat) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < flat.length; at += 2) {
    box[0] = Math.min(box[0], flat[at]);
    box[1] = Math.min(box[1], flat[at + 1]);
    box[2] = Math.max(box[2], flat[at]);
    box[3] = Math.max(box[3], flat[at + 1]);
  }
  return box;
}

export function rectangle(left, bottom, right, top) {
  return [left, bottom, right, bottom, right, top, left, top];
}

/** Sets marks[i] to 1 for each point within the polygon that is shown; gives their number. */
export function markInside(xy, polygon, isShown, marks) {
  const [left, bottom, right, top] = boxOf(polygon);
  let count = 0;
  for (let i = 0; i < marks.length; i += 1) {
    const x = xy[2 * i];
    const y = xy[2 * i + 1];
    if (x < left || x > right || y < bottom || y > top || !isShown(i)) continue;
    if (!isInside(polygon, x, y)) continue;
    marks[i] = 1;
    count += 1;
  }
  return count;
}

/** One bit for each mark, lowest first, as the kernel reads it. */
export function packedMarks(marks) {
  const bits = new Uint8Array(Math.ceil(marks.length / 8));
  for (let i = 0; i < marks.length; i += 1) if (marks[i]) bits[i >> 3] |= 1 << (i & 7);
  return bits;
}

export function unpackedMarks(bits, count) {
  const marks = new Uint8Array(count);
  for (let i = 0; i < count; i += 1) marks[i] = (bits[i >> 3] >> (i & 7)) & 1;
  return marks;
}

/** What is marked in either. */
export function united(marks, others) {
  return marks.map((mark, at) => mark | others[at]);
}

export function countOf(marks) {
  let count = 0;
  for (let i = 0; i < marks.length; i += 1) count += marks[i];
  return count;
}

/** How large points are, in CSS pixels, and how opaque: many are small. */
export function pointLook(count, zoom) {
  const size = Math.min(9, Math.max(2, 11 - 1.7 * Math.log10(Math.max(10, count))));
  const grown = Math.min(12, size * Math.max(1, zoom) ** 0.25);
  return { size: grown, alpha: count > 200000 ? 0.7 : 0.88 };
}
