// Tabs: one panel at a time, the arrow keys go from tab to tab.
import { freshId, h } from "../nodes.js";

/**
 * Fill `list` and `panels`. `tabs`: {id, label, node, paint?, isOffered?()}; a panel's `paint` is called
 * when it is shown, and by `paintShown()`. Gives {show(id), paintShown(), shown()}.
 */
export function makeTabs(list, panels, tabs, label) {
  const prefix = freshId();
  let current = tabs[0];
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", label);
  for (const tab of tabs) {
    tab.button = h("button", { class: "mxp-tab", type: "button", role: "tab", id: `${prefix}-tab-${tab.id}`, "aria-controls": `${prefix}-${tab.id}`, "data-tab": tab.id, onclick: () => show(tab.id) }, tab.label);
    tab.panel = h("div", { class: "mxp-panel", role: "tabpanel", id: `${prefix}-${tab.id}`, "aria-labelledby": `${prefix}-tab-${tab.id}`, "data-panel": tab.id }, tab.node);
  }
  list.replaceChildren(...tabs.map((tab) => tab.button));
  panels.replaceChildren(...tabs.map((tab) => tab.panel));
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(current) + by + tabs.length) % tabs.length];
    show(next.id);
    next.button.focus();
  });

  function show(id) {
    current = tabs.find((tab) => tab.id === id) ?? tabs[0];
    for (const tab of tabs) {
      const isShown = tab === current;
      tab.button.setAttribute("aria-selected", String(isShown));
      tab.button.tabIndex = isShown ? 0 : -1;
      tab.panel.hidden = !isShown;
    }
    current.paint?.();
  }
  show(current.id);
  return { show, shown: () => current.id, paintShown: () => current.paint?.() };
}
