"""What the catalog holds, piece by piece: a bucket's objects, versions, and how they go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixpeek_lab.catalog.commits import CommitRecords
from mixpeek_lab.catalog.derived import DerivedRecords
from mixpeek_lab.catalog.edits import note_change
from mixpeek_lab.catalog.objects import known_objects, put_object
from mixpeek_lab.catalog.records import ExtractorRecord, to_extractor
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON, Blob, Bucket, BucketObject, Failure


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """A bucket's object and when it was last written."""

    object: BucketObject
    updated_at: str
    ordinal: int = 0
    """Where it comes in its bucket."""


IS_COMMITTED = (
    "EXISTS (SELECT 1 FROM commits c "
    "WHERE c.name = e.name AND c.version = e.version AND c.digest = e.digest)"
)
"""SQL: whether the contents `e` are what was committed as their version."""


class ContentRecords(CommitRecords, DerivedRecords):
    """Objects one by one, all versions of extractors, and what is deleted."""

    # ------------------------------------------------------------ objects

    def add_objects(
        self, bucket_id: str, objects: Sequence[BucketObject], hashes: Sequence[str]
    ) -> None:
        """Add or replace some objects, in one transaction; new ones come last. See put_objects."""
        with self._database.transaction() as sql:
            known = known_objects(sql, bucket_id, [item.object_id for item in objects])
            query = "SELECT coalesce(max(ordinal), -1) FROM objects WHERE bucket_id = ?"
            last: int = sql.execute(query, (bucket_id,)).fetchone()[0]
            for position, (item, digest) in enumerate(zip(objects, hashes, strict=True), 1):
                old = known.get(item.object_id)
                ordinal = old.ordinal if old else last + position
                put_object(sql, bucket_id, ordinal, item, digest, old)
                if old is not None and old.metadata_hash != digest:
                    note_change(sql, bucket_id, item.object_id)

    def objects(
        self, bucket_id: str, offset: int = 0, limit: int = -1,
        after: tuple[int, str] | None = None,
    ) -> list[ObjectRecord]:  # fmt: skip
        """The bucket's objects in the order they came; `limit` of them (all).

        `after`: those behind the object of that id, or behind that ordinal where it is gone.
        """
        rows = self._database.connection.execute(
            "SELECT object_id, metadata, updated_at, ordinal FROM objects WHERE bucket_id = ? "
            "AND (ordinal, object_id) > (coalesce((SELECT o.ordinal FROM objects o "
            "WHERE o.bucket_id = ? AND o.object_id = ?), ?), ?) "
            "ORDER BY ordinal, object_id LIMIT ? OFFSET ?",
            (bucket_id, bucket_id, after[1] if after else "", after[0] if after else -1,
             after[1] if after else "", limit, offset),
        ).fetchall()  # fmt: skip
        return [self._object(bucket_id, *row) for row in rows]

    def object(self, bucket_id: str, object_id: str) -> ObjectRecord:
        """One object of a bucket."""
        query = "SELECT object_id, metadata, updated_at FROM objects "
        row = self._one(query + "WHERE bucket_id = ? AND object_id = ?", bucket_id, object_id)
        if row is None:
            near = self._database.connection.execute(
                "SELECT object_id FROM objects WHERE bucket_id = ? ORDER BY ordinal LIMIT 9",
                (bucket_id,),
            )
            raise NotFoundError("object", object_id, [found[0] for found in near])
        return self._object(bucket_id, *row)

    def unknown_objects(self, bucket_id: str, object_ids: Sequence[str]) -> list[str]:
        """Those of the ids that the bucket does not have."""
        query = "SELECT 1 FROM objects WHERE bucket_id = ? AND object_id = ?"
        return [key for key in object_ids if self._one(query, bucket_id, key) is None]

    def delete_object(self, bucket_id: str, object_id: str) -> None:
        """Remove one object with its blobs."""
        self.object(bucket_id, object_id)
        with self._database.transaction() as sql:
            sql.execute(
                "DELETE FROM objects WHERE bucket_id = ? AND object_id = ?", (bucket_id, object_id)
            )
            note_change(sql, bucket_id, object_id, is_gone=True)

    def _object(
        self, bucket_id: str, object_id: str, metadata: str, updated_at: str, ordinal: int = 0
    ) -> ObjectRecord:
        rows = self._database.connection.execute(
            "SELECT blob_id, property, type, data, mime_type, content_hash, size_bytes FROM blobs "
            "WHERE bucket_id = ? AND object_id = ? ORDER BY property",
            (bucket_id, object_id),
        )
        blobs = tuple(Blob(*row) for row in rows)
        return ObjectRecord(
            BucketObject(object_id, bucket_id, blobs, json.loads(metadata)), updated_at, ordinal
        )

    # ------------------------------------------------------------ extractors

    def versions(self, name: str | None = None) -> list[ExtractorRecord]:
        """One record for each version of each extractor, by name, newest last.

        Where several contents have one version, the committed one's, else the current one's, else
        the newest's.
        """
        query = f"SELECT *, {IS_COMMITTED} AS c FROM extractors e ORDER BY name, is_current, rowid"
        found: dict[tuple[str, str], ExtractorRecord] = {}
        committed = set()
        for row in self._all(query):
            key = row["name"], row["version"]
            if key not in committed:
                found[key] = to_extractor(row)
            if row["c"]:
                committed.add(key)
        return [record for key, record in found.items() if name in (None, key[0])]

    def contents(self, name: str, version: str) -> list[ExtractorRecord]:
        """Everything that was kept as this version, oldest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM extractors WHERE name = ? AND version = ? ORDER BY rowid",
            (name, version),
        )
        return [to_extractor(row) for row in rows.fetchall()]

    def delete_version(self, name: str, version: str) -> None:
        """Forget all contents of a version; the newest of those left becomes current."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM extractors WHERE name = ? AND version = ?", (name, version))
            self._forget_commit(sql, name, version)
            sql.execute(
                "UPDATE extractors SET is_current = 1 WHERE rowid = "
                "(SELECT max(rowid) FROM extractors WHERE name = ?) AND NOT EXISTS "
                "(SELECT 1 FROM extractors WHERE name = ? AND is_current)",
                (name, name),
            )

    # ------------------------------------------------------------ buckets, collections

    def size_of_bucket(self, bucket_id: str) -> int:
        """Bytes of its blobs, together."""
        row = self._one(
            "SELECT coalesce(sum(size_bytes), 0) FROM blobs WHERE bucket_id = ?", bucket_id
        )
        return int(row[0]) if row else 0

    def update_bucket(self, bucket: Bucket) -> None:
        """Write its name, schema and details. ConflictError where the name is taken."""
        with self._unique("bucket", bucket.name), self._database.transaction() as sql:
            sql.execute(
                "UPDATE buckets SET name = ?, schema = ?, details = ? WHERE bucket_id = ?",
                (bucket.name, json.dumps(dict(bucket.schema)), json.dumps(dict(bucket.details)),
                 bucket.bucket_id),
            )  # fmt: skip

    def describe_collection(self, collection_id: str, details: Mapping[str, JSON]) -> None:
        """Write what is said of a collection beside what it is made of."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE collections SET details = ? WHERE collection_id = ?",
                (json.dumps(dict(details)), collection_id),
            )

    def delete_bucket(self, bucket_id: str) -> None:
        """Remove a bucket with its objects. ConflictError where a collection is made of it."""
        with self._database.transaction() as sql:
            self.demand_unread("bucket", bucket_id)
            sql.execute("DELETE FROM buckets WHERE bucket_id = ?", (bucket_id,))
            sql.execute("DELETE FROM document_changes WHERE scope = ?", (bucket_id,))

    def delete_collection(self, collection_id: str) -> None:
        """Forget a collection, its runs and tasks. ConflictError where another is made of it."""
        with self._database.transaction() as sql:
            self.demand_unread("collection", collection_id)
            for table in ("collections", "runs", "tasks", "document_edits"):
                sql.execute(f"DELETE FROM {table} WHERE collection_id = ?", (collection_id,))
            sql.execute("DELETE FROM document_changes WHERE scope = ?", (collection_id,))

    def failures(self, run_id: str, limit: int = -1) -> list[Failure]:
        """The rows that failed in a run; `limit` of them (all)."""
        rows = self._database.connection.execute(
            "SELECT object_id, document_id, step, kind, message, place FROM failures "
            "WHERE run_id = ? ORDER BY rowid LIMIT ?",
            (run_id, limit),
        )
        return [Failure(*row) for row in rows]
