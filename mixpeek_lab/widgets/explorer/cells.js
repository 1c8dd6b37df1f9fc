// What a value looks like in its cell.
import { h } from "../nodes.js";
import { POINTS } from "./rows.js";

const LONGEST_CELL = 300;
const WIDTHS = { number: 152, time: 172, bool: 152, text: 220, vector: 248, nested: 240, bytes: 110 };
const SPARK = { width: 96, height: 20 };
const ICONS = { image: "▧", audio: "♪", video: "▶", pdf: "▤" };

const LEAST_WIDTH = 152;
const MOST_WIDTH = 340;

/** Pixels for a column, after the longest of its first values (`texts`) where they are known. */
export function widthOf(column, texts = []) {
  if (column.is_media) return MOST_WIDTH;
  const name = Math.max(column.kind === "time" ? WIDTHS.time : LEAST_WIDTH, Math.min(260, 58 + column.name.length * 7.4));
  if (column.kind === "vector" || !texts.length) return Math.max(name, WIDTHS[column.kind] ?? 180);
  const letter = column.kind === "nested" ? 7.6 : 7;
  return Math.round(Math.max(name, Math.min(MOST_WIDTH, 26 + Math.max(...texts.map((text) => text.length)) * letter)));
}

/** A value as a cell's one line; empty for what is drawn. */
export function cellText(column, value) {
  if (value === null || column.kind === "vector") return "";
  return column.is_float ? numberText(value) : oneLine(value);
}

export function svgNode(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** A number with six digits, or all of them where it is whole. */
export function numberText(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : value > 0 ? "inf" : value < 0 ? "-inf" : "nan";
}

export function sparkline(points, { width, height } = SPARK) {
  const finite = [...points].filter(Number.isFinite);
  const most = Math.max(...finite.map(Math.abs), 1e-30);
  const step = width / Math.max(1, finite.length - 1);
  const place = finite.map((value, at) => `${(at * step).toFixed(1)},${(height / 2 - (value / most) * (height / 2 - 1)).toFixed(1)}`);
  return svgNode("svg", { class: "mxe-spark", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    svgNode("line", { x1: 0, x2: width, y1: height / 2, y2: height / 2, class: "mxe-zero" }),
    svgNode("polyline", { points: place.join(" "), class: "mxe-line" }));
}

export function vectorText(value) {
  return `dim ${value.length}, norm ${Number(value.norm.toPrecision(3))}`;
}

/** Put a value into a cell. `file` is what media_cells says of the row. */
export function fillCell(cell, column, value, file) {
  cell.classList.toggle("is-null", value === null);
  cell.classList.toggle("is-number", column.kind === "number");
  cell.classList.toggle("is-code", column.kind === "nested");
  if (value === null) cell.textContent = "null";
  else if (column.kind === "vector") cell.replaceChildren(sparkline(value.points), h("span", { class: "mxe-dim" }, vectorText(value)));
  else if (column.is_media && file) cell.replaceChildren(...fileNodes(file));
  else cell.textContent = cellText(column, value);
}

function oneLine(text) {
  const line = text.includes("\n") ? text.replace(/\s*\n\s*/g, " ⏎ ") : text;
  return text.length > LONGEST_CELL ? `${line.slice(0, LONGEST_CELL)}…` : line;
}

function readable(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // a percent sign that encodes nothing
  }
}

function fileNodes({ thumbnail, kind, text }) {
  const picture = thumbnail.startsWith("data:image/jpeg;base64,")
    ? h("img", { class: "mxe-thumb", src: thumbnail, alt: "" })
    : h("span", { class: "mxe-icon", "aria-hidden": "true" }, ICONS[kind] ?? "▤");
  const cut = text.indexOf(": ");
  const [facts, url] = cut > 0 ? [text.slice(0, cut), text.slice(cut + 2)] : ["", text];
  const name = readable(url.split("/").pop() || url);
  return [picture, h("span", { class: "mxe-file" }, h("span", { class: "mxe-file-name", title: url }, name), h("span", { class: "mxe-dim" }, facts))];
}
