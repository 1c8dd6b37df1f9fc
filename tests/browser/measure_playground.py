"""How quick the playground is: `python tests/browser/measure_playground.py`.

Real JupyterLab in headless Chromium, a real kernel, and a retriever of 5 legs that keep 1,000
candidates each over 10,000 documents (`--legs 2`: vectors and words, 100 each). Prints two numbers:
from a slider's move to its repaint, and from a key to the painted results of its query, beyond
the embedding of the query; beside it, what the same key takes in the least widget that asks its
kernel and paints 10 texts. `--engine ray` asks the Ray endpoint, `kernel` the notebook's process.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent)]

from conftest import NotebookPage, find_browser, running_jupyter  # noqa: E402
from measured_lab import texts  # noqa: E402
from playground_parts import leg, payload_of  # noqa: E402

LEGS, CANDIDATES, MOVES, KEYS = 5, 1000, 60, 40
RETRIEVERS = {5: "five", 2: "find"}

FILL = """
import os, sys
os.environ["MIXPEEK_LAB_ENGINE"] = {engine!r}
%load_ext mixpeek_lab
from mixpeek_lab import current_lab
sys.path.insert(0, {tests!r})
from measured_lab import fill
fill(current_lab(), {documents})
print("indexed", {documents}, "documents")
"""
OPEN = "%playground {retriever} {words}"
BARE = "from measured_lab import Bare\nBare()"

# Work of one move: its listeners, then style, layout and paint of the frame that follows. Waiting
# for the screen's next frame is nobody's work, and left out.
MOVE = """(weight) => new Promise((done) => {
  const slider = document.querySelector('.mxp-leg input[type=range]');
  slider.value = weight;
  const begun = performance.now();
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  const handled = performance.now() - begun;
  requestAnimationFrame(() => {
    const frame = performance.now();
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done([handled, handled + performance.now() - frame]);
    channel.port2.postMessage(null);
  });
})"""

# From the key to the end of the frame in which the answer's results stand: its style, layout and
# paint are done when the message that was posted before them arrives.
KEY = """(query) => new Promise((done) => {
  const box = document.querySelector('.mxp-query');
  const app = document.querySelector('.mxp').mixpeek;
  const begun = performance.now();
  box.value = query;
  box.dispatchEvent(new InputEvent('input', { bubbles: true }));
  const look = () => {
    if (app.state.query !== query || app.client.isBusy()) return requestAnimationFrame(look);
    const spans = app.state.payload.spans;
    const embed = spans.find((span) => span.name === 'embed')?.milliseconds ?? 0;
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const whole = performance.now() - begun;
      const tell = () => {
        if (!app.state.times) return setTimeout(tell);
        const { rest, transfer, paint } = app.state.times;
        const sum = spans.reduce((total, span) => total + span.milliseconds, 0);
        return done([whole, embed, sum - embed, rest, transfer, paint]);
      };
      tell();
    };
    return channel.port2.postMessage(null);
  };
  requestAnimationFrame(look);
})"""

# The same of the bare widget.
BARE_KEY = """(query) => new Promise((done) => {
  const widget = document.querySelector('.bare');
  const box = widget.querySelector('input');
  const begun = performance.now();
  box.value = query;
  box.dispatchEvent(new InputEvent('input', { bubbles: true }));
  const look = () => {
    if (widget.dataset.query !== query) return requestAnimationFrame(look);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now() - begun);
    return channel.port2.postMessage(null);
  };
  requestAnimationFrame(look);
})"""


def large(_request: dict[str, Any]) -> dict[str, Any]:
    """A payload of 5 legs of 1,000 candidates out of 3,000 documents."""
    draw = random.Random(7)
    ids = [f"doc_{n:05d}" for n in range(3 * CANDIDATES)]
    legs = []
    for number in range(LEGS):
        scores = sorted((draw.random() for _ in range(CANDIDATES)), reverse=True)
        legs.append(leg(f"leg{number}", draw.sample(ids, CANDIDATES), scores))
    return payload_of(legs)


@dataclass(frozen=True, slots=True)
class Keys:
    """What keys took, in milliseconds."""

    whole: list[float]
    """From the key to the painted results, without the embedding of the query."""
    bare: list[float]
    """The same keys in the bare widget, each right after ours."""
    parts: list[float]
    """Medians: embedding, search, handing over, transfer, painting."""


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[int(0.95 * len(times))]


def told(name: str, times: list[float], limit: float) -> None:
    """One line: median, p95, the largest, and what is asked for."""
    asked = f"asked for: {limit:g} ms; " if limit else ""
    print(
        f"{name:<58} median {statistics.median(times):6.1f} ms   p95 {p95(times):6.1f} ms   "
        f"largest {max(times):6.1f} ms   ({asked}{len(times)} times)"
    )


def moved(page: Any) -> list[tuple[float, float]]:
    """Moves of one weight: milliseconds until it was fused and built, and until it was painted."""
    moves = [n / 30 for n in range(1, MOVES + 1)]
    return [tuple(page.evaluate(MOVE, f"{weight:.3f}")) for weight in moves]


def typed(page: Any, words: str, count: int = KEYS) -> Keys:
    """A query typed one key at a time, in the playground and in the bare widget beside it."""
    keys, bare = [], []
    for n in range(count):
        query = words[: n + 4]
        page.wait_for_function("() => document.querySelector('.mxp').mixpeek.isQuiet()")
        keys.append(page.evaluate(KEY, query))
        page.wait_for_function("() => document.querySelector('.mxp').mixpeek.isQuiet()")
        bare.append(page.evaluate(BARE_KEY, query))
    parts = [statistics.median(column) for column in zip(*keys, strict=True)][1:]
    return Keys([each[0] - each[1] for each in keys], bare, parts)


def measure(page: Any, words: str) -> None:
    """Moves of one weight, then a query typed one key at a time."""
    found = moved(page)
    told("slider: fusing and building", [each[0] for each in found], 16)
    told("slider to repaint", [each[1] for each in found], 16)
    page.locator(".mxp-reset").click()
    keys = typed(page, words)
    told("key to painted results, beyond embedding", keys.whole, 100)
    told("key to painted texts in a bare widget", keys.bare, 0)
    print(
        "  medians of the parts: embedding {:.1f} ms (besides), search {:.1f} ms, handing over "
        "{:.1f} ms, transfer {:.1f} ms, painting {:.1f} ms; the rest is waiting for "
        "frames".format(*keys.parts)
    )


def opened(page: Any, server: Any, engine: str, documents: int = 10_000, legs: int = 5) -> str:
    """A notebook with the playground of a retriever, and the bare widget below; the words of a
    query.
    """
    words = " ".join(texts(8)[7].split()[:12])
    fill = FILL.format(engine=engine, tests=str(HERE.parent), documents=documents)
    show = OPEN.format(retriever=RETRIEVERS[legs], words=words[:3])
    notebook = NotebookPage(page)
    notebook.open(server, server.write_notebook("measured", fill, show, BARE))
    notebook.run_cell(0)
    done = f"indexed {documents} documents"
    page.locator(".jp-OutputArea-output", has_text=done).wait_for(timeout=300_000)
    notebook.run_cell(1)
    page.locator(".mxp-hit").first.wait_for(timeout=120_000)
    page.locator(".jp-CodeCell .jp-InputArea .cm-content").nth(2).scroll_into_view_if_needed()
    notebook.run_cell(2)
    page.locator(".bare").wait_for()
    page.locator(".mxp-query").scroll_into_view_if_needed()
    page.wait_for_timeout(2000)
    return words


def open_playground(chromium: Any, folder: Path, options: argparse.Namespace) -> None:
    """JupyterLab with the playground in a notebook; measure it there."""
    with running_jupyter(folder) as server:
        page = chromium.new_page(viewport={"width": 1400, "height": 2000})
        words = opened(page, server, options.engine, options.documents, options.legs)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        measure(page, words)
        page.close()


def main() -> None:
    """Measure both and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--legs", type=int, choices=sorted(RETRIEVERS), default=5)
    parser.add_argument("--engine", choices=["kernel", "ray"], default="kernel")
    options = parser.parse_args()
    path = find_browser()
    if path is None:
        sys.exit("There is no Chromium or Google Chrome on PATH.")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        arguments = ["--no-sandbox", "--disable-gpu"]
        chromium = driver.chromium.launch(executable_path=path, args=arguments)
        print(f"{options.documents:,} documents, {options.legs} legs, engine {options.engine}")
        open_playground(chromium, Path(folder), options)
        chromium.close()


if __name__ == "__main__":
    main()
