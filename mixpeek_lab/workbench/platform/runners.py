"""The runs that were asked for over HTTP: two at a time, each in a process of its own.

A run in a process can be ended in the middle, whatever its extractor is at, and one that takes its
process down takes nobody along. Collections take turns in the order their tasks came.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.catalog import Catalog, Task
from mixpeek_lab.errors import ConflictError
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.serving import Helper, HelperDiedError
from mixpeek_lab.snapshots import writing
from mixpeek_lab.workbench.engines import RayEngine
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.lost import requeue
from mixpeek_lab.workbench.platform.processing import Processing

log = logging.getLogger(__name__)

MOST = 2
"""Runs at once, of different collections: a long one holds no other up."""
IDLE_SECONDS = 60.0
"""How long processes wait for the next run: they start in seconds, and hold memory."""
RUNNER = "mixpeek_lab.workbench.platform.runners:Runner"


class Runner:
    """What works in the process: one run at a time."""

    def __init__(self, home: Path) -> None:
        place = Home.open(home)
        catalog, engine = Catalog(place.catalog), RayEngine(RaySession(), home, claims_cpus=False)
        self._processing = Processing(catalog, place, engine)

    def do(self, task_id: str) -> bool:
        """Do one task. False where it does not wait any more, or has to go on waiting."""
        return self._processing.do(task_id)


@dataclass(frozen=True, slots=True)
class _Busy:
    task: Task
    helper: Helper


class Runners:
    """Gives waiting tasks to processes, and looks after those."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home
        self._busy: dict[str, _Busy] = {}
        """By the id of the task."""
        self._idle: list[Helper] = []
        self._worked = time.monotonic()

    def step(self) -> bool:
        """End what is canceled, note what is done, begin what waits. False where no run is
        under way."""
        for busy in list(self._busy.values()):
            self._look(busy)
        for task in self._catalog.waiting_tasks():
            self._begin(task)
        if self._busy:
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > IDLE_SECONDS:
            while self._idle:
                self._idle.pop().end()
        return bool(self._busy)

    def _look(self, busy: _Busy) -> None:
        key = busy.task.task_id
        is_done = busy.helper.is_done()
        if self._catalog.is_canceled(key) and not is_done:
            busy.helper.end()
        elif is_done:
            self._note_end(busy)
        else:
            return
        del self._busy[key]

    def _note_end(self, busy: _Busy) -> None:
        key = busy.task.task_id
        try:
            busy.helper.result()
            self._idle.append(busy.helper)
        except Exception as error:  # noqa: BLE001 - whatever it is, the task must not hang
            log.warning("task %s was left by its process: %s", key, error)
            if not isinstance(error, HelperDiedError):
                busy.helper.end()
            if not self._catalog.is_canceled(key):
                requeue(self._catalog, key)

    def _begin(self, task: Task) -> None:
        taken = {busy.task.collection_id for busy in self._busy.values()}
        if len(self._busy) >= MOST or task.collection_id in taken or not self._is_free(task):
            return
        helper = self._idle.pop() if self._idle else Helper(RUNNER, self._home.path)
        helper.start("do", task.task_id)
        self._busy[task.task_id] = _Busy(task, helper)

    def _is_free(self, task: Task) -> bool:
        """Whether nobody is at work on the task's collection, the notebook included."""
        try:
            with writing(self._home.snapshots(task.collection_id)):
                return True
        except ConflictError:
            return False
