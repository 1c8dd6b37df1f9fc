"""A process of Ray's own that does one thing at a time, and can be ended in the middle of it."""

from __future__ import annotations

from typing import Any

from mixpeek_lab.errors import EngineError
from mixpeek_lab.serving.importing import load


class HelperDiedError(EngineError):
    """A helper's process ended before it was done."""


class Work:
    """The actor: makes the class at an import string, and calls its methods."""

    def __init__(self, path: str, values: tuple[Any, ...]) -> None:
        self._work = load(path)(*values)

    def call(self, method: str, values: tuple[Any, ...]) -> Any:
        """What the method gives."""
        return getattr(self._work, method)(*values)


class Helper:
    """One such process. It ends with the process that made it, and what it started with it."""

    def __init__(self, path: str, *values: Any) -> None:
        """`path`: the import string of a class, which the process makes of the values."""
        import ray

        self._actor = ray.remote(Work).options(num_cpus=0, max_restarts=0).remote(path, values)
        self._answer: Any = None

    def start(self, method: str, *values: Any) -> None:
        """Have it call a method. Returns at once."""
        self._answer = self._actor.call.remote(method, values)

    def is_done(self) -> bool:
        """Whether the call has ended, one way or the other."""
        import ray

        return bool(ray.wait([self._answer], timeout=0)[0])

    def result(self) -> Any:
        """What the call gave. HelperDiedError where the process ended; else what was raised."""
        import ray
        from ray.exceptions import RayActorError

        try:
            return ray.get(self._answer)
        except RayActorError as error:
            raise HelperDiedError(str(error)) from error

    def end(self) -> None:
        """End the process, whatever it is at; Ray ends the actors that it started."""
        import ray

        ray.kill(self._actor)
