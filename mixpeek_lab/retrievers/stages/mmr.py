"""`mmr`: maximal marginal relevance. Each next document is relevant, and unlike those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.bodies import MOST, MOST_NAMED, FieldPath
from mixpeek_lab.retrievers.stages.documents import number_at, value_at, with_field
from mixpeek_lab.retrievers.stages.sorting import identity
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


class DiversityFeature(StageParameters):
    """A feature that documents are compared by."""

    feature_uri: str = Field(min_length=1)
    weight: float = Field(1.0, ge=0, le=1)


class MMRParameters(StageParameters):
    """The parameters of `mmr`, with Mixpeek's defaults."""

    lambda_: float = Field(0.7, ge=0, le=1, alias="lambda")
    """1: by relevance alone; 0: as unlike each other as can be."""
    top_k: int = Field(25, ge=1, le=MOST)
    """Documents to keep, at most."""
    diversity_feature_uri: str | None = Field(None, min_length=1)
    """The feature whose vectors say how alike two documents are. Without this, features and fields:
    that of the retriever's first dense search."""
    diversity_features: tuple[DiversityFeature, ...] = Field(
        (), max_length=MOST_NAMED, strict=False
    )
    """Several features, `{feature_uri, weight}` each."""
    diversity_fields: tuple[FieldPath, ...] = Field((), max_length=MOST_NAMED, strict=False)
    """Fields in place of vectors: documents are alike as far as their values are equal."""
    diversity_field_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Field → weight; 1 where it is left out."""
    score_field: FieldPath = "score"
    """The field with the relevance; `score` is the hit's own."""
    mmr_score_field: FieldPath = "scores.mmr"
    """The field that lambda · relevance - (1 - lambda) · likeness is written to."""
    similarity_metric: Literal["cosine", "dot", "euclidean"] = "cosine"
    """How alike two vectors are: the cosine, the dot product, 1 / (1 + distance)."""

    @model_validator(mode="after")
    def _check(self) -> MMRParameters:
        given = (self.diversity_feature_uri, self.diversity_features, self.diversity_fields)
        if sum(map(bool, given)) > 1:
            raise ValueError(
                "give one of diversity_feature_uri, diversity_features and diversity_fields."
            )
        unknown = set(self.diversity_field_weights) - set(self.diversity_fields)
        if unknown:
            raise ValueError(f"diversity_field_weights: {min(unknown)!r} is no diversity_field.")
        return self


def run(hits: Sequence[Hit], parameters: MMRParameters, context: StageContext) -> Outcome:
    """Choose one after the other: the best by lambda · relevance - (1 - lambda) · likeness.

    Relevance is the score, brought to 0 … 1 over the hits; likeness that to the most alike of the
    documents chosen before. Of equal ones the first is chosen. A document without a vector is like
    no other; one without a score has relevance 0.
    """
    import numpy as np

    if not hits:
        return Outcome([])
    relevance = parameters.lambda_ * _relevance(hits, parameters)
    likeness, warnings = _likeness(hits, parameters, context)
    nearest, left = np.zeros(len(hits)), np.ones(len(hits), dtype=bool)
    chosen: list[Hit] = []
    scores: dict[str, dict[str, float]] = {}
    for _ in range(min(parameters.top_k, len(hits))):
        values = relevance - (1 - parameters.lambda_) * nearest
        best = int(np.argmax(np.where(left, values, -np.inf)))
        left[best] = False
        row = likeness.of(best)
        nearest = np.maximum(nearest, row) if chosen else row
        hit, value = hits[best], float(values[best])
        scores[hit.document_id] = {"mmr": value}
        chosen.append(with_field(hit, parameters.mmr_score_field, value, context))
    return Outcome(chosen, scores, warnings)


