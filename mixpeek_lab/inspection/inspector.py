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
from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.documents import vector_names
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.inspection.columns import ORIGIN
from mixpeek_lab.inspection.fresh import LabPages, State
from mixpeek_lab.inspection.quoting import literal as literal
from mixpeek_lab.inspection.quoting import quoted
from mixpeek_lab.models import Collection
from mixpeek_lab.snapshots import DOCUMENTS, Shown, Snapshot

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


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A table of documents, as DuckDB is to make it."""

    query: str
    files: Sequence[Path]
    """What it reads."""
    tables: Mapping[str, pa.Table]
    """What the connection must know by name first."""


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
        self._known_buckets: dict[Path, list[str]] = {}

    def names(self) -> list[str]:
        """The tables there are: `documents`, the collections that were run, the catalog's."""
        return ["documents", *self._collections(), *TABLES]

    def document_views(self, sql: str) -> dict[str, DocumentView]:
        """The collections that a query may mean, and `documents`, by name."""
        lower, found = sql.lower(), self._collections()
        shown = Shown(self._catalog, self._folder)
        named, wanted = _meant(lower, found), _read(lower, found)
        views = {name: _view(wanted.index(name), shown.of(found[name])) for name in wanted}
        chosen = {name: views[name] for name in named}
        return {**chosen, "documents": _joined(views)} if "documents" in lower else chosen

    def states(self, sql: str) -> dict[str, State]:
        """The collections that a query may read, by name, as they are now."""
        found = self._collections()
        return {name: self._state(found[name]) for name in _read(sql.lower(), found)}

    def query(self, sql: str) -> Result:
        """Run one statement. InvalidInputError has DuckDB's message and the tables there are."""
        import duckdb

        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            try:
                self.register(connection, sql.lower())
                answer = connection.sql(sql)
                rows = pa.table({}) if answer is None else answer.to_arrow_table()
            except duckdb.Error as error:
                raise InvalidInputError(
                    f"{type(error).__name__}: {error}\nTables: {', '.join(self.names())}"
                ) from error
        return Result(rows, sql)

    def pages(self, sql: str) -> LabPages:
        """The rows of one statement, kept by DuckDB and read in pages. Errors as for `query`."""
        return LabPages(sql, self)

    def register(self, connection: Any, sql: str) -> None:
        """Make the tables that the query, in small letters, may mean known to the connection."""
        for name in CATALOG_TABLES:
            if name in sql:
                connection.register(name, self._catalog_table(name))
        if LLM_COSTS in sql:
            connection.register(LLM_COSTS, _llm_costs(self._catalog.table("runs")))
        for name, view in self.document_views(sql).items():
            for table, rows in view.tables.items():
                connection.register(table, rows)
            vectors = {vector for path in view.files for vector in vector_names(path)}
            query = _in_order(connection, view.query, vectors)
            connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS {query}")

    def _folder(self, collection_id: str) -> Path:
        return self._home / "collections" / collection_id

    def _state(self, collection: Collection) -> State:
        key, name = collection.collection_id, str(collection.snapshot)
        folder = self._folder(key) / name
        which = f"{key}/{name}"  # one that was deleted and made again counts from the start
        try:
            taken_in = Snapshot(folder, key).taken_in
            if self._catalog.last_change() <= taken_in:
                return State(which, 0)
            return State(which, self._catalog.changes(key, self._buckets(folder), taken_in).serial)
        except FileNotFoundError:  # another has just taken its place: the next look sees that
            return State(which, 0)

    def _buckets(self, folder: Path) -> Sequence[str]:
        """The buckets that a snapshot's documents come from, read once."""
        if folder not in self._known_buckets:
            path, column = folder / DOCUMENTS, "_bucket_id"
            has_any = column in pq.read_schema(path).names
            table = pq.read_table(path, columns=[column]) if has_any else None
            found = [] if table is None else table.column(column).unique().to_pylist()
            self._known_buckets[folder] = found
        return self._known_buckets[folder]

    def _catalog_table(self, name: str) -> pa.Table:
        columns = self._catalog.table(name)
        types = {"INTEGER": pa.int64(), "REAL": pa.float64()}
        return pa.table(
            {
                column: pa.array(values, types.get(kind, pa.string()))
                for column, (kind, values) in columns.items()
            }
        )

    def _collections(self) -> dict[str, Collection]:
        """Collections that were run, by name, but for names of other tables."""
        return {
            collection.name: collection
            for collection in self._catalog.collections()
            if collection.snapshot is not None and not is_reserved(collection.name)
        }


def _meant(sql: str, names: Iterable[str]) -> list[str]:
    """Those of the collections' names that stand in a query, in small letters."""
    return [name for name in names if name.lower() in sql or quoted(name.lower()) in sql]


def _read(sql: str, names: Iterable[str]) -> list[str]:
    """Those that a query may read: `documents` is all of them."""
    return list(names) if "documents" in sql else _meant(sql, names)


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


def _view(number: int, snapshot: Snapshot) -> DocumentView:
    """The documents that readers see. `number` tells its tables from those of other views."""
    path = snapshot.folder / DOCUMENTS
    if snapshot.changes is None:
        return DocumentView(f"SELECT * FROM {reading(path)}", [path], {})
    name = f"_mixpeek_lab_changes_{number}"
    *changed, _ = snapshot.changes.column_names
    file = pq.read_schema(path).names
    known = _told_apart([*file, *(n for n in changed if n not in file)])
    # Numbers, as DuckDB takes names for one that differ by case alone.
    put = [f"c.c{i} AS {quoted(known[n])}" for i, n in enumerate(changed) if n in file]
    new = [f", c.c{i} AS {quoted(known[n])}" for i, n in enumerate(changed) if n not in file]
    columns = f"p.* REPLACE ({', '.join(put)})" if put else "p.*"
    query = (
        f"SELECT {columns}{''.join(new)} FROM {reading(path)} p POSITIONAL JOIN {name} c "
        f"WHERE c.c{len(changed)}"
    )
    numbers = [f"c{i}" for i in range(len(changed) + 1)]
    return DocumentView(query, [path], {name: snapshot.changes.rename_columns(numbers)})


def _told_apart(names: Sequence[str]) -> dict[str, str]:
    """What DuckDB calls the columns of a file: those that differ by case alone get a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        number, own = 0, name
        while own.lower() in taken:
            number += 1
            own = f"{name}_{number}"
        taken.add(own.lower())
        found[name] = own
    return found


def _joined(views: Mapping[str, DocumentView]) -> DocumentView:
    """The documents of all collections."""
    parts = [
        f"SELECT {literal(name)} AS _collection, * FROM ({view.query})"
        for name, view in views.items()
    ]
    files = [path for view in views.values() for path in view.files]
    tables = {name: table for view in views.values() for name, table in view.tables.items()}
    return DocumentView(" UNION ALL BY NAME ".join(parts or [NO_DOCUMENTS]), files, tables)


def _in_order(connection: Any, query: str, vectors: Several[str]) -> str:
    """The query with its columns in the order that people read documents in."""
    columns = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
    columns.sort(key=lambda name: _rank(name, vectors))
    return f"SELECT {', '.join(map(quoted, columns))} FROM ({query})"


def _rank(name: str, vectors: Several[str]) -> int:
    if name in LEADING:
        return 0
    if name in vectors:
        return 2
    return 3 if name in ORIGIN else 1
