"""Each notebook runs in a home folder of its own that is new each time, without a network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

os.environ["MIXPEEK_LAB_AUTHOR"] = "you"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

_homes: dict[Path, str] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Name the home of this cell's notebook, before its kernel starts and inherits it."""
    if item.path not in _homes:
        _homes[item.path] = tempfile.mkdtemp(prefix=f"mixpeek-lab-{item.path.stem}-")
    os.environ["MIXPEEK_LAB_HOME"] = _homes[item.path]
