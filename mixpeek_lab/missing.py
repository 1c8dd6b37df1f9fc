"""What to say of a path that leads nowhere: where it was looked for, and what is near."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from mixpeek_lab.errors import nearest

SHOWN = 6
"""Names of the nearest folder that a message lists."""
MOST_NAMES = 2_000
"""Entries of a folder that are looked at."""


def no_path(given: str | Path, kind: str = "file or folder") -> str:
    """Sentences on a path of this machine that is not there: `~` and `.` filled in, how it was
    written where that is something else, and the name that was meant or what the nearest folder
    holds. `kind` is what was looked for.
    """
    text = str(given)
    looked = absolute(text)
    written = "" if str(looked) == text else f" ({text!r} was given)"
    return f"There is no {kind} {looked}{written}. {near(looked)}"


def expanded(given: str | Path) -> Path:
    """The path with `~` filled in; that of a user whom this machine does not know stays."""
    return Path(os.path.expanduser(given))  # noqa: PTH111 - pathlib's raises RuntimeError there


def absolute(given: str | Path) -> Path:
    """The path from the root on."""
    return Path(os.path.abspath(expanded(given)))  # noqa: PTH100 - and without `..`


def near(path: Path) -> str:
    """`Did you mean …?`, or what the nearest folder above a path holds."""
    folder, first = _nearest_folder(path)
    try:
        names = _names(folder, hidden=first.startswith("."))
    except OSError as error:
        return f"The nearest folder, {folder}, cannot be read: {error.strerror}."
    meant = _meant(first, names)
    if meant is not None:
        rest = path.relative_to(folder / first)
        whole = folder / meant / rest
        return f"Did you mean {whole if whole.exists() else folder / meant}?"
    if not names:
        return f"The nearest folder, {folder}, is empty."
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"The nearest folder, {folder}, holds {', '.join(names[:SHOWN])}{more}."


def _nearest_folder(path: Path) -> tuple[Path, str]:
    """The deepest folder on the way that is there, and the name that it lacks."""
    for folder in path.parents:
        if folder.is_dir():
            return folder, path.relative_to(folder).parts[0]
    return path, ""  # the root itself, which is always there


def _names(folder: Path, *, hidden: bool) -> list[str]:
    with os.scandir(folder) as entries:
        found = (entry.name for entry in entries if hidden or not entry.name.startswith("."))
        return sorted(islice(found, MOST_NAMES))


def _meant(name: str, names: list[str]) -> str | None:
    """The name in other capitals, or the one that `name` is a misspelling of."""
    folded = {known.casefold(): known for known in reversed(names)}
    close = nearest(name.casefold(), folded)
    return folded[close] if close is not None else None
