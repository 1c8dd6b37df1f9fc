"""Calls in a process of Ray's own: what is read or loaded there takes nobody else along."""

from __future__ import annotations

from typing import Any

from mixpeek_lab.errors import EngineError, LabError
from mixpeek_lab.serving.importing import load
from mixpeek_lab.serving.replies import answer_of, refusal

SECONDS = 120.0
"""How long one call may take."""


def call_apart(function: str, *values: Any) -> Any:
    """What `module:attribute` gives for the values; a LabError that it raises is raised here.

    EngineError where its process ended before it answered, or did not answer in time.
    """
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    task = ray.remote(_called).options(num_cpus=0, max_retries=0).remote(function, values)
    try:
        return answer_of(ray.get(task, timeout=SECONDS))
    except GetTimeoutError as error:
        ray.cancel(task, force=True)
        raise EngineError(f"It took more than {SECONDS:.0f} s.") from error
    except RayError as error:
        raise EngineError(
            f"Its process ended, or ran out of memory ({_last_line(error)})."
        ) from error


def _called(function: str, values: tuple[Any, ...]) -> Any:
    try:
        return {"ok": load(function)(*values)}
    except LabError as error:
        return refusal(error)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
