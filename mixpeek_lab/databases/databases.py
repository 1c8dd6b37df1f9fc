"""SQL for retriever stages: questions with bound values to databases that were set up for it.

`lab` has the lab's own collections as tables, and `documents`, all of them with a `_collection`.
Every other connection is a URL under its name in the secrets or the environment, and read-only:

    MIXPEEK_LAB_SQL_CRM=sqlite:////data/crm.sqlite      also duckdb:////data/shop.duckdb
    MIXPEEK_LAB_SQL_PRICES=file:///data/prices.parquet  .csv, .json and .jsonl too; table `data`
    MIXPEEK_LAB_SQL_SALES=postgresql://reader:password@host:5432/sales

Nothing else can be reached from a query: no other file, no ATTACH, no setting, no extension.
"""

from __future__ import annotations

import glob
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mixpeek_lab.databases.asking import MOST_ROWS, Ask, closed, late, wrong
from mixpeek_lab.databases.postgres import postgres
from mixpeek_lab.errors import EngineError, InvalidInputError, NotFoundError
from mixpeek_lab.inspection import DocumentView, Inspector, literal, reading
from mixpeek_lab.models import JSON

OWN = "lab"
"""The connection to the lab's own collections."""
PREFIX = "MIXPEEK_LAB_SQL_"
MOST_BYTES = 16 * 1024 * 1024
"""Of one value in SQLite; of all texts of an answer."""
_MEMORY = "512MB"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_READERS = {
    ".parquet": "read_parquet", ".csv": "read_csv", ".json": "read_json", ".jsonl": "read_json",
}  # fmt: skip
_STEPS = 10_000
"""Instructions of SQLite between two looks at the clock."""
_READS = (
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
)  # fmt: skip

Rows = list[dict[str, JSON]]


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases that stages may ask."""

    inspector: Inspector
    setting: Callable[[str], str | None]
    """The name of a secret or of an environment variable → what it holds."""

    def query(
        self, connection: str, sql: str, values: Sequence[Sequence[JSON]], seconds: float
    ) -> list[Rows]:
        """Ask one question, with `?` for each value, once for each entry of `values`.

        `seconds` is the most for each. NotFoundError for a connection that nobody set up,
        InvalidInputError for SQL that does not run or does more than read, for values that it
        cannot take and for more than MOST_ROWS rows, EngineError for one that takes too long or
        a database that does not open.
        """
        with self._open(connection, sql) as ask:
            return [_rows(ask(each, seconds), connection) for each in values]

    @contextmanager
    def _open(self, connection: str, sql: str) -> Iterator[Ask]:
        if connection == OWN:
            with _duckdb_over(self.inspector.document_views(sql), connection, sql) as ask:
                yield ask
            return
        scheme, rest = self._address(connection)
        path = Path(rest)
        if scheme == "postgresql":
            opened = postgres(rest, connection, sql)
        elif scheme == "sqlite":
            opened = _sqlite(path, connection, sql)
        elif scheme == "duckdb":
            opened = _duckdb_file(path, connection, sql)
        else:
            opened = _duckdb_over(
                {"data": DocumentView(_reader(path, connection), [path], {})}, connection, sql
            )
        with opened as ask:
            yield ask

    def _address(self, connection: str) -> tuple[str, str]:
        """The scheme, and the file's path; of a server its URL."""
        if not _NAME.match(connection):
            raise NotFoundError(
                "SQL connection", connection, [OWN],
                "A connection has a name of letters, digits and underscores, and its address in "
                f"{PREFIX}NAME (a secret, or in the environment).",
            )  # fmt: skip
        name = PREFIX + connection.upper()
        url = self.setting(name)
        if not url:
            raise NotFoundError(
                "SQL connection", connection, [OWN],
                f"Set {name} (a secret, or in the environment) to sqlite:////path, "
                "duckdb:////path, file:///path or postgresql://user:password@host/name.",
            )  # fmt: skip
        scheme, mark, rest = url.strip().partition("://")
        if mark and scheme in ("postgresql", "postgres"):
            return "postgresql", url.strip()
        is_known = mark and scheme in ("sqlite", "duckdb", "file")
        path = Path(unquote(rest if scheme == "file" else rest.removeprefix("/")))
        if not is_known or not rest:
            raise InvalidInputError(
                f"{name} is no database that can be asked: it takes sqlite:////path, "
                "duckdb:////path, file:///path of a .parquet, .csv, .json or .jsonl file, or "
                "postgresql://user:password@host/name."
            )
        if not path.is_file():
            raise EngineError(f"SQL connection {connection!r}: there is no file where {name} says.")
        return scheme, str(path)


