// The playground's frame: query box, legs panel, fusion, results, foot.
import { numeral } from "../fusion.js";
import { freshId, h, milliseconds } from "../nodes.js";

export const LIMITS = [5, 10, 25, 50, 100];
export const MOST_KEPT = 10_000;

/** All nodes that the view paints into, and `root` which holds them. */
export function buildFrame(about) {
  const id = freshId();
  const ui = {
    query: h("input", { class: "mxp-query", type: "text", autocomplete: "off", spellcheck: "false", placeholder: "Search…", "aria-label": `Query ${about.title}`, "aria-controls": `${id}-hits` }),
    legs: h("div", { role: "group", "aria-labelledby": `${id}-legs` }),
    legsHint: h("div", { class: "mxp-hint" }, "The legs appear with the first search."),
    strategy: h("select", { class: "mxp-select", "aria-label": "Fusion strategy" }),
    hint: h("div", { class: "mxp-hint" }),
    k: buildSlider({ name: "k", label: "k", min: 1, max: 200, step: 1, text: (value) => numeral(value, 0) }),
    reset: h("button", { class: "mxp-link mxp-reset", type: "button", hidden: true }, "Reset to the retriever’s own"),
    status: h("div", { class: "mxp-status" }),
    limit: h("select", { class: "mxp-select", "aria-label": "Results to show" }, limitOptions(LIMITS)),
    banners: h("div"),
    empty: h("div", { class: "mxp-empty" }),
    hits: h("ol", { class: "mxp-hits", id: `${id}-hits`, role: "list", "aria-label": "Results" }),
    ribbon: h("div", { class: "mxp-ribbon", "aria-hidden": "true" }),
    timeList: h("ul", { "aria-label": "Where the time went" }),
    live: h("div", { class: "mx-visually-hidden", role: "status", "aria-live": "polite" }),
    chips: h("div", { class: "mxp-asked", hidden: true }),
    aside: h("div", { class: "mxp-aside" }),
    strip: h("div", { class: "mxp-strip", hidden: true }),
    tabs: h("div", { class: "mxp-tabs" }),
    panels: h("div", { class: "mxp-panels" }),
    code: h("code", { class: "mxp-code", title: "Run this to get the playground again" }, about.code),
  };
  ui.found = h("div", {}, ui.empty, ui.hits);
  ui.kBox = h("div", {}, ui.k);
  ui.limitBox = h("label", { class: "mxp-limit", hidden: true }, "Show", ui.limit);
  ui.times = h("div", { class: "mxp-times", hidden: true }, ui.ribbon, ui.timeList);
  ui.root = h("section", { class: "mixpeek mxp", "aria-label": `Playground: ${about.title}` },
    buildHead(about, ui),
    h("div", { class: "mxp-body" },
      h("div", { class: "mxp-controls" },
        h("div", {}, h("div", { class: "mxp-label", id: `${id}-legs` }, "Legs"), ui.legsHint, ui.legs),
        h("div", { class: "mxp-fusion" }, h("div", { class: "mxp-label" }, "Fusion"), ui.strategy, ui.hint, ui.kBox, ui.reset),
        ui.aside),
      h("div", { class: "mxp-main" },
        h("div", { class: "mxp-bar" }, ui.tabs, ui.status, ui.limitBox), ui.strip, ui.banners, ui.panels)),
    h("div", { class: "mxp-foot" }, ui.times,
      about.code && ui.code),
    ui.live);
  return ui;
}

function buildHead(about, ui) {
  return h("div", { class: "mxp-head", role: "search" },
    h("div", { class: "mxp-title", title: about.title }, about.title),
    ui.chips,
    h("div", { class: "mxp-search" }, ui.query,
      h("span", { class: "mxp-key", "aria-hidden": "true" }, "/"),
      h("span", { class: "mxp-spinner", "aria-hidden": "true" })));
}

