"""Starting, using and stopping the lab's part of Ray Serve from the notebook's process."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixpeek_lab import errors
from mixpeek_lab.errors import EngineError, LabError
from mixpeek_lab.models import JSON
from mixpeek_lab.serving.gateway import bind_gateway
from mixpeek_lab.serving.services import bind_service, service_name
from mixpeek_lab.source import ExtractorSource

GATEWAY = "mixpeek-lab"


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What the gateway serves, and to whom."""

    home: Path
    token: str
    backend: str
    """Import string of the class that answers: `module:attribute`."""
    app: str
    """Import string of the function that makes the ASGI app."""
    port: int = 0
    """0: a free one."""


class Endpoint:
    """The lab's Serve applications. Ray must be running before `start`."""

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._handle: Any = None
        self._is_ours = False
        self._deployed: set[str] = set()
        # Handles refuse to block where an event loop runs, as it does in a notebook's main thread.
        self._caller = ThreadPoolExecutor(4, thread_name_prefix="mixpeek-lab-serve")
        self.url = ""

    @property
    def is_up(self) -> bool:
        """Whether the gateway answers."""
        return self._handle is not None

    def start(self) -> None:
        """Start the HTTP proxy on loopback and the gateway behind it."""
        if self.is_up:
            return
        from ray import serve
        from ray.serve.config import HTTPOptions
        from ray.serve.schema import LoggingConfig

        _quiet()
        running = serve.status().applications if _has_serve() else None
        self._is_ours = running is None
        port = self._config.port or _free_port()
        quiet = LoggingConfig(log_level="ERROR", enable_access_log=False)
        if self._is_ours:
            serve.start(
                http_options=HTTPOptions(host="127.0.0.1", port=port),
                logging_config=quiet,
            )
        _quiet()
        config = self._config
        application = bind_gateway(config.home, config.token, config.backend, config.app)
        handle = self._blocking(
            serve.run, application, name=GATEWAY, route_prefix="/", logging_config=quiet
        )
        self._handle = handle.options(_by_reference=False)
        self.url = f"http://127.0.0.1:{port}"

    def deploy(
        self, source: ExtractorSource, name: str, *, threads: int = 1, on_gpu: bool = False
    ) -> str:
        """Deploy one version of an extractor's service and wait until it is healthy."""
        from ray import serve
        from ray.serve.schema import LoggingConfig

        app = service_name(name, source.digest)
        if app in self._deployed:
            return app
        deployment = bind_service(source, self._config.home, threads, on_gpu)
        quiet = LoggingConfig(log_level="ERROR", enable_access_log=False)
        try:
            self._blocking(
                serve.run, deployment, name=app, route_prefix=None, logging_config=quiet
            )
        except RuntimeError as error:
            reason = self._failure(app) or str(error)
            self._blocking(serve.delete, app)
            raise EngineError(f"Extractor {name!r} could not be deployed: {reason}") from error
        self._deployed.add(app)
        return app

    def is_deployed(self, source: ExtractorSource, name: str) -> bool:
        """Whether this very version's service runs."""
        return service_name(name, source.digest) in self._deployed

    @property
    def deployed(self) -> list[str]:
        """The extractor services that run."""
        return sorted(self._deployed)

    def call(self, method: str, **arguments: JSON) -> Any:
        """Call the gateway through its handle and wait. Errors come back as they were raised."""
        if self._handle is None:
            raise EngineError("The endpoint is not running: `%lab start` starts it.")
        answer = self._caller.submit(self._call, method, arguments).result()
        if "error" in answer:
            kind = getattr(errors, answer["error"]["type"], LabError)
            raise _rebuild(kind, answer["error"]["message"])
        return answer["ok"]

    def stop(self) -> None:
        """Take the lab's applications down; all of Serve, where the lab started it."""
        if self._handle is None:
            return
        from ray import serve

        self._handle = None
        if self._is_ours:
            self._blocking(serve.shutdown)
        else:
            for app in (GATEWAY, *self._deployed):
                self._blocking(serve.delete, app)
        self._deployed.clear()
        self.url = ""

    def _call(self, method: str, arguments: Mapping[str, JSON]) -> Any:
        return self._handle.call.remote(method, dict(arguments)).result(timeout_s=120)

    def _blocking(self, function: Any, *values: Any, **named: Any) -> Any:
        return self._caller.submit(function, *values, **named).result()

    def _failure(self, app: str) -> str:
        from ray import serve

        found = serve.status().applications.get(app)
        if found is None:
            return ""
        texts = [found.message, *(d.message for d in found.deployments.values())]
        lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else ""


def _rebuild(kind: type[LabError], message: str) -> LabError:
    """The error as the gateway raised it; its constructor may want more than a message."""
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    return error


def _has_serve() -> bool:
    """Whether Serve runs already in this Ray session (somebody else's)."""
    import ray
    from ray.serve._private.constants import SERVE_CONTROLLER_NAME, SERVE_NAMESPACE

    try:
        ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
    except ValueError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _quiet() -> None:
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
