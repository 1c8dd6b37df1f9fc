// The sweep: a measure over two settings, on queries to choose by and on queries held out.
import { h, keepingFocus } from "../nodes.js";
import { copyText } from "./code.js";
import { qrelsWords, signed } from "./measure.js";

const MEASURES_SWEPT = ["nDCG@10", "RR", "R@100"];

/** The panel of the tab "Sweep"; gives {node, paint()}. */
export function makeSweep(app) {
  const { state } = app;
  const body = h("div", { class: "mxp-pad" });
  const axes = { x: null, y: null, measure: MEASURES_SWEPT[0], seed: 0 };
  let told = null;
  let progress = null;
  let fault = "";
  let turn = 0;

  const axisNames = () => [...(hasKNow() ? ["k"] : []), ...app.knownLegs().map((leg) => leg.name)];
  const hasKNow = () => app.choice().strategy.startsWith("rrf") || app.choice().strategy === "learned";

  function paint() {
    const names = axisNames();
    if (!names.includes(axes.x)) [axes.x] = names;
    if (!names.includes(axes.y) || axes.y === axes.x) axes.y = names.find((name) => name !== axes.x) ?? null;
    keepingFocus(body, () => body.replaceChildren(form(names), ...status(), ...(told ? maps() : [hintOf()])));
  }

  function form(names) {
    const choose = (label, key, values) => {
      const box = h("select", { class: "mxp-select", "aria-label": label, "data-axis": key }, values.map((value) => h("option", { value }, value)));
      box.value = axes[key];
      box.addEventListener("change", () => {
        axes[key] = box.value;
        told = null;
        paint();
      });
      return h("label", { class: "mxp-inline" }, label, box);
    };
    const isReady = (state.judged?.judgements ?? 0) > 0 && axes.y;
    return h("div", { class: "mxp-toolbar" },
      choose("across", "x", names), choose("down", "y", names.filter((name) => name !== axes.x)), choose("measure", "measure", MEASURES_SWEPT),
      h("span", { class: "mxp-gap" }),
      told?.held > 0 && h("button", { class: "mxp-button", type: "button", title: "Draw the two halves anew", onclick: () => { axes.seed += 1; run(); } }, "Split anew"),
      h("button", { class: "mxp-button is-strong", type: "button", "data-action": "sweep", disabled: !isReady, onclick: run }, "Sweep"));
  }

  function hintOf() {
    const isJudged = (state.judged?.judgements ?? 0) > 0;
    const words = axisNames().length < 2
      ? ["A sweep needs two things to vary: two legs, or a fusion with k."]
      : isJudged ? ["Every cell fuses the judged queries’ candidates anew: nothing is searched again. Half of the queries choose, the other half checks."] : ["A sweep needs judged queries: click a result and press 0 to 3, or switch “Judge the results” on in the tab Judge. For judgements from elsewhere: ", ...qrelsWords(app.about), "."];
    return h("div", { class: "mxp-empty" }, h("strong", {}, "Which settings are best?"), ...words);
  }

  function status() {
    const found = [];
    if (progress) found.push(h("div", { class: "mxp-hint" }, progress));
    if (fault) found.push(h("div", { class: "mxp-fault" }, fault));
    return found;
  }

  /** Candidates first, then cell after cell, in short requests; a newer sweep ends an older one. */
  async function run() {
    turn += 1;
    const mine = turn;
    app.flush();
    fault = "";
    try {
      for (let got = { done: 0, total: 1 }; got.done < got.total;) {
        got = await app.client.call("gather");
        if (mine !== turn) return;
        say(`Searching for the judged queries: ${got.done} of ${got.total} …`);
      }
      for (let got = { done: 0, total: 1 }, isNew = true; got.done < got.total; isNew = false) {
        got = await app.client.call("sweep", { ...axes, is_new: isNew });
        if (mine !== turn) return;
        say(`${got.done} of ${got.total} cells …`);
        told = got.result ?? told;
      }
    } catch (error) {
      if (mine === turn) fault = error.message;
    }
    progress = null;
    if (body.offsetParent) paint();
  }
  function say(words) {
    progress = words;
    if (body.offsetParent) paint();
  }

  // ---------------------------------------------------------------- the maps

  function maps() {
    const all = told.cells.flatMap((cell) => [cell.train, cell.held]).filter((value) => value !== null);
    // Where all is off nothing is found: that 0 would leave the other cells in one colour.
    const found = all.filter((value) => value > 0);
    const range = [Math.min(...(found.length ? found : all)), Math.max(...all)];
    const isSplit = told.held > 0;
    return [
      h("div", { class: "mxp-maps" },
        mapOf("train", isSplit ? `Chosen on ${told.train} queries` : `All ${told.train} judged queries`, range),
        isSplit && mapOf("held", `Checked on the other ${told.held}`, range)),
      legend(range), verdict(isSplit)];
  }

  function mapOf(part, title, [low, high]) {
    const { x, y } = told;
    const cells = told.cells.map((cell, at) => cellOf(cell[part], at, Math.max(0, (cell[part] - low) / (high - low || 1))));
    const grid = h("div", { class: "mxp-map", role: "grid", "aria-label": `${told.measure} by ${x.axis} and ${y.axis}, ${title}`, vars: { "grid-template-columns": `auto repeat(${x.values.length}, minmax(0, 1fr))` } });
    y.values.forEach((value, row) => {
      const line = h("div", { role: "row", class: "mxp-map-row" }, h("span", { role: "rowheader", class: "mxp-map-label" }, axisText(value)), cells.slice(row * x.values.length, (row + 1) * x.values.length));
      grid.append(line);
    });
    grid.append(h("div", { role: "row", class: "mxp-map-row" }, h("span", { role: "columnheader", class: "mxp-map-label" }, h("span", { class: "mx-visually-hidden" }, `${y.axis} by ${x.axis}`)), x.values.map((value) => h("span", { role: "columnheader", class: "mxp-map-label" }, axisText(value)))));
    grid.addEventListener("keydown", (event) => arrow(event, cells, x.values.length));
    cells[told.now].tabIndex = 0;
    return h("figure", { class: "mxp-figure" }, h("figcaption", {}, title), h("div", { class: "mxp-map-y" }, `${y.axis} ↓`), grid, h("div", { class: "mxp-map-x" }, `${x.axis} →`));
  }

  function cellOf(value, at, share) {
    const [x, y] = [told.x.values[at % told.x.values.length], told.y.values[Math.floor(at / told.x.values.length)]];
    const marks = [at === told.best && "is-best", at === told.now && "is-now"].filter(Boolean).join(" ");
    const shown = value.toFixed(2).replace(/^0/, "");
    const words = `${told.x.axis} ${axisText(x)}, ${told.y.axis} ${axisText(y)}: ${told.measure} ${value.toFixed(4)}${at === told.best ? ", the best" : ""}${at === told.now ? ", as set now" : ""}`;
    return h("button", { class: `mxp-cell ${marks}`, type: "button", role: "gridcell", tabindex: "-1", title: words, "aria-label": `${shown}, ${words}`, "data-at": at, vars: { "--share": share.toFixed(3) }, onclick: () => load(x, y) }, shown);
  }

  function arrow(event, cells, width) {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = cells[cells.indexOf(document.activeElement) + by];
    if (!next) return;
    cells.forEach((cell) => { cell.tabIndex = -1; });
    next.tabIndex = 0;
    next.focus();
  }

  /** A cell's settings become the playground's. */
  function load(x, y) {
    const { strategy, k, weights, top_k } = told.settings;
    const next = { strategy, top_k, k: app.choice().k, weights: { ...weights, ...app.choice().weights } };
    for (const [axis, value] of [[told.x.axis, x], [told.y.axis, y]]) {
      if (axis === "k") next.k = value;
      else next.weights[axis] = value;
    }
    if (!hasKNow()) next.k = k;
    app.load(next);
    told.now = told.x.values.indexOf(x) + told.y.values.indexOf(y) * told.x.values.length;
    paint();
    body.querySelector(`.mxp-cell[data-at="${told.now}"]`)?.focus();
  }

  function legend([low, high]) {
    return h("div", { class: "mxp-legend" }, h("span", {}, low.toFixed(3)), h("i", {}), h("span", {}, high.toFixed(3)), h("span", { class: "mxp-cell is-best is-sample" }, ""), told.held > 0 ? "best of the first" : "best", h("span", { class: "mxp-cell is-now is-sample" }, ""), "as set now", h("span", { class: "mxp-gap" }), (state.payload?.stages ?? []).length > 0 && "Measured before the later stages.");
  }

  function verdict(isSplit) {
    const [best, now] = [told.cells[told.best], told.cells[told.now]];
    const words = [`Best: ${told.measure} ${best.train.toFixed(3)} (now ${now.train.toFixed(3)}).`];
    if (isSplit) words.push(` On the queries held out: ${best.held.toFixed(3)} against ${now.held.toFixed(3)} (${signed(best.held - now.held)}${told.p === null ? "" : `, p = ${told.p.toPrecision(2)}`}).`);
    if (isSplit && best.held < now.held) words.push(" What looks best on one half is worse on the other: do not trust it.");
    const copy = h("button", { class: "mxp-button", type: "button", "data-action": "copy-best", onclick: async () => {
      const { json } = await app.client.call("code", { settings: told.settings });
      copyText(JSON.stringify(json, null, 2), copy);
    } }, "Copy the best as retriever JSON");
    return h("div", {}, h("p", { class: "mxp-verdict" }, words.join("")), h("div", { class: "mxp-toolbar" },
      h("button", { class: "mxp-button is-strong", type: "button", "data-action": "load-best", onclick: () => load(told.x.values[told.best % told.x.values.length], told.y.values[Math.floor(told.best / told.x.values.length)]) }, "Load the best"),
      app.about.offers?.includes("body") && copy));
  }

  app.closers.push(() => { turn += 1; });
  return { node: body, paint };
}

const axisText = (value) => String(Number(value.toFixed(3)));
