"""Rows as packed arrays (`messages.pack`).

Texts are UTF-8 with i32 offsets, as Arrow has them; numbers f64; a vector is its length, its norm
and some of its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mixpeek_lab.inspection import Column
from mixpeek_lab.widgets.messages import pack

POINTS = 48
"""Numbers of a vector that its sparkline has, at most."""

Array = np.ndarray[Any, Any]


def pack_page(
    start: int, numbers: Array, picked: Array, table: pa.Table, columns: Sequence[Column]
) -> bytes:
    """Rows as the view takes them: `numbers` (f64), `picked` (u8), then each column's arrays."""
    buffers = [numbers.astype("<f8").tobytes(), picked.astype("u1").tobytes()]
    for column in columns:
        buffers += _buffers_of(column, table.column(column.name).combine_chunks())
    names = [column.name for column in columns]
    return pack({"start": start, "count": len(numbers), "columns": names}, buffers)


def norm_of(vector: Sequence[float] | Array) -> float:
    """The length of a vector."""
    with np.errstate(over="ignore"):
        return float(np.linalg.norm(np.asarray(vector, dtype=np.float64)))


def _buffers_of(column: Column, values: Any) -> list[bytes]:
    """The arrays of one column, in the order in which rows.js reads them."""
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if column.kind == "vector":
        return _vectors(values)
    nulls = values.is_null().to_numpy(zero_copy_only=False).astype("u1").tobytes()
    if column.is_float:
        filled = values.fill_null(0.0).to_numpy(zero_copy_only=False)
        return [nulls, filled.astype("<f8").tobytes()]
    texts = pc.fill_null(values.cast(pa.string()), "")
    sizes = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype("<i4")
    return [nulls, offsets.tobytes(), "".join(texts.to_pylist()).encode()]


def _vectors(values: Any) -> list[bytes]:
    """Lengths (i32, -1 for none), norms (f32) and up to POINTS numbers each (f32, NaN behind)."""
    lengths = np.full(len(values), -1, "<i4")
    norms = np.zeros(len(values), "<f4")
    points = np.full((len(values), POINTS), np.nan, "<f4")
    for at, each in enumerate(values):
        if each.values is None:
            continue
        vector = each.values.to_numpy(zero_copy_only=False)
        lengths[at] = len(vector)
        chosen = vector
        if len(vector) > POINTS:
            chosen = vector[np.linspace(0, len(vector) - 1, POINTS).astype(int)]
        with np.errstate(over="ignore"):  # what a float cannot hold is infinite
            norms[at] = norm_of(vector)
            points[at, : len(chosen)] = chosen
    return [lengths.tobytes(), norms.tobytes(), points.tobytes()]
