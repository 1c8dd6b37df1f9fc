"""`classify`: a classifying extractor labels each document; order and scores stay."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from mixpeek_lab.loader.contracts import Label, read_labels
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST, MOST_TEXT, FieldPath
from mixpeek_lab.retrievers.stages.documents import texts_of, with_field
from mixpeek_lab.retrievers.stages.stage import (
    ExtractorParameters,
    Outcome,
    Stage,
    StageContext,
)


class ClassifyParameters(ExtractorParameters):
    """The parameters of `classify`, with Mixpeek's defaults."""

    output_field: FieldPath = "classification"
    """The field that the labels are written to: `[{label, confidence}]`, most confident first."""
    top_k_labels: int | None = Field(None, ge=1, le=MOST)
    min_confidence: float | None = Field(None, ge=0, le=1)
    max_document_chars: int = Field(5000, ge=1, le=MOST_TEXT)
    """Characters of each text that are sent."""


def run(hits: Sequence[Hit], parameters: ClassifyParameters, context: StageContext) -> Outcome:
    """Label every document that has a text. The others get an empty list."""
    texts, warnings = texts_of(
        hits, parameters.document_field, parameters.max_document_chars, context
    )
    asked: list[dict[str, JSON]] = [{"text": text} for text in texts if text is not None]
    answers = iter(context.infer(parameters.extractor, asked))
    name = parameters.extractor.text
    found: dict[str, list[JSON]] = {}
    for hit, text in zip(hits, texts, strict=True):
        labels = () if text is None else read_labels(name, next(answers))
        found[hit.document_id] = _chosen(labels, parameters)
    return Outcome(
        [with_field(h, parameters.output_field, found[h.document_id], context) for h in hits],
        {document_id: {"labels": labels} for document_id, labels in found.items()},
        warnings,
    )


def _chosen(labels: Sequence[Label], parameters: ClassifyParameters) -> list[JSON]:
    least = parameters.min_confidence or 0.0
    best = sorted(labels, key=lambda label: -label.confidence)
    kept = [label for label in best if label.confidence >= least][: parameters.top_k_labels]
    return [{"label": label.label, "confidence": label.confidence} for label in kept]


STAGE = Stage(
    "classify",
    "Label each document with a classifying extractor.",
    ClassifyParameters,
    run,
    needs="classify",
    names={"extractor": "inference_name", "content_field": "document_field"},
)
