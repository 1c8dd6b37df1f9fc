// The playground's view. Data is somebody else's text: it enters the page as text nodes only.
import { h, milliseconds, plural } from "../nodes.js";
import { makeApp } from "./app.js";
import { makeBaseline } from "./baseline.js";
import { makeCode } from "./code.js";
import { makeCompare } from "./compare.js";
import { makeControls } from "./controls.js";
import { makeFilterForm } from "./filterform.js";
import { buildFrame } from "./frame.js";
import { GONE_WORDS, codeOf, makeGone } from "./gone.js";
import { makeJudge } from "./judge.js";
import { makeMap } from "./map.js";
import { makeExtras } from "./lineage.js";
import { makeMeasure } from "./measure.js";
import { makeMedia } from "./media.js";
import { makeRanks } from "./ranks.js";
import { makeResults } from "./results.js";
import { makeSweep } from "./sweep.js";
import { makeTabs } from "./tabs.js";
import { makeTimes } from "./times.js";

const QUICK = 250;
const LONGEST_PAUSE = 300;
const OTHERS_AFTER = 400;

function render({ model, el }) {
  const app = makeApp(model);
  const ui = buildFrame(app.about);
  const { state } = app;
  ui.root.mixpeek = app;
  el.append(ui.root);

  const controls = makeControls(app, ui);
  const times = makeTimes(app, ui);
  const filterForm = makeFilterForm(app, ui, ui.query);
  const extras = makeExtras(app, (id) => app.search(ui.query.value, { isForced: true, changes: { like: id.split("#")[0] } }));
  const results = makeResults(app, ui, { grading: (id) => judge.control(id), media: makeMedia(app), extras, hasTrace: app.about.offers?.includes("trace") });
  const judge = makeJudge(app, results, ui.live);
  const ranks = makeRanks(app, showHit);
  const baseline = makeBaseline(app);
  const compare = makeCompare(app, baseline, showHit);
  const measure = makeMeasure(app, ui, baseline, judge, { onQuery: askFor, onJudging });
  const sweep = makeSweep(app);
  const code = makeCode(app);
  const map = makeMap(app, ui, filterForm, showHit);
  const gone = makeGone(app);
  app.on("lost", gone.tell);
  ui.banners.before(gone.node);
  const tabs = makeTabs(ui.tabs, ui.panels, [
    { id: "results", label: "Results", node: ui.found, paint: results.paint },
    { id: "ranks", label: "Ranks", node: ranks.node, paint: ranks.paint },
    { id: "compare", label: "Compare", node: compare.node, paint: compare.paint },
    { id: "judge", label: "Judge", node: measure.node, paint: measure.paint },
    { id: "sweep", label: "Sweep", node: sweep.node, paint: sweep.paint },
    ...(map ? [{ id: "map", label: "Map", node: map.node, paint: map.paint }] : []),
    { id: "code", label: "Code", node: code.node, paint: code.paint },
  ], "Views of the results");

  /** Go to a result in the list, and open it. */
  function showHit(id) {
    tabs.show("results");
    const card = results.cardOf(id);
    if (!card?.isConnected) return;
    if (!state.open.has(id)) card.toggle.click();
    card.toggle.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  /** Judging begins at the first result, with the keyboard on it. */
  function onJudging() {
    tabs.show("results");
    results.stepTo(0);
  }

  function askFor(query) {
    ui.query.value = query;
    tabs.show("results");
    app.search(query);
  }

  // ---------------------------------------------------------------- painting

  let isComposing = false;
  app.on("answer", ({ header, body, asked }) => {
    if (header.ok) {
      const isTyping = asked ? ui.query.value !== asked.query : isComposing || app.isPutOff("typed") || app.client.isBusy();
      if (!isTyping) ui.query.value = body.query;
      results.forget();
    }
    paintAll();
    if (header.ok) times.measure(header, asked, () => {
      paintStatus();
      times.paint();
      ui.live.textContent = ui.status.textContent;
    });
  });
  app.on("move", () => {
    if (state.payload) {
      results.paintBanners();
      tabs.paintShown();
    }
    controls.paint();
  });
  app.on("settle", () => {
    if (!state.payload) return;
    const [first] = state.hits;
    ui.live.textContent = first ? `Order updated. First: ${app.titleOf(first.document_id)}` : "No results with these legs";
  });
  app.on("documents", (ids) => {
    const isShown = results.forget(ids);
    const isRanked = tabs.shown() === "ranks" && state.hits.some((hit) => ids.includes(hit.document_id));
    if ((isShown && tabs.shown() === "results") || isRanked || tabs.shown() === "compare") tabs.paintShown();
  });
  app.on("status", paintStatus);
  model.on("change:preparing", paintStatus);
  app.closers.push(() => model.off("change:preparing", paintStatus));
  app.on("gone", () => {
    paintStatus();
    ui.live.textContent = `${GONE_WORDS} Its last answer stays.`;
    gone.node.scrollIntoView({ block: "nearest" });
  });
  const paintGrades = () => {
    measure.paintStrip();
    tabs.paintShown();
  };
  app.on("grades", paintGrades);
  app.on("judging", paintGrades);

  function paintAll() {
    controls.paint();
    filterForm.paint();
    paintAsked();
    results.paintBanners();
    measure.paintStrip();
    tabs.paintShown();
    paintStatus();
    times.paint();
  }

  /** The document that is asked with, in place of the words. */
  function paintAsked() {
    ui.chips.hidden = !state.like;
    if (!state.like) return;
    ui.chips.replaceChildren(h("span", {}, `Like ${app.titleOf(state.like)}`), h("button", { class: "mxp-icon", type: "button", "aria-label": "Search with words again", onclick: () => app.search(ui.query.value, { isForced: true, changes: { like: null } }) }, "×"));
  }

  function paintStatus() {
    const isBusy = app.client.isBusy();
    ui.root.classList.toggle("is-searching", isBusy);
    ui.hits.classList.toggle("is-stale", isBusy || (Boolean(state.error) && !state.isGone));
    ui.hits.setAttribute("aria-busy", String(isBusy));
    ui.limitBox.hidden = !state.payload;
    ui.tabs.hidden = !state.payload;
    ui.status.textContent = isBusy ? busyText() : statusText();
    ui.status.title = ui.status.textContent;
    ui.code.textContent = codeOf(app.about, state.query);
  }

  function busyText() {
    if (model.get("preparing")) return model.get("preparing");
    return state.isSlow ? "Still searching. The kernel may be busy with a cell, or gone: Enter asks again." : "Searching…";
  }

  function statusText() {
    const { payload, error, hits, refused } = state;
    if (state.isGone) return payload ? "The last answer; the kernel is gone" : "The kernel is gone";
    if (error) return payload ? "Below are the results of the search before." : "";
    if (!payload) return model.get("preparing") ?? "";
    const total = app.isDelivered() ? payload.total ?? state.ranking.length : state.ranking.length;
    const found = total > hits.length ? `${hits.length} of ${plural(total, "result")}` : plural(hits.length, "result");
    if (refused !== null) return `${found}, re-fused in ${milliseconds(refused)}`;
    return state.times ? `${found} in ${milliseconds(state.times.total)}` : found;
  }

  // ---------------------------------------------------------------- query and keys

  const search = (isForced) => {
    app.drop("typed");
    // Words take the place of a document that was asked with.
    const isOther = app.likeAsked() && (isForced || ui.query.value !== app.queryAsked());
    app.search(ui.query.value, { isForced, changes: isOther ? { like: null } : {} });
  };
  /** Where searches are quick each key asks at once; what is typed meanwhile waits for the answer. */
  const typed = () => {
    const last = state.lastTotal ?? 0;
    if (last < QUICK) return search(false);
    return app.later("typed", Math.min(LONGEST_PAUSE, last / 6), () => search(false));
  };
  ui.query.addEventListener("input", (event) => event.isComposing || typed());
  ui.query.addEventListener("compositionstart", () => { isComposing = true; });
  ui.query.addEventListener("compositionend", () => {
    isComposing = false;
    typed();
  });

  /** What a key does here, or nothing. */
  function keyAction(key, target) {
    if (target === ui.query && key === "Enter") return () => search(true);
    if (target === ui.query && key === "ArrowDown") return () => results.step(1);
    if (target.matches("input, select, textarea, [role=tab], audio, video")) return null;
    const actions = {
      "/": () => ui.query.select(),
      j: () => results.step(1), ArrowDown: () => results.step(1),
      k: () => results.step(-1), ArrowUp: () => results.step(-1),
    };
    const card = target.closest(".mxp-hit");
    return actions[key] ?? judge.key(key, card?.dataset.id);
  }

  /** Ctrl+Enter: what stands, or what was just typed, becomes the baseline. */
  let isPinning = false;
  function pin() {
    if (ui.query.value === state.query && state.payload && !app.client.isBusy()) {
      baseline.pin();
      ui.live.textContent = "Pinned as the baseline";
      return;
    }
    isPinning = true;
    search(true);
  }
  app.on("answer", ({ header }) => {
    if (isPinning && header.ok) baseline.pin();
    isPinning = false;
  });

  /** Ctrl+S saves the notebook: its shortcut does not reach controls that have keys of their own. */
  function save() {
    const button = ui.root.closest(".jp-NotebookPanel")?.querySelector("[data-command='docmanager:save']");
    button?.click();
    return Boolean(button);
  }

  // JupyterLab takes Ctrl+Enter at the document, to run the cell: only the window is before it.
  const commands = { Enter: pin, s: save };
  const onCommand = (event) => {
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!isCommand || !Object.hasOwn(commands, event.key) || event.isComposing || !ui.root.contains(event.target)) return;
    if (commands[event.key]() === false) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", onCommand, true);

  ui.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    const action = keyAction(event.key, event.target);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });

  // ---------------------------------------------------------------- start and end

  const onQuery = () => {
    const query = model.get("query");
    if (document.activeElement !== ui.query) ui.query.value = query;
    if (query === app.queryAsked()) return;
    // From Python, whose answer comes by itself, or from another view: then it is asked for.
    app.later("others", OTHERS_AFTER, () => {
      const isAsking = app.client.isBusy() || app.isPutOff("typed") || isComposing;
      if (model.get("query") !== app.queryAsked() && !isAsking && !state.isGone) app.client.request({ type: "current", query: model.get("query") });
    });
  };
  model.on("change:query", onQuery);
  ui.query.value = state.query;
  app.client.request({ type: "current", query: state.query }); // without a query, too: there may be filters
  paintAll();

  return () => {
    window.removeEventListener("keydown", onCommand, true);
    app.close();
    model.off("change:query", onQuery);
  };
}

export default { render };
