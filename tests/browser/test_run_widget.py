"""A run on Ray in real JupyterLab: drawn as its steps while it goes on, stopped by its button."""

from __future__ import annotations

import pytest
from conftest import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.ray, pytest.mark.timeout(300)]

LOAD = """
%load_ext mixpeek_lab
from mixpeek_lab.magics.session import current_lab
import psutil
def workers():
    return sum("MapWorker" in " ".join(child.cmdline())
               for child in psutil.Process().children(recursive=True)
               if child.status() != psutil.STATUS_ZOMBIE)
rows = [{"_id": f"row_{n}", "text": f"{'bad' if n % 10 == 3 else 'text'} {n}"} for n in range(60)]
%bucket notes rows
"""
NOISY = """%%extractor noisy
# file: manifest.py
from shared.extractors.sdk import ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name="noisy",
    version="1.0.0",
    description="Prints, warns, logs and raises",
    features=[Feature.embedding("letters", dim=2)],
    compute_profile={"batch_size": 2, "max_concurrency": 1},
)
# file: processors/core.py
import logging
import sys
import time
import warnings

from shared.extractors.sdk import BatchProcessor


class Noisy(BatchProcessor):
    def process(self, batch):
        print("NOISE printed")
        print("NOISE on stderr", file=sys.stderr)
        warnings.warn("NOISE warned")
        logging.getLogger("noisy").error("NOISE logged")
        time.sleep(0.05 * len(batch))
        for text in batch["data"]:
            if text.startswith("bad"):
                raise ValueError(f"cannot read {text!r}")
        batch["letters"] = [[float(len(text)), 1.0] for text in batch["data"]]
        return batch


class Slow(BatchProcessor):
    def process(self, batch):
        time.sleep(PAUSE)
        return batch
# file: pipeline.py
from engine.extractors.noisy.pipeline import StepDefinition

from .processors.core import Noisy, Slow


def build_steps(extractor_request, **kwargs):
    return {"steps": [StepDefinition(service_class=Noisy, batch_size=2),
                      StepDefinition(service_class=Slow, batch_size=2)]}
"""
NONE_LEFT = """
import time
end = time.monotonic() + 20
while workers() and time.monotonic() < end:
    time.sleep(0.05)
print(workers())
"""
OUTPUTS = """() => [...document.querySelectorAll('.jp-CodeCell')].at(-1)
  .querySelector('.jp-OutputArea')?.innerText ?? ''"""


@pytest.fixture(scope="module")
def notebook(jupyter, chromium):
    """A lab with a bucket and an extractor of two steps; the last cell is free."""
    page = chromium.new_page(viewport={"width": 1180, "height": 1600}, device_scale_factor=1.5)
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook("run", "None"))
    notebook.run_code(0, LOAD)
    define(notebook, 2.0)
    yield notebook
    page.close()


@pytest.fixture
def without_subshells(jupyter):
    """A front end that sends comms to the kernel's one shell, in dark."""
    jupyter.use_theme("JupyterLab Dark")
    jupyter.change("kernels-settings", {"commsOverSubshells": "disabled"})
    yield
    jupyter.change("kernels-settings", {})
    jupyter.use_theme("JupyterLab Light")


def define(notebook: NotebookPage, pause: float) -> None:
    cell = NOISY.replace("PAUSE", str(pause))
    text = notebook.run_code(0, f"get_ipython().run_cell({cell!r})")
    assert "defined" in text, text


def test_a_run_is_drawn_as_its_steps_and_stopped_by_its_button(notebook, jupyter, artifacts):
    page = notebook.page
    notebook.start_code(0, "%process notes noisy --engine ray --into live")
    page.wait_for_selector(".mxl-node.is-working", timeout=120_000)
    page.wait_for_selector('[data-step="Slow"].is-working', timeout=120_000)
    names = page.eval_on_selector_all(".mxl-name", "nodes => nodes.map(n => n.innerText)")
    assert [name.split(",")[0].strip() for name in names] == ["notes", "Noisy", "Slow", "index"]
    page.wait_for_function(
        "() => [/memory/, /1 running/, /waiting/].every((word) =>"
        " word.test(document.querySelector('[data-step=Slow]')?.innerText))",
        timeout=60_000,
    )
    summary = page.locator(".mxl-failures summary")
    summary.wait_for(timeout=60_000)
    summary.click()
    page.locator(".mxl-failures").get_by_text("processors/core.py").first.wait_for(timeout=20_000)
    page.wait_for_timeout(700)
    assert page.locator(".mxl-failures details").get_attribute("open") is not None
    page.locator(".mxr").screenshot(path=artifacts / "run_live_light.png")
    page.locator(".mxl-stop").click()
    page.wait_for_function(
        f"() => (({OUTPUTS})()).includes('The run was stopped after')", timeout=60_000
    )
    page.locator(".mxr").wait_for(state="detached", timeout=20_000)
    assert "NOISE" not in page.evaluate(OUTPUTS)
    assert notebook.run_code(0, NONE_LEFT) == "0"
    assert "0" in notebook.run_code(0, "print(current_lab().collection('live').document_count)")


def test_what_workers_print_is_in_its_place_and_an_error_is_told_once(notebook):
    define(notebook, 0)
    notebook.start_code(0, "%process notes noisy --engine ray --into quiet")
    notebook.page.wait_for_function(f"() => /completed/.test(({OUTPUTS})())", timeout=120_000)
    text = notebook.page.evaluate(OUTPUTS)
    assert "NOISE" not in text, "it is folded"
    assert "Traceback" not in text
    assert text.count("cannot read 'bad 13'") == 1
    assert "processors/core.py" in text
    summary = notebook.page.locator("summary", has_text="printed by the extractor")
    summary.focus()
    notebook.page.keyboard.press("Enter")
    notebook.page.wait_for_function(
        "() => ['printed', 'on stderr', 'warned', 'logged'].every((word) =>"
        f" (({OUTPUTS})()).includes(`NOISE ${{word}}`))",
        timeout=20_000,
    )


def test_in_this_kernel_and_without_subshells_the_button_interrupts_the_kernel(
    jupyter, chromium, artifacts, without_subshells
):
    page = chromium.new_page(viewport={"width": 1180, "height": 900}, device_scale_factor=1.5)
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook("here", "None"))
    notebook.run_code(0, LOAD)
    define(notebook, 2.0)
    notebook.start_code(0, "%process notes noisy --engine kernel --into here")
    page.wait_for_selector('[data-step="Slow"].is-working', timeout=30_000)
    page.locator('[data-step="Slow"]', has_text="in this kernel").wait_for(timeout=20_000)
    page.locator(".mxl-failures summary").wait_for(timeout=60_000)
    page.locator(".mxl-failures summary").click()
    page.locator(".mxr").screenshot(path=artifacts / "run_live_dark.png")
    page.locator(".mxl-stop").click()
    page.wait_for_function(
        f"() => (({OUTPUTS})()).includes('The run was stopped after')", timeout=60_000
    )
    assert notebook.run_code(0, "print('alive')") == "alive"
    page.close()
