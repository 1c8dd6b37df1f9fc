"""A snapshot opened for reading: searches, filters, documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixpeek_lab.documents import LINEAGE, DocumentTable, read_documents, vector_names
from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters.fields import field_paths
from mixpeek_lab.indexes import (
    LexicalIndex,
    UsableVectors,
    VectorIndex,
    read_lexical_index,
    read_vector_index,
    usable_vectors,
)
from mixpeek_lab.models import JSON, Candidates, Feature
from mixpeek_lab.snapshots.names import (
    ABOUT,
    DOCUMENTS,
    LEDGER,
    LEXICAL,
    index_path,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mixpeek_lab.filters import Filter

FEW = 64
"""Documents fetched one value at a time; more of them in one go."""
MOST_DECODED, MOST_DECODED_BYTES = 1024, 32 * 1024 * 1024
"""What a snapshot keeps at hand of the documents shown last: queries near each other share hits."""
MOST_KEPT_BYTES = 64 * 1024 * 1024
"""Of one feature's vectors, that are kept beside their index once documents were asked for them."""
_NOT_SHOWN = frozenset((*LINEAGE, "document_id", "object_id"))


@dataclass
class Snapshot:
    """A snapshot opened for reading. Indexes and columns load when they are first used."""

    folder: Path
    collection_id: str
    _indexes: dict[str, VectorIndex] = field(default_factory=dict, repr=False)
    _kept: dict[str, pa.ChunkedArray] = field(default_factory=dict, repr=False)
    _masked: tuple[str, NDArray[np.bool_]] | None = field(default=None, repr=False)

    @cached_property
    def features(self) -> dict[str, Feature]:
        """Vector index name → feature."""
        return {f["feature_name"]: Feature(**f) for f in self._about["features"]}

    @cached_property
    def taken_in(self) -> int:
        """The serial number of the newest change in the catalog that it has taken in."""
        return int(self._about.get("changes", 0))

    @cached_property
    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = json.loads((self.folder / ABOUT).read_text())
        return about

    @cached_property
    def documents(self) -> DocumentTable:
        """The documents, without their vectors."""
        return read_documents(self.folder / DOCUMENTS, with_vectors=False)

    @property
    def shown_documents(self) -> DocumentTable:
        """The documents that readers see: here, all of them."""
        return self.documents

    @cached_property
    def document_count(self) -> int:
        """How many documents readers see."""
        return int(pq.read_metadata(self.folder / DOCUMENTS).num_rows)

    @cached_property
    def bucket_ids(self) -> tuple[str, ...]:
        """The buckets that its documents come from."""
        table = self.documents.table
        if "_bucket_id" not in table.column_names:  # without documents there are no columns
            return ()
        return tuple(table.column("_bucket_id").unique().to_pylist())

    @property
    def changes(self) -> pa.Table | None:
        """What readers see otherwise than its file has it: here, nothing. See ChangedSnapshot."""
        return None

    @cached_property
    def document_ids(self) -> list[str]:
        """Document ids by row."""
        ids: list[str] = self.documents.table.column("document_id").to_pylist()
        return ids

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Document id → row."""
        return {key: row for row, key in enumerate(self.document_ids)}

    @cached_property
    def field_names(self) -> tuple[str, ...]:
        """The dotted names of the fields that hits show: content, the processor's, metadata."""
        documents = self.documents
        return field_paths(documents.table.select(documents.field_names).schema)

    @cached_property
    def filter_fields(self) -> frozenset[str]:
        """The dotted names of all fields that a filter can look at, lineage included."""
        return frozenset(field_paths(self.documents.table.schema))

    @cached_property
    def blob_properties(self) -> frozenset[str]:
        """The bucket's fields that became `data` in these documents."""
        table = self.documents.table
        if "blob_property" not in table.column_names:
            return frozenset()
        return frozenset(table.column("blob_property").unique().to_pylist())

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

    @cached_property
    def has_texts(self) -> bool:
        """Whether any document has a text for the lexical index."""
        return len(self.lexical_index) > 0

    def dense(self, feature: str, vector: Any, top_k: int, filters: Filter | None) -> Candidates:
        """The nearest documents to `vector` (dim,), best first."""
        rows, scores = self.index(feature).search(vector, top_k, self.allowed(filters))
        return self._named(rows, scores)

    def lexical(self, text: str, top_k: int, filters: Filter | None) -> Candidates:
        """The best BM25 matches of `text`, best first."""
        rows, scores = self.lexical_index.search(text, top_k, self.allowed(filters))
        return self._named(rows, scores)

    def allowed(self, filters: Filter | None) -> NDArray[np.bool_] | None:
        """Which rows satisfy the filter, shape (documents,), for reading; None without one."""
        if filters is None:
            return None
        asked = repr(filters)
        if (kept := self._masked) and kept[0] == asked:  # each leg of a search asks for the same
            return kept[1]
        table = self.documents.table
        names = set(table.column_names)

        def column(name: str) -> pa.ChunkedArray | None:
            return table.column(name) if name in names else None

        mask = filters.mask(column, table.num_rows)
        self._masked = (asked, mask)
        return mask

    def fetch(self, document_ids: Sequence[str]) -> dict[str, Mapping[str, JSON]]:
        """All non-vector columns of the documents that exist here, by document id."""
        known = [(key, self.row_of[key]) for key in document_ids if key in self.row_of]
        if len(known) > FEW:
            rows = self.documents.table.take(pa.array([row for _, row in known])).to_pylist()
            return {key: row for (key, _), row in zip(known, rows, strict=True)}
        # A page of hits: value by value is quicker than setting up a take.
        return {key: self._decoded(row) for key, row in known}

    def matching(self, filters: Filter | None, fields: Sequence[str]) -> list[Mapping[str, JSON]]:
        """Every document that satisfies the filter: the columns of some fields, and its lineage."""
        table, allowed = self.documents.table, self.allowed(filters)
        heads = {path[:at] for path in fields for at in _cuts(path)}
        names = [n for n in table.column_names if n in heads or n in _NOT_SHOWN]
        wanted = table.select(names)
        rows = wanted if allowed is None else wanted.filter(pa.array(allowed))
        found: list[Mapping[str, JSON]] = rows.to_pylist()
        return found

    @cached_property
    def _decoded(self) -> Callable[[int], Mapping[str, JSON]]:
        """Row → the document's values by column."""
        columns, table = self._columns, self.documents.table
        alike = {name: values[0].as_py() for name, values in columns if _is_one_value(values)}
        others = [(name, values) for name, values in columns if name not in alike]
        in_order = dict.fromkeys(name for name, _ in columns) | alike

        def decoded(row: int) -> Mapping[str, JSON]:
            found = in_order.copy()
            for name, values in others:
                found[name] = values[row].as_py()
            return found

        if any(pa.types.is_nested(kind) for kind in table.schema.types):
            return decoded  # its lists and dicts are the caller's to change
        most = MOST_DECODED_BYTES * table.num_rows // max(1, table.nbytes)
        kept: Callable[[int], Mapping[str, JSON]] = lru_cache(min(MOST_DECODED, most))(decoded)
        return kept

    @cached_property
    def _columns(self) -> list[tuple[str, pa.Array]]:
        """The non-vector columns as plain arrays, by name."""
        table = self.documents.table
        return [(name, _joined_chunks(table.column(name))) for name in table.column_names]

    def vector_of(self, feature: str, document_id: str) -> list[float]:
        """One document's stored vector; RetrieverError where it has none."""
        row = self.row_of.get(document_id)
        if row is None:
            raise RetrieverError(f"Document {document_id!r} is not in {self.collection_id}.")
        self.index(feature)  # names the vector indexes, where there is no such one
        value: list[float] | None = self._vectors(feature)[row].as_py()
        if value is None:
            raise RetrieverError(f"Document {document_id!r} has no vector {feature!r}.")
        return value

    def vectors_of(
        self, feature: str, document_ids: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """The stored vectors, shape (dim,) each, of those documents that have one here."""
        self.index(feature)  # names the vector indexes, where there is no such one
        known = {key: self.row_of[key] for key in document_ids if key in self.row_of}
        if not known:
            return {}
        taken = self._vectors(feature).take(pa.array(list(known.values())))
        return {
            key: value.values.to_numpy()
            for key, value in zip(known, taken, strict=True)
            if value.is_valid
        }

    def usable_vectors(self, feature: str) -> UsableVectors:
        """All vectors that the feature's index holds, with their rows. Not kept: they may be large.

        OSError where the snapshot is gone by now.
        """
        index = self.index(feature)
        column = pq.read_table(
            self.folder / DOCUMENTS, columns=[feature], partitioning=None
        ).column(feature)
        return usable_vectors(column, index.dim, feature, metric=index.metric)

    def _vectors(self, feature: str) -> pa.ChunkedArray:
        """A feature's vectors by row; kept at hand unless they are large."""
        if feature in self._kept:
            return self._kept[feature]
        column = pq.read_table(
            self.folder / DOCUMENTS, columns=[feature], partitioning=None
        ).column(feature)
        if column.nbytes <= MOST_KEPT_BYTES:
            self._kept[feature] = column
        return column

    def all_vectors_of(
        self, document_ids: Sequence[str]
    ) -> dict[str, dict[str, list[float] | None]]:
        """The vectors of the documents that exist here: document id → feature → numbers."""
        known = [(key, self.row_of[key]) for key in document_ids if key in self.row_of]
        path = self.folder / DOCUMENTS
        names = [name for name in vector_names(path) if name in self.features]
        table = pq.read_table(path, columns=names, partitioning=None)
        rows = table.take(pa.array([row for _, row in known], pa.int64())).to_pylist()
        return {key: row for (key, _), row in zip(known, rows, strict=True)}

    def _named(self, rows: Any, scores: Any) -> Candidates:
        ids = self.document_ids
        return Candidates([ids[row] for row in rows.tolist()], scores.tolist())


def _cuts(path: str) -> list[int]:
    """Where a dotted path may end to be a column's name."""
    return [at for at, character in enumerate(path) if character == "."] + [len(path)]


def shown_fields(row: Mapping[str, JSON]) -> dict[str, JSON]:
    """What a hit shows of a document row: all but its ids and its lineage."""
    return {key: value for key, value in row.items() if key not in _NOT_SHOWN}


def _is_one_value(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether all rows hold one value that nobody can change: half of the lineage does."""
    kind = values.type
    is_plain = not (pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType))
    return is_plain and len(values) > 0 and len(values.unique()) == 1


def _joined_chunks(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The column as one array, without a copy where it has one chunk; as it is where it has not."""
    return column.chunk(0) if column.num_chunks == 1 else column


def read_ledger(folder: Path) -> set[str]:
    """The keys of the input rows that a snapshot covers."""
    return set(pq.read_table(folder / LEDGER).column("row_key").to_pylist())


def read_fingerprint(folder: Path) -> str:
    """The fingerprint that `write_snapshot` was given."""
    return str(json.loads((folder / ABOUT).read_text())["fingerprint"])
