"""Where one document stands in every leg of a search, however deep that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.filters import join
from mixpeek_lab.models import JSON, Leg, SearchResult
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.workbench.search import Prepared

DEEPEST = 100_000
"""Candidates of one leg, at most."""


def deepened(prepared: Prepared) -> Prepared:
    """The same search, whose legs keep all that they find and whose stages are left out.

    Filters of stages that the search applies itself stay.
    """
    spec = prepared.spec
    rows = sum(source.snapshot.documents.table.num_rows for source in prepared.sources.all)
    legs = tuple(
        replace(leg, top_k=max(1, min(rows, DEEPEST)), min_score=None) for leg in spec.searches
    )
    filters = join(spec.filters, *(found for _, found in spec.pushed))
    bare = replace(
        spec, searches=legs, stages=(), filters=filters, group_by=None, facets=(), min_score=None
    )
    return replace(prepared, spec=bare)


def asked_depth(prepared: Prepared, document_id: str) -> tuple[dict[str, JSON], Prepared | None]:
    """What is known of the document, `{fields, is_filtered}`, and the search that finds its places:
    None where a filter keeps it out. NotFoundError where no collection of the retriever has it.
    """
    fields = plain(demand_document(prepared, document_id))
    is_in = passes(prepared, document_id)
    return {"fields": fields, "is_filtered": not is_in}, deepened(prepared) if is_in else None


def demand_document(prepared: Prepared, document_id: str) -> Mapping[str, JSON]:
    """The document's fields; NotFoundError where no collection of the retriever has it."""
    found = prepared.sources.fetch([document_id])
    if document_id not in found:
        known = [key for source in prepared.sources.all for key in source.snapshot.document_ids[:9]]
        raise NotFoundError("document", document_id, known)
    return found[document_id].fields


def passes(prepared: Prepared, document_id: str) -> bool:
    """Whether the filters of retriever and request let the document through."""
    inputs = prepared.request.inputs
    spec, asked = prepared.spec, prepared.request.filters
    filters = join(
        *(found.render(inputs) for found in (spec.filters, asked) if found is not None),
        *(found.render(inputs) for _, found in spec.pushed),
    )
    for source in prepared.sources.all:
        row = source.snapshot.row_of.get(document_id)
        allowed = source.snapshot.allowed(filters)
        if row is not None and allowed is not None:
            return bool(allowed[row])
    return True


def places(result: SearchResult | None, document_id: str) -> list[dict[str, JSON]]:
    """`{leg, kind, rank, score, of}` for each leg; `rank` is None where it does not find it."""
    if result is None:
        return []
    return [_place(leg, document_id) for leg in result.legs]


def _place(leg: Leg, document_id: str) -> dict[str, JSON]:
    found: dict[str, JSON] = {"leg": leg.name, "kind": leg.kind, "of": len(leg.document_ids)}
    if document_id not in leg.document_ids:
        return {**found, "rank": None, "score": None}
    at = leg.document_ids.index(document_id)
    return {**found, "rank": at + 1, "score": leg.scores[at]}
