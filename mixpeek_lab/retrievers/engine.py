"""Runs a query: search each leg, fuse, group, page, fetch; every step timed, every hit explained.

Knows no index, no Ray and no HTTP: what it needs is a `SearchContext` of plain callables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import urandom
from time import perf_counter

from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.filters import Filter, join
from mixpeek_lab.fusion import Fused, Ranking, fuse
from mixpeek_lab.models import JSON, NO_CANDIDATES, Candidates, Hit, Leg, SearchResult, Span
from mixpeek_lab.retrievers.context import FetchedDocument, SearchContext, Vector
from mixpeek_lab.retrievers.counting import counted, grouped, ids
from mixpeek_lab.retrievers.learning import seed_of, weighed
from mixpeek_lab.retrievers.queries import filled_in, spread, text_of, vector_for
from mixpeek_lab.retrievers.remarks import cut_remark, leg_remark, passed_remark, score_remark
from mixpeek_lab.retrievers.request import SearchRequest
from mixpeek_lab.retrievers.spec import DocumentQuery, GroupBy, RetrieverSpec, SearchLeg
from mixpeek_lab.retrievers.stages.names import FIRST


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
    execution_id = f"exec_{urandom(8).hex()}"
    trace = _Trace()
    legs = _search_legs(spec, request, vectors, context, trace)
    seed = seed_of(execution_id) if request.seed is None else request.seed
    legs, fusion = weighed(spec.fusion, legs, context.arms, seed)
    fused: Sequence[Fused] = _fused(spec, legs, trace)
    fused = _above(spec, fused, trace)
    documents: dict[str, FetchedDocument] = {}
    if spec.facets or spec.group_by:
        documents = _fetch(context, ids(fused), trace)
    facets = _counted(spec, request, fused, documents, context, trace)
    limit = spec.page_size if request.limit is None else request.limit
    if spec.group_by is not None:
        fused = _grouped(spec.group_by, fused, documents, trace)
    else:
        trace.warn(cut_remark(legs, len(fused), request.offset + limit))
        trace.warn(passed_remark(spec, request, len(fused)))
    # Later stages see all that is passed on to them; the page is cut from what they leave.
    first, limit = (0, spec.page_size) if spec.stages else (request.offset, limit)
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
        outputs={FIRST: {"facets": facets}} if facets else {},
    )


# ---------------------------------------------------------------- legs


def _search_legs(
    spec: RetrieverSpec,
    request: SearchRequest,
    vectors: Mapping[str, Vector],
    context: SearchContext,
    trace: _Trace,
) -> tuple[Leg, ...]:
    common = _common(spec, request)
    _filter("filter", common, context, trace)
    wanted = request.offset + (spec.page_size if request.limit is None else request.limit)
    vectors = spread(spec, request, vectors)
    legs: list[Leg] = []
    unknown: list[NotFoundError] = []
    fields: set[str] = set()
    for leg in spec.searches:
        own = leg.filters.render(request.inputs, f"{leg.name}.filters") if leg.filters else None
        row_filter = join(common, own)
        _filter(f"filter {leg.name}", row_filter if own else None, context, trace)
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


def _filter(name: str, row_filter: Filter | None, context: SearchContext, trace: _Trace) -> None:
    """Find out which rows pass before the legs are timed: they share it."""
    if row_filter is None or context.passing is None:
        return
    started = perf_counter()
    passing, rows = context.passing(row_filter)
    trace.add(name, started, rows, passing)


def _common(spec: RetrieverSpec, request: SearchRequest) -> Filter | None:
    """The filter of every leg."""
    return join(
        spec.filters.render(request.inputs) if spec.filters else None,
        request.filters.render(request.inputs) if request.filters else None,
        *(found.render(request.inputs, f"stage {name!r}") for name, found in spec.pushed),
    )


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
        found = _nearest(leg, vector, request, context, row_filter)
    if leg.min_score is not None:
        found = _columns(pair for pair in zip(*found, strict=True) if pair[1] >= leg.min_score)
    if len(set(found.document_ids)) == len(found.document_ids):
        return found
    # A document counts where it stands first; ranks and the trace must agree on that.
    first: dict[str, float] = {}
    for document_id, score in zip(*found, strict=True):
        first.setdefault(document_id, score)
    return _columns(first.items())


def _nearest(
    leg: SearchLeg,
    vector: Vector,
    request: SearchRequest,
    context: SearchContext,
    row_filter: Filter | None,
) -> Candidates:
    """The leg's nearest documents, without the one that asks where it does not want itself."""
    if not isinstance(leg.query, DocumentQuery) or not leg.query.exclude_self:
        return context.dense(leg, vector, leg.top_k, row_filter)
    itself = filled_in(leg, leg.query, request).document_id
    found = context.dense(leg, vector, leg.top_k + 1, row_filter)
    pairs = [pair for pair in zip(*found, strict=True) if pair[0] != itself]
    return _columns(pairs[: leg.top_k])


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


def _above(spec: RetrieverSpec, fused: Sequence[Fused], trace: _Trace) -> Sequence[Fused]:
    """Those whose fused score reaches `min_score`."""
    least = spec.min_score
    if least is None:
        return fused
    kept = [entry for entry in fused if entry.score >= least]
    trace.warn(score_remark(spec, len(kept), len(fused)))
    return kept


def _counted(
    spec: RetrieverSpec,
    request: SearchRequest,
    fused: Sequence[Fused],
    documents: Mapping[str, FetchedDocument],
    context: SearchContext,
    trace: _Trace,
) -> list[dict[str, JSON]]:
    """The facets, over all of `fused`, or over all documents that pass the filters."""
    if not spec.facets:
        return []
    started = perf_counter()
    of: dict[str, Sequence[FetchedDocument | None]] = {
        "candidates": [documents.get(entry.document_id) for entry in fused]
    }
    wide = [facet.key for facet in spec.facets if facet.scope == "collection"]
    if wide:
        of["collection"] = context.matching(_common(spec, request), wide)
    facets = [counted(facet, of[facet.scope]) for facet in spec.facets]
    for facet in facets:
        if facet["total"] and facet["missing"] == facet["total"]:
            trace.warnings.append(
                f"Facet {facet['key']!r}: none of {facet['total']} documents has that field."
            )
    trace.add("facets", started, len(fused), sum(len(facet["values"]) for facet in facets))
    return facets


def _grouped(
    group_by: GroupBy,
    fused: Sequence[Fused],
    documents: Mapping[str, FetchedDocument],
    trace: _Trace,
) -> Sequence[Fused]:
    started = perf_counter()
    kept, left_out = grouped(fused, documents, group_by)
    if left_out:
        trace.warnings.append(
            f"{left_out} documents without {group_by.field!r} are in no group and not shown."
        )
    trace.add("group", started, len(fused), len(kept))
    return kept


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
