"""Building a vector index from a matrix."""

from __future__ import annotations

import numpy as np

from mixpeek_lab.errors import InvalidInputError, VectorError
from mixpeek_lab.indexes.columns import Matrix, Rows, squared_norms
from mixpeek_lab.indexes.installation import load_faiss
from mixpeek_lab.indexes.vectors import KINDS, UNIT_TOLERANCE, Device, VectorIndex
from mixpeek_lab.models import METRICS, IndexKind, Metric


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
