"""What the later stages of a search may call, wired: other searches, vectors, models, services."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mixpeek_lab.assets import call
from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import JSON, Hit, SearchResult
from mixpeek_lab.retrievers import FetchedDocument, Reach
from mixpeek_lab.snapshots import shown_fields
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.home import Home

if TYPE_CHECKING:
    from mixpeek_lab.filters import Filter
    from mixpeek_lab.llm import LLMAnswer, LLMRequest
    from mixpeek_lab.workbench.search import Ask, Prepared, Searcher
    from mixpeek_lab.workbench.sources import Source

DEEPEST = 3
"""Searches in searches: a retriever's stage that asks a retriever whose stage asks one."""


class Reaching:
    """The callables of one search. `depth` counts the searches that it is inside of."""

    def __init__(
        self, searcher: Searcher, home: Home, prepared: Prepared, ask: Ask, depth: int = 0
    ) -> None:
        self._searcher, self._home, self._ask = searcher, home, ask
        self._prepared, self._sources, self._depth = prepared, prepared.sources, depth

    def reach(self) -> Reach:
        """All of them."""
        return Reach(
            search=self.search,
            embed=self.embed,
            vectors=self.vectors,
            documents=self.documents,
            llm=self.llm,
            http=call,
            sql=self.sql,
            first_feature=self._first_feature,
            secret=self.secret,
        )

    def search(
        self, retriever: str | Mapping[str, JSON] | None, request: Mapping[str, JSON]
    ) -> SearchResult:
        """See `retrievers.stages.reach.Search`."""
        if self._depth >= DEEPEST:
            raise RetrieverError(
                f"A stage of {self._prepared.spec.name!r} searches, inside of {DEEPEST} other "
                "searches: does a retriever ask itself?"
            )
        if retriever is None:
            retriever = replace(self._prepared.spec, stages=()).as_dict()
        if not isinstance(retriever, str):
            named = ("collection", "collections", "collection_id", "collection_ids")
            own = {"collection_identifiers": list(self._prepared.spec.collections)}
            has_own = any(key in retriever for key in (*named, *own))
            retriever = retriever if has_own else {**own, **retriever}
        return self._searcher.run(retriever, request, self._ask, self._depth + 1)

    def embed(self, feature_uri: str, texts: Sequence[str]) -> list[Any]:
        """See `retrievers.stages.reach.Embed`."""
        from mixpeek_lab.loader import query_vector

        uri = FeatureURI.parse(feature_uri)
        service = self._sources.service(uri)
        inputs = [{"text": text, "vector_index": uri.feature} for text in texts]
        answers = self._ask(service, inputs) if inputs else ()
        return [query_vector(answer, uri.feature) for answer in answers]

    def vectors(self, feature_uri: str | None, document_ids: Sequence[str]) -> dict[str, Any]:
        """See `retrievers.stages.reach.Vectors`."""
        uri = FeatureURI.parse(feature_uri or self._first_feature())
        found: dict[str, Any] = {}
        for source in self._sources.holding(uri):
            found |= source.snapshot.vectors_of(uri.feature, document_ids)
        return found

    def documents(self, collection: str, filters: Filter | None, most: int) -> list[Hit]:
        """See `retrievers.stages.reach.Documents`."""
        source = self._searcher.source(collection)
        return [
            Hit(key, document.collection_id, place, 0.0, document.fields, document.lineage)
            for place, (key, document) in enumerate(_documents(source, filters, most), start=1)
        ]

    def llm(self, request: LLMRequest) -> LLMAnswer:
        """See `retrievers.stages.reach.LLM`."""
        from mixpeek_lab.container import LLMHandle
        from mixpeek_lab.secrets import SecretStore

        handle = LLMHandle(SecretStore(self._home.path))
        return _alone(lambda: asyncio.run(handle.process(request)))

    def sql(
        self, connection: str, query: str, values: Sequence[Sequence[JSON]], seconds: float
    ) -> list[Any]:
        """See `retrievers.stages.reach.SQL`."""
        from mixpeek_lab.databases import Databases
        from mixpeek_lab.inspection import Inspector

        inspector = Inspector(self._searcher.catalog, self._home.path)
        databases = Databases(inspector, lambda name: self.secret(name) or os.environ.get(name))
        return list(databases.query(connection, query, values, seconds))

    def secret(self, name: str) -> str | None:
        """A secret of this lab. The environment is nobody's to send around."""
        from mixpeek_lab.secrets import SecretStore, guard_process, watch

        store = SecretStore(self._home.path)
        if name not in store.names():
            return None
        watch(store)
        guard_process()
        return store.get(name)

    def _first_feature(self) -> str:
        for leg in self._prepared.spec.searches:
            if leg.feature_uri and not leg.lexical:
                return leg.feature_uri
        raise RetrieverError(
            f"Retriever {self._prepared.spec.name!r} has no dense search whose vectors a stage "
            "could compare: name a feature_uri."
        )


def _documents(
    source: Source, filters: Filter | None, most: int
) -> list[tuple[str, FetchedDocument]]:
    snapshot, allowed = source.snapshot, source.snapshot.allowed(filters)
    ids = snapshot.document_ids
    rows = range(len(ids)) if allowed is None else allowed.nonzero()[0].tolist()
    wanted = [ids[row] for row in rows[:most]]
    collection = source.collection.collection_id
    return [
        (key, FetchedDocument(collection, shown_fields(row), source.lineage(row)))
        for key, row in snapshot.fetch(wanted).items()
    ]


def _alone(work: Callable[[], LLMAnswer]) -> LLMAnswer:
    """Run in a thread: where a notebook's loop runs, it cannot be entered a second time."""
    with ThreadPoolExecutor(1, thread_name_prefix="mixpeek-lab-llm") as pool:
        return pool.submit(copy_context().run, work).result()
