"""Collections as maps: one feature's vectors in the plane, and the documents behind the points."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from mixpeek_lab.documents import LINEAGE
from mixpeek_lab.errors import ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.filters import Filter
from mixpeek_lab.inspection import is_reserved, literal
from mixpeek_lab.models import JSON
from mixpeek_lab.projections import Projection, made, placer, read_kept, recipe
from mixpeek_lab.snapshots import shown_fields
from mixpeek_lab.workbench.search import Searcher
from mixpeek_lab.workbench.sources import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mixpeek_lab.projections.computing import OnProgress

MAPS = "maps-"
"""Folders within a snapshot's: maps go when the vectors that they show go."""
NEAREST = 5
SHOWN = 10
"""Nearest documents that a query shows."""
Near = Callable[[str, str, str, int], tuple[Any, list[str]]]
"""(collection, feature's URI, words, how many) → the words' vector, the nearest documents."""
UNIT_TOLERANCE = 1e-5
_NO_COLOUR = frozenset(("document_id", "object_id", "blob_id", "data", "_row_key", "_bucket_id"))


class Maps:
    """`lab.maps`: what an embedding map shows."""

    def __init__(self, searcher: Searcher, near: Near) -> None:
        """`near` embeds a query with the extractor's own service, and searches with it."""
        self._searcher, self._near = searcher, near

    def open(self, collection: str, feature: str | None = None, seed: int = 0) -> CollectionMap:
        """The vectors of `feature` (the only one, unless given) of a collection, as it is now.

        NotFoundError for a collection or feature there is not; InvalidInputError where a feature
        has to be named, or there are no vectors.
        """
        source = self._searcher.source(collection)
        name = _feature(source, feature)
        found = CollectionMap(source, name, seed, partial(self._near, source.collection.name))
        if not len(found.rows):
            raise InvalidInputError(f"{collection}: no document has a vector {name!r} to draw.")
        return found


def _feature(source: Source, wanted: str | None) -> str:
    known = list(source.snapshot.features)
    named = str(wanted).rpartition("/")[2] if wanted else None  # a feature's URI ends with its name
    if named is not None and named not in known:
        raise NotFoundError("feature", named, known)
    if named is None and len(known) != 1:
        where = source.collection.name
        raise InvalidInputError(
            f"{where} has no vectors: its extractor makes none."
            if not known
            else f"{where} has several vectors: name one of {', '.join(known)}."
        )
    return named or known[0]


