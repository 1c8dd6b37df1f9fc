"""The use cases behind the HTTP routes and the notebook's handle, in the gateway's replica."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mixpeek_lab.catalog import Catalog, RetrieverRecord
from mixpeek_lab.errors import ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.models import JSON, SearchResult, Span
from mixpeek_lab.retrievers import candidate_ids, plain, to_explain, to_response
from mixpeek_lab.uris import FeatureURI, normalise_version
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.platform import Host, Platform
from mixpeek_lab.workbench.platform.extractors import call_inputs
from mixpeek_lab.workbench.search import Prepared, Searcher


class Backend:
    """Answers with JSON values; raises LabErrors."""

    def __init__(self, home: Path, handles: Host) -> None:
        place = Home.open(home)
        self._catalog, self._handles = Catalog(place.catalog), handles
        self._searcher = Searcher(self._catalog, place)
        self.platform = Platform(self._catalog, place, handles)

    def resume(self) -> None:
        """Go on with what was asked for before the lab was stopped."""
        self.platform.resume()

    async def try_out(self, extractor: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Call one version's realtime service: `{inputs, parameters}`."""
        record = await asyncio.to_thread(self.platform.extractors.served, extractor)
        inputs, parameters = call_inputs(body)
        begun = time.perf_counter()
        data = await self._handles.infer(
            record.manifest.name, record.source.digest, inputs, parameters
        )
        milliseconds = round((time.perf_counter() - begun) * 1000, 3)
        return {"success": True, "data": plain(data), "latency_ms": milliseconds}

    async def execute(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever; the answer has Mixpeek's execute format."""
        prepared, result = await self._search(retriever, body)
        return to_response(result, prepared.spec, prepared.request)

    async def explain(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever; the answer holds every candidate of every leg."""
        prepared, result = await self._search(retriever, {**body, "candidates": True})
        documents = prepared.sources.fetch(candidate_ids(result))
        terms = prepared.sources.terms(prepared.request.text or "")
        return {**to_explain(result, documents), "terms": terms, "text_field": "data"}

    async def infer(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Call an extractor's realtime service: `{feature_uri | inference_name, inputs}`."""
        name, version, feature = _addressed(body)
        record = self._catalog.extractor(name, version=version)
        known = [f.feature_name for f in record.manifest.features]
        if feature is not None and feature not in known:
            raise NotFoundError("feature", feature, known)
        inputs, parameters = body.get("inputs"), body.get("parameters") or {}
        if not isinstance(inputs, Mapping) or not isinstance(parameters, Mapping):
            raise InvalidInputError('`inputs` and `parameters` are objects: {"text": "…"}.')
        begun = time.perf_counter()
        data = await self._handles.infer(name, record.source.digest, inputs, parameters)
        return {
            "data": plain(data),
            "provider": "mixpeek_lab",
            "model": f"{name}@{record.manifest.version}",
            "latency_ms": round((time.perf_counter() - begun) * 1000, 3),
        }

    async def create_retriever(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep a new retriever, checked against its collections."""
        spec = self._searcher.resolve(body)
        if any(spec.name == record.name for record in self._catalog.retrievers()):
            raise ConflictError(
                f"There is a retriever called {spec.name!r} already. Delete it, or take a new name."
            )
        return _public(
            self._catalog.put_retriever(new_name(spec.name, "retriever"), spec.as_dict())
        )

    async def list_retrievers(self) -> list[JSON]:
        """All retrievers, by name."""
        return [_public(record) for record in self._catalog.retrievers()]

    async def get_retriever(self, retriever: str) -> dict[str, JSON]:
        """One retriever."""
        return _public(self._catalog.retriever(retriever))

    async def delete_retriever(self, retriever: str) -> None:
        """Forget a retriever."""
        self._catalog.delete_retriever(retriever)

    async def _search(
        self, retriever: str, body: Mapping[str, JSON]
    ) -> tuple[Prepared, SearchResult]:
        prepared = self._searcher.prepare(retriever, body)
        begun = time.perf_counter()
        wanted = [(prepared.service(embed), embed.inputs) for embed in prepared.embeds]
        answers = await asyncio.gather(
            *(self._handles.infer(s.extractor, s.digest, i, s.parameters) for s, i in wanted)
        )
        vectors = prepared.vectors(answers)
        span = Span("embed", (time.perf_counter() - begun) * 1e3, len(answers), len(vectors))
        result = self._searcher.finish(prepared, vectors)
        return prepared, replace(result, spans=(span, *result.spans))


def _addressed(body: Mapping[str, JSON]) -> tuple[str, str | None, str | None]:
    """Extractor, version and feature, as far as they are given."""
    uri, name = body.get("feature_uri"), body.get("inference_name")
    if isinstance(uri, str):
        parsed = FeatureURI.parse(uri)
        return parsed.extractor, parsed.version, parsed.feature
    if isinstance(name, str):
        extractor, _, version = name.partition("@")
        return extractor, normalise_version(version) if version else None, None
    raise InvalidInputError("Say which service: `feature_uri`, or `inference_name`.")


def _public(record: RetrieverRecord) -> dict[str, JSON]:
    return {"retriever_id": record.retriever_id, "created_at": record.created_at, **record.body}
