"""Which fields documents have, and what to say where a filter asks for another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MOST_SHOWN = 10
"""Fields that a message lists."""


def field_paths(schema: pa.Schema) -> tuple[str, ...]:
    """The dotted names that a filter finds in such columns, in their order; lists are opened."""
    return tuple(path for column in schema for path in _paths(column.name, column.type))


def unknown_field(field: str, where: str, known: Sequence[str], became: str | None = None) -> str:
    """The warning for a filter on a `field` that no document of `where` has.

    `known` are the fields there are; `became` is what documents call the field, where it is known
    to have been renamed.
    """
    close = became or _nearest(field, known)
    hint = f"; did you mean {close!r}?" if close else "."
    renamed = f" The bucket's field {field!r} became {became!r} in documents." if became else ""
    shown = ", ".join(known[:MOST_SHOWN])
    more = f" and {len(known) - MOST_SHOWN} more" if len(known) > MOST_SHOWN else ""
    return (
        f"Filter: field {field!r} is in no document of {where}{hint}{renamed} "
        f"Known fields: {shown}{more}."
    )


def _nearest(field: str, known: Sequence[str]) -> str | None:
    spelt = {name.casefold(): name for name in known}
    close = get_close_matches(field.casefold(), spelt, n=1)
    return spelt[close[0]] if close else None


def _paths(name: str, kind: Any) -> Iterator[str]:
    import pyarrow as pa

    yield name
    is_list = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    while any(test(kind) for test in is_list):
        kind = kind.value_type
    if pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            yield from _paths(f"{name}.{kind.field(i).name}", kind.field(i).type)
