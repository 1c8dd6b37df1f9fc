"""Between Arrow and the pandas that processors work on. Converted once, here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mixpeek_lab.errors import ExtractorRunError

if TYPE_CHECKING:
    import pandas as pd


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """The batch as a processor gets it: a fresh DataFrame with a RangeIndex."""
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame


def to_arrow(frame: pd.DataFrame, vectors: Mapping[str, int]) -> pa.Table:
    """What a processor returned, as Arrow. Vector columns become FixedSizeList<float32>[dim].

    Raises ExtractorRunError for a column that Arrow cannot hold, and for a vector column whose
    length differs from the declared dimension, with both numbers.
    """
    arrays, names = [], []
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        dim = vectors.get(str(name))
        arrays.append(_values(str(name), column) if dim is None else vector_array(name, column, dim))
        names.append(str(name))
    return pa.table(arrays, names=names) if names else pa.table({})


def vector_array(name: str, column: Any, dim: int) -> pa.FixedSizeListArray:
    """One vector per row as FixedSizeList<float32>[dim]; None and NaN rows become null."""
    values = list(column)
    present = np.fromiter((not _is_null(value) for value in values), bool, len(values))
    dense = np.zeros((len(values), dim), dtype=np.float32)
    if present.any():
        dense[present] = _stack(name, [v for v, p in zip(values, present, strict=True) if p], dim)
    flat = pa.array(dense.reshape(-1), pa.float32())
    mask = None if present.all() else pa.array(~present)
    return pa.FixedSizeListArray.from_arrays(flat, dim, mask=mask)


def _stack(name: str, values: list[Any], dim: int) -> np.ndarray:
    try:
        stacked = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        stacked = None
    if stacked is not None and stacked.ndim == 2 and stacked.shape[1] == dim:
        return stacked
    for value in values:
        found = np.shape(value)
        if found != (dim,):
            size = found[0] if len(found) == 1 else found
            raise ExtractorRunError(
                f"Vector {name!r} has {size} values, the manifest declares {dim}. "
                "Set embedding_dim to what the model gives, or use the model it was meant for."
            )
    raise ExtractorRunError(f"Vector {name!r} holds something that is not a number.")


def _values(name: str, column: pd.Series) -> pa.Array:
    try:
        return pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        kind = type(next((v for v in column if v is not None), None)).__name__
        raise ExtractorRunError(
            f"Column {name!r} holds values of type {kind} that cannot travel between steps "
            f"({error}). Use text, numbers, booleans, dates, or lists and dicts of these; "
            "drop working columns before returning the batch."
        ) from error


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)
