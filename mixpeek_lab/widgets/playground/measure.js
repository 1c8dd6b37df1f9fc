// What the settings are worth on the judged queries: the strip above the results, and its panel.
import { h, plural } from "../nodes.js";
import { unjudgedShare } from "./judge.js";

const REST = 250;
const FEW = 10;

/** Gives {node, paint(), paintStrip(), refresh()}. */
export function makeMeasure(app, ui, baseline, judge, { onQuery, onJudging }) {
  const { state } = app;
  let told = null; // the kernel's last table
  let progress = null;
  let fault = null;
  let isOld = false;
  let glanced = null; // means under the settings of this moment, while a control moves
  let turn = 0;

  // ---------------------------------------------------------------- asking the kernel

  function refresh() {
    isOld = Boolean(told);
    app.later("measure", REST, measure);
    paintStrip();
  }

  /** Gather what is missing in short requests, then measure; a newer wish ends an older one. */
  async function measure() {
    turn += 1;
    const mine = turn;
    app.flush();
    fault = null;
    try {
      do {
        progress = await app.client.call("gather");
        state.judged = progress.judged;
        if (mine !== turn) return;
        paintAll();
      } while (progress.done < progress.total);
      const found = progress.total ? await app.client.call("measure") : null;
      if (mine !== turn) return;
      told = found;
      isOld = false;
    } catch (error) {
      if (mine !== turn) return;
      fault = error.message;
    }
    glanced = null;
    progress = null;
    paintAll();
    app.emit("measured", told);
  }

  /** While a control moves: the means alone, one request at a time, the newest settings next. */
  let isGlancing = false;
  let isAwaited = false;
  let frame = 0;
  function moved() {
    if (!told || !hasJudgements()) return;
    isOld = true;
    glanced = null;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(paintStrip);
    isAwaited = true;
    if (!isGlancing) glance();
  }
  async function glance() {
    isGlancing = true;
    while (isAwaited) {
      isAwaited = false;
      const { means } = await app.client.call("glance", app.choice()).catch(() => ({ means: null }));
      if (!isAwaited && isOld) glanced = means;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(paintStrip);
    }
    isGlancing = false;
  }

  app.on("move", moved);
  app.on("grades", refresh);
  app.on("settle", () => hasJudgements() && refresh());
  app.on("baseline", () => hasJudgements() && refresh());
  app.on("answer", ({ header }) => header.ok && (hasJudgements() || Object.keys(state.grades).length) && refresh());
  app.closers.push(() => {
    turn += 1;
    isAwaited = false;
    cancelAnimationFrame(frame);
  });
  const hasJudgements = () => (state.judged?.judgements ?? 0) > 0;

  // ---------------------------------------------------------------- the strip

  function paintStrip() {
    const isJudging = judge.isOn() || hasJudgements();
    ui.strip.hidden = !state.payload || !isJudging;
    if (ui.strip.hidden) return;
    ui.strip.classList.toggle("is-old", isOld && !glanced);
    const share = unjudgedShare(state.hits, state.grades);
    const facts = (told?.rows ?? []).map(factOf);
    if (facts.length && (isOld || fault)) facts.push(h("span", { class: "mxp-strip-state" }, fault ? "not up to date: the kernel does not answer" : glanced ? "intervals follow" : "not up to date yet"));
    if (!facts.length) facts.push(h("span", { class: "mxp-hint" }, "Press 0 to 3 on a result to judge it: 0 does not answer, 3 answers best."));
    ui.strip.replaceChildren(...facts, h("span", { class: "mxp-gap" }), h("span", { class: "mxp-measure", title: "Results shown that have no grade" }, `unjudged@${state.hits.length}`, h("b", {}, `${Math.round(100 * share)}%`)));
  }

  function factOf(row) {
    const mean = glanced?.[row.measure];
    const isQuick = mean !== undefined;
    const gap = row.difference !== undefined && gapOf(isQuick ? { difference: mean - row.baseline } : row);
    return h("span", { class: "mxp-measure", title: isQuick ? null : titleOf(row) },
      row.measure, h("b", {}, (isQuick ? mean : row.mean).toFixed(3)), !isQuick && told.queries.length > 1 && h("small", {}, `${row.low.toFixed(2)}–${row.high.toFixed(2)}`), gap);
  }

  function gapOf(row) {
    const tone = row.difference > 0 ? "is-up" : row.difference < 0 ? "is-down" : "";
    return h("span", { class: `mxp-move-inline ${tone}` }, signed(row.difference));
  }

  // ---------------------------------------------------------------- the panel

  const body = h("div", { class: "mxp-pad" });

  function paintAll() {
    paintStrip();
    if (body.offsetParent) paint();
  }

  // What people type into stays where it is; only the numbers are built anew.
  const toggle = h("input", { type: "checkbox", role: "switch", class: "mxp-switch", "aria-label": "Show the judging buttons" });
  toggle.addEventListener("change", () => {
    judge.switchOn(toggle.checked);
    if (toggle.checked && state.payload) onJudging();
  });
  const countWords = h("span", { class: "mxp-hint" });
  const undo = h("button", { class: "mxp-button", type: "button", onclick: judge.undo }, "Undo");
  const numbers = h("div");
  const saving = buildSaving(app);
  body.append(
    h("div", { class: "mxp-toolbar" }, h("label", { class: "mxp-inline" }, toggle, "Judge the results"),
      h("span", { class: "mxp-hint" }, "Goes to the first result. Keys there: 0 to 3 grade, j and k move, u takes back."), h("span", { class: "mxp-gap" }), countWords, undo),
    numbers, saving.node);

  function paint() {
    const { judgements = 0, queries = 0 } = state.judged ?? {};
    toggle.checked = judge.isOn();
    countWords.textContent = `${plural(judgements, "judgement")}, ${queries} quer${queries === 1 ? "y" : "ies"}`;
    undo.disabled = !judgements;
    saving.paint(judgements > 0);
    numbers.replaceChildren(...progressRow(), ...(fault ? [h("div", { class: "mxp-fault" }, fault)] : []), ...(told?.rows.length ? [tableOf(), queriesOf()] : [emptyOf()]));
  }

  function progressRow() {
    if (!progress || progress.done >= progress.total) return [];
    return [h("div", { class: "mxp-hint" }, `Searching for the judged queries: ${progress.done} of ${progress.total} …`)];
  }

  function emptyOf() {
    return h("div", { class: "mxp-empty" }, h("strong", {}, "No numbers yet"), "They need a query with at least one document of grade 1 or more. For judgements from elsewhere: ", ...qrelsWords(app.about), ".");
  }

  function tableOf() {
    const isPinned = told.rows[0].difference !== undefined;
    const heads = ["measure", "mean", "95% interval", ...(isPinned ? ["baseline", "difference", "p", "won", "lost", "tied"] : [""])];
    const largest = Math.max(1e-9, ...told.rows.map((row) => row.high));
    return h("div", { class: "mxp-scroll" }, h("table", { class: "mxp-table mxp-measures" },
      h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, told.rows.map((row) => h("tr", {},
        h("th", { scope: "row" }, row.measure), h("td", {}, h("b", {}, row.mean.toFixed(4))),
        h("td", {}, told.queries.length > 1 ? `${row.low.toFixed(3)} – ${row.high.toFixed(3)}` : "one query"),
        !isPinned && h("td", { "aria-hidden": "true" }, whisker(row, Math.max(1, largest))),
        isPinned && [h("td", {}, row.baseline.toFixed(4)), h("td", {}, gapOf(row), h("span", { class: "mxp-faint" }, `${signed(row.difference_low)} … ${signed(row.difference_high)}`)), h("td", {}, row.p === null ? "–" : row.p.toPrecision(2)), h("td", {}, row.won), h("td", {}, row.lost), h("td", {}, row.tied)]))),
      state.judged?.left_out > 0 && h("caption", {}, `On the first ${told.queries.length.toLocaleString("en")} judged queries; ${state.judged.left_out.toLocaleString("en")} more are left out. %evaluate measures all.`),
      told.queries.length < FEW && h("caption", {}, `From ${told.queries.length === 1 ? "one query" : `${told.queries.length} queries`}: too few for intervals and p to say much.`)));
  }

  function whisker(row, most) {
    const at = (value) => `${(100 * value) / most}%`;
    return h("span", { class: "mxp-whisker" }, h("i", { vars: { left: at(row.low), width: at(row.high - row.low) } }), h("b", { vars: { left: at(row.mean) } }));
  }

  function queriesOf() {
    const [first] = told.rows;
    const rows = told.queries.map((each) => ({ ...each, gap: each.baseline ? each.values[first.measure] - each.baseline[first.measure] : null }));
    rows.sort((a, b) => (a.gap === null ? a.values[first.measure] - b.values[first.measure] : a.gap - b.gap));
    const isPinned = rows[0].gap !== null;
    return h("div", {}, h("div", { class: "mxp-label" }, isPinned ? "Queries, the largest losses first" : "Queries, the worst first"),
      h("div", { class: "mxp-scroll mxp-tall", tabindex: "0", role: "group", "aria-label": "Judged queries" }, h("table", { class: "mxp-table is-wide" },
        h("thead", {}, h("tr", {}, ["query", first.measure, ...(isPinned ? ["baseline", "difference"] : []), "unjudged@10"].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, rows.map((row) => h("tr", {},
          h("th", { scope: "row" }, h("button", { class: "mxp-link", type: "button", title: row.text, onclick: () => onQuery(row.text) }, row.text)),
          h("td", {}, row.values[first.measure].toFixed(3)),
          isPinned && [h("td", {}, row.baseline[first.measure].toFixed(3)), h("td", {}, gapOf({ difference: row.gap }))],
          h("td", {}, `${Math.round(100 * row.unjudged)}%`)))))));
  }

  return { node: body, paint, paintStrip, refresh };
}

