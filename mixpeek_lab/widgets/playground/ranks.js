// The panel of ranks: every leg's order, the fusion's, and what stages made of it.
import { h } from "../nodes.js";
import { buildLines } from "./lines.js";
import { makeWhyNot } from "./whynot.js";

const MOST_LINES = 25;
const NAMES_WIDTH = 0.48;

/** The panel of the tab "Ranks"; gives {node, paint()}. `onPick(id)` shows a result. */
export function makeRanks(app, onPick) {
  const { state } = app;
  const lines = h("div");
  const hint = h("div", { class: "mxp-hint" });
  const whyNot = makeWhyNot(app);
  const node = h("div", { class: "mxp-pad" }, hint, lines, whyNot.node);

  function paint() {
    const hits = state.hits.slice(0, MOST_LINES);
    hint.textContent = hits.length ? "Each line is a result: its rank in every leg, and after the fusion. Dashed lines skip a leg that did not find it." : "No results to draw.";
    const width = Math.max(200, Math.round((node.clientWidth - 28) * (1 - NAMES_WIDTH)));
    lines.replaceChildren(hits.length ? buildLines({ ...tableOf(hits), width, onPick, label: `Ranks of the first ${hits.length} results per leg and after the fusion` }) : "");
    whyNot.paint();
  }

  function tableOf(hits) {
    const inForce = state.legs.filter((leg) => app.choice().weights[leg.name] > 0);
    const fused = new Map(state.ranking.map((each, at) => [each.id, at + 1]));
    const stages = hits[0].stages?.map((effect) => effect.stage) ?? [];
    const columns = [...inForce.map((leg) => ({ label: leg.name, colour: app.colourOf(leg.name) })), { label: "fused" }, ...stages.map((label) => ({ label }))];
    const rows = hits.map((hit) => {
      const ranks = inForce.map((leg) => (leg.places.has(hit.document_id) ? leg.places.get(hit.document_id) + 1 : null));
      const only = onlyLeg(hit, inForce.length);
      const after = stages.map((_, at) => hit.stages?.[at]?.rank ?? null);
      return { id: hit.document_id, name: app.titleOf(hit.document_id), place: hit.rank, ranks: [...ranks, fused.get(hit.document_id) ?? null, ...after], note: only && "only", told: only && `Only ${only} found it`, colour: only && app.colourOf(only) };
    });
    return { columns, rows, deepest: Math.max(...rows.flatMap((row) => row.ranks.map((rank) => rank ?? 0))) };
  }

  return { node, paint };
}

/** The one leg that found a hit, where several are in force; else null. */
export function onlyLeg(hit, inForce) {
  const found = (hit.contributions ?? []).filter((part) => part.rank !== null && part.weight > 0);
  return found.length === 1 && inForce > 1 ? found[0].leg : null;
}
