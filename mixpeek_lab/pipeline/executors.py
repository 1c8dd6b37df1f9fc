"""Ray Data's executors: kept quiet while they run, and stopped when a run is left early."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ray.data import DataContext
from ray.data._internal.execution.execution_callback import ExecutionCallback

from mixpeek_lab.pipeline.usage import is_alive

_running: list[Any] = []
"""Executors started in this process and not yet stopped."""


@dataclass(frozen=True)
class Pool:
    """An actor pool of a run, as Ray Data counts it."""

    rows_in: int = 0
    rows_out: int = 0
    waiting: int = 0
    """Blocks."""
    working: int = 0
    """Blocks."""
    actors: int = 0
    starting: int = 0
    handles: tuple[Any, ...] = field(default=())
    """Of the actors that run."""

    def pids(self, known: dict[str, int]) -> list[int]:
        """The processes of its actors, as far as they are on this machine.

        `known`: actor → process, as found before; asked for again where a process is gone.
        """
        for actor in (handle._actor_id.hex() for handle in self.handles):
            if not is_alive(known.get(actor, 0)):
                known[actor] = _pid_of(actor)
        return [pid for handle in self.handles if (pid := known[handle._actor_id.hex()])]


class NoteExecutor(ExecutionCallback):
    """Notes each executor that starts. Ray makes the instance, in the driver."""

    def before_execution_starts(self, executor: Any) -> None:
        """Ray calls this once per run."""
        _running.append(executor)
        executor.shutdown = partial(_shut_down, executor.shutdown)


@contextmanager
def quiet_context() -> Iterator[list[Any]]:
    """Ray Data without its bars and notices; yields the executors started.

    Its warnings and the rest still go to its log file; errors are shown.
    """
    context = DataContext.get_current()
    callbacks = [*context.custom_execution_callback_classes, NoteExecutor]
    with ExitStack() as stack:
        stack.enter_context(_set(context, "enable_progress_bars", False))
        # A block that is split would carry its stamp twice; blocks of images are large.
        stack.enter_context(_set(context, "target_max_block_size", None))
        stack.enter_context(_set(context, "print_on_execution_start", False))
        stack.enter_context(_set(context, "custom_execution_callback_classes", callbacks))
        stack.enter_context(_quiet_console())
        yield _running


def stop_executors(executors: list[Any]) -> None:
    """Stop every executor in the list and kill its actors. Does nothing for finished ones."""
    while executors:
        executor = executors.pop()
        executor.shutdown(force=True)
        vars(executor).pop("shutdown", None)  # or it would keep itself alive


def pools_of(executors: Sequence[Any]) -> list[Pool]:
    """The actor pools of the newest executor, in the order of the pipeline."""
    from ray.data._internal.execution.operators.actor_pool_map_operator import (
        ActorPoolMapOperator,
    )

    newest = executors[-1:]
    topology = (newest[0]._topology or {}) if newest else {}
    return [
        _pool(operator, state)
        for operator, state in list(topology.items())
        if isinstance(operator, ActorPoolMapOperator)
    ]


def _pool(operator: Any, state: Any) -> Pool:
    metrics, actors = operator.metrics, operator.get_actor_info()
    return Pool(
        metrics.rows_inputs_of_submitted_tasks,
        metrics.rows_task_outputs_generated,
        state.total_enqueued_input_blocks(),
        metrics.num_tasks_running,
        actors.running,
        actors.pending + actors.restarting,
        tuple(operator._actor_pool._running_actors),
    )


def _pid_of(actor: str) -> int:
    """The process of an actor; 0 where it is on another machine, or is not known."""
    import ray
    from ray._private.state import actors

    found = actors(actor) or {}
    node = found.get("Address", {}).get("NodeID")
    return int(found.get("Pid", 0)) if node == ray.get_runtime_context().get_node_id() else 0


def _shut_down(
    shut_down: Callable[..., None], force: bool, exception: Exception | None = None
) -> None:
    """Kill the actors of a run that failed or was interrupted.

    Ray just forgets them then, and they live on for as long as anything holds the traceback, as
    IPython does.
    """
    shut_down(force=force or exception is not None, exception=exception)


@contextmanager
def _set(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _quiet_console() -> Iterator[None]:
    """Ray Data's console handlers at ERROR; its file handlers as they are."""
    handlers = [h for h in logging.getLogger("ray.data").handlers if h.name == "console"]
    before = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for handler, level in zip(handlers, before, strict=True):
            handler.setLevel(level)
