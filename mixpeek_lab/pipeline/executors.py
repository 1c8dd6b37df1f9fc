"""Ray Data's executors: kept quiet while they run, and stopped when a run is left early."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ray.data._internal.execution.execution_callback import ExecutionCallback

from mixpeek_lab.pipeline.usage import is_alive

_current: ContextVar[Executors] = ContextVar("_current")
"""Those of the run whose thread this is."""


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


class StoppedError(Exception):
    """A run that was stopped before Ray Data had begun."""


class Executors:
    """The executors of one run. Any thread may look at them, or stop them."""

    def __init__(self) -> None:
        self._found: list[Any] = []
        self._is_stopped = False
        self._lock = threading.Lock()

    def add(self, executor: Any) -> None:
        """One is about to begin; its actors are being made. StoppedError where it must not."""
        with self._lock:
            self._found.append(executor)
            if not self._is_stopped:
                return
        _kill_actors(executor)
        raise StoppedError

    def pools(self) -> list[Pool]:
        """The actor pools of the newest executor, in the order of the pipeline."""
        return [pool for executor in self._found[-1:] for pool in _pools(executor)]

    def stop(self) -> None:
        """Kill the actors, then stop the executors. Does nothing for finished ones.

        The actors first: an executor stops when its loop comes round, which may take a second.
        """
        with self._lock:
            self._is_stopped, found = True, list(self._found)
        for executor in found:
            _kill_actors(executor)
        for executor in found:
            executor.shutdown(force=True)
            vars(executor).pop("shutdown", None)  # or it would keep itself alive


class NoteExecutor(ExecutionCallback):
    """Notes each executor that starts. Ray makes the instance, in the run's own thread."""

    def before_execution_starts(self, executor: Any) -> None:
        """Ray calls this once per run."""
        executor.shutdown = partial(_shut_down, executor.shutdown)
        _current.get().add(executor)


@contextmanager
def quiet_run(executors: Executors) -> Iterator[None]:
    """Around a run, in its own thread: `executors` get what starts, and the console no notices.

    All of it still goes to Ray Data's log file.
    """
    token = _current.set(executors)
    try:
        with _quiet_console():
            yield
    finally:
        _current.reset(token)


def set_up(dataset: Any) -> Any:
    """The dataset, set up for a run: without bars and notices, known to `NoteExecutor`."""
    context = dataset.context  # its own: that of other datasets is left alone
    context.enable_progress_bars = False
    # A block that is split would carry its stamp twice; blocks of images are large.
    context.target_max_block_size = None
    context.print_on_execution_start = False
    callbacks = context.custom_execution_callback_classes
    if NoteExecutor not in callbacks:
        context.custom_execution_callback_classes = [*callbacks, NoteExecutor]
    return dataset


def _pools(executor: Any) -> list[Pool]:
    return [_pool(operator, state) for operator, state in _actor_pools(executor)]


def _actor_pools(executor: Any) -> list[tuple[Any, Any]]:
    """Its operators that are actor pools, each with its state."""
    from ray.data._internal.execution.operators.actor_pool_map_operator import (
        ActorPoolMapOperator,
    )

    return [
        (operator, state)
        for operator, state in list((executor._topology or {}).items())
        if isinstance(operator, ActorPoolMapOperator)
    ]


def _kill_actors(executor: Any) -> None:
    """Kill the actors of its pools: those that run and those on their way up."""
    import ray

    for operator, _ in _actor_pools(executor):
        pool = operator._actor_pool
        for actor in [*list(pool._running_actors), *list(pool._pending_actors.values())]:
            ray.kill(actor)


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
def _quiet_console() -> Iterator[None]:
    """Ray Data's console handlers say nothing; its file handlers are as they were.

    What goes wrong is raised, and said once, by whoever runs the pipeline.
    """
    handlers = [h for h in logging.getLogger("ray.data").handlers if h.name == "console"]
    before = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler, level in zip(handlers, before, strict=True):
            handler.setLevel(level)
