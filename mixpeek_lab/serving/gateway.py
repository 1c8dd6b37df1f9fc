"""The HTTP gateway's replica: retrievers over the catalog's snapshots, queries embedded by services.

What it serves is given as import strings (`module:attribute`), as ASGI servers take theirs, so
that this layer knows neither the use cases nor the routes above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import EngineError, LabError
from mixpeek_lab.models import JSON
from mixpeek_lab.serving.services import service_name


class Gateway:
    """One replica. Ray Serve builds its ASGI app with `__serve_build_asgi_app__`."""

    def __init__(self, home: str, token: str, backend: str, app: str) -> None:
        self._backend = load(backend)(Path(home), ServiceHandles())
        self._token, self._app = token, app

    def __serve_build_asgi_app__(self) -> Any:  # noqa: N807 - Ray Serve's name
        return load(self._app)(self._backend, self._token)

    async def call(self, method: str, arguments: Mapping[str, JSON]) -> dict[str, JSON]:
        """For the notebook's handle: `{"ok": …}` or `{"error": {type, message, status}}`."""
        try:
            return {"ok": await getattr(self._backend, method)(**arguments)}
        except LabError as error:
            return {
                "error": {
                    "type": type(error).__name__,
                    "message": str(error),
                    "status": error.status,
                }
            }


class ServiceHandles:
    """Calls extractor services by name and digest."""

    def __init__(self) -> None:
        self._handles: dict[str, Any] = {}

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """The service's answer; EngineError where that version is not deployed."""
        handle = self._handle(name, digest)
        answer: dict[str, JSON] = await handle.infer.remote(dict(inputs), dict(parameters))
        return answer

    def _handle(self, name: str, digest: str) -> Any:
        from ray import serve
        from ray.serve.exceptions import RayServeException

        app = service_name(name, digest)
        if app not in self._handles:
            try:
                # gRPC straight to the replica: a query's few kilobytes need no object store.
                self._handles[app] = serve.get_app_handle(app).options(_by_reference=False)
            except RayServeException as error:
                raise EngineError(
                    f"Extractor {name!r} is not deployed. Deploy it with `%extractor deploy {name}` "
                    f'or lab.deploy("{name}").'
                ) from error
        return self._handles[app]


def load(path: str) -> Any:
    """The object at `module:attribute`."""
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def bind_gateway(home: Path, token: str, backend: str, app: str) -> Any:
    """The gateway's deployment, ready for `serve.run`."""
    from ray import serve

    deployment = serve.deployment(
        serve.ingress()(Gateway),
        name="Gateway",
        max_ongoing_requests=256,
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=2,
    )
    return deployment.bind(str(home), token, backend, app)
