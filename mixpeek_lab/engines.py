"""Which engine runs pipelines and queries here: Ray, or this process where Ray does not fit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from mixpeek_lab.errors import EngineError, InvalidInputError

EngineName = Literal["ray", "kernel"]

VARIABLE = "MIXPEEK_LAB_ENGINE"
NEEDED_GB = 4.0
"""What Ray, Serve, one service and one batch actor with a small model take together, and some
room: a raylet, GCS and their agents 0.6, Serve 0.5, idle workers 0.5, two copies of MiniLM 1.4."""

_CGROUP = Path("/sys/fs/cgroup")
_V1 = "memory/memory.limit_in_bytes"
_V2 = "memory.max"


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine of a lab, and why it is this one."""

    name: EngineName
    why: str
    """`MIXPEEK_LAB_ENGINE says so`; half a sentence."""

    def demand_ray(self) -> None:
        """EngineError where the engine is the kernel."""
        if self.name == "kernel":
            raise EngineError(
                f"This needs Ray, and the lab runs in the kernel without it: {self.why}. "
                f"Where Ray fits, set {VARIABLE}=ray and restart the kernel."
            )


def choose_engine(asked: str | None = None) -> Engine:
    """The engine that is asked for, by the argument or by MIXPEEK_LAB_ENGINE, else what fits.

    `auto` takes Ray where this process may use at least 4 GB of memory (2**30 bytes each), else
    the kernel. InvalidInputError for another name.
    """
    name, why = (asked, "it was asked for") if asked else (_variable(), f"{VARIABLE} says so")
    if name in ("ray", "kernel"):
        return Engine(cast("EngineName", name), why)
    if name != "auto":
        source = f"engine={asked!r}" if asked else f"{VARIABLE}={name}"
        raise InvalidInputError(f"{source}: there is no such engine. It is ray, kernel or auto.")
    available = memory_limit_gb()
    told = f"there are {available:.1f} GB of memory"
    if available >= NEEDED_GB:
        return Engine("ray", told)
    return Engine("kernel", f"{told}, and Ray needs {NEEDED_GB:g}")


def demand_engine(engine: str) -> EngineName:
    """The name. InvalidInputError where there is no engine of that name."""
    if engine not in ("ray", "kernel"):
        raise InvalidInputError(f"There is no engine {engine!r}: it is ray or kernel.")
    return cast("EngineName", engine)


def memory_limit_gb(cgroup: Path = _CGROUP, process: Path = Path("/proc/self/cgroup")) -> float:
    """The memory that this process may use, in GB of 2**30 bytes: the machine's, or a smaller
    limit of its control group (version 1 or 2, and of the groups around it), as containers have.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _limit_files(cgroup, process):
        try:
            text = path.read_text().strip()
        except OSError:
            continue  # a group that is not mounted here: the one around it is
        if text.isdecimal():
            limits.append(int(text))
    return min(limits) / 2**30


def _limit_files(cgroup: Path, process: Path) -> Iterable[Path]:
    """The files with a limit of this process's group and of every group around it."""
    try:
        lines = process.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        parts = Path(group.lstrip("/"))
        for own in (parts, *parts.parents):
            if not controllers:
                yield cgroup / own / _V2
            elif "memory" in controllers.split(","):
                root, name = _V1.split("/")
                yield cgroup / root / own / name


def _variable() -> str:
    return os.environ.get(VARIABLE, "").strip().lower() or "auto"
