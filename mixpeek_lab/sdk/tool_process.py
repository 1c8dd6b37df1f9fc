"""One process, its output within bounds and its time too, and nothing of it left behind.

The process leads a session and process group of its own. However the call ends, the whole group is
killed: at the end of the tool, at the time limit, at an interrupt. A watcher in the group waits for
the calling process to end, so that a killed worker leaves no tool running either.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mixpeek_lab.sdk.tool_results import ToolOutput

__all__ = ["MOST_STDERR", "MOST_STDOUT", "Ended", "run_process"]

MOST_STDOUT = 64 << 20
"""Bytes of standard output that are kept, from its start: results."""
MOST_STDERR = 1 << 20
"""Bytes of standard error that are kept, of its end: the reason of a failure stands last."""

_CHUNK = 1 << 16
_POLL = 0.1
_LEFTOVER = 1.0
"""Seconds to read on when the process has ended but something that it started holds its pipes."""

# Arguments reach the tool as "$@", untouched by the shell. The watcher's parent ends at once, so
# that the tool has no child that it did not start. `kill -9 0` is the group, the watcher included.
_LAUNCH = """
exec 3<&0 </dev/null
( { read _ <&3; kill -9 0; } >/dev/null 2>&1 & )
exec "$@" 3<&-
"""


@dataclass(frozen=True)
class Ended:
    """How a process ended. `returncode` is None where the time limit ended it."""

    returncode: int | None
    stdout: ToolOutput
    stderr: ToolOutput


def run_process(
    command: list[str], timeout: float, cwd: Path, environment: Mapping[str, str]
) -> Ended:
    """Run a command to its end, for at most `timeout` seconds, with nothing on standard input.

    Raises OSError where it cannot be started.
    """
    until = time.monotonic() + timeout
    stdout, stderr = _Kept("stdout", MOST_STDOUT), _Kept("stderr", MOST_STDERR, is_tail=True)
    with _started(command, cwd, environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        returncode = _follow(process, {process.stdout: stdout, process.stderr: stderr}, until)
    return Ended(returncode, stdout.output(), stderr.output())


@contextmanager
def _started(
    command: list[str], cwd: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The process; on the way out its group is killed, and it is waited for."""
    read_end, lifeline = os.pipe()  # the lifeline closes with this process, whatever ends it
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCH, "sh", *command],
            stdin=read_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _kill_group(process)
    finally:
        os.close(read_end)
        os.close(lifeline)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # PermissionError is what macOS answers for a group of which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _follow(
    process: subprocess.Popen[bytes], buffers: Mapping[IO[bytes], _Kept], until: float
) -> int | None:
    """Read both pipes until the process has ended; its status, None if time ran out before."""
    with selectors.DefaultSelector() as selector:
        for pipe, buffer in buffers.items():
            selector.register(pipe, selectors.EVENT_READ, buffer)
        stop = until
        while selector.get_map() and (left := stop - time.monotonic()) > 0:
            _read(selector, min(left, _POLL))
            if stop == until and process.poll() is not None:
                stop = min(until, time.monotonic() + _LEFTOVER)
    try:
        return process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def _read(selector: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in selector.select(seconds):
        chunk = os.read(key.fd, _CHUNK)
        if chunk:
            key.data.add(chunk)
        else:
            selector.unregister(key.fileobj)


class _Kept:
    """Up to `most` bytes of a stream, of its start or of its end, and how many there were."""

    def __init__(self, name: str, most: int, *, is_tail: bool = False) -> None:
        self.name, self.most, self.is_tail = name, most, is_tail
        self.seen = 0
        self.kept = bytearray()

    def add(self, chunk: bytes) -> None:
        self.seen += len(chunk)
        if not self.is_tail:
            self.kept += chunk[: self.most - len(self.kept)]
            return
        self.kept += chunk
        if len(self.kept) > 2 * self.most:
            del self.kept[: -self.most]

    def output(self) -> ToolOutput:
        kept = bytes(self.kept[-self.most :])
        dropped = self.seen - len(kept)
        mark = (
            f"[run_tool: {dropped} bytes of {self.name} dropped; these are the "
            f"{'last' if self.is_tail else 'first'} {self.most >> 20} MiB. "
            "Let the tool write to a file instead.]"
        )
        return ToolOutput.of(kept, dropped, mark, is_tail=self.is_tail)
