"""Conditions on Arrow columns: kernels for the usual types, the document's test for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mixpeek_lab.filters.patterns import found_in
from mixpeek_lab.filters.values import (
    ORDER,
    as_number,
    as_time,
    is_held_by,
    splits,
    wanted,
)

if TYPE_CHECKING:
    from mixpeek_lab.filters.conditions import Column, Condition

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds in one step of a timestamp."""


def condition_mask(condition: Condition, column: Column, n: int) -> Mask:
    """The rows (shape (n,)) that satisfy `condition`; equal to `matches` row by row."""
    found = _find(column, condition.field)
    if found is None:
        return np.full(n, condition.holds_null(), dtype=np.bool_)
    chunked, path = found
    masks = [_chunk_mask(condition, _plain(chunk), path) for chunk in chunked.chunks]
    return np.concatenate(masks) if masks else np.zeros(0, dtype=np.bool_)


def _find(column: Column, field: str) -> tuple[pa.ChunkedArray[Any], str] | None:
    """The column that holds `field`, and the path that is left to walk inside it."""
    whole = column(field)
    if whole is not None:
        return whole, ""
    for head, tail in splits(field):
        found = column(head)
        if found is not None:
            return found, tail
    return None


def _plain(array: pa.Array[Any]) -> pa.Array[Any]:
    """Without dictionary encoding, extension types and views."""
    if pa.types.is_dictionary(array.type):
        return _plain(array.cast(array.type.value_type))
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


@dataclass(frozen=True)
class _Cells:
    """Scalars of some rows: `rows[i]` is the row of `values[i]`; None: one per row."""

    values: pa.Array[Any]
    rows: np.ndarray[Any, Any] | None
    is_listed: bool = False

    def up(self, mask: Mask, n: int) -> Mask:
        """A mask over the scalars as a mask over the `n` rows: any of them."""
        if self.rows is None:
            return mask
        found = np.zeros(n, dtype=np.bool_)
        found[self.rows[mask]] = True
        return found

    def opened(self) -> _Cells:
        """The elements of list values."""
        parents = pc.list_parent_indices(self.values).to_numpy(zero_copy_only=False)
        rows = parents if self.rows is None else self.rows[parents]
        return _Cells(_plain(pc.list_flatten(self.values)), rows, is_listed=True)

    def down(self, name: str) -> _Cells:
        """The field `name` of struct values; null where the struct is."""
        return replace(self, values=_plain(pc.struct_field(self.values, [name])))


def _chunk_mask(condition: Condition, array: pa.Array[Any], path: str) -> Mask:
    n = len(array)
    cells, is_there = _walk(_Cells(array, None), path, n)
    operator, is_negated = condition.positive
    if operator == "is_null":
        return is_there if is_negated else ~is_there
    found = np.zeros(n, dtype=np.bool_)
    if cells is not None:
        while _is_list(cells.values.type):
            cells = cells.opened()
        found = cells.up(_scalar_mask(condition, operator, cells), n)
    if condition.wants_null:
        found |= ~is_there
    return ~found if is_negated else found


def _walk(cells: _Cells, path: str, n: int) -> tuple[_Cells | None, Mask]:
    """The scalars at `path`, None where no struct has them, and the rows with a value there.

    A row with a list on the way has a value (a list) there, however short the list is.
    """
    is_there = _valid(cells.values)
    while path:
        if _is_list(cells.values.type):
            cells = cells.opened()
            continue
        step = _step(cells.values.type, path)
        if step is None:
            return None, is_there if cells.is_listed else np.zeros(n, dtype=np.bool_)
        name, path = step
        cells = cells.down(name)
        if not cells.is_listed:
            is_there = _valid(cells.values)
    return cells, is_there


def _step(kind: pa.DataType, path: str) -> tuple[str, str] | None:
    if not pa.types.is_struct(kind):
        return None
    names = {kind.field(i).name for i in range(kind.num_fields)}
    if path in names:
        return path, ""
    return next(((head, tail) for head, tail in splits(path) if head in names), None)


def _valid(array: pa.Array[Any]) -> Mask:
    if array.null_count == 0:
        return np.ones(len(array), dtype=np.bool_)
    return _as_mask(array.is_valid())


def _as_mask(array: pa.Array[Any]) -> Mask:
    filled = array.fill_null(False) if array.null_count else array
    mask: Mask = filled.to_numpy(zero_copy_only=False)
    return mask


# ---------------------------------------------------------------- by type of scalar


def _scalar_mask(condition: Condition, operator: str, cells: _Cells) -> Mask:
    if operator == "contains" and cells.is_listed:
        operator = "eq"
    values, kind, types = cells.values, cells.values.type, pa.types
    if types.is_null(kind):
        return np.zeros(len(values), dtype=np.bool_)
    if types.is_string(kind) or types.is_large_string(kind):
        return _text_mask(condition, operator, values)
    if operator not in ORDER and operator not in ("eq", "in"):
        return np.zeros(len(values), dtype=np.bool_)
    if types.is_boolean(kind) and operator not in ORDER:
        return _truth_mask(condition, values)
    if types.is_integer(kind) or types.is_floating(kind):
        return _number_mask(condition, operator, values)
    if types.is_timestamp(kind) or types.is_date32(kind):
        return _time_mask(condition, operator, values)
    return _python_mask(condition, operator, values)


def _python_mask(condition: Condition, operator: str, values: pa.Array[Any]) -> Mask:
    """The document's own test on every value: decimals, and what is rare."""
    test = is_held_by(operator, condition.value, condition.case_sensitive)
    return np.fromiter(
        (value is not None and test(value) for value in values.to_pylist()), np.bool_, len(values)
    )


