// The playground's view. Data is somebody else's text: it enters the page as text nodes only.
import { makeClient } from "./client.js";
import { headingOf, highlightTerms } from "./documents.js";
import { LIMITS, buildFrame, buildLeg, limitOptions } from "./frame.js";
import { STRATEGIES, defaultK, explain, fuse, hasK, prepareLegs } from "./fusion.js";
import { buildCard } from "./hit.js";
import { h, milliseconds, plural } from "./nodes.js";

const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442"]; // Okabe-Ito
const TYPING_PAUSE = 300;
const SAVE_AFTER = 250;
const SHADES = [70, 46, 28];

function render({ model, el }) {
  const about = model.get("about");
  const ui = buildFrame(about);
  const state = {
    query: model.get("query"), filters: null, payload: null, error: null,
    legs: [], terms: [], colours: new Map(), lastWeight: new Map(), cards: new Map(),
    ranking: [], hits: [], isLater: false, isBefore: false, before: null, isDragging: false, refused: null,
    open: new Set(), active: null, times: null, isSlow: false,
  };
  ui.root.mixpeek = { refuseTimes: [], requests: 0 };
  el.append(ui.root);

  // ---------------------------------------------------------------- what is in force

  const knownLegs = () => state.payload?.legs ?? about.legs;
  const ownWeight = (leg) => leg.weight ?? 1;
  const weightOf = (leg) => model.get("weights")[leg.name] ?? ownWeight(leg);
  const colourOf = (name) => state.colours.get(name) ?? PALETTE[0];

  function choice() {
    const weights = Object.fromEntries(knownLegs().map((leg) => [leg.name, weightOf(leg)]));
    return { strategy: model.get("strategy"), k: model.get("k"), weights };
  }

  function delivered() {
    const { strategy = "rrf", k = 60 } = state.payload?.fusion ?? {};
    return { strategy, k, weights: Object.fromEntries(knownLegs().map((leg) => [leg.name, ownWeight(leg)])) };
  }

  /** Whether the controls stand where the retriever has them. */
  function isDelivered() {
    const [now, own] = [choice(), delivered()];
    const isSameK = now.k === own.k || !hasK(now.strategy);
    return now.strategy === own.strategy && isSameK && Object.keys(own.weights).every((name) => own.weights[name] === now.weights[name]);
  }

  // ---------------------------------------------------------------- searching

  const client = makeClient(model, onAnswer, () => {
    state.isSlow = true;
    paintStatus();
  });
  let typing = null;

  function search(isForced = false) {
    clearTimeout(typing);
    const query = ui.query.value;
    const isSame = query === state.query && !state.error && (state.payload || !query.trim());
    if (isSame && !isForced && !client.isBusy()) return;
    state.isSlow = false;
    ui.root.mixpeek.requests += 1;
    client.request({ type: "search", query }, isForced);
    paintStatus();
  }

  function onAnswer(header, body, asked) {
    state.isSlow = false;
    if (asked) state.query = asked.query;
    if (!header.ok) {
      state.error = header.error;
      paintAll();
      return;
    }
    adopt(body, asked);
    paintAll();
    measurePaint(header, asked);
  }

  function adopt({ query, filters, payload }, asked) {
    const isTyping = asked?.type === "search" && ui.query.value !== asked.query;
    if (!isTyping) ui.query.value = query;
    Object.assign(state, {
      query, filters, payload, error: null, before: null, refused: null, times: null, active: null,
      open: new Set(), cards: new Map(), ranking: [], hits: [],
      legs: payload ? prepareLegs(payload.legs) : [],
      terms: payload ? highlightTerms(payload, query) : [],
    });
    rank();
  }

  /** The times of the ribbon that only the browser knows. */
  function measurePaint(header, asked) {
    requestAnimationFrame(() => setTimeout(() => {
      const now = performance.now();
      const spans = (state.payload?.spans ?? []).reduce((sum, span) => sum + span.milliseconds, 0);
      const transfer = asked ? Math.max(0, header.received - asked.at - header.milliseconds) : null;
      const paint = now - header.received;
      const isSearch = asked?.type === "search";
      state.times = { transfer, paint, total: isSearch ? now - asked.at : spans + (transfer ?? 0) + paint };
      paintStatus();
      paintTimes();
      ui.live.textContent = ui.status.textContent;
    }, 0));
  }

  // ---------------------------------------------------------------- ranking

  /** The retriever's own hits while the controls stand where it has them, else a new fusion. */
  function rank() {
    const { payload, legs } = state;
    state.isLater = false;
    state.isBefore = false;
    if (!payload) return;
    const now = choice();
    const limit = model.get("limit");
    state.ranking = fuse(legs, now);
    state.hits = state.ranking.slice(0, limit).map(({ id, score }, at) => (
      { document_id: id, rank: at + 1, score, contributions: explain(legs, now, id) }));
    const isStaged = (payload.stages ?? []).length > 0;
    state.isBefore = isStaged && !isDelivered();
    if (!isDelivered()) return;
    state.isLater = isStaged || payload.hits.some((hit, at) => hit.document_id !== state.ranking[at]?.id);
    if (state.isLater || payload.hits.length >= limit) state.hits = payload.hits.slice(0, limit);
  }

  function currentRanks() {
    const ranks = new Map(state.ranking.map(({ id }, at) => [id, at + 1]));
    for (const hit of state.hits) ranks.set(hit.document_id, hit.rank);
    return ranks;
  }

  /** Rank anew after a control moved. Nothing is asked of the kernel. */
  function refuse() {
    if (!state.payload) return paintControls();
    const started = performance.now();
    rank();
    paintResults();
    paintControls();
    state.refused = performance.now() - started;
    paintStatus();
    const { refuseTimes } = ui.root.mixpeek;
    refuseTimes.push(state.refused);
    if (refuseTimes.length > 200) refuseTimes.shift();
    return undefined;
  }

  let saving = null;
  let isSetting = false;
  /** Change traits here, now; tell the kernel once the hand rests. */
  function set(changes) {
    isSetting = true;
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    isSetting = false;
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_AFTER);
    refuse();
  }
  function save() {
    saving = null;
    model.save_changes();
  }

  /** A control starts to move: the order of this moment is what the arrows compare with. */
  function grab() {
    if (state.isDragging) return;
    state.isDragging = true;
    state.before = state.payload ? currentRanks() : null;
  }
  function release() {
    state.isDragging = false;
    if (!state.payload) return;
    const [first] = state.hits;
    ui.live.textContent = first ? `Order updated. First: ${nameOf(first)}` : "No results with these legs";
  }
  function drag(changes) {
    grab();
    set(changes);
  }
  function move(changes) {
    state.isDragging = false;
    drag(changes);
    release();
  }

  const withWeight = (leg, weight) => ({ weights: { ...model.get("weights"), [leg.name]: weight } });
  const legActions = {
    slide: (leg, weight) => drag(withWeight(leg, weight)),
    release,
    power(leg, isOn) {
      if (!isOn) state.lastWeight.set(leg.name, weightOf(leg));
      move(withWeight(leg, isOn ? state.lastWeight.get(leg.name) || ownWeight(leg) || 1 : 0));
    },
  };

  function nameOf(hit) {
    const fields = state.payload.documents[hit.document_id]?.fields ?? {};
    return headingOf(fields, state.payload.text_field ?? "data")[1] || hit.document_id;
  }

  // ---------------------------------------------------------------- painting

  function paintAll() {
    paintControls();
    paintResults();
    paintStatus();
    paintTimes();
  }

  function paintStatus() {
    const isBusy = client.isBusy();
    ui.root.classList.toggle("is-searching", isBusy);
    ui.hits.classList.toggle("is-stale", isBusy || Boolean(state.error));
    ui.hits.setAttribute("aria-busy", String(isBusy));
    ui.limitBox.hidden = !state.payload;
    ui.status.textContent = isBusy ? busyText() : statusText();
  }

  function busyText() {
    return state.isSlow ? "Still searching. The kernel may be busy with a cell, or gone: Enter asks again." : "Searching…";
  }

  function statusText() {
    const { payload, error, hits, times, refused } = state;
    if (error) return payload ? "Below are the results of the search before." : "";
    if (!payload) return "";
    const total = isDelivered() ? payload.total ?? state.ranking.length : state.ranking.length;
    const found = total > hits.length ? `${hits.length} of ${plural(total, "result")}` : plural(hits.length, "result");
    if (refused !== null) return `${found}, re-fused in ${milliseconds(refused)}`;
    return times ? `${found} in ${milliseconds(times.total)}` : found;
  }

  function paintControls() {
    const legs = knownLegs();
    const names = JSON.stringify(legs.map((leg) => [leg.name, leg.kind]));
    if (ui.legs.dataset.names !== names) {
      ui.legs.dataset.names = names;
      legs.forEach((leg, at) => state.colours.set(leg.name, PALETTE[at % PALETTE.length]));
      ui.legs.replaceChildren(...legs.map((leg) => buildLeg(leg, colourOf(leg.name), legActions)));
      ui.legsHint.hidden = legs.length > 0;
    }
    legs.forEach((leg, at) => ui.legs.children[at].update(leg, weightOf(leg)));
    paintFusion();
    const limit = String(model.get("limit"));
    if (![...ui.limit.options].some((option) => option.value === limit)) {
      ui.limit.replaceChildren(...limitOptions([...LIMITS, Number(limit)].sort((a, b) => a - b)));
    }
    ui.limit.value = limit;
  }

  function paintFusion() {
    const { strategy, k } = choice();
    const offered = new Set([...about.strategies, delivered().strategy, strategy]);
    const names = Object.keys(STRATEGIES).filter((name) => offered.has(name));
    if (ui.strategy.options.length !== names.length) {
      ui.strategy.replaceChildren(...names.map((name) => h("option", { value: name }, STRATEGIES[name].label)));
    }
    ui.strategy.value = strategy;
    ui.hint.textContent = STRATEGIES[strategy]?.hint ?? "";
    ui.kBox.hidden = !hasK(strategy);
    ui.k.update(k);
    ui.reset.hidden = isDelivered();
  }

  function paintResults() {
    paintBanners();
    paintEmpty();
    const hits = state.payload ? state.hits : [];
    const sizes = hits.map((hit) => (hit.contributions ?? []).reduce((sum, part) => sum + Math.abs(part.contribution), 0));
    const largest = Math.max(...sizes, Number.MIN_VALUE);
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const tops = new Map(isStill ? [] : [...ui.hits.children].map((card) => [card, card.offsetTop]));
    const cards = hits.map((hit) => {
      const card = state.cards.get(hit.document_id) ?? buildCard(hit, cardView);
      state.cards.set(hit.document_id, card);
      card.update(hit, largest);
      return card;
    });
    arrange(cards, tops);
    rove();
  }

  const cardView = {
    get payload() { return state.payload; },
    get terms() { return state.terms; },
    get legs() { return state.legs; },
    get before() { return state.before; },
    get open() { return state.open; },
    colourOf,
    choice,
    focus(id) {
      state.active = id;
      rove();
    },
    flip(id) {
      if (!state.open.delete(id)) state.open.add(id);
      this.focus(id);
    },
  };

  /** Put the cards in order; those that stay glide from where they were (`tops`). */
  function arrange(cards, tops) {
    const focused = ui.hits.contains(document.activeElement) ? document.activeElement : null;
    let isMoved = false;
    cards.forEach((card, at) => {
      if (ui.hits.children[at] === card) return;
      ui.hits.insertBefore(card, ui.hits.children[at] ?? null);
      isMoved = true;
    });
    while (ui.hits.childElementCount > cards.length) ui.hits.lastElementChild.remove();
    if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
    if (isMoved) requestAnimationFrame(() => glide(cards, tops));
  }

  function glide(cards, tops) {
    for (const card of cards.filter((each) => tops.has(each) && each.isConnected)) {
      const by = tops.get(card) - card.offsetTop;
      if (by) card.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 160, easing: "ease-out" });
    }
  }

  function paintBanners() {
    const { payload, error, filters, isLater, isBefore } = state;
    const stages = (payload?.stages ?? []).join(", ");
    const notes = (payload?.warnings ?? []).map((warning) => ["warning", String(warning)]);
    if (error) notes.unshift(["error", `Search failed. ${error.message}`]);
    if (filters) notes.push(["note", `Filter: ${JSON.stringify(filters)}`]);
    if (payload?.fusion?.strategy === "learned") notes.push(["note", learnedWords(payload.fusion)]);
    if (isLater && stages) notes.push(["note", `After the fusion came ${stages}. Moving a slider shows the order before.`]);
    else if (isLater) notes.push(["note", "Stages after the fusion changed this order. Moving a slider shows the order before them."]);
    if (isBefore) notes.push(["note", `This is the order before ${stages}. Reset the fusion to see what comes after.`]);
    ui.banners.replaceChildren(...notes.map(([tone, text]) => h("div", { class: `mxp-banner is-${tone}`, role: tone === "error" && "alert" }, text)));
  }

  /** Where the weights of `learned` come from, and what a slider then does. */
  function learnedWords({ arms = {} }) {
    const counts = Object.entries(arms).filter(([, [wins, losses]]) => wins || losses);
    if (!counts.length) return "Learned weights: no interactions are recorded yet, so every leg has weight 1.";
    const told = counts.map(([name, [wins, losses]]) => `${name} ${wins} for, ${losses} against`).join("; ");
    return `The lab drew these weights for this search from recorded interactions (${told}). A slider sets a weight by hand, until the next search.`;
  }

  function paintEmpty() {
    const { payload, error, hits } = state;
    ui.empty.hidden = Boolean(payload ? hits.length : error);
    const [title, text] = emptyWords();
    ui.empty.replaceChildren(h("strong", {}, title), text);
  }

  function emptyWords() {
    if (!state.payload) return [`Search ${about.title}`, "Type a query. Results appear as you pause, or press Enter."];
    if (Object.values(choice().weights).every((weight) => !(weight > 0))) {
      return ["All legs are off", "Switch a leg on, or give it a weight above 0."];
    }
    const advice = state.filters ? "Try other words, or a wider filter." : "Try other words. A lexical leg finds only words that occur in the text.";
    return [`Nothing matches “${state.query}”`, advice];
  }

  function paintTimes() {
    const { payload, times } = state;
    const spans = [...(payload?.spans ?? [])];
    if (times && times.transfer !== null) spans.push({ name: "transfer", milliseconds: times.transfer });
    if (times) spans.push({ name: "paint", milliseconds: times.paint });
    ui.times.hidden = !payload || !spans.length;
    const tones = spans.map((span, at) => ({ "--tone": spanColour(span, at) }));
    ui.ribbon.replaceChildren(...spans.map((span, at) => h("span", { vars: { ...tones[at], "flex-grow": Math.max(span.milliseconds, 0.01) } })));
    ui.timeList.replaceChildren(...spans.map((span, at) => h("li", { title: rowsOf(span) }, h("i", { vars: tones[at] }), span.name, h("b", {}, milliseconds(span.milliseconds)))));
  }

  /** A leg's own colour where the span is a leg's, else a shade of grey. */
  function spanColour(span, at) {
    const leg = knownLegs().find((each) => span.name === each.name || span.name.split(/[\s:/]+/).includes(each.name));
    return leg ? colourOf(leg.name) : `color-mix(in srgb, var(--mx-fg) ${SHADES[at % SHADES.length]}%, var(--mx-bg))`;
  }

  function rowsOf(span) {
    return span.rows_in || span.rows_out ? `${plural(span.rows_in ?? 0, "row")} in, ${plural(span.rows_out ?? 0, "row")} out` : null;
  }

  // ---------------------------------------------------------------- keyboard

  /** One result is in the tab order: the active one, else the first. */
  function rove() {
    const cards = [...ui.hits.children];
    const active = cards.find((card) => card.dataset.id === state.active) ?? cards[0];
    for (const card of cards) card.toggle.tabIndex = card === active ? 0 : -1;
  }

  function step(by) {
    const cards = [...ui.hits.children];
    if (!cards.length) return;
    const at = cards.findIndex((card) => card.contains(document.activeElement));
    const next = cards[at < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, at + by))];
    next.toggle.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  /** What a key does here, or nothing. */
  function keyAction(key, target) {
    const isField = target.matches("input, select");
    if (target === ui.query && key === "Enter") return () => search(true);
    if (target === ui.query && key === "ArrowDown") return () => step(1);
    if (isField) return null;
    const actions = { "/": () => ui.query.select(), j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1) };
    return actions[key] ?? null;
  }

  ui.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    const action = keyAction(event.key, event.target);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });

  // ---------------------------------------------------------------- controls

  const typed = () => {
    clearTimeout(typing);
    typing = setTimeout(search, TYPING_PAUSE);
  };
  ui.query.addEventListener("input", (event) => event.isComposing || typed());
  ui.query.addEventListener("compositionend", typed);
  ui.strategy.addEventListener("change", () => {
    const [strategy, before] = [ui.strategy.value, choice()];
    // A k that nobody moved goes to what is usual for the new strategy.
    const isUsual = before.k === defaultK(before.strategy);
    move({ strategy, k: isUsual ? defaultK(strategy) : Math.max(before.k, 1) });
  });
  ui.k.connect((k) => drag({ k }), release);
  ui.limit.addEventListener("change", () => set({ limit: Number(ui.limit.value) }));
  ui.reset.addEventListener("click", () => {
    const { strategy, k, weights } = delivered();
    move({ strategy, k, weights: { ...model.get("weights"), ...weights } });
  });

  // ---------------------------------------------------------------- changes from Python

  const onTrait = () => isSetting || refuse();
  const onQuery = () => {
    if (document.activeElement !== ui.query) ui.query.value = model.get("query");
  };
  const watched = ["change:weights", "change:k", "change:strategy", "change:limit"];
  for (const name of watched) model.on(name, onTrait);
  model.on("change:query", onQuery);

  ui.query.value = state.query;
  if (state.query) client.request({ type: "current", query: state.query });
  paintAll();

  return () => {
    clearTimeout(typing);
    clearTimeout(saving);
    if (saving !== null) save();
    client.close();
    for (const name of watched) model.off(name, onTrait);
    model.off("change:query", onQuery);
  };
}

export default { render };
