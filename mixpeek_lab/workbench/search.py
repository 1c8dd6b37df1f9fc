"""Search: a retriever over its collections' snapshots, queries embedded by the extractor itself.

Both the kernel (`Lab.search`) and the gateway's replica (`Backend`) use the same `Searcher`; they
differ in who embeds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mixpeek_lab.catalog import Catalog, RetrieverRecord
from mixpeek_lab.errors import InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.filters import Filter
from mixpeek_lab.models import JSON, Collection, SearchResult, Span
from mixpeek_lab.retrievers import (
    EmbedRequest,
    FetchedDocument,
    RetrieverSpec,
    SearchContext,
    SearchLeg,
    SearchRequest,
    candidate_ids,
    embed_requests,
    parse_request,
    parse_retriever,
    search,
    to_explain,
    to_response,
)
from mixpeek_lab.snapshots import Snapshot, split_fields
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.home import Home

if TYPE_CHECKING:
    from mixpeek_lab.loader import RealtimeService

Pairs = list[tuple[str, float]]


@dataclass(frozen=True)
class Source:
    """A collection with the snapshot that readers see."""

    collection: Collection
    snapshot: Snapshot

    def uri(self, feature: str) -> str:
        """The address of one of its features."""
        version = self.collection.extractor_version
        return str(FeatureURI(self.collection.extractor, version, feature))

    def lineage(self, row: Mapping[str, JSON]) -> dict[str, JSON]:
        """Where a document of this collection comes from, as the API tells it."""
        return {
            "root_object_id": row.get("object_id"),
            "root_bucket_id": row.get("_bucket_id"),
            "source_object_id": row.get("object_id"),
            "blob_id": row.get("blob_id"),
            "blob_property": row.get("blob_property"),
            "extractor": row.get("_extractor"),
            "run_id": row.get("_run_id"),
            "path": f"{row.get('_bucket_id')}/{self.collection.collection_id}",
            "chain": [row.get("_bucket_id"), row.get("object_id"), self.collection.collection_id],
        }


@dataclass(frozen=True)
class Prepared:
    """A query that is ready but for its vectors."""

    spec: RetrieverSpec
    request: SearchRequest
    sources: tuple[Source, ...]
    embeds: tuple[EmbedRequest, ...]

    def service(self, embed: EmbedRequest) -> tuple[str, str]:
        """The extractor's name and digest that must embed the request."""
        uri = FeatureURI.parse(embed.feature_uri)
        found = sources_of(self.sources, uri)
        return uri.extractor, found[0].collection.extractor_digest


class Searcher:
    """Reads retrievers and snapshots; holds open what it has read."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home
        self._snapshots: dict[str, Snapshot] = {}
        self._specs: dict[str, tuple[Mapping[str, JSON], RetrieverSpec]] = {}

    def resolve(self, body: Mapping[str, JSON], name: str | None = None) -> RetrieverSpec:
        """Read a definition and check it against its collections.

        Bare feature names become URIs. RetrieverError where a collection or feature is missing.
        """
        spec = parse_retriever(body, name)
        sources = self.sources(spec)
        spec = spec.with_features(lambda feature: _unique_uri(sources, feature))
        for leg in spec.searches:
            if leg.feature_uri and not leg.lexical:
                _one_version(sources_of(sources, FeatureURI.parse(leg.feature_uri)), leg)
        return spec

    def sources(self, spec: RetrieverSpec) -> tuple[Source, ...]:
        """The retriever's collections with their current snapshots."""
        return tuple(self._source(self._catalog.collection(name)) for name in spec.collections)

    def services(self, body: Mapping[str, JSON]) -> list[tuple[str, str]]:
        """Name and digest of each extractor that the retriever's queries need."""
        spec = self.resolve(body)
        sources = self.sources(spec)
        found = []
        for leg in spec.searches:
            if leg.feature_uri and not leg.lexical:
                uri = FeatureURI.parse(leg.feature_uri)
                digest = sources_of(sources, uri)[0].collection.extractor_digest
                found.append((uri.extractor, digest))
        return list(dict.fromkeys(found))

    def prepare(
        self, retriever: str | Mapping[str, JSON], body: Mapping[str, JSON]
    ) -> Prepared:
        """Everything up to the embedding of the query."""
        spec = self._stored(retriever) if isinstance(retriever, str) else self.resolve(retriever)
        request = parse_request(body)
        return Prepared(spec, request, self.sources(spec), embed_requests(spec, request))

    def finish(self, prepared: Prepared, vectors: Mapping[str, Sequence[float]]) -> SearchResult:
        """Search, fuse and fetch. `vectors` are by leg name."""
        return search(prepared.spec, prepared.request, vectors, _context(prepared.sources))

    def documents(self, prepared: Prepared, ids: Sequence[str]) -> Mapping[str, FetchedDocument]:
        """Documents of the retriever's collections, by id."""
        return _fetch(prepared.sources, ids)

    def _stored(self, retriever: str) -> RetrieverSpec:
        record = self._catalog.retriever(retriever)
        known = self._specs.get(record.retriever_id)
        if known is None or known[0] != record.body:
            known = (record.body, self.resolve(record.body, record.name))
            self._specs[record.retriever_id] = known
        return known[1]

    def _source(self, collection: Collection) -> Source:
        if collection.snapshot is None:
            raise RetrieverError(
                f"Collection {collection.name!r} has no documents yet: process its bucket first."
            )
        folder = self._home.snapshots(collection.collection_id) / str(collection.snapshot)
        open_one = self._snapshots.get(collection.collection_id)
        if open_one is None or open_one.folder != folder:
            open_one = Snapshot(folder, collection.collection_id)
            self._snapshots[collection.collection_id] = open_one
        return Source(collection, open_one)


