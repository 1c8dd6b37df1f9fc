// The playground's view. Data is somebody else's text: it enters the page as text nodes only.
import { STRATEGIES, explain, figure, formula, fuse, numeral, prepareLegs } from "./fusion.js";

const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442"]; // Okabe-Ito
const TYPING_PAUSE = 300;
const SLOW_AFTER = 8000;
const SAVE_AFTER = 250;
const LIMITS = [5, 10, 25, 50, 100];
const HEADINGS = ["title", "name", "heading", "subject", "package", "filename", "file_name", "id"];
const COMMON = new Set("a an and are as at be by for from how i in is it of on or that the this to was what when where which with".split(" "));

// ---------------------------------------------------------------- nodes

/** An element with properties, attributes and children; strings become text nodes. */
function h(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "vars") for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function chevron() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of [["width", 12], ["height", 12], ["viewBox", "0 0 12 12"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of [["d", "M4 2l4 4-4 4"], ["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "1.6"]]) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}

function milliseconds(value) {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}

function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

// ---------------------------------------------------------------- text of a document

/** Words to highlight: the payload's own, else the query's without the commonest. */
function highlightTerms(payload, query) {
  const given = payload.terms?.length ? payload.terms : query.match(/[\p{L}\p{N}]+/gu) ?? [];
  const words = given.map((word) => String(word).toLowerCase()).filter((word) => word);
  const rare = words.filter((word) => !COMMON.has(word));
  return [...new Set(rare.length ? rare : words)];
}

/** Whether a word of the text is one of the terms, or an ending of one (terms may be stems). */
function isMatch(word, terms) {
  const lower = word.toLowerCase();
  return terms.some((term) => {
    if (lower === term) return true;
    if (term.length < 3) return false;
    const stem = term.length > 3 && /(?:[^s]s|i|e|y)$/.test(term) ? term.slice(0, -1) : term;
    return stem.length > 2 && lower.startsWith(stem) && lower.length - stem.length <= 4;
  });
}

/** The text as nodes, with every matching word in a <mark>. */
function marked(text, terms) {
  if (!terms.length) return [document.createTextNode(text)];
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    if (!isMatch(found[0], terms)) continue;
    nodes.push(text.slice(from, found.index), h("mark", {}, found[0]));
    from = found.index + found[0].length;
  }
  nodes.push(text.slice(from));
  return nodes;
}

/** About 300 characters around the first match, on one line. */
function excerpt(text, terms) {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= 320) return line;
  let start = 0;
  for (const found of line.matchAll(/[\p{L}\p{N}]+/gu)) {
    if (isMatch(found[0], terms)) {
      start = found.index > 160 ? line.lastIndexOf(" ", found.index - 60) + 1 : 0;
      break;
    }
  }
  const cut = line.slice(start, start + 320);
  return `${start ? "… " : ""}${cut}${start + 320 < line.length ? "…" : ""}`;
}

function headingOf(fields, textField) {
  const short = Object.entries(fields).filter(([name, value]) => name !== textField && typeof value === "string" && value && value.length <= 120);
  for (const name of HEADINGS) {
    const found = short.find(([key]) => key === name);
    if (found) return found;
  }
  return short[0] ?? [null, ""];
}

/** Metadata short enough to stand on one line: [name, text]. */
function chipsOf(fields, textField, headingField, heading) {
  const found = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name === textField || name === headingField || value === null || value === "" || value === heading) continue;
    const text = Array.isArray(value) && value.every((each) => typeof each !== "object") ? value.join(", ") : typeof value === "object" ? null : String(value);
    if (text !== null && text.length <= 60) found.push([name, text]);
  }
  return found.slice(0, 8);
}

function lineageOf(id, document) {
  const parts = [["document", id]];
  if (document.collection_id) parts.push(["collection", document.collection_id]);
  for (const [name, value] of Object.entries(document.lineage ?? {})) {
    if (value === null || typeof value === "object" || name === "document_id" || name === "collection_id") continue;
    parts.push([name.replace(/_id$/, "").replaceAll("_", " "), String(value)]);
  }
  return parts;
}

// ---------------------------------------------------------------- messages

