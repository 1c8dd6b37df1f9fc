"""What a search may call, and what it gets: plain callables and values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import Filter
from mixpeek_lab.fusion import Arms
from mixpeek_lab.models import JSON, Candidates
from mixpeek_lab.retrievers.spec import SearchLeg

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


def _no_documents(_: Filter | None, _fields: Collection[str]) -> Sequence[FetchedDocument]:
    raise RetrieverError("facets: documents that no search found cannot be counted here.")


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
    passing: Callable[[Filter], tuple[int, int]] | None = None
    """filter → (documents that pass it, documents); what it finds out is kept for the legs."""
    matching: Callable[[Filter | None, Collection[str]], Sequence[FetchedDocument]] = _no_documents
    """(filter, fields) → every document that passes it, with those fields at least."""
    has_texts: Callable[[], bool] = _texts
    """Whether any document has a text for a lexical leg: the URL of an image is none."""
    arms: Callable[[], Arms] = dict
    """Recorded interactions by leg name, for `learned` fusion."""