def _relevance(hits: Sequence[Hit], parameters: MMRParameters) -> Numbers:
    import numpy as np

    scores = [number_at(hit, parameters.score_field) for hit in hits]
    known = [score for score in scores if score is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    width = high - low
    scaled = [
        0.0 if score is None else (score - low) / width if width > 0 else 1.0 for score in scores
    ]
    return np.array(scaled)


class _Likeness:
    """How like each other the hits are, in several spaces; weights sum to 1."""

    def __init__(self, spaces: Sequence[tuple[float, Numbers, str]]) -> None:
        self._spaces = spaces

    def of(self, place: int) -> Numbers:
        """That of all hits to the one at `place`, shape (hits,)."""
        import numpy as np

        found = np.zeros(len(self._spaces[0][1]))
        for weight, rows, metric in self._spaces:
            found += weight * _alike(rows, rows[place], metric)
        return found


def _alike(rows: Numbers, one: Numbers, metric: str) -> Numbers:
    """Rows of NaN are documents without a vector: alike to none."""
    import numpy as np

    if metric == "equal":
        found = (rows == one).astype(np.float64)[:, 0]
    elif metric == "euclidean":
        found = 1 / (1 + np.linalg.norm(rows - one, axis=1))
    else:
        found = rows @ one
    filled: Numbers = np.nan_to_num(found, nan=0.0)
    return filled


def _likeness(
    hits: Sequence[Hit], parameters: MMRParameters, context: StageContext
) -> tuple[_Likeness, tuple[str, ...]]:
    if parameters.diversity_fields:
        weights = [
            parameters.diversity_field_weights.get(f, 1.0) for f in parameters.diversity_fields
        ]
        values = [_coded(hits, field) for field in parameters.diversity_fields]
        return _Likeness(_weighted(weights, values, "equal")), ()
    features: Sequence[tuple[str | None, float]] = [
        (each.feature_uri, each.weight) for each in parameters.diversity_features
    ] or [(parameters.diversity_feature_uri, 1.0)]
    ids = [hit.document_id for hit in hits]
    found = [context.reach.vectors(uri, ids) for uri, _ in features]
    rows = [_rows(ids, vectors, parameters.similarity_metric) for vectors in found]
    without = sum(any(key not in vectors for vectors in found) for key in ids)
    told = f"Stage {context.stage!r}: {without} of {len(hits)} documents have no vector"
    warnings = (f"{told}, and count as unlike all others.",) if without else ()
    weights = [weight for _, weight in features]
    return _Likeness(_weighted(weights, rows, parameters.similarity_metric)), warnings


def _weighted(
    weights: Sequence[float], rows: Sequence[Numbers], metric: str
) -> list[tuple[float, Numbers, str]]:
    total = sum(weights) or 1.0
    return [(weight / total, each, metric) for weight, each in zip(weights, rows, strict=True)]


def _rows(ids: Sequence[str], vectors: Mapping[str, Numbers], metric: str) -> Numbers:
    """The vectors, shape (hits, dim); NaN where there is none."""
    import numpy as np

    dim = len(next(iter(vectors.values()), ()))
    missing = np.full(dim, np.nan)
    rows = np.array([vectors.get(key, missing) for key in ids], dtype=np.float64)
    if metric == "cosine":
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(lengths > 0, lengths, 1.0)
    return rows


def _coded(hits: Sequence[Hit], field: str) -> Numbers:
    """A number for each different value, shape (hits, 1); NaN for none, which equals nothing."""
    import numpy as np

    codes: dict[str, int] = {}
    values = [value_at(hit, field) for hit in hits]
    rows = [
        np.nan if value is None else codes.setdefault(identity(value), len(codes))
        for value in values
    ]
    return np.array(rows, dtype=np.float64)[:, None]


STAGE = Stage(
    "mmr",
    "Choose documents that are relevant and unlike each other (maximal marginal relevance).",
    MMRParameters,
    run,
    names={"top_n": "top_k", "lambda_": "lambda", "lambda_param": "lambda"},
    fields=("diversity_fields", "score_field"),
    icon="shuffle",
)
