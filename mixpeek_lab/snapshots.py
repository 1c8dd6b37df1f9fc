"""Snapshots: one collection's documents and indexes at one moment, immutable on disk.

A snapshot is a folder. It is written beside its final place, made durable, renamed, and only then
shown to readers by one transaction in the catalog; whatever dies on the way, a reader sees the
old snapshot or the new one. One process at a time writes a collection's snapshots.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from mixpeek_lab.documents import LINEAGE, DocumentTable, read_documents, write_documents
from mixpeek_lab.errors import ConflictError, EngineError, RetrieverError
from mixpeek_lab.indexes import (
    LexicalIndex,
    VectorIndex,
    build_lexical_index,
    build_vector_index,
    read_lexical_index,
    read_vector_index,
    usable_vectors,
    write_lexical_index,
    write_vector_index,
)
from mixpeek_lab.models import JSON, Feature, IndexSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mixpeek_lab.filters import Filter

DOCUMENTS, LEDGER, ABOUT, LEXICAL = "documents.parquet", "ledger.parquet", "about.json", "lexical"
FEW = 64
"""Documents fetched one value at a time; more of them in one go."""
LOCK, UNFINISHED = "lock", ".writing"
GRACE = 30.0
"""Seconds for which a snapshot stays after another has taken its place."""


@dataclass(frozen=True, slots=True)
class SnapshotCounts:
    """What went into a snapshot's vector indexes."""

    vectors: Mapping[str, int]
    left_out: Mapping[str, int]


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
) -> SnapshotCounts:
    """Write snapshot `number` below `root`, complete and durable. Readers do not see it yet.

    `ledger` holds the keys of all input rows that are done, so that a row without documents is not
    processed again; `fingerprint` tells later runs whether anything changed. The caller holds
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
        if entry.name != LOCK and not _is_needed(entry, shown):
            shutil.rmtree(entry, ignore_errors=True)


def _is_needed(folder: Path, shown: int | None) -> bool:
    if shown is None or not folder.name.isdigit() or int(folder.name) > shown:
        return False
    if int(folder.name) >= shown - 1:
        return True
    successor = folder.with_name(str(int(folder.name) + 1))
    return successor.exists() and time.time() - successor.stat().st_mtime < GRACE


def read_ledger(folder: Path) -> set[str]:
    """The keys of the input rows that a snapshot covers."""
    return set(pq.read_table(folder / LEDGER).column("row_key").to_pylist())


def read_fingerprint(folder: Path) -> str:
    """The fingerprint that `write_snapshot` was given."""
    return str(json.loads((folder / ABOUT).read_text())["fingerprint"])


@dataclass
class Snapshot:
    """A snapshot opened for reading. Indexes and columns load when they are first used."""

    folder: Path
    collection_id: str
    _indexes: dict[str, VectorIndex] = field(default_factory=dict, repr=False)

    @cached_property
    def features(self) -> dict[str, Feature]:
        """Vector index name → feature."""
        about = json.loads((self.folder / ABOUT).read_text())
        return {f["feature_name"]: Feature(**f) for f in about["features"]}

    @cached_property
    def documents(self) -> DocumentTable:
        """The documents, without their vectors."""
        return read_documents(self.folder / DOCUMENTS, with_vectors=False)

    @cached_property
    def document_ids(self) -> list[str]:
        """Document ids by row."""
        ids: list[str] = self.documents.table.column("document_id").to_pylist()
        return ids

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Document id → row."""
        return {key: row for row, key in enumerate(self.document_ids)}

    def index(self, feature: str) -> VectorIndex:
        """The vector index of a feature; RetrieverError names those that exist."""
        if feature not in self._indexes:
            if feature not in self.features:
                known = ", ".join(self.features) or "none"
                raise RetrieverError(
                    f"Collection {self.collection_id} has no vector index {feature!r}; "
                    f"it has: {known}."
                )
            self._indexes[feature] = read_vector_index(index_path(self.folder, feature))
        return self._indexes[feature]

    @cached_property
    def lexical_index(self) -> LexicalIndex:
        """The BM25 index over `data`."""
        return read_lexical_index(self.folder / LEXICAL)

    def dense(
        self, feature: str, vector: Any, top_k: int, filters: Filter | None
    ) -> list[tuple[str, float]]:
        """The nearest documents to `vector` (dim,), best first, as (document id, score)."""
        rows, scores = self.index(feature).search(vector, top_k, self.allowed(filters))
        return self._named(rows, scores)

    def lexical(self, text: str, top_k: int, filters: Filter | None) -> list[tuple[str, float]]:
        """The best BM25 matches of `text`, as (document id, score)."""
        rows, scores = self.lexical_index.search(text, top_k, self.allowed(filters))
        return self._named(rows, scores)

    def allowed(self, filters: Filter | None) -> NDArray[np.bool_] | None:
        """Which rows satisfy the filter, shape (documents,); None without a filter."""
        if filters is None:
            return None
        table = self.documents.table
        names = set(table.column_names)

        def column(name: str) -> pa.ChunkedArray | None:
            return table.column(name) if name in names else None

        return filters.mask(column, table.num_rows)

    def fetch(self, document_ids: Sequence[str]) -> dict[str, dict[str, JSON]]:
        """All non-vector columns of the documents that exist here, by document id."""
        known = [(key, self.row_of[key]) for key in document_ids if key in self.row_of]
        if not known:
            return {}
        if len(known) > FEW:
            rows = self.documents.table.take(pa.array([row for _, row in known])).to_pylist()
            return {key: row for (key, _), row in zip(known, rows, strict=True)}
        # A page of hits: value by value is quicker than setting up a take.
        columns = self._columns
        return {key: {name: values[row].as_py() for name, values in columns} for key, row in known}

    @cached_property
    def _columns(self) -> list[tuple[str, pa.Array]]:
        """The non-vector columns as plain arrays, by name."""
        table = self.documents.table
        return [(name, joined_chunks(table.column(name))) for name in table.column_names]

    def vector_of(self, feature: str, document_id: str) -> list[float]:
        """One document's stored vector; RetrieverError where it has none."""
        row = self.row_of.get(document_id)
        if row is None:
            raise RetrieverError(f"Document {document_id!r} is not in {self.collection_id}.")
        self.index(feature)  # names the vector indexes, where there is no such one
        column = pq.read_table(self.folder / DOCUMENTS, columns=[feature]).column(feature)
        value: list[float] | None = column[row].as_py()
        if value is None:
            raise RetrieverError(f"Document {document_id!r} has no vector {feature!r}.")
        return value

    def _named(self, rows: Any, scores: Any) -> list[tuple[str, float]]:
        ids = self.document_ids
        return [(ids[r], s) for r, s in zip(rows.tolist(), scores.tolist(), strict=True)]


def joined_chunks(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The column as one array, without a copy where it has one chunk; as it is where it has not."""
    return column.chunk(0) if column.num_chunks == 1 else column


def index_path(folder: Path, feature: str) -> Path:
    """Where a snapshot keeps the vector index of a feature, whatever it is called."""
    return folder / "vectors" / quote(feature, safe="")


def split_fields(row: Mapping[str, JSON]) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """A document row as what a hit shows, and where it comes from."""
    hidden = {*LINEAGE, "document_id", "object_id"}
    fields = {k: v for k, v in row.items() if k not in hidden}
    lineage = {k: row[k] for k in ("object_id", *LINEAGE) if k in row}
    return fields, lineage


def _write_indexes(
    folder: Path, documents: DocumentTable, features: Sequence[Feature], settings: IndexSettings
) -> SnapshotCounts:
    table, vectors, left_out = documents.table, {}, {}
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
        vectors[name], left_out[name] = len(usable.rows), usable.left_out
    texts = table.column("data").to_pylist()
    lexical = build_lexical_index(
        [t if isinstance(t, str) else None for t in texts], settings.analyzer
    )
    write_lexical_index(lexical, folder / LEXICAL)
    return SnapshotCounts(vectors, left_out)


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
