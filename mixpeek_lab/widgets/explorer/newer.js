// Rows that are no longer what their collection has: a quiet line, and a button that reads them anew.
import { h } from "../nodes.js";

const LOOK_EVERY = 20000;

/**
 * `look()` asks the kernel whether there are newer rows; any answer of its may say so, too. It is
 * asked when somebody comes back to the page, and now and then while the explorer is in sight.
 */
export function watchNewer(root, { look, renew }) {
  const text = h("span");
  const button = h("button", { type: "button", class: "mxe-button is-small", onclick: () => press() }, "Show the new rows");
  const node = h("div", { class: "mxe-newer", role: "status" });
  let isInSight = false;
  let isReading = false;
  const seen = new IntersectionObserver((entries) => { isInSight = entries.at(-1).isIntersecting; });
  const lookNow = () => { if (isInSight && !document.hidden) look(); };
  const timer = setInterval(lookNow, LOOK_EVERY);
  seen.observe(root);
  window.addEventListener("focus", lookNow);
  document.addEventListener("visibilitychange", lookNow);

  function say({ news, can_renew: canRenew }) {
    if (text.textContent === news) return;
    text.textContent = news;
    node.classList.add("has-news");
    node.replaceChildren(text, canRenew ? button : "");
  }

  /** The button stays enabled, so that it keeps the focus, which then goes to the new rows. */
  async function press() {
    if (isReading) return;
    isReading = true;
    button.textContent = "Reading …";
    await renew();
    isReading = false;
    button.textContent = "Show the new rows";
  }

  function close() {
    clearInterval(timer);
    seen.disconnect();
    window.removeEventListener("focus", lookNow);
    document.removeEventListener("visibilitychange", lookNow);
  }

  return { node, say, close };
}
