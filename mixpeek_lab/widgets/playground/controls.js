// The controls beside the results: legs, fusion, k, how many to show.
import { STRATEGIES, defaultK, hasK } from "../fusion.js";
import { h } from "../nodes.js";
import { LIMITS, buildLeg, limitOptions } from "./frame.js";

/** Wire the controls of `ui` to the app; gives {paint()}. */
export function makeControls(app, ui) {
  const { model, state, about } = app;

  const legActions = {
    slide: (leg, weight) => app.drag(app.withWeight(leg.name, weight)),
    release: app.release,
    keep: (leg, topK, isFinal) => app.keep(leg.name, topK, isFinal),
    power(leg, isOn) {
      if (!isOn) state.lastWeight.set(leg.name, app.weightOf(leg));
      app.move(app.withWeight(leg.name, isOn ? state.lastWeight.get(leg.name) || app.ownWeight(leg) || 1 : 0));
    },
  };

  function paint() {
    const legs = app.knownLegs();
    const names = JSON.stringify(legs.map((leg) => [leg.name, leg.kind]));
    if (ui.legs.dataset.names !== names) {
      ui.legs.dataset.names = names;
      app.colour();
      ui.legs.replaceChildren(...legs.map((leg) => buildLeg(leg, app.colourOf(leg.name), legActions)));
      ui.legsHint.hidden = legs.length > 0;
    }
    legs.forEach((leg, at) => ui.legs.children[at].update(leg, app.weightOf(leg), app.topKOf(leg)));
    paintFusion();
    const limit = String(model.get("limit"));
    if (![...ui.limit.options].some((option) => option.value === limit)) {
      ui.limit.replaceChildren(...limitOptions([...LIMITS, Number(limit)].sort((a, b) => a - b)));
    }
    ui.limit.value = limit;
  }

  function paintFusion() {
    const { strategy, k } = app.choice();
    const offered = new Set([...about.strategies, app.delivered().strategy, strategy]);
    const names = Object.keys(STRATEGIES).filter((name) => offered.has(name));
    if (ui.strategy.options.length !== names.length) {
      ui.strategy.replaceChildren(...names.map((name) => h("option", { value: name }, STRATEGIES[name].label)));
    }
    ui.strategy.value = strategy;
    ui.hint.textContent = STRATEGIES[strategy]?.hint ?? "";
    ui.kBox.hidden = !hasK(strategy);
    ui.k.update(k);
    ui.reset.hidden = app.isOwn();
  }

  ui.strategy.addEventListener("change", () => {
    const [strategy, before] = [ui.strategy.value, app.choice()];
    // A k that nobody moved goes to what is usual for the new strategy.
    const isUsual = before.k === defaultK(before.strategy);
    app.move({ strategy, k: isUsual ? defaultK(strategy) : Math.max(before.k, 1) });
  });
  ui.k.connect((k) => app.drag({ k }), app.release);
  ui.limit.addEventListener("change", () => {
    app.set({ limit: Number(ui.limit.value) });
    app.release();
  });
  ui.reset.addEventListener("click", app.reset);
  return { paint };
}
