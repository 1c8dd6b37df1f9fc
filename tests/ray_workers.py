"""The processes in which Ray runs the steps of extractors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil

SECONDS = 60
"""For a machine with a great deal else to do."""


def workers(root: int | None = None) -> list[psutil.Process]:
    """Ray's actor processes below `root` (this process) that run our steps."""
    found = []
    for process in psutil.Process(root).children(recursive=True):
        try:
            if "MapWorker" in " ".join(process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def gone(find: Callable[[], Any]) -> bool:
    """Whether there is nothing to find any more, in time."""
    end = time.monotonic() + SECONDS
    while find():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
