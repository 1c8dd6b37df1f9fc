"""The part of `Lab` that serves: services of extractors, retrievers behind the endpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import EngineError, InvalidInputError
from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    from mixpeek_lab.catalog import Catalog, ExtractorRecord
    from mixpeek_lab.engines import Engine
    from mixpeek_lab.serving import HomeServices
    from mixpeek_lab.workbench.asking import KernelSearch
    from mixpeek_lab.workbench.home import Home
    from mixpeek_lab.workbench.runtime import Runtime
    from mixpeek_lab.workbench.search import Searcher


class Served(ABC):
    """Deploys services, and asks retrievers as the endpoint does."""

    _catalog: Catalog
    _home: Home
    _searcher: Searcher
    _asking: KernelSearch
    _runtime: Runtime
    _served: HomeServices
    _namespace_id: str | None

    @property
    def engine(self) -> Engine:
        """Where it runs, and why: `lab.engine.name` is `ray` or `kernel`."""
        return self._runtime.engine

    @property
    def token(self) -> str:
        """The endpoint's bearer token."""
        return self._home.token()

    @property
    def url(self) -> str:
        """The endpoint's address; empty while it is down."""
        return self._runtime.endpoint.url

    def deploy(self, name: str, digest: str | None = None) -> str:
        """Deploy the extractor's realtime service; returns its application once it is loaded.

        The current version, or the one with that `digest`. Versions run side by side; those that
        are neither current, nor behind any collection or stage, nor deployed over HTTP are taken
        down. Starts the endpoint where it is down. EngineError, with the extractor's line, where
        its code does not load.
        """
        record = self._catalog.extractor(name, digest=digest) if digest else self.extractor(name)
        name = record.manifest.name
        if record.source.text("realtime.py") is None:
            raise InvalidInputError(
                f"Extractor {name!r} has no realtime.py: it is batch only. "
                "Add an InferenceService to deploy it."
            )
        with self._runtime.deploying(self._home.path, name, record.source.digest):
            return self._deploy(record)

    def _deploy(self, record: ExtractorRecord) -> str:
        name = record.manifest.name
        self._runtime.start_endpoint()
        on_gpu = (
            record.manifest.compute_profile.resource_type == "gpu"
            and self._runtime.session.gpus > 0
        )
        threads = max(1, int(self._runtime.session.cpus))
        note = partial(self._catalog.put_deployment, name, record.source.digest, "lab")
        try:
            app = self._served.deploy(record.source, name, threads=threads, on_gpu=on_gpu)
        except EngineError as error:
            note("FAILED", str(error))
            raise
        note("DEPLOYED")
        needed = {c.extractor_digest for c in self._catalog.collections() if c.extractor == name}
        needed |= {record.source.digest, self._catalog.extractor(name).source.digest}
        needed |= {d.digest for d in self._catalog.deployments() if d.owner == "api"}
        needed |= self._searcher.behind_stages(name)
        self._served.retire(name, needed)
        return app

    def serve(self, retriever: str) -> str:
        """Deploy whatever the retriever's queries need; returns the URL that executes it.

        POST to it with `Authorization: Bearer` and `lab.token`. Errors as for `deploy`.
        """
        record = self._catalog.retriever(retriever)
        services = self._searcher.services(retriever)
        self._runtime.start_endpoint()
        for service in services:
            self.deploy(service.extractor, service.digest)
        within = f"/namespaces/{self._namespace_id}" if self._namespace_id else ""
        return f"{self.url}/v1{within}/retrievers/{record.retriever_id}/execute"

    def prepare(self, retriever: str, on_ready: Callable[[], None] | None = None) -> None:
        """Make ready what the retriever's queries need: served, or loaded in this process.

        With `on_ready` this process loads models in the background, and calls it when they are
        there. A search that comes before waits for them.
        """
        if self.engine.name == "kernel":
            self._runtime.hub.settle()
            self._asking.load(retriever, on_ready)
            return
        self.serve(retriever)
        if on_ready is not None:
            on_ready()

    def execute(self, retriever: str, body: Mapping[str, JSON], *, explain: bool = False) -> Any:
        """Execute a stored retriever through the running endpoint; the answer is its JSON.

        `body`: `{"query": "text", "limit": 10}`, `{"inputs": {…}}`, … With `explain`, every
        candidate of every leg. EngineError while the endpoint or a service is down. Where the
        engine is the kernel, this process answers.
        """
        if self.engine.name == "kernel" and not self._runtime.endpoint.is_up:
            return self._asking.execute(retriever, body, explain=explain)
        method = "explain" if explain else "execute"
        services = self._searcher.services(retriever) if self._runtime.endpoint.is_up else []
        near = (services[0].extractor, services[0].digest) if services else None
        return self._served.call(method, near=near, retriever=retriever, body=dict(body))

    def _depths(
        self, retriever: str, body: Mapping[str, JSON], document_id: str
    ) -> dict[str, JSON]:
        """Where a document stands in every leg, as whoever answers `execute` finds it."""
        if self.engine.name == "kernel" and not self._runtime.endpoint.is_up:
            return self._asking.depths(retriever, body, document_id)
        asked = {"retriever": retriever, "body": dict(body), "document_id": document_id}
        found: dict[str, JSON] = self._served.call("depths", near=self._near(retriever), **asked)
        return found

    def _query_vectors(self, retriever: str, body: Mapping[str, JSON]) -> Mapping[str, list[float]]:
        """What each vector leg searches with, embedded by the endpoint where it is up."""
        if not self._runtime.endpoint.is_up:
            return self._asking.query_vectors(retriever, body)
        asked = {"retriever": retriever, "body": dict(body)}
        found: dict[str, list[float]] = self._served.call(
            "query_vectors", near=self._near(retriever), **asked
        )
        return found

    def _near(self, retriever: str) -> tuple[str, str] | None:
        """The service whose replica is best asked: the first that embeds the queries."""
        services = self._searcher.services(retriever)
        return (services[0].extractor, services[0].digest) if services else None

    @abstractmethod
    def extractor(self, name: str) -> ExtractorRecord:
        """An extractor's working state."""
