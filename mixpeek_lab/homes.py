"""Whose home the extractor code that runs now works in.

Extractors are handed no lab, and a process may hold several: a step or a service says whose it is
while it runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_entered: ContextVar[Path | None] = ContextVar("mixpeek_lab_home", default=None)
_latest: list[Path] = []
"""The home of the lab that loaded an extractor last in this process: for threads of the user's."""


@contextmanager
def in_home(home: Path | None) -> Iterator[None]:
    """Within the block, and in what it awaits, `home_in_use()` is this folder. None: no change."""
    if home is None:
        yield
        return
    token = _entered.set(home)
    try:
        yield
    finally:
        _entered.reset(token)


def note_home(home: Path) -> None:
    """Remember the home of a lab whose extractor was loaded in this process."""
    _latest[:] = [home]


def home_in_use() -> Path:
    """The home of the step or service that runs here; else of the lab that loaded one last here.

    Where there is neither: `MIXPEEK_LAB_HOME`, else `.mixpeek_lab` in this folder.
    """
    found = _entered.get() or next(iter(_latest), None)
    return found or Path(os.environ.get("MIXPEEK_LAB_HOME") or ".mixpeek_lab").expanduser()
