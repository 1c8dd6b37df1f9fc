"""A vector index and its search.

Scores are "larger is better" for every metric: the cosine, the dot product, or the negative
Euclidean distance. A `row` is the position of a document in its collection's snapshot; an index
may hold fewer vectors than there are documents.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from operator import ge
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mixpeek_lab.errors import InvalidInputError, VectorError
from mixpeek_lab.indexes import flat, gpu, hnsw, ivf
from mixpeek_lab.indexes.columns import Matrix, Rows
from mixpeek_lab.indexes.kinds import Candidates, Kind, Mask
from mixpeek_lab.indexes.threads import one_thread
from mixpeek_lab.models import IndexKind, Metric

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
    faiss_index: Any = field(repr=False)
    """The faiss index in main memory, or mapped there from its file."""

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
        with one_thread():
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
        found = self._gpu_candidates(query, k, admitted, mask)
        if found is None and kind.approximate and not _is_few(admitted, len(self), mask):
            found = kind.approximate(self.faiss_index, query, k, mask)
        if found is None or found[1][0, -1] < 0:
            return kind.exact(self.faiss_index, query, k, mask)
        return found

    def _gpu_candidates(
        self, query: Matrix, k: int, admitted: int, mask: Mask | None
    ) -> Candidates | None:
        """What the GPU finds; None without one, or where it cannot answer."""
        if self._gpu is None:
            return None
        path = gpu.choose_path(
            k=k,
            size=len(self),
            admitted=None if mask is None else admitted,
            is_exact=KINDS[self.kind].approximate is None,
        )
        if path == "gpu":
            return self._gpu.search(query, k)
        if path == "gpu_overfetch" and mask is not None:
            return self._gpu.search_admitted(query, k, mask)
        return None

    @cached_property
    def _gpu(self) -> gpu.GpuIndex | None:
        if self.device == "cpu" or not gpu.can_hold(self.kind) or not gpu.is_available():
            return None
        return gpu.GpuIndex(self.faiss_index)

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
        return (kind.approximate or kind.exact)(self.faiss_index, queries, k, None)

    # ------------------------------------------------------------------ what goes in and comes out

    def _prepared(self, query: Any) -> Matrix:
        """(1, dim), of unit length under cosine."""
        vector = np.asarray(query, dtype=np.float32)
        if vector.shape != (self.dim,):
            raise VectorError(
                f"The query has {vector.shape[0] if vector.ndim == 1 else vector.shape} numbers, "
                f"the index has {self.dim}: embed the query with the extractor of the documents."
            )
        double = vector.astype(np.float64)
        squared = float(np.dot(double, double))
        if not math.isfinite(squared):
            raise VectorError("The query holds NaN or infinity.")
        if self.metric == "cosine" and abs(squared - 1.0) > UNIT_TOLERANCE:
            if squared == 0.0:
                raise VectorError("The query is all zeros: it has no cosine with anything.")
            vector = vector / np.float32(math.sqrt(squared))
        return np.ascontiguousarray(vector)[None, :]

    def _mask(self, allowed: Mask) -> Mask:
        """`allowed`, per vector instead of per document."""
        allowed = np.asarray(allowed)
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
        # A page is short: a loop over it takes a tenth of what numpy needs to get going.
        listed = scores.tolist()
        if any(map(ge, listed[1:], listed)):
            order = np.lexsort((positions, -scores))
            scores, positions = scores[order], positions[order]
        positions = positions[:limit]
        return positions if self._is_complete else self.rows[positions], scores[:limit]


def _is_few(admitted: int, size: int, mask: Mask | None) -> bool:
    return mask is not None and admitted < max(FEW, FEW_SHARE * size)


def _checked_k(k: int) -> int:
    if k < 0:
        raise InvalidInputError(f"k must not be negative; it is {k}.")
    return k
