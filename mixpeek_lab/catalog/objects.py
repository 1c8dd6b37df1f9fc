"""Bringing a bucket's objects in line with what is put: only what changed is written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mixpeek_lab.catalog.records import now
from mixpeek_lab.models import BucketObject


@dataclass(frozen=True, slots=True)
class KnownObject:
    """What an object in the catalog looks like, for comparison."""

    ordinal: int
    metadata_hash: str
    blobs: frozenset[tuple[str, ...]]


def known_objects(
    sql: sqlite3.Connection, bucket_id: str, among: Sequence[str] | None = None
) -> dict[str, KnownObject]:
    """The bucket's objects by id: all of them, or those `among` a few."""
    where, values = "WHERE bucket_id = ?", [bucket_id]
    if among is not None:
        where, values = (
            f"{where} AND object_id IN ({', '.join('?' * len(among))})",
            [bucket_id, *among],
        )
    blobs: dict[str, set[tuple[str, ...]]] = {}
    for row in sql.execute(
        f"SELECT object_id, property, type, mime_type, content_hash FROM blobs {where}", values
    ):
        blobs.setdefault(row[0], set()).add(tuple(row)[1:])
    query = f"SELECT object_id, ordinal, metadata_hash FROM objects {where}"
    return {
        key: KnownObject(ordinal, digest, frozenset(blobs.get(key, ())))
        for key, ordinal, digest in sql.execute(query, values)
    }


def put_object(
    sql: sqlite3.Connection,
    bucket_id: str,
    ordinal: int,
    item: BucketObject,
    digest: str,
    old: KnownObject | None,
) -> None:
    """Write one object, as far as it differs from `old`. `digest` is of its metadata."""
    blobs = frozenset((b.property, b.type, b.mime_type, b.content_hash) for b in item.blobs)
    new = KnownObject(ordinal, digest, blobs)
    if new == old:
        return
    if old is None or replace(old, ordinal=ordinal) != new:
        _write_object(sql, bucket_id, ordinal, item, digest)
    else:
        sql.execute(
            "UPDATE objects SET ordinal = ? WHERE bucket_id = ? AND object_id = ?",
            (ordinal, bucket_id, item.object_id),
        )


def _write_object(
    sql: sqlite3.Connection, bucket_id: str, ordinal: int, item: BucketObject, digest: str
) -> None:
    sql.execute(
        "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (bucket_id, object_id) DO UPDATE SET ordinal = excluded.ordinal, "
        "metadata = excluded.metadata, metadata_hash = excluded.metadata_hash, "
        "updated_at = excluded.updated_at",
        (item.object_id, bucket_id, ordinal, json.dumps(dict(item.metadata)), digest, now()),
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
