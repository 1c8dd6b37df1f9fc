// The ribbon at the foot: where the time of a search went.
import { h, milliseconds, plural } from "../nodes.js";

const LABELS = { load: "first query: the model was loaded" };
const SHADES = [70, 46, 28];
const NOTES = {
  rest: "documents of all candidates, the way to the endpoint and back, JSON: measured as one piece",
  transfer: "between kernel and browser, both ways, and waiting for the kernel: measured as one piece",
  paint: "reading the answer, fusing here, drawing: measured as one piece",
};

/** The ribbon; gives {paint(), measure(header, asked, onDone)}. */
export function makeTimes(app, ui) {
  const { state } = app;

  function paint() {
    const { payload, times } = state;
    const spans = (payload?.spans ?? []).map((span) => ({ ...span, note: noteOf(span) }));
    if (times?.rest) spans.push({ name: "hand over", milliseconds: times.rest, note: NOTES.rest });
    if (times && times.transfer !== null) spans.push({ name: "transfer", milliseconds: times.transfer, note: NOTES.transfer });
    if (times) spans.push({ name: "paint", milliseconds: times.paint, note: NOTES.paint });
    ui.times.hidden = !payload || !spans.length;
    const tones = spans.map((span, at) => ({ "--tone": spanColour(span, at) }));
    ui.ribbon.replaceChildren(...spans.map((span, at) => h("span", { vars: { ...tones[at], "flex-grow": Math.max(span.milliseconds, 0.01) } })));
    ui.timeList.replaceChildren(...spans.map((span, at) => h("li", { title: spanWords(span) || null, "data-span": span.name }, h("i", { vars: tones[at] }), LABELS[span.name] ?? span.name, h("b", {}, milliseconds(span.milliseconds)), spanWords(span) && h("span", { class: "mx-visually-hidden" }, `: ${spanWords(span)}`))));
  }

  /** The times that only the browser knows. */
  function measure(header, asked, onDone) {
    requestAnimationFrame(() => app.later("paint", 0, () => {
      const now = performance.now();
      const spans = (state.payload?.spans ?? []).reduce((sum, span) => sum + span.milliseconds, 0);
      const transfer = asked ? Math.max(0, header.received - asked.at - header.milliseconds) : null;
      const paintTime = now - header.received;
      const isSearch = asked?.type === "search";
      const rest = isSearch ? Math.max(0, header.milliseconds - spans) : null;
      state.times = { rest, transfer, paint: paintTime, total: isSearch ? now - asked.at : spans + (transfer ?? 0) + paintTime };
      if (isSearch) state.lastTotal = state.times.total;
      onDone();
    }));
  }

  /** A leg's own colour where the span is a leg's, else a shade of grey. */
  function spanColour(span, at) {
    const leg = app.knownLegs().find((each) => span.name === each.name || span.name.split(/[\s:/]+/).includes(each.name));
    return leg ? app.colourOf(leg.name) : `color-mix(in srgb, var(--mx-fg) ${SHADES[at % SHADES.length]}%, var(--mx-bg))`;
  }
  return { paint, measure };
}

/** What one measured piece holds, where its name does not say it. */
function noteOf({ name, rows_in: count }) {
  if (name === "load") return "once: the queries after it find the model loaded";
  if (name === "embed") return count > 1 ? `${count} embeddings at once, measured as one piece` : "the query’s embedding; legs of one feature and text share it";
  if (name === "filter") return "which documents pass; all legs share it";
  if (name === "fetch") return "the shown documents";
  return null;
}

function spanWords(span) {
  return [rowsOf(span), span.note].filter(Boolean).join("; ");
}

function rowsOf(span) {
  return span.rows_in || span.rows_out ? `${plural(span.rows_in ?? 0, "row")} in, ${plural(span.rows_out ?? 0, "row")} out` : null;
}
