"""Search: a retriever over its collections' snapshots, queries embedded by the extractor itself.

Both the kernel (`Lab.search`) and the gateway's replica (`Backend`) use the same `Searcher`; they
differ in who embeds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.models import JSON, Collection, SearchResult
from mixpeek_lab.retrievers import (
    EmbedRequest,
    RetrieverSpec,
    SearchLeg,
    SearchRequest,
    TextQuery,
    embed_requests,
    parse_request,
    parse_retriever,
    search,
)
from mixpeek_lab.snapshots import Snapshot
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.awaited import awaited, demand_documents
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.sources import Service, Source, Sources

if TYPE_CHECKING:
    from mixpeek_lab.loader import RealtimeService

Vectors = Mapping[str, Any]
"""Embedded queries by leg name: arrays (dim,)."""

MOST_LOADED = 4
"""Realtime services that the kernel keeps loaded: each may hold a model."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query that is ready but for its vectors."""

    spec: RetrieverSpec
    request: SearchRequest
    sources: Sources
    embeds: tuple[EmbedRequest, ...]

    def service(self, embed: EmbedRequest) -> Service:
        """What must embed the request."""
        return self.sources.service(FeatureURI.parse(embed.feature_uri))

    def vectors(self, answers: Sequence[Mapping[str, JSON]]) -> Vectors:
        """The services' answers, one for each of `embeds`, as the query's vectors.

        ExtractorRunError where one holds no vector, or one of another length than the documents'.
        """
        from mixpeek_lab.loader import query_vector

        found = {}
        for embed, answer in zip(self.embeds, answers, strict=True):
            uri = FeatureURI.parse(embed.feature_uri)
            vector = query_vector(answer, uri.feature)
            _check_length(len(vector), uri, self.sources.dimension(uri))
            found.update(dict.fromkeys(embed.legs, vector))
        return found


def _check_length(given: int, uri: FeatureURI, needed: int | None) -> None:
    if needed not in (None, given):
        raise ExtractorRunError(
            f"{uri.extractor}: realtime.py answered the query with {given} numbers for "
            f"{uri.feature!r}, but the vectors of the documents have {needed} (embedding_dim in "
            "manifest.py). Give realtime.py the model that the processor uses, load the extractor "
            "and process the bucket again."
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """A stored retriever and its collections, as the catalog had them at `version`."""

    version: object
    spec: RetrieverSpec
    sources: Sources


class Searcher:
    """Reads retrievers and snapshots; keeps what it has read until the catalog changes."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home
        self._snapshots: dict[str, Snapshot] = {}
        self._stored: dict[str, _Read] = {}

    def resolve(self, body: Mapping[str, JSON], name: str | None = None) -> RetrieverSpec:
        """Read a definition and check it against its collections.

        Bare feature names become URIs. RetrieverError or NotFoundError where a collection or a
        feature is missing, or was made by several versions of the code.
        """
        return self._resolved(body, name)[0]

    def services(self, retriever: str) -> list[Service]:
        """What the text queries of a stored retriever are embedded by, each once."""
        read = self._read(retriever)
        uris = [leg.feature_uri for leg in read.spec.searches if leg.feature_uri and _embeds(leg)]
        found: list[Service] = []
        for uri in dict.fromkeys(uris):
            service = read.sources.service(FeatureURI.parse(uri))
            if service not in found:
                found.append(service)
        return found

    def prepare(self, retriever: str | Mapping[str, JSON], body: Mapping[str, JSON]) -> Prepared:
        """Everything up to the embedding of the query. `retriever` is a name, an id or a body."""
        if isinstance(retriever, str):
            read = self._read(retriever)
            spec, sources = read.spec, read.sources
        else:
            spec, sources = self._resolved(retriever, "unnamed")
        demand_documents(self._catalog, (source.collection for source in sources.all))
        request = parse_request(body)
        return Prepared(spec, request, sources, embed_requests(spec, request))

    def finish(self, prepared: Prepared, vectors: Vectors) -> SearchResult:
        """Search, fuse and fetch."""
        context = prepared.sources.context()
        return search(prepared.spec, prepared.request, vectors, context)

    def _read(self, retriever: str) -> _Read:
        version = self._catalog.version  # before reading: what changes meanwhile is read again
        read = self._stored.get(retriever)
        if read is None or read.version != version:
            record = self._catalog.retriever(retriever)
            read = _Read(version, *self._resolved(record.body, record.name))
            self._stored[retriever] = read
        return read

    def _resolved(
        self, body: Mapping[str, JSON], name: str | None
    ) -> tuple[RetrieverSpec, Sources]:
        spec = parse_retriever(body, name)
        collections = {c.collection_id: c for c in map(self._catalog.collection, spec.collections)}
        sources = Sources(tuple(map(self._source, collections.values())))
        spec = spec.with_features(sources.uri_of)
        for leg in spec.searches:
            if leg.feature_uri and not leg.lexical:
                sources.service(FeatureURI.parse(leg.feature_uri))
        return spec, sources

    def _source(self, collection: Collection) -> Source:
        if collection.snapshot is None:
            return Source(collection, awaited(self._catalog, collection))
        folder = self._home.snapshots(collection.collection_id) / str(collection.snapshot)
        known = self._snapshots.get(collection.collection_id)
        if known is None or known.folder != folder:
            known = Snapshot(folder, collection.collection_id)
            self._snapshots[collection.collection_id] = known
        return Source(collection, known)


def _embeds(leg: SearchLeg) -> bool:
    return not leg.lexical and isinstance(leg.query, TextQuery)


class KernelServices:
    """Realtime services loaded in this process, for `Lab.search`."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home
        self._loaded: OrderedDict[tuple[str, str], RealtimeService] = OrderedDict()

    def embed(self, prepared: Prepared) -> Vectors:
        """The vectors that the query needs. ExtractorError where an extractor's code fails."""
        answers = []
        for embed in prepared.embeds:
            service = prepared.service(embed)
            answers.append(self._service(service).infer_sync(embed.inputs, service.parameters))
        return prepared.vectors(answers)

    def _service(self, wanted: Service) -> RealtimeService:
        from mixpeek_lab.loader import load_service

        key = (wanted.extractor, wanted.digest)
        if key not in self._loaded:
            source = self._catalog.extractor(wanted.extractor, digest=wanted.digest).source
            self._loaded[key] = load_service(source, self._home.path)
            if len(self._loaded) > MOST_LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(key)
        return self._loaded[key]
