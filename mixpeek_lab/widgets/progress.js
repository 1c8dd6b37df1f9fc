// The progress of a run, then its report. Everything is drawn from one small trait; text enters
// the page as text nodes only.
import { buildFailures, buildLanes } from "./lanes.js";
import { buildPrinted } from "./printed.js";
import { h } from "./nodes.js";

const count = (number) => Number(number).toLocaleString("en");

function fact(name, value) {
  return h("div", { class: "mxr-fact" }, h("dt", {}, name), h("dd", {}, value));
}

const SECONDS_FOR_AN_ANSWER = 1.5;
const NO_WAY = "This front end cannot tell the kernel while the cell runs. Interrupt the kernel with the front end's own button: that does the same.";

/**
 * The button that stops the run. The kernel is busy, so the message is heard where the front end
 * gives comms a thread of their own (JupyterLab with ipykernel 7: subshells); else the kernel is
 * interrupted by the front end, where the widget manager knows it.
 */
function buildStop(model) {
  const told = h("div", { class: "mxl-told", role: "status", hidden: true });
  const button = h("button", { class: "mxl-stop", type: "button", onclick: () => press() }, "Cancel");
  let waiting = null;
  const say = (label, text = "", again = false) => {
    clearTimeout(waiting);
    button.textContent = label;
    button.disabled = !again;
    told.textContent = text;
    told.hidden = !text;
  };
  const hear = ({ kind }) => {
    if (kind === "canceling") say("Stopping …", "Its actors are stopped. The collection keeps what it had.");
    if (kind === "over") say("Cancel", "The run is over already.");
  };
  const press = () => {
    say("Stopping …");
    model.send({ kind: "cancel" });
    waiting = setTimeout(interrupt, 1000 * SECONDS_FOR_AN_ANSWER);
  };
  const interrupt = async () => {
    const kernel = model.widget_manager?.kernel;
    if (typeof kernel?.interrupt !== "function") return say("Cancel", NO_WAY, true);
    say("Stopping …", "The kernel is interrupted.");
    await kernel.interrupt();
  };
  model.on("msg:custom", hear);
  return { button, told, leave: () => { clearTimeout(waiting); model.off("msg:custom", hear); } };
}

/** What is said once the kernel is gone: what came of the run, and the line that runs it again. */
function buildGone() {
  const code = h("code");
  const again = h("span", {}, " To run it again: ", code);
  const node = h("div", { class: "mxr-gone", role: "status", hidden: true },
    "The kernel is gone, and the run with it. This is how far it was when it was last heard of; the collection keeps what it had before.", again);
  node.update = (state) => { code.textContent = state.code ?? ""; again.hidden = !state.code; };
  return node;
}

function buildBar(stop) {
  const title = h("span", { class: "mxr-title" });
  const phase = h("span", { class: "mxr-phase", role: "status", "aria-live": "polite" });
  const left = h("span", { class: "mxr-left" });
  const fill = h("div", { class: "mxr-fill" });
  const track = h("div", { class: "mxr-track", role: "progressbar", "aria-valuemin": 0 }, fill);
  const facts = h("dl", { class: "mxr-facts" });
  const lanes = buildLanes(), failures = buildFailures(), printed = buildPrinted();
  const gone = buildGone();
  let isGone = false;
  const node = h("div", {}, h("div", { class: "mxr-head" }, title, phase, left, stop.button), gone, track, facts, lanes, failures, printed, stop.told);
  node.lose = () => {
    isGone = true;
    for (const part of [stop.button, stop.told, left]) part.hidden = true;
    gone.hidden = false;
    phase.textContent = "stopped";
    node.classList.add("is-gone");
  };
  node.update = (state) => {
    if (title.textContent !== state.title) failures.clear();
    title.textContent = state.title;
    if (!isGone && phase.textContent !== state.phase) phase.textContent = state.phase;
    left.textContent = state.left && state.done < state.total ? `${state.left} left` : "";
    stop.button.hidden = isGone || !state.can_cancel;
    gone.update(state);
    const share = state.total ? Math.min(1, state.done / state.total) : 0;
    fill.style.width = `${100 * share}%`;
    track.classList.toggle("is-unknown", !state.done);
    track.setAttribute("aria-label", `${state.title} ${state.phase}`);
    track.setAttribute("aria-valuemax", state.total);
    track.setAttribute("aria-valuenow", state.done);
    track.setAttribute("aria-valuetext", `${count(state.done)} of ${count(state.total)} rows`);
    facts.replaceChildren(
      fact("rows", `${count(state.done)} / ${count(state.total)}`),
      fact("rows/s", state.rate ? state.rate.toFixed(state.rate < 100 ? 1 : 0) : "–"),
      fact("documents", count(state.documents)),
      state.failed ? fact("failed", count(state.failed)) : "");
    facts.lastChild.classList?.toggle("is-bad", state.failed > 0);
    lanes.update(state);
    failures.update(state.failures ?? []);
    printed.update(state.printed);
  };
  return node;
}

function buildReport({ title, report }) {
  const tone = { completed: "good", failed: "bad" }[report.state] ?? "warn";
  return h("div", {},
    h("div", { class: "mxr-head" }, h("span", { class: "mxr-title" }, title), h("span", { class: `mxr-state is-${tone}`, role: "status" }, report.words)),
    h("dl", { class: "mxr-facts" }, [...report.facts, ...report.times].map(([name, value]) => fact(name, value))),
    report.failures.map(({ kind, count: number, examples }) => h("details", { class: "mxr-failure", open: "" },
      h("summary", {}, h("strong", {}, kind), ` × ${count(number)}`),
      h("ul", {}, examples.map((line) => h("li", {}, h("code", {}, line)))))),
    report.notes.map((note) => h("p", { class: "mxr-note" }, note)));
}

function render({ model, el }) {
  const stop = buildStop(model);
  const bar = buildBar(stop);
  const root = h("section", { class: "mixpeek mxr", "aria-label": "Run" });
  el.append(root);
  const paint = () => {
    const state = model.get("state");
    if (state.report) return root.replaceChildren(buildReport(state));
    bar.update(state);
    if (bar.parentNode !== root) root.replaceChildren(bar);
  };
  // A restart cuts the comm; no model comes to life again after it.
  const lose = () => { stop.leave(); if (!model.get("state").report) bar.lose(); };
  model.on("change:state", paint);
  model.on("comm_live_update", lose);
  paint();
  return () => {
    stop.leave();
    model.off("change:state", paint);
    model.off("comm_live_update", lose);
  };
}

export default { render };
