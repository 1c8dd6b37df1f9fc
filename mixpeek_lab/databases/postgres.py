"""PostgreSQL: one transaction that only reads, values bound by the server, a time for each answer.

A query stands inside of `SELECT * FROM (…)`, so that whatever is no query is an error of syntax. A
transaction that only reads still lets a superuser read the server's files and run its programs:
such a role is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mixpeek_lab.databases.asking import MOST_ROWS, Ask, closed, late, wrong
from mixpeek_lab.errors import InvalidInputError, MissingDependencyError
from mixpeek_lab.models import JSON

_CONNECT_SECONDS = 10
_SILENT_MS = 30_000
"""After which a server that acknowledges nothing counts as gone."""
_PIECES = re.compile(
    r"[eE]'(?:[^'\\]|\\.|'')*'|'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/"
    r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|(?P<place>\?)",
    re.DOTALL,
)
"""Texts, names and comments, that are left alone; and places of values."""


@contextmanager
def postgres(url: str, connection: str, sql: str) -> Iterator[Ask]:
    """A database at `postgresql://user:password@host:port/name`, asked with `?` for each value.

    EngineError where it does not open, InvalidInputError for a role that is too mighty,
    MissingDependencyError without the extra `postgres`.
    """
    psycopg = _library()
    asked = f"SELECT * FROM (\n{_numbered(sql)}\n) AS asked LIMIT {MOST_ROWS + 1}"
    try:
        database = psycopg.connect(
            url, connect_timeout=_CONNECT_SECONDS, tcp_user_timeout=_SILENT_MS,
            application_name="mixpeek-lab", cursor_factory=psycopg.RawCursor,
        )  # fmt: skip
    except (psycopg.Error, ValueError) as error:
        raise closed(connection, error) from error
    with database:
        database.read_only = True
        _demand_harmless(database, connection)

        def ask(values: Sequence[JSON], seconds: float) -> Any:
            try:
                database.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}")
                answer = database.execute(asked, list(map(_bound, values)))
                return [column.name for column in answer.description or ()], answer.fetchall()
            except psycopg.errors.QueryCanceled as error:
                raise late(connection, seconds) from error
            except psycopg.OperationalError as error:
                raise closed(connection, error) from error
            except psycopg.Error as error:
                raise wrong(connection, error) from error

        yield ask


def _library() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise MissingDependencyError(
            "psycopg", "A postgresql:// connection", "pip install 'mixpeek-lab[postgres]'"
        ) from error
    return psycopg


def _demand_harmless(database: Any, connection: str) -> None:
    [(is_superuser,)] = database.execute("SELECT current_setting('is_superuser')").fetchall()
    if is_superuser == "on":
        raise InvalidInputError(
            f"SQL connection {connection!r} is a superuser's, who may read and write the server's "
            "files whatever the transaction. Give it a role that may SELECT and nothing else."
        )


def _numbered(sql: str) -> str:
    """The query with `$1`, `$2`, … for each `?`, and without a semicolon at its end."""
    count = 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        if not found["place"]:
            return found[0]
        count += 1
        return f"${count}"

    return _PIECES.sub(place, sql).rstrip().removesuffix(";")


def _bound(value: JSON) -> Any:
    """Objects go as jsonb; psycopg knows the others, lists as arrays."""
    from psycopg.types.json import Jsonb

    return Jsonb(value) if isinstance(value, dict) else value
