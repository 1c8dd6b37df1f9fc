"""`sort_relevance`: order the documents by a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.stages.documents import number_at
from mixpeek_lab.retrievers.stages.sorting import Direction
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters


class SortRelevanceParameters(StageParameters):
    """The parameters of `sort_relevance`, with Mixpeek's defaults."""

    score_field: FieldPath = "score"
    """The field with the score; `score` is the hit's own."""
    direction: Direction = "desc"
    """`desc`: the highest score first."""
    missing_score: Literal["bottom", "top", "preserve"] = "bottom"
    """Where documents without a number there go: last, first, or they keep their places."""


def run(hits: Sequence[Hit], parameters: SortRelevanceParameters, context: StageContext) -> Outcome:
    """Sort by the score. Equal scores keep their order."""
    scores = [number_at(hit, parameters.score_field) for hit in hits]
    sign = -1.0 if parameters.direction == "desc" else 1.0
    scored = [(sign * score, i) for i, score in enumerate(scores) if score is not None]
    ordered = [hits[i] for _, i in sorted(scored)]
    unscored = [hit for hit, score in zip(hits, scores, strict=True) if score is None]
    if parameters.missing_score == "preserve":
        rest = iter(ordered)
        found = [h if s is None else next(rest) for h, s in zip(hits, scores, strict=True)]
    elif parameters.missing_score == "top":
        found = [*unscored, *ordered]
    else:
        found = [*ordered, *unscored]
    return Outcome(found, warnings=_told(len(unscored), len(hits), parameters, context))


def _told(
    missing: int, count: int, parameters: SortRelevanceParameters, context: StageContext
) -> tuple[str, ...]:
    if not missing:
        return ()
    where = f"no number in the field {parameters.score_field!r}"
    return (f"Stage {context.stage!r}: {missing} of {count} documents have {where}.",)


STAGE = Stage(
    "sort_relevance",
    "Order the documents by their score, or by a field with another score.",
    SortRelevanceParameters,
    run,
    icon="arrow-down-wide-narrow",
)
