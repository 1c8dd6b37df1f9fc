"""The lab's own local Ray: started in the background, stopped with the lab, nobody else's touched.

Ray's processes ask the kernel to end them when the *thread* that started them ends, so one
keeper thread starts Ray, waits, and shuts it down.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import Literal

from mixpeek_lab.errors import EngineError

State = Literal["off", "starting", "ready", "stopping", "failed"]


class RaySession:
    """One local Ray session. `start` returns at once; `wait` blocks until it is ready.

    `prepare` runs first, in the keeper thread: it settles what Ray's workers must inherit.
    """

    def __init__(
        self,
        num_cpus: int | None = None,
        num_gpus: int | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._prepare = prepare
        self._num_cpus, self._num_gpus = num_cpus, num_gpus
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._settled = threading.Event()
        self._leave = threading.Event()
        self._error: BaseException | None = None
        self._is_ours = False
        self._started = 0.0
        self.state: State = "off"
        self.seconds = 0.0
        """How long Ray took to start."""

    def start(self) -> None:
        """Begin starting Ray in the background. Does nothing if it is up or on its way."""
        with self._lock:
            if self.state in ("starting", "ready"):
                return
            self._settled.clear()
            self._leave.clear()
            self._error, self._started, self.state = None, time.perf_counter(), "starting"
            self._keeper = threading.Thread(target=self._keep, name="mixpeek-lab-ray", daemon=True)
            self._keeper.start()

    def wait(self, timeout: float = 120.0) -> None:
        """Start if needed, and return once Ray is ready. EngineError if it does not come up."""
        self.start()
        if not self._settled.wait(timeout):
            raise EngineError(
                f"Ray did not start within {timeout:.0f} s. "
                "See the newest folder under /tmp/ray for its logs; `%lab stop` and try again."
            )
        if self._error is not None:
            raise EngineError(
                f"Ray did not start: {type(self._error).__name__}: {self._error}"
            ) from self._error

    def stop(self) -> None:
        """Shut Ray down, if this session started it, and wait until it is gone."""
        with self._lock:
            keeper = self._keeper
            if keeper is None:
                return
            self.state = "stopping"
            self._leave.set()
        keeper.join(60)
        self._keeper = None
        self.state = "off"

    def describe(self) -> str:
        """One line for people: `Ray: ready (2 CPUs, no GPU), started in 7.1 s`."""
        if self.state == "starting":
            return f"Ray: starting ({time.perf_counter() - self._started:.0f} s)"
        if self.state != "ready":
            reason = f": {self._error}" if self._error else ""
            return f"Ray: {self.state}{reason}"
        gpus = self.gpus
        return (
            f"Ray: ready ({self.cpus:g} CPUs, {gpus:g} GPU{'s' if gpus > 1 else ''})"
            if gpus
            else f"Ray: ready ({self.cpus:g} CPUs, no GPU)"
        )

    @property
    def cpus(self) -> float:
        """CPUs of the session."""
        return self._resource("CPU")

    @property
    def gpus(self) -> float:
        """GPUs of the session."""
        return self._resource("GPU")

    def _resource(self, name: str) -> float:
        import ray

        return float(ray.cluster_resources().get(name, 0.0))

    def _keep(self) -> None:
        try:
            self._bring_up()
        except BaseException as error:  # noqa: BLE001 - reported by wait(), in the caller's thread
            self._error, self.state = error, "failed"
            self._settled.set()
            return
        self.seconds = time.perf_counter() - self._started
        self.state = "ready"
        self._settled.set()
        self._leave.wait()
        if self._is_ours:
            import ray

            ray.shutdown()

    def _bring_up(self) -> None:
        self._prepare()
        _quiet_environment()
        import ray

        if ray.is_initialized():
            self._is_ours = False
            return
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            num_cpus=self._num_cpus,
            num_gpus=self._num_gpus,
        )
        self._is_ours = True
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        logging.getLogger("ray.serve").setLevel(logging.ERROR)


def _quiet_environment() -> None:
    """What must be in the environment before Ray's processes start. The user's values win."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
