// Colours: the palette that painters get, and the legend that switches categories off and on.
import { h } from "./nodes.js";

const OTHER_CODE = 8;
const MISSING_CODE = 255;

/** 256 RGBA colours for the codes of `colours`; hidden labels have none. */
export function paletteOf(colours, paint, hidden) {
  const rgba = new Uint8Array(1024);
  const put = (code, hex, alpha = 255) => rgba.set([...channels(hex), alpha], 4 * code);
  if (colours.kind === "none") put(0, paint.plain);
  else if (colours.kind === "number") for (let code = 0; code < 255; code += 1) put(code, mixed(paint.ramp, code / 254));
  else paint.categories.forEach((hex, code) => put(code, hex));
  if (colours.kind === "category") put(OTHER_CODE, paint.other);
  if (colours.kind !== "none") put(MISSING_CODE, paint.other);
  for (const entry of colours.entries) if (hidden.includes(entry.label)) rgba[4 * entry.code + 3] = 0;
  return rgba;
}

export function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** A colour along the stops of a ramp, at 0 to 1. */
export function mixed(stops, share) {
  const at = share * (stops.length - 1);
  const before = channels(stops[Math.floor(at)]);
  const after = channels(stops[Math.ceil(at)]);
  const values = before.map((value, i) => Math.round(value + (after[i] - value) * (at % 1)));
  return `#${values.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The legend's nodes. `onToggle(label)` switches one entry; `onOnly(label)` leaves it alone. */
export function buildLegend(colours, paint, hidden, onToggle, onOnly) {
  const colourOf = (code) => (code === OTHER_CODE || code === MISSING_CODE ? paint.other : paint.categories[code]);
  const entries = colours.entries.map((entry) => {
    const isOn = !hidden.includes(entry.label);
    return h("li", {},
      h("button", { type: "button", class: "mxm-entry", "aria-pressed": String(isOn), title: `${entry.label}: click hides or shows it, double click leaves it alone`, onclick: () => onToggle(entry.label), ondblclick: () => onOnly(entry.label) },
        h("span", { class: "mxm-swatch", "aria-hidden": "true", vars: { "--ink": colourOf(entry.code) } }),
        h("span", { class: "mxm-entry-label" }, entry.label),
        h("span", { class: "mxm-entry-count" }, entry.count.toLocaleString("en"))));
  });
  const list = entries.length && h("ul", { class: "mxm-entries", "aria-label": "Legend" }, entries);
  if (colours.kind !== "number") return [list].filter(Boolean);
  const ramp = h("div", { class: "mxm-ramp", role: "img", "aria-label": `Colours from ${colours.ends[0]} to ${colours.ends[1]}`, vars: { "--ramp": `linear-gradient(90deg, ${paint.ramp.join(", ")})` } });
  return [ramp, h("div", { class: "mxm-ends", "aria-hidden": "true" }, h("span", {}, colours.ends[0]), h("span", {}, colours.ends[1])), list].filter(Boolean);
}
