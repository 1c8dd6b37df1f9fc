// One result: a row with rank, text, score and bar, and the explanation of its score.
import { chipsOf, excerpt, headingOf, lineageOf, marked, pictureOf } from "../documents.js";
import { figure, formula, numeral, pythonOf } from "../fusion.js";
import { chevron, freshId, h } from "../nodes.js";
import { copyText } from "./code.js";

const OWN_FOCUS = "button, a, input, select, textarea, audio, video, iframe, summary";

/**
 * A list item whose `update(hit, largest)` repaints rank, arrow, score and explanation.
 * `view` gives payload, terms, legs, colourOf(leg), choice(), before (ranks to compare with),
 * open (ids of expanded results), flip(id) and focus(id).
 */
export function buildCard(hit, view) {
  const { payload, terms } = view;
  const id = hit.document_id;
  const record = payload.documents[id] ?? {};
  const fields = record.fields ?? {};
  const textField = payload.text_field ?? "data";
  const [headingField, heading] = headingOf(fields, textField);
  const isFile = Boolean(record.media);
  const text = isFile ? record.media : typeof fields[textField] === "string" ? fields[textField] : "";
  const chips = chipsOf(fields, textField, headingField, heading);
  const grades = view.grading?.(id);
  const media = view.media?.(id, record);
  const ui = buildRow({ heading: heading || id, text, chips, terms, picture: pictureOf(record), media, grades });
  const why = h("div", { class: "mxp-why", id: freshId(), role: "region", "aria-label": `Score of ${heading || id}`, hidden: true });
  const card = h("li", { class: "mxp-hit", "data-id": id }, ui.row, why);
  let current = hit;

  function paintBody() {
    const isOpen = view.open.has(id);
    card.classList.toggle("is-open", isOpen);
    ui.toggle.setAttribute("aria-expanded", String(isOpen));
    why.hidden = !isOpen;
    ui.body.replaceChildren(...(isFile ? [text] : marked(isOpen ? text : excerpt(text, terms), terms)));
    // Open, a long text scrolls: the keyboard has to get there.
    for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", `Text of ${heading || id}`]]) {
      if (isOpen) ui.body.setAttribute(name, value);
      else ui.body.removeAttribute(name);
    }
    if (isOpen) paintWhy(why, current, record, view);
  }
  function flip() {
    view.flip(id);
    paintBody();
  }
  ui.toggle.setAttribute("aria-controls", why.id);
  ui.toggle.addEventListener("focus", () => view.focus(id));
  ui.toggle.addEventListener("click", (event) => {
    event.stopPropagation();
    flip();
  });
  // A click that ends a selection of text is not meant for the row.
  ui.row.addEventListener("click", () => String(getSelection()) || flip());
  // The keys (grades, j and k, u) belong to the result that was clicked, wherever on it that was.
  card.addEventListener("click", (event) => {
    if (!event.target.closest(OWN_FOCUS)) ui.toggle.focus({ preventScroll: true });
  });

  card.update = (next, largest) => {
    current = next;
    grades?.update();
    paintRow(ui, next, largest, heading || id, view);
    if (view.open.has(id)) paintWhy(why, current, record, view);
  };
  card.toggle = ui.toggle;
  paintBody();
  return card;
}

function buildRow({ heading, text, chips, terms, picture, media, grades }) {
  const ui = {
    rank: h("span"),
    arrow: h("span", { class: "mxp-move" }),
    body: h("div", { class: "mxp-text" }),
    number: h("div", { class: "mxp-score-number" }),
    stack: h("div", { class: "mxp-stack", "aria-hidden": "true" }),
    ranks: h("div", { class: "mxp-ranks" }),
    toggle: h("button", { class: "mxp-toggle", type: "button", "aria-expanded": "false" }, chevron()),
  };
  const facts = chips.map(([name, value]) => h("span", { class: "mxp-chip" }, name, h("b", {}, value)));
  ui.row = h("div", { class: "mxp-row" },
    h("div", { class: "mxp-rank" }, ui.rank, ui.arrow),
    h("div", {},
      h("div", { class: "mxp-heading" }, marked(heading, terms)),
      picture && h("img", { class: "mxp-picture", src: picture, alt: "" }),
      text && ui.body,
      media,
      h("div", { class: "mxp-meta" }, h("div", { class: "mxp-chips" }, facts), grades)),
    h("div", { class: "mxp-score" }, ui.number, ui.stack, ui.ranks),
    ui.toggle);
  return ui;
}

function paintRow(ui, hit, largest, heading, view) {
  const parts = hit.contributions ?? [];
  ui.rank.textContent = String(hit.rank);
  paintArrow(ui.arrow, hit, view.before);
  ui.number.textContent = figure(hit.score);
  ui.stack.replaceChildren(...parts.filter((part) => part.contribution).map((part) => h("span", {
    class: `mxp-part${part.contribution < 0 ? " is-negative" : ""}`,
    title: `${part.leg} ${figure(part.contribution)}`,
    vars: { "--leg": view.colourOf(part.leg), width: `${(100 * Math.abs(part.contribution)) / largest}%` },
  })));
  const found = parts.filter((part) => part.rank !== null && part.weight > 0);
  ui.ranks.replaceChildren(...found.map((part) => h("span", { title: `rank ${part.rank} in ${part.leg}` },
    h("i", { vars: { "--leg": view.colourOf(part.leg) } }), `#${part.rank}`)));
  const inForce = parts.filter((part) => part.weight > 0).length;
  if (found.length === 1 && inForce > 1) ui.ranks.append(h("span", { class: "mxp-only", vars: { "--leg": view.colourOf(found[0].leg) }, title: `No other leg found it among its candidates` }, "only"));
  const places = parts.map((part) => (part.rank === null ? `not in ${part.leg}` : `rank ${part.rank} in ${part.leg}`));
  ui.toggle.setAttribute("aria-label", `Result ${hit.rank}: ${heading}, score ${figure(hit.score)}. ${places.join(", ")}. Explain`);
}

