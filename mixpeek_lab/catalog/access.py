"""Reading rows, and what is said where a name is taken."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from mixpeek_lab.catalog.schema import Database
from mixpeek_lab.errors import ConflictError


class Records:
    """Records in the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def together(self) -> AbstractContextManager[object]:
        """Everything that is written inside, all or nothing."""
        return self._database.transaction()

    def at_one_moment(self) -> AbstractContextManager[object]:
        """Everything that is read inside is as it was at one moment. Nothing is to be written."""
        return self._database.reading()

    def close(self) -> None:
        """Close this thread's connection."""
        self._database.close()

    def _one(self, query: str, *values: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.connection.execute(query, values).fetchone()
        return row

    def _all(self, query: str) -> list[sqlite3.Row]:
        return self._database.connection.execute(query).fetchall()

    def _names(self, table: str) -> list[str]:
        return [row[0] for row in self._all(f"SELECT DISTINCT name FROM {table}")]

    def _unique(self, kind: str, name: str) -> NameTaken:
        return NameTaken(kind, name)


class NameTaken:
    """Turns SQLite's uniqueness failure into a ConflictError with a remedy."""

    def __init__(self, kind: str, name: str) -> None:
        self._kind, self._name = kind, name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.IntegrityError):
            raise ConflictError(
                f"There is a {self._kind} called {self._name!r} already. "
                "Use it, or take a new name."
            ) from error
