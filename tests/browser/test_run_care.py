"""The run widget when something happens to its page or its kernel, and for who cannot see it.

Nothing here needs Ray.
"""

from __future__ import annotations

import time

import pytest
from conftest import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LOAD = """
import os
os.environ["MIXPEEK_LAB_AUTOSTART"] = "0"
os.environ["MIXPEEK_LAB_ENGINE"] = "kernel"
%load_ext mixpeek_lab
rows = [{"_id": f"row_{n}", "text": f"{'bad' if n % 10 == 3 else 'text'} {n}"} for n in range(1000)]
%bucket notes rows
"""
CELL = """%%extractor talker
import logging
import sys
import time
import warnings

from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name="talker",
    version="1.0.0",
    description="Talks while it works",
    features=[Feature.embedding("letters", dim=2)],
    compute_profile={"batch_size": 2},
)


class Talker(BatchProcessor):
    def setup(self):
        self.calls = 0

    def process(self, batch):
        self.calls += 1
        time.sleep(PAUSE * len(batch))
        print("SAID printed", self.calls)
        print("SAID on stderr", file=sys.stderr)
        warnings.warn(f"SAID warned {self.calls}")
        logging.getLogger("talker").error("SAID logged")
        for text in batch["data"]:
            if text.startswith("bad"):
                raise ValueError(f"cannot read {text!r}")
        batch["letters"] = [[float(len(t)), 1.0] for t in batch["data"]]
        return batch
"""
OUTPUTS = """() => [...document.querySelectorAll('.jp-CodeCell')].at(-1)
  .querySelector('.jp-OutputArea')?.innerText ?? ''"""
RUN = "%process notes talker --force"


def open_page(jupyter, chromium, name, pause="0.1"):
    page = chromium.new_page(viewport={"width": 1180, "height": 1200}, device_scale_factor=1.5)
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook(name, "None"))
    notebook.run_code(0, LOAD)
    define(notebook, pause)
    return notebook


def define(notebook, pause):
    cell = CELL.replace("PAUSE", str(pause))
    text = notebook.run_code(0, f"get_ipython().run_cell({cell!r})")
    assert "defined" in text, text


@pytest.fixture(params=["light", "dark"])
def notebook(request, jupyter, chromium):
    jupyter.use_theme(f"JupyterLab {request.param.title()}")
    notebook = open_page(jupyter, chromium, f"care_{request.param}")
    notebook.theme = request.param
    yield notebook
    notebook.page.close()
    jupyter.use_theme("JupyterLab Light")


def wait_for_text(page, text):
    page.wait_for_function(f"() => (({OUTPUTS})()).includes({text!r})", timeout=60_000)


