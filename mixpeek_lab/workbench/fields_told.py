"""The fields of documents, with enough of what they hold to build a filter from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types

from mixpeek_lab.documents import DocumentTable
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.plain import plain

MOST_VALUES = 20
"""Values of one field that are told, the most frequent ones."""
LONGEST_VALUE = 80
MOST_ROWS = 200_000
"""Rows that are looked at, of each collection."""


def told_fields(tables: Sequence[DocumentTable]) -> list[dict[str, JSON]]:
    """`{name, type, values: [[value, count], …], least, most, missing}` for each plain field.

    `type` is text, number, boolean or time. Texts that all differ and long ones have no values.
    """
    names = dict.fromkeys(name for each in tables for name in each.field_names)
    found = []
    for name in names:
        columns = [
            each.table.column(name).slice(0, MOST_ROWS)
            for each in tables
            if name in each.table.column_names
        ]
        told = _told(name, columns)
        if told is not None:
            found.append(told)
    return found


def _told(name: str, columns: list[pa.ChunkedArray[Any]]) -> dict[str, JSON] | None:
    kinds = {_kind(column.type) for column in columns}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None:
        return None
    chunks = [_opened(chunk) for column in columns for chunk in column.chunks]
    values = pa.chunked_array(chunks) if chunks else pa.chunked_array([[]], pa.string())
    found: dict[str, JSON] = {
        "name": name,
        "type": kind,
        "values": _values(values, kind),
        "missing": values.null_count,
    }
    if kind in ("number", "time") and len(values) > values.null_count:
        extremes = pc.min_max(values)
        found |= {"least": plain(extremes["min"].as_py()), "most": plain(extremes["max"].as_py())}
    return found


def _kind(kind: pa.DataType) -> str | None:
    if types.is_list(kind) or types.is_large_list(kind):
        return _kind(kind.value_type)
    if types.is_dictionary(kind):
        return _kind(kind.value_type)
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_temporal(kind):
        return "time"
    return "number" if types.is_integer(kind) or types.is_floating(kind) else None


def _opened(chunk: pa.Array[Any]) -> pa.Array[Any]:
    if types.is_list(chunk.type) or types.is_large_list(chunk.type):
        return pc.list_flatten(chunk)
    return chunk.cast(chunk.type.value_type) if types.is_dictionary(chunk.type) else chunk


def _values(values: pa.ChunkedArray[Any], kind: str) -> list[JSON]:
    """The most frequent values, where they repeat and are short."""
    if kind == "text" and _are_long(values):
        return []
    counted = pc.value_counts(values.combine_chunks()).to_pylist()
    counted = [each for each in counted if each["values"] is not None]
    if kind == "text":
        counted = [each for each in counted if len(each["values"]) <= LONGEST_VALUE]
    counted.sort(key=lambda each: (-each["counts"], str(each["values"])))
    is_repeated = bool(counted) and counted[0]["counts"] > 1
    is_few = len(counted) <= MOST_VALUES
    shown = counted[:MOST_VALUES] if is_repeated or is_few else []
    return [[plain(each["values"]), each["counts"]] for each in shown]


def _are_long(values: pa.ChunkedArray[Any]) -> bool:
    """Whether the first texts are longer than a value that one would choose."""
    mean = pc.mean(pc.utf8_length(values.slice(0, 1000))).as_py()
    return mean is not None and mean > LONGEST_VALUE
