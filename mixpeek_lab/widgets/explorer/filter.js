// The panel in which a column's filter is made, after the column's kind.
import { h } from "../nodes.js";

/**
 * A dialog for `column`; `filter` is the one in force, `summary` what is known of the column.
 * `onApply(filter | null)` gives a promise: its error is shown, and the panel stays open.
 */
export function buildFilter(column, filter, summary, { onApply, onClose }) {
  const parts = partsOf(column, filter ?? {}, summary);
  const error = h("div", { class: "mxe-panel-error", role: "alert" });
  const send = async (next) => {
    try {
      await onApply(next);
      onClose();
    } catch (problem) {
      error.textContent = problem.message;
    }
  };
  const form = h("form", {
    class: "mxe-panel-form",
    onsubmit: (event) => {
      event.preventDefault();
      const made = Object.assign({}, ...parts.map((part) => part.read()));
      send(Object.keys(made).length ? made : null);
    },
  },
  h("div", { class: "mxe-panel-title" }, h("strong", {}, column.name), " ", h("span", { class: "mxe-type" }, column.type.toLowerCase().slice(0, 30))),
  ...parts.map((part) => part.node), error,
  h("div", { class: "mxe-panel-foot" }, h("button", { type: "submit", class: "mxe-button is-main" }, "Apply"), h("button", { type: "button", class: "mxe-button", onclick: () => send(null) }, "Clear")));
  const panel = h("div", {
    class: "mxe-panel", role: "dialog", "aria-label": `Filter ${column.name}`,
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Escape") onClose();
    },
  }, form);
  panel.focusFirst = () => form.querySelector("input, select")?.focus({ preventScroll: true });
  return panel;
}

function partsOf(column, filter, summary) {
  const isOrdered = ["number", "time", "vector"].includes(column.kind);
  const parts = [];
  if (isOrdered) parts.push(rangePart(column, filter, summary));
  if (["text", "nested"].includes(column.kind)) parts.push(containsPart(filter));
  if (["text", "bool"].includes(column.kind)) parts.push(...valuesPart(filter, summary));
  return [...parts, nullPart(filter)];
}

function rangePart(column, filter, summary) {
  const field = (key, word, hint) => h("input", { class: "mxe-input", type: "text", "aria-label": `${word} of ${column.name}`, placeholder: hint ?? word, value: filter[key] ?? "", spellcheck: "false" });
  const [low, high] = [field("min", "Least", summary?.low), field("max", "Most", summary?.high)];
  const node = h("div", { class: "mxe-range" }, low, h("span", { "aria-hidden": "true" }, "to"), high);
  const read = () => ({ ...(low.value.trim() && { min: low.value.trim() }), ...(high.value.trim() && { max: high.value.trim() }) });
  return { node: column.kind === "vector" ? h("div", {}, h("div", { class: "mxe-dim" }, "Norm"), node) : node, read };
}

function containsPart(filter) {
  const field = h("input", { class: "mxe-input", type: "text", "aria-label": "Contains", placeholder: "Contains…", value: filter.contains ?? "" });
  return { node: field, read: () => (field.value ? { contains: field.value } : {}) };
}

function valuesPart(filter, summary) {
  const chosen = new Set((filter.in ?? []).map(String));
  const known = (summary?.top ?? []).map(([value, count]) => [String(value), count]);
  for (const value of chosen) if (!known.some(([each]) => each === value)) known.push([value, null]);
  if (!known.length) return [];
  const boxes = known.map(([value]) => h("input", { type: "checkbox", value, checked: chosen.has(value) }));
  const lines = known.map(([value, count], at) => h("label", { class: "mxe-choice" }, boxes[at], h("span", { class: "mxe-choice-value" }, value === "" ? "(empty)" : value), h("span", { class: "mxe-dim" }, count?.toLocaleString("en") ?? "")));
  const read = () => {
    const values = boxes.filter((box) => box.checked).map((box) => box.value);
    return values.length ? { in: values } : {};
  };
  return [{ node: h("fieldset", { class: "mxe-choices" }, h("legend", { class: "mxe-dim" }, "One of"), ...lines), read }];
}

function nullPart(filter) {
  const options = [["", "With and without a value"], ["false", "With a value"], ["true", "Without a value (null)"]];
  const now = "null" in filter ? String(Boolean(filter.null)) : "";
  const field = h("select", { class: "mxe-input", "aria-label": "Empty cells" }, ...options.map(([value, text]) => h("option", { value, selected: value === now }, text)));
  return { node: field, read: () => (field.value ? { null: field.value === "true" } : {}) };
}

/** A filter in few words, for its chip. */
export function filterWords(name, filter) {
  const words = [];
  if ("min" in filter && "max" in filter) words.push(`${filter.min} … ${filter.max}`);
  else if ("min" in filter) words.push(`≥ ${filter.min}`);
  else if ("max" in filter) words.push(`≤ ${filter.max}`);
  if ("contains" in filter) words.push(`contains “${filter.contains}”`);
  if ("in" in filter) words.push(filter.in.length > 2 ? `one of ${filter.in.length}` : filter.in.map((value) => value ?? "null").join(" or ") || "none");
  if ("null" in filter) words.push(filter.null ? "is null" : "is not null");
  return `${name} ${words.join(", ")}`;
}