def _truth_mask(condition: Condition, values: pa.Array[Any]) -> Mask:
    accepted = wanted(condition.value, condition.case_sensitive).booleans
    found = np.zeros(len(values), dtype=np.bool_)
    for truth in accepted:
        found |= _as_mask(values if truth else pc.invert(values))
    return found


def _text_mask(condition: Condition, operator: str, values: pa.Array[Any]) -> Mask:
    if operator == "regex":
        return found_in(condition.value, values, condition.case_sensitive)
    encoded = values.dictionary_encode()
    # One place more than there are texts: nulls look there, and find False.
    passed = np.zeros(len(encoded.dictionary) + 1, dtype=np.bool_)
    passed[:-1] = _passed(condition, operator, encoded.dictionary.to_pylist())
    indices = encoded.indices.fill_null(len(encoded.dictionary))
    mask: Mask = passed[indices.to_numpy(zero_copy_only=False)]
    return mask


def _passed(condition: Condition, operator: str, texts: list[Any]) -> list[bool]:
    case_sensitive = condition.case_sensitive
    if operator in ("eq", "in"):
        accepted = wanted(condition.value, case_sensitive).texts
        folded = texts if case_sensitive else map(str.casefold, texts)
        return [text in accepted for text in folded]
    test = is_held_by(operator, condition.value, case_sensitive)
    return [test(text) for text in texts]


def _number_mask(condition: Condition, operator: str, values: pa.Array[Any]) -> Mask:
    numbers = _filled(values)
    if operator in ORDER:
        bound = as_number(condition.value)
        mask = None if bound is None else _ordered(operator, numbers, Fraction(bound))
    else:
        mask = _among(numbers, wanted(condition.value, condition.case_sensitive).numbers)
    return np.zeros(len(values), dtype=np.bool_) if mask is None else mask & _valid(values)


def _time_mask(condition: Condition, operator: str, values: pa.Array[Any]) -> Mask:
    if pa.types.is_date32(values.type):
        unit, steps = 86_400 * _UNITS["s"], _filled(values.cast(pa.int32()))
    else:
        unit, steps = _UNITS[values.type.unit], _filled(values.cast(pa.int64()))
    if operator in ORDER:
        moment = as_time(condition.value)
        mask = None if moment is None else _ordered(operator, steps, Fraction(moment, unit))
    else:
        times = wanted(condition.value, condition.case_sensitive).times
        mask = _among(steps, [Fraction(moment, unit) for moment in times])
    return np.zeros(len(values), dtype=np.bool_) if mask is None else mask & _valid(values)


def _filled(values: pa.Array[Any]) -> np.ndarray[Any, Any]:
    """The numbers as an array; 0 stands for null (mask it away). Small floats as float64."""
    if pa.types.is_floating(values.type) and values.type != pa.float64():
        values = values.cast(pa.float64())
    filled = values.fill_null(0) if values.null_count else values
    found: np.ndarray[Any, Any] = filled.to_numpy(zero_copy_only=False)
    return found


def _among(numbers: np.ndarray[Any, Any], accepted: Iterable[Fraction | float]) -> Mask:
    exact = [
        value for value in (_exact(numbers.dtype, entry) for entry in accepted) if value is not None
    ]
    if len(exact) == 1:
        mask: Mask = numbers == exact[0]
        return mask
    return np.isin(numbers, np.array(exact, dtype=numbers.dtype))


def _exact(dtype: np.dtype[Any], value: Fraction | float) -> int | float | None:
    """`value` in the column's own type, None where that type cannot hold it exactly."""
    fraction = Fraction(value)
    if dtype.kind == "f":
        rounded = _nearest(fraction)
        return rounded if Fraction(rounded) == fraction else None
    limits = np.iinfo(dtype)
    is_held = fraction.denominator == 1 and limits.min <= fraction <= limits.max
    return int(fraction) if is_held else None


def _nearest(fraction: Fraction) -> float:
    """The closest finite float."""
    largest = float(np.finfo(np.float64).max)
    return float(max(min(fraction, Fraction(largest)), Fraction(-largest)))


def _ordered(operator: str, numbers: np.ndarray[Any, Any], bound: Fraction) -> Mask:
    """`numbers operator bound`, exactly: the bound is moved onto a value of the column's type."""
    if numbers.dtype.kind == "f":
        return _ordered_floats(operator, numbers, bound)
    limits = np.iinfo(numbers.dtype)
    # For whole numbers x > 2.5 is x >= 3, and x < 2.5 is x <= 2.
    if bound.denominator != 1:
        up = operator in ("gt", "gte")
        operator, bound = ("gte", Fraction(ceil(bound))) if up else ("lte", Fraction(floor(bound)))
    if not limits.min <= bound <= limits.max:
        is_all = (bound < limits.min) == (operator in ("gt", "gte"))
        return np.full(len(numbers), is_all, dtype=np.bool_)
    mask: Mask = ORDER[operator](numbers, int(bound))
    return mask


def _ordered_floats(operator: str, numbers: np.ndarray[Any, Any], bound: Fraction) -> Mask:
    nearest = _nearest(bound)
    exact = Fraction(nearest)
    # Between two floats nothing is equal to the bound: x > bound is x >= the one above it.
    if exact > bound:
        operator = "gte" if operator in ("gt", "gte") else "lt"
    elif exact < bound:
        operator = "gt" if operator in ("gt", "gte") else "lte"
    mask: Mask = ORDER[operator](numbers, nearest)
    return mask
