"""The HTTP gateway's replica: it answers over HTTP and for the notebook's handle.

What it serves is given as import strings (`module:attribute`), as ASGI servers take theirs, so
that this layer knows neither the use cases nor the routes above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import EngineError
from mixpeek_lab.models import JSON
from mixpeek_lab.serving.names import service_name
from mixpeek_lab.serving.replies import Reply, answer_of, reply


class Gateway:
    """One replica. Ray Serve builds its ASGI app with `__serve_build_asgi_app__`."""

    def __init__(self, home: str, token: str, backend: str, app: str) -> None:
        self._backend = load(backend)(Path(home), ServiceHandles(Path(home)))
        self._token, self._app = token, app

    def __serve_build_asgi_app__(self) -> Any:
        return load(self._app)(self._backend, self._token)

    async def call(self, method: str, arguments: Mapping[str, JSON]) -> Reply:
        """For the notebook's handle: one of the backend's methods, answered as a reply."""
        return await reply(getattr(self._backend, method)(**arguments))


class ServiceHandles:
    """Calls extractor services by name and digest."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._handles: dict[str, Any] = {}

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """The service's answer.

        EngineError where that version is not deployed, or its process died; ExtractorRunError
        where the extractor's own code failed.
        """
        from ray.exceptions import RayError
        from ray.serve.exceptions import RayServeException

        app = service_name(self._home, name, digest)
        try:
            given = await self._handle(app).infer.remote(dict(inputs), dict(parameters))
        except RayServeException as error:
            self._handles.pop(app, None)
            raise _not_deployed(name, digest) from error
        except RayError as error:
            raise EngineError(
                f"The service of extractor {name!r} died while it answered; it is started anew. "
                "Does its realtime.py end the process, or take more memory than there is? "
                f"({error})"
            ) from error
        answer: dict[str, JSON] = answer_of(given)
        return answer

    def _handle(self, app: str) -> Any:
        from ray import serve

        if app not in self._handles:
            # gRPC straight to the replica: a query's few kilobytes need no object store.
            self._handles[app] = serve.get_app_handle(app).options(_by_reference=False)
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


def _not_deployed(name: str, digest: str) -> EngineError:
    return EngineError(
        f"Extractor {name!r} is not deployed in the version that is asked for ({digest[:12]}). "
        f'lab.serve("RETRIEVER") deploys what a retriever needs; lab.deploy("{name}") or '
        f"`%extractor deploy {name}` deploys the current version."
    )