/** How far the hit moved since the last control moved. */
function paintArrow(node, hit, before) {
  const by = before?.has(hit.document_id) ? before.get(hit.document_id) - hit.rank : null;
  node.className = `mxp-move${by > 0 ? " is-up" : by < 0 ? " is-down" : ""}`;
  if (!before || by === 0) return node.replaceChildren();
  const [sign, words] = by === null ? ["new", "new"] : by > 0 ? [`▲ ${by}`, `up ${by}`] : [`▼ ${-by}`, `down ${-by}`];
  return node.replaceChildren(h("span", { "aria-hidden": "true" }, sign), h("span", { class: "mx-visually-hidden" }, words));
}

/** How a score came about: each leg's part, one after the other, up to the sum. */
function paintWhy(node, hit, record, view) {
  const parts = hit.contributions ?? [];
  const choice = view.choice();
  const fusedScore = hit.stages?.[0]?.score_before ?? hit.score;
  const bars = waterfall(parts, choice.strategy === "max");
  const heads = ["leg", "rank", "score", "normalised", "weight", "contribution", ""];
  const rows = parts.map((part, at) => h("tr", {},
    h("th", { scope: "row" }, h("span", { class: "mxp-swatch", vars: { "--leg": view.colourOf(part.leg) } }), part.leg),
    h("td", {}, part.rank ?? (part.weight > 0 ? "not found" : "off")),
    h("td", {}, figure(part.score)),
    h("td", {}, figure(part.normalised)),
    h("td", {}, numeral(part.weight)),
    h("td", {}, figure(part.contribution)),
    h("td", { class: "mxp-fall", "aria-hidden": "true" }, bar(bars[at], view.colourOf(part.leg)))));
  const sum = h("tr", { class: "mxp-sum" }, h("th", { scope: "row", colspan: 5 }, choice.strategy === "max" ? "largest" : "sum"), h("td", {}, figure(fusedScore)), h("td", { class: "mxp-fall", "aria-hidden": "true" }, bar(bars[parts.length], "var(--mx-muted)")));
  const code = pythonOf(view.legs, choice, parts, fusedScore);
  const copy = h("button", { class: "mxp-link", type: "button", onclick: () => copyText(code, copy) }, "Copy as Python");
  node.replaceChildren(
    h("table", {},
      h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name || h("span", { class: "mx-visually-hidden" }, "waterfall"))))),
      h("tbody", {}, rows, sum)),
    h("div", { class: "mxp-why-line" }, `${choice.strategy}: `, h("code", { class: "mxp-formula" }, formula(view.legs, choice, parts, fusedScore)), " ", copy),
    ...(hit.stages ?? []).map((effect) => h("div", { class: "mxp-why-line" }, `${effect.stage}: `, h("code", {}, effectText(effect)))),
    ...(view.hasTrace ? [] : [lineagePath(hit.document_id, record)]),
    ...(view.extras?.(hit) ?? []));
}

/** Where each part's bar begins and ends, in shares of the whole; the last is the sum's. */
export function waterfall(parts, isMax) {
  let sum = 0;
  const spans = parts.map((part) => {
    const from = isMax ? 0 : sum;
    sum = isMax ? Math.max(sum, part.contribution) : sum + part.contribution;
    return [Math.min(from, from + part.contribution), Math.max(from, from + part.contribution)];
  });
  spans.push([Math.min(0, sum), Math.max(0, sum)]);
  const low = Math.min(0, ...spans.map(([from]) => from));
  const size = Math.max(...spans.map(([, to]) => to)) - low || 1;
  return spans.map(([from, to]) => [(from - low) / size, (to - low) / size]);
}

function bar([from, to], colour) {
  return h("span", { class: "mxp-fall-track" }, h("i", { vars: { left: `${100 * from}%`, width: `${100 * (to - from)}%`, "--leg": colour } }));
}

function lineagePath(id, record) {
  const steps = lineageOf(id, record).map(([name, value], at) => [at ? " · " : "", `${name} `, h("code", {}, value)]);
  return h("div", { class: "mxp-why-line" }, steps.flat());
}

/** What a stage after the fusion did: `rank 5 → 1, score 0.0161 → 0.93, labels […]`. */
function effectText({ rank_before, rank, score_before, score, found }) {
  const moved = [`rank ${rank_before ?? "–"} → ${rank}`, score !== score_before && `score ${figure(score_before)} → ${figure(score)}`];
  const told = Object.entries(found ?? {}).filter(([name, value]) => name !== "score" && value !== null);
  return [...moved.filter(Boolean), ...told.map(([name, value]) => `${name} ${JSON.stringify(value)}`)].join(", ");
}
