"""Inputs that are no ordinary rows: nothing, very much, and letters of all kinds."""

from __future__ import annotations

import numpy as np

from mixpeek_lab.harness.agreement import compare_vectors
from mixpeek_lab.harness.answers import Answer
from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.report import Verdict
from mixpeek_lab.harness.texts import EMPTY, LONG, UNICODE
from mixpeek_lab.harness.verdicts import failed, passed, together, warned
from mixpeek_lab.harness.watching import is_frame
from mixpeek_lab.loader.places import place_of
from mixpeek_lab.models import CONTRACT_COLUMNS
from mixpeek_lab.pipeline import to_pandas

EDGE = 1
"""The row that stands beside an ordinary one."""


def empty_batch(evidence: Evidence) -> Verdict:
    """A frame without rows comes back as one."""
    _ = evidence.good_rows
    frame = to_pandas(evidence.table.select(CONTRACT_COLUMNS).slice(0, 0))
    for step in evidence.steps:
        try:
            frame = step.processor(frame)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary to user code
            return warned(
                f"{step.name} fails on a batch without rows: {type(error).__name__}: {error}. Ray "
                "Data leaves such batches out, other engines may not: begin with "
                "`if batch.empty: return batch`.",
                place_of(evidence.subject.source, error),
            )
        if not is_frame(frame) or len(frame):
            return warned(f"{step.name} makes rows of a batch without rows.")
    return passed()


def empty_text(evidence: Evidence) -> Verdict:
    """An empty text is a text."""
    return _beside(evidence, EMPTY, "An empty text", "Give it the vector of an empty string.")


def missing_text(evidence: Evidence) -> Verdict:
    """A row without data does no harm."""
    advice = 'Read the texts with batch["data"].fillna("").'
    found = _beside(evidence, None, "A row without data (None)", advice)
    # The lab leaves such rows out of buckets; the platform's own examples expect them.
    return found if found.outcome != "failed" else warned(found.message, found.where)


def long_text(evidence: Evidence) -> Verdict:
    """A very long text is cut or chunked, and does not fail."""
    advice = "Cut the text to what the model takes, or into chunks."
    return _beside(evidence, LONG, f"A text of {len(LONG):,} characters", advice)


def unicode_text(evidence: Evidence) -> Verdict:
    """Letters of all scripts, emoji and control characters do no harm."""
    return _beside(evidence, UNICODE, "A text of many scripts", "Do not encode it as ASCII.")


def _beside(evidence: Evidence, text: str | None, what: str, advice: str) -> Verdict:
    """Process the text in one batch with an ordinary row, and look at both."""
    ordinary, answer = evidence.beside(text)
    failure = answer.failures.get(EDGE)
    if failure is not None:
        message = f"{what} fails: {failure.kind}: {failure.message}. {advice}"
        return failed(message, failure.where)
    names = [n for n in evidence.features if _has_vector(evidence, n, ordinary)]
    neighbour = [_neighbour_is_well(evidence, answer, ordinary, n, what) for n in names]
    return together([*neighbour, *(_usable(evidence, answer, n, what) for n in names)])


def _has_vector(evidence: Evidence, name: str, row: int) -> bool:
    """Whether texts have this feature at all: it may be another type's."""
    vectors = evidence.vectors(name).get(row)
    return vectors is not None and len(vectors) > 0 and bool(np.isfinite(vectors).all())


def _neighbour_is_well(
    evidence: Evidence, answer: Answer, ordinary: int, name: str, what: str
) -> Verdict:
    """The ordinary row has its vector still. Rows that always depend on others say so elsewhere."""
    before = {0: evidence.vectors(name)[ordinary]}
    found = compare_vectors(before, evidence.vectors(name, answer), [0])
    if found.has_directions and found.has_lengths:
        return passed()
    if not evidence.is_steady or not evidence.is_apart:
        return passed()
    return failed(f"{what} changes the vector {name!r} of the ordinary row beside it.")


def _usable(evidence: Evidence, answer: Answer, name: str, what: str) -> Verdict:
    vectors = evidence.vectors(name, answer).get(EDGE)
    if vectors is None or not len(vectors):
        return passed(f"{what} gives no document.")
    if EDGE in answer.without(name, evidence.features):
        return passed(f"{what} gives a document without {name!r}.")
    if not np.isfinite(vectors).all():
        return failed(f"{what} gives a vector {name!r} with NaN or infinity in it.")
    if (vectors == 0).all(axis=1).any():
        return passed(f"{what} gives a vector {name!r} of zeros, which no search by cosine finds.")
    return passed()
