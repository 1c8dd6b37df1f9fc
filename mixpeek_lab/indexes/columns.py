"""From a column of embeddings to the matrix that an index takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mixpeek_lab.errors import VectorError
from mixpeek_lab.models import Metric, Unusable

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Part = tuple[Matrix, Rows]


@dataclass(frozen=True, slots=True, eq=False)
class UsableVectors:
    """The vectors of a column that can be searched."""

    vectors: Matrix
    """(m, dim), contiguous."""
    rows: Rows
    """(m,): where each vector stood in the column, ascending."""
    unusable: Unusable
    """The rows that were left out, by reason."""

    @property
    def left_out(self) -> int:
        """Rows that were null, or held NaN or infinity, or (under cosine) only zeros."""
        return self.unusable.total


def usable_vectors(column: Any, dim: int, name: str, *, metric: Metric = "cosine") -> UsableVectors:
    """The usable vectors of `column`, a feature called `name` of `dim` numbers per row.

    `column` is an Arrow array or chunked array of lists (fixed-size, variable, or a tensor
    extension of them), a numpy array (n, dim), or a sequence of sequences and None.
    Rows that are null or hold NaN or infinity are counted and left out; so are vectors of zeros
    under `cosine`, which have no direction to compare.
    Raises VectorError where a row has another dimension than `dim`, with both numbers and the row.
    """
    parts = list(_parts(column, dim, name))
    vectors = _joined([vectors for vectors, _ in parts], dim)
    rows = np.concatenate([rows for _, rows in parts]) if parts else np.empty(0, np.int64)
    norms = squared_norms(vectors)
    finite = np.isfinite(norms)
    keep = finite & (norms > 0.0) if metric == "cosine" else finite
    unusable = Unusable(
        missing=len(column) - len(rows),
        not_finite=int(np.count_nonzero(~finite)),
        zero=int(np.count_nonzero(finite & ~keep)),
    )
    if not keep.all():
        vectors, rows = vectors[keep], rows[keep]
    return UsableVectors(np.ascontiguousarray(vectors), rows, unusable)


def squared_norms(vectors: Matrix) -> npt.NDArray[np.float64]:
    """(m,): the squared length of each vector, in double precision."""
    norms: npt.NDArray[np.float64] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return norms


def _joined(parts: list[Matrix], dim: int) -> Matrix:
    if not parts:
        return np.empty((0, dim), np.float32)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _parts(column: Any, dim: int, name: str) -> Iterator[Part]:
    """Vectors and rows of each chunk; null rows are left out already."""
    if isinstance(column, pa.ChunkedArray):
        start = 0
        for chunk in column.chunks:
            yield _from_arrow(chunk, dim, name, start)
            start += len(chunk)
    elif isinstance(column, pa.Array):
        yield _from_arrow(column, dim, name, 0)
    elif isinstance(column, np.ndarray) and column.ndim == 2:
        yield _from_matrix(column, dim, name)
    else:
        yield _from_rows(column, dim, name)


def _from_arrow(array: Any, dim: int, name: str, start: int) -> Part:
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    kind = array.type
    if pa.types.is_null(kind):
        return np.empty((0, dim), np.float32), np.empty(0, np.int64)
    if not (
        pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    ):
        raise VectorError(f"Feature {name!r} must hold lists of numbers; its column is {kind}.")
    valid = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
    _check_lengths(array, valid, dim, name, start)
    numbers = _numbers(array.flatten(), kind, name)
    return numbers.reshape(len(valid), dim), valid.astype(np.int64) + start


def _check_lengths(array: Any, valid: Any, dim: int, name: str, start: int) -> None:
    if pa.types.is_fixed_size_list(array.type):
        if len(valid) and array.type.list_size != dim:
            raise _wrong_dimension(name, dim, array.type.list_size, start + int(valid[0]))
        return
    lengths = pc.list_value_length(array).to_numpy(zero_copy_only=False)[valid]
    wrong = np.flatnonzero(lengths != dim)
    if len(wrong):
        raise _wrong_dimension(name, dim, int(lengths[wrong[0]]), start + int(valid[wrong[0]]))


def _numbers(values: Any, kind: Any, name: str) -> npt.NDArray[np.float32]:
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise VectorError(f"Feature {name!r} must hold lists of numbers; its column is {kind}.")
    return _float32(values.to_numpy(zero_copy_only=False))


def _from_matrix(matrix: npt.NDArray[Any], dim: int, name: str) -> Part:
    if len(matrix) and matrix.shape[1] != dim:
        raise _wrong_dimension(name, dim, matrix.shape[1], 0)
    if matrix.dtype.kind not in "fiu":
        return _from_rows(matrix, dim, name)
    return _float32(matrix).reshape(len(matrix), dim), np.arange(len(matrix), dtype=np.int64)


def _from_rows(column: Iterable[Any], dim: int, name: str) -> Part:
    vectors: list[Matrix] = []
    rows: list[int] = []
    for row, value in enumerate(column):
        vector = _row_vector(value, name, row)
        if vector is None:
            continue
        if len(vector) != dim:
            raise _wrong_dimension(name, dim, len(vector), row)
        vectors.append(vector)
        rows.append(row)
    matrix = np.stack(vectors) if vectors else np.empty((0, dim), np.float32)
    return matrix, np.asarray(rows, dtype=np.int64)


def _row_vector(value: Any, name: str, row: int) -> Matrix | None:
    """None for a null, in any of the spellings that pandas and numpy have for it."""
    if value is None or type(value).__name__ == "NAType":
        return None
    if isinstance(value, float) and value != value:
        return None
    try:
        vector = _float32(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise VectorError(
            f"Feature {name!r}, row {row}: a list of numbers is needed; "
            f"there is {type(value).__name__} {str(value)[:60]!r}."
        ) from error
    if vector.ndim != 1:
        raise VectorError(
            f"Feature {name!r}, row {row}: one list of numbers is needed; "
            f"the shape there is {vector.shape}."
        )
    return vector


def _float32(numbers: npt.NDArray[Any]) -> Matrix:
    with np.errstate(over="ignore"):  # too large becomes infinity, which is left out and counted
        return np.asarray(numbers, dtype=np.float32)


def _wrong_dimension(name: str, dim: int, found: int, row: int) -> VectorError:
    return VectorError(
        f"Feature {name!r} is declared with embedding_dim {dim}, but row {row} has {found} "
        f"numbers. Correct embedding_dim in the manifest, or what the processor returns."
    )
