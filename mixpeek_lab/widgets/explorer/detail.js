// One value as a whole, below the grid: long text, JSON, a vector, a picture, a recording.
import { h } from "../nodes.js";
import { numberText, sparkline } from "./cells.js";

const MOST_NUMBERS = 512;

/**
 * `onClose()` gives the focus back; `onWhole(row)` wants the whole row. `show(column, row, body)` takes
 * what the kernel answered for one value, `showRow(row, fields)` `[column, body]` for each field.
 */
export function buildDetail(onClose, onWhole) {
  const title = h("strong", {});
  const content = h("div", { class: "mxe-detail-content", tabindex: "0", "data-lm-suppress-shortcuts": "true" });
  const whole = h("button", { type: "button", class: "mxe-button is-small is-whole", title: "All fields of this row (Shift+Enter in the table)", onclick: () => onWhole(shown) }, "Whole row");
  const node = h("section", {
    class: "mxe-detail", hidden: true, "aria-label": "Whole value",
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    },
  }, h("div", { class: "mxe-detail-head" }, title, whole, h("button", { type: "button", class: "mxe-button is-small", onclick: () => close() }, "Close")), content);
  let played = null;
  let shown = 0;

  function free() {
    if (played) URL.revokeObjectURL(played);
    played = null;
  }

  function close() {
    free();
    node.hidden = true;
    content.replaceChildren();
    onClose();
  }

  function show(column, row, { head, arrays }) {
    free();
    title.textContent = `${column.name}, row ${(row + 1).toLocaleString("en")}`;
    whole.hidden = false;
    shown = row;
    if (head.form === "vector") content.replaceChildren(...vectorNodes(arrays[0](Float32Array), head.norm));
    else {
      played = head.mime ? URL.createObjectURL(new Blob([arrays[0](Uint8Array)], { type: head.mime })) : null;
      content.replaceChildren(...mediaNodes(head, played), ...(head.file ? [] : textNodes(column, head)));
    }
    reveal();
  }

  function showRow(row, fields) {
    free();
    title.textContent = `Row ${(row + 1).toLocaleString("en")}, ${fields.length} fields`;
    whole.hidden = true;
    content.replaceChildren(h("dl", { class: "mxe-fields" }, fields.flatMap(([column, body]) => [h("dt", {}, column.name), h("dd", {}, ...fieldNodes(column, body))])));
    reveal();
  }

  function reveal() {
    node.hidden = false;
    content.scrollTop = 0;
    content.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  }
  return { node, show, showRow, close, free, get isOpen() { return !node.hidden; } };
}

/** One field of a whole row: a vector as its size and shape, a file as its picture and words. */
function fieldNodes(column, { head, arrays }) {
  if (head.form !== "vector") return [...mediaNodes(head, null), ...(head.file ? [] : textNodes(column, head))];
  const vector = arrays[0](Float32Array);
  return [h("div", { class: "mxe-dim" }, `dim ${vector.length}, norm ${normText(head.norm)}`), sparkline(vector, { width: 360, height: 32 })];
}

/** JSON has no word for a length that is no number. */
const normText = (norm) => (norm === null ? "not finite" : numberText(norm));

function vectorNodes(vector, norm) {
  const finite = [...vector].filter(Number.isFinite);
  const mean = finite.reduce((sum, value) => sum + value, 0) / Math.max(1, finite.length);
  const [low, high] = finite.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  const facts = [["dim", vector.length], ["norm", normText(norm)], ["mean", numberText(mean)], ["least", finite.length ? numberText(low) : "none"], ["most", finite.length ? numberText(high) : "none"], ["not finite", vector.length - finite.length]];
  const shown = [...vector.subarray(0, MOST_NUMBERS)].map(numberText).join(", ");
  return [
    h("div", { class: "mxe-detail-facts" }, ...facts.map(([name, value]) => h("span", {}, h("span", { class: "mxe-dim" }, `${name} `), String(value)))),
    sparkline(vector, { width: 720, height: 80 }),
    h("pre", { class: "mxe-pre" }, `[${shown}${vector.length > MOST_NUMBERS ? `, … ${vector.length - MOST_NUMBERS} more` : ""}]`),
  ];
}

function textNodes(column, { text, length }) {
  if (text === null) return [h("p", { class: "mxe-dim" }, "null")];
  const nodes = [h("pre", { class: "mxe-pre" }, pretty(column, text))];
  if (length > text.length) nodes.push(h("p", { class: "mxe-dim" }, `The first ${text.length.toLocaleString("en")} of ${length.toLocaleString("en")} characters.`));
  return nodes;
}

/** JSON with line breaks, where the text is an object or a list. */
function pretty(column, text) {
  if (column.kind !== "nested" && !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // it only began like JSON
  }
}

function mediaNodes({ file, mime }, played) {
  if (!file) return [];
  const nodes = [h("p", { class: "mxe-dim" }, file.text)];
  if (file.thumbnail.startsWith("data:image/jpeg;base64,")) nodes.unshift(h("img", { class: "mxe-picture", src: file.thumbnail, alt: "" }));
  if (played) nodes.unshift(h(mime.startsWith("audio/") ? "audio" : "video", { src: played, controls: true, class: "mxe-player", "aria-label": file.text }));
  return nodes;
}
