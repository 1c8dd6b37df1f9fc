// A search box over the cached candidates: type words or an id, choose with the arrow keys.
import { headingOf } from "../documents.js";
import { freshId, h } from "../nodes.js";

const MOST_PICKS = 8;

/** A combobox; `onChoose(id)` gets a candidate's id, or what was typed where none is chosen. */
export function makePicker(app, label, onChoose) {
  const id = freshId();
  const box = h("input", { class: "mxp-field", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder: "Words of a document, or its id", "aria-label": label, "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list" });
  const list = h("ul", { class: "mxp-picks", id, role: "listbox", "aria-label": "Documents", hidden: true });
  const note = h("div", { class: "mxp-hint mxp-pick-note", role: "status" });
  let found = [];
  let shown = null; // the first result that has the words and is shown: not offered, but it is an answer
  let at = -1;

  function open() {
    const words = box.value.toLowerCase().trim().split(/\s+/).filter(Boolean);
    const all = words.length ? matches(app.state, words) : [];
    found = all.filter((each) => !each.isShown).slice(0, MOST_PICKS);
    shown = all.find((each) => each.isShown)?.key ?? null;
    note.textContent = words.length && !found.length ? noneWords(all) : "";
    at = -1;
    list.replaceChildren(...found.map(({ key, rank }, n) => h("li", { role: "option", id: `${id}-${n}`, "aria-selected": "false", onmousedown: (event) => {
      event.preventDefault();
      choose(key);
    } }, h("b", {}, rank ? `#${rank}` : "–"), h("span", {}, app.titleOf(key)))));
    show(found.length > 0);
  }
  function show(isOpen) {
    list.hidden = !isOpen;
    box.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) box.removeAttribute("aria-activedescendant");
  }
  function move(by) {
    if (!found.length) return;
    at = (at + by + found.length) % found.length;
    [...list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === at)));
    box.setAttribute("aria-activedescendant", `${id}-${at}`);
  }
  function choose(key) {
    show(false);
    note.textContent = "";
    if (!key) return;
    box.value = app.titleOf(key);
    onChoose(key);
  }
  box.addEventListener("input", open);
  app.on("documents", () => document.activeElement === box && at < 0 && box.value && !list.hidden && open());
  box.addEventListener("blur", () => show(false));
  box.addEventListener("keydown", (event) => {
    const actions = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => choose(found[Math.max(at, 0)]?.key ?? shown ?? box.value.trim()),
      Escape: () => show(false),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  });
  return h("div", { class: "mxp-picker" }, box, list, note);
}

/** What stands there where no candidate that is not shown has the words; `all` are those that are. */
function noneWords(all) {
  const shown = all.slice(0, 3).map(({ name, rank }) => `#${rank} ${name}`).join(", ");
  const told = shown ? `Only results that are shown have these words: ${shown}.` : "No candidate has these words.";
  return `${told} Is it the id of a document? Press Enter to look for it in the collection.`;
}

/** Candidates with every word in their name, text or id; best ranks first. */
function matches(state, words) {
  const { payload, ranking } = state;
  const ranks = new Map(ranking.map((each, n) => [each.id, n + 1]));
  const textField = payload.text_field ?? "data";
  const shown = new Set(state.hits.map((hit) => hit.document_id));
  const found = [];
  for (const [key, record] of Object.entries(payload.documents)) {
    const fields = record.fields ?? {};
    const name = headingOf(fields, textField)[1] || key;
    const text = `${key} ${name} ${fields[textField] ?? ""}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const isNamed = words.every((word) => `${key} ${name}`.toLowerCase().includes(word));
    found.push({ key, name, rank: ranks.get(key) ?? null, isNamed, isShown: shown.has(key) });
  }
  found.sort((a, b) => b.isNamed - a.isNamed || (a.rank ?? Infinity) - (b.rank ?? Infinity));
  return found;
}
