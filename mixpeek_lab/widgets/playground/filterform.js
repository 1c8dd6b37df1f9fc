// The filter's form: a row for each condition, how many documents pass, a warning where few do.
import { h, keepingFocus, plural } from "../nodes.js";
import { GONE_WORDS } from "./gone.js";
import { OPERATOR_WORDS, conditionsOf, documentsOf, filterOf, operatorsOf, valueOf } from "./filters.js";

const FILTER_PAUSE = 350;

/** Fills the section below the fusion; gives {paint()}. */
export function makeFilterForm(app, ui, query) {
  const { state } = app;
  const canBuild = app.about.offers?.includes("fields");
  let fields = null;
  let conditions = [];
  let shown = "null"; // the filter that the rows stand for
  let count = null;
  let fault = "";
  const rows = h("div", { class: "mxp-conditions" });
  const told = h("div", { class: "mxp-selectivity", "aria-live": "polite" });
  const add = h("button", { class: "mxp-link", type: "button", "data-action": "add-condition", onclick: addCondition }, "Add a filter");
  const clear = h("button", { class: "mxp-link", type: "button", "data-action": "clear-filter", onclick: () => put([]) }, "Clear");
  const section = h("div", { class: "mxp-fusion", role: "group", "aria-label": "Filter" }, h("div", { class: "mxp-label" }, "Filter"), rows, told, h("div", { class: "mxp-toolbar" }, add, clear));
  ui.aside.append(section);

  function paint() {
    const now = JSON.stringify(state.filters ?? null);
    if (now !== shown) {
      shown = now;
      conditions = conditionsOf(state.filters) ?? null;
      count = null;
      paintRows();
      if (state.filters) look();
    }
    section.hidden = !canBuild && !state.filters;
    add.hidden = !canBuild || conditions === null;
    add.textContent = conditions?.length ? "Add a condition" : "Add a filter";
    clear.hidden = conditions !== null && !conditions.length;
    paintCount();
  }

  async function known() {
    if (fields || !canBuild) return;
    try {
      ({ fields } = await app.client.call("fields"));
    } catch (error) {
      fields = [];
      fault = error.message;
    }
  }

  async function addCondition() {
    await known();
    const [first] = fields;
    if (!first) {
      fault ||= "The documents have no fields to filter by.";
      return paintCount();
    }
    conditions.push({ field: first.name, operator: first.values.length ? "eq" : operatorsOf(first.type)[0], value: "" });
    paintRows();
    paint();
    return rows.lastElementChild?.querySelector("select")?.focus();
  }

  function paintRows() {
    keepingFocus(section, fillRows);
  }

  function fillRows() {
    if (conditions === null) return rows.replaceChildren(h("code", { class: "mxp-filter-code" }, JSON.stringify(state.filters)));
    if (conditions.length && !fields && canBuild) known().then(paintRows);
    return rows.replaceChildren(...conditions.map(rowOf));
  }

  function rowOf(condition, at) {
    if (documentsOf(condition)) return documentsRow(condition, at);
    const field = fields?.find((each) => each.name === condition.field) ?? { name: condition.field, type: "text", values: [] };
    const names = [...new Set([...(fields ?? []).map((each) => each.name), condition.field])];
    const which = h("select", { class: "mxp-select", "aria-label": `Field of condition ${at + 1}` }, names.map((name) => h("option", { value: name }, name)));
    which.value = condition.field;
    const operators = [...new Set([...operatorsOf(field.type), condition.operator])];
    const how = h("select", { class: "mxp-select", "aria-label": `Operator of condition ${at + 1}` }, operators.map((name) => h("option", { value: name }, OPERATOR_WORDS[name][0])));
    how.value = condition.operator;
    which.addEventListener("change", () => {
      const next = fields.find((each) => each.name === which.value);
      Object.assign(condition, { field: which.value, operator: operatorsOf(next.type)[0], value: "" });
      paintRows();
      changed();
    });
    how.addEventListener("change", () => {
      condition.operator = how.value;
      if (Array.isArray(condition.value)) condition.value = condition.value[0] ?? "";
      paintRows();
      changed();
    });
    const remove = h("button", { class: "mxp-icon", type: "button", "aria-label": `Remove condition ${at + 1}`, onclick: () => put(conditions.filter((each) => each !== condition)) }, "×");
    return h("div", { class: "mxp-condition" }, h("div", { class: "mxp-condition-head" }, which, how, remove), condition.operator !== "exists" && valueBox(condition, field, at));
  }

  /** Documents that a lasso chose on the map: too many to write down. */
  function documentsRow(condition, at) {
    const remove = h("button", { class: "mxp-icon", type: "button", "aria-label": `Remove condition ${at + 1}`, onclick: () => put(conditions.filter((each) => each !== condition)) }, "×");
    return h("div", { class: "mxp-condition" }, h("div", { class: "mxp-condition-head is-documents" }, h("span", {}, `is one of ${plural(condition.value.length, "document")} on the map`), remove));
  }

  /** A choice of the values there are, or a text box where they are many. */
  function valueBox(condition, field, at) {
    const label = `Value of condition ${at + 1}`;
    const isChoice = ["eq", "ne"].includes(condition.operator) && field.values.length > 0 && field.type !== "number";
    if (isChoice) {
      const known = field.values.map(([value, size]) => h("option", { value: String(value) }, `${value} (${size.toLocaleString("en")})`));
      const isOther = condition.value !== "" && !field.values.some(([value]) => String(value) === String(condition.value));
      const box = h("select", { class: "mxp-select", "aria-label": label }, h("option", { value: "" }, "choose …"), known, isOther && h("option", { value: String(condition.value) }, String(condition.value)));
      box.value = String(condition.value);
      box.addEventListener("change", () => {
        condition.value = box.value === "" ? "" : valueOf(box.value, field.type, condition.operator);
        changed();
      });
      return box;
    }
    const hint = field.least !== undefined ? `${field.least} to ${field.most}` : condition.operator === "in" ? "one, another" : "";
    const box = h("input", { class: "mxp-field", type: "text", placeholder: hint, "aria-label": label, value: Array.isArray(condition.value) ? condition.value.join(", ") : String(condition.value ?? "") });
    box.addEventListener("input", () => {
      condition.value = valueOf(box.value, field.type, condition.operator);
      changed();
    });
    return box;
  }

  function changed() {
    app.later("filter", FILTER_PAUSE, send);
  }
  function put(next) {
    conditions = next;
    paintRows();
    send();
  }
  function send() {
    app.drop("filter");
    if (state.isGone) {
      fault = GONE_WORDS;
      return paintCount();
    }
    const filters = filterOf(conditions ?? []);
    if (JSON.stringify(filters) === shown) return paint();
    shown = JSON.stringify(filters);
    count = null;
    if (filters) look();
    app.search(query.value, { isForced: true, changes: { filters } });
    // The list says what is asked for before the answer is there.
    state.filters = filters;
    return paint();
  }

  /** How many documents pass; an older answer never takes a newer one's place. */
  async function look() {
    const asked = shown;
    fault = "";
    if (!app.about.offers?.includes("count")) return;
    try {
      const found = await app.client.call("count", { filters: JSON.parse(asked) });
      if (asked === shown) count = found;
    } catch (error) {
      if (asked === shown) fault = error.message;
    }
    paintCount();
  }

  function paintCount() {
    const limit = app.model.get("limit");
    const parts = [];
    if (fault) parts.push(h("div", { class: "mxp-fault" }, fault));
    if (count && state.filters) {
      const share = count.total ? count.passing / count.total : 0;
      parts.push(
        h("div", { class: "mxp-share", "aria-hidden": "true" }, h("i", { vars: { width: `${100 * share}%` } })),
        h("div", {}, `${count.passing.toLocaleString("en")} of ${count.total.toLocaleString("en")} documents pass`));
      if (count.passing < limit) parts.push(h("div", { class: "mxp-few" }, count.passing ? `Fewer than the ${limit} that are shown.` : "No document passes: nothing can be found."));
    }
    told.replaceChildren(...parts);
  }
  app.on("move", paintCount);
  return { paint };
}
