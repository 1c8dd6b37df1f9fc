"""Widgets and cards in a plain host with VS Code's colours and none of JupyterLab's.

VS Code itself is not run: this is what its notebooks offer a widget, a model with messages, and a
page whose theme is in `--vscode-*`.
"""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import pytest
from packages import HASH_EMBEDDER
from sample_search import SampleSearch, support

from mixpeek_lab.markup import COLOURS, framed
from mixpeek_lab.models import Failure, RunReport
from mixpeek_lab.widgets import EmbeddingMap, Explorer, Playground, RunProgress
from mixpeek_lab.widgets.cards import RunCard
from mixpeek_lab.widgets.report import report_html
from mixpeek_lab.workbench import Lab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

THEMES = {
    "light": {
        "editor-background": "#ffffff", "editor-foreground": "#3b3b3b", "foreground": "#3b3b3b",
        "textLink-foreground": "#005fb8", "errorForeground": "#c72e0f",
        "editorWarning-foreground": "#895503", "font-family": "system-ui",
        "editor-font-family": "monospace", "widget-border": "#e5e5e5",
        "editorInfo-foreground": "#0063d3", "testing-iconPassed": "#2f7a3b",
    },
    "dark": {
        "editor-background": "#1f1f1f", "editor-foreground": "#cccccc", "foreground": "#cccccc",
        "textLink-foreground": "#4daafc", "errorForeground": "#f85149",
        "editorWarning-foreground": "#cca700", "font-family": "system-ui",
        "editor-font-family": "monospace", "widget-border": "#313131",
        "editorInfo-foreground": "#3794ff", "testing-iconPassed": "#73c991",
    },
}  # fmt: skip
"""Colours of VS Code's Light Modern and Dark Modern."""
REPORT = RunReport(
    "run_1", "docs", "completed_with_errors", rows_in=90, reused=0, processed=90, documents=89,
    failed=1, failures=(Failure("obj_1", "doc_1", "embed", "ValueError", "bad", "core.py:14"),),
)  # fmt: skip
HOST = """async ([source, state, at]) => {
  const events = new Map();
  const traits = structuredClone(state);
  let changed = {};
  const fire = (name, ...given) => (events.get(name) ?? []).forEach((each) => each(...given));
  const bytes = (text) => new DataView(
    Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer);
  const hear = ({ traits: told, messages }) => {
    for (const [name, value] of Object.entries(told)) {
      if (JSON.stringify(traits[name]) === JSON.stringify(value)) continue;
      traits[name] = value;
      fire(`change:${name}`);
    }
    for (const [header, buffers] of messages) fire('msg:custom', header, buffers.map(bytes));
  };
  const model = {
    get: (name) => traits[name],
    set(name, value) { traits[name] = changed[name] = value; fire(`change:${name}`); },
    save_changes() { window.kernel(at, { traits: changed }).then(hear); changed = {}; },
    send: (content) => window.kernel(at, { content }).then(hear),
    on: (name, act) => events.set(name, [...(events.get(name) ?? []), act]),
    off: (name, act) => events.set(name, (events.get(name) ?? []).filter((one) => one !== act)),
  };
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const el = document.querySelectorAll('.host')[at];
  (await import(url)).default.render({ model, el });
}"""


class Host:
    """Widgets in one page, each with its Python; messages go as through comms."""

    def __init__(self, chromium: Any, widgets: list[Any], theme: str, html: str) -> None:
        self.errors: list[str] = []
        self._widgets, self._sent = widgets, []
        self.page = chromium.new_page(viewport={"width": 1000, "height": 2800})
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.expose_function("kernel", self._answer)
        colours = "".join(f"--vscode-{name}:{value};" for name, value in THEMES[theme].items())
        styles = "".join(widget._css for widget in widgets)
        hosts = '<div class="host"></div>' * len(widgets)
        self.page.set_content(
            f"<html lang=en style='{colours}'><title>VS Code</title><style>body{{margin:12px;"
            "color:var(--vscode-foreground);background:var(--vscode-editor-background);"
            f"font-family:system-ui}}{styles}</style>"
            f"<body class=vscode-{theme} data-vscode-theme-kind=vscode-{theme}>"
            f"<main>{hosts}<div class=saved>{html}</div></main>"
        )
        for at, widget in enumerate(widgets):
            widget.send = lambda header, buffers=None: self._sent.append((header, buffers or []))
            self.page.evaluate(HOST, [str(widget._esm), state(widget), at])

    def _answer(self, at: int, message: dict[str, Any]) -> dict[str, Any]:
        widget = self._widgets[at]
        for name, value in message.get("traits", {}).items():
            widget.set_trait(name, value)
        if "content" in message:
            widget._on_message(widget, message["content"], [])
        sent, self._sent = self._sent, []
        messages = [
            [header, [base64.b64encode(bytes(each)).decode() for each in buffers]]
            for header, buffers in sent
        ]
        return {"traits": state(widget), "messages": messages}


