"""The HTTP gateway's replica: it answers over HTTP and for the notebook's handle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixpeek_lab.models import JSON
from mixpeek_lab.serving.backends import ServiceHandles
from mixpeek_lab.serving.background import Background
from mixpeek_lab.serving.http import HTTPServer
from mixpeek_lab.serving.importing import load
from mixpeek_lab.serving.replies import Reply, reply


class Gateway:
    """One replica. Made on the event loop that its methods run on, as Ray Serve does."""

    def __init__(
        self, home: str, token: str, backend: str, app: str, port: int, worker: str, seconds: float
    ) -> None:
        """`seconds`: how long a service may take to load."""
        self._background = Background(worker, Path(home), seconds) if worker else None
        handles = ServiceHandles(Path(home), None, self._background)
        self._backend = load(backend)(Path(home), handles)
        self._backend.resume()
        self._server = HTTPServer(load(app)(self._backend, token), port)

    def __del__(self) -> None:
        """Called by Ray Serve when the replica is taken down."""
        if hasattr(self, "_server"):
            self._server.stop()

    async def end_work(self) -> None:
        """End the process for what takes long: all of this is about to be taken down."""
        if self._background is not None:
            self._background.end()

    async def call(
        self, method: str, arguments: Mapping[str, JSON], namespace: str | None = None
    ) -> Reply:
        """For the notebook's handle: one of the backend's methods, answered as a reply.

        `namespace`: the id of another than the default one.
        """
        if namespace is None:
            return await reply(getattr(self._backend, method)(**arguments))
        return await reply(_within(self._backend, namespace, method, arguments))


async def _within(backend: Any, namespace: str, method: str, arguments: Mapping[str, JSON]) -> Any:
    return await getattr(await backend.within(namespace), method)(**arguments)


def bind_gateway(
    home: Path, token: str, backend: str, app: str, port: int, worker: str, seconds: float
) -> Any:
    """The gateway's deployment, ready for `serve.run`."""
    from ray import serve

    deployment = serve.deployment(
        Gateway,
        name="Gateway",
        max_ongoing_requests=256,
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=2,
    )
    return deployment.bind(str(home), token, backend, app, port, worker, seconds)