async function decode(buffers, encoding) {
  const parts = buffers.map((view) => new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength));
  let blob = new Blob(parts);
  if (encoding === "gzip") {
    blob = await new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).blob();
  }
  return JSON.parse(await blob.text());
}

/** One request at a time; the newest wish waits for its turn, so no old answer is shown. */
function makeClient(model, onAnswer, onSlow) {
  const view = Math.random().toString(36).slice(2, 10);
  let counter = 0;
  let flying = null;
  let wish = null;
  let timer = null;
  let sequence = 0;
  const parts = new Map();

  function depart(request) {
    counter += 1;
    flying = { ...request, id: `${view}-${counter}`, at: performance.now() };
    clearTimeout(timer);
    timer = setTimeout(onSlow, SLOW_AFTER);
    try {
      model.send({ id: flying.id, type: flying.type, query: flying.query });
    } catch (error) {
      settle({ id: flying.id, ok: false, error: { message: `The kernel cannot be reached: ${error.message}` } }, null);
    }
  }
  function request(next, isForced) {
    // A request that nobody answered must not block the next Enter for ever.
    const isLost = flying && performance.now() - flying.at > SLOW_AFTER;
    if (flying && !(isForced && isLost)) wish = next;
    else depart(next);
  }
  async function receive(header, buffers) {
    const isMine = flying && header.id === flying.id;
    if (!isMine && header.id !== "push") return;
    if (!header.ok) return settle(header, null);
    const got = parts.get(header.id) ?? [];
    got.push(...buffers);
    parts.set(header.id, got);
    if (header.part + 1 < header.parts) return;
    parts.delete(header.id);
    const mine = ++sequence;
    const received = performance.now();
    try {
      const body = await decode(got, header.encoding);
      if (mine === sequence) settle({ ...header, received }, body);
    } catch (error) {
      settle({ id: header.id, ok: false, error: { message: `The answer could not be read: ${error.message}` } }, null);
    }
  }
  function settle(header, body) {
    const asked = header.id === flying?.id ? flying : null;
    if (asked) {
      flying = null;
      clearTimeout(timer);
    }
    if (asked && wish) {
      const next = wish;
      wish = null;
      depart(next);
      return; // an answer to a question that has been replaced
    }
    onAnswer(header, body, asked);
  }
  const listener = (header, buffers) => receive(header, buffers ?? []);
  model.on("msg:custom", listener);
  return {
    request,
    isBusy: () => flying !== null,
    close() {
      clearTimeout(timer);
      model.off("msg:custom", listener);
    },
  };
}

// ---------------------------------------------------------------- the view

