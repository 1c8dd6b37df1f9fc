// Page nodes and numbers in words, for every widget.

const SVG = "http://www.w3.org/2000/svg";
const COUNTS = new Intl.NumberFormat("en");

/**
 * An element with attributes (`class`, `vars` for style properties, `on…` for listeners) and
 * children. Strings become text nodes: nothing that comes from data is ever parsed as HTML.
 */
export function h(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "vars") setVars(node, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  if (isKeyed(tag, given.type)) node.setAttribute("data-lm-suppress-shortcuts", "true");
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An SVG element, its attributes and children. */
export function s(tag, given = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(given)) {
    if (value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

/** Paint `root` anew; the focus stays on the control it was on, or in `root` where that is gone. */
export function keepingFocus(root, paint) {
  const active = root.contains(document.activeElement) ? document.activeElement : null;
  const key = active && ["action", "axis", "change", "at"].find((name) => active.dataset[name] !== undefined);
  const value = key && CSS.escape(active.dataset[key]);
  paint();
  if (!active || active.isConnected) return;
  const same = key && root.querySelector(`[data-${key}="${value}"]`);
  (same ?? root.querySelector("button:not(:disabled), input, select"))?.focus({ preventScroll: true });
}

function setVars(node, vars) {
  for (const [name, value] of Object.entries(vars)) node.style.setProperty(name, value);
}

/** JupyterLab's command mode takes arrows, Enter and letters away from what is not a text field. */
function isKeyed(tag, type) {
  return tag === "button" || tag === "select" || tag === "summary" || type === "range" || type === "checkbox";
}

export function chevron() {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const shape = { width: 12, height: 12, viewBox: "0 0 12 12", "aria-hidden": "true" };
  const line = { d: "M4 2l4 4-4 4", fill: "none", stroke: "currentColor", "stroke-width": 1.6 };
  for (const [name, value] of Object.entries(shape)) svg.setAttribute(name, value);
  for (const [name, value] of Object.entries(line)) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}

/** A random id for `aria-controls` and the like. */
export function freshId() {
  return `mxp-${Math.random().toString(36).slice(2, 9)}`;
}

export function milliseconds(value) {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}

export function plural(count, word) {
  return `${COUNTS.format(count)} ${word}${count === 1 ? "" : "s"}`;
}
