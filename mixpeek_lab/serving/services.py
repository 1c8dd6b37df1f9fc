"""An extractor's realtime service as a Ray Serve deployment of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import LabError
from mixpeek_lab.models import JSON
from mixpeek_lab.serving.backends import ServiceHandles
from mixpeek_lab.serving.importing import load
from mixpeek_lab.serving.names import service_name
from mixpeek_lab.serving.replies import Reply, refusal, reply
from mixpeek_lab.source import ExtractorSource

if TYPE_CHECKING:
    from mixpeek_lab.loader import RealtimeService

MOST_ONGOING = 64
"""Requests a service holds at once; the ones above wait in their callers."""
DRAIN_SECONDS = 10.0
"""How long a service that is taken down may go on with the requests it has."""
DRAIN_LOOK_SECONDS = 0.5
"""Between two looks whether it has any; the first is after this time."""


class ExtractorService:
    """Loads the extractor's `realtime.py` in the replica and answers inference requests.

    It answers whole searches too: where the query is embedded anyway, that saves a hop.

    A service that cannot be loaded makes a replica that says why: one that raised would be
    started over and over, and its error would reach nobody in one piece.
    """

    def __init__(
        self,
        source: ExtractorSource,
        home: str,
        app: str,
        backend: str,
        threads: int,
        on_gpu: bool,
    ) -> None:
        if not on_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.environ["OMP_NUM_THREADS"] = str(threads)
        os.environ.setdefault("GOMP_SPINCOUNT", "30000")  # waiting threads leave the cores sooner
        self._failure: LabError | None = None
        try:
            self._service = _loaded(source, Path(home))
            handles = ServiceHandles(Path(home), {app: self._service})
            self._backend = load(backend)(Path(home), handles)
        except LabError as error:
            self._failure = error

    async def check(self) -> Reply:
        """`{"ok": true}` once the service is loaded, or the error that kept it from that."""
        return refusal(self._failure) if self._failure else {"ok": True}

    async def check_health(self) -> None:
        """Called by Ray Serve: once before the service counts as up, and again and again after.

        One that fails is not brought up, or is started anew.
        """
        if not self._failure:
            await self._service.check_health()

    async def infer(self, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]) -> Reply:
        """The service's answer, as its extractor gives it."""
        if self._failure:
            return refusal(self._failure)
        return await reply(self._service.infer(inputs, parameters))

    async def call(self, method: str, arguments: Mapping[str, JSON]) -> Reply:
        """One of the backend's methods, with this extractor's service at hand."""
        if self._failure:
            return refusal(self._failure)
        return await reply(getattr(self._backend, method)(**arguments))


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """One version of an extractor's service: what is loaded, and how."""

    source: ExtractorSource
    name: str
    """The extractor's."""
    home: Path
    backend: str
    """Import string of the class that answers: `module:attribute`."""
    threads: int
    """For numerical libraries."""
    on_gpu: bool

    @property
    def app(self) -> str:
        """Its application in Ray Serve."""
        return service_name(self.home, self.name, self.source.digest)


def bind_service(config: ServiceConfig) -> Any:
    """The deployment, ready for `serve.run`.

    It claims no CPU: on a small machine a batch run must not wait for an idle service.
    """
    from ray import serve

    deployment = serve.deployment(
        ExtractorService,
        max_ongoing_requests=MOST_ONGOING,
        max_constructor_retry_count=1,
        ray_actor_options={"num_cpus": 0},
        health_check_timeout_s=120,
        graceful_shutdown_wait_loop_s=DRAIN_LOOK_SECONDS,
        graceful_shutdown_timeout_s=DRAIN_SECONDS,
    )
    return deployment.bind(
        config.source, str(config.home), config.app, config.backend, config.threads, config.on_gpu
    )


def _loaded(source: ExtractorSource, home: Path) -> RealtimeService:
    from mixpeek_lab.loader import load_service

    service = load_service(source, home)
    service.prepare()
    return service
