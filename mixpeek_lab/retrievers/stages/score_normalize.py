"""`score_normalize`: bring scores to a common scale; the order stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, fsum, hypot, sqrt
from typing import Literal

from pydantic import model_validator

from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.stages.documents import number_at, with_field
from mixpeek_lab.retrievers.stages.stage import (
    OWN_NAMES,
    Outcome,
    Stage,
    StageContext,
    StageParameters,
)


class ScoreNormalizeParameters(StageParameters):
    """The parameters of `score_normalize`, with Mixpeek's defaults."""

    not_written = OWN_NAMES - {"score"}
    method: Literal["min_max", "z_score", "softmax", "l2"] = "min_max"
    """(x - min) / (max - min); (x - mean) / standard deviation; e^x / sum of e^x; x / length."""
    score_field: FieldPath = "score"
    """The field with the score; `score` is the hit's own."""
    output_field: FieldPath | None = None
    """Where the new score is written; over the old one where it is left out."""
    min_value: float | None = None
    """For min_max: the score that becomes 0, as do all below it; the lowest one otherwise."""
    max_value: float | None = None
    """For min_max: the score that becomes 1, as do all above it; the highest one otherwise."""

    @model_validator(mode="after")
    def _check(self) -> ScoreNormalizeParameters:
        low, high = self.min_value, self.max_value
        if low is not None and high is not None and low >= high:
            raise ValueError(f"min_value must be less than max_value, got {low:g} and {high:g}.")
        return self


def run(
    hits: Sequence[Hit], parameters: ScoreNormalizeParameters, context: StageContext
) -> Outcome:
    """Rescale. Documents without a number in the field stay as they are.

    Where all scores are the same, min_max gives 1 and z_score 0.
    """
    scores = [number_at(hit, parameters.score_field) for hit in hits]
    known = [score for score in scores if score is not None]
    scaled = iter(_METHODS[parameters.method](known, parameters) if known else ())
    found: list[Hit] = []
    effects: dict[str, dict[str, float]] = {}
    for hit, score in zip(hits, scores, strict=True):
        if score is None:
            found.append(hit)
            continue
        value = next(scaled)
        effects[hit.document_id] = {"score": score, "normalized": value}
        found.append(_written(hit, value, parameters, context))
    missing = len(hits) - len(known)
    told = f"{missing} of {len(hits)} documents have no number in {parameters.score_field!r}"
    warnings = (f"Stage {context.stage!r}: {told}.",) if missing else ()
    return Outcome(found, effects, warnings)


def _written(
    hit: Hit, value: float, parameters: ScoreNormalizeParameters, context: StageContext
) -> Hit:
    field = parameters.output_field or parameters.score_field
    return replace(hit, score=value) if field == "score" else with_field(hit, field, value, context)


def _min_max(scores: Sequence[float], parameters: ScoreNormalizeParameters) -> list[float]:
    low = min(scores) if parameters.min_value is None else parameters.min_value
    high = max(scores) if parameters.max_value is None else parameters.max_value
    if high <= low:
        return [1.0 if score >= high else 0.0 for score in scores]
    return [min(1.0, max(0.0, (score - low) / (high - low))) for score in scores]


def _z_score(scores: Sequence[float], _: ScoreNormalizeParameters) -> list[float]:
    mean = fsum(scores) / len(scores)
    deviation = sqrt(fsum((score - mean) ** 2 for score in scores) / len(scores))
    return [(score - mean) / deviation if deviation else 0.0 for score in scores]


def _softmax(scores: Sequence[float], _: ScoreNormalizeParameters) -> list[float]:
    highest = max(scores)
    powers = [exp(score - highest) for score in scores]
    total = fsum(powers)
    return [power / total for power in powers]


def _l2(scores: Sequence[float], _: ScoreNormalizeParameters) -> list[float]:
    length = hypot(*scores)
    return [score / length if length else 0.0 for score in scores]


_METHODS: dict[str, Callable[[Sequence[float], ScoreNormalizeParameters], list[float]]] = {
    "min_max": _min_max,
    "z_score": _z_score,
    "softmax": _softmax,
    "l2": _l2,
}

STAGE = Stage(
    "score_normalize",
    "Bring scores to a common scale; the order stays.",
    ScoreNormalizeParameters,
    run,
    icon="ruler",
)