/** How judgements from elsewhere come in, for somebody who has no name for the playground yet. */
export function qrelsWords({ retriever }) {
  return ["begin its cell with ", h("code", {}, `pg = %playground ${retriever}`), ", then run ", h("code", {}, 'pg.qrels = "a BEIR folder"')];
}

/** The row that writes the judgements to a file; gives {node, paint(canSave)}. */
function buildSaving(app) {
  const path = h("input", { class: "mxp-field", type: "text", value: "judgements", "aria-label": "Where to save the judgements", spellcheck: "false" });
  const kind = h("select", { class: "mxp-select", "aria-label": "Layout of the judgements" }, h("option", { value: "beir" }, "BEIR folder"), h("option", { value: "trec" }, "TREC file"));
  const words = h("span", { class: "mxp-hint", "aria-live": "polite" });
  const button = h("button", { class: "mxp-button", type: "button", onclick: async () => {
    try {
      words.textContent = `Saved: ${(await app.client.call("save", { path: path.value, layout: kind.value })).path}`;
    } catch (error) {
      words.textContent = error.message;
    }
  } }, "Save judgements");
  return {
    node: h("div", { class: "mxp-toolbar mxp-save" }, path, kind, button, words),
    paint(canSave) {
      button.disabled = !canSave;
    },
  };
}

export function signed(value) {
  return `${value > 0 ? "+" : ""}${value.toFixed(3)}`.replace("-", "−");
}

function titleOf(row) {
  const words = [`${row.measure}: 95% interval ${row.low.toFixed(3)} to ${row.high.toFixed(3)}`];
  if (row.difference !== undefined) words.push(`against the baseline ${signed(row.difference)}: ${row.won} won, ${row.lost} lost, ${row.tied} tied${row.p === null ? "" : `, p = ${row.p.toPrecision(2)}`}`);
  return words.join("; ");
}
