"""Reading and writing the catalog's records. One method, one statement or one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from mixpeek_lab.catalog.schema import Database
from mixpeek_lab.errors import ConflictError, NotFoundError
from mixpeek_lab.models import (
    JSON,
    Blob,
    Bucket,
    BucketObject,
    Collection,
    ComputeProfile,
    Failure,
    Feature,
    IndexSettings,
    Manifest,
    RunReport,
)
from mixpeek_lab.source import ExtractorSource


@dataclass(frozen=True, slots=True)
class ExtractorRecord:
    """One content-addressed version of an extractor."""

    source: ExtractorSource
    manifest: Manifest
    created_at: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class RetrieverRecord:
    """A stored retriever: its id, name and JSON body."""

    retriever_id: str
    name: str
    body: Mapping[str, JSON]
    created_at: str


@dataclass(frozen=True, slots=True)
class InputRow:
    """One blob as a run sees it."""

    object_id: str
    blob_id: str
    property: str
    type: str
    data: str
    mime_type: str
    content_hash: str
    size_bytes: int
    metadata: str
    metadata_hash: str


def now() -> str:
    """The time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id(prefix: str) -> str:
    """A fresh id: `bkt_1f0c…`."""
    return f"{prefix}_{uuid4().hex[:16]}"


class Catalog:
    """The records of one lab, kept at `path`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def close(self) -> None:
        """Close this thread's connection."""
        self._database.close()

    # ------------------------------------------------------------ extractors

    def put_extractor(self, source: ExtractorSource, manifest: Manifest) -> None:
        """Keep `source` and make it the current version of its name."""
        with self._database.transaction() as sql:
            sql.execute("UPDATE extractors SET is_current = 0 WHERE name = ?", (manifest.name,))
            sql.execute(
                "INSERT INTO extractors VALUES (?, ?, ?, ?, ?, ?, 1) "
                "ON CONFLICT (name, digest) DO UPDATE SET is_current = 1",
                (
                    manifest.name,
                    manifest.version,
                    source.digest,
                    json.dumps([source.name, source.files]),
                    json.dumps(asdict(manifest)),
                    now(),
                ),
            )

    def extractor(
        self, name: str, *, version: str | None = None, digest: str | None = None
    ) -> ExtractorRecord:
        """The current one, or the newest with that `version`, or the one with that `digest`."""
        query, values = "SELECT * FROM extractors WHERE name = ?", [name]
        if version is not None:
            query, values = query + " AND version = ?", [*values, version]
        if digest is not None:
            query, values = query + " AND digest = ?", [*values, digest]
        row = self._one(query + " ORDER BY is_current DESC, rowid DESC LIMIT 1", *values)
        if row is None:
            label = name + (f"@{version}" if version else "")
            raise NotFoundError("extractor", label, self._names("extractors"))
        return _extractor(row)

    def extractors(self) -> list[ExtractorRecord]:
        """The current version of each extractor, by name."""
        query = "SELECT * FROM extractors WHERE is_current = 1 ORDER BY name"
        return [_extractor(row) for row in self._all(query)]

    # ------------------------------------------------------------ buckets

    def create_bucket(self, name: str, schema: Mapping[str, str]) -> Bucket:
        """A new, empty bucket; ConflictError where the name is taken."""
        bucket = Bucket(new_id("bkt"), name, dict(schema), now())
        with self._unique("bucket", name), self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO buckets VALUES (?, ?, ?, ?)",
                (bucket.bucket_id, name, json.dumps(schema), bucket.created_at),
            )
        return bucket

    def set_schema(self, bucket: Bucket, schema: Mapping[str, str]) -> Bucket:
        """Replace the bucket's schema."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE buckets SET schema = ? WHERE bucket_id = ?",
                (json.dumps(schema), bucket.bucket_id),
            )
        return replace(bucket, schema=dict(schema))

    def bucket(self, name_or_id: str) -> Bucket:
        """The bucket of that name or id."""
        row = self._one(
            "SELECT *, (SELECT count(*) FROM objects o WHERE o.bucket_id = b.bucket_id) AS n "
            "FROM buckets b WHERE name = ? OR bucket_id = ?",
            name_or_id,
            name_or_id,
        )
        if row is None:
            raise NotFoundError("bucket", name_or_id, self._names("buckets"))
        return _bucket(row)

    def buckets(self) -> list[Bucket]:
        """All buckets, by name."""
        query = (
            "SELECT *, (SELECT count(*) FROM objects o WHERE o.bucket_id = b.bucket_id) AS n "
            "FROM buckets b ORDER BY name"
        )
        return [_bucket(row) for row in self._all(query)]

    def put_objects(
        self, bucket: Bucket, objects: Iterable[BucketObject], hashes: Iterable[str], *, prune: bool
    ) -> None:
        """Add or replace objects, in one transaction. `hashes` are of their metadata.

        `prune` removes the bucket's objects that are not among them.
        """
        stamp = now()
        with self._database.transaction() as sql:
            kept = [
                _put_object(sql, bucket.bucket_id, ordinal, item, digest, stamp)
                for ordinal, (item, digest) in enumerate(zip(objects, hashes, strict=True))
            ]
            if prune:
                sql.execute("CREATE TEMP TABLE IF NOT EXISTS kept (object_id TEXT PRIMARY KEY)")
                sql.execute("DELETE FROM kept")
                sql.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((key,) for key in kept))
                sql.execute(
                    "DELETE FROM objects WHERE bucket_id = ? "
                    "AND object_id NOT IN (SELECT object_id FROM kept)",
                    (bucket.bucket_id,),
                )

    def iter_input(self, bucket_id: str, types: Iterable[str] = ()) -> Iterator[InputRow]:
        """The bucket's blobs in the order they were put, of the given blob types (all if none)."""
        wanted = tuple(types)
        clause = f" AND b.type IN ({', '.join('?' * len(wanted))})" if wanted else ""
        query = (
            "SELECT b.object_id, b.blob_id, b.property, b.type, b.data, b.mime_type, "
            "b.content_hash, b.size_bytes, o.metadata, o.metadata_hash "
            "FROM objects o JOIN blobs b USING (bucket_id, object_id) "
            f"WHERE o.bucket_id = ?{clause} ORDER BY o.ordinal, o.object_id, b.property"
        )
        for row in self._database.connection.execute(query, (bucket_id, *wanted)):
            yield InputRow(*row)

    # ------------------------------------------------------------ collections

    def create_collection(self, collection: Collection) -> Collection:
        """Keep a new collection; ConflictError where the name is taken."""
        with self._unique("collection", collection.name), self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO collections VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 0)",
                (
                    collection.collection_id,
                    collection.name,
                    collection.bucket_id,
                    collection.extractor,
                    collection.extractor_version,
                    collection.extractor_digest,
                    json.dumps(dict(collection.parameters)),
                    json.dumps(asdict(collection.settings)),
                    collection.created_at,
                ),
            )
        return collection

    def collection(self, name_or_id: str) -> Collection:
        """The collection of that name or id."""
        row = self._one(
            "SELECT * FROM collections WHERE name = ? OR collection_id = ?", name_or_id, name_or_id
        )
        if row is None:
            raise NotFoundError("collection", name_or_id, self._names("collections"))
        return _collection(row)

    def collections(self) -> list[Collection]:
        """All collections, by name."""
        return [_collection(row) for row in self._all("SELECT * FROM collections ORDER BY name")]

    # ------------------------------------------------------------ runs

    def start_run(self, run_id: str, collection_id: str) -> None:
        """Note that a run began."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO runs VALUES (?, ?, 'running', ?, NULL, NULL)",
                (run_id, collection_id, now()),
            )

    def finish_run(
        self, report: RunReport, collection: Collection | None, failures: Iterable[Failure]
    ) -> None:
        """Record the run's end and, where `collection` is given, show its new snapshot.

        One transaction: readers see the old snapshot with the run open, or the new one with
        the run closed.
        """
        body = {k: v for k, v in asdict(report).items() if k != "failures"}
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE runs SET state = ?, finished_at = ?, report = ? WHERE run_id = ?",
                (report.state, now(), json.dumps(body), report.run_id),
            )
            sql.executemany(
                "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (report.run_id, f.object_id, f.document_id, f.step, f.kind, f.message, f.where)
                    for f in failures
                ),
            )
            if collection is not None:
                sql.execute(
                    "UPDATE collections SET snapshot = ?, document_count = ?, "
                    "extractor_version = ?, extractor_digest = ?, parameters = ?, settings = ? "
                    "WHERE collection_id = ?",
                    (
                        collection.snapshot,
                        collection.document_count,
                        collection.extractor_version,
                        collection.extractor_digest,
                        json.dumps(dict(collection.parameters)),
                        json.dumps(asdict(collection.settings)),
                        collection.collection_id,
                    ),
                )

    def mark_lost_runs(self) -> int:
        """Close the runs that a dead process left open. Call once, at start. Returns how many."""
        with self._database.transaction() as sql:
            return sql.execute(
                "UPDATE runs SET state = 'interrupted', finished_at = ? WHERE state = 'running'",
                (now(),),
            ).rowcount

    def rows(self, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """A whole table, for inspection: column names and rows in insertion order."""
        cursor = self._database.connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
        return [column[0] for column in cursor.description], [tuple(row) for row in cursor]

    # ------------------------------------------------------------ retrievers

    def put_retriever(self, name: str, body: Mapping[str, JSON]) -> RetrieverRecord:
        """Keep a retriever; one of the same name is replaced and keeps its id."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO retrievers VALUES (?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                (new_id("ret"), name, json.dumps(body), now()),
            )
        return self.retriever(name)

    def retriever(self, name_or_id: str) -> RetrieverRecord:
        """The retriever of that name or id."""
        row = self._one(
            "SELECT * FROM retrievers WHERE name = ? OR retriever_id = ?", name_or_id, name_or_id
        )
        if row is None:
            raise NotFoundError("retriever", name_or_id, self._names("retrievers"))
        return _retriever(row)

    def retrievers(self) -> list[RetrieverRecord]:
        """All retrievers, by name."""
        return [_retriever(row) for row in self._all("SELECT * FROM retrievers ORDER BY name")]

    def delete_retriever(self, name_or_id: str) -> None:
        """Forget a retriever."""
        found = self.retriever(name_or_id)
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM retrievers WHERE retriever_id = ?", (found.retriever_id,))

    # ------------------------------------------------------------ plumbing

    def _one(self, query: str, *values: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.connection.execute(query, values).fetchone()
        return row

    def _all(self, query: str) -> list[sqlite3.Row]:
        return self._database.connection.execute(query).fetchall()

    def _names(self, table: str) -> list[str]:
        return [row[0] for row in self._all(f"SELECT DISTINCT name FROM {table}")]

    def _unique(self, kind: str, name: str) -> _NameTaken:
        return _NameTaken(kind, name)


class _NameTaken:
    """Turns SQLite's uniqueness failure into a ConflictError with a remedy."""

    def __init__(self, kind: str, name: str) -> None:
        self._kind, self._name = kind, name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.IntegrityError):
            raise ConflictError(
                f"There is a {self._kind} called {self._name!r} already. Use it, or take a new name."
            ) from error