def _rows(found: tuple[list[str], list[tuple[Any, ...]]], connection: str) -> Rows:
    names, rows = found
    if len(rows) > MOST_ROWS:
        raise InvalidInputError(
            f"SQL connection {connection!r}: more than {MOST_ROWS} rows. Add a LIMIT to the query."
        )
    if sum(_length(value) for row in rows for value in row) > MOST_BYTES:
        raise InvalidInputError(
            f"SQL connection {connection!r}: the rows have more than {MOST_BYTES:,} characters. "
            "Choose fewer columns, or shorten their texts with substr()."
        )
    if len(set(names)) < len(names):
        raise InvalidInputError(
            f"SQL connection {connection!r}: two columns have one name ({', '.join(names)}). "
            "Name them apart with AS."
        )
    return [dict(zip(names, map(_value, row), strict=True)) for row in rows]


def _length(value: Any) -> int:
    """Characters or bytes of all texts in a value."""
    if isinstance(value, dict):
        return sum(_length(key) + _length(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_length, value))
    return len(value) if isinstance(value, str | bytes | bytearray) else 1


def _value(value: Any) -> Any:
    """What JSON has no word for: decimals as numbers, bytes in hexadecimal."""
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.hex() if isinstance(value, bytes | bytearray | memoryview) else value


# ---------------------------------------------------------------- SQLite


@contextmanager
def _sqlite(path: Path, connection: str, sql: str) -> Iterator[Ask]:
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise closed(connection, error) from error
    with closing(database):
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
        database.set_authorizer(_authorised)

        def ask(values: Sequence[JSON], seconds: float) -> Any:
            until = time.monotonic() + seconds
            database.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            try:
                cursor = database.execute(sql, tuple(values))
                names = [column[0] for column in cursor.description or ()]
                return names, cursor.fetchmany(MOST_ROWS + 1)
            except sqlite3.OperationalError as error:
                raise (
                    late(connection, seconds)
                    if time.monotonic() > until
                    else wrong(connection, error)
                ) from error
            except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
                raise wrong(connection, error) from error

        yield ask


def _authorised(action: int, _one: str | None, two: str | None, *_: str | None) -> int:
    is_function = action == sqlite3.SQLITE_FUNCTION
    may = action in _READS and not (is_function and str(two).lower() == "load_extension")
    return sqlite3.SQLITE_OK if may else sqlite3.SQLITE_DENY


# ---------------------------------------------------------------- DuckDB

_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": _MEMORY,
    "temp_directory": "",  # queries may read what lies in it
    "threads": "2",
}


def _reader(path: Path, connection: str) -> str:
    function = _READERS.get(path.suffix.lower())
    if function is None:
        raise InvalidInputError(
            f"SQL connection {connection!r}: a file is one of {', '.join(_READERS)}."
        )
    if function == "read_parquet":
        return f"SELECT * FROM {reading(path)}"
    return f"SELECT * FROM {function}({literal(glob.escape(str(path)))})"


@contextmanager
def _duckdb_over(views: Mapping[str, DocumentView], connection: str, sql: str) -> Iterator[Ask]:
    """A database in memory with these views, by name."""
    import duckdb

    with duckdb.connect(config=_CLOSED) as database:
        files = ", ".join(literal(str(path)) for view in views.values() for path in view.files)
        try:
            for name, view in views.items():
                for table, rows in view.tables.items():
                    database.register(table, rows)
                quoted = name.replace('"', '""')
                database.execute(f'CREATE VIEW "{quoted}" AS {view.query}')
            database.execute(f"SET allowed_paths=[{files}]")
            database.execute("SET enable_external_access=false")
            database.execute("SET lock_configuration=true")
        except duckdb.Error as error:
            raise closed(connection, error) from error
        yield _asking(database, connection, sql)


@contextmanager
def _duckdb_file(path: Path, connection: str, sql: str) -> Iterator[Ask]:
    import duckdb

    config = {**_CLOSED, "enable_external_access": "false", "lock_configuration": "true"}
    try:
        database = duckdb.connect(str(path), read_only=True, config=config)
    except duckdb.Error as error:
        raise closed(connection, error) from error
    with database:
        yield _asking(database, connection, sql)


def _asking(database: Any, connection: str, sql: str) -> Ask:
    import duckdb

    try:
        statements = database.extract_statements(sql)
    except duckdb.Error as error:
        raise wrong(connection, error) from error
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise InvalidInputError(
            f"SQL connection {connection!r}: the query must be one statement that reads (SELECT)."
        )

    def ask(values: Sequence[JSON], seconds: float) -> Any:
        timer = threading.Timer(seconds, database.interrupt)
        timer.start()
        try:
            answer = database.execute(sql, list(values))
            names = [column[0] for column in answer.description or ()]
            return names, answer.fetchmany(MOST_ROWS + 1)
        except duckdb.InterruptException as error:
            raise late(connection, seconds) from error
        except duckdb.Error as error:
            raise wrong(connection, error) from error
        finally:
            timer.cancel()

    return ask