class KernelServices:
    """Realtime services loaded in this process, for `Lab.search`."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home
        self._loaded: dict[tuple[str, str], RealtimeService] = {}

    def embed(self, prepared: Prepared) -> dict[str, Sequence[float]]:
        """The vectors that the query needs, by leg name."""
        from mixpeek_lab.loader import query_vector

        vectors: dict[str, Sequence[float]] = {}
        for embed in prepared.embeds:
            service = self._service(*prepared.service(embed))
            answer = service.infer_sync(dict(embed.inputs), {})
            feature = FeatureURI.parse(embed.feature_uri).feature
            for leg in embed.legs:
                vectors[leg] = query_vector(answer, feature)
        return vectors

    def _service(self, name: str, digest: str) -> RealtimeService:
        from mixpeek_lab.loader import load_service

        if (name, digest) not in self._loaded:
            source = self._catalog.extractor(name, digest=digest).source
            self._loaded[name, digest] = load_service(source, self._home.path)
        return self._loaded[name, digest]


class Handles(Protocol):
    """Calls deployed extractor services."""

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """The service's answer."""
        ...


class Backend:
    """The use cases behind the HTTP routes and the notebook's handle, in the gateway's replica."""

    def __init__(self, home: Path, handles: Handles) -> None:
        place = Home.open(home)
        self._catalog, self._handles = Catalog(place.catalog), handles
        self._searcher = Searcher(self._catalog, place)

    async def execute(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever; the answer has Mixpeek's execute format."""
        prepared, result = await self._search(retriever, body)
        return to_response(result, prepared.spec, prepared.request)

    async def explain(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever; the answer holds every candidate of every leg."""
        prepared, result = await self._search(retriever, {**body, "candidates": True})
        documents = self._searcher.documents(prepared, candidate_ids(result))
        return {**to_explain(result, documents), "terms": _terms(prepared), "text_field": "data"}

    async def infer(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Call an extractor's realtime service: `{feature_uri | inference_name, inputs}`."""
        name, version = _addressed(body)
        record = self._catalog.extractor(name, version=version)
        inputs, parameters = body.get("inputs"), body.get("parameters") or {}
        if not isinstance(inputs, Mapping) or not isinstance(parameters, Mapping):
            raise InvalidInputError("`inputs` and `parameters` are objects: {\"text\": …}.")
        begun = time.perf_counter()
        data = await self._handles.infer(name, record.source.digest, inputs, parameters)
        return {
            "data": data,
            "provider": "mixpeek_lab",
            "model": f"{name}@{record.manifest.version}",
            "latency_ms": round((time.perf_counter() - begun) * 1000, 3),
        }

    async def create_retriever(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep a retriever, checked against its collections."""
        spec = self._searcher.resolve(body)
        return {"retriever": _public(self._catalog.put_retriever(spec.name, spec.as_dict()))}

    async def list_retrievers(self) -> dict[str, JSON]:
        """All retrievers, one page."""
        found = [_public(record) for record in self._catalog.retrievers()]
        page = {
            "total": len(found), "page": 1, "page_size": len(found), "total_pages": 1,
            "next_page": None, "previous_page": None, "next_cursor": None,
        }  # fmt: skip
        return {"results": found, "pagination": page}

    async def get_retriever(self, retriever: str) -> dict[str, JSON]:
        """One retriever."""
        return _public(self._catalog.retriever(retriever))

    async def delete_retriever(self, retriever: str) -> dict[str, JSON]:
        """Forget a retriever."""
        self._catalog.delete_retriever(retriever)
        return {"success": True}

    async def _search(
        self, retriever: str, body: Mapping[str, JSON]
    ) -> tuple[Prepared, SearchResult]:
        from mixpeek_lab.loader import query_vector

        prepared = self._searcher.prepare(retriever, body)
        begun = time.perf_counter()
        answers = await asyncio.gather(
            *(
                self._handles.infer(*prepared.service(embed), embed.inputs, {})
                for embed in prepared.embeds
            )
        )
        vectors: dict[str, Sequence[float]] = {}
        for embed, answer in zip(prepared.embeds, answers, strict=True):
            feature = FeatureURI.parse(embed.feature_uri).feature
            for leg in embed.legs:
                vectors[leg] = query_vector(answer, feature)
        embedding = Span("embed", (time.perf_counter() - begun) * 1e3, 1, len(vectors))
        result = self._searcher.finish(prepared, vectors)
        return prepared, replace(result, spans=(embedding, *result.spans))


def sources_of(sources: Sequence[Source], uri: FeatureURI) -> list[Source]:
    """The collections that hold the feature; RetrieverError names the features there are."""
    found = [
        s
        for s in sources
        if (s.collection.extractor, s.collection.extractor_version) == (uri.extractor, uri.version)
        and uri.feature in s.snapshot.features
    ]
    if not found:
        known = sorted({s.uri(name) for s in sources for name in s.snapshot.features})
        raise RetrieverError(
            f"No collection of this retriever has {uri}. They have: {', '.join(known) or 'no vectors'}."
        )
    return found


def _unique_uri(sources: Sequence[Source], feature: str) -> str:
    uris = sorted({s.uri(feature) for s in sources if feature in s.snapshot.features})
    if len(uris) == 1:
        return uris[0]
    if uris:
        raise RetrieverError(
            f"Feature {feature!r} is in several extractors. Write its feature_uri: {', '.join(uris)}."
        )
    known = sorted({name for s in sources for name in s.snapshot.features})
    raise NotFoundError("feature", feature, known)


def _one_version(sources: Sequence[Source], leg: SearchLeg) -> None:
    if len({s.collection.extractor_digest for s in sources}) > 1:
        names = ", ".join(s.collection.name for s in sources)
        raise RetrieverError(
            f"{leg.feature_uri}: {names} were made by different code under one version, so one "
            "query vector does not fit them all. Process them again with the same code."
        )


def _context(sources: Sequence[Source]) -> SearchContext:
    def dense(leg: SearchLeg, vector: Any, top_k: int, filters: Filter | None) -> Pairs:
        uri = FeatureURI.parse(leg.feature_uri or "")
        return _best(
            [s.snapshot.dense(uri.feature, vector, top_k, filters) for s in sources_of(sources, uri)],
            top_k,
        )

    def lexical(_: SearchLeg, text: str, top_k: int, filters: Filter | None) -> Pairs:
        return _best([s.snapshot.lexical(text, top_k, filters) for s in sources], top_k)

    def vector_of(leg: SearchLeg, document_id: str) -> Sequence[float]:
        uri = FeatureURI.parse(leg.feature_uri or "")
        holders = [s for s in sources_of(sources, uri) if document_id in s.snapshot.row_of]
        if not holders:
            raise NotFoundError("document", document_id)
        return holders[0].snapshot.vector_of(uri.feature, document_id)

    return SearchContext(
        dense=dense,
        lexical=lexical,
        fetch=lambda ids: _fetch(sources, ids),
        vector_of=vector_of,
    )


def _best(found: list[Pairs], top_k: int) -> Pairs:
    """The best of several collections' candidates; ties by document id."""
    if len(found) == 1:
        return found[0]
    joined = [pair for pairs in found for pair in pairs]
    return sorted(joined, key=lambda pair: (-pair[1], pair[0]))[:top_k]


def _fetch(sources: Sequence[Source], ids: Sequence[str]) -> dict[str, FetchedDocument]:
    found: dict[str, FetchedDocument] = {}
    for source in sources:
        for key, row in source.snapshot.fetch(ids).items():
            fields, _ = split_fields(row)
            found[key] = FetchedDocument(
                source.collection.collection_id, fields, source.lineage(row)
            )
    return found


def _terms(prepared: Prepared) -> list[str]:
    """The query's words as the indexes know them, for highlighting."""
    text = prepared.request.text or ""
    return prepared.sources[0].snapshot.lexical_index.query_terms(text) if text else []


def _addressed(body: Mapping[str, JSON]) -> tuple[str, str | None]:
    uri, name = body.get("feature_uri"), body.get("inference_name")
    if isinstance(uri, str):
        parsed = FeatureURI.parse(uri)
        return parsed.extractor, parsed.version
    if isinstance(name, str):
        extractor, _, version = name.partition("@")
        return extractor, version or None
    raise InvalidInputError("Say which service: `feature_uri`, or `inference_name`.")


def _public(record: RetrieverRecord) -> dict[str, JSON]:
    return {"retriever_id": record.retriever_id, "created_at": record.created_at, **record.body}

