"""`rerank`: a reranking extractor scores each document against the query; the best come first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from mixpeek_lab.loader.contracts import read_scores
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST, MOST_TEXT, FieldPath
from mixpeek_lab.retrievers.stages.documents import texts_of, with_field
from mixpeek_lab.retrievers.stages.stage import (
    ExtractorParameters,
    Outcome,
    Stage,
    StageContext,
)


class RerankParameters(ExtractorParameters):
    """The parameters of `rerank`, with Mixpeek's defaults."""

    query: str | None = Field(None, min_length=1)
    """A template; the request's own text where it is left out."""
    top_k: int | None = Field(None, ge=1, le=MOST)
    """How many documents are passed on; all where it is left out."""
    max_candidates: int | None = Field(None, ge=1, le=MOST)
    """How many documents are scored, the first ones; the others are left out."""
    score_field: FieldPath = "scores.rerank"
    """The field that the score is written to."""
    max_document_chars: int = Field(2000, ge=1, le=MOST_TEXT)
    """Characters of each text that are sent."""
    batch_size: int = Field(32, ge=1, le=MOST)
    """Pairs in one request to the service."""


def run(hits: Sequence[Hit], parameters: RerankParameters, context: StageContext) -> Outcome:
    """Sort by the service's scores, larger ones first. Equal scores keep their order.

    A document without a text is scored as an empty one.
    """
    query = context.query(parameters.query)
    candidates = hits[: parameters.max_candidates]
    texts, warnings = texts_of(
        candidates, parameters.document_field, parameters.max_document_chars, context
    )
    scores = _scores([[query, text or ""] for text in texts], parameters, context)
    order = sorted(range(len(candidates)), key=lambda i: -scores[i])[: parameters.top_k]
    left_out = len(hits) - len(candidates)
    if left_out:
        told = f"Stage {context.stage!r}: {left_out} documents beyond max_candidates are left out."
        warnings = (*warnings, told)
    return Outcome(
        [_scored(candidates[i], scores[i], parameters, context) for i in order],
        {candidates[i].document_id: {"score": scores[i]} for i in order},
        warnings,
    )


def _scores(
    pairs: list[list[str]], parameters: RerankParameters, context: StageContext
) -> list[float]:
    size = parameters.batch_size
    batches: list[dict[str, JSON]] = [
        {"pairs": pairs[begin : begin + size]} for begin in range(0, len(pairs), size)
    ]
    answers = context.infer(parameters.extractor, batches)
    name = parameters.extractor.text
    return [
        score
        for batch, answer in zip(batches, answers, strict=True)
        for score in read_scores(name, answer, len(batch["pairs"]))
    ]


def _scored(hit: Hit, score: float, parameters: RerankParameters, context: StageContext) -> Hit:
    return replace(with_field(hit, parameters.score_field, score, context), score=score)


STAGE = Stage(
    "rerank",
    "Score each document against the query with a reranking extractor, and sort by that.",
    RerankParameters,
    run,
    needs="rerank",
    names={"extractor": "inference_name", "top_n": "top_k", "content_field": "document_field"},
    templates=("query",),
)
