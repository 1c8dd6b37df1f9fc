"""Snapshots: one collection's documents and indexes at one moment, immutable on disk.

A snapshot is a folder. It is written beside its final place, made durable, renamed, and only then
shown to readers by one transaction in the catalog; whatever dies on the way, a reader sees the
old snapshot or the new one. One process at a time writes a collection's snapshots.
"""

from mixpeek_lab.snapshots.earlier import (
    earlier_results,
    forget_results,
    keep_results,
    maker_of,
)
from mixpeek_lab.snapshots.names import DOCUMENTS
from mixpeek_lab.snapshots.reader import (
    Snapshot,
    read_fingerprint,
    read_ledger,
    shown_fields,
)
from mixpeek_lab.snapshots.shown import Shown
from mixpeek_lab.snapshots.writer import (
    SnapshotCounts,
    remove_old_snapshots,
    write_snapshot,
    writing,
)

__all__ = [
    "DOCUMENTS",
    "Shown",
    "Snapshot",
    "SnapshotCounts",
    "earlier_results",
    "forget_results",
    "keep_results",
    "maker_of",
    "read_fingerprint",
    "read_ledger",
    "remove_old_snapshots",
    "shown_fields",
    "write_snapshot",
    "writing",
]
