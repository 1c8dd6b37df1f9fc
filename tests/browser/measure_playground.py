"""How quick the playground is: `python tests/browser/measure_playground.py [--documents 10000]`.

A real lab (kernel engine, hashed vectors and BM25) behind a real widget in headless Chromium.
Prints two numbers: from a slider's move to its repaint for 5 legs of 1,000 candidates, and from a
key to the painted results of its query, beyond the embedding of the query.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent)]

from conftest import find_browser  # noqa: E402
from packages import HASH_EMBEDDER  # noqa: E402
from playground_parts import leg, payload_of  # noqa: E402
from widget_page import WidgetPage  # noqa: E402

from mixpeek_lab.corpora import docstrings  # noqa: E402
from mixpeek_lab.widgets.playground import Playground  # noqa: E402
from mixpeek_lab.workbench import Lab  # noqa: E402

LEGS, CANDIDATES, MOVES, KEYS = 5, 1000, 60, 40

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

# From the key to the frame after the one in which the answer's results stand.
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
    return requestAnimationFrame(() => setTimeout(() => {
      const { transfer, paint } = app.state.times ?? { transfer: 0, paint: 0 };
      const spans = app.state.payload.spans.reduce((sum, span) => sum + span.milliseconds, 0);
      done([performance.now() - begun, embed, spans - embed, transfer, paint]);
    }));
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


def texts(count: int) -> list[str]:
    """Texts of real docstrings; where there are too few, new ones out of their sentences."""
    found = [each["text"] for each in docstrings()][:count]
    sentences = [part for text in found for part in text.split(". ") if part]
    draw = random.Random(3)
    found += [". ".join(draw.choices(sentences, k=6)) for _ in range(count - len(found))]
    return found


def told(name: str, times: list[float], limit: float) -> None:
    """One line: median, p95, the largest, and what is asked for."""
    ordered = sorted(times)
    p95 = ordered[int(0.95 * len(ordered))]
    print(
        f"{name:<58} median {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms   "
        f"largest {ordered[-1]:6.1f} ms   (asked for: {limit:g} ms; {len(times)} times)"
    )


def measure_slider(chromium: Any) -> None:
    """Moves of one weight, 5 legs of 1,000 candidates."""
    opened = WidgetPage(chromium, Playground(large, "large", "gamma"))
    moves = [n / 30 for n in range(1, MOVES + 1)]
    found = [opened.page.evaluate(MOVE, f"{weight:.3f}") for weight in moves]
    told("slider: fusing and building, 5 legs of 1,000", [each[0] for each in found], 16)
    told("slider to repaint, 5 legs of 1,000", [each[1] for each in found], 16)
    opened.page.close()


def measure_keys(chromium: Any, documents: int) -> None:
    """Queries typed one key at a time into a playground over a real collection."""
    with tempfile.TemporaryDirectory() as home:
        lab = Lab(home)
        lab.load(HASH_EMBEDDER)
        rows = [{"_id": f"{n}", "text": text} for n, text in enumerate(texts(documents))]
        begun = time.perf_counter()
        lab.bucket("corpus", rows)
        lab.process("corpus", "hash_embedder", "docs", engine="kernel")
        print(f"{documents:,} documents indexed in {time.perf_counter() - begun:.0f} s")
        searches = [{"feature": "hash_embedding"}, {"lexical": True}]
        lab.retriever("find", {"collection": "docs", "searches": searches})
        widget = Playground(lambda request: lab.playing.search("find", request), "find")
        opened = WidgetPage(chromium, widget)
        words = " ".join(rows[7]["text"].split()[:12])
        opened.ask(words[:3])
        found = [opened.page.evaluate(KEY, words[: n + 4]) for n in range(KEYS)]
        told(f"key to painted results, {documents:,} documents, beyond embedding",
             [each[0] - each[1] for each in found], 100)  # fmt: skip
        parts = [statistics.median(column) for column in zip(*found, strict=True)][1:]
        print(
            "  medians of the parts: embedding {:.1f} ms (besides), search {:.1f} ms, "
            "transfer {:.1f} ms, painting {:.1f} ms; the rest is the pause and frames".format(
                *parts
            )
        )
        opened.page.close()


def main() -> None:
    """Measure both and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    options = parser.parse_args()
    path = find_browser()
    if path is None:
        sys.exit("There is no Chromium or Google Chrome on PATH.")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu"]
        chromium = driver.chromium.launch(executable_path=path, args=arguments)
        measure_slider(chromium)
        measure_keys(chromium, options.documents)
        chromium.close()


if __name__ == "__main__":
    main()
