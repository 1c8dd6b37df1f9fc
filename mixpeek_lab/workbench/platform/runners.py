"""The runs that were asked for over HTTP: two at a time, each in a process of its own.

A run in a process can be ended in the middle, whatever its extractor is at, and one that takes its
process down takes nobody along. Collections take turns in the order their tasks came.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
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
from mixpeek_lab.workbench.spaces import Space

log = logging.getLogger(__name__)

MOST = 2
"""Runs at once, of different collections: a long one holds no other up."""
IDLE_SECONDS = 60.0
"""How long processes wait for the next run: they start in seconds, and hold memory."""
RUNNER = "mixpeek_lab.workbench.platform.runners:Runner"


class Runner:
    """What works in the process: one run at a time."""

    def __init__(self) -> None:
        self._session = RaySession()

    def do(self, home: Path, task_id: str) -> bool:
        """Do one task of a namespace, by its home. False where it does not wait any more, or has
        to go on waiting."""
        place = Home.open(home)
        engine = RayEngine(self._session, home, claims_cpus=False)
        return Processing(Catalog(place.catalog), place, engine).do(task_id)


@dataclass(frozen=True, slots=True)
class _Busy:
    space: Space
    task: Task
    helper: Helper


class Runners:
    """Gives waiting tasks to processes, and looks after those."""

    def __init__(self) -> None:
        self._busy: dict[str, _Busy] = {}
        """By the id of the task."""
        self._idle: list[tuple[str, Helper]] = []
        """By the namespace that they worked for: none ever runs the code of two."""
        self._worked = time.monotonic()

    def step(self, spaces: Sequence[Space]) -> bool:
        """End what is canceled, note what is done, begin what waits in these namespaces, the
        oldest first. False where no run is under way."""
        there = {space.namespace_id for space in spaces}
        for busy in list(self._busy.values()):
            self._look(busy, is_there=busy.space.namespace_id in there)
        waiting = [(space, task) for space in spaces for task in space.catalog.waiting_tasks()]
        for space, task in sorted(waiting, key=lambda pair: pair[1].created_at):
            self._begin(space, task)
        if self._busy:
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > IDLE_SECONDS:
            while self._idle:
                self._idle.pop()[1].end()
        return bool(self._busy)

    def _look(self, busy: _Busy, *, is_there: bool) -> None:
        key = busy.task.task_id
        is_done = busy.helper.is_done()
        if not is_there or (not is_done and busy.space.catalog.is_canceled(key)):
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
            self._idle.append((busy.space.namespace_id, busy.helper))
        except Exception as error:  # noqa: BLE001 - whatever it is, the task must not hang
            log.warning("task %s was left by its process: %s", key, error)
            if not isinstance(error, HelperDiedError):
                busy.helper.end()
            if not busy.space.catalog.is_canceled(key):
                requeue(busy.space.catalog, key)

    def _begin(self, space: Space, task: Task) -> None:
        taken = {busy.task.collection_id for busy in self._busy.values()}
        if len(self._busy) >= MOST or task.collection_id in taken or not _is_free(space, task):
            return
        helper = self._waiting_for(space) or Helper(RUNNER)
        helper.start("do", space.home.path, task.task_id)
        self._busy[task.task_id] = _Busy(space, task, helper)

    def _waiting_for(self, space: Space) -> Helper | None:
        for number, (namespace_id, _) in enumerate(self._idle):
            if namespace_id == space.namespace_id:
                return self._idle.pop(number)[1]
        return None


def _is_free(space: Space, task: Task) -> bool:
    """Whether nobody is at work on the task's collection, the notebook included."""
    try:
        with writing(space.home.snapshots(task.collection_id)):
            return True
    except ConflictError:
        return False
