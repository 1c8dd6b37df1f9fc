"""What processes of this machine use: CPUs and memory by psutil, GPUs by nvidia-smi."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from importlib import import_module
from typing import Any

SMI = "nvidia-smi"
SECONDS_BETWEEN = 2.0
"""Between two calls of nvidia-smi: it takes its time, and a little of the machine."""
PATIENCE = 5
MB = 2**20


def is_alive(pid: int) -> bool:
    """Whether there is a process of that number on this machine."""
    psutil: Any = import_module("psutil")
    return pid > 0 and bool(psutil.pid_exists(pid))


class ProcessUsage:
    """CPU and memory of processes, from one look to the next."""

    def __init__(self) -> None:
        self._psutil: Any = import_module("psutil")  # Ray and ipykernel bring it along
        self._known: dict[int, Any] = {}

    def of(self, pids: Collection[int]) -> tuple[float | None, int | None]:
        """CPUs busy since the last look, and bytes of memory held, of all of them together.

        None where it is not known: no process there, or not looked at before.
        """
        self._known = {pid: found for pid, found in self._known.items() if pid in pids}
        cpus, memory = [], []
        for pid in pids:
            with suppress(self._psutil.Error):  # it ended meanwhile
                is_new = pid not in self._known
                process = self._known.setdefault(pid, self._psutil.Process(pid))
                busy = process.cpu_percent(None) / 100
                cpus += [] if is_new else [busy]
                memory.append(process.memory_info().rss)
        return (sum(cpus) if cpus else None), (sum(memory) if memory else None)


class GpuUsage:
    """How busy the GPUs are and what processes hold of them, as nvidia-smi tells it."""

    def __init__(self) -> None:
        self._asked = float("-inf")
        self._asker: threading.Thread | None = None
        self._busy: float | None = None
        self._held: dict[int, int] = {}

    def of(self, pids: Collection[int]) -> tuple[float | None, int | None]:
        """The busiest GPU's share (0 to 1), and bytes held by these processes; None: not known.

        As of the last answer: nvidia-smi is asked beside, because it is slow. In a container it
        may not tell which process holds what: then that is None.
        """
        is_asking = self._asker is not None and self._asker.is_alive()
        if time.monotonic() - self._asked > SECONDS_BETWEEN and not is_asking:
            self._asked = time.monotonic()
            self._asker = threading.Thread(target=self._ask, name=SMI, daemon=True)
            self._asker.start()
        held = [self._held[pid] for pid in pids if pid in self._held]
        return self._busy, (sum(held) if held else None)

    def _ask(self) -> None:
        shares = [row[0] for row in _smi("--query-gpu=utilization.gpu") if row]
        self._busy = max(shares) / 100 if shares else None
        rows = _smi("--query-compute-apps=pid,used_memory")
        self._held = {int(row[0]): int(row[1] * MB) for row in rows if len(row) == 2}


def _smi(query: str) -> list[list[float]]:
    """The numbers that nvidia-smi answers, line by line; lines without are left out."""
    if shutil.which(SMI) is None:
        return []
    try:
        done = subprocess.run(
            [SMI, query, "--format=csv,noheader,nounits"],
            capture_output=True, text=True, check=True, timeout=PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    rows = []
    for line in done.stdout.splitlines():
        with suppress(ValueError):  # "[N/A]": it does not know
            rows.append([float(part) for part in line.split(",")])
    return rows
