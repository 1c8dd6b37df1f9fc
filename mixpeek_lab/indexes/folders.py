"""Folders that appear whole or not at all, whatever moment the process dies at."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_SUFFIX = ".writing"
"""Ends the name of a folder that was not finished; whatever bears it can be deleted."""

REBUILD = "Process its bucket again with force=True (%process --force) to rebuild it."
"""What to do about an index that cannot be read."""


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to write files into; on leaving, it becomes `path`.

    Files are on disk (fsync) before the folder gets its name. A folder that stands at `path`
    already is replaced; readers which have its files open or mapped keep them. That replacement
    takes two renames, so what must never be absent belongs under a name of its own, as snapshots
    are. When the block raises, nothing is left behind and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    made = tempfile.mkdtemp(TEMPORARY_SUFFIX, f".{path.name}.", path.parent)
    folder = Path(made)
    try:
        yield folder
        for file in folder.iterdir():
            _sync(file)
        _sync(folder)
        _put(folder, path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _put(folder: Path, path: Path) -> None:
    if not path.exists():
        folder.rename(path)
        _sync(path.parent)
        return
    old = Path(tempfile.mkdtemp(TEMPORARY_SUFFIX, f".{path.name}.", path.parent))
    path.replace(old / path.name)
    folder.rename(path)
    _sync(path.parent)
    shutil.rmtree(old)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
