"""Cells that name files: what is behind them, and what is said of those that are of no use."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixpeek_lab.assets import redacted, scheme_of
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.workbench.columns import Choice
from mixpeek_lab.workbench.files import demand_kind
from mixpeek_lab.workbench.looking import Found, Unusable, look_all
from mixpeek_lab.workbench.tables import Rows

MOST_TOLD = 5
"""Cells of no use that a message names one by one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of no use: where it stands, and why."""

    number: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileCells:
    """The files that a table's cells name."""

    found: Mapping[tuple[int, str], Found]
    """(row, property) → the file."""
    schema: Mapping[str, str]
    """Property → the kind that most of its files are."""
    notes: Sequence[str]


def read_cells(rows: Rows, choice: Choice) -> FileCells:
    """Look at every file that the chosen columns name.

    InvalidInputError, with row and column, for cells of no use in columns that the user named;
    in other columns they are told in notes.
    """
    wanted = {
        (number, prop): record.get(column)
        for number, record in enumerate(rows.records)
        for prop, column in choice.files.items()
        if not _is_empty(record.get(column))
    }
    references = {at: r for at, v in wanted.items() if (r := _reference(v, rows.folder))}
    seen = look_all(references.values())
    found: dict[tuple[int, str], Found] = {}
    bad: list[Cell] = []
    for (number, prop), value in wanted.items():
        reference = references.get((number, prop))
        what = demand_kind_of(seen[reference], prop) if reference else _no_reference(value)
        if isinstance(what, Found):
            found[number, prop] = what
        else:
            bad.append(Cell(number, choice.files[prop], _short(value), what.reason))
    if bad and choice.is_named:
        raise InvalidInputError(_told(bad, rows) + " Mend these rows, or leave them out.")
    notes = [_told(bad, rows) + " These rows are there without it."] if bad else []
    schema, mixed = _kinds(choice, found)
    return FileCells(found, schema, [*notes, *mixed, *_empty_notes(rows, choice, wanted)])


def demand_kind_of(seen: Found | Unusable, prop: str) -> Found | Unusable:
    """What was seen, unless the property is called after another kind."""
    return seen if isinstance(seen, Unusable) else demand_kind(seen, prop)


def _is_empty(value: Any) -> bool:
    """Whether a cell names nothing: None, NaN, NA, an empty text."""
    if value is None or isinstance(value, str):
        return value is None or not value.strip()
    if isinstance(value, float):
        return value != value
    return type(value).__name__ in ("NAType", "NaTType")


def _reference(value: Any, folder: str) -> str:
    """The cell as a path or URL to look at; empty where it is none.

    A relative path is looked for beside the table's file first, then in the working folder.
    """
    if not isinstance(value, str | Path) or "\0" in str(value):
        return ""
    text = str(value).strip() if isinstance(value, str) else str(value)
    if scheme_of(text) or not folder or text.startswith(("/", "~")):
        return text
    beside = f"{folder.rstrip('/')}/{text}"
    return beside if scheme_of(folder) or os.path.exists(beside) else text  # noqa: PTH110


def _no_reference(value: Any) -> Unusable:
    what = type(value).__name__
    return Unusable(f"holds {what}, not a path or URL: write the file somewhere, and name it here")


def _short(value: Any) -> str:
    return redacted(value)[:120] if isinstance(value, str | Path) else ""


def _told(bad: Sequence[Cell], rows: Rows) -> str:
    """The first cells of no use with their reasons, and how many more there are."""
    first = bad[0]
    said = [f"{rows.place(first.number)}, column {first.column!r}: {first.value} {first.reason}"]
    said += [f"{rows.place(c.number)}: {c.value} {c.reason}" for c in bad[1:MOST_TOLD]]
    more = f"; and {len(bad) - MOST_TOLD:,} more" if len(bad) > MOST_TOLD else ""
    return "; ".join(" ".join(each.split()) for each in said) + more + "."


def _kinds(
    choice: Choice, found: Mapping[tuple[int, str], Found]
) -> tuple[dict[str, str], list[str]]:
    """The kind of each property's files, and a note for each property that has several."""
    schema, notes = {}, []
    for prop in choice.files:
        counts = Counter(each.kind for (_, name), each in found.items() if name == prop)
        schema[prop] = counts.most_common(1)[0][0] if counts else "string"
        if len(counts) > 1:
            listed = ", ".join(f"{n:,} {kind}" for kind, n in counts.most_common())
            notes.append(f"The files of {prop!r} are of several kinds ({listed}).")
    return schema, notes


def _empty_notes(rows: Rows, choice: Choice, wanted: Mapping[tuple[int, str], Any]) -> list[str]:
    notes: list[str] = []
    if len(choice.columns) == 1:
        return notes  # such rows hold nothing at all, which is told of them anyway
    for prop, column in choice.files.items():
        empty = [n for n in range(len(rows.records)) if (n, prop) not in wanted]
        if empty:
            first = ", ".join(rows.place(number) for number in empty[:2])
            more = ", …" if len(empty) > 2 else ""
            notes.append(
                f"{len(empty):,} of {len(rows.records):,} rows name no file in {column!r} "
                f"({first}{more})."
            )
    return notes
