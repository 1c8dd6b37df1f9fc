// The progress of a run, then its report. Everything is drawn from one small trait; text enters
// the page as text nodes only.
import { h } from "./nodes.js";

const count = (number) => Number(number).toLocaleString("en");

function fact(name, value) {
  return h("div", { class: "mxr-fact" }, h("dt", {}, name), h("dd", {}, value));
}

function buildBar() {
  const title = h("span", { class: "mxr-title" });
  const phase = h("span", { class: "mxr-phase", role: "status", "aria-live": "polite" });
  const left = h("span", { class: "mxr-left" });
  const fill = h("div", { class: "mxr-fill" });
  const track = h("div", { class: "mxr-track", role: "progressbar", "aria-valuemin": 0 }, fill);
  const facts = h("dl", { class: "mxr-facts" });
  const node = h("div", {}, h("div", { class: "mxr-head" }, title, phase, left), track, facts);
  node.update = (state) => {
    title.textContent = state.title;
    if (phase.textContent !== state.phase) phase.textContent = state.phase;
    left.textContent = state.left && state.done < state.total ? `${state.left} left` : "";
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
  const bar = buildBar();
  const root = h("section", { class: "mixpeek mxr", "aria-label": "Run" });
  el.append(root);
  const paint = () => {
    const state = model.get("state");
    if (state.report) return root.replaceChildren(buildReport(state));
    bar.update(state);
    if (bar.parentNode !== root) root.replaceChildren(bar);
  };
  model.on("change:state", paint);
  paint();
  return () => model.off("change:state", paint);
}

export default { render };
