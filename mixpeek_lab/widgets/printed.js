// What the extractor prints while it runs: its newest lines, in a box that follows them.
import { h } from "./nodes.js";

const NEAR = 8; // pixels from the end at which the box still follows

/** Folded until somebody opens it; who has scrolled up is left there. */
export function buildPrinted() {
  const title = h("summary");
  const text = h("pre", { class: "mxp-lines", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Printed by the extractor" });
  const box = h("details", { class: "mxp-printed", hidden: true }, title, text);
  let shown = "";
  const atEnd = () => text.scrollHeight - text.scrollTop - text.clientHeight < NEAR;
  box.ontoggle = () => { text.scrollTop = text.scrollHeight; };
  box.update = (printed) => {
    const lines = printed?.lines ?? [], all = lines.join("\n");
    box.hidden = !lines.length;
    if (title.textContent !== (printed?.title ?? "")) title.textContent = printed?.title ?? "";
    if (all === shown) return;
    const follows = atEnd();
    text.textContent = shown = all;
    if (follows) text.scrollTop = text.scrollHeight;
  };
  return box;
}
