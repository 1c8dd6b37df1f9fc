"""What readers see of a collection, as its runs ask: with what was changed since it was planned."""

from __future__ import annotations

from pathlib import Path

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.models import Collection
from mixpeek_lab.snapshots import Shown, Snapshot, read_fingerprint


def seen(catalog: Catalog, root: Path, collection: Collection) -> Snapshot:
    """The snapshot of a collection that was run, whose snapshots lie in `root`."""
    return Shown(catalog, lambda _: root).of(collection)


def is_current(catalog: Catalog, root: Path, collection: Collection, fingerprint: str) -> bool:
    """Whether the collection is what a run with this fingerprint would make of it.

    It is not where changes lie over its snapshot: an object that was deleted and put again is the
    same row as before, and nobody finds it until a snapshot has taken in both.
    """
    number = collection.snapshot
    if number is None or read_fingerprint(root / str(number)) != fingerprint:
        return False
    return seen(catalog, root, collection).changes is None
