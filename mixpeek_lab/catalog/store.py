"""Reading and writing the catalog's records. One method, one statement or one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from mixpeek_lab.catalog.batches import BatchRecords
from mixpeek_lab.catalog.blob_uploads import BlobUploadRecords
from mixpeek_lab.catalog.changes import ChangeRecords
from mixpeek_lab.catalog.contents import IS_COMMITTED, ContentRecords
from mixpeek_lab.catalog.deployments import DeploymentRecords
from mixpeek_lab.catalog.edits import EditRecords
from mixpeek_lab.catalog.evaluations import EvaluationRecords
from mixpeek_lab.catalog.interactions import InteractionRecords
from mixpeek_lab.catalog.namespaces import NamespaceRecords
from mixpeek_lab.catalog.objects import known_objects, put_object
from mixpeek_lab.catalog.pushes import PushRecords
from mixpeek_lab.catalog.records import (
    ExtractorRecord,
    InputRow,
    RetrieverRecord,
    new_id,
    now,
    to_bucket,
    to_extractor,
    to_retriever,
)
from mixpeek_lab.catalog.request_keys import RequestKeyRecords
from mixpeek_lab.catalog.runs import RunRecords
from mixpeek_lab.catalog.tasks import TaskRecords
from mixpeek_lab.catalog.uploads import UploadRecords
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import (
    JSON,
    Bucket,
    BucketObject,
    Manifest,
)
from mixpeek_lab.source import ExtractorSource


class Catalog(
    RunRecords,
    ContentRecords,
    TaskRecords,
    UploadRecords,
    DeploymentRecords,
    NamespaceRecords,
    BatchRecords,
    EditRecords,
    ChangeRecords,
    RequestKeyRecords,
    BlobUploadRecords,
    InteractionRecords,
    EvaluationRecords,
    PushRecords,
):
    """The records of one lab, kept at `path`."""

    def table(self, name: str) -> dict[str, tuple[str, list[Any]]]:
        """A whole table, for inspection: column → its SQL type and its values, in order."""
        sql = self._database.connection
        kinds = {row["name"]: row["type"] for row in sql.execute(f"PRAGMA table_info({name})")}
        rows = sql.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall()
        return {column: (kind, [row[column] for row in rows]) for column, kind in kinds.items()}

    @property
    def version(self) -> tuple[int, int, int]:
        """Equal on one thread for as long as nothing was written: for what each query reads."""
        return self._database.version

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
        """The current one, or what `version` stands for, or the one with that `digest`.

        A version is what was committed as it; before that, the current one's or the newest's.
        """
        query, values = "SELECT * FROM extractors e WHERE name = ?", [name]
        if version is not None:
            query, values = query + " AND version = ?", [*values, version]
        if digest is not None:
            query, values = query + " AND digest = ?", [*values, digest]
        first = f"{IS_COMMITTED} DESC, " if version is not None else ""
        row = self._one(f"{query} ORDER BY {first}is_current DESC, e.rowid DESC LIMIT 1", *values)
        if row is None:
            raise self._no_extractor(name, version)
        return to_extractor(row)

    def _no_extractor(self, name: str, version: str | None) -> NotFoundError:
        """Names the versions there are, where only the version is wrong."""
        there = [record.manifest.version for record in self.versions(name)] if version else []
        if not there:
            label = name + (f"@{version}" if version else "")
            return NotFoundError("extractor", label, self._names("extractors"))
        there.sort(key=lambda one: [int(part) for part in one.split(".")])
        known = [f"{name}@{one}" for one in there]
        fix = f"Its versions: {', '.join(there[-8:])}."
        return NotFoundError("extractor", f"{name}@{version}", known, fix)

    def extractors(self) -> list[ExtractorRecord]:
        """The current version of each extractor, by name."""
        query = "SELECT * FROM extractors WHERE is_current = 1 ORDER BY name"
        return [to_extractor(row) for row in self._all(query)]

    # ------------------------------------------------------------ buckets

    def create_bucket(
        self, name: str, schema: Mapping[str, str], details: Mapping[str, JSON] | None = None
    ) -> Bucket:
        """A new, empty bucket; ConflictError where the name is taken."""
        bucket = Bucket(new_id("bkt"), name, dict(schema), now(), details=dict(details or {}))
        with self._unique("bucket", name), self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO buckets VALUES (?, ?, ?, ?, ?)",
                (
                    bucket.bucket_id,
                    name,
                    json.dumps(dict(schema)),
                    bucket.created_at,
                    json.dumps(dict(bucket.details)),
                ),
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
        return to_bucket(row)

    def buckets(self) -> list[Bucket]:
        """All buckets, by name."""
        query = (
            "SELECT *, (SELECT count(*) FROM objects o WHERE o.bucket_id = b.bucket_id) AS n "
            "FROM buckets b ORDER BY name"
        )
        return [to_bucket(row) for row in self._all(query)]

    def put_objects(
        self, bucket: Bucket, objects: Iterable[BucketObject], hashes: Iterable[str], *, prune: bool
    ) -> None:
        """Add or replace objects, in one transaction. `hashes` are of their metadata.

        Objects that are as they were stay untouched. `prune` removes the bucket's objects that
        are not among these, and takes their order; without it new ones come after those there.
        """
        with self._database.transaction() as sql:
            known = known_objects(sql, bucket.bucket_id)
            first = 0 if prune else 1 + max((k.ordinal for k in known.values()), default=-1)
            kept = set()
            for position, (item, digest) in enumerate(zip(objects, hashes, strict=True)):
                old = known.get(item.object_id)
                ordinal = old.ordinal if old and not prune else first + position
                put_object(sql, bucket.bucket_id, ordinal, item, digest, old)
                kept.add(item.object_id)
            if prune:
                sql.executemany(
                    "DELETE FROM objects WHERE bucket_id = ? AND object_id = ?",
                    ((bucket.bucket_id, key) for key in known if key not in kept),
                )

    def count_blobs(self, bucket_id: str) -> dict[str, int]:
        """Blob type → how many blobs of it the bucket holds."""
        rows = self._database.connection.execute(
            "SELECT type, count(*) AS n FROM blobs WHERE bucket_id = ? GROUP BY type", (bucket_id,)
        )
        return {row["type"]: row["n"] for row in rows}

    def iter_input(
        self, bucket_id: str, types: Iterable[str] = (), properties: Iterable[str] = ()
    ) -> Iterator[InputRow]:
        """The bucket's blobs in the order they were put: of these types and properties (all)."""
        wanted, named = tuple(types), tuple(properties)
        clause = f" AND b.type IN ({', '.join('?' * len(wanted))})" if wanted else ""
        clause += f" AND b.property IN ({', '.join('?' * len(named))})" if named else ""
        query = (
            "SELECT b.object_id, b.blob_id, b.property, b.type, b.data, b.mime_type, "
            "b.content_hash, b.size_bytes, o.metadata, o.metadata_hash, o.bucket_id "
            "FROM objects o JOIN blobs b USING (bucket_id, object_id) "
            f"WHERE o.bucket_id = ?{clause} ORDER BY o.ordinal, o.object_id, b.property"
        )
        for row in self._database.connection.execute(query, (bucket_id, *wanted, *named)):
            yield InputRow(*row)

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
        return to_retriever(row)

    def retrievers(self) -> list[RetrieverRecord]:
        """All retrievers, by name."""
        return [to_retriever(row) for row in self._all("SELECT * FROM retrievers ORDER BY name")]

    def delete_retriever(self, name_or_id: str) -> None:
        """Forget a retriever."""
        found = self.retriever(name_or_id)
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM retrievers WHERE retriever_id = ?", (found.retriever_id,))
