"""Uploads of files that become blobs of a bucket's objects: asked for, received, confirmed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import now
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class BlobUpload:
    """One file. Its state is PENDING, ACTIVE once it arrived, COMPLETED once it is confirmed."""

    upload_id: str
    bucket_id: str
    created_at: str
    expires_at: float
    """Seconds since the epoch: nothing can arrive after that."""
    body: Mapping[str, JSON] = field(default_factory=dict)
    """As it was asked for: `filename`, `content_type`, `blob_property`, …"""
    state: str = "PENDING"
    size: int | None = None
    """Bytes."""
    etag: str = ""
    sha256: str = ""
    object_id: str | None = None
    """The object that was made of it."""
    completed_at: str | None = None


class BlobUploadRecords(Records):
    """Files by the id of their upload."""

    def add_blob_upload(self, upload: BlobUpload) -> None:
        """Keep a new one."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO blob_uploads (upload_id, bucket_id, state, body, created_at, "
                "expires_at) VALUES (?, ?, ?, ?, ?, ?)",
                (upload.upload_id, upload.bucket_id, upload.state, json.dumps(dict(upload.body)),
                 upload.created_at, upload.expires_at),
            )  # fmt: skip

    def receive_blob(self, upload_id: str, size: int, etag: str, sha256: str) -> bool:
        """Note what arrived, in place of what came before. False where it is confirmed, or used."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE blob_uploads SET state = 'ACTIVE', size = ?, etag = ?, sha256 = ? "
                    "WHERE upload_id = ? AND state IN ('PENDING', 'ACTIVE') AND object_id IS NULL",
                    (size, etag, sha256, upload_id),
                ).rowcount
            )

    def use_blob(self, upload_id: str, object_id: str | None) -> None:
        """Note that it is confirmed, and which object was made of it."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE blob_uploads SET state = 'COMPLETED', completed_at = ?, "
                "object_id = coalesce(?, object_id) WHERE upload_id = ?",
                (now(), object_id, upload_id),
            )

    def blob_upload(self, upload_id: str, bucket_id: str | None = None) -> BlobUpload:
        """The upload of that id, in that bucket if one is named."""
        row = self._one("SELECT * FROM blob_uploads WHERE upload_id = ?", upload_id)
        if row is None or bucket_id not in (None, row["bucket_id"]):
            known = self.blob_uploads(bucket_id) if bucket_id else []
            raise NotFoundError("upload", upload_id, [u.upload_id for u in known[:8]])
        return _upload(row)

    def blob_uploads(self, bucket_id: str) -> list[BlobUpload]:
        """A bucket's uploads, newest first."""
        query = "SELECT * FROM blob_uploads WHERE bucket_id = ? ORDER BY rowid DESC"
        return [_upload(row) for row in self._database.connection.execute(query, (bucket_id,))]

    def delete_blob_upload(self, upload_id: str) -> None:
        """Forget one."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM blob_uploads WHERE upload_id = ?", (upload_id,))

    def forget_expired_blobs(self, grace: float) -> None:
        """Forget those that expired `grace` seconds ago and were never used."""
        with self._database.transaction() as sql:
            sql.execute(
                "DELETE FROM blob_uploads WHERE expires_at < ? AND state != 'COMPLETED'",
                (time.time() - grace,),
            )

    def known_blob_uploads(self) -> set[str]:
        """The ids of all of them."""
        return {row[0] for row in self._all("SELECT upload_id FROM blob_uploads")}


def _upload(row: sqlite3.Row) -> BlobUpload:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["body"] = json.loads(values["body"])
    return BlobUpload(**values)
