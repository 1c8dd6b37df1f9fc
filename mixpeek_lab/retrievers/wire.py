"""Answers as JSON: Mixpeek's execute format, and the payload of the playground."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from math import ceil

from mixpeek_lab.models import JSON, Contribution, Hit, Leg, SearchResult, Span
from mixpeek_lab.retrievers.context import FetchedDocument
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.request import SearchRequest
from mixpeek_lab.retrievers.spec import RetrieverSpec

_LINEAGE = ("root_object_id", "root_bucket_id", "source_object_id", "path", "chain")


def to_response(
    result: SearchResult, spec: RetrieverSpec, request: SearchRequest
) -> dict[str, JSON]:
    """The answer to `execute`: documents with their fields at the root, and as `results`."""
    documents = [_document(hit) for hit in result.hits]
    return {
        "execution_id": result.execution_id,
        "status": "completed",
        "documents": documents,
        "results": documents,
        "pagination": _pagination(result, spec, request),
        "stage_statistics": _statistics(result, spec),
        "facets": [],
        "warnings": [*result.warnings, *_beyond(result, spec, request)],
        **plain(result.output),
    }


def to_explain(
    result: SearchResult, documents: Mapping[str, FetchedDocument] | None = None
) -> dict[str, JSON]:
    """The playground's payload: all candidates of all legs, so that a browser can fuse again.

    `documents` are those shown beside the hits' own: fetch `candidate_ids(result)` for all. Hits
    are called as `view_ids` says.
    """
    names = view_ids(result.hits)
    shown = {
        name: FetchedDocument(hit.collection_id, hit.fields, hit.lineage)
        for name, hit in zip(names, result.hits, strict=True)
    }
    every = {**(documents or {}), **shown}
    return {
        "execution_id": result.execution_id,
        "retriever": result.retriever,
        "query": plain(result.query),
        "fusion": plain(result.fusion),
        "legs": [_leg(leg) for leg in result.legs],
        "documents": {key: told_document(document) for key, document in every.items()},
        "hits": [
            {**_explained(hit), "document_id": name}
            for name, hit in zip(names, result.hits, strict=True)
        ],
        "outputs": plain(result.outputs),
        "spans": [_span(span) for span in result.spans],
        "stages": [span.name for span in result.stages],
        "total": result.total,
        "warnings": list(result.warnings),
    }


def told_document(document: FetchedDocument) -> dict[str, JSON]:
    """A document as views get it."""
    return {
        "fields": plain(document.fields),
        "lineage": plain(document.lineage),
        "collection_id": document.collection_id,
    }


def view_ids(hits: Iterable[Hit]) -> list[str]:
    """A name of its own for each hit, for views: the document's id, with `#2` and so on behind it
    where an `unwind` made several hits of one document.
    """
    counts: Counter[str] = Counter()
    names = []
    for hit in hits:
        counts[hit.document_id] += 1
        number = counts[hit.document_id]
        names.append(hit.document_id if number == 1 else f"{hit.document_id}#{number}")
    return names


def candidate_ids(result: SearchResult, most: int | None = None) -> tuple[str, ...]:
    """Every document that any leg found, hits first, then leg by leg; each once. `most` of each
    leg, where it is given.
    """
    return tuple(dict.fromkeys(_all_ids(result, most)))


def _all_ids(result: SearchResult, most: int | None) -> Iterable[str]:
    for hit in result.hits:
        yield hit.document_id
    for leg in result.legs:
        yield from leg.document_ids[:most]


def _document(hit: Hit) -> dict[str, JSON]:
    found: dict[str, JSON] = plain(hit.fields)
    lineage: dict[str, JSON] = dict.fromkeys(_LINEAGE)
    found.update(
        document_id=hit.document_id,
        collection_id=hit.collection_id,
        score=hit.score,
        _internal={"lineage": lineage | plain(hit.lineage)},
        explain={
            "rank": hit.rank,
            "contributions": [_part(p) for p in hit.contributions],
            **_effects(hit),
        },
    )
    return found


def _explained(hit: Hit) -> dict[str, JSON]:
    return {
        "document_id": hit.document_id,
        "rank": hit.rank,
        "score": hit.score,
        "contributions": [_part(part) for part in hit.contributions],
        **_effects(hit),
    }


def _effects(hit: Hit) -> dict[str, JSON]:
    """What later stages did to a hit; nothing where none ran."""
    return {"stages": plain([asdict(effect) for effect in hit.effects])} if hit.effects else {}


def _part(part: Contribution) -> dict[str, JSON]:
    return {
        "leg": part.leg,
        "rank": part.rank,
        "score": part.score,
        "normalised": part.normalised,
        "weight": part.weight,
        "contribution": part.contribution,
    }


def _leg(leg: Leg) -> dict[str, JSON]:
    return {
        "name": leg.name,
        "kind": leg.kind,
        "feature_uri": leg.feature_uri,
        "metric": leg.metric,
        "weight": leg.weight,
        "top_k": leg.top_k,
        "milliseconds": leg.milliseconds,
        "document_ids": list(leg.document_ids),
        "scores": list(leg.scores),
    }


def _span(span: Span) -> dict[str, JSON]:
    return asdict(span)


def _pagination(
    result: SearchResult, spec: RetrieverSpec, request: SearchRequest
) -> dict[str, JSON]:
    size = spec.page_size if request.limit is None else request.limit
    end = request.offset + size
    page = request.offset // size + 1
    pages = ceil(result.total / size)
    before = min(page - 1, pages)
    has_next = end < result.total
    return {
        "method": "offset",
        "total": result.total,
        "returned": len(result.hits),
        "limit": size,
        "offset": request.offset,
        "page": page,
        "page_number": page,
        "page_size": size,
        "total_pages": pages,
        "has_next": has_next,
        "next_page": page + 1 if has_next else None,
        "previous_page": before or None,
        "next_cursor": None,
    }


def _beyond(result: SearchResult, spec: RetrieverSpec, request: SearchRequest) -> tuple[str, ...]:
    """That the page begins behind the last hit."""
    if not request.offset or request.offset < result.total:
        return ()
    pages = _pagination(result, spec, request)["total_pages"]
    return (
        f"The page begins at hit {request.offset + 1:,}, and there are {result.total:,}: "
        f"the last page is {pages}."
        if pages
        else "There are no hits, on no page.",
    )


def stage_spans(result: SearchResult) -> tuple[Span, ...]:
    """What each stage did, the feature_search as one of them."""
    later = result.stages
    before = _first_spans(result)
    first = Span(
        "feature_search",
        sum(span.milliseconds for span in before),
        sum(len(leg.document_ids) for leg in result.legs),
        later[0].rows_in if later else len(result.hits),
    )
    return first, *later


def _first_spans(result: SearchResult) -> tuple[Span, ...]:
    return tuple(result.spans[: len(result.spans) - len(result.stages)])


def _statistics(result: SearchResult, spec: RetrieverSpec) -> dict[str, JSON]:
    first, *later = stage_spans(result)
    spans = {first.name: {"spans": [_span(span) for span in _first_spans(result)]}}
    pushed = {name: {"pushed_down": True} for name, _ in spec.pushed}
    return {
        "stages": {
            span.name: {
                **_statistic(span),
                "metadata": {
                    **spans.get(span.name, {}),
                    **pushed.get(span.name, {}),
                    **plain(result.outputs.get(span.name, {})),
                },
            }
            for span in (first, *later)
        },
        "total_time_ms": result.milliseconds,
    }


def _statistic(span: Span) -> dict[str, JSON]:
    return {
        "stage_name": span.name,
        "input_count": span.rows_in,
        "output_count": span.rows_out,
        "duration_ms": span.milliseconds,
        "efficiency": span.rows_out / span.rows_in if span.rows_in else 0,
    }
