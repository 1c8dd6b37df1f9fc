// What the playground knows, and what moves it. Views listen; nothing here touches the page.
import { makeClient } from "../client.js";
import { headingOf, highlightTerms } from "../documents.js";
import { prepareLegs } from "../fusion.js";
import { deliveredOf, isSameChoice, ranked } from "./ranking.js";

const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442"]; // Okabe-Ito
const SAVE_AFTER = 250;
const FRESH = {
  payload: null, error: null, legs: [], terms: [], ranking: [], hits: [], before: null, refused: null,
  times: null, active: null, isLater: false, isBefore: false,
};

/**
 * The state of one view. `on(event, listener)`: `answer` (a search was answered), `move` (weights,
 * k, strategy or limit changed), `settle` (the hand let go), `status`, and what panels add.
 */
export function makeApp(model) {
  const about = model.get("about");
  const listeners = new Map();
  const state = {
    ...FRESH, query: model.get("query"), filters: null, like: null, grades: {}, open: new Set(),
    colours: new Map(), lastWeight: new Map(), isDragging: false, isSlow: false,
  };
  const app = { model, about, state, requests: 0, refuseTimes: [], closers: [] };

  app.on = (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  app.emit = (name, given) => (listeners.get(name) ?? []).forEach((listener) => listener(given));

  // ---------------------------------------------------------------- what is in force

  app.knownLegs = () => state.payload?.legs ?? about.legs;
  app.ownWeight = (leg) => leg.weight ?? 1;
  app.weightOf = (leg) => model.get("weights")[leg.name] ?? app.ownWeight(leg);
  app.colourOf = (name) => state.colours.get(name) ?? PALETTE[0];
  app.delivered = () => deliveredOf(state.payload, app.knownLegs());
  app.isDelivered = () => isSameChoice(app.choice(), app.delivered());
  app.choice = () => ({
    strategy: model.get("strategy"),
    k: model.get("k"),
    weights: Object.fromEntries(app.knownLegs().map((leg) => [leg.name, app.weightOf(leg)])),
  });
  app.nameOf = (id) => {
    const fields = state.payload?.documents[id]?.fields ?? {};
    return headingOf(fields, state.payload?.text_field ?? "data")[1] || id;
  };
  app.colour = () => app.knownLegs().forEach((leg, at) => state.colours.set(leg.name, PALETTE[at % PALETTE.length]));

  // ---------------------------------------------------------------- searching

  app.client = makeClient(model, onAnswer, () => {
    state.isSlow = true;
    app.emit("status");
  });

  /** Ask for an answer to `query`; `changes` are filters and like, where they change. */
  app.search = (query, { isForced = false, changes = {} } = {}) => {
    const isSame = query === state.query && !state.error && (state.payload || !query.trim()) && !Object.keys(changes).length;
    if (isSame && !isForced && !app.client.isBusy()) return;
    state.isSlow = false;
    app.requests += 1;
    app.client.request({ type: "search", query, ...changes }, isForced);
    app.emit("status");
  };

  function onAnswer(header, body, asked) {
    state.isSlow = false;
    if (asked) state.query = asked.query;
    if (!header.ok) state.error = header.error;
    else adopt(body);
    app.emit("answer", { header, body, asked });
  }

  function adopt({ query, filters, like, grades, payload }) {
    Object.assign(state, FRESH, {
      query, filters, like: like ?? null, grades: grades ?? {}, payload, open: new Set(),
      legs: payload ? prepareLegs(payload.legs) : [],
      terms: payload ? highlightTerms(payload, query) : [],
    });
    app.rank();
  }

  // ---------------------------------------------------------------- ranking

  app.rank = () => {
    if (state.payload) Object.assign(state, ranked(state.payload, state.legs, app.choice(), model.get("limit")));
  };

  app.currentRanks = () => {
    const ranks = new Map(state.ranking.map(({ id }, at) => [id, at + 1]));
    for (const hit of state.hits) ranks.set(hit.document_id, hit.rank);
    return ranks;
  };

  /** Rank anew after a control moved. Nothing is asked of the kernel. */
  app.refuse = () => {
    const started = performance.now();
    app.rank();
    app.emit("move");
    if (!state.payload) return;
    state.refused = performance.now() - started;
    app.refuseTimes.push(state.refused);
    if (app.refuseTimes.length > 200) app.refuseTimes.shift();
    app.emit("status");
  };

  // ---------------------------------------------------------------- moving

  let saving = null;
  let isSetting = false;
  /** Change traits here, now; tell the kernel once the hand rests. */
  app.set = (changes) => {
    isSetting = true;
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    isSetting = false;
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_AFTER);
    app.refuse();
  };
  function save() {
    saving = null;
    model.save_changes();
  }
  /** Tell the kernel now, so that what is asked next is answered for these settings. */
  app.flush = () => {
    clearTimeout(saving);
    if (saving !== null) save();
  };

  /** A control starts to move: the order of this moment is what the arrows compare with. */
  function grab() {
    if (state.isDragging) return;
    state.isDragging = true;
    state.before = state.payload ? app.currentRanks() : null;
  }
  app.release = () => {
    state.isDragging = false;
    app.emit("settle");
  };
  app.drag = (changes) => {
    grab();
    app.set(changes);
  };
  app.move = (changes) => {
    state.isDragging = false;
    app.drag(changes);
    app.release();
  };
  app.withWeight = (name, weight) => ({ weights: { ...model.get("weights"), [name]: weight } });
  /** Go to settings `{strategy, k, weights}`, as of a baseline or a cell of the sweep. */
  app.load = ({ strategy, k, weights }) => app.move({ strategy, k, weights: { ...model.get("weights"), ...weights } });

  // ---------------------------------------------------------------- changes from Python

  const onTrait = () => {
    if (isSetting) return;
    app.refuse();
    app.emit("settle");
  };
  const watched = ["change:weights", "change:k", "change:strategy", "change:limit"];
  for (const name of watched) model.on(name, onTrait);

  app.close = () => {
    app.flush();
    app.client.close();
    for (const name of watched) model.off(name, onTrait);
    for (const close of app.closers) close();
  };
  app.colour();
  return app;
}
