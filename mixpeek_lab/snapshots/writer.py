"""Writing a snapshot so that readers see all of it or nothing, and removing old ones."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mixpeek_lab.documents import DocumentTable, searchable_texts, write_documents
from mixpeek_lab.errors import ConflictError, EngineError
from mixpeek_lab.indexes import (
    build_lexical_index,
    build_vector_index,
    usable_vectors,
    write_lexical_index,
    write_vector_index,
)
from mixpeek_lab.models import Feature, IndexSettings, Unusable
from mixpeek_lab.snapshots.names import (
    ABOUT,
    DOCUMENTS,
    EARLIER,
    LEDGER,
    LEXICAL,
    LOCK,
    UNFINISHED,
    index_path,
)

GRACE = 30.0
"""Seconds for which a snapshot stays after another has taken its place."""


@dataclass(frozen=True, slots=True)
class SnapshotCounts:
    """What went into a snapshot's vector indexes."""

    vectors: Mapping[str, int]
    unusable: Mapping[str, Unusable]

    @property
    def left_out(self) -> dict[str, int]:
        """Vector index → documents that are not in it."""
        return {name: found.total for name, found in self.unusable.items()}


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the right to write below `root`, in this process alone; ConflictError if it is taken.

    The right ends with the process, however that dies.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                "Another run of this collection is under way, here or in another process. "
                "Wait for it, or interrupt it."
            ) from error
        yield


def write_snapshot(
    root: Path,
    number: int,
    documents: DocumentTable,
    features: Sequence[Feature],
    settings: IndexSettings,
    ledger: Sequence[str],
    fingerprint: str,
    changes: int = 0,
) -> SnapshotCounts:
    """Write snapshot `number` below `root`, complete and durable. Readers do not see it yet.

    `ledger` holds the keys of all input rows that are done, so that a row without documents is not
    processed again; `fingerprint` tells later runs whether anything changed, and `changes` is the
    serial number of the newest change in the catalog that is taken in. The caller holds
    `writing(root)`. VectorError where a vector does not fit its feature.
    """
    final, working = root / str(number), root / f"{number}{UNFINISHED}"
    for left_by_a_dead_process in (final, working):
        shutil.rmtree(left_by_a_dead_process, ignore_errors=True)
    (working / "vectors").mkdir(parents=True)
    try:
        write_documents(documents, working / DOCUMENTS)
        pq.write_table(pa.table({"row_key": pa.array(ledger, pa.string())}), working / LEDGER)
        counts = _write_indexes(working, documents, features, settings)
        about = {
            "features": [f.as_dict() for f in features],
            "analyzer": settings.analyzer,
            "fingerprint": fingerprint,
            "changes": changes,
        }
        (working / ABOUT).write_text(json.dumps(about))
        _sync(working)
        working.rename(final)
        for folder in (root, root.parent):
            _sync_folder(folder)
    except BaseException:
        shutil.rmtree(working, ignore_errors=True)
        raise
    return counts


def remove_old_snapshots(root: Path, shown: int | None) -> None:
    """Delete what no reader needs: what dead processes left, and snapshots long replaced.

    The one before the shown one stays, and so do those that a reader may have begun to open less
    than GRACE seconds ago. The caller holds `writing(root)`.
    """
    for entry in root.iterdir():
        if entry.name not in (LOCK, EARLIER) and not _is_needed(entry, shown):
            shutil.rmtree(entry, ignore_errors=True)


def _is_needed(folder: Path, shown: int | None) -> bool:
    if shown is None or not folder.name.isdigit() or int(folder.name) > shown:
        return False
    if int(folder.name) >= shown - 1:
        return True
    successor = folder.with_name(str(int(folder.name) + 1))
    return successor.exists() and time.time() - successor.stat().st_mtime < GRACE


def _write_indexes(
    folder: Path, documents: DocumentTable, features: Sequence[Feature], settings: IndexSettings
) -> SnapshotCounts:
    table, vectors, unusable = documents.table, {}, {}
    for feature in features:
        name, dim = feature.feature_name, feature.embedding_dim
        if dim is None:
            raise EngineError(f"Feature {name!r} has no embedding_dim.")
        column = (
            table.column(name)
            if name in table.column_names
            else pa.nulls(len(table), pa.list_(pa.float32(), dim))
        )
        usable = usable_vectors(column, dim, name, metric=feature.distance_metric)
        kind = settings.kinds.get(name, feature.index)
        index = build_vector_index(
            usable.vectors, usable.rows, kind=kind, metric=feature.distance_metric
        )
        write_vector_index(index, index_path(folder, name))
        vectors[name], unusable[name] = len(usable.rows), usable.unusable
    lexical = build_lexical_index(searchable_texts(table), settings.analyzer)
    write_lexical_index(lexical, folder / LEXICAL)
    return SnapshotCounts(vectors, unusable)


def _sync(folder: Path) -> None:
    """Flush every file and folder below `folder` to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
