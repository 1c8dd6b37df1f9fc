"""Who works in the background, and what is left of one that died."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.workbench.home import Home

RUN_LOST = (
    "The process that worked on it ended before it was done. Its documents are those of the run "
    "before; upload again or trigger the collection to go on."
)
DEPLOYMENT_LOST = (
    "The process that deployed it ended before it was done: its code ended the process, or the lab "
    "was stopped. Deploy it again."
)


def close_lost_work(catalog: Catalog, home: Home) -> None:
    """Mark as failed what a dead worker left in progress. Does nothing while one is alive."""
    if not catalog.has_work_in_progress():
        return
    with _lock_file(home) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _close(catalog)


@contextmanager
def working(catalog: Catalog, home: Home) -> Iterator[None]:
    """Be the one worker of this home, once no other is; first, close what the last one left.

    The right ends with the process, however that dies.
    """
    with _lock_file(home) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _close(catalog)
        yield


def _close(catalog: Catalog) -> None:
    catalog.close_lost_tasks(RUN_LOST)
    catalog.close_lost_deployments(DEPLOYMENT_LOST)


def _lock_file(home: Home) -> IO[str]:
    return (home.path / "worker.lock").open("w")
