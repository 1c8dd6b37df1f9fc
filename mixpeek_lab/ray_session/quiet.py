"""Ray's notices that say nothing to the lab's user, silenced where they come from.

Whatever is not named here is shown as Ray shows it. Names below `ray._private` are used in this
package and in `pipeline` alone, and pinned by the dependency's range.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

EXPECTED_LOGS = ("SIGTERM handler is not set because current thread is not the main thread",)
"""Ray runs in a thread of its own on purpose."""

EXPECTED_MESSAGES = ("There are infinite retries remaining, so the task will be retried.",)
"""What Ray Serve's own calls leave behind when its controller is stopped. All of them start with
`Task ServeController.`"""

WORKER_DIED = "A worker died or was killed while executing a task by an unexpected system error."

BACKEND_LEVEL = "RAY_BACKEND_LOG_LEVEL"


def is_expected(message: str) -> bool:
    """Whether a message of Ray's raylet tells of a stop that the lab asked for.

    Or of what the lab says itself. The calls that Serve's controller leaves behind at every orderly
    stop of Serve; the tasks of Ray Data's MapWorker actors, which the pipeline kills when a run is
    interrupted, and of whose deaths a run's error tells, once, with what they printed last.
    """
    if message.startswith(("Task MapWorker(", WORKER_DIED)):
        return True
    return message.startswith("Task ServeController.") and any(
        text in message for text in EXPECTED_MESSAGES
    )


@contextmanager
def quiet_start() -> Iterator[None]:
    """Around `ray.init`: its own notices, and from then on those of this process's Ray core.

    The core's C++ part writes to the process's standard error what it takes for errors and are
    remarks (each actor pool of Ray Data makes some). It reads its level when it is made, so
    that is when the level is set; Ray's other processes keep theirs, and their log files.
    """
    raylet: Any = import_module("ray._raylet")
    logging.getLogger("ray._private.worker").addFilter(_drop_expected_logs)
    core = raylet.CoreWorker
    if BACKEND_LEVEL not in os.environ:
        raylet.CoreWorker = _at_level(core, "fatal")
    try:
        yield
    finally:
        raylet.CoreWorker = core


@contextmanager
def quiet_messages() -> Iterator[None]:
    """While a session lives: raylet messages that are expected are not printed into cells."""
    worker: Any = import_module("ray._private.worker")
    show = worker.print_to_stdstream

    def show_unexpected(data: Mapping[str, Any], *values: Any, **named: Any) -> None:
        lines = [line for line in data["lines"] if not is_expected(line)]
        if lines:
            show({**data, "lines": lines}, *values, **named)

    worker.print_to_stdstream = show_unexpected
    try:
        yield
    finally:
        worker.print_to_stdstream = show


def _drop_expected_logs(record: logging.LogRecord) -> bool:
    return not any(text in record.getMessage() for text in EXPECTED_LOGS)


def _at_level(core: Callable[..., Any], level: str) -> Callable[..., Any]:
    """`core`, made with that level; it says so on standard error, which is left out."""

    def make(*arguments: Any, **named: Any) -> Any:
        os.environ[BACKEND_LEVEL] = level
        try:
            with _standard_error_without(BACKEND_LEVEL):
                return core(*arguments, **named)
        finally:
            os.environ.pop(BACKEND_LEVEL, None)

    return make


@contextmanager
def _standard_error_without(text: str) -> Iterator[None]:
    """Hold back what C and C++ write to standard error; let go of it without lines with `text`."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            held.seek(0)
            rest = b"".join(line for line in held if text.encode() not in line)
            if rest:
                os.write(kept, rest)
            os.close(kept)
