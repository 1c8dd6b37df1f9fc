"""Labs that have documents, without Ray."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packages import HASH_EMBEDDER

from mixpeek_lab.workbench import Lab


def fill(
    lab: Lab, rows: Any, collection: str = "docs", packages: Iterable[Path] = (HASH_EMBEDDER,)
) -> Lab:
    """The lab, with the packages, and with the rows of bucket `b` in the collection."""
    for package in packages:
        assert lab.load(package).is_kept
    lab.bucket("b", rows)
    lab.process("b", "hash_embedder", collection, engine="kernel")
    return lab