def _put_object(
    sql: sqlite3.Connection, bucket_id: str, ordinal: int, item: BucketObject, digest: str, at: str
) -> str:
    sql.execute(
        "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (bucket_id, object_id) DO UPDATE "
        "SET ordinal = excluded.ordinal, metadata = excluded.metadata, "
        "metadata_hash = excluded.metadata_hash, updated_at = excluded.updated_at",
        (item.object_id, bucket_id, ordinal, json.dumps(dict(item.metadata)), digest, at),
    )
    sql.execute(
        "DELETE FROM blobs WHERE bucket_id = ? AND object_id = ?", (bucket_id, item.object_id)
    )
    sql.executemany(
        "INSERT INTO blobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (b.blob_id, bucket_id, item.object_id, b.property, b.type, b.data, b.mime_type,
             b.content_hash, b.size_bytes)
            for b in item.blobs
        ),
    )  # fmt: skip
    return item.object_id


def _extractor(row: sqlite3.Row) -> ExtractorRecord:
    name, files = json.loads(row["files"])
    source = ExtractorSource(name, tuple((path, text) for path, text in files))
    return ExtractorRecord(
        source, _manifest(json.loads(row["manifest"])), row["created_at"], bool(row["is_current"])
    )


def _manifest(body: dict[str, Any]) -> Manifest:
    features = tuple(Feature(**{**f, "labels": tuple(f["labels"])}) for f in body.pop("features"))
    profile = ComputeProfile(**body.pop("compute_profile"))
    lists = ("supported_input_types", "dependencies", "system_packages")
    values = {key: tuple(value) if key in lists else value for key, value in body.items()}
    return Manifest(features=features, compute_profile=profile, **values)


def _bucket(row: sqlite3.Row) -> Bucket:
    schema = json.loads(row["schema"])
    return Bucket(row["bucket_id"], row["name"], schema, row["created_at"], row["n"])


def _collection(row: sqlite3.Row) -> Collection:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["parameters"] = json.loads(values["parameters"])
    values["settings"] = IndexSettings(**json.loads(values["settings"]))
    return Collection(**values)


def _retriever(row: sqlite3.Row) -> RetrieverRecord:
    return RetrieverRecord(
        row["retriever_id"], row["name"], json.loads(row["body"]), row["created_at"]
    )