function render({ model, el }) {
  const about = model.get("about");
  const state = {
    payload: null, query: model.get("query"), filters: null, legs: [], colours: new Map(), terms: [],
    error: null, isSlow: false, before: null, isDragging: false, ranking: [], hits: [], open: new Set(), active: null,
    cards: new Map(), times: null, lastWeight: new Map(),
  };
  const ui = buildFrame(about);
  el.append(ui.root);
  ui.root.mixpeek = { refuseTimes: [], requests: 0 }; // measured by tests and by the curious

  // ---- what is in force

  const weightOf = (leg) => model.get("weights")[leg.name] ?? leg.weight ?? 1;
  const choice = () => {
    const legs = state.payload?.legs ?? about.legs;
    return { strategy: model.get("strategy"), k: model.get("k"), weights: Object.fromEntries(legs.map((leg) => [leg.name, weightOf(leg)])) };
  };
  const delivered = () => {
    const { fusion = {}, legs = [] } = state.payload ?? { legs: about.legs };
    return { strategy: fusion.strategy ?? "rrf", k: fusion.k ?? 60, weights: Object.fromEntries(legs.map((leg) => [leg.name, leg.weight ?? 1])) };
  };
  const isDelivered = () => {
    const now = choice();
    const own = delivered();
    return now.strategy === own.strategy && (now.k === own.k || now.strategy !== "rrf") && Object.keys(own.weights).every((name) => own.weights[name] === now.weights[name]);
  };
  const colourOf = (name) => state.colours.get(name) ?? PALETTE[0];

  // ---- searching

  const client = makeClient(model, onAnswer, () => {
    state.isSlow = true;
    paintStatus();
  });
  let typing = null;

  function search(isForced = false) {
    clearTimeout(typing);
    const query = ui.query.value;
    state.query = query;
    state.isSlow = false;
    if (!query.trim() && !client.isBusy()) {
      Object.assign(state, { payload: null, error: null, legs: [], ranking: [], hits: [], times: null });
    }
    ui.root.mixpeek.requests += 1;
    client.request({ type: "search", query }, isForced);
    paintStatus();
  }

  function onAnswer(header, body, asked) {
    state.isSlow = false;
    if (!header.ok) {
      state.error = header.error;
      paintAll();
      announce(`Error: ${header.error.message}`);
      return;
    }
    const received = header.received;
    adopt(body);
    paintAll();
    measurePaint(header, asked, received);
  }

  function adopt({ query, filters, payload }) {
    const isTyped = document.activeElement === ui.query && ui.query.value !== state.query;
    if (!isTyped) ui.query.value = query;
    Object.assign(state, { query, filters, payload, error: null, before: null, open: new Set(), active: null });
    state.cards.clear();
    state.legs = payload ? prepareLegs(payload.legs) : [];
    state.terms = payload ? highlightTerms(payload, query) : [];
    (payload?.legs ?? about.legs).forEach((leg, at) => state.colours.set(leg.name, PALETTE[at % PALETTE.length]));
    rank();
  }

  function measurePaint(header, asked, received) {
    requestAnimationFrame(() => setTimeout(() => {
      const now = performance.now();
      const transfer = asked ? Math.max(0, received - asked.at - header.milliseconds) : null;
      state.times = { transfer, paint: now - received, total: asked ? now - asked.at : null };
      paintStatus();
      paintTimes();
      announce(ui.status.textContent);
    }, 0));
  }

  // ---- ranking: the retriever's own answer, or the cached candidates fused anew

  function rank() {
    const { payload } = state;
    if (!payload) return;
    const now = choice();
    state.ranking = fuse(state.legs, now);
    const limit = model.get("limit");
    state.hits = state.ranking.slice(0, limit).map(({ id, score }, at) => ({ document_id: id, rank: at + 1, score, contributions: explain(state.legs, now, id) }));
    state.isLater = false;
    if (isDelivered()) {
      const own = payload.hits.slice(0, limit);
      const differs = payload.hits.some((hit, at) => hit.document_id !== state.ranking[at]?.id);
      if (differs || own.length >= limit) state.hits = own;
      state.isLater = differs;
    }
  }

  function currentRanks() {
    const ranks = new Map(state.ranking.map(({ id }, at) => [id, at + 1]));
    for (const hit of state.hits) ranks.set(hit.document_id, hit.rank);
    return ranks;
  }

  /** Re-fuse after a control moved. Nothing is asked of the kernel. */
  function refuse() {
    if (!state.payload) return paintControls();
    const started = performance.now();
    rank();
    paintResults();
    paintControls();
    paintStatus();
    const log = ui.root.mixpeek.refuseTimes;
    log.push(performance.now() - started);
    if (log.length > 200) log.shift();
  }

  let saving = null;
  /** Change traits now, here; tell the kernel once the hand rests. */
  function set(changes) {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), SAVE_AFTER);
  }

  /** A control is about to move: the order before it is what arrows compare with. */
  function grab() {
    if (state.isDragging) return;
    state.isDragging = true;
    state.before = state.payload ? currentRanks() : null;
  }
  function release() {
    state.isDragging = false;
    if (state.payload) announce(`Order updated. First: ${state.hits[0] ? titleOf(state.hits[0]) : "no results"}`);
  }
  function move(changes) {
    const isStep = !state.isDragging;
    grab();
    set(changes);
    refuse();
    if (isStep) release();
  }

  // ---- painting

  function paintAll() {
    paintControls();
    paintResults();
    paintStatus();
    paintTimes();
  }

  function paintStatus() {
    const { payload, times } = state;
    const isBusy = client.isBusy();
    ui.root.classList.toggle("is-searching", isBusy);
    ui.hits.classList.toggle("is-stale", isBusy || Boolean(state.error));
    ui.hits.setAttribute("aria-busy", String(isBusy));
    ui.limitBox.hidden = !payload;
    let text = "";
    if (isBusy) text = state.isSlow ? "Still searching. The kernel may be busy with a cell, or gone." : "Searching…";
    else if (state.error) text = payload ? "Results of the search before" : "";
    else if (payload) {
      const total = isDelivered() ? payload.total ?? state.ranking.length : state.ranking.length;
      const found = total > state.hits.length ? `${state.hits.length} of ${plural(total, "result")}` : plural(state.hits.length, "result");
      const took = times?.total ?? (payload.spans ?? []).reduce((sum, span) => sum + span.milliseconds, 0);
      text = took ? `${found} in ${milliseconds(took)}` : found;
    }
    ui.status.textContent = text;
  }

  function paintControls() {
    const legs = state.payload?.legs ?? about.legs;
    const names = legs.map((leg) => leg.name).join("\n");
    if (ui.legs.dataset.names !== names || !ui.legs.childElementCount) {
      ui.legs.dataset.names = names;
      legs.forEach((leg, at) => state.colours.set(leg.name, PALETTE[at % PALETTE.length]));
      ui.legs.replaceChildren(...legs.map((leg) => buildLeg(leg, colourOf(leg.name), onWeight, release)));
      ui.legsLabel.textContent = legs.length ? "Legs" : "Legs appear with the first search";
    }
    legs.forEach((leg, at) => ui.legs.children[at].update(leg, weightOf(leg)));
    const { strategy, k } = choice();
    const names_ = [...new Set([...about.strategies, delivered().strategy, strategy])].filter((name) => STRATEGIES[name]);
    if (ui.strategy.options.length !== names_.length) {
      ui.strategy.replaceChildren(...names_.map((name) => h("option", { value: name }, STRATEGIES[name].label)));
    }
    ui.strategy.value = strategy;
    ui.hint.textContent = STRATEGIES[strategy]?.hint ?? "";
    ui.kBox.hidden = strategy !== "rrf";
    ui.k.update(k);
    const limit = String(model.get("limit"));
    if (![...ui.limit.options].some((option) => option.value === limit)) ui.limit.replaceChildren(...limitOptions([...LIMITS, Number(limit)].sort((a, b) => a - b)));
    ui.limit.value = limit;
    ui.reset.hidden = isDelivered();
  }

  function onWeight(leg, weight, isToggle) {
    const before = weightOf(leg);
    if (isToggle && before > 0) state.lastWeight.set(leg.name, before);
    const next = isToggle ? (weight ? state.lastWeight.get(leg.name) ?? (leg.weight || 1) : 0) : weight;
    const changes = { weights: { ...model.get("weights"), [leg.name]: next } };
    if (isToggle) return move(changes);
    grab();
    set(changes);
    refuse();
  }

  function titleOf(hit) {
    const { payload } = state;
    const fields = payload.documents[hit.document_id]?.fields ?? {};
    return headingOf(fields, payload.text_field ?? "data")[1] || hit.document_id;
  }

  function paintResults() {
    const { payload, error } = state;
    const notes = [];
    if (error) notes.push(["error", `Search failed. ${error.message}`]);
    for (const warning of payload?.warnings ?? []) notes.push(["warning", String(warning)]);
    if (state.filters !== null && state.filters !== undefined) notes.push(["note", `Filter: ${JSON.stringify(state.filters)}`]);
    if (payload && state.isLater) notes.push(["note", "Stages after the fusion changed this order. Moving a slider shows the order before them."]);
    ui.banners.replaceChildren(...notes.map(([tone, text]) => h("div", { class: `mxp-banner is-${tone}`, role: tone === "error" ? "alert" : null }, text)));
    paintEmpty();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const tops = isStill ? null : new Map([...ui.hits.children].map((node) => [node, node.offsetTop]));
    const hits = payload ? state.hits : [];
    const largest = Math.max(...hits.map((hit) => (hit.contributions ?? []).reduce((sum, part) => sum + Math.abs(part.contribution), 0)), 1e-12);
    const cards = hits.map((hit) => {
      let card = state.cards.get(hit.document_id);
      if (!card) {
        card = buildCard(hit);
        state.cards.set(hit.document_id, card);
      }
      card.update(hit, largest);
      return card;
    });
    const focused = ui.hits.contains(document.activeElement) ? document.activeElement : null;
    if (cards.length !== ui.hits.childElementCount || cards.some((card, at) => ui.hits.children[at] !== card)) ui.hits.replaceChildren(...cards);
    focused?.focus({ preventScroll: true });
    if (tops?.size) glide(cards, tops);
    rove();
  }

  function glide(cards, tops) {
    for (const card of cards) {
      const by = tops.has(card) ? tops.get(card) - card.offsetTop : 0;
      if (by) card.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 160, easing: "ease-out" });
    }
  }

  function paintEmpty() {
    const { payload, error, hits } = state;
    ui.empty.hidden = Boolean(payload && hits.length) || Boolean(error && !payload);
    if (ui.empty.hidden) return;
    let title = `Search ${about.title}`;
    let text = "Type a query. Results appear as you pause, or press Enter.";
    if (payload && state.legs.length && Object.values(choice().weights).every((weight) => !(weight > 0))) {
      title = "All legs are off";
      text = "Switch a leg on, or give it a weight above 0.";
    } else if (payload) {
      title = `Nothing matches “${state.query}”`;
      text = state.filters ? "Try other words, or a wider filter." : "Try other words. A lexical leg finds only words that occur in the text.";
    }
    ui.empty.replaceChildren(h("strong", {}, title), text);
  }

  function buildCard(hit) {
    const { payload, terms } = state;
    const id = hit.document_id;
    const document_ = payload.documents[id] ?? { fields: {} };
    const fields = document_.fields ?? {};
    const textField = payload.text_field ?? "data";
    const [headingField, heading] = headingOf(fields, textField);
    const text = typeof fields[textField] === "string" ? fields[textField] : "";
    const chips = chipsOf(fields, textField, headingField, heading);
    const whyId = `mxp-${Math.random().toString(36).slice(2, 9)}`;
    const rank = h("span", {});
    const arrow = h("span", { class: "mxp-move" });
    const body = h("div", { class: "mxp-text" });
    const number = h("div", { class: "mxp-score-number" });
    const stack = h("div", { class: "mxp-stack", "aria-hidden": "true" });
    const ranks = h("div", { class: "mxp-ranks" });
    const toggle = h("button", { class: "mxp-toggle", type: "button", "aria-expanded": "false", "aria-controls": whyId }, chevron());
    const why = h("div", { class: "mxp-why", id: whyId, role: "region", "aria-label": `Score of ${heading || id}`, hidden: true });
    const row = h("div", { class: "mxp-row", onclick: () => String(getSelection()) || flip() },
      h("div", { class: "mxp-rank" }, rank, arrow),
      h("div", {}, h("div", { class: "mxp-heading" }, marked(heading || id, terms)), text && body,
        chips.length > 0 && h("div", { class: "mxp-chips" }, chips.map(([name, value]) => h("span", { class: "mxp-chip" }, name, h("b", {}, value))))),
      h("div", { class: "mxp-score" }, number, stack, ranks),
      toggle);
    const card = h("li", { class: "mxp-hit", "data-id": id }, row, why);
    let current = hit;
    function paintBody() {
      const isOpen = state.open.has(id);
      card.classList.toggle("is-open", isOpen);
      toggle.setAttribute("aria-expanded", String(isOpen));
      why.hidden = !isOpen;
      body.replaceChildren(...marked(isOpen ? text : excerpt(text, terms), terms));
      if (isOpen) paintWhy(why, current, document_);
    }
    function flip() {
      if (!state.open.delete(id)) state.open.add(id);
      state.active = id;
      paintBody();
      rove();
    }
    toggle.addEventListener("click", (event) => { event.stopPropagation(); flip(); });
    toggle.addEventListener("focus", () => { state.active = id; rove(); });
    card.update = (next, largest) => {
      current = next;
      rank.textContent = String(next.rank);
      paintArrow(arrow, next);
      number.textContent = figure(next.score);
      const parts = next.contributions ?? [];
      stack.replaceChildren(...parts.filter((part) => part.contribution).map((part) => h("span", {
        class: `mxp-part${part.contribution < 0 ? " is-negative" : ""}`, title: `${part.leg} ${figure(part.contribution)}`,
        vars: { "--leg": colourOf(part.leg), width: `${(100 * Math.abs(part.contribution)) / largest}%` } })));
      ranks.replaceChildren(...parts.filter((part) => part.rank !== null && part.weight > 0).map((part) => h("span", { title: `rank ${part.rank} in ${part.leg}` }, h("i", { vars: { "--leg": colourOf(part.leg) } }), `#${part.rank}`)));
      toggle.setAttribute("aria-label", `Result ${next.rank}: ${heading || id}, score ${figure(next.score)}. ${parts.map((part) => (part.rank === null ? `not in ${part.leg}` : `rank ${part.rank} in ${part.leg}`)).join(", ")}. Explain`);
      if (state.open.has(id)) paintWhy(why, current, document_);
    };
    paintBody();
    return card;
  }

  function paintArrow(node, hit) {
    const before = state.before?.get(hit.document_id);
    const by = before === undefined ? null : before - hit.rank;
    node.className = `mxp-move${by > 0 ? " is-up" : by < 0 ? " is-down" : ""}`;
    if (!state.before || by === 0) return node.replaceChildren();
    const [sign, words] = by === null ? ["new", "new"] : by > 0 ? [`▲ ${by}`, `up ${by}`] : [`▼ ${-by}`, `down ${-by}`];
    node.replaceChildren(h("span", { "aria-hidden": "true" }, sign), h("span", { class: "mx-visually-hidden" }, words));
  }

  function paintWhy(node, hit, document_) {
    const parts = hit.contributions ?? [];
    const rows = parts.map((part) => h("tr", {},
      h("th", { scope: "row" }, h("span", { class: "mxp-swatch", vars: { "--leg": colourOf(part.leg) } }), part.leg),
      h("td", {}, part.rank === null ? (part.weight > 0 ? "not found" : "off") : String(part.rank)),
      [part.score, part.normalised].map((value) => h("td", {}, figure(value))),
      h("td", {}, numeral(part.weight)), h("td", {}, figure(part.contribution))));
    const heads = ["leg", "rank", "score", "normalised", "weight", "contribution"].map((name) => h("th", { scope: "col" }, name));
    const lineage = lineageOf(hit.document_id, document_).flatMap(([name, value], at) => [at ? " · " : "", `${name} `, h("code", {}, value)]);
    node.replaceChildren(
      h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)),
      h("div", { class: "mxp-why-line" }, `${choice().strategy}: `, h("code", {}, formula(state.legs, choice(), parts, hit.score))),
      h("div", { class: "mxp-why-line" }, lineage));
  }

  function paintTimes() {
    const { payload, times } = state;
    const spans = (payload?.spans ?? []).map((span) => ({ ...span, rows: span.rows_out }));
    if (times?.transfer !== null && times?.transfer !== undefined) spans.push({ name: "transfer", milliseconds: times.transfer });
    if (times) spans.push({ name: "paint", milliseconds: times.paint });
    ui.times.hidden = !spans.length;
    const greys = [70, 46, 28];
    const toneOf = (span, at) => {
      const leg = payload?.legs.find((each) => span.name === each.name || span.name.split(/[\s:./]+/).includes(each.name));
      return leg ? colourOf(leg.name) : `color-mix(in srgb, var(--mx-fg) ${greys[at % greys.length]}%, var(--mx-bg))`;
    };
    ui.ribbon.replaceChildren(...spans.map((span, at) => h("span", { vars: { "--tone": toneOf(span, at), "flex-grow": Math.max(span.milliseconds, 0.01) } })));
    ui.timeList.replaceChildren(...spans.map((span, at) => h("li", { title: span.rows_in || span.rows_out ? `${plural(span.rows_in, "row")} in, ${span.rows_out} out` : null }, h("i", { vars: { "--tone": toneOf(span, at) } }), span.name, h("b", {}, milliseconds(span.milliseconds)))));
  }

  function announce(text) {
    ui.live.textContent = text;
  }

  // ---- keyboard

  /** One result is in the tab order: the active one, else the first. */
  function rove() {
    const cards = [...ui.hits.children];
    const active = cards.find((card) => card.dataset.id === state.active) ?? cards[0];
    for (const card of cards) card.querySelector(".mxp-toggle").tabIndex = card === active ? 0 : -1;
  }

  function step(by) {
    const cards = [...ui.hits.children];
    if (!cards.length) return;
    const at = cards.findIndex((card) => card.contains(document.activeElement));
    const next = cards[at < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, at + by))];
    state.active = next.dataset.id;
    rove();
    next.querySelector(".mxp-toggle").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  const isField = (node) => node.matches("input, select, textarea");
  ui.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inField = isField(event.target);
    if (event.key === "/" && !inField) ui.query.focus();
    else if ((event.key === "j" && !inField) || (event.key === "ArrowDown" && (!inField || event.target === ui.query))) step(1);
    else if ((event.key === "k" && !inField) || (event.key === "ArrowUp" && !inField)) step(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // ---- controls

  ui.query.addEventListener("input", (event) => {
    clearTimeout(typing);
    if (!event.isComposing) typing = setTimeout(search, TYPING_PAUSE);
  });
  ui.query.addEventListener("compositionend", () => {
    clearTimeout(typing);
    typing = setTimeout(search, TYPING_PAUSE);
  });
  ui.query.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.shiftKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    search(true);
  });
  ui.strategy.addEventListener("change", () => move({ strategy: ui.strategy.value }));
  ui.k.connect((k) => { grab(); set({ k }); refuse(); }, release);
  ui.limit.addEventListener("change", () => { set({ limit: Number(ui.limit.value) }); refuse(); });
  ui.reset.addEventListener("click", () => {
    const own = delivered();
    move({ strategy: own.strategy, k: own.k, weights: { ...model.get("weights"), ...own.weights } });
  });

  // ---- changes that come from Python

  const onTrait = () => { if (!state.isDragging) refuse(); };
  const watched = ["change:weights", "change:k", "change:strategy", "change:limit"];
  for (const name of watched) model.on(name, onTrait);
  const onQuery = () => {
    if (document.activeElement !== ui.query) ui.query.value = model.get("query");
  };
  model.on("change:query", onQuery);

  ui.query.value = state.query;
  paintAll();
  if (state.query) {
    client.request({ type: "current", query: state.query });
    paintStatus();
  }

  return () => {
    clearTimeout(typing);
    if (saving !== null) {
      clearTimeout(saving);
      model.save_changes();
    }
    client.close();
    for (const name of watched) model.off(name, onTrait);
    model.off("change:query", onQuery);
  };
}

