"""The use cases behind the HTTP routes and the notebook's handle, in the gateway's replica."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from mixpeek_lab.catalog import Catalog, RetrieverRecord
from mixpeek_lab.errors import BodyError, ConflictError, EngineError
from mixpeek_lab.models import JSON, SearchResult, Span
from mixpeek_lab.retrievers import candidate_ids, to_response
from mixpeek_lab.workbench.addresses import (
    addressed,
    check_request,
    find_served,
    with_index,
)
from mixpeek_lab.workbench.asking import explained
from mixpeek_lab.workbench.depth import asked_depth, places
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.other_backends import OtherBackends
from mixpeek_lab.workbench.platform import Host, Platform
from mixpeek_lab.workbench.platform.bodies import demand_known, optional
from mixpeek_lab.workbench.platform.evaluations import ServedEvaluations
from mixpeek_lab.workbench.platform.namespaces import Namespaces
from mixpeek_lab.workbench.playing_maps import leg_vectors
from mixpeek_lab.workbench.search import Prepared, Searcher, Vectors
from mixpeek_lab.workbench.several import execute_all, split_adhoc
from mixpeek_lab.workbench.sources import Service

CHANGEABLE = ("retriever_name", "description", "stages", "collection_identifiers", "input_schema")
MOST_STAGED = 64
"""Searches whose later stages run at once; the ones above wait."""


class Backend:
    """Answers with JSON values; raises LabErrors."""

    def __init__(self, home: Path, handles: Host) -> None:
        place = Home.open(home)
        self._catalog, self._handles = Catalog(place.catalog), handles
        searcher = self._searcher = Searcher(self._catalog, place, find_served)
        self.platform = Platform(self._catalog, place, handles, searcher.stages, searcher.shown)
        self.evaluations = ServedEvaluations(self._catalog, self._searcher, self._search)
        # Threads start when they are needed; each waits for the services of one search.
        self._threads = ThreadPoolExecutor(MOST_STAGED, thread_name_prefix="mixpeek-lab-stages")
        self._others = OtherBackends(self._catalog, place, self._beside)
        self.namespaces = Namespaces(self._others.spaces, handles)

    def resume(self) -> None:
        """Go on with what was asked for before the lab was stopped, in every namespace."""
        self.evaluations.close_lost()
        self.platform.resume()
        for other in self._others.all():
            other.resume()

    async def within(self, namespace: str) -> Backend:
        """The one of a namespace, by its name or id. NotFoundError."""
        return await self._others.find(namespace) or self

    def _beside(self, home: Path) -> Backend:
        return Backend(home, self._handles.within(home))

    async def try_out(self, extractor: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Call one version's realtime service: `{inputs, parameters}`."""
        record = await asyncio.to_thread(self.platform.extractors.served, extractor)
        asked = {"inference_name": f"{record.manifest.name}@{record.manifest.version}"}
        return {"success": True, **await self.infer({**body, **asked, "feature_uri": None})}

    async def execute(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever; the answer has Mixpeek's execute format."""
        record = self._catalog.retriever(retriever)
        return {"retriever_id": record.retriever_id, **await self._execute(retriever, body)}

    async def execute_adhoc(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a retriever that is not kept: its definition and the query in one body."""
        definition, request = split_adhoc(body)
        return await self._execute(definition, request)

    async def execute_batch(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever for several queries, a few of them at once."""
        self._catalog.retriever(retriever)
        return await execute_all(partial(self.execute, retriever), body)

    async def explain(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever; the answer holds every candidate of every leg."""
        record = self._catalog.retriever(retriever)
        prepared, result = await self._search(retriever, {**body, "candidates": True})
        self._note(prepared, result, candidate_ids(result))
        return explained(record, prepared, result)

    async def depths(
        self, retriever: str, body: Mapping[str, JSON], document_id: str
    ) -> dict[str, JSON]:
        """Where a document stands in every leg of a stored retriever: see `workbench.depth`."""
        prepared = self._searcher.prepare(retriever, {**body, "candidates": True})
        told, deep = asked_depth(prepared, document_id)
        found = await self._answered(deep) if deep else None
        return {**told, "legs": places(found, document_id)}

    async def query_vectors(
        self, retriever: str, body: Mapping[str, JSON]
    ) -> dict[str, list[float]]:
        """What each vector leg of a stored retriever searches with, by the leg's name."""
        prepared = self._searcher.prepare(retriever, {**body, "candidates": True})
        return leg_vectors(prepared, await self._embedded(prepared))

    async def infer(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Call an extractor's realtime service: `{feature_uri | inference_name, inputs}`.

        An address without a version is the one of whichever version is served: see `find_served`.
        The answer is checked against the contract of the extractor's inference_type.
        """
        from mixpeek_lab.loader.contracts import check_answer

        ref = addressed(body)
        given, parameters = body.get("inputs", body.get("input")), body.get("parameters") or {}
        check_request(given, parameters)
        begun = time.perf_counter()
        record, feature = find_served(self._catalog, ref)
        while True:
            manifest, digest = record.manifest, record.source.digest
            inputs = with_index(manifest, given, feature)
            try:
                answer = await self._service(manifest.name, digest, inputs, parameters)
                break
            except EngineError:
                await asyncio.to_thread(self.platform.extractors.forget_gone)
                record, feature = find_served(self._catalog, ref)
                if record.source.digest == digest:  # no other version has taken over meanwhile
                    raise
        return {
            "data": check_answer(manifest, inputs, answer, feature),
            "provider": "mixpeek_lab",
            "model": f"{manifest.name}@{manifest.version}",
            "latency_ms": round((time.perf_counter() - begun) * 1000, 3),
        }

    async def create_retriever(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep a new retriever, checked against its collections; it, and warnings about it."""
        spec, notes = self._searcher.resolve(body)
        if any(spec.name == record.name for record in self._catalog.retrievers()):
            raise ConflictError(
                f"There is a retriever called {spec.name!r} already. Delete it, or take a new name."
            )
        record = self._catalog.put_retriever(new_name(spec.name, "retriever"), spec.as_dict())
        made = _public(record)
        return {**made, "retriever": made, "warnings": list(notes)}

    async def patch_retriever(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Change a retriever: what is given takes the place of what it had. Its name stays."""
        record = self._catalog.retriever(retriever)
        demand_known(body, CHANGEABLE)
        if body.get("retriever_name", record.name) != record.name:
            raise BodyError.at("retriever_name", "stays: make another retriever of that name.")
        changes = {name: value for name, value in body.items() if value is not None}
        spec, notes = self._searcher.resolve({**record.body, **changes}, record.name)
        made = _public(self._catalog.put_retriever(record.name, spec.as_dict()))
        return {**made, "retriever": made, "warnings": list(notes)}

    async def list_retrievers(self) -> list[JSON]:
        """All retrievers, by name."""
        return [_public(record) for record in self._catalog.retrievers()]

    async def get_retriever(self, retriever: str) -> dict[str, JSON]:
        """One retriever."""
        return _public(self._catalog.retriever(retriever))

    async def delete_retriever(self, retriever: str) -> None:
        """Forget a retriever."""
        self._catalog.delete_retriever(retriever)

    async def _execute(
        self, retriever: str | Mapping[str, JSON], body: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """The answer; with the documents' vectors where `return_vectors` asks for them."""
        asked = {name: value for name, value in body.items() if name != "return_vectors"}
        prepared, result = await self._search(retriever, asked)
        answer = to_response(result, prepared.spec, prepared.request)
        self._note(prepared, result, [hit.document_id for hit in result.hits])
        if optional(body, "return_vectors", bool):
            ids = [hit.document_id for hit in result.hits]
            vectors = await asyncio.to_thread(prepared.sources.vectors_of, ids)
            for document in answer["documents"]:
                document.update(vectors.get(document["document_id"], {}))
        return answer

    def _note(self, prepared: Prepared, result: SearchResult, shown: Iterable[str]) -> None:
        """Remember what was shown, for the interactions with it."""
        known = prepared.retriever_id or None
        self.platform.executions.note(result.execution_id, known, shown)

    async def _search(
        self, retriever: str | Mapping[str, JSON], body: Mapping[str, JSON]
    ) -> tuple[Prepared, SearchResult]:
        prepared = self._searcher.prepare(retriever, body)
        try:
            return prepared, await self._answered(prepared)
        except EngineError:
            await asyncio.to_thread(self.platform.extractors.forget_gone)
            again = self._searcher.prepare(retriever, body)
            if again.extractors == prepared.extractors:
                raise
            return again, await self._answered(again)  # another version has taken over meanwhile

    async def _answered(self, prepared: Prepared) -> SearchResult:
        begun = time.perf_counter()
        vectors = await self._embedded(prepared)
        milliseconds = (time.perf_counter() - begun) * 1e3
        span = Span("embed", milliseconds, len(prepared.embeds), len(vectors))
        result = self._searcher.finish(prepared, vectors)
        result = replace(result, spans=(span, *result.spans))
        if prepared.spec.stages:
            result = await self._staged(prepared, result)
        return result

    async def _embedded(self, prepared: Prepared) -> Vectors:
        wanted = [(prepared.service(embed), embed.inputs) for embed in prepared.embeds]
        answers = await asyncio.gather(
            *(self._service(s.extractor, s.digest, i, s.parameters) for s, i in wanted)
        )
        return prepared.vectors(answers)

    async def _service(
        self, name: str, digest: str, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """A service's answer; where there is none, the error says what its deployment came to."""
        try:
            return await self._handles.infer(name, digest, inputs, parameters)
        except EngineError as error:
            record = self._catalog.extractor(name, digest=digest)
            unserved = self.platform.extractors.unserved
            raise await asyncio.to_thread(unserved, record, error) from error

    async def _staged(self, prepared: Prepared, result: SearchResult) -> SearchResult:
        """Run the later stages in a thread: they are plain functions, and wait for services."""
        loop = asyncio.get_running_loop()

        def ask(service: Service, inputs: Sequence[Mapping[str, JSON]]) -> list[dict[str, JSON]]:
            return asyncio.run_coroutine_threadsafe(self._ask(service, inputs), loop).result()

        work = partial(self._searcher.stage, prepared, result, ask)
        return await loop.run_in_executor(self._threads, work)

    async def _ask(
        self, service: Service, inputs: Sequence[Mapping[str, JSON]]
    ) -> list[dict[str, JSON]]:
        from mixpeek_lab.loader import gathered

        one = partial(self._service, service.extractor, service.digest)
        return await gathered([partial(one, each, service.parameters) for each in inputs])


def _public(record: RetrieverRecord) -> dict[str, JSON]:
    """The retriever, with the names that Mixpeek's client demands beside those of its body."""
    first = record.body["stages"][0].get("parameters", {})
    fusion = first.get("fusion", "rrf")
    return {
        "retriever_id": record.retriever_id,
        "created_at": record.created_at,
        **record.body,
        "collection_ids": record.body["collection_identifiers"],
        "fusion": fusion["strategy"] if isinstance(fusion, Mapping) else fusion,
        "version": 1,
    }
