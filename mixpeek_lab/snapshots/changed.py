"""A snapshot with changes laid over it: the same files and indexes, other rows that count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from mixpeek_lab.documents import DocumentTable, put_fields
from mixpeek_lab.indexes import LexicalIndex, VectorIndex
from mixpeek_lab.models import JSON
from mixpeek_lab.snapshots.reader import Snapshot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mixpeek_lab.filters import Filter


class ChangedSnapshot(Snapshot):
    """What readers see of `base` once documents are gone from it, or have other metadata.

    Rows keep their numbers, so that the indexes fit. Documents that are gone are in no answer, by
    no name; searches find the next best in their place.
    """

    def __init__(
        self, base: Snapshot, gone: Collection[int], fields: Mapping[int, Mapping[str, JSON]]
    ) -> None:
        """`gone`: rows that do not count. `fields`: row → metadata field → its value."""
        super().__init__(base.folder, base.collection_id)
        self._base, self._gone, self._fields = base, frozenset(gone), fields

    @cached_property
    def documents(self) -> DocumentTable:
        """All rows, those that are gone among them, with the metadata of now."""
        return self._put[0]

    @cached_property
    def shown_documents(self) -> DocumentTable:
        """The documents that are there."""
        found = self.documents
        if not self._gone:
            return found
        table = found.table.filter(pa.array(self._is_shown))
        return DocumentTable(table, found.vectors, found.metadata_fields)

    @cached_property
    def document_count(self) -> int:
        """How many documents are there."""
        return self._base.document_count - len(self._gone)

    @cached_property
    def document_ids(self) -> list[str]:
        """Document ids by row, those that are gone among them."""
        return self._base.document_ids

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Document id → row, of the documents that are there."""
        if not self._gone:
            return self._base.row_of
        return {key: row for key, row in self._base.row_of.items() if row not in self._gone}

    @property
    def lexical_index(self) -> LexicalIndex:
        """The BM25 index over `data`: its statistics count what is gone, until the next run."""
        return self._base.lexical_index

    @cached_property
    def has_texts(self) -> bool:
        """Whether any document that is there has a text for the lexical index."""
        rows = self.lexical_index.rows
        return bool(self._is_shown[rows].any()) if self._gone else self._base.has_texts

    @cached_property
    def changes(self) -> pa.Table:
        """Row by row: the columns that changed; in the last one, whether the document is there."""
        changed = self.documents.table.select(self._put[1])
        return changed.append_column("", pa.array(self._is_shown))

    def index(self, feature: str) -> VectorIndex:
        """The vector index of a feature."""
        return self._base.index(feature)

    def allowed(self, filters: Filter | None) -> NDArray[np.bool_] | None:
        """Which rows are there and satisfy the filter; None where all do."""
        found = super().allowed(filters)
        if not self._gone:
            return found
        return self._is_shown if found is None else found & self._is_shown

    @cached_property
    def _put(self) -> tuple[DocumentTable, list[str]]:
        return put_fields(self._base.documents, self._fields)

    @cached_property
    def _is_shown(self) -> NDArray[np.bool_]:
        import numpy as np

        shown = np.ones(self._base.document_count, np.bool_)
        shown[list(self._gone)] = False
        return shown

    @cached_property
    def _decoded(self) -> Callable[[int], Mapping[str, JSON]]:
        before, (_, names) = self._base._decoded, self._put
        columns = [(name, self.documents.table.column(name)) for name in names]
        if not columns:
            return before
        return lambda row: {**before(row), **{name: c[row].as_py() for name, c in columns}}

    def _vectors(self, feature: str) -> pa.ChunkedArray:
        return self._base._vectors(feature)
