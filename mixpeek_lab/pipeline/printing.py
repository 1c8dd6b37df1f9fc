"""What an extractor prints in a run: kept here in bounds, told apart by step, without secrets.

In the kernel it is taken from `sys.stdout` and `sys.stderr` while a step runs. On Ray the worker
writes into a file of its step, and the driver reads what is new: so it is there even while a call
hangs, and after its process died.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from mixpeek_lab.models import Printed
from mixpeek_lab.secrets import guard_again, redact

KEPT = 200
"""Lines that are kept: the newest."""
LONGEST = 500
"""Characters of a line; what follows is left out."""
MARKS = (":actor_name:", ":task_name:", ":job_id:")
"""How the lines begin with which Ray says in a worker's output whose it is."""
AT_ONCE = 2**18
"""Bytes that the driver reads of a file at once: the newest."""
MOST = 2**22
"""Bytes that a file holds; then it begins anew."""


_aside = threading.local()


@contextmanager
def aside() -> Iterator[None]:
    """What this thread prints in here is no step's: whoever listens to a run may print."""
    _aside.is_on = True
    try:
        yield
    finally:
        _aside.is_on = False


class Printouts:
    """The newest lines of all steps. Any thread may add to them, or look at them."""

    def __init__(self) -> None:
        self.is_wanted = False
        """Whether anybody looks. In the kernel nothing is taken from its streams else."""
        self._lines: deque[tuple[str, str]] = deque(maxlen=KEPT)
        self._rest: dict[str, str] = {}
        self._count, self._is_cut = 0, False
        self._lock = threading.Lock()

    def add(self, step: str, text: str, *, is_cut: bool = False) -> None:
        """More text of a step. `is_cut`: lines before it were left out."""
        with self._lock:
            self._is_cut |= is_cut
            *lines, rest = ("" if is_cut else self._rest.get(step, "")).join(["", text]).split("\n")
            # Of a bar the last state is enough; one that has ended is a line of its own no more.
            self._rest[step] = "".join(rest.rpartition("\r")[1:])[: 4 * LONGEST]
            whole = [line for line in lines if _says_something(line)]
            self._count += len(whole)
            self._lines.extend((step, _line(line)) for line in whole[-KEPT:])

    def look(self) -> Printed:
        """What there is by now; redacted."""
        with self._lock:
            open_lines = [(step, _line(rest)) for step, rest in self._rest.items() if rest.strip()]
            lines = [*self._lines, *open_lines][-KEPT:]
            count = self._count + len(open_lines)
            is_cut = self._is_cut
        return Printed(tuple((step, redact(line)) for step, line in lines), count, is_cut)

    @contextmanager
    def taken_from(self, step: str) -> Iterator[None]:
        """What this process prints in the block is this step's. Nothing is taken if not wanted."""
        if not self.is_wanted:
            yield
            return
        try:
            with (
                redirect_stdout(_Stream(self, step, sys.stdout)),
                redirect_stderr(_Stream(self, step, sys.stderr)),
            ):
                yield
        finally:
            guard_again()  # a step that read a secret guarded ours, not those that are back now


def _says_something(line: str) -> bool:
    """Whether it is neither a bar that has ended nor one of Ray's marks."""
    return "\r" not in line.rstrip("\r") and not line.startswith(MARKS)


_PACKAGE = re.compile(r"(?:/[^\s/:\"']+)+/extractor_\w+_[0-9a-f]{12}/")


def _line(text: str) -> str:
    """A line as it stands on a terminal in the end: a bar writes over itself.

    Of a path into the extractor's package that within it is enough, as for failures.
    """
    shown = _PACKAGE.sub("", text[: 8 * LONGEST].rstrip("\r").rpartition("\r")[2])
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"


class _Stream(io.TextIOBase):
    """A text stream into the printouts, in place of another, which does all but the writing."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, printouts: Printouts, step: str, stream: Any) -> None:
        self._printouts, self._step, self._stream = printouts, step, stream

    def write(self, text: str) -> int:
        if getattr(_aside, "is_on", False):
            self._stream.write(text)
        else:
            self._printouts.add(self._step, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class WorkerFiles:
    """A file for each step, into which its workers write; what is new in them goes to `into`."""

    def __init__(self, steps: Sequence[str], into: Printouts) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mixpeek-lab-run-"))
        self._steps, self._into = steps, into
        self._read = [0] * len(steps)
        self._lock = threading.Lock()

    def path(self, number: int) -> str:
        """Of the step of that number."""
        return str(self._folder / f"{number}.log")

    def read(self) -> None:
        """Take in what is new. What workers on other machines print stays there."""
        with self._lock:
            for number, step in enumerate(self._steps):
                with suppress(OSError):  # no worker has begun
                    self._read_one(number, step)

    def close(self) -> None:
        """Take in the last of it; the files are gone then."""
        self.read()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read_one(self, number: int, step: str) -> None:
        with Path(self.path(number)).open("rb") as file:
            size, before = os.fstat(file.fileno()).st_size, self._read[number]
            if size == before:
                return
            start = max(before if size > before else 0, size - AT_ONCE)
            file.seek(start)
            text = file.read(AT_ONCE).decode("utf-8", "replace")
            self._read[number] = file.tell()
        is_cut = start != before
        self._into.add(step, text.partition("\n")[2] if is_cut else text, is_cut=is_cut)


def write_output_to(path: str) -> None:
    """From now on this process's standard output and error, C code's too, go into that file.

    It stays within 4 MB. Where the folder is not on this machine, nothing changes.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return
    for number in (1, 2):
        os.dup2(file, number)
    os.close(file)
    sys.stdout, sys.stderr = _Bounded(1), _Bounded(2)
    guard_again()


class _Bounded(io.TextIOWrapper):
    """Standard output or error, line by line; the file behind it begins anew when it is full."""

    def __init__(self, number: int) -> None:
        super().__init__(
            os.fdopen(os.dup(number), "wb"),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        self._written = 0

    def write(self, text: str) -> int:
        self._written += len(text)
        if self._written > MOST // 4:
            self._written = 0
            if os.fstat(self.fileno()).st_size > MOST:
                os.ftruncate(self.fileno(), 0)
        return super().write(text)
