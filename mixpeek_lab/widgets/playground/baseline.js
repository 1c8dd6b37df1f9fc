// The pinned baseline: settings that every later run is compared with.
import { STRATEGIES, hasK, numeral, prepareLegs } from "../fusion.js";
import { isShort, ranked } from "./ranking.js";

/** Keeps the baseline; gives {pin(), unpin(), pinned(), hits(), words(settings)}. */
export function makeBaseline(app) {
  const { model, state } = app;
  let other = null; // the payload under the baseline's own filter, where that is another

  const pinned = () => (Object.keys(model.get("baseline") ?? {}).length ? model.get("baseline") : null);
  let prepared = { payload: null, cut: null, legs: [] };
  /** Whether the candidates of the answer are those that the baseline fuses. */
  const isSameAnswer = () => isSameFilter() && !isShort(state.payload, pinned().top_k);
  const isSameFilter = () => JSON.stringify(pinned()?.filters ?? null) === JSON.stringify(state.filters ?? null);

  function pin() {
    if (!state.payload) return;
    put({ ...app.choice(), filters: state.filters ?? null });
  }
  function put(baseline) {
    model.set("baseline", baseline);
    model.save_changes();
  }

  /** The first hits that the baseline's settings give for the current query; null while unknown. */
  function hits() {
    const { filters: _, ...choice } = pinned();
    const payload = isSameAnswer() ? state.payload : other;
    if (!payload) return null;
    return { ...ranked(payload, legsOf(payload, choice.top_k), choice, model.get("limit")), payload };
  }

  function legsOf(payload, topK) {
    const cut = JSON.stringify(topK);
    if (prepared.payload !== payload || prepared.cut !== cut) prepared = { payload, cut, legs: prepareLegs(payload.legs, topK) };
    return prepared.legs;
  }

  /** Where the baseline has another filter, or legs that keep more, its candidates are others: the kernel is asked. */
  async function refresh() {
    other = null;
    if (!pinned() || !state.payload) return;
    if (!isSameAnswer()) {
      const { query } = state;
      const { payload } = await app.client.call("baseline").catch(() => ({ payload: null }));
      if (query !== state.query) return;
      other = payload;
    }
    app.emit("baseline");
  }
  app.on("answer", ({ header }) => header.ok && refresh());
  model.on("change:baseline", refresh);
  app.closers.push(() => model.off("change:baseline", refresh));

  return { pin, pinned, hits, put, unpin: () => put({}) };
}

/** Settings in a few words: `RRF, k 60 · dense 1 · words 0.5`. */
export function settingsWords({ strategy, k, weights, filters }) {
  const name = (STRATEGIES[strategy]?.label ?? strategy).split(" · ")[0];
  const parts = [hasK(strategy) ? `${name}, k ${numeral(k, 0)}` : name];
  for (const [leg, weight] of Object.entries(weights)) parts.push(weight > 0 ? `${leg} ${numeral(weight, 0)}` : `${leg} off`);
  if (filters) parts.push("filtered");
  return parts.join(" · ");
}
