"""Starting, using and stopping the lab's part of Ray Serve from the notebook's process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mixpeek_lab.errors import EngineError, LabError
from mixpeek_lab.models import JSON
from mixpeek_lab.serving import applications, ports
from mixpeek_lab.serving.backends import died
from mixpeek_lab.serving.gateway import bind_gateway
from mixpeek_lab.serving.names import gateway_name, service_name
from mixpeek_lab.serving.replies import answer_of
from mixpeek_lab.serving.rollout import ANSWER_SECONDS, load_seconds, roll_out
from mixpeek_lab.serving.running import services
from mixpeek_lab.serving.services import ServiceConfig
from mixpeek_lab.source import ExtractorSource

State = Literal["off", "starting", "ready", "failed"]


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
    worker: str = ""
    """Import string of the class that works in the background, in a process of its own."""
    load_seconds: float = field(default_factory=load_seconds)
    """How long an extractor's service may take to load."""


class Endpoint:
    """The lab's Serve applications. Ray must be running before `start`.

    Where Serve is not running, it is started, and stopped again by `stop`. Where the user's own
    Serve runs, the lab's applications join it, and `stop` removes them alone. Either way the
    gateway answers on a loopback port of its own.
    """

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._name = gateway_name(config.home)
        self._lock = threading.RLock()
        self._handles: dict[str, Any] = {}
        """Application name → handle, the gateway's among them."""
        self._ray = self._url = ""
        self._is_ours = False
        # Handles refuse to block where an event loop runs, as it does in a notebook's main thread.
        self._caller = ThreadPoolExecutor(4, thread_name_prefix="mixpeek-lab-serve")
        self.state: State = "off"
        self.error = ""
        """Why it did not start; empty where it did."""

    @property
    def is_up(self) -> bool:
        """Whether the gateway runs. It goes with the Ray session that it was started in."""
        return bool(self._handles) and self._ray == applications.ray_session()

    @property
    def url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:8000`; empty while it is down."""
        return self._url if self.is_up else ""

    @property
    def deployed(self) -> list[str]:
        """The extractor services that run, as `name@digest`, sorted: whoever deployed them."""
        if not self.is_up:
            return []
        found = self._blocking(services, self._config.home).values()
        return sorted(f"{name}@{digest}" for name, digest, state, _ in found if state == "RUNNING")

    def describe(self) -> str:
        """One line for people: `Serve: ready at http://127.0.0.1:8000`."""
        if self.state == "ready":
            url = self.url
            return f"Serve: ready at {url}" if url else "Serve: gone, its Ray was stopped"
        return f"Serve: {self.state}" + (f": {self.error}" if self.error else "")

    def start(self) -> None:
        """Start Serve and the gateway, which listens on loopback. Does nothing if it is up.

        EngineError where the port is taken, or Serve does not start.
        """
        with self._lock:
            if self.is_up:
                return
            self._forget()
            self.state = "starting"
            try:
                self._start()
            except BaseException as error:
                self._clean_up()
                self.state, self.error = "failed", str(error) or type(error).__name__
                if isinstance(error, LabError) or not isinstance(error, Exception):
                    raise
                raise EngineError(f"The endpoint did not start: {error}") from error
            self.state = "ready"

    def deploy(
        self, source: ExtractorSource, name: str, *, threads: int = 1, on_gpu: bool = False
    ) -> str:
        """Deploy one version of an extractor's service, and wait until it is loaded.

        Returns its Serve application. EngineError, with the extractor's own line, where its code
        does not load in time; nothing of it stays deployed then, nor where the wait is interrupted.
        """
        with self._lock:
            self._demand_up()
            ours = self._config
            config = ServiceConfig(source, name, ours.home, ours.backend, threads, on_gpu)
            app = config.app
            try:
                self._handles[app] = self._blocking(roll_out, config, ours.load_seconds)
            except BaseException as error:
                if not isinstance(error, Exception):  # interrupted: its thread goes on by itself
                    self._blocking(applications.delete, app)
                raise
            return app

    def digests(self, name: str) -> set[str]:
        """The versions of an extractor whose services run: the first 12 digits of each digest."""
        if not self.is_up:
            return set()
        running = self._blocking(services, self._config.home).values()
        return {digest for extractor, digest, *_ in running if extractor == name}

    def retire(self, name: str, keep: Iterable[str]) -> None:
        """Take the extractor's services down but for the versions with the digests in `keep`."""
        kept = {digest[:12] for digest in keep}
        with self._lock:
            for app, (extractor, digest, *_) in self._blocking(services, self._config.home).items():
                if extractor == name and digest not in kept:
                    self._blocking(applications.delete, app)
                    self._handles.pop(app, None)

    def call(self, method: str, *, near: tuple[str, str] | None = None, **arguments: JSON) -> Any:
        """Call one of the backend's methods through a Serve handle, and wait.

        `near`, an extractor and its digest: in that service's replica, where it is deployed;
        otherwise in the gateway's. Errors come as the backend raised them.
        """
        self._demand_up()
        app = service_name(self._config.home, *near) if near else self._name
        handle = self._handles.get(app) or self._handles[self._name]
        try:
            return self._blocking(_call, handle, method, arguments)
        except _DiedError as error:
            if near and handle is self._handles.get(app):
                raise died(near[0], error) from error
            raise EngineError(f"The endpoint failed: {error}") from error

    def stop(self) -> None:
        """Take the lab's applications down; all of Serve, where the lab started it."""
        with self._lock:
            if self.is_up:
                self._clean_up()
            self._forget()

    # ------------------------------------------------------------ inside

    def _start(self) -> None:
        self._ray = applications.ray_session()
        if not self._ray:  # Serve would start one of its own
            raise EngineError("Ray is not running. `%lab start` or lab.start() starts it.")
        self._is_ours = not applications.is_serve_running()
        config, port = self._config, ports.claim(self._config.port)
        if self._is_ours:
            self._blocking(applications.start_serve)
        gateway = bind_gateway(
            config.home,
            config.token,
            config.backend,
            config.app,
            port,
            config.worker,
            config.load_seconds,
        )
        self._handles[self._name] = self._blocking(applications.run, gateway, self._name)
        self._url = f"http://{ports.HOST}:{port}"

    def _clean_up(self) -> None:
        if not self._ray or self._ray != applications.ray_session():
            return
        if not applications.is_serve_running():
            return
        if self._is_ours:
            self._blocking(applications.stop_serve)
        else:
            for app in (self._name, *self._blocking(services, self._config.home)):
                self._blocking(applications.delete, app)

    def _blocking(self, function: Callable[..., Any], *values: Any) -> Any:
        return self._caller.submit(function, *values).result()

    def _demand_up(self) -> None:
        if not self.is_up:
            why = f" It failed: {self.error}" if self.error else ""
            raise EngineError(
                f"The endpoint is not running.{why} `%lab start` or lab.start() starts it."
            )

    def _forget(self) -> None:
        self._is_ours = False
        self._handles.clear()
        self._ray = self._url = self.error = ""
        self.state = "off"


class _DiedError(Exception):
    """A replica ended, or Serve could not reach one."""


def _call(handle: Any, method: str, arguments: Mapping[str, JSON]) -> Any:
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    try:
        given = handle.call.remote(method, dict(arguments)).result(timeout_s=ANSWER_SECONDS)
    except TimeoutError as error:
        raise EngineError(f"The endpoint gave no answer within {ANSWER_SECONDS:.0f} s.") from error
    except (RayError, RayServeException) as error:
        raise _DiedError(error) from error
    return answer_of(given)
