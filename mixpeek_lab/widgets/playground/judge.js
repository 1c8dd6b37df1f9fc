// Judging: grades from 0 to 3 by key or by click, told to the kernel, which keeps them.
import { h } from "../nodes.js";

const GRADES = [[0, "does not answer"], [1, "touches it"], [2, "answers"], [3, "answers best"]];

/** Gives {grade(id, grade), undo(), control(id), isOn(), switchOn(isOn), key(key)}. */
export function makeJudge(app, results, live) {
  const { state } = app;
  let isOn = false;

  async function tell(type, body) {
    try {
      const told = await app.client.call(type, body);
      state.judged = told.judged;
      if (!body.query || body.query === state.query) state.grades = told.grades;
      if (told.undone && told.undone[0] !== state.query) live.textContent = `Taken back in “${told.undone[0]}”`;
    } catch (error) {
      live.textContent = error.message;
      state.judgeFault = error.message;
    }
    app.emit("grades");
  }

  /** `grade` null takes it back; the same grade again does so too. */
  function grade(id, value) {
    if (!state.payload || state.like) return;
    if (state.isGone) {
      app.emit("gone");
      return;
    }
    const next = state.grades[id] === value ? null : value;
    if (next === null) delete state.grades[id];
    else state.grades[id] = next;
    switchOn(true);
    live.textContent = next === null ? `${app.titleOf(id)}: not judged` : `${app.titleOf(id)}: ${next}, ${GRADES[next][1]}`;
    tell("judge", { query: state.query, document_id: id, grade: next });
  }

  function switchOn(next) {
    isOn = next;
    app.emit("judging");
  }

  /** What a key does on a result; null where it does nothing. */
  function key(pressed, id) {
    if (!id || state.like) return null;
    if (pressed === "u") return () => tell("undo", {});
    if (!/^[0-3]$/.test(pressed)) return null;
    return () => {
      grade(id, Number(pressed));
      results.step(1);
    };
  }

  /** Four buttons for one result; `update()` paints its grade. */
  function control(id) {
    const buttons = GRADES.map(([value, words]) => h("button", {
      class: "mxp-grade", type: "button", tabindex: "-1", "data-grade": value, title: `${value}: ${words} (key ${value})`, "aria-label": `Grade ${value}: ${words}`,
      onclick: (event) => {
        event.stopPropagation();
        grade(id, value);
        // Not every browser gives a clicked button the focus, and the next key needs a result.
        results.cardOf(id)?.toggle.focus({ preventScroll: true });
      },
    }, String(value)));
    const node = h("div", { class: "mxp-grades", role: "group", "aria-label": "Judge", hidden: true }, buttons);
    node.update = () => {
      node.hidden = !isOn || Boolean(state.like);
      buttons.forEach((button, value) => button.setAttribute("aria-pressed", String(state.grades[id] === value)));
    };
    return node;
  }

  return { grade, undo: () => tell("undo", {}), control, key, isOn: () => isOn, switchOn, load: tell };
}

/** The share of the hits that nobody judged. */
export function unjudgedShare(hits, grades) {
  return hits.length ? hits.filter((hit) => grades[hit.document_id] === undefined).length / hits.length : 0;
}
