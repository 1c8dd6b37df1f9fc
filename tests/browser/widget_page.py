"""A real widget, with its Python, on a plain page in Chromium: quicker than a whole JupyterLab.

Messages and traits go between the page and the widget as through a kernel's comm.
"""

from __future__ import annotations

import base64
import copy
import time
from collections.abc import Callable
from typing import Any

from playground_page import PlaygroundPage

TRAITS = (
    "_moves", "query", "weights", "strategy", "k", "top_k", "limit", "about", "baseline",
    "map_status", "preparing",
)  # fmt: skip
LIGHT = "body{background:#fff;margin:12px;font-family:system-ui}"
DARK = (
    ":root{--jp-layout-color1:#111;--jp-ui-font-color1:rgba(255,255,255,.87);"
    "--jp-brand-color1:#2196f3;--jp-error-color1:#f44336;--jp-warn-color1:#ff9800;"
    "color-scheme:dark}body{background:#111;margin:12px;font-family:system-ui}"
)
# Nothing under way, in two frames that follow each other.
QUIET = """() => new Promise((done) => {
  const isQuiet = () => window.pending === 0 && document.querySelector('.mxp').mixpeek.isQuiet();
  requestAnimationFrame(() => setTimeout(() => {
    if (!isQuiet()) return done(false);
    return requestAnimationFrame(() => setTimeout(() => done(isQuiet())));
  }));
})"""
MODEL = """async ([source, state]) => {
  const events = new Map();
  const traits = structuredClone(state);
  let changed = {};
  const fire = (name, ...given) => (events.get(name) ?? []).forEach((each) => each(...given));
  const deliver = (messages) => {
    for (const [header, buffers] of messages) {
      fire("msg:custom", header, buffers.map((text) => {
        const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
        return new DataView(bytes.buffer);
      }));
    }
  };
  const hear = ({ traits: told, messages }) => {
    for (const [name, value] of Object.entries(told)) {
      if (JSON.stringify(traits[name]) === JSON.stringify(value)) continue;
      traits[name] = value;
      fire(`change:${name}`);
    }
    deliver(messages);
  };
  window.pending = 0;
  const ask = async (message) => {
    window.pending += 1;
    hear(await window.kernel(message));
    window.pending -= 1;
  };
  const model = {
    get: (name) => traits[name],
    set(name, value) {
      traits[name] = value;
      changed[name] = value;
      fire(`change:${name}`);
    },
    save_changes() {
      const told = changed;
      changed = {};
      ask({ traits: told });
    },
    send: (content) => void ask({ content }),
    on: (name, each) => events.set(name, [...(events.get(name) ?? []), each]),
    off: (name, each) => events.set(name, (events.get(name) ?? []).filter((one) => one !== each)),
  };
  window.hear = hear;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  widget.render({ model, el: document.querySelector("#here") });
}"""


class WidgetPage(PlaygroundPage):
    """One widget in one page. `page` is Playwright's."""

    def __init__(
        self, chromium: Any, widget: Any, *, width: int = 1100, dark: bool = False
    ) -> None:
        self.widget, self.errors = widget, []
        self._sent: list[Any] = []
        widget.send = lambda header, buffers=None: self._sent.append((header, buffers or []))
        self.page = chromium.new_page(viewport={"width": width, "height": 900})
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.expose_function("kernel", self._answer)
        self.page.set_content(
            f"<style>{DARK if dark else LIGHT}{widget._css}</style><div id=here></div>"
        )
        self._known = copy.deepcopy(self._state())
        self.page.evaluate(MODEL, [str(widget._esm), self._known])
        self.settle()

    def settle(self) -> None:
        """Wait until the answer is painted, and what was saved is in Python."""
        self.until(lambda: self.page.evaluate(QUIET))

    def until(self, check: Callable[[], object]) -> None:
        """Wait until something is so: what Python gets to know, or a page shows by and by."""
        deadline = time.monotonic() + 30
        while not check():
            assert time.monotonic() < deadline, "it did not become so within 30 seconds"
            self.page.wait_for_timeout(40)

    def push(self) -> None:
        """Tell the page what Python changed: traits and messages."""
        self.page.evaluate("(told) => window.hear(told)", self._told())
        self.settle()

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("traits"):
            self.widget.set_state(message["traits"])
            self._known |= copy.deepcopy(message["traits"])
        if "content" in message:
            self.widget._on_message(self.widget, message["content"], [])
        return self._told()

    def _told(self) -> dict[str, Any]:
        sent, self._sent[:] = list(self._sent), []
        messages = [
            [header, [base64.b64encode(buffer).decode() for buffer in buffers]]
            for header, buffers in sent
        ]
        state = self._state()
        changed = {name: value for name, value in state.items() if value != self._known[name]}
        self._known = copy.deepcopy(state)
        return {"traits": changed, "messages": messages}

    def _state(self) -> dict[str, Any]:
        return {name: getattr(self.widget, name) for name in TRAITS if self.widget.has_trait(name)}
