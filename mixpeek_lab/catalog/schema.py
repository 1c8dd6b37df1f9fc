"""The catalog's tables, and how a file gets them."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from pathlib import Path

from mixpeek_lab.catalog.tables import SCHEMA_VERSION, SCHEMAS
from mixpeek_lab.errors import CatalogError, GoneError

_SETTLED = 100_000_000
"""Nanoseconds: clocks of file systems tick some hundred times a second."""

_serials = count()
"""Numbers for connections: SQLite's own version numbers start anew with each."""


_note: ContextVar[Callable[[sqlite3.Connection], None] | None] = ContextVar("note", default=None)


@contextmanager
def before_commit(note: Callable[[sqlite3.Connection], None]) -> Iterator[None]:
    """Within the block, and in what it calls, `note` writes along with every transaction."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


def _damaged(error: sqlite3.DatabaseError) -> str:
    return (
        f"is damaged ({error}). Put a copy of it back, or start anew: with another home folder, "
        "or by deleting its namespace."
    )


class Database:
    """One SQLite file in WAL mode, with a connection per thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = (str(path), f"{path}-wal")
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._create()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, or a full disk: it goes by
                raise
            raise CatalogError(str(path), _damaged(error)) from error

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._connected()
            found.row_factory = sqlite3.Row
            found.execute("PRAGMA foreign_keys = ON")
            found.execute("PRAGMA synchronous = FULL")
            self._local.connection = found
            self._local.serial = next(_serials)
        return found

    def _connected(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self.path, timeout=30, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise GoneError(str(self.path), str(error)) from error

    @property
    def version(self) -> tuple[int, int, int]:
        """Changes with every write to the file, by whomever. To be compared on one thread only.

        Asked before every search: SQLite is asked where the files tell of a write since it was, or
        were written so shortly before that their times may not tell of another.
        """
        connection, local = self.connection, self._local
        times = self._times()
        if times != getattr(local, "times", None):
            (others,) = connection.execute("PRAGMA data_version").fetchone()
            local.version = local.serial, others, connection.total_changes
            is_settled = time.time_ns() - max(times) > _SETTLED
            local.times = times if is_settled else None
        found: tuple[int, int, int] = local.version
        return found

    def _times(self) -> tuple[int, ...]:
        """When the file and its log were last written, in nanoseconds: what is not there, 0."""
        found = []
        for path in self._files:
            try:
                found.append(os.stat(path).st_mtime_ns)  # noqa: PTH116 - a third of Path.stat's time
            except FileNotFoundError:
                found.append(0)
        return tuple(found)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commits at the end, rolls back on any exception.

        Inside another transaction of this thread it is part of that one.
        """
        connection = self.connection
        is_inner: bool = connection.in_transaction
        if is_inner:
            yield connection
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            if (note := _note.get()) is not None:
                note(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is as it was when the first of it was read. No lock is held."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close this thread's connection."""
        if (connection := getattr(self._local, "connection", None)) is not None:
            connection.close()
            self._local.connection = self._local.times = None

    def _create(self) -> None:
        """Make the tables that are not there yet. Reading the version takes no lock."""
        if self._version() == 0:
            self._enter_wal()
        if self._version() < SCHEMA_VERSION:
            with self.transaction() as connection:
                for script in SCHEMAS[self._version() :]:  # none, where another was quicker
                    for statement in script.split(";\n"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if self._version() != SCHEMA_VERSION:
            raise CatalogError(
                str(self.path),
                f"was written by another version of Mixpeek Lab (schema {self._version()}, this "
                f"one reads {SCHEMA_VERSION}). Use that version, or another home folder.",
            )

    def _version(self) -> int:
        version: int = self.connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    def _enter_wal(self) -> None:
        """Switch to WAL. SQLite does not wait here while another process does the same."""
        for attempt in range(50):
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if attempt == 49:
                    raise
                time.sleep(0.02)
            else:
                return
