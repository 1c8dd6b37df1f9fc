"""SQL over what the lab made: DuckDB reads the documents' Parquet files and the catalog.

Tables: each collection under its name, `documents` (all of them, with a `_collection` column),
`extractors`, `buckets`, `objects`, `blobs`, `collections`, `runs`, `failures`, `retrievers`,
`tasks`, `deployments` and `uploads` (what was asked for over HTTP), and `llm_costs`: what each run
asked of each language model.
A document's columns stand in this order: `document_id`, `data`, what the processor and the user
gave, vectors, and last where the document comes from (`object_id` … `_row_key`).
DuckDB owns no file: every query opens a fresh connection in memory and only what it names.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.documents import vector_names
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.inspection.columns import ORIGIN
from mixpeek_lab.inspection.pages import Pages
from mixpeek_lab.inspection.quoting import literal as literal
from mixpeek_lab.inspection.quoting import quoted

if TYPE_CHECKING:
    import pandas as pd

CATALOG_TABLES = (
    "extractors", "buckets", "objects", "blobs", "collections", "runs", "failures", "retrievers",
    "tasks", "deployments", "uploads",
)  # fmt: skip

LLM_COSTS = "llm_costs"
TABLES = (*CATALOG_TABLES, LLM_COSTS)
"""Tables that are there whatever was run."""
LLM_COSTS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("run_id", "collection_id", "provider", "model")),
        *((name, pa.int64()) for name in ("answered", "cached", "failed", "unpriced")),
        *((name, pa.int64()) for name in ("input_tokens", "output_tokens")),
        ("cost", pa.float64()),
    ]
)

LEADING = ("_collection", "document_id", "data")

NO_DOCUMENTS = (
    "SELECT NULL::TEXT AS _collection, NULL::TEXT AS document_id, NULL::TEXT AS object_id, "
    "NULL::TEXT AS data LIMIT 0"
)
"""What `documents` is before the first run."""


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
        """The tables there are: `documents`, the collections that were run, the catalog's."""
        return ["documents", *self._files(), *TABLES]

    def document_views(self, sql: str) -> dict[str, tuple[str, list[Path]]]:
        """The collections that a query may mean, and `documents`: name → (SELECT …, its files)."""
        lower, files = sql.lower(), self._files()
        views = {
            name: (f"SELECT * FROM {reading(path)}", [path])
            for name, path in files.items()
            if name.lower() in lower or quoted(name.lower()) in lower
        }
        if "documents" in lower:
            parts = [
                f"SELECT {literal(name)} AS _collection, * FROM {reading(path)}"
                for name, path in files.items()
            ]
            every = " UNION ALL BY NAME ".join(parts or [NO_DOCUMENTS])
            views["documents"] = (every, list(files.values()))
        return views

    def query(self, sql: str) -> Result:
        """Run one statement. InvalidInputError has DuckDB's message and the tables there are."""
        import duckdb

        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            try:
                self._register(connection, sql.lower())
                answer = connection.sql(sql)
                rows = pa.table({}) if answer is None else answer.to_arrow_table()
            except duckdb.Error as error:
                raise InvalidInputError(
                    f"{type(error).__name__}: {error}\nTables: {', '.join(self.names())}"
                ) from error
        return Result(rows, sql)

    def pages(self, sql: str) -> Pages:
        """The rows of one statement, kept by DuckDB and read in pages. Errors as for `query`."""
        return Pages(
            sql,
            lambda connection, text: self._register(connection, text.lower()),
            lambda: f"\nTables: {', '.join(self.names())}",
        )

    def _register(self, connection: Any, sql: str) -> None:
        """Make the tables that the query may mean known to the connection."""
        for name in CATALOG_TABLES:
            if name in sql:
                connection.register(name, self._catalog_table(name))
        if LLM_COSTS in sql:
            connection.register(LLM_COSTS, _llm_costs(self._catalog.table("runs")))
        files = self._files()
        for name, path in files.items():
            if name.lower() in sql or quoted(name.lower()) in sql:
                query = _in_order(connection, f"FROM {reading(path)}", vector_names(path))
                connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS {query}")
        if "documents" in sql:
            parts = [
                f"SELECT {literal(name)} AS _collection, * FROM {reading(path)}"
                for name, path in files.items()
            ]
            vectors = {vector for path in files.values() for vector in vector_names(path)}
            every = " UNION ALL BY NAME ".join(parts or [NO_DOCUMENTS])
            query = _in_order(connection, every, vectors)
            connection.execute(f"CREATE VIEW documents AS {query}")

    def _catalog_table(self, name: str) -> pa.Table:
        columns = self._catalog.table(name)
        types = {"INTEGER": pa.int64(), "REAL": pa.float64()}
        return pa.table(
            {
                column: pa.array(values, types.get(kind, pa.string()))
                for column, (kind, values) in columns.items()
            }
        )

    def _files(self) -> dict[str, Path]:
        """Collections that were run, but for names of other tables → their documents' file."""
        found = {}
        for collection in self._catalog.collections():
            if collection.snapshot is None or is_reserved(collection.name):
                continue
            folder = self._home / "collections" / collection.collection_id
            found[collection.name] = folder / str(collection.snapshot) / "documents.parquet"
        return found


def is_reserved(name: str) -> bool:
    """Whether SQL knows a table of this name that is no collection."""
    return name.lower() in ("documents", *TABLES)


def _llm_costs(runs: Mapping[str, tuple[str, list[Any]]]) -> pa.Table:
    """One row for each model that a run asked; `cost` in US dollars, null where it is not known."""
    rows = []
    columns = (runs[name][1] for name in ("run_id", "collection_id", "report"))
    for run_id, collection_id, report in zip(*columns, strict=True):
        for name, counts in json.loads(report or "{}").get("llm", {}).items():
            provider, _, model = name.partition("/")
            known = None if counts["unpriced"] else counts["cost"]
            about = {"run_id": run_id, "collection_id": collection_id}
            rows.append({**about, "provider": provider, "model": model, **counts, "cost": known})
    return pa.Table.from_pylist(rows, schema=LLM_COSTS_SCHEMA)


def reading(path: Path) -> str:
    """The file as a table: neither a pattern nor partitioned data, whatever its path looks like."""
    return f"read_parquet({literal(glob.escape(str(path)))}, hive_partitioning=false)"


def _in_order(connection: Any, query: str, vectors: Collection[str]) -> str:
    """The query with its columns in the order that people read documents in."""
    columns = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
    columns.sort(key=lambda name: _rank(name, vectors))
    return f"SELECT {', '.join(map(quoted, columns))} FROM ({query})"


def _rank(name: str, vectors: Collection[str]) -> int:
    if name in LEADING:
        return 0
    if name in vectors:
        return 2
    return 3 if name in ORIGIN else 1
