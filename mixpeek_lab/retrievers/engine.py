"""Runs a query: search each leg, fuse, group, page, fetch; every step timed, every hit explained.

Knows no index, no Ray and no HTTP: what it needs is a `SearchContext` of plain callables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import uuid4

from mixpeek_lab.errors import NotFoundError, RetrieverError
from mixpeek_lab.filters import Filter, join
from mixpeek_lab.filters.values import resolve
from mixpeek_lab.fusion import Arms, Fused, Ranking, fuse
from mixpeek_lab.models import JSON, NO_CANDIDATES, Candidates, Hit, Leg, SearchResult, Span
from mixpeek_lab.retrievers.learning import seed_of, weighed
from mixpeek_lab.retrievers.queries import spread, text_of, vector_for
from mixpeek_lab.retrievers.remarks import cut_remark, leg_remark, passed_remark
from mixpeek_lab.retrievers.request import SearchRequest
from mixpeek_lab.retrievers.spec import RetrieverSpec, SearchLeg

Vector = Any
"""A sequence or an array of floats, shape (dim,)."""


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A stored document as it is shown."""

    collection_id: str
    fields: Mapping[str, JSON]
    lineage: Mapping[str, JSON] = field(default_factory=dict)
    """root_object_id, root_bucket_id, source_object_id, path, chain."""


def _no_metric(_leg: SearchLeg) -> str:
    return ""


def _no_vector(leg: SearchLeg, _document_id: str) -> Vector:
    raise RetrieverError(f"leg {leg.name!r}: documents as queries are not available here.")


def _all_known(_fields: Collection[str]) -> Sequence[str]:
    return ()


def _texts() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What a search may call."""

    dense: Callable[[SearchLeg, Vector, int, Filter | None], Candidates]
    """(leg, vector, top_k, filter) → the nearest documents that pass the filter."""
    lexical: Callable[[SearchLeg, str, int, Filter | None], Candidates]
    """(leg, text, top_k, filter) → the best matches that pass the filter."""
    fetch: Callable[[Sequence[str]], Mapping[str, FetchedDocument]]
    """document ids → the documents."""
    vector_of: Callable[[SearchLeg, str], Vector] = _no_vector
    """(leg, document_id) → that document's stored vector."""
    metric_of: Callable[[SearchLeg], str] = _no_metric
    """The distance metric of a leg's index."""
    field_warnings: Callable[[Collection[str]], Sequence[str]] = _all_known
    """The fields that filters look at → a warning for each that no document has."""
    has_texts: Callable[[], bool] = _texts
    """Whether any document has a text for a lexical leg: the URL of an image is none."""
    arms: Callable[[], Arms] = dict
    """Recorded interactions by leg name, for `learned` fusion."""


@dataclass(slots=True)
class _Trace:
    """What is gathered while a search runs."""

    spans: list[Span] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def warn(self, remark: str | None) -> None:
        if remark:
            self.warnings.append(remark)

    def add(self, name: str, started: float, rows_in: int, rows_out: int) -> float:
        milliseconds = (perf_counter() - started) * 1e3
        self.spans.append(Span(name, milliseconds, rows_in, rows_out))
        return milliseconds


def search(
    spec: RetrieverSpec,
    request: SearchRequest,
    vectors: Mapping[str, Vector],
    context: SearchContext,
) -> SearchResult:
    """Answer `request`.

    Of a retriever with later stages, this is what they begin with: `run_stages` goes on.

    `vectors` holds the embedded queries by leg name, for all `legs` of each of
    `embed_requests(spec, request)` or for its `leg_name` alone. Raises RetrieverError for what
    the retriever or the request get wrong. What the callables raise passes through, except
    that a leg whose feature is unknown (NotFoundError) becomes a warning while another answers.
    """
    spec = request.overrides.applied_to(spec)
    execution_id = f"exec_{uuid4().hex[:16]}"
    trace = _Trace()
    legs = _search_legs(spec, request, vectors, context, trace)
    seed = seed_of(execution_id) if request.seed is None else request.seed
    legs, fusion = weighed(spec.fusion, legs, context.arms, seed)
    fused: Sequence[Fused] = _fused(spec, legs, trace)
    documents: dict[str, FetchedDocument] = {}
    limit = spec.final_top_k if request.limit is None else request.limit
    if spec.group_by is not None:
        fused, documents = _grouped(spec, fused, context, trace)
    else:
        trace.warn(cut_remark(legs, len(fused), request.offset + limit))
        trace.warn(passed_remark(spec, request, len(fused)))
    # Later stages see all that is passed on to them; the page is cut from what they leave.
    first, limit = (0, spec.final_top_k) if spec.stages else (request.offset, limit)
    hits = _hits(fused[first : first + limit], first, documents, context, trace)
    return SearchResult(
        execution_id=execution_id,
        retriever=spec.name,
        query=dict(request.inputs),
        hits=hits,
        legs=legs,
        fusion=fusion,
        spans=tuple(trace.spans),
        total=len(fused),
        warnings=tuple(trace.warnings),
    )


# ---------------------------------------------------------------- legs


