// Below a result's score: documents like it, and where it comes from.
import { h } from "../nodes.js";

const SHOWN_FACTS = 6;

/** (hit) → the nodes below a score, kept while the result is shown again and again. */
export function makeExtras(app, onLike) {
  const drawers = new Map();
  app.on("answer", () => drawers.clear());
  const offers = (name) => app.about.offers?.includes(name);

  return (hit) => {
    const id = hit.document_id;
    if (!offers("like") && !offers("trace")) return [];
    if (!drawers.has(id)) drawers.set(id, build(id));
    return [drawers.get(id)];
  };

  function build(id) {
    const drawer = h("div", { class: "mxp-drawer", hidden: true });
    const button = h("button", { class: "mxp-link", type: "button", "aria-expanded": "false", "data-action": "lineage", onclick: async () => {
      drawer.hidden = !drawer.hidden;
      button.setAttribute("aria-expanded", String(!drawer.hidden));
      if (!drawer.hidden && !drawer.childElementCount) await fill(id, drawer);
    } }, "Where it comes from");
    const like = h("button", { class: "mxp-link", type: "button", "data-action": "like", onclick: () => onLike(id) }, "More like this");
    return h("div", { class: "mxp-extras" }, h("div", { class: "mxp-toolbar" }, offers("like") && like, offers("trace") && button), drawer);
  }

  async function fill(id, drawer) {
    drawer.textContent = "…";
    try {
      const { steps } = await app.client.call("trace", { document_id: id.split("#")[0] });
      drawer.replaceChildren(h("ol", { class: "mxp-steps" }, steps.map(stepOf)));
    } catch (error) {
      drawer.replaceChildren(h("div", { class: "mxp-fault" }, error.message));
    }
  }

  function stepOf({ kind, id, facts, files }) {
    const told = Object.entries(facts ?? {}).filter(([, value]) => typeof value !== "object").slice(0, SHOWN_FACTS);
    return h("li", { "data-step": kind },
      h("span", { class: "mxp-step-kind" }, kind), h("code", {}, String(id ?? "–")),
      told.length > 0 && h("div", { class: "mxp-step-facts" }, told.map(([name, value]) => h("span", { class: "mxp-chip" }, name, h("b", {}, short(value))))),
      (files ?? []).map((file) => h("details", { class: "mxp-file" }, h("summary", {}, file.path), h("pre", { class: "mxp-source", tabindex: "0" }, file.text))));
  }
}

const short = (value) => (String(value).length > 80 ? `${String(value).slice(0, 80)}…` : String(value));
