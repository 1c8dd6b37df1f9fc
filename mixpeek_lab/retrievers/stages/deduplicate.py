"""`deduplicate`: of documents that are alike keep one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.documents import value_at
from mixpeek_lab.retrievers.stages.sorting import identity
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

_WORDS = re.compile(r"\w+")


class DeduplicateParameters(StageParameters):
    """The parameters of `deduplicate`, with Mixpeek's defaults."""

    strategy: Literal["field", "content"] = "field"
    """`field`: alike are those with the same values; `content`: those with nearly the same text."""
    fields: tuple[str, ...] = Field((), strict=False)
    """For `field`: the fields that are compared. Documents that have none of them are all kept."""
    content_field: str = Field("content", min_length=1)
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


def run(hits: Sequence[Hit], parameters: DeduplicateParameters, _: StageContext) -> Outcome:
    """Leave out what is like a document that stays. The order stays."""
    ordered = hits if parameters.keep == "first" else list(reversed(hits))
    choose = _by_fields if parameters.strategy == "field" else _by_content
    kept = choose(ordered, parameters)
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


def _by_content(hits: Sequence[Hit], parameters: DeduplicateParameters) -> list[Hit]:
    kept: list[Hit] = []
    sizes: list[int] = []
    holding: dict[str, list[tuple[int, int]]] = {}
    """Pair of words → the kept texts that have it, and how often."""
    for hit in hits:
        pairs = _pairs(value_at(hit, parameters.content_field), parameters)
        if pairs and _is_known(pairs, sizes, holding, parameters.similarity_threshold):
            continue
        kept.append(hit)
        if pairs:
            for pair, count in pairs.items():
                holding.setdefault(pair, []).append((len(sizes), count))
            sizes.append(pairs.total())
    return kept


def _pairs(text: JSON, parameters: DeduplicateParameters) -> Counter[str]:
    """The pairs of neighbouring words in a text; the word itself, of a text of one."""
    if not isinstance(text, str):
        return Counter()
    words = _WORDS.findall(text if parameters.case_sensitive else text.casefold())
    if len(words) == 1:
        return Counter(words)
    return Counter(f"{one} {other}" for one, other in pairwise(words))


def _is_known(
    pairs: Counter[str],
    sizes: Sequence[int],
    holding: dict[str, list[tuple[int, int]]],
    threshold: float,
) -> bool:
    shared: Counter[int] = Counter()
    for pair, count in pairs.items():
        for i, other in holding.get(pair, ()):
            shared[i] += min(count, other)
    size = pairs.total()
    if not threshold:
        return bool(sizes)
    return any(2 * count >= threshold * (size + sizes[i]) for i, count in shared.items())


STAGE = Stage(
    "deduplicate",
    "Of documents with the same values, or nearly the same text, keep one.",
    DeduplicateParameters,
    run,
    icon="copy-minus",
)