def _search_legs(
    spec: RetrieverSpec,
    request: SearchRequest,
    vectors: Mapping[str, Vector],
    context: SearchContext,
    trace: _Trace,
) -> tuple[Leg, ...]:
    common = join(
        spec.filters.render(request.inputs) if spec.filters else None,
        request.filters.render(request.inputs) if request.filters else None,
    )
    wanted = request.offset + (spec.final_top_k if request.limit is None else request.limit)
    vectors = spread(spec, request, vectors)
    legs: list[Leg] = []
    unknown: list[NotFoundError] = []
    fields: set[str] = set()
    for leg in spec.searches:
        own = leg.filters.render(request.inputs, f"{leg.name}.filters") if leg.filters else None
        row_filter = join(common, own)
        is_filtered = row_filter is not None
        started = perf_counter()
        found = NO_CANDIDATES
        try:
            if leg.weight or request.candidates:
                fields |= row_filter.fields if row_filter else frozenset()
                found = _candidates(leg, request, vectors, context, row_filter)
        except NotFoundError as error:
            unknown.append(error)
            trace.warnings.append(f"Leg {leg.name!r} is left out: {error}")
        else:
            count = len(found.document_ids)
            has_texts = count > 0 or not leg.lexical or context.has_texts()
            trace.warn(
                leg_remark(
                    leg, count, wanted, request, is_filtered=is_filtered, has_texts=has_texts
                )
            )
        spent = trace.add(f"search {leg.name}", started, 0, len(found.document_ids))
        legs.append(_leg(leg, found, spent, context))
    if unknown and len(unknown) == len(spec.searches):
        raise unknown[0]
    trace.warnings[:0] = context.field_warnings(fields) if fields else ()
    return tuple(legs)


def _candidates(
    leg: SearchLeg,
    request: SearchRequest,
    vectors: Mapping[str, Vector],
    context: SearchContext,
    row_filter: Filter | None,
) -> Candidates:
    if leg.lexical:
        found = context.lexical(leg, text_of(leg, request), leg.top_k, row_filter)
    else:
        vector = vector_for(leg, request, vectors, context.vector_of)
        found = context.dense(leg, vector, leg.top_k, row_filter)
    if leg.min_score is not None:
        found = _columns(pair for pair in zip(*found, strict=True) if pair[1] >= leg.min_score)
    if len(set(found.document_ids)) == len(found.document_ids):
        return found
    # A document counts where it stands first; ranks and the trace must agree on that.
    first: dict[str, float] = {}
    for document_id, score in zip(*found, strict=True):
        first.setdefault(document_id, score)
    return _columns(first.items())


def _columns(pairs: Iterable[tuple[str, float]]) -> Candidates:
    listed = list(pairs)
    return Candidates([pair[0] for pair in listed], [pair[1] for pair in listed])


def _leg(leg: SearchLeg, found: Candidates, milliseconds: float, context: SearchContext) -> Leg:
    return Leg(
        name=leg.name,
        kind="lexical" if leg.lexical else "dense",
        weight=leg.weight,
        document_ids=tuple(found.document_ids),
        scores=tuple(found.scores),
        feature_uri=leg.feature_uri or "",
        metric="bm25" if leg.lexical else context.metric_of(leg),
        top_k=leg.top_k,
        milliseconds=milliseconds,
    )


# ---------------------------------------------------------------- fuse, group, show


def _fused(spec: RetrieverSpec, legs: tuple[Leg, ...], trace: _Trace) -> Ranking:
    started = perf_counter()
    # The legs carry what `learned` drew: from there on it is rrf.
    strategy = "rrf" if spec.fusion.strategy == "learned" else spec.fusion.strategy
    fused = fuse(legs, strategy, k=spec.fusion.k)
    trace.add("fuse", started, sum(len(leg.document_ids) for leg in legs), len(fused))
    return fused


def _fetch(
    context: SearchContext, document_ids: Sequence[str], trace: _Trace
) -> dict[str, FetchedDocument]:
    started = perf_counter()
    documents = dict(context.fetch(document_ids)) if document_ids else {}
    trace.add("fetch", started, len(document_ids), len(documents))
    return documents


def _grouped(
    spec: RetrieverSpec, fused: Sequence[Fused], context: SearchContext, trace: _Trace
) -> tuple[Sequence[Fused], dict[str, FetchedDocument]]:
    """Groups in the order of their best hit, each one's hits together."""
    group_by = spec.group_by
    if group_by is None:
        return fused, {}
    documents = _fetch(context, [entry.document_id for entry in fused], trace)
    started = perf_counter()
    groups: dict[str, list[Fused]] = {}
    left_out = 0
    for entry in fused:
        key = _group_key(documents.get(entry.document_id), group_by.field)
        if key is None:
            left_out += 1
            continue
        if key not in groups and len(groups) == group_by.limit:
            continue
        members = groups.setdefault(key, [])
        if len(members) < group_by.group_size:
            members.append(entry)
    if left_out:
        trace.warnings.append(
            f"{left_out} documents without {group_by.field!r} are in no group and not shown."
        )
    kept = [entry for members in groups.values() for entry in members]
    trace.add("group", started, len(fused), len(kept))
    return kept, documents


def _group_key(document: FetchedDocument | None, name: str) -> str | None:
    if document is None:
        return None
    value = resolve(document.fields, name)
    if value is None:
        value = resolve({**document.lineage, "collection_id": document.collection_id}, name)
    return None if value is None else json.dumps(value, sort_keys=True, default=str)


def _hits(
    shown: Sequence[Fused],
    offset: int,
    known: Mapping[str, FetchedDocument],
    context: SearchContext,
    trace: _Trace,
) -> tuple[Hit, ...]:
    missing = [entry.document_id for entry in shown if entry.document_id not in known]
    documents = {**known, **_fetch(context, missing, trace)} if missing else known
    hits: list[Hit] = []
    for place, entry in enumerate(shown, start=offset + 1):
        document = documents.get(entry.document_id)
        if document is None:
            trace.warnings.append(f"Document {entry.document_id!r} is not stored any more.")
            continue
        hits.append(
            Hit(
                document_id=entry.document_id,
                collection_id=document.collection_id,
                rank=place,
                score=entry.score,
                fields=document.fields,
                lineage=document.lineage,
                contributions=entry.contributions,
            )
        )
    return tuple(hits)
