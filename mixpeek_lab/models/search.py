"""What a search found, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mixpeek_lab.models.json import JSON

LINE = 500
"""Characters of one line about the answer as a whole."""
SUMMARY = 60
"""Characters of text in a hit's summary."""


class Candidates(NamedTuple):
    """What one leg found: documents best first, and their scores, larger ones better."""

    document_ids: Sequence[str]
    scores: Sequence[float]


NO_CANDIDATES = Candidates((), ())


@dataclass(frozen=True, slots=True)
class Leg:
    """One arm of a search: its candidates, best first. Larger scores are better."""

    name: str
    kind: Literal["dense", "lexical"]
    weight: float
    document_ids: tuple[str, ...]
    scores: tuple[float, ...]
    feature_uri: str = ""
    metric: str = ""
    top_k: int = 0
    milliseconds: float = 0.0


@dataclass(slots=True)
class Contribution:
    """What one leg gave to one hit. `rank` counts from 1; None: the leg did not find it."""

    leg: str
    rank: int | None
    score: float | None
    normalised: float | None
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class StageEffect:
    """What one stage after the fusion did to a hit: where it stood, and what was found out."""

    stage: str
    rank_before: int | None
    """After the fusion, for the first of the stages. None: the stage made the hit."""
    score_before: float | None
    rank: int
    score: float
    found: Mapping[str, JSON]
    """The stage's own: `score` of a reranker, `labels`, `keep` and `reason`, `text`."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search."""

    document_id: str
    """Of the document, in its collection."""
    collection_id: str
    """Of the collection that has it."""
    rank: int
    """From 1."""
    score: float
    """What fusion and later stages gave it."""
    fields: Mapping[str, JSON]
    """The document's fields, by name."""
    lineage: Mapping[str, JSON]
    """Where the document comes from, as the API tells it."""
    contributions: tuple[Contribution, ...] = ()
    """Of each leg that found it: rank, score, weight, and what it gave to the score."""
    effects: tuple[StageEffect, ...] = ()
    """Of the retriever's later stages, in their order."""

    @property
    def summary(self) -> str:
        """One line: rank, score, document id, the first text among the fields."""
        texts = (" ".join(v.split()) for v in self.fields.values() if isinstance(v, str))
        text = next(texts, "")
        cut = text if len(text) <= SUMMARY else text[: SUMMARY - 1].rstrip() + "…"
        return f"{self.rank:>2}  {self.score:.4g}  {self.document_id}  {cut}".rstrip()


@dataclass(frozen=True, slots=True)
class Span:
    """One timed part of a search, with the rows that went in and came out."""

    name: str
    milliseconds: float
    rows_in: int = 0
    rows_out: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class SearchResult:
    """What a retriever answered, with all that is needed to explain it."""

    execution_id: str
    """Of this one answer."""
    retriever: str
    """Its name."""
    query: Mapping[str, JSON]
    """What was asked: its inputs by name."""
    hits: tuple[Hit, ...]
    """The best first."""
    legs: tuple[Leg, ...]
    """Each search with its candidates."""
    fusion: Mapping[str, JSON]
    """How the legs became one: strategy, k."""
    spans: tuple[Span, ...]
    """What took how long."""
    total: int
    """Documents that any leg found, before limit and offset; where later stages ran, those left."""
    warnings: tuple[str, ...] = ()
    """What to know of the answer, in sentences."""
    stages: tuple[Span, ...] = ()
    """Those of the spans that are stages after the feature_search."""
    outputs: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    """Stage → what it says of the answer as a whole: facets, groups, summary, aggregations."""

    @property
    def facets(self) -> Sequence[Mapping[str, JSON]]:
        """For each field that is counted: `key`, `values` ({value, count}), and over what."""
        found: Sequence[Mapping[str, JSON]] = self.output.get("facets", ())
        return found

    @property
    def output(self) -> dict[str, JSON]:
        """All stages' outputs in one; of two with the same name, the later stage's."""
        return {name: value for said in self.outputs.values() for name, value in said.items()}

    @property
    def output_lines(self) -> list[str]:
        """One line for each part of the output, long ones cut: `aggregations: {"total": 9}`."""
        lines = (f"{name}: {json.dumps(value, default=str)}" for name, value in self.output.items())
        return [line if len(line) <= LINE else f"{line[: LINE - 1]}…" for line in lines]

    @property
    def milliseconds(self) -> float:
        """Wall time of the whole search."""
        return sum(span.milliseconds for span in self.spans)

    def __repr__(self) -> str:
        """The hits, one a line: rank, score, document id, and the beginning of what it holds.

        What stages say of the answer as a whole and warnings stand below them.
        """
        title = f"SearchResult({self.retriever!r}, {len(self.hits)} of {self.total} documents)"
        warnings = (f"  Warning: {warning}" for warning in self.warnings)
        outputs = (f"  {line}" for line in self.output_lines)
        return "\n".join([title, *(f"  {hit.summary}" for hit in self.hits), *outputs, *warnings])
