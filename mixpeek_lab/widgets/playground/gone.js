// What stands there once the kernel is gone: the last answer, and the code that makes it again.
import { h } from "../nodes.js";
import { copyText, insertCell } from "./code.js";

export const GONE_WORDS = "The kernel that made this playground is gone: restarted, or shut down.";
const LOOKS = [0, 300, 1500, 4000];

/** The line that makes the playground again, with the query of this moment. */
export function codeOf({ code, retriever }, query) {
  if (!code.startsWith("%playground ")) return code;
  const words = [retriever, ...query.split(/\s+/).filter(Boolean)];
  return `%playground ${words.map(quoted).join(" ")}`;
}

/** A word as Python's shlex reads it back. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Watch for the end of the kernel; gives {node, tell()}: a banner, and what puts it there. */
export function makeGone(app) {
  const { state, about } = app;
  const node = h("div", { hidden: true });
  let code = "";
  function tell() {
    if (state.isGone) return;
    state.isGone = true;
    code = about.code ? `%load_ext mixpeek_lab\n${codeOf(about, state.query)}` : "";
    app.client.lose(GONE_WORDS);
    fill();
    app.emit("gone");
  }

  // ipywidgets says that a line to the kernel changed, not how. A line that is cut refuses to send.
  const look = () => LOOKS.forEach((after) => app.later(`look ${after}`, after, () => state.isGone || app.client.call("alive").catch(() => {})));
  app.model.on("comm_live_update", look);
  app.closers.push(() => app.model.off("comm_live_update", look));

  function fill() {
    const copy = h("button", { class: "mxp-link", type: "button", onclick: () => copyText(code, copy) }, "Copy");
    const insert = h("button", { class: "mxp-link", type: "button", "data-action": "again", onclick: async () => {
      if (!(await insertCell(node, code))) copyText(code, insert, "Copied: paste it into a cell");
    } }, "Insert cell");
    node.className = "mxp-banner is-warning";
    node.setAttribute("role", "alert");
    node.hidden = false;
    node.replaceChildren(
      h("div", {}, `${GONE_WORDS} Its last answer stays: weights, k and smaller top_k still work on it. `, code ? "To search again, run:" : "To search again, run the cell that made it."),
      ...(code ? [h("pre", { class: "mxp-again", tabindex: "0", "aria-label": "Code that makes the playground again" }, code), h("div", { class: "mxp-toolbar" }, insert, copy)] : []));
  }

  return { node, tell };
}
