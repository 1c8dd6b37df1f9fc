"""`deduplicate`: of documents that are alike keep one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Literal

from pydantic import Field, model_validator

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST_NAMED, FieldPath
from mixpeek_lab.retrievers.stages.documents import value_at
from mixpeek_lab.retrievers.stages.sorting import identity
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

MOST_COMPARED = 500_000
"""Pairs of texts that are compared in one search, at most."""
_WORDS = re.compile(r"\w+")


class DeduplicateParameters(StageParameters):
    """The parameters of `deduplicate`, with Mixpeek's defaults."""

    strategy: Literal["field", "content"] = "field"
    """`field`: alike are those with the same values; `content`: those with nearly the same text."""
    fields: tuple[FieldPath, ...] = Field((), max_length=MOST_NAMED, strict=False)
    """For `field`: the fields that are compared. Documents that have none of them are all kept."""
    content_field: FieldPath = "content"
    """For `content`: the field with the text. Documents without one are all kept."""
    similarity_threshold: float = Field(0.95, ge=0, le=1)
    """For `content`: twice the pairs of neighbouring words that two texts share, by the number of
    pairs in both, from which they are alike."""
    keep: Literal["first", "last"] = "first"
    """Which one stays."""
    case_sensitive: bool = True
    """Whether texts that differ in upper and lower case differ."""

    @model_validator(mode="after")
    def _check(self) -> DeduplicateParameters:
        if self.strategy == "field" and not self.fields:
            raise ValueError("strategy 'field' needs `fields`: a list of fields to compare.")
        return self


def run(hits: Sequence[Hit], parameters: DeduplicateParameters, context: StageContext) -> Outcome:
    """Leave out what is like a document that stays. The order stays."""
    ordered = hits if parameters.keep == "first" else list(reversed(hits))
    if parameters.strategy == "field":
        kept = _by_fields(ordered, parameters)
    else:
        kept = _by_content(ordered, parameters, context)
    return Outcome(kept if parameters.keep == "first" else list(reversed(kept)))


def _by_fields(hits: Sequence[Hit], parameters: DeduplicateParameters) -> list[Hit]:
    known: set[tuple[str, ...]] = set()
    kept = []
    for hit in hits:
        values = [value_at(hit, field) for field in parameters.fields]
        key = tuple(identity(_folded(value, parameters)) for value in values)
        has_any = any(value is not None for value in values)
        if not has_any or key not in known:
            kept.append(hit)
        if has_any:
            known.add(key)
    return kept


def _folded(value: JSON, parameters: DeduplicateParameters) -> JSON:
    if parameters.case_sensitive:
        return value
    if isinstance(value, list | tuple):
        return [_folded(entry, parameters) for entry in value]
    return value.casefold() if isinstance(value, str) else value


def _by_content(
    hits: Sequence[Hit], parameters: DeduplicateParameters, context: StageContext
) -> list[Hit]:
    texts = [_pairs(value_at(hit, parameters.content_field), parameters) for hit in hits]
    threshold, compared = parameters.similarity_threshold, 0
    # Texts that are alike share one of their rarest pairs: only those with one are compared.
    frequency = Counter(pair for pairs in texts for pair in pairs)
    holding: dict[str, list[int]] = {}
    kept: list[int] = []
    for i, pairs in enumerate(texts):
        rarest = _telling(pairs, frequency, threshold)
        others = dict.fromkeys(other for pair in rarest for other in holding.get(pair, ()))
        compared += len(others)
        if compared > MOST_COMPARED:
            raise RetrieverError(
                f"stage {context.stage!r}: {len(hits):,} documents are too many to compare their "
                "texts with each other. Put a limit before the stage."
            )
        if any(_are_alike(pairs, texts[other], threshold) for other in others):
            continue
        kept.append(i)
        for pair in rarest:
            holding.setdefault(pair, []).append(i)
    return [hits[i] for i in kept]


def _pairs(text: JSON, parameters: DeduplicateParameters) -> frozenset[str]:
    """The pairs of neighbouring words in a text, numbered where one comes again; of a text of one
    word the word itself.
    """
    if not isinstance(text, str):
        return frozenset()
    words = _WORDS.findall(text if parameters.case_sensitive else text.casefold())
    pairs = [f"{one} {other}" for one, other in pairwise(words)] or words
    counts: Counter[str] = Counter()
    found = []
    for pair in pairs:
        counts[pair] += 1
        found.append(f"{pair} #{counts[pair]}")
    return frozenset(found)


def _telling(pairs: frozenset[str], frequency: Counter[str], threshold: float) -> list[str]:
    """The rarest pairs of a text, so many that any text that is alike has one of them too.

    A text that is alike shares at least the part t / (2 - t) of this one's pairs.
    """
    shared = ceil(len(pairs) * threshold / (2 - threshold) - 1e-9)
    ordered = sorted(pairs, key=lambda pair: (frequency[pair], pair))
    return ordered[: len(pairs) - max(1, shared) + 1]


def _are_alike(one: frozenset[str], other: frozenset[str], threshold: float) -> bool:
    sizes = len(one) + len(other)
    if 2 * min(len(one), len(other)) < threshold * sizes:
        return False
    shared = len(one & other)
    return shared > 0 and 2 * shared >= threshold * sizes


STAGE = Stage(
    "deduplicate",
    "Of documents with the same values, or nearly the same text, keep one.",
    DeduplicateParameters,
    run,
    fields=("fields", "content_field"),
    icon="copy-minus",
)
