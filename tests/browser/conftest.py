"""JupyterLab on a free port in a folder of its own, and headless Chromium to drive it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
ARTIFACTS = HERE.parent / "artifacts"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTINGS = {
    "notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
}


class JupyterServer:
    """A running JupyterLab: where it is, and the folder that it shows."""

    def __init__(self, url: str, folder: Path, settings: Path) -> None:
        self.url, self.folder, self._settings = url, folder, settings

    def write_notebook(self, name: str, *cells: str) -> Path:
        """Put a notebook with these code cells into the server's folder."""
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        path = self.folder / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def use_theme(self, theme: str) -> None:
        """Set JupyterLab's theme for pages that open from now on."""
        self.change("themes", {"theme": theme})

    def change(self, name: str, values: dict, extension: str = "apputils-extension") -> None:
        """Write settings of an extension of JupyterLab's, for pages that open from now on."""
        write_setting(self._settings, name, values, extension)


class NotebookPage:
    """One notebook in one browser page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self._runs = 0
        self.errors: list[str] = []
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, server: JupyterServer, notebook: Path) -> None:
        """Load the notebook and wait for its kernel."""
        self.page.goto(
            f"{server.url}/lab/tree/{notebook.name}?reset", wait_until="domcontentloaded"
        )
        self.wait_for_kernel()

    def reload(self) -> None:
        """Save the notebook and load the page again. The kernel lives on."""
        with self.page.expect_response(is_saving, timeout=60_000):
            self.page.keyboard.press("Control+s")
        self.page.reload(wait_until="domcontentloaded")
        self.wait_for_kernel()

    def restart_kernel(self) -> None:
        """Restart the kernel, as the toolbar's button does. What cells showed stays."""
        self.page.locator("[data-command='notebook:restart-kernel']").first.click()
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.page.wait_for_function(
            "() => /Restarting|Starting|Unknown/.test("
            "document.querySelector('#jp-main-statusbar')?.innerText || '')",
            timeout=30_000,
        )
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Wait until the notebook is there and its kernel is idle."""
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        # The execution indicator says idle before a kernel is attached, and a run is lost then.
        self.page.wait_for_function(
            "() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.innerText || '')",
            timeout=90_000,
        )

    def run_cell(self, number: int) -> None:
        """Run one cell, counted from 0. Does not wait for its end."""
        self.page.locator(".jp-CodeCell .jp-InputArea .cm-content").nth(number).click()
        self.page.keyboard.press("Control+Enter")

    def run_code(self, number: int, code: str, timeout: float = 30_000) -> str:
        """Put code into a cell, run it to its end, and give back the text that it prints."""
        self._runs += 1
        end = f"(end of run {self._runs})"
        self.start_code(number, f"{code}\nprint('(end of run', '{self._runs})')")
        area = self.page.locator(".jp-CodeCell").nth(number).locator(".jp-Cell-outputArea")
        done = area.get_by_text(end).or_(area.locator(".ansi-red-fg").first)
        done.first.wait_for(timeout=timeout)
        text = area.inner_text().strip()
        assert end in text, text
        return text.removesuffix(end).strip()

    def start_code(self, number: int, code: str) -> None:
        """Put code into a cell and run it. Does not wait for its end."""
        self.page.locator(".jp-CodeCell .jp-InputArea .cm-content").nth(number).click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """Run JavaScript in the page."""
        return self.page.evaluate(expression, argument)


def is_saving(response: Any) -> bool:
    """Whether this is the server's answer to a notebook that was saved."""
    return response.request.method == "PUT" and ".ipynb" in response.url


def find_browser() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def write_setting(
    folder: Path, name: str, values: dict, extension: str = "apputils-extension"
) -> None:
    path = folder / "@jupyterlab" / extension / f"{name}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), "utf-8")


def server_command(port: int, folder: Path) -> list[str]:
    return [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root",
        f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
        "--ServerApp.password=", f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        # The checkout's own, before an installed one; for Notebook 7 too, where it is installed.
        f"--LabApp.extra_labextensions_path={REPOSITORY / 'labextension' / 'prebuilt'}",
        f"--JupyterNotebookApp.extra_labextensions_path={REPOSITORY / 'labextension' / 'prebuilt'}",
    ]  # fmt: skip


def server_environment(root: Path) -> dict[str, str]:
    """Jupyter's own folders are the test's; HOME and the model caches stay as they are."""
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "MIXPEEK_LAB_HOME": "lab",
    }
    for name in own.values():
        (root / name).mkdir(exist_ok=True)
    path = os.pathsep.join(
        [str(REPOSITORY), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    folders = {variable: str(root / name) for variable, name in own.items()}
    return {**os.environ, **folders, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}


def wait_for_server(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/api/status", timeout=2).close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text('utf-8')[-3000:]}")


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A JupyterLab server with settings, workspaces and notebooks of its own."""
    pytest.importorskip("jupyterlab")
    if find_browser() is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on PATH")
    with running_jupyter(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@contextmanager
def running_jupyter(root: Path) -> Iterator[JupyterServer]:
    """JupyterLab with all its folders below `root`."""
    folder = root / "notebooks"
    folder.mkdir()
    environment = server_environment(root)
    settings = Path(environment["JUPYTERLAB_SETTINGS_DIR"])
    for name, values in SETTINGS.items():
        write_setting(settings, name, values)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = root / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            server_command(port, folder),
            env=environment, cwd=folder, stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_for_server(url, process, log)
        yield JupyterServer(url, folder, settings)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser; skips where there is none.

    One per module: while it is open Playwright keeps an event loop running in this thread, and
    what other tests do with asyncio would fail.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on PATH")
    arguments = [
        "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> Callable[[Any, str], list[tuple[str, list[str]]]]:
    """Accessibility faults: ``axe(page, selector)`` → [(axe's rule, the HTML it is about)]."""
    source = REPOSITORY / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        pytest.skip("axe comes with the extension's Node packages, and there is no Node.js")

    def find_faults(page: Any, selector: str) -> list[tuple[str, list[str]]]:
        page.wait_for_selector(selector)
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(source.read_text("utf-8"))
        found = page.evaluate("(where) => axe.run(where)", selector)
        return [(v["id"], [node["html"] for node in v["nodes"]]) for v in found["violations"]]

    return find_faults


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots go. Not kept in the repository."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS
