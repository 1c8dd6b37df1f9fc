"""Ray Data, and whether the realtime service and the batch processor speak of the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixpeek_lab.errors import ExtractorError
from mixpeek_lab.harness.agreement import COSINE, NORM, Agreement, compare_vectors
from mixpeek_lab.harness.checks.behaviour import same_answer
from mixpeek_lab.harness.checks.vectors import NO_VECTORS
from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.report import Verdict
from mixpeek_lab.harness.verdicts import NoEvidenceError, failed, passed, skipped, together, warned
from mixpeek_lab.loader import query_vector
from mixpeek_lab.models import JSON

LONGEST = 60
"""Characters of a text that are shown."""
MOST_TEXTS = 12
"""Texts that the service is asked for each feature."""
INSTEAD = (
    "Use the same model, the same preprocessing and the same normalisation in both; where they "
    "differ on purpose, as with query prefixes, say why with --no-parity (no_parity=)."
)


def runs_on_ray(evidence: Evidence) -> Verdict:
    """Ray Data's map_batches, with Arrow in and out, gives what the kernel gives."""
    answer = evidence.on_ray
    if evidence.has_prepare:
        if answer.documents.num_rows:
            return passed("The package's `prepare` changes the rows: not compared with the kernel.")
        return failed("No row came through, with the package's `prepare` before the steps.")
    advice = "Workers are processes of their own: load what is needed in setup()."
    return same_answer(evidence, answer, "Ray Data", advice)


def agrees_with_batch(evidence: Evidence) -> Verdict:
    """The same text has the same direction in a document and in a query."""
    return together(_same_direction(parity) for parity in _parities(evidence))


def has_the_same_lengths(evidence: Evidence) -> Verdict:
    """The same text has a vector of the same length in a document and in a query."""
    try:
        parities = _parities(evidence)
    except ExtractorError as error:
        raise NoEvidenceError("The service does not answer: see TST602.") from error
    return together(_same_length(parity, evidence) for parity in parities)


@dataclass(frozen=True, slots=True)
class _Parity:
    """How one feature's documents and queries agree."""

    name: str
    texts: dict[int, str]
    """What was asked for, by row; empty where there was nothing to ask."""
    found: Agreement

    def text(self, row: int | None) -> str:
        text = " ".join(self.texts[row].split()) if row is not None else ""
        return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


def _same_direction(parity: _Parity) -> Verdict:
    name, found = parity.name, parity.found
    if not parity.texts:
        return skipped(f"No document of {name!r} has one text of its own to ask the service for.")
    measured: dict[str, JSON] = {f"{name}_worst_cosine": round(found.cosine, 9)}
    if found.unequal:
        return failed(
            f"The service's {name!r} has another dimension than the batch's. {INSTEAD}",
            "realtime.py",
        )
    told = f"{name}: worst cosine {found.cosine:.6f} over {len(parity.texts)} texts"
    if found.has_directions:
        return passed(f"{told}.", **measured)
    return failed(
        f"Queries and documents are not embedded alike. {told} (at least {COSINE} is needed), for "
        f"{parity.text(found.cosine_row)}. {INSTEAD}",
        "realtime.py",
        **measured,
    )


def _same_length(parity: _Parity, evidence: Evidence) -> Verdict:
    name, found = parity.name, parity.found
    if not parity.texts or not found.has_directions:
        return skipped(f"{name!r} is not the same in batch and realtime: see TST602.")
    measured: dict[str, JSON] = {f"{name}_worst_norm_difference": round(found.norm, 9)}
    if found.has_lengths:
        return passed(f"{name}: within {NORM:.1%}.", **measured)
    told = (
        f"Lengths of {name!r} differ by up to {found.norm:.1%} between batch and realtime, for "
        f"{parity.text(found.norm_row)}. Normalise in both, or in neither."
    )
    if evidence.subject.metric_of[name] == "cosine":
        return warned(f"{told} The metric cosine overlooks it.", "realtime.py", **measured)
    return failed(told, "realtime.py", **measured)


def _parities(evidence: Evidence) -> list[_Parity]:
    _demand_comparable(evidence)
    return [_parity(evidence, name) for name in evidence.features]


def _demand_comparable(evidence: Evidence) -> None:
    """No evidence, and why, where batch and realtime do not do the same work."""
    subject = evidence.subject
    if "realtime.py" not in subject.source.paths:
        raise NoEvidenceError("The extractor is batch only: it has no realtime.py.")
    if subject.no_parity:
        raise NoEvidenceError(f"Parity was not asked for: {subject.no_parity}")
    if subject.manifest.inference_type not in (None, "embedding"):
        raise NoEvidenceError(
            f"The service does not embed: its inference_type is {subject.manifest.inference_type}."
        )
    if not evidence.features:
        raise NoEvidenceError(NO_VECTORS)
    if not evidence.samples.texts:
        raise NoEvidenceError(
            "The batch processor takes no texts here, and queries are texts: nothing is the same."
        )


def _parity(evidence: Evidence, name: str) -> _Parity:
    texts, documents = _pairs(evidence, name)
    queries = {
        row: query_vector(evidence.embedded(text, name), name)[None] for row, text in texts.items()
    }
    return _Parity(name, texts, compare_vectors(documents, queries, texts))


def _pairs(
    evidence: Evidence, name: str
) -> tuple[dict[int, str], dict[int, npt.NDArray[np.float64]]]:
    """Texts to ask for, and the documents' vectors (1, dim) that they should give, by row.

    A row that became one document is asked for by its text; of one that was cut into chunks, the
    first chunk, where `data` is the chunk's own text.
    """
    by_row = evidence.vectors(name)
    chunks = evidence.first.values("data")
    found, vectors = {}, {}
    for row, text in evidence.samples.texts.items():
        given = by_row.get(row)
        if given is None or not len(given) or not np.isfinite(given[0]).all():
            continue
        is_cut = len(given) > 1
        if is_cut and (not isinstance(chunks[row][0], str) or chunks[row][0] == chunks[row][1]):
            continue
        found[row] = chunks[row][0] if is_cut else text
        vectors[row] = given[:1]
        if len(found) == MOST_TEXTS:
            break
    return found, vectors