export function limitOptions(limits) {
  return limits.map((limit) => h("option", { value: limit }, String(limit)));
}

/** One leg: switch, name, weight, top_k, time, and in words its kind and what it found. `actions` are slide, release, power, keep. */
export function buildLeg(leg, colour, actions) {
  const power = h("input", { type: "checkbox", role: "switch", class: "mxp-switch", "aria-label": `Use the leg ${leg.name}` });
  const time = h("span", { class: "mxp-leg-time" });
  const note = h("div", { class: "mxp-leg-note" });
  const depth = h("input", { type: "number", class: "mxp-depth", min: 1, max: MOST_KEPT, step: 1, "aria-label": `Candidates that ${leg.name} keeps (top_k)` });
  const depthBox = h("label", { class: "mxp-depth-box" }, "top", depth);
  const slider = buildSlider({ label: `Weight of ${leg.name}`, min: 0, max: 2, step: 0.05, text: (value) => String(Number(value.toFixed(3))), colour });
  const node = h("div", { class: "mxp-leg", "data-leg": leg.name, vars: { "--leg": colour } },
    h("div", { class: "mxp-leg-head" }, power,
      h("span", { class: "mxp-swatch", "aria-hidden": "true" }),
      h("span", { class: "mxp-leg-name", title: leg.name }, leg.name)),
    slider, h("div", { class: "mxp-leg-foot" }, depthBox, note, time));
  let current = leg;
  power.addEventListener("change", () => actions.power(current, power.checked));
  slider.connect((weight) => actions.slide(current, weight), actions.release);
  const keep = (isFinal) => {
    const topK = Number(depth.value);
    if (Number.isInteger(topK) && topK >= 1 && topK <= MOST_KEPT) actions.keep(current, topK, isFinal);
    else if (isFinal) depth.value = String(kept);
  };
  let kept = leg.top_k;
  depth.addEventListener("input", () => keep(false));
  depth.addEventListener("change", () => keep(true));
  node.update = (next, weight, topK) => {
    current = next;
    kept = topK;
    depthBox.hidden = !topK;
    if (topK && document.activeElement !== depth) depth.value = String(topK);
    node.classList.toggle("is-off", !(weight > 0));
    power.checked = weight > 0;
    slider.update(weight);
    time.textContent = next.milliseconds === undefined ? "" : milliseconds(next.milliseconds);
    const found = next.document_ids?.length;
    const facts = [next.kind !== next.name && next.kind, found !== undefined && (topK < found ? `of ${found} found` : `${found} found`), next.metric];
    note.textContent = facts.filter(Boolean).join(" · ");
    note.title = [note.textContent, next.feature_uri].filter(Boolean).join("\n");
  };
  return node;
}

/** A range and a number that move together. */
export function buildSlider({ name = "", label, min, max, step, text, colour }) {
  const range = h("input", { type: "range", min, max, step, "aria-label": label, vars: colour ? { "--fill": colour } : {} });
  const number = h("input", { type: "number", min: 0, step: "any", "aria-label": `${label}, as a number` });
  const node = h("div", { class: "mxp-slide" }, name && h("span", { class: "mxp-slide-name", "aria-hidden": "true" }, name), range, number);
  node.update = (value) => {
    if (value > Number(range.max)) range.max = String(Math.ceil(value));
    if (Number(range.value) !== value) range.value = String(value);
    range.style.setProperty("--at", `${(100 * (range.value - range.min)) / (range.max - range.min)}%`);
    if (document.activeElement !== number) number.value = text(value);
  };
  node.connect = (onMove, onRelease) => {
    range.addEventListener("input", () => onMove(Number(range.value)));
    range.addEventListener("change", onRelease);
    number.addEventListener("input", () => {
      const value = Number(number.value);
      if (number.value !== "" && Number.isFinite(value) && value >= 0) onMove(value);
    });
    number.addEventListener("change", onRelease);
  };
  return node;
}
