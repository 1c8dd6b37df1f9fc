"""A query's result kept by DuckDB and handed out in pages: sorted, filtered, summarised there.

The rows lie in a database file of their own in a temporary folder, so that a result may be larger
than memory; Python holds one number per row of the view at hand.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from mixpeek_lab.engines import memory_limit_gb
from mixpeek_lab.errors import InvalidInputError, LabError
from mixpeek_lab.inspection.columns import Column
from mixpeek_lab.inspection.quoting import literal, quoted
from mixpeek_lab.inspection.selecting import ROW, Selecting, View
from mixpeek_lab.inspection.summaries import Summary, summarise

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers: TypeAlias = np.ndarray[Any, Any]

MEMORY_SHARE = 0.25
"""Of the memory that this process may use; beyond it DuckDB works from its file."""
MOST_NAMED = 1_000
"""Rows that a query names one by one; it joins more of them."""
INDEXED_ROWS = 100_000
"""Rows from which on an index pays, once rows are read that do not lie side by side."""
_TABLE = "_explorer_rows"
_PICKED, _AT, _NUMBER = "_explorer_picked", "_explorer_at", "_explorer_number"
_KEY = "document_id"
_END = re.compile(r";\s*(?:(?:--[^\n]*|/\*.*?\*/)\s*|;\s*)*\Z", re.DOTALL)
_WITHOUT_ROWS = frozenset((
    "ALTER", "ANALYZE", "ATTACH", "COPY", "CREATE", "CREATE_FUNC", "DELETE", "DETACH", "DROP",
    "EXPLAIN", "EXPORT", "INSERT", "LOAD", "PREPARE", "SET", "TRANSACTION", "UPDATE", "VACUUM",
))  # fmt: skip
"""DuckDB's names of statements that are no question; EXPLAIN ANALYZE runs what it explains."""


