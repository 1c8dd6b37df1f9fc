"""Between Arrow and the pandas that processors work on. Converted once, here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mixpeek_lab.documents import is_storable, mixed_note, text_array
from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.pipeline.working import mark_packed, pack

if TYPE_CHECKING:
    import pandas as pd

_PLAIN = (str, bool, int, float, date, np.generic)
"""Types of values that can stand beside each other in a column of texts."""


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """The batch as a processor gets it: a fresh DataFrame with a RangeIndex."""
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame


def to_arrow(
    frame: pd.DataFrame, vectors: Mapping[str, int], step: str, *, is_last: bool
) -> tuple[pa.Table, list[str]]:
    """What the processor of `step` returned, as Arrow.

    Vector columns become FixedSizeList<float32>[dim]. A column that mixes texts with numbers,
    booleans or dates becomes text; also returns notes. A column that Arrow cannot keep as it is
    travels pickled to the next step.

    Raises ExtractorRunError for such a column of the last step or one that
    cannot be pickled, for one that is there twice, and for a
    vector column whose length differs from the declared dimension, with both numbers.
    """
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ExtractorRunError(
            f"The processor returned two columns called {twice[0]!r}. Drop or rename one of them."
        )
    arrays, mixed, packed = [], [], []
    for position, name in enumerate(names):
        column, dim = frame.iloc[:, position], vectors.get(name)
        if dim is not None:
            arrays.append(vector_array(name, column, dim))
            continue
        array, is_mixed, is_packed = _values(name, column, step, is_last=is_last)
        arrays.append(array)
        packed += [name] if is_packed else []
        mixed += [mixed_note(name)] if is_mixed else []
    return mark_packed(pa.table(arrays, names=names), packed), mixed


def vector_array(name: str, column: Any, dim: int) -> pa.FixedSizeListArray:
    """One vector per row as FixedSizeList<float32>[dim]; None and NaN rows become null.

    A number that is too large for float32 becomes infinity.
    """
    values = list(column)
    present = np.fromiter((not _is_missing(value) for value in values), bool, len(values))
    dense = np.zeros((len(values), dim), dtype=np.float32)
    if present.any():
        dense[present] = _stack(name, [v for v, p in zip(values, present, strict=True) if p], dim)
    flat = pa.array(dense.reshape(-1), pa.float32())
    mask = None if present.all() else pa.array(~present)
    return pa.FixedSizeListArray.from_arrays(flat, dim, mask=mask)


def _stack(name: str, values: list[Any], dim: int) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            stacked = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # RuntimeError: torch's
        _check_lengths(name, values, dim)
        raise ExtractorRunError(
            f"Vector {name!r} does not consist of numbers: {error}. "
            "Give each row a list or an array of floats (of a tensor: .cpu().numpy())."
        ) from error
    if stacked.shape != (len(values), dim):
        _check_lengths(name, values, dim)
    return stacked


def _check_lengths(name: str, values: list[Any], dim: int) -> None:
    for value in values:
        found = tuple(np.shape(value)) if hasattr(value, "__len__") else ()
        if found != (dim,):
            size = f"{found[0]} values" if len(found) == 1 else f"the shape {found}"
            raise ExtractorRunError(
                f"Vector {name!r} has {size}, the manifest declares {dim}. "
                "Set embedding_dim to what the model gives, or use the model it was meant for."
            )


def _values(
    name: str, column: pd.Series, step: str, *, is_last: bool
) -> tuple[pa.Array, bool, bool]:
    """The column, whether it became text (see `kept_array`), and whether it is pickled."""
    if is_last:
        return *kept_array(name, column, step), False
    try:
        if not any(_would_change(value) for value in column):
            return *kept_array(name, column, step), False
        return pack(column), False, True
    except ExtractorRunError as error:
        try:
            return pack(column), False, True
        except Exception as unpicklable:  # pickling runs user code
            raise error from unpicklable


def kept_array(name: str, column: pd.Series, step: str) -> tuple[pa.Array, bool]:
    """The column, and whether it became text because its values are of several types.

    ExtractorRunError where Arrow cannot keep it, with what `step` is to do.
    """
    try:
        array = pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        plain = [None if _is_missing(value) else value for value in column]
        if _is_mixed(plain):
            return text_array([_said(value) for value in plain]), True
        kind = type(next((v for v in column if v is not None), None)).__name__
        raise ExtractorRunError(
            f"Column {name!r} holds values of type {kind} that cannot be kept "
            f"({error}). Use text, numbers, booleans, dates, or lists and dicts of these; "
            f"drop working columns before the step {step!r} returns the batch."
        ) from error
    if pa.types.is_dictionary(array.type):
        return array.cast(array.type.value_type), False
    return (array if is_storable(array.type) else text_array(array.to_pylist())), False


def _would_change(value: Any) -> bool:
    """Whether Arrow takes the value and gives back another: sets as lists, {} as text."""
    return isinstance(value, (set, frozenset)) or (isinstance(value, dict) and not value)


def _is_mixed(values: list[Any]) -> bool:
    kinds = {type(value) for value in values if value is not None}
    return len(kinds) > 1 and all(issubclass(kind, _PLAIN) for kind in kinds)


def _said(value: Any) -> Any:
    """NumPy's scalars as Python's, for they are no JSON."""
    return value.item() if isinstance(value, np.generic) else value


def _is_missing(value: Any) -> bool:
    """Whether a cell is None, NaN or pandas' NA."""
    if value is None or hasattr(value, "__len__"):
        return value is None
    import pandas as pd

    return pd.isna(value) is True
