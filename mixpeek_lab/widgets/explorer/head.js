// A column's header: name, order, filter, and its summary as a picture and in words.
import { h } from "../nodes.js";
import { numberText, svgNode } from "./cells.js";

const CHART = { width: 200, height: 26 };
const NARROWEST = 70;

/** `actions`: `sort(column, isMore)`, `filter(column, button)`, `resize(column, width)`. */
export function buildHeader(column, actions) {
  const arrow = h("span", { class: "mxe-arrow", "aria-hidden": "true" });
  const funnel = h("button", {
    type: "button", class: "mxe-funnel", tabindex: "-1", title: `Filter ${column.name} (F)`, "aria-label": `Filter ${column.name}`,
    onclick: (event) => {
      event.stopPropagation();
      actions.filter(column, funnel);
    },
  }, svgNode("svg", { width: 12, height: 12, viewBox: "0 0 12 12", "aria-hidden": "true" }, svgNode("path", { d: "M1 2h10L7 6.5V10L5 11V6.5z", fill: "currentColor" })));
  const chart = h("div", { class: "mxe-chart" });
  const facts = h("div", { class: "mxe-facts" });
  const grip = h("div", { class: "mxe-grip", "aria-hidden": "true", onclick: (event) => event.stopPropagation() });
  const node = h("div", { class: "mxe-col", role: "columnheader", title: `${column.name}: ${column.type}`, onclick: (event) => actions.sort(column, event.shiftKey) },
    h("div", { class: "mxe-col-top" }, h("span", { class: "mxe-name" }, column.name), arrow, funnel),
    h("div", { class: "mxe-type" }, shortType(column.type)), chart, facts, grip);
  grip.addEventListener("pointerdown", (event) => drag(event, grip, node, (width) => actions.resize(column, width)));

  node.update = ({ sort, filters }) => {
    const at = sort.findIndex(([name]) => name === column.name);
    const way = at < 0 ? "none" : sort[at][1] === "asc" ? "ascending" : "descending";
    node.setAttribute("aria-sort", way);
    arrow.textContent = at < 0 ? "" : `${way === "ascending" ? "▲" : "▼"}${sort.length > 1 ? at + 1 : ""}`;
    funnel.classList.toggle("is-on", column.name in filters);
  };
  node.summarise = (summary) => {
    node.summary = summary;
    chart.replaceChildren(...(summary.error ? [] : chartOf(column, summary)));
    facts.textContent = summary.error ? "no summary" : factsOf(summary);
    facts.title = summary.error ?? facts.textContent;
  };
  return node;
}

/** `DECIMAL(18,3)` and the like in few letters. */
function shortType(type) {
  const names = { "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ" };
  const text = names[type] ?? type;
  return (text.length > 24 ? `${text.slice(0, 23)}…` : text).toLowerCase();
}

function drag(event, grip, node, onWidth) {
  event.preventDefault();
  event.stopPropagation();
  grip.setPointerCapture(event.pointerId);
  const [start, width] = [event.clientX, node.offsetWidth];
  const move = (next) => onWidth(Math.max(NARROWEST, width + next.clientX - start));
  grip.addEventListener("pointermove", move);
  grip.addEventListener("lostpointercapture", () => grip.removeEventListener("pointermove", move), { once: true });
}

function chartOf(column, summary) {
  if (summary.bins.length > 1) return [histogram(summary), h("div", { class: "mxe-ends" }, h("span", {}, shortEnd(summary.low)), h("span", {}, shortEnd(summary.high)))];
  if (summary.top.length) return topValues(summary);
  if (column.kind === "text" && summary.distinct > 20) return [h("div", { class: "mxe-ends" }, h("span", {}, "nearly all differ"))];
  if (summary.low !== null && summary.low !== undefined) return [h("div", { class: "mxe-ends" }, h("span", {}, summary.low === summary.high ? `always ${shortEnd(summary.low)}` : shortEnd(summary.low)))];
  return [];
}

function histogram({ bins }) {
  const { width, height } = CHART;
  const most = Math.max(...bins, 1);
  const step = width / bins.length;
  const bars = bins.map((count, at) => {
    const tall = count ? Math.max(1.5, (count / most) * height) : 0;
    return svgNode("rect", { x: (at * step + 0.5).toFixed(2), y: (height - tall).toFixed(2), width: (step - 1).toFixed(2), height: tall.toFixed(2) });
  });
  return svgNode("svg", { class: "mxe-bars", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...bars);
}

function topValues({ top, rows }) {
  const isTelling = top[0][1] > 1;
  if (!isTelling) return [h("div", { class: "mxe-ends" }, h("span", {}, "every value once"))];
  return top.slice(0, 3).map(([value, count]) => h("div", { class: "mxe-top", vars: { "--part": `${((count / rows) * 100).toFixed(1)}%` } },
    h("span", { class: "mxe-top-value" }, value === "" ? "(empty)" : value), h("span", { class: "mxe-top-part" }, percent(count / rows))));
}

function factsOf({ rows, nulls, distinct, dimensions }) {
  const facts = [];
  if (nulls) facts.push(`${percent(nulls / rows)} null`);
  if (distinct !== null) facts.push(distinct >= (rows - nulls) * 0.97 && distinct > 20 ? "all distinct" : `${compact(distinct)} distinct`);
  if (dimensions.length) facts.push(`dim ${dimensions.join(", ")}, by norm`);
  return facts.join(" · ");
}

function percent(part) {
  const value = part * 100;
  return value >= 99.95 || value === 0 ? `${Math.round(value)}%` : value < 0.1 ? "<0.1%" : `${value.toFixed(value < 10 ? 1 : 0)}%`;
}

function compact(count) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(count).toLowerCase();
}

function shortEnd(text) {
  const number = Number(text);
  if (text.trim() && Number.isFinite(number)) return Math.abs(number) >= 1e5 && text.length > 7 ? compact(number) : numberText(number);
  return text.replace(/ 00:00:00(\+00)?$/, "").slice(0, 19);
}