class Pages:
    """The rows of one query, a page at a time. `close` frees them; so does forgetting it.

    `register(connection, sql)` makes the tables known that the query may mean. InvalidInputError
    where the query is wrong, with DuckDB's message and what `hint` adds.
    """

    def __init__(
        self, query: str, register: Callable[[Any, str], None], hint: Callable[[], str]
    ) -> None:
        folder = tempfile.mkdtemp(prefix="mixpeek-explorer-")
        self._connection = _connect(folder)
        self._finalizer = weakref.finalize(self, _forget, self._connection, folder)
        self._hint, self._lock = hint, threading.RLock()
        self._kept: tuple[View, Numbers] | None = None
        self._summaries: tuple[View, dict[str, Summary]] = (View(), {})
        self._is_indexed = False
        try:
            with self._telling():
                self.query = _bare(self._connection, query.strip())
                """The query whose rows these are, without a `;`."""
                register(self._connection, query)
                self.columns = self._fill(query)
        except BaseException:
            self.close()
            raise
        self._selecting = Selecting(self.query, self.columns)
        self.total = int(self._run(f"SELECT count(*) FROM {_TABLE}")[0][0])
        """All rows of the query."""

    def close(self) -> None:
        """Free the rows."""
        self._finalizer()

    # ------------------------------------------------------------ what a view shows

    def check(self, view: View) -> None:
        """InvalidInputError or NotFoundError where the view asks for what there is not."""
        self._selecting.where(view)
        self._selecting.order(view)
        for column, text in self._selecting.typed_values(view):
            wanted = "DOUBLE" if column.kind == "vector" else column.type
            ((value,),) = self._run(f"SELECT TRY_CAST({literal(text)} AS {wanted})::VARCHAR")
            if value is None:
                raise InvalidInputError(f"{column.name}: {text!r} is no {wanted}.")

    def rows(self, view: View) -> Numbers:
        """The numbers of the view's rows in the query's own order, in the order of the view."""
        import numpy as np

        if view.is_whole:
            return np.arange(self.total)
        if self._kept is None or self._kept[0] != view:
            self.check(view)
            order = f"{self._selecting.order(view)}, {ROW}".removeprefix(", ")
            sql = f"SELECT {ROW} FROM {self._source(view)} ORDER BY {order}"
            with self._telling():
                found = np.asarray(self._connection.execute(sql).fetchnumpy()[ROW])
            self._kept = (view, found)
            return found
        return self._kept[1]

    def count(self, view: View) -> int:
        """How many rows the view has."""
        return self.total if view.is_whole else len(self.rows(view))

    def page(
        self, view: View, start: int, count: int, columns: Sequence[str]
    ) -> tuple[Numbers, pa.Table]:
        """Rows `start` and on of the view: their numbers, and their cells (see `Column.cell`)."""
        if view.is_whole:
            import numpy as np

            numbers = np.arange(min(start, self.total), min(start + count, self.total))
        else:
            numbers = self.rows(view)[start : start + count]
        cells = [(self.column(name).cell, name) for name in columns]
        return numbers, self._pick(numbers, cells)

    def summary(self, view: View, column: str) -> Summary:
        """What the column's header says, over the rows of the view."""
        self.check(view)
        with self._telling():
            if self._summaries[0] != view:
                self._summaries = (view, {})
            known = self._summaries[1]
            if column not in known:
                known[column] = summarise(self.column(column), self._source(view), self._run)
            return known[column]

    def values(self, row: int, columns: Sequence[str]) -> dict[str, Any]:
        """Whole values of one row, by its number: vectors as lists, all else as text."""
        given = [self.column(name) for name in columns]
        cells = [(c.cell if c.kind == "vector" else c.text, c.name) for c in given]
        found: list[dict[str, Any]] = self._pick([row], cells).to_pylist()
        if not found:
            raise InvalidInputError(f"There is no row {row:,}; there are {self.total:,}.")
        return found[0]

    def column(self, name: str) -> Column:
        """The column of that name. NotFoundError."""
        return self._selecting.column(name)

    # ------------------------------------------------------------ taking rows along

    def sql(self, view: View) -> str:
        """The view as SQL that `Lab.sql` runs."""
        self.check(view)
        return self._selecting.sql(view)

    def sql_of_rows(self, numbers: Sequence[int]) -> str:
        """The rows of these numbers as SQL: by `document_id` where that names one row each."""
        ids = None
        if any(column.name == _KEY for column in self.columns):
            name = quoted(_KEY)
            ((count,),) = self._run(f"SELECT count(DISTINCT {name}) FROM {_TABLE}")
            if count == self.total:
                ids = self._pick(numbers, [(f"{name}::VARCHAR", "id")]).column("id").to_pylist()
        return self._selecting.sql_of_rows(numbers, ids)

    def frame(self, numbers: Sequence[int] | Numbers) -> pd.DataFrame:
        """The rows of these numbers, in this order, with the query's own types.

        InvalidInputError where pandas has no such type, or no such date.
        """
        cells = [(quoted(column.name), column.name) for column in self.columns]
        table = self._pick(numbers, cells)
        try:
            frame: pd.DataFrame = table.to_pandas()
        except (pa.ArrowException, ValueError) as error:
            told = f"pandas cannot hold these rows: {error}. Cast the column in the query."
            raise InvalidInputError(told) from error
        return frame

    def texts(self, numbers: Numbers, columns: Sequence[str]) -> pa.Table:
        """The rows of these numbers as whole texts."""
        return self._pick(numbers, [(self.column(name).text, name) for name in columns])

    # ------------------------------------------------------------ plumbing

    def _fill(self, query: str) -> tuple[Column, ...]:
        statements = self._connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type.name in _WITHOUT_ROWS:
            raise InvalidInputError("The explorer takes one statement that gives rows: a SELECT.")
        numbered = f"row_number() OVER () - 1 AS {ROW}, *"
        if statements[0].type.name == "SELECT":
            rows = f"SELECT {numbered} FROM (\n{self.query}\n)"
            self._execute(f"CREATE TABLE {_TABLE} AS {rows}")
        else:  # what cannot stand in another query, and is short
            self._connection.sql(self.query).project(numbered).create(_TABLE)
        described = self._run(f"DESCRIBE {_TABLE}")
        return tuple(Column(row[0], row[1]) for row in described if row[0] != ROW)

    def _execute(self, sql: str) -> None:
        """Run what takes long so that an interrupt ends it: DuckDB itself hears of none here."""
        with ThreadPoolExecutor(1) as beside:
            task = beside.submit(self._connection.execute, sql)
            try:
                task.result()
            except KeyboardInterrupt:
                self._connection.interrupt()
                raise

    def _source(self, view: View) -> str:
        where = self._selecting.where(view)
        return f"{_TABLE} WHERE {where}" if where else _TABLE

    def _pick(self, numbers: Sequence[int] | Numbers, cells: Sequence[tuple[str, str]]) -> pa.Table:
        """Expressions over the rows of these numbers, in this order."""
        import numpy as np

        rows = np.asarray(numbers, dtype=np.int64)
        named = ", ".join(f"{sql} AS {quoted(name)}" for sql, name in cells)
        with self._telling():
            if len(rows) and (np.diff(rows) == 1).all():
                near = f"{ROW} BETWEEN {rows[0]} AND {rows[-1]} ORDER BY {ROW}"
                sql = f"SELECT {named} FROM {_TABLE} WHERE {near}"
                return self._connection.sql(sql).to_arrow_table()
            self._index()
            if len(rows) <= MOST_NAMED:
                return self._named(rows, named)
            return self._joined(rows, named)

    def _named(self, rows: Numbers, cells: str) -> pa.Table:
        """Few rows: DuckDB finds a list of numbers by its index, and joins by reading all."""
        import numpy as np

        listed = ", ".join(map(str, rows.tolist())) or "NULL"
        sql = f"SELECT {ROW}, {cells} FROM {_TABLE} WHERE {ROW} IN ({listed}) ORDER BY {ROW}"
        found = self._connection.sql(sql).to_arrow_table()
        known = found.column(ROW).to_numpy()
        places = np.searchsorted(known, rows[np.isin(rows, known)])
        return found.drop_columns([ROW]).take(pa.array(places, pa.int64()))

    def _joined(self, rows: Numbers, cells: str) -> pa.Table:
        import numpy as np

        picked = pa.table({_AT: np.arange(len(rows)), _NUMBER: rows})
        self._connection.register(_PICKED, picked)
        try:
            found = self._connection.sql(
                f"SELECT {_AT}, {cells} FROM {_TABLE} JOIN {_PICKED} ON {ROW} = {_NUMBER} "
                f"ORDER BY {_AT}"
            ).to_arrow_table()
        finally:
            self._connection.unregister(_PICKED)
        return found.drop_columns([_AT])

    def _index(self) -> None:
        if not self._is_indexed and self.total >= INDEXED_ROWS:
            self._connection.execute(f"CREATE UNIQUE INDEX _explorer_index ON {_TABLE}({ROW})")
        self._is_indexed = True

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        with self._telling():
            rows: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        return rows

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """One call at a time: a front end's questions may come on another thread than cells."""
        import duckdb

        try:
            with self._lock:
                yield
        except duckdb.ConnectionException as error:
            raise LabError("These rows were freed (`close`). Run the cell again.") from error
        except duckdb.Error as error:
            raise InvalidInputError(f"{type(error).__name__}: {error}{self._hint()}") from error


def _connect(folder: str) -> Any:
    import duckdb

    return duckdb.connect(
        f"{folder}/rows.duckdb",
        config={
            "autoinstall_known_extensions": "false",
            "temp_directory": f"{folder}/spilled",
            "memory_limit": f"{max(256, int(memory_limit_gb() * 1024 * MEMORY_SHARE))}MiB",
        },
    )


def _bare(connection: Any, query: str) -> str:
    """The query without the `;` at its end, so that it can stand in another one."""
    cut = _END.sub("", query)
    is_same = len(connection.extract_statements(query)) == len(_statements(connection, cut))
    return cut if is_same else query  # else it was a `;` inside a text


def _statements(connection: Any, query: str) -> list[Any]:
    import duckdb

    try:
        return list(connection.extract_statements(query))
    except duckdb.Error:
        return []


def _forget(connection: Any, folder: str) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)
