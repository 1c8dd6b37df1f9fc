"""Search: a retriever over its collections' snapshots, queries embedded by the extractor itself.

Both the kernel (`Lab.search`) and the gateway's replica (`Backend`) use the same `Searcher`; they
differ in who embeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.errors import ExtractorRunError, LabError
from mixpeek_lab.models import JSON, Collection, SearchResult
from mixpeek_lab.retrievers import (
    EmbedRequest,
    ExtractorRef,
    RetrieverSpec,
    SearchRequest,
    embed_requests,
    parse_request,
    parse_retriever,
    run_stages,
    search,
)
from mixpeek_lab.snapshots import Shown
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.addresses import find_extractor
from mixpeek_lab.workbench.awaited import awaited, demand_documents
from mixpeek_lab.workbench.compatibility import (
    Extractors,
    Find,
    check_search,
    embeds_text,
    stage_extractors,
)
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.interactions import Teacher
from mixpeek_lab.workbench.reaching import Reaching
from mixpeek_lab.workbench.refs import untagged
from mixpeek_lab.workbench.sources import Service, Source, Sources

Vectors = Mapping[str, Any]
"""Embedded queries by leg name: arrays (dim,)."""

Ask = Callable[[Service, Sequence[Mapping[str, JSON]]], Sequence[Mapping[str, JSON]]]
"""(service, several inputs) → its answers, in the same order."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query that is ready but for its vectors."""

    spec: RetrieverSpec
    request: SearchRequest
    sources: Sources
    embeds: tuple[EmbedRequest, ...]
    extractors: Extractors
    """Those that later stages ask."""
    retriever_id: str = ""
    """Of a stored retriever."""

    @property
    def asks(self) -> bool:
        """Whether any extractor is asked."""
        return bool(self.embeds or self.extractors)

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
    """A retriever, its collections and extractors, as the catalog had them at `version`."""

    version: object
    spec: RetrieverSpec
    sources: Sources
    extractors: Extractors
    retriever_id: str = ""

    @property
    def services(self) -> list[Service]:
        """What is asked for an answer, each once: those that embed, then those of the stages."""
        legs = [leg for leg in self.spec.searches if embeds_text(leg)]
        found = [self.sources.service(FeatureURI.parse(leg.feature_uri or "")) for leg in legs]
        found += [_service(record) for record, _ in self.extractors.values()]
        return [service for i, service in enumerate(found) if service not in found[:i]]


