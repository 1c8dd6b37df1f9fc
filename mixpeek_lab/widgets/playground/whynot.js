// "Why not this document?": which leg lost it, at which rank, and what would bring it in.
import { headingOf } from "../documents.js";
import { explain, figure, numeral } from "../fusion.js";
import { h, keepingFocus } from "../nodes.js";
import { MOST_KEPT } from "./frame.js";
import { losses, smallestChanges } from "./changes.js";
import { makePicker } from "./picker.js";

const SHOWN_CHANGES = 4;

/** The box and its answer; gives {node, paint(), ask(id)}. */
export function makeWhyNot(app) {
  const { state } = app;
  let asked = null;
  let deep = null;
  const answer = h("div", { class: "mxp-whynot-answer", "aria-live": "polite" });
  const picker = makePicker(app, "Why not this document?", ask);
  const node = h("section", { class: "mxp-whynot", "aria-label": "Why not this document?" },
    h("div", { class: "mxp-subtitle" }, "Why not this document?"),
    h("div", { class: "mxp-hint" }, "Type a word of it and pick one from the list, or type its id and press Enter: you see which leg lost it, and the smallest change that brings it in."),
    picker, answer);

  function ask(id) {
    asked = id;
    deep = null;
    paint();
    if (state.payload && !isCandidate() && canLook()) look();
  }
  const isCandidate = () => state.legs.some((leg) => leg.places.has(asked));
  const canLook = () => Boolean(app.about.offers?.includes("ranks"));

  function paint() {
    keepingFocus(node, fill);
  }

  function fill() {
    if (!asked || !state.payload) return answer.replaceChildren();
    const rank = state.ranking.findIndex((each) => each.id === asked) + 1 || null;
    return answer.replaceChildren(...(isCandidate() ? found(rank) : missing()));
  }

  function found(rank) {
    const choice = app.choice();
    const limit = app.model.get("limit");
    const name = h("strong", {}, app.titleOf(asked));
    const hit = state.hits.find((each) => each.document_id === asked);
    if (hit) return [h("p", {}, name, ` is there, at rank ${hit.rank}.`)];
    if (rank !== null && rank <= limit) return [h("p", {}, name, ` came out of the fusion at rank ${rank}, and the stages after it (${(state.payload.stages ?? []).join(", ") || "group, filter or score"}) left it out.`)];
    const last = state.ranking[limit - 1];
    const rows = losses(explain(state.legs, choice, asked), last ? explain(state.legs, choice, last.id) : []);
    const worst = rows.reduce((a, b) => (b.gap < a.gap ? b : a));
    const head = rank === null ? " is only in legs that are off." : ` stands at rank ${rank} of ${state.ranking.length}; ${limit} are shown.`;
    return [
      h("p", {}, name, head, worst.gap < 0 && ` It lost most in ${worst.leg}, ${worst.rank === null ? "which did not find it" : `where it has rank ${worst.rank}`}.`),
      table(rows, worst, last, limit),
      // Hundreds of fusings: once the hand rests.
      ...(state.isDragging ? [] : [changes(smallestChanges(state.legs, choice, asked, limit), rank)]),
    ];
  }

  function table(rows, worst, last, limit) {
    return h("div", { class: "mxp-scroll" }, h("table", { class: "mxp-table" },
      h("thead", {}, h("tr", {}, ["leg", "its rank", "its score", "gives it", last ? `gives rank ${limit}` : "gives the last", "difference"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map((row) => h("tr", { class: row === worst && row.gap < 0 ? "is-worst" : "" },
        h("th", { scope: "row" }, h("span", { class: "mxp-swatch", vars: { "--leg": app.colourOf(row.leg) } }), row.leg),
        h("td", {}, row.rank ?? "not found"), h("td", {}, figure(row.score)), h("td", {}, figure(row.mine)), h("td", {}, figure(row.last)),
        h("td", {}, `${row.gap > 0 ? "+" : ""}${figure(row.gap)}`))))));
  }

  function changes(all, rank) {
    const buttons = all.slice(0, SHOWN_CHANGES).map((change) => h("li", {},
      h("button", { class: "mxp-button", type: "button", "data-change": change.kind === "k" ? "k" : change.leg, onclick: () => apply(change) }, wordsOf(change)),
      change.kind === "weight" && change.to !== 0 && change.threshold !== change.to && h("span", { class: "mxp-hint" }, `it comes in ${change.to > change.from ? "above" : "below"} ${figure(change.threshold)}`)));
    if (rank !== null) buttons.push(h("li", {}, h("button", { class: "mxp-button", type: "button", "data-change": "limit", onclick: () => { app.set({ limit: rank }); app.release(); } }, `Show ${rank} results`)));
    if (!buttons.length) return h("p", {}, "No change of one weight or of k alone brings it in.");
    return h("div", {}, h("div", { class: "mxp-label" }, all.length ? "Smallest changes that bring it in" : "No change of one weight or of k alone brings it in"), h("ul", { class: "mxp-changes" }, buttons));
  }

  function apply(change) {
    if (change.kind === "k") app.move({ k: change.to });
    else app.move(app.withWeight(change.leg, change.to));
  }

  /** No leg has it among its candidates: the kernel can look deeper. */
  function missing() {
    const words = [h("p", {}, h("strong", {}, asked), ` is not among the candidates: ${app.knownLegs().map((leg) => `${leg.name} keeps its first ${app.topKOf(leg) ?? leg.document_ids.length}`).join(", ")}.`)];
    if (deep) return [...words, ...deep];
    if (!canLook()) return words;
    return [...words, h("button", { class: "mxp-button", type: "button", disabled: isLooking, onclick: look }, isLooking ? "Looking…" : "Look deeper")];
  }

  let isLooking = false;
  async function look() {
    const id = asked;
    isLooking = true;
    paint();
    try {
      const told = await app.client.call("ranks", { document_id: id });
      if (id === asked) deep = depthWords(told);
    } catch (error) {
      const none = "No document with these words is among the candidates, and none with this id is in the collection.";
      if (id === asked) deep = [error.kind.endsWith("NotFoundError") ? h("p", {}, none) : h("p", { class: "mxp-fault" }, error.message)];
    }
    isLooking = false;
    paint();
  }

  function depthWords({ legs, is_filtered: isFiltered, fields }) {
    const [, name] = headingOf(fields ?? {}, "data");
    if (isFiltered) return [h("p", {}, "The filter leaves it out.")];
    return [name && h("p", {}, name), h("ul", { class: "mxp-plain" }, legs.map((leg) => h("li", {}, h("span", { class: "mxp-swatch", vars: { "--leg": app.colourOf(leg.leg) } }), leg.rank === null
      ? `${leg.leg} does not find it at all${leg.kind === "lexical" ? ": it has none of the query’s words" : ""}.`
      : `${leg.leg}: rank ${leg.rank.toLocaleString("en")} of ${leg.of.toLocaleString("en")}, score ${figure(leg.score)}. `, leg.rank !== null && h("button", { class: "mxp-button", type: "button", "data-change": "top_k", disabled: leg.rank > MOST_KEPT, onclick: () => app.keep(leg.leg, leg.rank, true) }, `Keep ${leg.rank.toLocaleString("en")} of ${leg.leg}`))))].filter(Boolean);
  }
  app.on("answer", () => {
    deep = null;
  });
  app.on("settle", () => node.offsetParent && paint());
  return { node, paint, ask };
}

function wordsOf(change) {
  if (change.kind === "k") return `k ${numeral(change.from, 0)} → ${numeral(change.to, 0)}`;
  if (change.to === 0) return `Switch ${change.leg} off`;
  return `${change.leg} weight ${numeral(change.from)} → ${change.to}`;
}
