"""Processes beside the notebook's: what takes long, or loads much, leaves the kernel quick."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mixpeek_lab.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def start(
    module: str, *arguments: str, errors: IO[str] | int, **environment: str
) -> subprocess.Popen[str]:
    """`python -m module arguments`, with pipes for its input and output."""
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        # -P: a file in the notebook's folder must not stand in for a module of the worker's.
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # an interrupt of the kernel is not meant for it
    )  # fmt: skip


class Placer:
    """The process that places vectors on one UMAP; it is started when it is asked."""

    def __init__(self, path: Path) -> None:
        """`path`: `Projection.placing`."""
        self._path, self._lock = path, threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def place(self, vector: NDArray[np.float32]) -> tuple[float, float]:
        """Where a vector stands. The first call takes seconds. EngineError where it cannot."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = start(
                    "mixpeek_lab.projections.placer", str(self._path), errors=subprocess.DEVNULL,
                    NUMBA_DISABLE_JIT="1",  # compiling takes longer than one vector ever does
                )  # fmt: skip
            answer = _asked(self._process, json.dumps([float(value) for value in vector]))
        if not isinstance(answer, list):
            told = answer.get("error") if isinstance(answer, dict) else "its process ended"
            raise EngineError(f"UMAP could not place the query: {told}.")
        x, y = answer
        return float(x), float(y)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _asked(process: subprocess.Popen[str], line: str) -> object:
    """The process's answer to a line; None where it ended."""
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except OSError:
        return None
    return json.loads(answer) if answer else None


_one: list[Placer] = []
_guard = threading.Lock()


def placer(path: Path) -> Placer:
    """The placer of a file. One runs at a time: each holds umap-learn in its memory."""
    with _guard:
        if not _one or _one[0]._path != path:
            for other in _one:
                other.close()
            _one[:] = [Placer(path)]
        return _one[0]
