"""The worker: runs and deployments in a process of its own, for as long as the gateway is up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.serving import ray_session
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.lost import working
from mixpeek_lab.workbench.platform.rollouts import Rollouts
from mixpeek_lab.workbench.platform.runners import Runners
from mixpeek_lab.workbench.runs import close_lost_runs

log = logging.getLogger(__name__)

BACKEND = "mixpeek_lab.workbench.backend:Backend"
PAUSE = 0.1
"""Seconds between two looks into the catalog, which costs microseconds while nothing changes."""
SHORT_PAUSE = 0.02
"""Between two steps while something is under way: each asks Ray how far it is."""
PAUSE_AFTER_ERROR = 2.0


class Worker:
    """Two lanes, so that runs and deployments do not hold each other up."""

    def __init__(self, home: Path, seconds: float) -> None:
        """`seconds`: how long an extractor's service may take to load."""
        self._seconds = seconds
        self._home = Home.open(home)
        self._catalog = Catalog(self._home.catalog)
        self._session = RaySession()

    def start(self) -> None:
        """Work in the background until the process ends."""
        threading.Thread(target=self._work, name="mixpeek-lab-worker", daemon=True).start()

    def _work(self) -> None:
        runners = Runners(self._catalog, self._home)
        rollouts = Rollouts(self._catalog, self._home, self._session, BACKEND, self._seconds)
        with working(self._catalog, self._home, ray_session()):
            close_lost_runs(self._catalog, self._home)
            _guarded(rollouts.restore)
            lane = threading.Thread(
                target=self._loop, args=(rollouts.step,), name="mixpeek-lab-rollouts", daemon=True
            )
            lane.start()
            self._loop(runners.step)

    def _loop(self, step: Callable[[], bool]) -> None:
        """Take steps for as long as there are any, and look again when the catalog changes."""
        pause, idle = threading.Event(), 0
        seen: object = None
        while True:
            version = self._catalog.version
            if version == seen and idle < 10:
                idle += 1
                pause.wait(PAUSE)
                continue
            seen, idle = version, 0
            done = _guarded(step)
            if done is None:
                pause.wait(PAUSE_AFTER_ERROR)
            elif done:
                seen = None
                pause.wait(SHORT_PAUSE)


def _guarded(step: Callable[[], bool | None]) -> bool | None:
    """What the step gives; None where it failed, which the log tells."""
    try:
        return step()
    except Exception:
        log.exception("the worker's step failed")
        return None
