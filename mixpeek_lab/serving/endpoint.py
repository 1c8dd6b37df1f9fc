"""Starting, using and stopping the lab's part of Ray Serve from the notebook's process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mixpeek_lab.errors import EngineError, LabError
from mixpeek_lab.serving import applications, ports
from mixpeek_lab.serving.gateway import bind_gateway
from mixpeek_lab.serving.home_services import HomeServices
from mixpeek_lab.serving.names import gateway_name
from mixpeek_lab.serving.rollout import load_seconds
from mixpeek_lab.serving.running import services

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
    beside: Callable[[], Iterable[Path]] = tuple
    """The homes of the other namespaces that are served."""


class Endpoint:
    """The lab's Serve applications. Ray must be running before `start`.

    Where Serve is not running, it is started, and stopped again by `stop`. Where the user's own
    Serve runs, the lab's applications join it, and `stop` removes them alone. Either way the
    gateway answers on a loopback port of its own.
    """

    def __init__(self, config: GatewayConfig) -> None:
        self.config = config
        self.name = gateway_name(config.home)
        """The gateway's application."""
        self.lock = threading.RLock()
        self.handles: dict[str, Any] = {}
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
        return bool(self.handles) and self._ray == applications.ray_session()

    @property
    def url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:8000`; empty while it is down."""
        return self._url if self.is_up else ""

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
        with self.lock:
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

    def services_of(self, home: Path, namespace: str | None = None) -> HomeServices:
        """The extractor services of a namespace, by its home; `namespace` is its id, where it is
        not the default one."""
        return HomeServices(self, home, namespace)

    def stop(self) -> None:
        """Take the lab's applications down; all of Serve, where the lab started it."""
        with self.lock:
            if self.is_up:
                self._clean_up()
            self._forget()

    # ------------------------------------------------------------ inside

    def _start(self) -> None:
        self._ray = applications.ray_session()
        if not self._ray:  # Serve would start one of its own
            raise EngineError("Ray is not running. `%lab start` or lab.start() starts it.")
        self._is_ours = not applications.is_serve_running()
        config, port = self.config, ports.claim(self.config.port)
        if self._is_ours:
            self.blocking(applications.start_serve)
        gateway = bind_gateway(
            config.home,
            config.token,
            config.backend,
            config.app,
            port,
            config.worker,
            config.load_seconds,
        )
        self.handles[self.name] = self.blocking(applications.run, gateway, self.name)
        self._url = f"http://{ports.HOST}:{port}"

    def _clean_up(self) -> None:
        if not self._ray or self._ray != applications.ray_session():
            return
        if not applications.is_serve_running():
            return
        if self.name in self.handles:
            self.blocking(applications.end_work, self.handles[self.name])
        if self._is_ours:
            self.blocking(applications.stop_serve)
        else:
            for app in (self.name, *self._apps()):
                self.blocking(applications.delete, app)

    def _apps(self) -> list[str]:
        """The services of all namespaces."""
        homes = (self.config.home, *self.config.beside())
        return [app for home in homes for app in self.blocking(services, home)]

    def blocking(self, function: Callable[..., Any], *values: Any) -> Any:
        """What a function gives that blocks, called where no event loop runs."""
        return self._caller.submit(function, *values).result()

    def demand_up(self) -> None:
        """EngineError while it is down."""
        if not self.is_up:
            why = f" It failed: {self.error}" if self.error else ""
            raise EngineError(
                f"The endpoint is not running.{why} `%lab start` or lab.start() starts it."
            )

    def _forget(self) -> None:
        self._is_ours = False
        self.handles.clear()
        self._ray = self._url = self.error = ""
        self.state = "off"
