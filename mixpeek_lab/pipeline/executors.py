"""Ray Data's executors: kept quiet while they run, and stopped when a run is left early."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.data import DataContext
from ray.data._internal.execution.execution_callback import ExecutionCallback

_running: list[Any] = []
"""Executors started in this process and not yet stopped."""


class NoteExecutor(ExecutionCallback):  # type: ignore[misc]
    """Notes each executor that starts. Ray makes the instance, in the driver."""

    def before_execution_starts(self, executor: Any) -> None:
        """Ray calls this once per run."""
        _running.append(executor)


@contextmanager
def quiet_context() -> Iterator[list[Any]]:
    """Ray Data without its bars and logs, in input order off; yields the executors started."""
    context = DataContext.get_current()
    names = (
        "enable_progress_bars",
        "print_on_execution_start",
        "custom_execution_callback_classes",
    )
    before = {name: getattr(context, name) for name in names}
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.custom_execution_callback_classes = [
        *before["custom_execution_callback_classes"],
        NoteExecutor,
    ]
    try:
        yield _running
    finally:
        for name, value in before.items():
            setattr(context, name, value)


def stop_executors(executors: list[Any]) -> None:
    """Stop every executor in the list and kill its actors. Does nothing for finished ones."""
    while executors:
        executors.pop().shutdown(force=True)
