// The list of results: banners, cards in their order, what stands there when there are none.
import { h } from "../nodes.js";
import { buildCard } from "./hit.js";

/** The list; gives {paint(), paintBanners(), forget(), step(by), stepTo(at), rove(), cardOf(id)}. `actions` go to the cards. */
export function makeResults(app, ui, actions) {
  const { state } = app;
  let cards = new Map();

  const view = {
    ...actions,
    get payload() { return state.payload; },
    get terms() { return state.terms; },
    get legs() { return state.legs; },
    get before() { return state.before; },
    get open() { return state.open; },
    get grades() { return state.grades; },
    colourOf: app.colourOf,
    choice: app.choice,
    focus(id) {
      state.active = id;
      rove();
    },
    flip(id) {
      if (!state.open.delete(id)) state.open.add(id);
      this.focus(id);
    },
  };

  function paint() {
    paintEmpty();
    const hits = state.payload ? state.hits : [];
    const sizes = hits.map((hit) => (hit.contributions ?? []).reduce((sum, part) => sum + Math.abs(part.contribution), 0));
    const largest = Math.max(...sizes, Number.MIN_VALUE);
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches || !ui.hits.offsetParent;
    const tops = new Map(isStill ? [] : [...ui.hits.children].map((card) => [card, card.offsetTop]));
    const shown = hits.map((hit) => {
      const card = cards.get(hit.document_id) ?? buildCard(hit, view);
      cards.set(hit.document_id, card);
      card.update(hit, largest);
      return card;
    });
    arrange(shown, tops);
    rove();
  }

  /** Put the cards in order; those that stay glide from where they were (`tops`). */
  function arrange(shown, tops) {
    const focused = ui.hits.contains(document.activeElement) ? document.activeElement : null;
    let isMoved = false;
    shown.forEach((card, at) => {
      if (ui.hits.children[at] === card) return;
      ui.hits.insertBefore(card, ui.hits.children[at] ?? null);
      isMoved = true;
    });
    while (ui.hits.childElementCount > shown.length) ui.hits.lastElementChild.remove();
    if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
    if (isMoved) requestAnimationFrame(() => glide(shown, tops));
  }

  function glide(shown, tops) {
    const moved = shown.filter((card) => tops.has(card) && card.isConnected).map((card) => [card, tops.get(card) - card.offsetTop]);
    for (const [card, by] of moved) {
      if (by) card.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 160, easing: "ease-out" });
    }
  }

  function paintBanners() {
    const { payload, error, isLater, isBefore } = state;
    const stages = (payload?.stages ?? []).join(", ");
    const notes = (payload?.warnings ?? []).map((warning) => ["warning", String(warning)]);
    if (error && !state.isGone) notes.unshift(["error", `Search failed. ${error.message}`]);
    if (payload?.fusion?.strategy === "learned") notes.push(["note", learnedWords(payload.fusion)]);
    if (isLater && stages) notes.push(["note", `After the fusion came ${stages}. Moving a slider shows the order before.`]);
    else if (isLater) notes.push(["note", "Stages after the fusion changed this order. Moving a slider shows the order before them."]);
    if (isBefore) notes.push(["note", `This is the order before ${stages}. Reset the fusion to see what comes after.`]);
    ui.banners.replaceChildren(...notes.map(([tone, text]) => h("div", { class: `mxp-banner is-${tone}`, role: tone === "error" && "alert" }, text)));
  }

  function paintEmpty() {
    const { payload, error, hits } = state;
    ui.empty.hidden = Boolean(payload ? hits.length : error);
    const [title, text] = emptyWords();
    ui.empty.replaceChildren(h("strong", {}, title), text);
  }

  function emptyWords() {
    if (!state.payload) return [`Search ${app.about.title}`, "Type a query. Results appear as you pause, or press Enter."];
    if (Object.values(app.choice().weights).every((weight) => !(weight > 0))) {
      return ["All legs are off", "Switch a leg on, or give it a weight above 0."];
    }
    const advice = state.filters ? "Try other words, or a wider filter." : "Try other words. A lexical leg finds only words that occur in the text.";
    return [`Nothing matches “${state.query}”`, advice];
  }

  /** One result is in the tab order: the active one, else the first. */
  function rove() {
    const shown = [...ui.hits.children];
    const active = shown.find((card) => card.dataset.id === state.active) ?? shown[0];
    for (const card of shown) card.toggle.tabIndex = card === active ? 0 : -1;
  }

  function step(by) {
    const shown = [...ui.hits.children];
    if (!shown.length) return;
    const at = shown.findIndex((card) => card.contains(document.activeElement));
    stepTo(at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + by)));
  }
  function stepTo(at) {
    const next = ui.hits.children[at];
    if (!next) return;
    next.toggle.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  /** Build cards anew: all, or those of `ids`; gives whether there were any. */
  const forget = (ids) => {
    if (!ids) cards = new Map();
    return (ids ?? []).map((id) => cards.delete(id)).some(Boolean);
  };
  return { paint, paintBanners, forget, step, stepTo, rove, cardOf: (id) => cards.get(id) };
}

/** Where the weights of `learned` come from, and what a slider then does. */
function learnedWords({ arms = {} }) {
  const counts = Object.entries(arms).filter(([, [wins, losses]]) => wins || losses);
  if (!counts.length) return "Learned weights: no interactions are recorded yet, so every leg has weight 1.";
  const told = counts.map(([name, [wins, losses]]) => `${name} ${wins} for, ${losses} against`).join("; ");
  return `The lab drew these weights for this search from recorded interactions (${told}). A slider sets a weight by hand, until the next search.`;
}
