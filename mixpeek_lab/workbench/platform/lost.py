"""Who works in the background, and what becomes of what one that died was at."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.processing import STATES, summary

MOST = 3
"""Attempts: what ends its process each time would do so for ever."""
RUN_LOST = (
    f"Its process ended {MOST} times before it was done: does the extractor's code end it, or take "
    "more memory than there is? Its documents are those of the run before. Mend the extractor, or "
    "remove the object that it cannot take; then trigger the collection."
)
DEPLOYMENT_LOST = (
    f"The process that deployed it ended {MOST} times before it was up: does its code take more "
    "memory than there is? Mend it, and deploy it again."
)


def close_lost_work(catalog: Catalog, home: Home) -> None:
    """Have what a dead worker left in progress wait again. Does nothing while one is alive."""
    if not catalog.has_work_in_progress():
        return
    with _lock_file(home) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _close(catalog)


@contextmanager
def working(catalog: Catalog, home: Home, session: str) -> Iterator[None]:
    """Be the one worker of this home, once no other is; first, take up what the last one left.

    The right ends with the process, however that dies. `session`: Ray's; attempts count in one.
    """
    with _lock_file(home) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        catalog.excuse_tasks(session)
        _close(catalog)
        yield


def requeue(catalog: Catalog, task_id: str) -> None:
    """Have a task wait again whose process ended: from the snapshot that readers see.

    A run that had shown its snapshot was done, and is not done a second time.
    """
    task = catalog.task(task_id)
    report = catalog.run_report(task.run_id) if task.run_id else None
    if report is None or task.run_id is None:
        catalog.requeue_lost_task(task_id, MOST, RUN_LOST)
        return
    catalog.note_progress(task_id, summary(report), task.run_id)
    catalog.end_task(task_id, STATES[report["state"]], "", task.run_id)


def _close(catalog: Catalog) -> None:
    for task_id in catalog.lost_tasks():
        requeue(catalog, task_id)
    catalog.requeue_lost_deployments(MOST, DEPLOYMENT_LOST)


def _lock_file(home: Home) -> IO[str]:
    return (home.path / "worker.lock").open("w")
