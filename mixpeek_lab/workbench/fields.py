"""The metadata of a table's rows: which columns, and of which types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mixpeek_lab.models import JSON, BucketObject
from mixpeek_lab.workbench.tables import Rows

KINDS: dict[type[Any], str] = {
    bool: "boolean", int: "integer", float: "float", dict: "object", list: "array",
}  # fmt: skip
"""Python's types → field types; all others are strings."""


def bytes_columns(rows: Rows, fields: Sequence[str]) -> list[str]:
    """The columns that hold bytes, also inside: JSON, and so metadata, has no word for them."""
    return [n for n in fields if any(_has_bytes(r.get(n)) for r in rows.records)]


def _has_bytes(value: Any) -> bool:
    if isinstance(value, Mapping):  # as in tables of Hugging Face: {"bytes": …, "path": …}
        return any(map(_has_bytes, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_bytes, value))
    return isinstance(value, bytes | bytearray | memoryview)


def field_types(
    rows: Rows, objects: Sequence[BucketObject], names: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """The type of each field over all rows, and a note for each field that has several."""
    found, notes = {}, []
    for name in names:
        first: dict[str, int] = {}
        for number, item in enumerate(objects):
            if item.metadata[name] is not None:
                first.setdefault(kind_of_value(item.metadata[name]), number)
        if first.keys() == {"integer", "float"}:
            found[name] = "float"
        elif len(first) == 1:
            (found[name],) = first
        else:
            found[name] = "string"
        if len(first) > 1 and found[name] == "string":
            places = ", ".join(f"{kind} in {rows.place(n)}" for kind, n in first.items())
            notes.append(f"Field {name!r} mixes types ({places}): documents hold it as text.")
    return found, notes


def kind_of_value(value: JSON) -> str:
    """The field type of one value."""
    return KINDS.get(type(value), "string")
