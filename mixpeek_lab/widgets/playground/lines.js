// Rank lines: one column for each ranking, one line for each document, names at the right.
import { h, s } from "../nodes.js";

const LINE_ROW = 26;
const LINE_DEEP = 64;
const LINE_TOP = 30;
const LINE_SIDE = 26;
const HEAD_LETTER = 7.2; // of bold 12 px, about

/**
 * `columns`: {label, colour?} each; `rows`: {id, name, ranks (one for each column, null where it is not
 * there), note?, told?, colour?}. `onPick(id)` where a name is clicked. The last column's order is the rows'.
 */
export function buildLines({ columns, rows, width, deepest, onPick, label }) {
  const depth = Math.max(rows.length, 1);
  const height = LINE_TOP + depth * LINE_ROW + LINE_DEEP + 18;
  const x = (at) => LINE_SIDE + (columns.length > 1 ? (at * (width - 2 * LINE_SIDE)) / (columns.length - 1) : 0);
  const lost = LINE_TOP + depth * LINE_ROW + LINE_DEEP;
  const y = (rank) => {
    if (rank === null) return lost;
    if (rank <= depth) return LINE_TOP + (rank - 0.5) * LINE_ROW;
    const share = Math.log(rank / depth) / Math.log(Math.max(deepest, depth + 1) / depth);
    return LINE_TOP + depth * LINE_ROW + Math.min(1, share) * (LINE_DEEP - 22);
  };
  const groups = new Map(rows.map((row) => [row.id, drawnLine(row, columns, x, y)]));
  const isAnyLost = rows.some((row) => row.ranks.includes(null));
  const drawing = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "mxp-lines-drawing" },
    ...columns.map((column, at) => s("line", { x1: x(at), x2: x(at), y1: LINE_TOP, y2: LINE_TOP + depth * LINE_ROW + LINE_DEEP - 16, class: "mxp-axis" })),
    ...columns.map((column, at) => heading(column, x(at), at, columns.length, (width - 2 * LINE_SIDE) / Math.max(1, columns.length - 1))),
    ...(isAnyLost ? [s("text", { x: 0, y: lost + 16, class: "mxp-lines-note" }, "not found")] : []),
    ...groups.values());
  const names = h("ol", { class: "mxp-lines-names", vars: { "padding-top": `${LINE_TOP}px` } }, rows.map((row, at) => h("li", {},
    h("button", {
      type: "button", class: "mxp-lines-name", "data-id": row.id,
      onclick: () => onPick?.(row.id),
      onmouseenter: () => light(groups, row.id), onmouseleave: () => light(groups, null),
      onfocus: () => light(groups, row.id), onblur: () => light(groups, null),
    }, h("b", {}, String(row.place ?? at + 1)), " ", h("span", { class: "mxp-lines-title", title: row.name }, row.name), " ", row.note && h("span", { class: "mxp-only", title: row.told, vars: { "--leg": row.colour ?? "currentColor" } }, row.note), h("span", { class: "mx-visually-hidden" }, `: ${places(row, columns)}`)))));
  return h("div", { class: "mxp-rank-lines" }, drawing, names);
}

/** A column's name, cut where it would run into its neighbour's: `step` pixels lie between two. */
function heading(column, x, at, count, step) {
  const isOuter = at === 0 || at === count - 1;
  const room = count === 1 ? Infinity : isOuter ? (count === 2 ? step / 2 : 0.69 * step) + LINE_SIDE - 8 : 0.62 * step;
  const most = Math.max(3, Math.floor(room / HEAD_LETTER));
  const label = column.label.length > most ? `${column.label.slice(0, most - 1)}…` : column.label;
  const anchor = at === 0 ? "start" : at === count - 1 ? "end" : "middle";
  const shift = at === 0 ? -LINE_SIDE : at === count - 1 ? LINE_SIDE : 0;
  const node = s("text", { x: x + shift, y: 14, "text-anchor": anchor, class: "mxp-lines-head" }, label, s("title", {}, column.label));
  if (column.colour) node.style.setProperty("--leg", column.colour);
  return node;
}

/** A document's line: straight from column to column it is in; dashed where one is skipped. */
function drawnLine(row, columns, x, y) {
  const points = row.ranks.map((rank, at) => ({ at, rank, x: x(at), y: y(rank) }));
  const there = points.filter((point) => point.rank !== null);
  const group = s("g", { class: "mxp-line", "data-id": row.id });
  if (row.colour) {
    group.style.setProperty("--leg", row.colour);
    group.style.setProperty("--strength", "90%"); // dashes are thin, and dark blue on black is faint
  }
  group.append(s("title", {}, spoken(row, columns)));
  for (let n = 1; n < there.length; n += 1) {
    const [a, b] = [there[n - 1], there[n]];
    const middle = (a.x + b.x) / 2;
    group.append(s("path", { d: `M${a.x} ${a.y}C${middle} ${a.y} ${middle} ${b.y} ${b.x} ${b.y}`, class: "mxp-line-path", "stroke-dasharray": b.at - a.at > 1 ? "3 4" : null }));
  }
  for (const point of points) {
    if (point.rank === null) {
      group.append(s("path", { d: `M${point.x - 3} ${point.y - 3}l6 6m0 -6l-6 6`, class: "mxp-line-lost" }));
      continue;
    }
    const dot = s("g", { class: "mxp-line-dot" }, s("circle", { cx: point.x, cy: point.y, r: 9.5 }), s("text", { x: point.x, y: point.y + 3.5, "text-anchor": "middle" }, String(point.rank)));
    if (columns[point.at].colour) dot.style.setProperty("--leg", columns[point.at].colour);
    group.append(dot);
  }
  return group;
}

function light(groups, id) {
  for (const [each, group] of groups) {
    group.classList.toggle("is-lit", each === id);
    group.classList.toggle("is-dim", id !== null && each !== id);
  }
  if (id !== null) groups.get(id).parentNode.append(groups.get(id));
}

function places(row, columns) {
  return columns.map((column, at) => (row.ranks[at] === null ? `not in ${column.label}` : `${row.ranks[at]} in ${column.label}`)).join(", ");
}

function spoken(row, columns) {
  return `${row.name}: ${places(row, columns)}`;
}