// ---------------------------------------------------------------- the frame

function buildFrame(about) {
  const ui = {};
  const id = `mxp-${Math.random().toString(36).slice(2, 9)}`;
  ui.query = h("input", { class: "mxp-query", type: "text", autocomplete: "off", spellcheck: "false", placeholder: "Search…", "aria-label": `Query ${about.title}`, "aria-controls": `${id}-hits` });
  ui.legsLabel = h("div", { class: "mxp-label", id: `${id}-legs` }, "Legs");
  ui.legs = h("div", { role: "group", "aria-labelledby": `${id}-legs` });
  ui.strategy = h("select", { class: "mxp-select", "aria-label": "Fusion strategy" });
  ui.hint = h("div", { class: "mxp-formula-hint" });
  ui.k = buildSlider({ name: "k", min: 1, max: 200, step: 1, text: (value) => numeral(value, 0) });
  ui.kBox = h("div", {}, ui.k);
  ui.reset = h("button", { class: "mxp-link mxp-reset", type: "button", hidden: true }, "Reset to the retriever's own");
  ui.status = h("div", { class: "mxp-status" });
  ui.limit = h("select", { class: "mxp-select", "aria-label": "Results to show" }, limitOptions(LIMITS));
  ui.limitBox = h("label", { class: "mxp-limit", hidden: true }, "Show", ui.limit);
  ui.banners = h("div", {});
  ui.empty = h("div", { class: "mxp-empty" });
  // JupyterLab's command mode would take j, k, Enter and the sliders' arrows for itself.
  ui.hits = h("ol", { class: "mxp-hits", id: `${id}-hits`, "aria-label": "Results", role: "list", "data-lm-suppress-shortcuts": "true" });
  ui.ribbon = h("div", { class: "mxp-ribbon", "aria-hidden": "true" });
  ui.timeList = h("ul", { "aria-label": "Where the time went" });
  ui.times = h("div", { class: "mxp-times", hidden: true }, ui.ribbon, ui.timeList);
  ui.live = h("div", { class: "mx-visually-hidden", role: "status", "aria-live": "polite" });
  ui.root = h("section", { class: "mixpeek mxp", role: "search", "aria-label": `Playground: ${about.title}` },
    h("div", { class: "mxp-head" }, h("div", { class: "mxp-title", title: about.title }, about.title),
      h("div", { class: "mxp-search" }, ui.query, h("span", { class: "mxp-key", "aria-hidden": "true" }, "/"), h("span", { class: "mxp-spinner", "aria-hidden": "true" }))),
    h("div", { class: "mxp-body" },
      h("div", { class: "mxp-controls", "data-lm-suppress-shortcuts": "true" },
        h("div", {}, ui.legsLabel, ui.legs),
        h("div", { class: "mxp-fusion" }, h("div", { class: "mxp-label" }, "Fusion"), ui.strategy, ui.hint, ui.kBox, ui.reset)),
      h("div", { class: "mxp-main" }, h("div", { class: "mxp-bar" }, ui.status, ui.limitBox), ui.banners, ui.empty, ui.hits)),
    h("div", { class: "mxp-foot" }, ui.times, about.code && h("code", { title: "Run this to get the playground again" }, about.code)),
    ui.live);
  return ui;
}

