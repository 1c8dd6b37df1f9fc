"""One retriever before one set of judgements: what to ask, and what the answers are worth.

Knows nobody who searches: the kernel asks through `Lab.search`, the server through its backend.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.types as types

from mixpeek_lab.catalog import Catalog, EvaluationRecord
from mixpeek_lab.errors import ExtractorError, InvalidInputError, LLMError
from mixpeek_lab.evaluation import (
    Evaluation,
    Judgements,
    Match,
    deepest_cut,
    intervals_of,
    judged_order,
    match_field,
    measured,
)
from mixpeek_lab.evaluation.statistics import Interval
from mixpeek_lab.models import JSON, SearchResult
from mixpeek_lab.retrievers.bodies import MOST
from mixpeek_lab.workbench.search import Prepared, Searcher
from mixpeek_lab.workbench.sources import Sources

OWN_FAULTS = (InvalidInputError, ExtractorError, LLMError)
"""What one query may get wrong. Anything else is wrong with all of them."""
OURS = ("query", "inputs", "input", "limit", "offset", "page", "pagination", "candidates")
"""Parts of a request that an evaluation sets itself."""
LEAST_DEPTH = 100
"""Hits asked for a query where no measure looks further."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What is asked, and how the answers are read."""

    prepared: Prepared
    judgements: Judgements
    measures: tuple[str, ...]
    requests: Mapping[str, Mapping[str, JSON]]
    """Query id → what to ask."""
    match: Match
    depth: int
    options: Mapping[str, JSON]
    seed: int

    def ranking(self, result: SearchResult) -> list[str]:
        """What judgements call the hits, see `judged_order`; a document without such a name goes
        by its own id.
        """
        named = self.match.ids
        return judged_order((named.get(h.document_id, h.document_id), h.score) for h in result.hits)


def examine(
    searcher: Searcher,
    retriever: str | Mapping[str, JSON],
    judgements: Judgements,
    measures: Sequence[str],
    *,
    id_field: str | None = None,
    depth: int | None = None,
    options: Mapping[str, JSON] | None = None,
    seed: int = 0,
) -> Examination:
    """Check everything before the first query is asked.

    InvalidInputError for an unknown measure and where no judged document is in the collections;
    RetrieverError, FilterError and NotFoundError as a search raises them.
    """
    names = tuple(dict.fromkeys(measures))
    if not names:
        raise InvalidInputError("measures: name at least one, such as nDCG@10.")
    own = [name for name in options or {} if name in OURS]
    if own:
        raise InvalidInputError(
            f"{own[0]}: an evaluation sets this itself. `depth` is how many hits a query asks for."
        )
    measured({}, judgements, names)  # unknown measures are told before an hour of queries
    wanted = depth if depth is not None else min(MOST, max(LEAST_DEPTH, deepest_cut(names)))
    given = dict(options or {})
    requests = _requests(judgements, wanted, given, seed)
    prepared = searcher.prepare(retriever, next(iter(requests.values())))
    match = match_field(_columns(prepared.sources), judgements.judged_documents, id_field)
    return Examination(prepared, judgements, names, requests, match, wanted, given, seed)


def _requests(
    judgements: Judgements, depth: int, options: Mapping[str, JSON], seed: int
) -> dict[str, dict[str, JSON]]:
    """Query id → the request. Each draws its own weights where the fusion is `learned`."""
    return {
        query_id: {
            "inputs" if isinstance(query, Mapping) else "query": query,
            "limit": depth,
            "seed": seed + place,
            **options,
        }
        for place, (query_id, query) in enumerate(judgements.queries.items())
    }


def judge(
    asked: Examination,
    rankings: Mapping[str, Sequence[str]],
    warnings: Sequence[str],
    failed: Mapping[str, str],
    seconds: float,
    name: str = "",
    confidence: float = 0.95,
    interval: Interval = "bca",
) -> Evaluation:
    """What the answers are worth. `failed` queries found nothing, and count 0."""
    judgements, spec = asked.judgements, asked.prepared.spec
    per_query, unjudged, cut = measured(rankings, judgements, asked.measures)
    return Evaluation(
        evaluation_id="",
        name=name or spec.name,
        retriever=spec.name,
        dataset=judgements.name,
        digest=judgements.digest,
        measures=asked.measures,
        per_query=per_query,
        rankings={query_id: list(found) for query_id, found in rankings.items()},
        unjudged=unjudged,
        cut=cut,
        intervals=intervals_of(per_query, asked.measures, confidence, interval, asked.seed),
        confidence=confidence,
        interval=interval,
        seed=asked.seed,
        about={
            "body": spec.as_dict(),
            "options": dict(asked.options),
            "collections": _collections(asked.prepared),
            "id_field": asked.match.field,
            "depth": asked.depth,
            "queries": dict(judgements.queries),
            "failed": dict(failed),
            "seconds": seconds,
        },
        notes=(*judgements.notes, *_notes(asked, failed), *_gathered(warnings, len(per_query))),
    )


