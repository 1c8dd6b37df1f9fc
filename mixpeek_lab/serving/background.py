"""The process for what takes long: an actor of the gateway's, started when there is work.

The gateway writes down what is to be done and answers at once; the worker finds it there. It is
not the gateway's own process, because a run holds Python's lock for seconds, and because an
extractor or a native library that brings its process down must not take the endpoint along.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from mixpeek_lab.serving.importing import load


class Worker:
    """The actor: makes the class at an import string, which does the work in threads of its own.

    An actor that died is started again by Ray, and its work looks after what was left.
    """

    def __init__(self, path: str, home: str, seconds: float) -> None:
        self._work = load(path)(Path(home), seconds)
        self._work.start()


class Background:
    """Starts the worker when it is first needed. It ends with the process that started it."""

    def __init__(self, path: str, home: Path, seconds: float) -> None:
        """`seconds`: how long a service may take to load."""
        self._path, self._home, self._seconds = path, home, seconds
        self._lock = threading.Lock()
        self._actor: Any = None
        self._is_over = False

    def wake(self) -> None:
        """Have the worker run. Returns before it does."""
        import ray

        with self._lock:
            if self._actor is None and not self._is_over:
                worker = ray.remote(Worker).options(num_cpus=0, max_restarts=-1)
                self._actor = worker.remote(self._path, str(self._home), self._seconds)

    def end(self) -> None:
        """End the worker for good. What it was at waits in the catalog for the next one.

        Before Serve goes: a worker that sees its services go would deploy them again, fail, and
        write that down.
        """
        import ray

        with self._lock:
            self._is_over = True
            if self._actor is not None:
                ray.kill(self._actor)
