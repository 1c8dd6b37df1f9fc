// What the playground knows, and what moves it. Views listen; nothing here touches the page.
import { makeClient } from "../client.js";
import { highlightTerms } from "../documents.js";
import { prepareLegs } from "../fusion.js";
import { makeNames } from "./names.js";
import { deliveredOf, isCut, isSameChoice, isShort, ranked } from "./ranking.js";
import { unpacked } from "./sending.js";

const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442"]; // Okabe-Ito
const SAVE_AFTER = 250;
const ECHO_WITHIN = 3000;
const MOST_SENT = 50;
const DEEPER_AFTER = 350;
const [REST_AFTER, REST_PAUSE, REST_SIZE] = [600, 30, 250];
const FRESH = {
  payload: null, error: null, legs: [], cut: null, terms: [], ranking: [], hits: [], before: null, refused: null,
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
    ...FRESH, query: model.get("query"), filters: null, like: null, ownTopK: {}, grades: {}, open: new Set(),
    colours: new Map(), lastWeight: new Map(), isDragging: false, isSlow: false, isGone: false,
  };
  const app = { model, about, state, requests: 0, refuseTimes: [], closers: [] };

  app.on = (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  app.emit = (name, given) => (listeners.get(name) ?? []).forEach((listener) => listener(given));

  // ---------------------------------------------------------------- what is put off

  const timers = new Map();
  /** Do it after a while, in place of what was put off under the same name. */
  app.later = (name, after, act) => {
    app.drop(name);
    timers.set(name, setTimeout(() => {
      timers.delete(name);
      act();
    }, after));
  };
  app.isPutOff = (name) => timers.has(name);
  app.drop = (name) => {
    clearTimeout(timers.get(name));
    return timers.delete(name);
  };
  /** Whether nothing is put off (but for what is called so), asked for or about to be painted. */
  app.isQuiet = (...besides) => [...timers.keys()].every((name) => besides.includes(name)) && app.client.isIdle();

  // ---------------------------------------------------------------- what is in force

  app.knownLegs = () => state.payload?.legs ?? about.legs;
  app.ownWeight = (leg) => leg.weight ?? 1;
  app.weightOf = (leg) => model.get("weights")[leg.name] ?? app.ownWeight(leg);
  app.topKOf = (leg) => model.get("top_k")?.[leg.name] ?? leg.top_k;
  app.colourOf = (name) => state.colours.get(name) ?? PALETTE[0];
  app.delivered = () => deliveredOf(state.payload, app.knownLegs());
  app.isDelivered = () => isSameChoice(app.choice(), app.delivered()) && !(state.payload && isCut(state.payload, app.choice().top_k));
  /** Whether everything stands where the retriever has it: no leg keeps more than there, either. */
  app.isOwn = () => app.isDelivered() && app.knownLegs().every((leg) => app.topKOf(leg) === (state.ownTopK[leg.name] ?? app.topKOf(leg)));
  app.choice = () => ({
    strategy: model.get("strategy"),
    k: model.get("k"),
    weights: Object.fromEntries(app.knownLegs().map((leg) => [leg.name, app.weightOf(leg)])),
    top_k: Object.fromEntries(app.knownLegs().map((leg) => [leg.name, app.topKOf(leg)]).filter(([, topK]) => topK)),
  });
  Object.assign(app, makeNames(state));
  app.colour = () => app.knownLegs().forEach((leg, at) => state.colours.set(leg.name, PALETTE[at % PALETTE.length]));

  // ---------------------------------------------------------------- searching

  app.client = makeClient(model, onAnswer, () => {
    state.isSlow = true;
    app.emit("status");
  }, () => app.emit("lost"));

  // A request may take the place of one that has not left: each carries all that was changed here
  // since the last answer, and no more. What Python has set meanwhile, or before, stays.
  let wanted = {};
  let asking = null;
  /** The query that was asked for last, whether its answer is here or not, and the document in its place. */
  app.queryAsked = () => asking ?? state.query;
  app.likeAsked = () => (Object.hasOwn(wanted, "like") ? wanted.like : state.like);

  /** Ask for an answer to `query`; `changes` are filters and like, where they change. */
  app.search = (query, { isForced = false, changes = {} } = {}) => {
    if (state.isGone) return app.emit("gone");
    app.drop("rest");
    Object.assign(wanted, changes);
    const isSame = query === state.query && !state.error && (state.payload || !query.trim()) && !Object.keys(changes).length;
    if (isSame && !isForced && !app.client.isBusy()) return undefined;
    state.isSlow = false;
    app.requests += 1;
    asking = query;
    const topK = model.get("top_k") ?? {};
    noteSent("top_k", topK);
    app.client.request({ type: "search", query, ...wanted, top_k: topK }, isForced);
    return app.emit("status");
  };

  function onAnswer(header, told, asked) {
    const body = header.ok ? unpacked(told) : null;
    state.isSlow = false;
    if (asked) {
      [wanted, asking] = [{}, null];
      state.query = asked.query;
    }
    if (!header.ok) state.error = header.error;
    else adopt(body);
    app.emit("answer", { header, body, asked });
  }

  function adopt({ query, filters, like, grades, judged, payload, own_top_k: ownTopK = {} }) {
    Object.assign(state, FRESH, {
      query, filters, like, grades, judged, payload, ownTopK, open: new Set(),
      terms: payload && !like ? highlightTerms(payload, query) : [],
    });
    app.rank();
    if (payload && about.offers?.includes("documents")) app.later("rest", REST_AFTER, fetchRest);
  }

  // ---------------------------------------------------------------- documents that come later

  const underWay = new Set();
  const missing = (ids) => ids.filter((id) => !state.payload.documents[id] && !underWay.has(id));

  /** Documents that the answer came without; `documents` tells of those that are there then. */
  async function fetchDocuments(ids) {
    const { payload } = state;
    ids.forEach((id) => underWay.add(id));
    try {
      const { documents, grades } = await app.client.call("documents", { document_ids: ids });
      if (payload !== state.payload) return;
      Object.assign(payload.documents, documents);
      Object.assign(state.grades, grades);
      app.emit("documents", ids);
    } catch {
      // A card without its document shows its id; the next search tells what is wrong.
    } finally {
      ids.forEach((id) => underWay.delete(id));
    }
  }

  /** The documents of all candidates, some at a time, while nothing else is asked. */
  async function fetchRest() {
    const { payload } = state;
    if (!payload || state.isGone) return;
    const all = [...new Set(payload.legs.flatMap((leg) => leg.document_ids))];
    const ids = missing(all).slice(0, REST_SIZE);
    if (!ids.length) return;
    const before = Object.keys(payload.documents).length;
    await fetchDocuments(ids);
    const isMoving = payload === state.payload && Object.keys(payload.documents).length > before;
    if (isMoving) app.later("rest", REST_PAUSE, fetchRest);
  }

  // ---------------------------------------------------------------- ranking

  app.rank = () => {
    if (!state.payload) return;
    const choice = app.choice();
    const cut = JSON.stringify(choice.top_k);
    if (cut !== state.cut) Object.assign(state, { cut, legs: prepareLegs(state.payload.legs, choice.top_k) });
    Object.assign(state, ranked(state.payload, state.legs, choice, model.get("limit")));
    if (!about.offers?.includes("documents") || state.isGone) return;
    const unknown = missing(state.hits.map((hit) => hit.document_id));
    if (unknown.length) fetchDocuments(unknown);
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

  let isSetting = false;
  const own = new Map(); // trait → its last value that was set here
  let moves = model.get("_moves"); // how often Python has moved something, as far as it was seen here
  const sent = []; // what went to the kernel a moment ago, which may come back late
  let lastMove = -Infinity;
  function noteSent(name, value) {
    sent.push({ name, text: sorted(value) });
    if (sent.length > MOST_SENT) sent.shift();
  }
  /** Change traits here, now; tell the kernel once the hand rests. */
  app.set = (changes) => {
    isSetting = true;
    for (const [name, value] of Object.entries(changes)) {
      model.set(name, value);
      own.set(name, value);
    }
    isSetting = false;
    lastMove = performance.now();
    app.later("save", SAVE_AFTER, save);
    app.refuse();
  };
  function save() {
    for (const [name, value] of own) noteSent(name, value);
    model.save_changes();
  }
  /** Tell the kernel now, so that what is asked next is answered for these settings. */
  app.flush = () => {
    if (app.drop("save")) save();
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
  /** Go to settings `{strategy, k, weights, top_k}`, as of a baseline or a cell of the sweep. */
  app.load = ({ strategy, k, weights, top_k: topK = {} }) => {
    app.move({ strategy, k, weights: { ...model.get("weights"), ...weights }, top_k: { ...model.get("top_k"), ...topK } });
    app.deepen(true);
  };

  /** A leg keeps its first `topK` candidates: out of those that are here, or of a new search. */
  app.keep = (name, topK, isFinal) => {
    app.drag({ top_k: { ...model.get("top_k"), [name]: topK } });
    if (isFinal) app.release();
    app.deepen(isFinal);
  };
  /** Search again where a leg should keep more than was found; at once, or once the hand rests. */
  app.deepen = (isAtOnce) => {
    app.drop("deepen");
    const ask = () => state.payload && isShort(state.payload, app.choice().top_k) && app.search(app.queryAsked(), { isForced: true });
    if (isAtOnce) ask();
    else app.later("deepen", DEEPER_AFTER, ask);
  };
  /** Back to what the retriever says. Where a leg was asked for more, its own answer is asked for. */
  app.reset = () => {
    const isDeeper = state.payload?.legs.some((leg) => leg.top_k > (state.ownTopK[leg.name] ?? Infinity));
    app.load({ ...app.delivered(), top_k: state.ownTopK });
    if (isDeeper) app.search(app.queryAsked(), { isForced: true });
  };

  // ---------------------------------------------------------------- changes from Python

  // The settings that came with it are told of in the same turn.
  const onMoves = () => queueMicrotask(() => {
    moves = model.get("_moves");
  });
  model.on("change:_moves", onMoves);
  app.closers.push(() => model.off("change:_moves", onMoves));

  /** Whether the kernel only says what was set here before: a slow echo must not move the hand. */
  function isEcho(name) {
    if (model.get("_moves") !== moves) return false;
    const text = sorted(model.get(name));
    const isRecent = performance.now() - lastMove < ECHO_WITHIN;
    return isRecent && own.has(name) && text !== sorted(own.get(name)) && sent.some((each) => each.name === name && each.text === text);
  }
  const onTrait = (name) => () => {
    if (isSetting) return;
    if (isEcho(name)) {
      isSetting = true;
      model.set(name, own.get(name));
      isSetting = false;
      return;
    }
    own.delete(name);
    app.refuse();
    if (!state.isDragging) app.emit("settle");
  };
  const watched = ["weights", "k", "strategy", "top_k", "limit"].map((name) => [`change:${name}`, onTrait(name)]);
  for (const [event, listener] of watched) model.on(event, listener);

  app.close = () => {
    app.flush();
    for (const name of [...timers.keys()]) app.drop(name);
    app.client.close();
    for (const [event, listener] of watched) model.off(event, listener);
    for (const close of app.closers) close();
  };
  app.colour();
  return app;
}

/** A value as text, whatever the order of its keys. */
function sorted(value) {
  return JSON.stringify(typeof value === "object" && value !== null ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value);
}