function limitOptions(limits) {
  return limits.map((limit) => h("option", { value: limit }, String(limit)));
}

/** A range and a number that move together. */
function buildSlider({ name, label = name, min, max, step, text, colour }) {
  const range = h("input", { type: "range", min, max, step, "aria-label": label, vars: colour ? { "--fill": colour } : {} });
  const number = h("input", { type: "number", min: 0, step: "any", "aria-label": `${label}, as a number` });
  const node = h("div", { class: "mxp-slide" }, name && h("span", { class: "mxp-slide-name", "aria-hidden": "true" }, name), range, number);
  node.update = (value) => {
    if (value > Number(range.max)) range.max = String(Math.ceil(value));
    range.value = String(value);
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

function buildLeg(leg, colour, onWeight, onRelease) {
  const power = h("input", { type: "checkbox", role: "switch", class: "mxp-switch", "aria-label": `Use the leg ${leg.name}` });
  const time = h("span", { class: "mxp-leg-time" });
  const note = h("div", { class: "mxp-leg-note" });
  const slider = buildSlider({ name: "", label: `Weight of ${leg.name}`, min: 0, max: 2, step: 0.05, text: (value) => String(Number(value.toFixed(3))), colour });
  const node = h("div", { class: "mxp-leg", "data-leg": leg.name, vars: { "--leg": colour } },
    h("div", { class: "mxp-leg-head" }, power, h("span", { class: "mxp-swatch", "aria-hidden": "true" }),
      h("span", { class: "mxp-leg-name", title: leg.name }, leg.name), leg.kind && leg.kind !== leg.name && h("span", { class: "mxp-badge" }, leg.kind), time),
    slider, note);
  let current = leg;
  power.addEventListener("change", () => onWeight(current, power.checked ? 1 : 0, true));
  slider.connect((weight) => onWeight(current, weight, false), onRelease);
  node.update = (next, weight) => {
    current = next;
    node.classList.toggle("is-off", !(weight > 0));
    power.checked = weight > 0;
    slider.update(weight);
    time.textContent = next.milliseconds === undefined ? "" : milliseconds(next.milliseconds);
    const facts = [next.top_k && `top ${next.top_k}`, next.document_ids && `${next.document_ids.length} found`, next.metric];
    note.textContent = facts.filter(Boolean).join(" · ");
    note.title = next.feature_uri ?? "";
  };
  return node;
}

export default { render };
