"""The worker: runs and deployments in a process of its own, for as long as the gateway is up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.held import AllRollouts, HeldSpaces, versions
from mixpeek_lab.workbench.platform.rollouts import Rollouts
from mixpeek_lab.workbench.platform.runners import Runners
from mixpeek_lab.workbench.spaces import Space

log = logging.getLogger(__name__)
Found = TypeVar("Found")

BACKEND = "mixpeek_lab.workbench.backend:Backend"
PAUSE = 0.1
"""Seconds between two looks into the catalog, which costs microseconds while nothing changes."""
SHORT_PAUSE = 0.02
"""Between two steps while something is under way: each asks Ray how far it is."""
PAUSE_AFTER_ERROR = 2.0


class Worker:
    """Two lanes, so that runs and deployments do not hold each other up; for all namespaces."""

    def __init__(self, home: Path, seconds: float) -> None:
        """`seconds`: how long an extractor's service may take to load."""
        self._seconds, self._session = seconds, RaySession()
        self._held = HeldSpaces(Home.open(home))

    def start(self) -> None:
        """Work in the background until the process ends."""
        threading.Thread(target=self._work, name="mixpeek-lab-worker", daemon=True).start()

    def _work(self) -> None:
        self._held.now()  # waits here for the worker before
        rollouts = AllRollouts(self._rollouts_of)
        lane = threading.Thread(
            target=self._loop, args=(rollouts.step,), name="mixpeek-lab-rollouts", daemon=True
        )
        lane.start()
        self._loop(Runners().step)

    def _rollouts_of(self, space: Space) -> Rollouts:
        return Rollouts(space.catalog, space.home, self._session, BACKEND, self._seconds)

    def _loop(self, step: Callable[[Sequence[Space]], bool]) -> None:
        """Take steps for as long as there are any, and look again when a catalog changes."""
        pause, idle = threading.Event(), 0
        spaces = self._held.now()
        seen: object = None
        while True:
            version = _guarded(partial(versions, spaces))
            if version is not None and version == seen and idle < 10:
                idle += 1
                pause.wait(PAUSE)
                continue
            seen, idle = version, 0
            spaces = _guarded(self._held.now) or spaces
            done = _guarded(partial(step, spaces))
            if done is None:
                pause.wait(PAUSE_AFTER_ERROR)
            elif done:
                seen = None
                pause.wait(SHORT_PAUSE)


def _guarded(step: Callable[[], Found]) -> Found | None:
    """What the step gives; None where it failed, which the log tells."""
    try:
        return step()
    except Exception:
        log.exception("the worker's step failed")
        return None
