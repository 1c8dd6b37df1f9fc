"""Vector indexes: build them, write and read them, search them.

Scores are "larger is better" for every metric: the cosine, the dot product, or the negative
Euclidean distance. A `row` is the position of a document in its collection's snapshot; an index
may hold fewer vectors than there are documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mixpeek_lab.errors import EngineError, InvalidInputError, VectorError
from mixpeek_lab.indexes import flat, gpu, hnsw, ivf
from mixpeek_lab.indexes.columns import Matrix, Rows, squared_norms
from mixpeek_lab.indexes.folders import written_folder
from mixpeek_lab.indexes.installation import load_faiss
from mixpeek_lab.indexes.kinds import Candidates, Kind, Mask
from mixpeek_lab.models import METRICS, IndexKind, Metric

KINDS: dict[str, Kind] = {"flat": flat.KIND, "hnsw": hnsw.KIND, "ivf": ivf.KIND}

Scores = npt.NDArray[np.float32]
Ranking = tuple[Rows, Scores]
"""Rows and scores, best first; equal scores by ascending row."""

Device = Literal["auto", "cpu"]
"""`auto`: a GPU where there is one. `cpu`: never."""

FEW = 2_000
FEW_SHARE = 0.05
"""A filter that admits fewer vectors than FEW, or than this share, is answered exactly: comparing
them all takes less time than walking a graph in which most nodes do not count."""

UNIT_TOLERANCE = 2e-6
"""A vector whose squared length is this near to 1 is used as it is, to the last bit."""

_EUCLID_BLOCK = 16
"""faiss computes 20 queries and more as |x|² + |y|² - 2xy, which loses small distances."""

_FORMAT = 1
_DESCRIPTION, _ROWS, _INDEX = "index.json", "rows.npy", "index.faiss"
_NO_ROWS: Rows = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class VectorIndex:
    """The vectors of one feature, ready for search. Safe to search from several threads."""

    kind: IndexKind
    metric: Metric
    dim: int
    rows: Rows
    """(m,): the row of each vector, ascending."""
    device: Device
    _index: Any = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def search(self, query: Any, k: int, allowed: Mask | None = None) -> Ranking:
        """The `k` best rows for `query` (dim numbers), fewer only where there are no more.

        `allowed` (one bool per document of the snapshot) restricts the search: every row that
        comes back satisfies it. `flat` is exact with and without it; `hnsw` and `ivf` are exact
        where it admits few vectors.
        Raises VectorError for a query of another dimension, with NaN or infinity, or (cosine) of
        zeros; InvalidInputError for a negative k or a mask that does not cover the rows.
        """
        prepared = self._prepared(query)
        mask = None if allowed is None else self._mask(allowed)
        admitted = len(self) if mask is None else int(np.count_nonzero(mask))
        limit = min(_checked_k(k), admitted)
        if limit == 0:
            return _NO_ROWS, np.empty(0, np.float32)
        return self._ranked(prepared, limit, admitted, mask)

    def search_many(self, queries: Any, k: int) -> list[Ranking]:
        """The `k` best rows for each of `queries` (q, dim): as `search`, for many at once.

        Scores may differ from those of `search` in the last digits.
        """
        matrix = np.asarray(queries, dtype=np.float32)
        if matrix.ndim != 2:
            raise VectorError(f"Queries must be a matrix (q, {self.dim}); there is {matrix.shape}.")
        limit = min(_checked_k(k), len(self))
        if limit == 0 or not len(matrix):
            return [(_NO_ROWS, np.empty(0, np.float32)) for _ in matrix]
        prepared = np.concatenate([self._prepared(query) for query in matrix])
        return list(self._many(prepared, limit))

    # ------------------------------------------------------------------ one query

    def _ranked(self, query: Matrix, limit: int, admitted: int, mask: Mask | None) -> Ranking:
        """Fetch one more than asked for, and more while the last place is tied."""
        fetched = min(limit + 1, admitted)
        while True:
            values, positions = self._candidates(query, fetched, admitted, mask)
            scores = self._scores(values[0])
            is_tied = fetched > limit and scores[limit - 1] == scores[-1]
            if not is_tied or fetched == admitted:
                return self._ranking(scores, positions[0], limit)
            fetched = min(4 * fetched, admitted)

    def _candidates(self, query: Matrix, k: int, admitted: int, mask: Mask | None) -> Candidates:
        """Exactly `k` candidates (there are that many), nearest first."""
        kind = KINDS[self.kind]
        if self._gpu is not None:
            found = self._gpu_candidates(self._gpu, query, k, admitted, mask)
            if found is not None and found[1][0, -1] >= 0:
                return found
        elif kind.approximate is not None and not _is_few(admitted, len(self), mask):
            found = kind.approximate(self._index, query, k, mask)
            if found[1][0, -1] >= 0:
                return found
        return kind.exact(self._index, query, k, mask)

    def _gpu_candidates(
        self, index: gpu.GpuIndex, query: Matrix, k: int, admitted: int, mask: Mask | None
    ) -> Candidates | None:
        path = gpu.choose_path(
            k=k,
            size=len(self),
            admitted=None if mask is None else admitted,
            is_exact=KINDS[self.kind].approximate is None,
        )
        if path == "gpu":
            return index.search(query, k)
        if path == "gpu_overfetch" and mask is not None:
            return index.search_admitted(query, k, mask)
        return None

    @cached_property
    def _gpu(self) -> gpu.GpuIndex | None:
        if self.device == "cpu" or not gpu.can_hold(self.kind) or not gpu.is_available():
            return None
        return gpu.GpuIndex(self._index)

    # ------------------------------------------------------------------ many queries

    def _many(self, queries: Matrix, limit: int) -> Iterator[Ranking]:
        fetched = min(limit + 1, len(self))
        block = _EUCLID_BLOCK if self.metric == "euclid" else len(queries)
        for start in range(0, len(queries), block):
            part = queries[start : start + block]
            values, positions = self._batch(part, fetched)
            for query, row_values, row_positions in zip(part, values, positions, strict=True):
                scores = self._scores(row_values)
                is_tied = fetched > limit and scores[limit - 1] == scores[limit]
                if is_tied or row_positions[-1] < 0:
                    yield self._ranked(query[None, :], limit, len(self), None)
                else:
                    yield self._ranking(scores, row_positions, limit)

    def _batch(self, queries: Matrix, k: int) -> Candidates:
        if self._gpu is not None and k <= gpu.MOST_CANDIDATES:
            return self._gpu.search(queries, k)
        kind = KINDS[self.kind]
        return (kind.approximate or kind.exact)(self._index, queries, k, None)

    # ------------------------------------------------------------------ what goes in and comes out

    def _prepared(self, query: Any) -> Matrix:
        """(1, dim), of unit length under cosine."""
        vector = np.asarray(query, dtype=np.float32)
        if vector.shape != (self.dim,):
            raise VectorError(
                f"The query has {vector.shape[0] if vector.ndim == 1 else vector.shape} numbers, "
                f"the index has {self.dim}: embed the query with the extractor of the documents."
            )
        squared = float(np.dot(vector, vector))
        if not np.isfinite(squared):
            raise VectorError("The query holds NaN or infinity (or numbers beyond 1e19).")
        if self.metric == "cosine" and abs(squared - 1.0) > UNIT_TOLERANCE:
            if squared == 0.0:
                raise VectorError("The query is all zeros: it has no cosine with anything.")
            vector = vector / np.float32(np.sqrt(squared))
        return np.ascontiguousarray(vector)[None, :]

    def _mask(self, allowed: Mask) -> Mask:
        """`allowed`, per vector instead of per document."""
        if allowed.dtype != np.bool_ or allowed.ndim != 1:
            raise InvalidInputError(
                f"`allowed` must be one bool per document; it is {allowed.dtype} {allowed.shape}."
            )
        if len(self) and self.rows[-1] >= len(allowed):
            raise InvalidInputError(
                f"`allowed` covers {len(allowed)} documents, the index knows row {self.rows[-1]}."
            )
        return allowed[: len(self)] if self._is_complete else allowed[self.rows]

    @cached_property
    def _is_complete(self) -> bool:
        """Whether no row is left out before the last one: then rows are positions."""
        return not len(self) or int(self.rows[-1]) == len(self) - 1

    def _scores(self, values: Scores) -> Scores:
        if self.metric != "euclid":
            return values
        return -np.sqrt(np.maximum(values, np.float32(0.0)))

    def _ranking(self, scores: Scores, positions: Rows, limit: int) -> Ranking:
        if (scores[1:] >= scores[:-1]).any():
            order = np.lexsort((positions, -scores))
            scores, positions = scores[order], positions[order]
        positions = positions[:limit]
        return positions if self._is_complete else self.rows[positions], scores[:limit]


# ---------------------------------------------------------------------- build, write, read


def build_vector_index(
    vectors: Matrix,
    rows: Rows,
    *,
    kind: IndexKind,
    metric: Metric,
    seed: int = 0,
    device: Device = "auto",
) -> VectorIndex:
    """An index of `vectors` (m, dim), which stand in the document rows `rows` (m,), ascending.

    `usable_vectors` gives both. Under `cosine` vectors are brought to unit length, and those that
    have it already are kept to the last bit. `seed` fixes what training draws.
    Raises VectorError for NaN, infinity, zero vectors under cosine, or rows that do not fit.
    """
    _check_names(kind, metric)
    _check_vectors(vectors, rows)
    stored = _unit(vectors) if metric == "cosine" else np.ascontiguousarray(vectors)
    faiss = load_faiss()
    faiss_metric = faiss.METRIC_L2 if metric == "euclid" else faiss.METRIC_INNER_PRODUCT
    # Without vectors there is nothing to train: an empty flat index stands for each kind.
    index = KINDS[kind if len(stored) else "flat"].build(stored, faiss_metric, seed)
    return VectorIndex(kind, metric, vectors.shape[1], rows, device, index)


def write_vector_index(index: VectorIndex, path: Path) -> None:
    """Write `index` as the folder `path`, which appears whole or not at all."""
    description = {
        "format": _FORMAT,
        "kind": index.kind,
        "metric": index.metric,
        "dim": index.dim,
        "size": len(index),
    }
    with written_folder(Path(path)) as folder:
        load_faiss().write_index(index._index, str(folder / _INDEX))
        np.save(folder / _ROWS, index.rows)
        (folder / _DESCRIPTION).write_text(json.dumps(description) + "\n", encoding="utf-8")


def read_vector_index(path: Path, *, device: Device = "auto") -> VectorIndex:
    """The index in the folder `path`, mapped into memory: opened in a millisecond, shared between
    processes. Raises EngineError where the folder does not hold an index."""
    folder, faiss = Path(path), load_faiss()
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        rows = np.load(folder / _ROWS)
        index = faiss.read_index(str(folder / _INDEX), faiss.IO_FLAG_MMAP_IFC)
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineError(
            f"{folder} does not hold a readable vector index ({error}). "
            f"Process the collection again to rebuild it."
        ) from error
    _check_description(description, folder, len(rows), index.ntotal)
    return VectorIndex(
        description["kind"], description["metric"], description["dim"], rows, device, index
    )


def _check_description(description: Any, folder: Path, rows: int, size: int) -> None:
    if description.get("format") != _FORMAT:
        raise EngineError(
            f"{folder} holds a vector index of format {description.get('format')!r}; this version "
            f"reads {_FORMAT}. Process the collection again to rebuild it."
        )
    if not description["size"] == rows == size:
        raise EngineError(
            f"{folder} is damaged: {description['size']} vectors are announced, {size} stored, "
            f"with {rows} rows. Process the collection again to rebuild it."
        )


def _check_names(kind: str, metric: str) -> None:
    if kind not in KINDS:
        raise InvalidInputError(f"No index kind {kind!r}. There is: {', '.join(KINDS)}.")
    if metric not in METRICS:
        raise InvalidInputError(f"No metric {metric!r}. There is: {', '.join(METRICS)}.")


def _check_vectors(vectors: Matrix, rows: Rows) -> None:
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise VectorError(
            f"Vectors must be a float32 matrix; there is {vectors.dtype} {vectors.shape}."
        )
    if rows.shape != (len(vectors),) or (np.diff(rows) <= 0).any():
        raise VectorError(
            f"{len(vectors)} vectors need as many ascending rows; there are {rows.shape}."
        )
    if not np.isfinite(vectors.sum(dtype=np.float64)):
        raise VectorError("Vectors hold NaN or infinity: `usable_vectors` leaves those out.")


def _unit(vectors: Matrix) -> Matrix:
    """The vectors at length 1; the same array where they have it already."""
    squared = squared_norms(vectors)
    if (squared == 0.0).any():
        raise VectorError("Vectors of zeros have no cosine: `usable_vectors` leaves those out.")
    longer = np.abs(squared - 1.0) > UNIT_TOLERANCE
    if not longer.any():
        return np.ascontiguousarray(vectors)
    unit = np.array(vectors, order="C")
    unit[longer] = vectors[longer] / np.sqrt(squared[longer, None])
    return unit


def _is_few(admitted: int, size: int, mask: Mask | None) -> bool:
    return mask is not None and admitted < max(FEW, FEW_SHARE * size)


def _checked_k(k: int) -> int:
    if k < 0:
        raise InvalidInputError(f"k must not be negative; it is {k}.")
    return k
