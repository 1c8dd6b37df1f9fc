"""A notebook with every widget and card in it, and what each must show wherever it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import REPOSITORY, JupyterServer, NotebookPage

SETUP = f"""import os, sys
os.environ["MIXPEEK_LAB_AUTOSTART"] = "0"
os.environ["MIXPEEK_LAB_ENGINE"] = "kernel"
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
%load_ext mixpeek_lab
from packages import HASH_EMBEDDER
from mixpeek_lab.magics.session import current_lab
lab = current_lab()
lab.load(HASH_EMBEDDER)
words = "river bridge market garden window letter".split()
rows = [{{"_id": f"row_{{n}}", "text": f"{{words[n % 6]}} {{words[n % 5]}} number {{n}}",
         "kind": words[n % 3], "size": n * 7 % 40}} for n in range(60)]
lab.bucket("notes", rows);"""
RETRIEVER = """%%retriever find
collection: notes_hash_embedder
searches:
  - feature: hash_embedding
  - lexical: true"""
RUN = """from mixpeek_lab.widgets import RunProgress
bar = RunProgress("watched", code="%process notes hash_embedder --into watched", source="notes")
bar.show()
bar.finish(lab.process("notes", "hash_embedder", "watched", on_progress=bar.update))"""

CELLS = {
    "setup": SETUP,
    "report": "%process notes hash_embedder",
    "retriever": RETRIEVER,
    "playground": "%playground find river bridge",
    "explorer": "%explore notes_hash_embedder",
    "map": "%embedding_map notes_hash_embedder --color kind",
    "run": RUN,
    "sheet": "%extractor show hash_embedder",
    "search": "%search find river bridge --limit 3",
}
"""Name → code of each cell, in the order of the notebook."""

LIVE = {
    "playground": ".mxp-hit",
    "explorer": ".mxe-row:not(.is-waiting) .mxe-cell",
    "map": ".mxm.is-ready",
    "run": ".mxr",
}
"""What is there only where the widget lives."""

SHOWN = {
    "report": ["completed", "documents 60"],
    "retriever": ["find retriever over", "hash_embedding"],
    "playground": ["river bridge", "score", "Saved view", "%playground find river bridge"],
    "explorer": ["60 rows", "dim 16", "Saved view", "%explore notes_hash_embedder"],
    "map": ["60 points, pca", "river (20)", "Saved view", "--color kind"],
    "run": ["watched: completed", "rows in", "Saved view", "--into watched"],
    "sheet": ["hash_embedder 1.0.0", "16", "versions"],
    "search": ["river bridge", "3 of 60 results"],
}
"""Words of each saved result: what came out, and the code that makes a widget again."""

TROUBLE = ("model not found", "Loading widget", "Error displaying", "Traceback")

OUTPUTS = """() => [...document.querySelectorAll('.jp-CodeCell')].map((cell) =>
  cell.querySelector('.jp-Cell-outputArea')?.innerText.replace(/\\s+/g, ' ') ?? '')"""


def lacking(outputs: list[str]) -> list[str]:
    """What the texts of the cells' outputs should hold and do not, or hold and should not."""
    told = dict(zip(CELLS, outputs, strict=True))
    missing = [f"{n}: no {w!r}" for n, words in SHOWN.items() for w in words if w not in told[n]]
    return missing + [f"{n}: {w}" for n, text in told.items() for w in TROUBLE if w in text]


class EveryPage(NotebookPage):
    """The notebook with everything, in JupyterLab or, with `lab=False`, in Notebook 7."""

    def __init__(self, page: Any, server: JupyterServer, *, lab: bool = True) -> None:
        super().__init__(page)
        page.on("pageerror", lambda error: self.errors.append(str(error.stack)))
        self._server, self._lab = server, lab

    def ours(self) -> list[str]:
        """Errors of the console that our extension or our widgets have to do with.

        A front end has some of its own, more so on a busy machine and after a restart.
        """
        return [e for e in self.errors if any(word in e for word in ("mixpeek", "mx", "blob:"))]

    def load(self, notebook: Path) -> None:
        """Open the notebook, and wait until its kernel is there."""
        where = f"lab/tree/{notebook.name}?reset" if self._lab else f"notebooks/{notebook.name}"
        self.page.goto(f"{self._server.url}/{where}", wait_until="domcontentloaded")
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        if self._lab:
            return super().wait_for_kernel()
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        self.page.wait_for_function(
            "() => document.querySelector('.jp-Toolbar-kernelName')?.innerText.includes('Python')"
            " && document.querySelector(\".jp-Notebook-ExecutionIndicator[data-status='idle']\")",
            timeout=90_000,
        )
        return self.page.wait_for_timeout(500)

    def run_all(self) -> None:
        """Run every cell and wait until each widget lives."""
        for number in range(len(CELLS)):
            self.run_cell(number)
        for selector in LIVE.values():
            self.page.locator(selector).first.wait_for(timeout=60_000)
        self.page.get_by_text("3 of 60 results").first.wait_for(timeout=60_000)

    def restart(self) -> None:
        """Restart the kernel, and wait until the server has done it."""
        self.page.locator("[data-command='notebook:restart-kernel']").first.click()
        with self.page.expect_response(lambda r: "/restart" in r.url, timeout=60_000):
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def end_kernels(self) -> None:
        """Close all sessions of the server, as its list of running kernels does."""
        self.page.evaluate("""async () => {
          const token = document.cookie.match(/_xsrf=([^;]+)/)[1];
          for (const { id } of await (await fetch('/api/sessions')).json()) {
            const how = { method: 'DELETE', headers: { 'X-XSRFToken': token } };
            await fetch(`/api/sessions/${id}`, how);
          }
        }""")

    def save(self) -> None:
        """Save, and wait until the server has the notebook."""

        def is_save(response: Any) -> bool:
            return "/api/contents/" in response.url and response.request.method == "PUT"

        with self.page.expect_response(is_save, timeout=60_000):
            self.page.locator("[data-command='docmanager:save']").first.click()

    def again(self) -> None:
        """Load the page again."""
        self.page.reload(wait_until="domcontentloaded")
        self.wait_for_kernel()

    def wait_for_saved(self) -> None:
        """Wait until every cell shows its saved result; says which words are missing."""
        for _ in range(100):
            outputs = self.page.evaluate(OUTPUTS)
            if len(outputs) == len(CELLS) and not lacking(outputs):
                return
            self.page.wait_for_timeout(200)
        raise AssertionError(lacking(self.page.evaluate(OUTPUTS)))

    def picture(self, path: Path) -> None:
        """A picture of all cells, whatever the height of the window."""
        size = self.page.viewport_size
        height = self.page.evaluate(
            "() => [...document.querySelectorAll('.jp-CodeCell')]"
            ".reduce((sum, cell) => sum + cell.getBoundingClientRect().height + 8, 300)"
        )
        self.page.set_viewport_size({"width": size["width"], "height": round(height)})
        self.page.wait_for_timeout(300)
        self.page.locator(".jp-Notebook").screenshot(path=path)
        self.page.set_viewport_size(size)
