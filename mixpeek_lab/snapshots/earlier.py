"""What earlier versions computed for a collection: their documents stay for a way back.

A row's key says which code and parameters its documents depend on, so whatever lies here under a
key that a run needs is that row's result.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from mixpeek_lab.models import JSON
from mixpeek_lab.snapshots.names import DOCUMENTS, EARLIER, LEDGER, UNFINISHED

MOST_KEPT = 8
"""Versions of one collection whose results stay. Files, not indexes: those are made again."""


def maker_of(digest: str, parameters: Mapping[str, JSON]) -> str:
    """A short name for code with parameters."""
    basis = f"{digest}\0{json.dumps(dict(parameters), sort_keys=True)}"
    return hashlib.sha256(basis.encode()).hexdigest()[:16]


def earlier_results(root: Path, maker: str) -> Path | None:
    """The folder with what `maker` computed before others took its place; None without one."""
    folder = root / EARLIER / maker
    return folder if (folder / LEDGER).is_file() else None


def keep_results(root: Path, snapshot: Path, maker: str) -> None:
    """Keep a snapshot's documents and ledger as what `maker` computed.

    They are links: nothing is copied, and the snapshot may be removed. The oldest of more than
    MOST_KEPT go. The caller holds `writing(root)`.
    """
    final = root / EARLIER / maker
    working = final.with_name(f"{maker}{UNFINISHED}")
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    for name in (DOCUMENTS, LEDGER):
        try:
            (working / name).hardlink_to(snapshot / name)
        except OSError:  # a file system without links
            shutil.copy2(snapshot / name, working / name)
    shutil.rmtree(final, ignore_errors=True)
    working.rename(final)
    os.utime(final)
    kept = sorted(final.parent.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for oldest in kept[:-MOST_KEPT]:
        shutil.rmtree(oldest, ignore_errors=True)


def forget_results(root: Path, maker: str) -> None:
    """Drop what `maker` computed before: the snapshot that readers see now has it."""
    shutil.rmtree(root / EARLIER / maker, ignore_errors=True)
