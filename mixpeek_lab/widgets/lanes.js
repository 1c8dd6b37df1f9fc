// A pipeline as its steps, from the source to the index, and the rows that failed, by kind.
import { h } from "./nodes.js";

const number = (value) => Number(value).toLocaleString("en");

function bytes(value) {
  const gigabytes = value / 2 ** 30;
  return gigabytes >= 1 ? `${gigabytes.toFixed(1)} GB` : `${Math.round(value / 2 ** 20)} MB`;
}

function perSecond(rate) {
  return `${rate < 100 ? rate.toFixed(1) : number(Math.round(rate))} rows/s`;
}

function line(name, value, title) {
  return h("div", { class: "mxl-line", title }, h("dt", {}, name), h("dd", {}, value));
}

function actors(step) {
  if (!step.actors && !step.starting) return step.rows_out ? "done, freed" : "none yet";
  return `${step.actors} running${step.starting ? `, ${step.starting} starting` : ""}`;
}

/** What runs a step, and what that uses: only what is known. */
function usage(step) {
  const lines = [];
  if (step.kind === "kernel") lines.push(line("runs", "in this kernel", "One block at a time, without actors."));
  else lines.push(line("actors", actors(step)));
  if (step.cpu !== null) lines.push(line("CPU", `${step.cpu.toFixed(1)} cores`, "What its processes keep busy."));
  if (step.memory !== null) lines.push(line("memory", bytes(step.memory), "What its processes hold."));
  if (step.gpu !== null) lines.push(line("GPU", `${Math.round(100 * step.gpu)} % busy`, "The whole GPU, whoever uses it."));
  if (step.gpu_memory !== null) lines.push(line("GPU memory", bytes(step.gpu_memory), "What its processes hold."));
  return lines;
}

function stepState(step) {
  if (step.working) return "working";
  if (step.starting && !step.actors) return "starting";
  return step.waiting ? "waiting" : step.rows_out ? "idle" : "waiting";
}

function stepNode(step) {
  const state = stepState(step);
  return h("li", { class: `mxl-node is-${state}`, "data-step": step.name },
    h("div", { class: "mxl-name" }, h("span", { class: "mxl-dot", "aria-hidden": "true" }), step.name,
      h("span", { class: "mx-visually-hidden" }, `, ${state}`)),
    h("dl", {},
      line("rows", `${number(step.rows_in)} in, ${number(step.rows_out)} out`, "Failed rows travel on, marked, and chunks count one by one."),
      line("speed", step.rate ? perSecond(step.rate) : "–"),
      line("queue", `${number(step.waiting)} waiting, ${number(step.working)} at work`, "Blocks of rows."),
      usage(step)));
}

function endNode(name, role, value) {
  return h("li", { class: "mxl-node is-end" }, h("div", { class: "mxl-name" }, name),
    h("dl", {}, line(role, value)));
}

/** The steps from left to right; redrawn as a whole, it is small. */
export function buildLanes() {
  const list = h("ol", { class: "mxl-lanes", "aria-label": "Pipeline, from its source to its index" });
  list.update = (state) => {
    const steps = state.steps ?? [];
    list.hidden = !steps.length;
    list.replaceChildren(
      endNode(state.source || "source", "rows", number(state.total)),
      ...steps.map(stepNode),
      endNode("index", "documents", number(state.documents)));
  };
  return list;
}

function failedRow([object, step, message, where]) {
  return h("li", {}, h("code", {}, object), step ? ` in ${step}: ` : ": ", message,
    where ? h("div", { class: "mxl-where" }, h("code", {}, where)) : "");
}

/** Failures by kind; what is open stays open while more come in. */
export function buildFailures() {
  const box = h("div", { class: "mxl-failures" });
  const known = new Map();
  box.update = (failures) => {
    for (const { kind, count, rows } of failures) {
      if (!known.has(kind)) {
        const total = h("span"), list = h("ul"), more = h("div", { class: "mxl-more" });
        const details = h("details", { class: "mxr-failure" },
          h("summary", {}, h("strong", {}, kind), total), list, more);
        known.set(kind, { total, list, more });
        box.append(details);
      }
      const { total, list, more } = known.get(kind);
      total.textContent = ` × ${number(count)}`;
      for (const row of rows.slice(list.children.length)) list.append(failedRow(row));
      more.textContent = count > rows.length ? `and ${number(count - rows.length)} more` : "";
    }
  };
  box.clear = () => { known.clear(); box.replaceChildren(); };
  return box;
}