def test_each_state_is_accessible_and_printed_lines_stay_in_their_place(notebook, axe, artifacts):
    page = notebook.page
    notebook.start_code(0, RUN)
    page.locator(".mxl-failures summary").wait_for(timeout=60_000)
    page.locator(".mxp-printed summary").wait_for(timeout=60_000)
    for summary in page.locator(".mxr summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    lines = page.locator(".mxp-lines")
    page.wait_for_function(
        "() => ['printed', 'on stderr', 'warned', 'logged'].every((word) =>"
        " document.querySelector('.mxp-lines')?.innerText.includes(`SAID ${word}`))",
        timeout=60_000,
    )
    lines.focus()
    assert axe(page, ".mxr") == []
    page.locator(".mxr").screenshot(path=artifacts / f"run_talks_{notebook.theme}.png")
    assert page.locator(".jp-OutputArea-output[data-mime-type*='std']").count() == 0
    page.locator(".mxl-stop").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Stopping …").wait_for(timeout=10_000)
    wait_for_text(page, "The run was stopped after")
    define(notebook, 0)
    notebook.start_code(0, RUN)
    wait_for_text(page, "completed with errors")
    card = page.locator(".jp-OutputArea-executeResult")
    printed = card.locator("summary", has_text="printed by the extractor")
    printed.focus()
    page.keyboard.press("Enter")
    card.get_by_text("SAID on stderr").first.wait_for(timeout=10_000)
    assert axe(page, ".jp-OutputArea-executeResult") == []
    card.screenshot(path=artifacts / f"run_card_{notebook.theme}.png")


def test_a_restart_of_the_kernel_leaves_what_there_was_and_says_so(
    jupyter, chromium, axe, artifacts
):
    notebook = open_page(jupyter, chromium, "care_restart")
    page = notebook.page
    notebook.start_code(0, RUN)
    page.wait_for_function(
        "() => Number(document.querySelector('.mxr-track')?.getAttribute('aria-valuenow')) > 0",
        timeout=60_000,
    )
    notebook.restart_kernel()
    page.locator(".mxr-gone").wait_for(timeout=30_000)
    told = page.locator(".mxr").inner_text()
    assert "The kernel is gone" in told
    assert RUN in told
    assert "/ 1,000" in told
    assert not page.locator(".mxl-stop").is_visible()
    assert axe(page, ".mxr") == []
    page.locator(".mxr").screenshot(path=artifacts / "run_gone_light.png")
    notebook.run_code(0, LOAD)
    define(notebook, 0)
    notebook.start_code(0, RUN)
    wait_for_text(page, "completed with errors")
    notebook.restart_kernel()
    assert "completed with errors" in page.evaluate(OUTPUTS)
    page.close()


def start_and_save(notebook, path):
    """Begin a run, and have the notebook saved in the middle of it."""
    notebook.start_code(0, RUN)
    notebook.page.locator(".mxl-stop").wait_for(timeout=60_000)
    notebook.page.keyboard.press("Control+s")
    end = time.monotonic() + 30
    while "was under way" not in path.read_text("utf-8"):
        assert time.monotonic() < end, "it was not saved"
        notebook.page.wait_for_timeout(100)


def test_a_page_that_is_loaded_in_the_middle_of_a_run_comes_to_its_report(
    jupyter, chromium, axe, artifacts
):
    """JupyterLab makes no models of widgets before the cell has ended."""
    notebook = open_page(jupyter, chromium, "care_reload", pause="0.012")
    page, path = notebook.page, jupyter.folder / "care_reload.ipynb"
    start_and_save(notebook, path)
    assert f"<code>{RUN}</code>" in path.read_text("utf-8")
    page.reload(wait_until="domcontentloaded")
    line = page.locator(".mixpeek-lab-under-way")
    line.wait_for(timeout=60_000)
    page.wait_for_function(
        "() => document.querySelector('.mixpeek-lab-under-way progress')?.value > 0"
    )
    assert "of 1,000 rows" in line.inner_text()
    assert "was under way" not in page.evaluate(OUTPUTS)
    assert page.locator(".jp-CodeCell .jp-InputPrompt").inner_text() == "[*]:"
    assert axe(page, ".mixpeek-lab-saved") == []
    page.locator(".jp-CodeCell").screenshot(path=artifacts / "run_followed_light.png")
    wait_for_text(page, "completed with errors")
    line.wait_for(state="detached")
    text = page.evaluate(OUTPUTS)
    assert "1,000 rows: 900 done, 100 failed" in text
    assert "was under way" not in text
    assert page.locator(".mixpeek-lab-saved").count() == 0
    notebook.wait_for_kernel()
    assert notebook.errors == []
    assert notebook.run_code(0, "print('alive')") == "alive"
    define(notebook, 0.002)
    start_and_save(notebook, path)
    page.goto("about:blank")  # and is loaded again when the run has ended
    asked, end = f"{jupyter.url}/api/kernels", time.monotonic() + 60
    while "busy" in page.request.get(asked).text():
        assert time.monotonic() < end, "the run did not end"
        time.sleep(0.2)
    notebook.open(jupyter, path)
    wait_for_text(page, "completed with errors")
    assert "was under way" not in page.evaluate(OUTPUTS)
    page.close()


QUICK = """
from mixpeek_lab.magics import live
from mixpeek_lab.widgets import RunProgress
live.LEAST_LIFE, live.KEPT = {}
for n in range(5):
    with live.shown_meanwhile(RunProgress(f"quick {{n}}")):
        pass
"""
FAILED = "[anywidget] Failed to initialize model."


def test_views_that_close_at_once_do_not_trip_a_slow_page(jupyter, chromium):
    """anywidget gives a model two seconds to load; one that is closed meanwhile never has."""
    notebook = NotebookPage(chromium.new_page())
    notebook.open(jupyter, jupyter.write_notebook("quick", "None"))
    kept = notebook.run_code(
        0, "from mixpeek_lab.magics import live\nprint((live.LEAST_LIFE, live.KEPT))"
    )
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    end = time.monotonic() + 60
    while FAILED not in "".join(notebook.errors):  # what this is about: closed as soon as shown
        assert time.monotonic() < end, "anywidget no longer minds: LEAST_LIFE can go"
        notebook.run_code(0, QUICK.format((0, 0)))
        notebook.page.wait_for_timeout(2500)
    notebook.page.wait_for_timeout(2500)
    notebook.errors.clear()
    notebook.run_code(0, QUICK.format(kept))
    notebook.page.wait_for_timeout(3500)
    assert notebook.errors == []
    notebook.page.close()


WAIT = """
import threading
from mixpeek_lab.magics.live import note_meanwhile, ray_waiting
gate, far = threading.Event(), ["Ray: starting (1 s)"]
threading.Timer(2, far.append, ["Ray: ready (2 CPUs, no GPU)"]).start()
with ray_waiting(lambda: far[-1]):
    gate.wait(4)
with note_meanwhile("Looking for it ..."):
    gate.wait(3)
"""


def test_who_waits_for_ray_is_told_so_and_the_cell_keeps_nothing_of_it(jupyter, chromium):
    notebook = NotebookPage(chromium.new_page())
    notebook.open(jupyter, jupyter.write_notebook("waiting", "None"))
    output = notebook.page.locator(".jp-OutputArea").first
    notebook.start_code(0, WAIT)
    for text in ("Ray: starting (1 s)", "Ray: ready (2 CPUs, no GPU), after", "Looking for it"):
        output.get_by_text(text).wait_for(timeout=30_000)
    output.get_by_text("Ray: ready").wait_for(state="detached", timeout=30_000)
    assert notebook.run_code(0, "print('as it was')") == "as it was"
    notebook.page.close()
