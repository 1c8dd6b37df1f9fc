"""Starting, describing and stopping one local Ray.

Ray's processes ask the kernel to end them when the *thread* that started them ends, so one
keeper thread starts Ray, waits, and shuts it down.
"""

from __future__ import annotations

import atexit
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Literal

from mixpeek_lab.errors import EngineError
from mixpeek_lab.ray_session.quiet import quiet_messages, quiet_start
from mixpeek_lab.ray_session.watchdog import Watchdog, agents_of_raylet

State = Literal["off", "starting", "ready", "stopping", "failed"]

ATTEMPTS = 3
"""Ray gives its own processes half a minute. On a busy machine that can be too short."""

PATIENCE = 300.0
"""Seconds for all attempts: on a busy machine each takes more than half a minute."""

BUSY = "timed out during startup"
"""In Ray's message when that half minute is over."""


NOTICE = 0.3
"""Seconds of waiting after which whoever waits is told so."""

Waiting = Callable[[Callable[[], str]], AbstractContextManager[None]]
"""Shows, for as long as its block runs, what the function says: `Ray: starting (3 s)`."""


def _unseen(_: Callable[[], str]) -> AbstractContextManager[None]:
    return nullcontext()


_waiting: Waiting = _unseen


def show_waiting_with(waiting: Waiting) -> None:
    """From now on whoever waits for a Ray of this process sees it in this way."""
    global _waiting
    _waiting = waiting


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
        self._gone = threading.Event()
        self._watchdog: Watchdog | None = None
        self._error: BaseException | None = None
        self._started = 0.0
        self.is_ours = False
        """Whether this session started Ray, and will stop it."""
        self.state: State = "off"
        self.seconds = 0.0
        """How long Ray took to start."""

    def start(self) -> None:
        """Begin starting Ray in the background. Does nothing if it is up or on its way."""
        if self.is_lost:
            self.stop()
        with self._lock:
            if self.state in ("starting", "ready"):
                return
            for event in (self._settled, self._leave, self._gone):
                event.clear()
            self._error, self._started, self.state = None, time.perf_counter(), "starting"
            self._start_keeper(ATTEMPTS)

    def wait(self, timeout: float = PATIENCE) -> None:
        """Start if needed, and return once Ray is ready. EngineError if it does not come up."""
        self.start()
        if not self._has_settled(timeout):
            raise EngineError(
                f"Ray did not start within {timeout:.0f} s. "
                "See the newest folder under /tmp/ray for its logs; `%lab stop` and try again."
            )
        if isinstance(self._error, EngineError):
            raise self._error
        if self._error is not None:
            raise EngineError(
                f"Ray did not start: {type(self._error).__name__}: {self._error}. "
                "Its logs are in the newest folder under /tmp/ray; what needs it next tries again. "
                "MIXPEEK_LAB_ENGINE=kernel does without it, after a restart of the kernel."
            ) from self._error

    def _has_settled(self, timeout: float) -> bool:
        """Wait; after a moment, visibly."""
        if self._settled.wait(min(NOTICE, timeout)):
            return True
        with _waiting(self.describe):
            return self._settled.wait(timeout)

    def stop(self, timeout: float = 60.0) -> None:
        """Shut Ray down, if this session started it, and wait until it is gone."""
        with self._lock:
            if self._keeper is None:
                return
            self.state = "stopping"
            self._leave.set()
        if not self._gone.wait(timeout):
            raise EngineError(f"Ray did not stop within {timeout:.0f} s. Restart the kernel.")
        self._keeper = None
        self.state = "off"

    @property
    def is_lost(self) -> bool:
        """Whether somebody else shut down what runs here, as `ray.shutdown()` does."""
        if self.state != "ready":
            return False
        import ray

        return not ray.is_initialized()

    def describe(self) -> str:
        """One line for people: `Ray: ready (2 CPUs, no GPU)`."""
        if self.state == "starting":
            return f"Ray: starting ({time.perf_counter() - self._started:.0f} s)"
        if self.state != "ready":
            reason = f": {self._error}" if self._error else ""
            return f"Ray: {self.state}{reason}"
        if self.is_lost:
            return "Ray: gone, somebody else has shut it down"
        cpus, gpus = self.cpus, self.gpus
        return f"Ray: ready ({_count(cpus, 'CPU')}, {_count(gpus, 'GPU') if gpus else 'no GPU'})"

    @property
    def cpus(self) -> float:
        """CPUs of the session."""
        return self._resource("CPU")

    @property
    def gpus(self) -> float:
        """GPUs of the session."""
        return self._resource("GPU")

    @property
    def memory_gb(self) -> float:
        """Memory that actors may claim, in GB of 2**30 bytes."""
        return self._resource("memory") / 2**30

    def _resource(self, name: str) -> float:
        import ray

        return float(ray.cluster_resources().get(name, 0.0))

    # ------------------------------------------------------------ in the keeper thread

    def _start_keeper(self, attempts: int) -> None:
        self._keeper = threading.Thread(
            target=self._keep, args=(attempts,), name="mixpeek-lab-ray", daemon=True
        )
        self._keeper.start()

    def _keep(self, attempts: int) -> None:
        try:
            self._bring_up()
        except BaseException as error:  # noqa: BLE001 - reported by wait(), in the caller's thread
            self._failed(error, attempts)
            return
        self._announce()
        # After Ray's own hook, so before it at exit: Ray takes its time there.
        atexit.register(self.stop)
        with quiet_messages():
            self._leave.wait()
            self._take_down()
        atexit.unregister(self.stop)
        self._gone.set()

    def _bring_up(self) -> None:
        self._prepare()
        _set_environment()
        import ray

        self.is_ours = not ray.is_initialized()
        if self.is_ours:
            _read_environment_again()
            with quiet_start():
                ray.init(
                    address="local",
                    include_dashboard=False,
                    log_to_driver=False,
                    configure_logging=False,
                    num_cpus=self._num_cpus,
                    num_gpus=self._num_gpus,
                )
            self._watchdog = Watchdog(agents_of_raylet())

    def _announce(self) -> None:
        with self._lock:
            if self._leave.is_set():
                self._error = EngineError("Ray was stopped while it was starting.")
            else:
                self.seconds = time.perf_counter() - self._started
                self.state = "ready"
        self._settled.set()

    def _failed(self, error: BaseException, attempts: int) -> None:
        """Try again in a fresh thread (the processes of this one end with it), or give up."""
        if BUSY in str(error) and attempts > 1 and not self._leave.is_set():
            self._start_keeper(attempts - 1)
            return
        self._error, self.state = error, "failed"
        self._settled.set()
        self._gone.set()

    def _take_down(self) -> None:
        if self.is_ours:
            import ray

            ray.shutdown()
        if self._watchdog is not None:
            self._watchdog.dismiss()
            self._watchdog = None


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _set_environment() -> None:
    """What must be in the environment before Ray's processes start. The user's values win."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_SERVE_PROXY_USE_GRPC", "1")  # 2 ms less for each HTTP request
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it remarks on every process that starts
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _read_environment_again() -> None:
    """Ray reads its settings on import, which the user's code may have done long before."""
    raylet: Any = import_module("ray._raylet")
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()