class Searcher:
    """Reads retrievers and snapshots; keeps what it has read until the catalog changes."""

    def __init__(self, catalog: Catalog, home: Home, find: Find = find_extractor) -> None:
        """`find`: which version stages ask where they name none."""
        self.catalog, self._home, self._find = catalog, home, find
        self.shown = Shown(catalog, home.snapshots)
        self._stored: dict[str, _Read] = {}
        self._teacher = Teacher(catalog)

    def resolve(
        self, body: Mapping[str, JSON], name: str | None = None
    ) -> tuple[RetrieverSpec, tuple[str, ...]]:
        """Read a definition and check it against its collections and extractors; with notes on it.

        Bare feature names become URIs. RetrieverError or NotFoundError where a collection or a
        feature is missing, or was made by several versions of the code, and where an extractor
        does not fit the stage that asks it.
        """
        read = self._resolved(body, name)
        return read.spec, check_search(self.catalog, read.spec, read.sources)

    def services(self, retriever: str) -> list[Service]:
        """What a stored retriever asks: those that embed its queries first, each once."""
        return self._read(retriever).services

    def behind_stages(self, extractor: str) -> set[str]:
        """The digests of the extractor's versions that any stored retriever's stages ask."""
        found = set()
        for asked in self.stages().values():
            found |= {r.source.digest for r in asked if r.manifest.name == extractor}
        return found

    def stages(self) -> dict[str, list[ExtractorRecord]]:
        """Stored retriever, by name → what its later stages ask."""
        found = {}
        for record in self.catalog.retrievers():
            with suppress(LabError):  # one that cannot be read any more asks nobody
                stages = parse_retriever(record.body).stages
                asked = stage_extractors(self.catalog, stages, self._find).values()
                found[record.name] = [extractor for extractor, _ in asked]
        return found

    def prepare(self, retriever: str | Mapping[str, JSON], body: Mapping[str, JSON]) -> Prepared:
        """Everything up to the embedding of the query. `retriever` is a name, an id or a body."""
        if isinstance(retriever, str):
            read = self._read(retriever)
        else:
            read = self._resolved(retriever, "unnamed")
            check_search(self.catalog, read.spec, read.sources)
        demand_documents(self.catalog, (source.collection for source in read.sources.all))
        request = parse_request(body)
        embeds = embed_requests(read.spec, request)
        return Prepared(
            read.spec, request, read.sources, embeds, read.extractors, read.retriever_id
        )

    def finish(self, prepared: Prepared, vectors: Vectors) -> SearchResult:
        """Search, fuse and fetch. Where the retriever has later stages, `stage` comes next."""
        arms = partial(self._teacher.arms, prepared.retriever_id, prepared.spec.searches)
        context = replace(prepared.sources.context(), arms=arms)
        return search(prepared.spec, prepared.request, vectors, context)

    def run(
        self, retriever: str | Mapping[str, JSON], body: Mapping[str, JSON], ask: Ask, depth: int
    ) -> SearchResult:
        """A whole search that a stage asks for, inside of `depth` others."""
        prepared = self.prepare(retriever, body)
        answers = [ask(prepared.service(embed), [embed.inputs])[0] for embed in prepared.embeds]
        result = self.finish(prepared, prepared.vectors(answers))
        return self.stage(prepared, result, ask, depth)

    def source(self, collection: str) -> Source:
        """A collection with its snapshot. NotFoundError, and what `demand_documents` raises."""
        found = self.catalog.collection(collection)
        demand_documents(self.catalog, [found])
        return self._source(found)

    def stage(
        self, prepared: Prepared, result: SearchResult, ask: Ask, depth: int = 0
    ) -> SearchResult:
        """Pass the result through the retriever's later stages, whose extractors `ask` reaches.

        ExtractorRunError where an answer breaks the contract of the extractor's inference_type.
        """
        if not prepared.spec.stages:
            return result
        from mixpeek_lab.loader.contracts import check_answer

        def infer(
            ref: ExtractorRef, inputs: Sequence[Mapping[str, JSON]]
        ) -> list[Mapping[str, JSON]]:
            record, feature = prepared.extractors[ref]
            answers = ask(_service(record), inputs) if inputs else ()
            return [
                check_answer(record.manifest, given, answer, feature)
                for given, answer in zip(inputs, answers, strict=True)
            ]

        reach = Reaching(self, self._home, prepared, ask, depth).reach()
        return run_stages(prepared.spec, prepared.request, result, infer, reach)

    def _read(self, retriever: str) -> _Read:
        version = self.catalog.version  # before reading: what changes meanwhile is read again
        read = self._stored.get(retriever)
        if read is None or read.version != version:
            record = self.catalog.retriever(retriever)
            read = self._resolved(record.body, record.name, version)
            read = replace(read, retriever_id=record.retriever_id)
            self._stored[retriever] = read
        return read

    def _resolved(
        self, body: Mapping[str, JSON], name: str | None, version: object = None
    ) -> _Read:
        spec = parse_retriever(untagged(self.catalog, dict(body)), name)
        collections = {c.collection_id: c for c in map(self.catalog.collection, spec.collections)}
        sources = Sources(tuple(map(self._source, collections.values())), self.source)
        spec = spec.with_features(sources.uri_of)
        for leg in spec.searches:
            if leg.feature_uri and not leg.lexical:
                sources.service(FeatureURI.parse(leg.feature_uri))
        return _Read(
            version, spec, sources, stage_extractors(self.catalog, spec.stages, self._find)
        )

    def _source(self, collection: Collection) -> Source:
        if collection.snapshot is None:
            return Source(collection, awaited(self.catalog, collection))
        return Source(collection, self.shown.of(collection))


def _service(record: ExtractorRecord) -> Service:
    return Service(record.manifest.name, record.source.digest, {})
