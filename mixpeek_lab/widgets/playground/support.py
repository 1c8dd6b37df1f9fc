"""What a playground may ask for: plain callables, so that it knows no lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.playground.map_support import MapSupport

Search = Callable[[dict[str, JSON]], Mapping[str, JSON]]
"""`{"query": str, "limit": int, "filters": object | None}` → the payload of a search; with `top_k`
({leg: candidates}) where a leg is to keep more, and `documents`: see Support."""


@dataclass(frozen=True, slots=True)
class Support:
    """Beside the search. What is None is not offered in the view."""

    body: Mapping[str, JSON] | None = None
    """The retriever's definition as it is stored."""
    fields: Callable[[], Sequence[Mapping[str, JSON]]] | None = None
    """The fields that filters can look at: `{name, type, values, least, most}` each."""
    count: Callable[[JSON], tuple[int, int]] | None = None
    """Filter → (documents that pass it, documents)."""
    like: Search | None = None
    """`{"document_id": str, "limit": int, "filters": …}` → a payload, of documents like that."""
    ranks: Callable[[dict[str, JSON]], Mapping[str, JSON]] | None = None
    """`{"query", "filters", "document_id"}` → where a document stands in every leg, at any depth:
    `{name, is_filtered, legs: [{leg, kind, rank, score, of}]}`."""
    trace: Callable[[str], Sequence[Mapping[str, JSON]]] | None = None
    """Document id → the steps from it to what it was made of: `{kind, id, facts}` each."""
    maps: MapSupport | None = None
    """The vectors behind the legs."""
    documents: Callable[[Sequence[str]], Mapping[str, JSON]] | None = None
    """Document ids → the documents as a payload has them. Where it is given, a search is asked for
    the first `documents` of each leg, and the others follow when they are needed."""


NO_SUPPORT = Support()
