"""What runs behind a lab, and is shared by its namespaces: Ray, the endpoint, their beginning."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mixpeek_lab.engines import Engine
from mixpeek_lab.errors import EngineError
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.serving import Endpoint, GatewayConfig
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.network import HubCheck
from mixpeek_lab.workbench.spaces import Spaces

API = "mixpeek_lab.api.app:create_app"
BACKEND = "mixpeek_lab.workbench.backend:Backend"
WORKER = "mixpeek_lab.workbench.platform.worker:Worker"


class Runtime:
    """One Ray session and one endpoint. Nothing starts until it is needed."""

    def __init__(
        self,
        home: Home,
        spaces: Spaces,
        num_cpus: int | None,
        num_gpus: int | None,
        port: int,
        engine: Engine,
    ) -> None:
        self.spaces, self.engine = spaces, engine
        self.hub = HubCheck()
        self.session = RaySession(num_cpus, num_gpus, prepare=self.hub.settle)
        token = home.token()
        config = GatewayConfig(
            home.path, token, BACKEND, API, port, WORKER, beside=spaces.homes_beside
        )
        self.endpoint = Endpoint(config)
        self.running = threading.Lock()
        """Held by the one run of this process."""
        self.starter: threading.Thread | None = None
        self.loading: tuple[tuple[Path, str, str], ...] = ()
        """Home, extractor and digest of the services that this process deploys at the moment."""
        self._serving, self._noting = threading.Lock(), threading.Lock()

    @property
    def is_starting(self) -> bool:
        """Whether Ray and the endpoint are on their way up in the background."""
        return self.starter is not None and self.starter.is_alive()

    def start(self, *, serve: bool, wait: bool) -> None:
        """Start Ray and, with `serve`, the endpoint: in the background, or `wait` for them.

        Where the engine is the kernel, nothing has to start.
        """
        if self.engine.name == "kernel":
            return
        self.session.start()
        if wait and serve:
            self.start_endpoint()
        elif wait:
            self.session.wait()
        elif serve and not self.endpoint.is_up and not self.is_starting:
            self.starter = threading.Thread(
                target=self._start_quietly, name="mixpeek-lab-start", daemon=True
            )
            self.starter.start()

    def start_endpoint(self) -> None:
        """Start the endpoint, and Ray before it; return once it is up. EngineError."""
        if self.endpoint.is_up:
            return
        self.engine.demand_ray()
        self.session.wait()
        with self._serving:
            if self.session.state != "ready":
                raise EngineError("The lab was stopped while it was starting.")
            self.endpoint.start()

    @contextmanager
    def deploying(self, home: Path, name: str, digest: str) -> Iterator[None]:
        """While it lasts, that service is in `loading`."""
        one = (home, name, digest)
        with self._noting:
            self.loading = (*self.loading, one)
        try:
            yield
        finally:
            with self._noting:
                first = self.loading.index(one)
                self.loading = (*self.loading[:first], *self.loading[first + 1 :])

    def stop(self) -> None:
        """Stop the endpoint and Ray, as far as they are this lab's."""
        with self._serving:
            self.endpoint.stop()
            self.session.stop()

    def end(self) -> None:
        """Stop for good, at the end of the process."""
        if self.session.is_ours:
            self.session.stop()
        else:
            self.stop()

    def describe_ray(self) -> str:
        """One line for people on Ray."""
        if self._is_unused:
            return f"Engine: this kernel, without Ray ({self.engine.why})"
        return self.session.describe()

    def describe_serve(self) -> str:
        """One line for people on the endpoint."""
        if self._is_unused:
            return "Serve: not used"
        if self.endpoint.state == "off" and self.is_starting:
            return "Serve: waits for Ray"
        return self.endpoint.describe()

    @property
    def _is_unused(self) -> bool:
        return self.engine.name == "kernel" and self.session.state == "off"

    def _start_quietly(self) -> None:
        """In the background: errors are kept by the session and the endpoint, for `status`."""
        with suppress(EngineError):
            self.start_endpoint()
