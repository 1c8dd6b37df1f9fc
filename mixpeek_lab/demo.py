"""The main job, headless: real text → extractor → collection → three queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mixpeek_lab.corpora import docstrings
from mixpeek_lab.examples import TEXT_EMBEDDER
from mixpeek_lab.models import Progress
from mixpeek_lab.widgets.cards import BucketCard, ExtractorCard, Results
from mixpeek_lab.widgets.report import format_progress, format_report
from mixpeek_lab.workbench import Lab

QUERIES = (
    "read a table from a CSV file",
    "wait for several tasks to finish",
    "the largest value in a group",
)
RETRIEVER = {
    "collection": "docstrings_text_embedder",
    "searches": [{"feature": "text_embedding"}, {"lexical": True}],
    "fusion": "rrf",
}


def run_demo(
    say: Callable[[str], None], *, documents: int = 1500, home: str | Path | None = None
) -> None:
    """Index `documents` docstrings of the installed packages and search them.

    `say` gets what is worth reading, line by line. Running it again computes nothing anew.
    """
    begun = time.perf_counter()
    with Lab(home) as lab:
        lab.start(serve=False)
        definition = lab.load(TEXT_EMBEDDER)
        say(str(ExtractorCard("text_embedder", definition.manifest, definition.findings, True)))
        bucket = lab.bucket("docstrings", docstrings(limit=documents))
        say(str(BucketCard(bucket)))
        report = lab.process("docstrings", "text_embedder", on_progress=_every_few_seconds(say))
        say(format_report(report, timings=True))
        lab.retriever("docs", RETRIEVER)
        for query in QUERIES:
            say(f"\n{query!r}")
            say(str(Results(lab.search("docs", query, limit=5))))
    say(f"\nDone in {time.perf_counter() - begun:.0f} s. `make lab` opens the same in a notebook.")


def _every_few_seconds(say: Callable[[str], None]) -> Callable[[Progress], None]:
    last = [0.0]

    def show(progress: Progress) -> None:
        if time.perf_counter() - last[0] > 3 or progress.done == progress.total:
            last[0] = time.perf_counter()
            say(format_progress(progress, timings=True))

    return show
