"""Which build of faiss is installed. All of them own the same `faiss` package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distributions
from typing import Any

from mixpeek_lab.errors import MissingDependencyError

BUILDS = ("faiss-cpu", "faiss-gpu", "faiss-gpu-cuvs", "faiss-gpu-cu11", "faiss-gpu-cu12")
INSTALL = "pip install 'mixpeek-lab[cpu]' (or 'mixpeek-lab[gpu]' beside an NVIDIA GPU)"


@cache
def load_faiss() -> Any:
    """The `faiss` module, or a MissingDependencyError that says how to install it."""
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingDependencyError("faiss", "Vector search", INSTALL) from error
    return faiss


def installed_builds(path: Sequence[str] | None = None) -> tuple[str, ...]:
    """The distributions of faiss that are installed, looked up in `path` (`sys.path`)."""
    where = sys.path if path is None else list(path)
    return tuple(name for name in BUILDS if any(True for _ in distributions(name=name, path=where)))


def check_installation(path: Sequence[str] | None = None) -> str | None:
    """None where exactly one build of faiss is installed; otherwise what is wrong, and the fix.

    pip does not object to two builds side by side: the one installed last overwrites the files of
    the other, and which of them answers depends on the order of installation.
    """
    builds = installed_builds(path)
    if len(builds) == 1:
        return None
    if not builds:
        return f"faiss is not installed: {INSTALL}"
    both = " and ".join(builds)
    return (
        f"{both} are installed together and overwrite each other's files. Keep one: "
        f"pip uninstall -y {' '.join(builds)}, then {INSTALL}"
    )
