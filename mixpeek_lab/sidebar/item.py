"""What a line of the sidebar holds, and how names stand in the cells that its actions write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_PLAIN = re.compile(r"\w[\w.-]*")
_TABLE = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a section."""

    key: str
    name: str
    detail: str = ""
    state: str = ""
    """`ok`, `busy`, `warning` or `error`; empty where there is nothing to tell."""
    note: str = ""
    """The state in words."""
    facts: tuple[tuple[str, str], ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    """What fills the actions' `{…}`: see `name_fields`."""
    without: tuple[str, ...] = ()
    """Actions that this one has not."""
    parts: str = ""
    """The list of what it consists of, asked for with `of` its key: lines below this one."""
    part_count: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of items, and how many there are on all pages."""

    items: tuple[Item, ...]
    total: int


def quoted(name: str) -> str:
    """A name as a word of a magic's line: in quotes, unless it is plain."""
    if _PLAIN.fullmatch(name):
        return name
    return f"'{name}'" if '"' in name else f'"{name}"'


def name_fields(name: str) -> dict[str, str]:
    """A name as actions write it.

    `name`: a word of a magic's line. `raw`: as it is. `python`: a string. `sql`: an SQL string.
    `table`: what %inspect shows. `select`: a Python string of SQL for all its rows.
    """
    identifier = '"' + name.replace('"', '""') + '"'
    return {
        "name": quoted(name),
        "raw": name,
        "python": repr(name),
        "sql": "'" + name.replace("'", "''") + "'",
        "identifier": identifier,
        "table": name if _TABLE.fullmatch(name) else f"FROM {identifier}",
        "select": repr(f"FROM {identifier}"),
    }


def fitting(found: Iterable[Any], name: Callable[[Any], str], wanted: str) -> list[Any]:
    """Those whose name holds `wanted`, in whatever case."""
    low = wanted.lower()
    return [one for one in found if low in name(one).lower()]


def page(found: Sequence[Any], offset: int, limit: int, make: Callable[[Any], Item]) -> Listing:
    """`limit` of them as items, from `offset` on."""
    return Listing(tuple(map(make, found[offset : offset + limit])), len(found))


def count(number: int, what: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shown_time(text: str) -> str:
    """`2026-11-26 01:12`, in UTC as the catalog has it."""
    return f"{text[:10]} {text[11:16]} UTC"
