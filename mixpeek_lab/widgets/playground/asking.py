"""The last search of a playground: what was asked, and its payload or its error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.playground.depths import NO_DEPTHS, Depths, Scope
from mixpeek_lab.widgets.playground.support import Search, Support

FIRST_DOCUMENTS = 15
"""Of each leg: what a slider shows next is mostly among them."""
NO_MORE: Mapping[str, JSON] = {}


class Asking:
    """Searches, and remembers. `like` is the document that is asked with, in place of a text."""

    def __init__(self, search: Search, support: Support, filters: JSON = None) -> None:
        self._search, self._support = search, support
        self.filters = filters
        self.like: str | None = None
        self.payload: Mapping[str, Any] | None = None
        self.error: Exception | None = None
        self.asked: str | None = None
        """The query of the last search; None before the first."""

    def run(self, query: str, limit: int, top_k: Depths = NO_DEPTHS) -> None:
        """Search, and keep the error where that fails."""
        try:
            self.ask(query, limit, top_k)
        except Exception as error:  # noqa: BLE001 - kept: shown in the view, raised by `results`
            self.error = error

    def ask(self, query: str, limit: int, top_k: Depths = NO_DEPTHS) -> None:
        """Search and keep the payload; `top_k` of legs that keep more than the retriever says.

        Raises what the search raises.
        """
        self.asked = query
        if not query.strip() and self.like is None:
            self.payload, self.error = None, None
            return
        try:
            self.payload = self._first(query, limit, Scope(self.filters, top_k))
        except Exception as error:
            self.error = error
            raise
        self.error = None

    def _first(self, query: str, limit: int, scope: Scope) -> Mapping[str, Any]:
        """The payload that is kept: with the documents that may be seen first."""
        if self._support.documents is None:
            return self.answer(query, limit, scope)
        most = max(limit, FIRST_DOCUMENTS)
        payload = dict(self.answer(query, limit, scope, {"documents": most}))
        return {**payload, "documents": dict(payload.get("documents", {}))}

    def missing(self, document_ids: Iterable[str]) -> list[str]:
        """Those candidates whose documents are not there yet."""
        payload = self.payload or {}
        known = payload.get("documents", {})
        candidates = {key for leg in payload.get("legs", ()) for key in leg["document_ids"]}
        return [key for key in document_ids if key in candidates and key not in known]

    def fill(self, document_ids: Iterable[str]) -> dict[str, Any]:
        """Fetch the documents of candidates that are not there yet; gives them."""
        wanted = self.missing(document_ids) if self._support.documents else []
        if not wanted or self.payload is None or self._support.documents is None:
            return {}
        found = dict(self._support.documents(wanted))
        self.payload["documents"].update(found)
        return found

    def answer_text(
        self, query: str, limit: int, scope: Scope, more: Mapping[str, JSON] = NO_MORE
    ) -> Mapping[str, Any]:
        """The payload for a query in words. Nothing is kept."""
        return self._search({"query": query, "limit": limit, **scope.request, **more})

    def answer(
        self, query: str, limit: int, scope: Scope, more: Mapping[str, JSON] = NO_MORE
    ) -> Mapping[str, Any]:
        """The payload for a query, or for the document that is asked with. Nothing is kept."""
        if self.like is None:
            return self.answer_text(query, limit, scope, more)
        if self._support.like is None:
            raise InvalidInputError("like: this playground cannot search with a document.")
        asked = {"document_id": self.like, "limit": limit, **scope.request, **more}
        return self._support.like(asked)