def keep(catalog: Catalog, found: Evaluation, retriever_id: str | None) -> Evaluation:
    """Keep it in the catalog; with its id and date."""
    with catalog.together():
        evaluation_id = catalog.begin_evaluation(found.name, retriever_id, {})
        complete(catalog, evaluation_id, found)
    return to_evaluation(catalog.evaluation(evaluation_id))


def complete(catalog: Catalog, evaluation_id: str, found: Evaluation, **about: JSON) -> None:
    """Write what was found, and more about it, under an evaluation that has begun."""
    scores = {name: dict(getattr(found, name)) for name in _SCORES}
    run = {query_id: list(documents) for query_id, documents in found.rankings.items()}
    catalog.complete_evaluation(evaluation_id, {**_as_about(found), **about}, scores, run)


def to_evaluation(record: EvaluationRecord) -> Evaluation:
    """A completed evaluation, read from its record."""
    about = dict(record.about)
    taken: dict[str, Any] = {key: about.pop(key) for key in _ABOUT}
    taken |= {key: tuple(taken[key]) for key in ("measures", "notes")}
    return Evaluation(
        evaluation_id=record.evaluation_id,
        name=record.name,
        per_query=record.scores["per_query"],
        unjudged=record.scores["unjudged"],
        intervals={m: (low, high) for m, (low, high) in record.scores["intervals"].items()},
        rankings=record.run,
        created_at=record.created_at,
        about=about,
        **taken,
    )


_SCORES = ("per_query", "unjudged", "intervals")
_ABOUT = (
    "retriever", "dataset", "digest", "measures", "cut", "confidence", "interval", "seed", "notes",
)  # fmt: skip


def _as_about(found: Evaluation) -> dict[str, JSON]:
    values = {name: getattr(found, name) for name in _ABOUT}
    lists = {name: list(values[name]) for name in ("measures", "notes")}
    return {**found.about, **values, **lists}


def _columns(sources: Sources) -> dict[str, list[str | None]]:
    """The documents' ids and short fields as texts, all collections one after the other."""
    tables = [source.snapshot.shown_documents for source in sources.all]
    names = dict.fromkeys(
        name
        for documents in tables
        for name in ("document_id", "object_id", *documents.field_names)
        if name != "data" and _is_id(documents.table, name)
    )
    found: dict[str, list[str | None]] = {name: [] for name in names}
    for documents in tables:
        for name, values in found.items():
            if name in documents.table.column_names:
                values += [_text(v) for v in documents.table.column(name).to_pylist()]
            else:
                values += [None] * documents.table.num_rows
    return found


def _is_id(table: pa.Table, name: str) -> bool:
    if name not in table.column_names:
        return False
    kind = table.schema.field(name).type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _collections(prepared: Prepared) -> list[JSON]:
    """Which code made what is searched, and which code later stages ask."""
    made = [
        {
            "collection": source.collection.name,
            "extractor": source.collection.extractor,
            "version": source.collection.extractor_version,
            "digest": source.collection.extractor_digest,
            "snapshot": source.collection.snapshot,
            "documents": source.snapshot.document_count,
        }
        for source in prepared.sources.all
    ]
    asked = [
        {"stage": True, "extractor": r.manifest.name, "version": r.manifest.version,
         "digest": r.source.digest}
        for r, _ in prepared.extractors.values()
    ]  # fmt: skip
    return [*made, *asked]


def _notes(asked: Examination, failed: Mapping[str, str]) -> list[str]:
    notes = []
    judged = len(asked.judgements.judged_documents)
    if asked.match.found < judged:
        notes.append(
            f"{judged - asked.match.found} of the {judged} judged documents are in no collection "
            "of the retriever, and cannot be found."
        )
    cuts = [m for m in asked.measures if deepest_cut([m]) > asked.depth]
    if cuts:
        notes.append(
            f"{asked.depth} hits were asked for each query (depth), fewer than {', '.join(cuts)} "
            "looks at: what stands further down counts as not found."
        )
    if failed:
        query_id, message = next(iter(failed.items()))
        notes.append(f"Failed, and counted as 0: {len(failed)}, first {query_id}: {message}")
    return notes


def _gathered(warnings: Sequence[str], queries: int) -> list[str]:
    """Warnings of the searches, each kind once: they differ from query to query by numbers."""
    kinds: dict[str, list[str]] = {}
    for warning in warnings:
        kinds.setdefault(re.sub(r"\d+", "#", warning), []).append(warning)
    return [f"In {len(found)} of {queries} queries: {found[0]}" for found in kinds.values()]
