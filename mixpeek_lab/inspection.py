"""SQL over what the lab made: DuckDB reads the documents' Parquet files and the catalog.

Tables: each collection under its name, `documents` (all of them, with a `_collection` column),
`extractors`, `buckets`, `objects`, `blobs`, `collections`, `runs`, `failures`, `retrievers`.
DuckDB owns no file: every query opens a fresh connection in memory and only what it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

CATALOG_TABLES = (
    "extractors", "buckets", "objects", "blobs", "collections", "runs", "failures", "retrievers",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """The rows of a query, as Arrow; a page of them at a time, or all as a DataFrame."""

    table: pa.Table
    query: str

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def to_pandas(self) -> pd.DataFrame:
        """All rows as a DataFrame."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def page(self, number: int = 1, size: int = 20) -> pa.Table:
        """Rows `(number - 1) * size` and on; pages count from 1."""
        return self.table.slice((number - 1) * size, size)

    @cached_property
    def column_names(self) -> list[str]:
        """The columns."""
        names: list[str] = self.table.column_names
        return names


class Inspector:
    """Answers SQL over one lab's home."""

    def __init__(self, catalog: Catalog, home: Path) -> None:
        self._catalog, self._home = catalog, home

    def names(self) -> list[str]:
        """The tables there are."""
        return ["documents", *(c.name for c in self._catalog.collections()), *CATALOG_TABLES]

    def query(self, sql: str) -> Result:
        """Run one statement. InvalidInputError carries DuckDB's message and the tables there are."""
        import duckdb

        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            self._register(connection, sql.lower())
            try:
                table = connection.sql(sql)
                rows = pa.table({}) if table is None else table.to_arrow_table()
            except duckdb.Error as error:
                raise InvalidInputError(
                    f"{type(error).__name__}: {error}\nTables: {', '.join(self.names())}"
                ) from error
        return Result(rows, sql)

    def _register(self, connection: Any, sql: str) -> None:
        """Make the tables that the query may mean known to the connection."""
        for name in CATALOG_TABLES:
            if name in sql:
                columns, rows = self._catalog.rows(name)
                values = list(zip(*rows, strict=True)) or [()] * len(columns)
                arrays = [pa.array(list(column)) for column in values]
                connection.register(name, pa.table(arrays, names=columns))
        files = dict(self._documents())
        for name, path in files.items():
            if name.lower() in sql:
                connection.execute(f"CREATE VIEW {_quoted(name)} AS FROM {_literal(path)}")
        if "documents" in sql and files and "documents" not in files:
            parts = [
                f"SELECT {_literal(name)} AS _collection, * FROM {_literal(path)}"
                for name, path in files.items()
            ]
            connection.execute(f"CREATE VIEW documents AS {' UNION ALL BY NAME '.join(parts)}")

    def _documents(self) -> Iterator[tuple[str, str]]:
        for collection in self._catalog.collections():
            if collection.snapshot is not None:
                folder = self._home / "collections" / collection.collection_id
                yield collection.name, str(folder / str(collection.snapshot) / "documents.parquet")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
