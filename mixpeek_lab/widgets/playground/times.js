// The ribbon at the foot: where the time of a search went.
import { h, milliseconds, plural } from "../nodes.js";

const SHADES = [70, 46, 28];

/** The ribbon; gives {paint(), measure(header, asked, onDone)}. */
export function makeTimes(app, ui) {
  const { state } = app;

  function paint() {
    const { payload, times } = state;
    const spans = [...(payload?.spans ?? [])];
    if (times && times.transfer !== null) spans.push({ name: "transfer", milliseconds: times.transfer });
    if (times) spans.push({ name: "paint", milliseconds: times.paint });
    ui.times.hidden = !payload || !spans.length;
    const tones = spans.map((span, at) => ({ "--tone": spanColour(span, at) }));
    ui.ribbon.replaceChildren(...spans.map((span, at) => h("span", { vars: { ...tones[at], "flex-grow": Math.max(span.milliseconds, 0.01) } })));
    ui.timeList.replaceChildren(...spans.map((span, at) => h("li", { title: rowsOf(span) }, h("i", { vars: tones[at] }), span.name, h("b", {}, milliseconds(span.milliseconds)))));
  }

  /** The times that only the browser knows. */
  function measure(header, asked, onDone) {
    requestAnimationFrame(() => setTimeout(() => {
      const now = performance.now();
      const spans = (state.payload?.spans ?? []).reduce((sum, span) => sum + span.milliseconds, 0);
      const transfer = asked ? Math.max(0, header.received - asked.at - header.milliseconds) : null;
      const paintTime = now - header.received;
      const isSearch = asked?.type === "search";
      state.times = { transfer, paint: paintTime, total: isSearch ? now - asked.at : spans + (transfer ?? 0) + paintTime };
      if (isSearch) state.lastTotal = state.times.total;
      onDone();
    }, 0));
  }

  /** A leg's own colour where the span is a leg's, else a shade of grey. */
  function spanColour(span, at) {
    const leg = app.knownLegs().find((each) => span.name === each.name || span.name.split(/[\s:/]+/).includes(each.name));
    return leg ? app.colourOf(leg.name) : `color-mix(in srgb, var(--mx-fg) ${SHADES[at % SHADES.length]}%, var(--mx-bg))`;
  }
  return { paint, measure };
}

function rowsOf(span) {
  return span.rows_in || span.rows_out ? `${plural(span.rows_in ?? 0, "row")} in, ${plural(span.rows_out ?? 0, "row")} out` : null;
}
