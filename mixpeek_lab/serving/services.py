"""An extractor's realtime service as a Ray Serve deployment of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.models import JSON
from mixpeek_lab.source import ExtractorSource

if TYPE_CHECKING:
    from mixpeek_lab.loader import RealtimeService

MOST_ONGOING = 64
"""Requests a service holds at once; the ones above wait in their callers."""


def service_name(name: str, digest: str) -> str:
    """The Serve application of one version of an extractor's service."""
    return f"extractor-{name}-{digest[:12]}"


class ExtractorService:
    """Loads the extractor's `realtime.py` in the replica and answers inference requests."""

    def __init__(self, source: ExtractorSource, home: str, threads: int, on_gpu: bool) -> None:
        from mixpeek_lab.loader import load_service

        if not on_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._service: RealtimeService = load_service(source, Path(home))

    async def infer(
        self, inputs: dict[str, JSON], parameters: dict[str, JSON]
    ) -> dict[str, JSON]:
        """The service's answer, as its extractor gives it."""
        answer: dict[str, Any] = await self._service.infer(inputs, parameters)
        return answer


def bind_service(source: ExtractorSource, home: Path, threads: int, on_gpu: bool) -> Any:
    """The deployment, ready for `serve.run`.

    It claims no CPU: on a small machine a batch run must not wait for an idle service.
    """
    from ray import serve

    deployment = serve.deployment(
        ExtractorService,
        max_ongoing_requests=MOST_ONGOING,
        ray_actor_options={"num_cpus": 0},
        health_check_timeout_s=120,
        graceful_shutdown_timeout_s=2,
    )
    return deployment.bind(source, str(home), threads, on_gpu)
