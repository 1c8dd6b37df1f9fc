"""Searches in this process: by the kernel's own services, without Ray."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from mixpeek_lab.catalog import Catalog, RetrieverRecord
from mixpeek_lab.errors import LabError
from mixpeek_lab.models import JSON, SearchResult, Span
from mixpeek_lab.retrievers import candidate_ids, to_explain, to_plan, to_response
from mixpeek_lab.workbench.depth import asked_depth, places
from mixpeek_lab.workbench.kernel_services import KernelServices
from mixpeek_lab.workbench.network import HubCheck
from mixpeek_lab.workbench.playing_maps import leg_vectors
from mixpeek_lab.workbench.search import Prepared, Searcher

LOAD = "load"
"""The span of a query that waited until the model was loaded."""


class KernelSearch:
    """Embeds a query with the services of this process, and finishes the search."""

    def __init__(
        self, catalog: Catalog, searcher: Searcher, services: KernelServices, hub: HubCheck
    ) -> None:
        self._catalog, self._searcher = catalog, searcher
        self._services, self._hub = services, hub

    def search(
        self, retriever: str | Mapping[str, JSON], request: Mapping[str, JSON]
    ) -> tuple[Prepared, SearchResult]:
        """What was asked, and what was found. Errors as for `Lab.search`."""
        prepared = self._searcher.prepare(retriever, request)
        return prepared, self.answered(prepared)

    def answered(self, prepared: Prepared) -> SearchResult:
        """What is found. Errors as for `Lab.search`."""
        if prepared.asks:
            self._hub.settle()
        loading = self._services.load(prepared)
        begun = time.perf_counter()
        vectors = self._services.embed(prepared)
        milliseconds = (time.perf_counter() - begun) * 1e3
        result = self._searcher.finish(prepared, vectors)
        if prepared.embeds:
            embedding = Span("embed", milliseconds, len(prepared.embeds), len(vectors))
            loaded = (Span(LOAD, loading),) if loading else ()
            result = replace(result, spans=(*loaded, embedding, *result.spans))
        return self._searcher.stage(prepared, result, self._services.ask)

    def execute(self, retriever: str, body: Mapping[str, JSON], *, explain: bool) -> dict[str, Any]:
        """The answer of a stored retriever, in the format of the endpoint."""
        record = self._catalog.retriever(retriever)
        if explain:
            return explained(record, *self.search(retriever, {**body, "candidates": True}))
        prepared, result = self.search(retriever, body)
        answer = to_response(result, prepared.spec, prepared.request)
        return {"retriever_id": record.retriever_id, **answer}

    def depths(self, retriever: str, body: Mapping[str, JSON], document_id: str) -> dict[str, JSON]:
        """Where a document stands in every leg of a stored retriever: see `workbench.depth`."""
        prepared = self._searcher.prepare(retriever, {**body, "candidates": True})
        told, deep = asked_depth(prepared, document_id)
        found = self.answered(deep) if deep else None
        return {**told, "legs": places(found, document_id)}

    def query_vectors(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, list[float]]:
        """What each vector leg of a stored retriever searches with, by the leg's name."""
        prepared = self._searcher.prepare(retriever, {**body, "candidates": True})
        if prepared.embeds:
            self._hub.settle()
        return leg_vectors(prepared, self._services.embed(prepared))

    def near(
        self, collection: str, feature_uri: str, query: str, limit: int
    ) -> tuple[Any, list[str]]:
        """A query's vector, and the documents of a collection that are nearest to it."""
        leg = {"feature_uri": feature_uri, "name": "near", "top_k": limit}
        body = {"collection": collection, "searches": [leg], "limit": limit}
        prepared = self._searcher.prepare(body, {"query": query})
        self._hub.settle()
        vectors = self._services.embed(prepared)
        hits = self._searcher.finish(prepared, vectors).hits
        return vectors["near"], [hit.document_id for hit in hits]

    def load(self, retriever: str, on_ready: Callable[[], None] | None = None) -> None:
        """Load what the retriever's queries need, and their models.

        With `on_ready` the models are loaded in the background: it is called there once that is
        over, or has failed, which the next query tells. ExtractorError where the code does not
        load.
        """
        loaded = [self._services.loaded(each) for each in self._searcher.services(retriever)]

        def prepare() -> None:
            for service in loaded:
                service.prepare_sync()

        if on_ready is None:
            prepare()
        else:
            warming = partial(_warm, prepare, on_ready)
            threading.Thread(target=warming, name="mixpeek-lab-warming", daemon=True).start()


def _warm(prepare: Callable[[], None], on_ready: Callable[[], None]) -> None:
    try:
        with suppress(LabError):
            prepare()
    finally:
        on_ready()


def explained(record: RetrieverRecord, prepared: Prepared, result: SearchResult) -> dict[str, JSON]:
    """The answer of a search that holds every candidate of every leg, as a playground takes it;
    with all their documents, or the first of each leg where the request says so.
    """
    documents = prepared.sources.fetch(candidate_ids(result, prepared.request.documents))
    terms = prepared.sources.terms(prepared.request.text or "")
    return {
        **to_explain(result, documents),
        **to_plan(result, prepared.spec),
        "retriever_id": record.retriever_id,
        "retriever_name": record.name,
        "terms": terms,
        "text_field": "data",
    }
