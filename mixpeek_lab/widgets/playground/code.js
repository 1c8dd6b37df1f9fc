// The settings as code: a %%retriever cell, Python, JSON; copied, or put into a cell.
import { h } from "../nodes.js";

const COPIED_FOR = 1600;
const INSERT_TRIES = 20;

/** The panel of the tab "Code"; gives {node, paint()}. */
export function makeCode(app) {
  const forms = [
    { id: "cell", label: "Retriever cell", hint: "Defines a retriever with these settings. Change its name, then search with it.", canInsert: true },
    { id: "python", label: "Python", hint: "The same search from a cell.", canInsert: true },
    { id: "json", label: "Retriever JSON", hint: "The public form, with these settings: what Mixpeek and the HTTP API take.", canInsert: false },
    { id: "config", label: "State", hint: "What pg.config gives; set it, and the playground moves there.", canInsert: false },
  ];
  let chosen = app.about.offers?.includes("body") ? forms[0] : forms[1];
  let texts = null;
  const hint = h("div", { class: "mxp-hint" });
  const code = h("pre", { class: "mxp-source", tabindex: "0", "aria-label": "Code of the current settings" });
  const copy = h("button", { class: "mxp-button", type: "button", onclick: () => copyText(shownText(), copy) }, "Copy");
  const insert = h("button", { class: "mxp-button is-strong", type: "button", onclick: onInsert }, "Insert cell");
  const offered = forms.filter((form) => (form.id !== "cell" && form.id !== "json") || app.about.offers?.includes("body"));
  const choices = offered.map((form) => h("button", { class: "mxp-choice", type: "button", "data-form": form.id, onclick: () => {
    chosen = form;
    show();
  } }, form.label));
  const node = h("div", { class: "mxp-pad" },
    h("div", { class: "mxp-toolbar" }, h("div", { class: "mxp-choices", role: "group", "aria-label": "Form of the code" }, choices), h("span", { class: "mxp-gap" }), copy, insert),
    hint, code);

  const isData = (form) => form.id === "config" || form.id === "json";
  const shownText = () => (texts ? (isData(chosen) ? JSON.stringify(texts[chosen.id], null, 2) : texts[chosen.id]) : "");

  function show() {
    choices.forEach((button, at) => button.setAttribute("aria-pressed", String(offered[at] === chosen)));
    insert.hidden = !chosen.canInsert;
    hint.textContent = chosen.hint;
    code.textContent = shownText();
  }

  /** The kernel writes the code; while a slider moves, once it rests. */
  async function paint() {
    show();
    if (app.state.isDragging) return;
    app.flush();
    try {
      texts = await app.client.call("code");
    } catch (error) {
      if (!app.state.isGone) texts = null;
      hint.textContent = texts ? `${error.message} This is the code as it was then.` : error.message;
      return;
    }
    show();
  }

  async function onInsert() {
    if (await insertCell(node, shownText())) return flash(insert, "Inserted");
    return copyText(shownText(), insert, "Copied: paste it into a cell");
  }
  app.on("settle", () => node.offsetParent && paint());
  return { node, paint };
}

/**
 * Put `text` into a new cell below the one that shows `node`; false where the front end has no way.
 * The lab's JupyterLab extension takes the event; without it the notebook's own toolbar does it.
 */
export async function insertCell(node, text) {
  const detail = { code: text };
  const isTaken = !node.dispatchEvent(new CustomEvent("mixpeek:insert-cell", { bubbles: true, cancelable: true, detail }));
  if (isTaken) return true;
  const cell = node.closest(".jp-Cell");
  const panel = node.closest(".jp-NotebookPanel");
  const button = panel?.querySelector("[data-command='notebook:insert-cell-below']");
  if (!cell || !button) return false;
  const before = new Set(panel.querySelectorAll(".jp-Cell"));
  press(cell.querySelector(".jp-InputPrompt") ?? cell);
  press(button);
  const editor = await soon(() => [...panel.querySelectorAll(".jp-Cell")].find((each) => !before.has(each))?.querySelector(".cm-content"));
  if (!editor) return false;
  // The editor takes a paste as it is: typed lines would be indented by it.
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text.trimEnd());
  editor.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }));
  return Boolean(await soon(() => editor.textContent.trim()));
}

function press(node) {
  for (const name of ["mousedown", "mouseup"]) node.dispatchEvent(new MouseEvent(name, { bubbles: true, cancelable: true, button: 0 }));
}

/** What `look` finds within a second; null where it finds nothing. */
async function soon(look) {
  for (let tries = 0; tries < INSERT_TRIES; tries += 1) {
    const found = look();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  return null;
}

/** Copy, and say so on the button. Clipboards are closed to pages without a secure address. */
export async function copyText(text, button, told = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "mx-visually-hidden" });
    area.value = text;
    button.after(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    button.focus();
    if (!isDone) return flash(button, "Select it and copy");
  }
  return flash(button, told);
}

function flash(button, text) {
  const own = button.dataset.label ?? button.textContent;
  button.dataset.label = own;
  button.textContent = text;
  setTimeout(() => {
    button.textContent = own;
  }, COPIED_FOR);
}