def state(widget: Any) -> dict[str, Any]:
    return {
        name: getattr(widget, name)
        for name in widget.keys
        if name[0] != "_" and name not in ("layout", "tabbable", "tooltip", "comm")
    }


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("vscode") / "home")
    lab.load(HASH_EMBEDDER)
    rows = [{"_id": f"r{n}", "text": f"number {n}", "kind": f"kind {n % 4}"} for n in range(80)]
    lab.bucket("b", rows)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    return lab


def widgets_of(lab) -> list[Any]:
    search, shown = SampleSearch(), lab.maps.open("docs")
    playground = Playground(
        search, "docs", "parse json", support=support(search), code="%playground docs"
    )
    explorer = Explorer(lab.pages("FROM docs"), title="docs", code="%explore docs")
    points = EmbeddingMap(
        shown.project, shown.ids, shown.documents, values=shown.values, fields=shown.fields,
        color="kind", title="docs", code="%embedding_map docs",
    )  # fmt: skip
    run = RunProgress("docs", code="%process b hash_embedder", source="b")
    run.finish(REPORT)
    return [playground, explorer, points, run]


@pytest.mark.parametrize("theme", THEMES)
def test_each_widget_works_and_is_readable_without_jupyterlab(chromium, lab, axe, artifacts, theme):
    told = "".join(f'<b style="color:{paint}">{name}</b> ' for name, paint in COLOURS.items())
    cards = report_html(REPORT, "%process b hash_embedder") + RunCard(REPORT)._repr_html_()
    host = Host(chromium, widgets_of(lab), theme, cards + framed("docs", "1.0.0", told))
    page = host.page
    for selector in (".mxp-hit", ".mxe-row:not(.is-waiting) .mxe-cell", ".mxm.is-ready", ".mxr"):
        page.locator(selector).first.wait_for(timeout=30_000)
    page.locator(".mxp-query").fill("zip archive")
    page.locator(".mxp-query").press("Enter")
    page.locator(".mxp-hit", has_text="zipfile").first.wait_for(timeout=30_000)
    page.locator(".mxe-col", has_text="kind").first.click()
    page.wait_for_selector(".mxe-col[aria-sort=ascending]", timeout=30_000)
    page.locator(".mxm-entry").first.click()
    page.wait_for_selector(".mxm-entry[aria-pressed=false]", timeout=30_000)
    page.wait_for_timeout(400)
    page.screenshot(path=artifacts / f"every_vscode_{theme}.png", full_page=True)
    paper = page.evaluate("() => getComputedStyle(document.querySelector('.mxp')).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(31, 31, 31)"}[theme]
    assert axe(page, "main") == []
    assert host.errors == []
    page.close()


HOSTILE = """SELECT '<img src=x onerror=alert(1)>' AS "<script>alert('n')</script>",
    ['1', 'nan']::FLOAT[] AS v, TIMESTAMPTZ '2020-01-01 00:00:00+05:30' AS moment,
    {'a': [1, 2], 'b': {'c': [NULL, '<b>x</b>']}} AS nested, DATE 'infinity' AS never,
    chr(8238) || 'abc' AS backwards, r FROM range(3) t(r)"""
EDGES = """() => [...document.querySelectorAll('.mxe-col')].map((head) =>
  [head.offsetLeft, head.offsetWidth]).sort(([one], [other]) => one - other)"""


def test_an_explorer_stands_hostile_values_and_columns_that_change_their_width(
    chromium, tmp_path, artifacts
):
    pages = Lab(tmp_path / "home").pages(HOSTILE)
    host = Host(chromium, [Explorer(pages, title="<b>bold</b>")], "dark", "")
    page = host.page
    page.set_viewport_size({"width": 700, "height": 900})
    page.locator(".mxe-row:not(.is-waiting) .mxe-cell").first.wait_for(timeout=30_000)
    grid = page.locator(".mxe-grid")
    grid.focus()
    page.keyboard.press("End")
    page.locator(".mxe-col", has_text="backwards").wait_for()
    page.keyboard.press("Home")
    page.locator(".mxe-col .mxe-grip").first.hover()
    page.mouse.down()
    page.mouse.move(420, 200)
    page.mouse.up()
    for (left, width), (following, _) in pairwise(page.evaluate(EDGES)):
        assert left + width <= following + 1, "headers lie on each other"
    page.locator(".mxe-cell .mxe-spark").first.dblclick()
    page.locator(".mxe-detail", has_text="norm not finite").wait_for()
    page.locator(".mxe").screenshot(path=artifacts / "explorer_hostile_dark.png")
    assert page.locator(".mxe img, .mxe b, .mxe script").count() == 0
    assert host.errors == []
    page.close()