@dataclass(frozen=True)
class CollectionMap:
    """One feature of one snapshot. Points are numbered as their documents' rows ascend."""

    source: Source
    feature: str
    seed: int = 0
    near: Callable[[str, str, int], tuple[Any, list[str]]] | None = None

    @property
    def state(self) -> object:
        """What two maps of one state of the collection have in common: the very same object."""
        return self.source.snapshot

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """(points,): the row of each point's document."""
        every = self.source.snapshot.index(self.feature).rows
        return every if self._is_shown is None else every[self._is_shown]

    @cached_property
    def ids(self) -> list[str]:
        """The document of each point."""
        every = self.source.snapshot.document_ids
        return [every[row] for row in self.rows]

    @cached_property
    def fields(self) -> list[str]:
        """Names of the fields that points can be coloured by: texts, numbers, dates, booleans."""
        table = self.source.snapshot.documents.table
        names = [f.name for f in table.schema if _is_plain(f.type) and f.name not in _NO_COLOUR]
        return sorted(names, key=lambda name: name in LINEAGE)

    def values(self, field: str) -> pa.ChunkedArray:
        """A field's value at each point. NotFoundError for one that cannot colour."""
        table = self.source.snapshot.documents.table
        if field not in table.column_names or not _is_plain(table.schema.field(field).type):
            raise NotFoundError("field to colour by", field, self.fields)
        return table.column(field).take(pa.array(self.rows))

    def documents(self, document_ids: Sequence[str]) -> dict[str, Mapping[str, JSON]]:
        """Document id → `{fields, lineage}`, for those there are."""
        with self._still_there():
            rows = self.source.snapshot.fetch(document_ids)
        return {
            key: {"fields": shown_fields(row), "lineage": self.source.lineage(row)}
            for key, row in rows.items()
        }

    def project(
        self,
        method: str,
        parameters: Mapping[str, JSON],
        on_progress: OnProgress,
        stop: threading.Event | None = None,
    ) -> Projection:
        """Positions of all points; worked out once for each snapshot, then read from the disk.

        Errors as `projections.recipe` and `projections.made`; ConflictError where the collection
        was processed again meanwhile.
        """
        asked = recipe(method, parameters, self.seed)
        with self._still_there():
            found = made(self._folder, asked, self._vectors, on_progress, stop)
        if self._is_shown is None:
            return found
        return replace(found, positions=found.positions[self._is_shown])

    def is_kept(self, method: str, parameters: Mapping[str, JSON]) -> bool:
        """Whether `project` would only have to read."""
        asked = recipe(method, parameters, self.seed)
        return read_kept(self._folder, asked) is not None

    def place(self, vector: Any, projection: Projection) -> tuple[float, float]:
        """Where a query's vector stands: exactly on PCA's axes, else at the weighted middle of
        its NEAREST points.

        VectorError where it does not fit the feature.
        """
        snapshot = self.source.snapshot
        rows, _ = snapshot.index(self.feature).search(  # checks the vector too
            vector, NEAREST, snapshot.allowed(None)
        )
        if projection.axes is not None:
            given = np.asarray(vector, np.float32)[None, :]
            x, y = projection.axes @ np.append(self._prepared(given)[0], np.float32(1.0))
        else:
            points = np.searchsorted(self.rows, rows)
            weights = self._closeness(vector, rows)
            x, y = np.average(projection.positions[points], axis=0, weights=weights)
        return float(x), float(y)

    def place_finely(self, vector: Any, projection: Projection) -> tuple[float, float] | None:
        """Where UMAP itself puts a query's vector; None for a method that cannot.

        The first call takes seconds, in a process of its own. EngineError where that fails.
        """
        if projection.placing is None:
            return None
        given = np.asarray(vector, np.float32)[None, :]
        with self._still_there():
            return placer(projection.placing).place(self._prepared(given)[0])

    def passing(self, filters: Filter | None) -> NDArray[np.bool_] | None:
        """For each point, whether its document passes a filter; None where all do."""
        allowed = self.source.snapshot.allowed(filters)
        return None if allowed is None else allowed[self.rows]

    def _closeness(self, vector: Any, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """How much each of the nearest documents counts: the nearer, the more."""
        snapshot = self.source.snapshot
        keys = [snapshot.document_ids[row] for row in rows]
        near = np.asarray([snapshot.vector_of(self.feature, key) for key in keys], np.float32)
        near, given = self._prepared(near), self._prepared(np.asarray(vector, np.float32)[None, :])
        return np.asarray(1.0 / (np.linalg.norm(near - given, axis=1) + 1e-6), np.float64)

    def ask(self, query: str) -> tuple[Any, list[str]]:
        """A query's vector, by the extractor's own service, and its nearest documents.

        ExtractorError where that has no service, or its code fails; RetrieverError for no text.
        """
        if self.near is None:
            raise InvalidInputError("This map cannot embed a query: open it with `lab.maps.open`.")
        return self.near(self.source.uri(self.feature), query, SHOWN)

    def sql(self, document_ids: Sequence[str]) -> str:
        """A statement for `lab.sql` that selects these documents."""
        name = self.source.collection.name
        if is_reserved(name):
            raise InvalidInputError(
                f"SQL has a table {name!r} of its own, so this collection has none there. "
                "Use `selected` or `filter`."
            )
        quoted = name.replace('"', '""')
        ids = ", ".join(literal(key) for key in document_ids)
        where = f"document_id IN ({ids})" if ids else "false"
        return f'SELECT * FROM "{quoted}" WHERE {where}'

    @cached_property
    def _is_shown(self) -> NDArray[np.bool_] | None:
        """For each vector of the index, whether its document is there; None where all are.

        Kept projections are of all of them: a deletion does not have one worked out again.
        """
        snapshot = self.source.snapshot
        allowed = snapshot.allowed(None)
        return None if allowed is None else allowed[snapshot.index(self.feature).rows]

    @property
    def _folder(self) -> Path:
        return self.source.snapshot.folder / f"{MAPS}{quote(self.feature, safe='')}"

    def _vectors(self) -> NDArray[np.float32]:
        return self._prepared(self.source.snapshot.usable_vectors(self.feature).vectors)

    def _prepared(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of unit length under cosine: then near means what it means in a search."""
        if self.source.snapshot.index(self.feature).metric != "cosine":
            return vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if np.all(np.abs(lengths - 1.0) < UNIT_TOLERANCE):  # as they mostly are: no second copy
            return vectors
        return np.asarray(vectors / np.maximum(lengths, np.float32(1e-30)), np.float32)

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise ConflictError(
                f"{self.source.collection.name} was processed again since this map was made. "
                "Run its cell again."
            ) from error


def _is_plain(kind: pa.DataType) -> bool:
    """Whether values of a type can become a colour."""
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    is_moment = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    return bool(is_text or is_number or is_moment or pa.types.is_boolean(kind))
