"""Files that become blobs: an address to send one to, and the object that is made of it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from mixpeek_lab.catalog import BlobUpload, Catalog, new_id, now
from mixpeek_lab.errors import BodyError, ConflictError, InvalidInputError, TooLargeError
from mixpeek_lab.models import BLOB_TYPES, JSON, Bucket
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.blob_files import BlobFiles
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown
from mixpeek_lab.workbench.platform.incoming import Arrival, Incoming
from mixpeek_lab.workbench.platform.objects import Objects
from mixpeek_lab.workbench.platform.signing import Signer
from mixpeek_lab.workbench.platform.uploads import DAY, announced_size, holding_for
from mixpeek_lab.workbench.values import plain

MOST = 2 * 1024**3
"""Bytes of one file."""
FIELDS = (
    "filename", "content_type", "file_size_bytes", "presigned_url_expiration", "metadata",
    "create_object_on_confirm", "object_metadata", "blob_property", "blob_type", "file_hash",
    "skip_duplicates",
)  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class BlobUploads:
    """Uploads by the id or name of their bucket, and their own id."""

    def __init__(self, catalog: Catalog, home: Home, files: BlobFiles, objects: Objects) -> None:
        self._catalog, self._files, self._objects = catalog, files, objects
        self._signer = Signer(home.path)

    def create(self, bucket: str, body: Mapping[str, JSON], address: str) -> dict[str, JSON]:
        """An upload, and where to PUT the file: `address`/ID?…"""
        found = self._catalog.bucket(bucket)
        kept = _asked(body, found)
        self._clean_up()
        upload = BlobUpload(
            new_id("upl"), found.bucket_id, now(), int(time.time() + holding_for(body)), kept
        )
        self._catalog.add_blob_upload(upload)
        query = self._signer.query(upload.upload_id, int(upload.expires_at))
        url = f"{address}/{upload.upload_id}?{query}"
        return {**self._record(upload), "presigned_url": url, "method": "PUT"}

    def receive(self, upload_id: str, expires: str, signature: str, announced: int) -> Incoming:
        """Begin to take the file of a signed address in. `announced`: bytes, 0 if unknown."""
        self._signer.demand(upload_id, expires, signature)
        _demand_size(announced)
        upload = self._catalog.blob_upload(upload_id)
        closed = f"Upload {upload_id} is confirmed: nothing more can arrive. Ask for a new one."
        if upload.state == "COMPLETED":
            raise ConflictError(closed)
        arrival = Arrival(
            upload.body.get("file_size_bytes"),
            _demand_size,
            partial(self._catalog.receive_blob, upload_id),
            closed,
            self._catalog.together,
        )
        return Incoming(self._files.path(upload), arrival)

    def confirm(self, bucket: str, upload_id: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Make an object of the file, where that was asked for. The same answer the second time."""
        demand_known(body, ("etag", "file_size_bytes", "auto_submit_batch"))
        upload = self._found(bucket, upload_id)
        tasks: list[str] = []
        if upload.state != "COMPLETED":
            _demand_received(upload, body)
            made = self._made_of(upload)
            tasks = made.get("task_ids", [])
            self._catalog.use_blob(upload_id, made.get("object_id"))
        record = self._record(self._found(bucket, upload_id))
        return {**record, "task_id": tasks[0] if tasks else None, "success": True}

    def list_all(self, bucket: str) -> list[JSON]:
        """A bucket's uploads, newest first."""
        found = self._catalog.bucket(bucket)
        return [self._record(upload) for upload in self._catalog.blob_uploads(found.bucket_id)]

    def get(self, bucket: str, upload_id: str) -> dict[str, JSON]:
        """One upload."""
        return self._record(self._found(bucket, upload_id))

    def delete(self, bucket: str, upload_id: str) -> None:
        """Forget an upload with its file. ConflictError where an object is made of it."""
        upload = self._found(bucket, upload_id)
        used_by = [] if upload.object_id is None else [upload.object_id]
        if set(used_by) - set(self._catalog.unknown_objects(upload.bucket_id, used_by)):
            raise ConflictError(
                f"Object {upload.object_id} is made of upload {upload_id}: delete that first."
            )
        self._catalog.delete_blob_upload(upload_id)
        shutil.rmtree(self._files.path(upload).parent, ignore_errors=True)

    # ------------------------------------------------------------ inside

    def _found(self, bucket: str, upload_id: str) -> BlobUpload:
        return self._catalog.blob_upload(upload_id, self._catalog.bucket(bucket).bucket_id)

    def _made_of(self, upload: BlobUpload) -> Mapping[str, JSON]:
        """The object, and the tasks that its upload sets going; nothing where none is wanted."""
        if not upload.body.get("create_object_on_confirm", True):
            return {}
        entry = {"property": upload.body["blob_property"], "upload_id": upload.upload_id}
        metadata = upload.body.get("object_metadata") or {}
        return self._objects.create(upload.bucket_id, {"blobs": [entry], "metadata": metadata})

    def _record(self, upload: BlobUpload) -> dict[str, JSON]:
        expires = datetime.fromtimestamp(upload.expires_at, UTC)
        since = datetime.fromisoformat(upload.created_at)
        return {
            "metadata": {},
            "object_metadata": {},
            **upload.body,
            "upload_id": upload.upload_id,
            "bucket_id": upload.bucket_id,
            "status": upload.state,
            "presigned_url": None,
            "presigned_url_expiration": round((expires - since).total_seconds()),
            "expires_at": expires.isoformat().replace("+00:00", "Z"),
            "s3_key": f"{upload.bucket_id}/{upload.upload_id}/{upload.body['filename']}",
            "create_object_on_confirm": upload.body.get("create_object_on_confirm", True),
            "file_size_bytes": upload.size or upload.body.get("file_size_bytes"),
            "file_hash": upload.sha256 or upload.body.get("file_hash"),
            "etag": upload.etag or None,
            "object_id": upload.object_id,
            "created_at": upload.created_at,
            "verified_at": upload.completed_at,
            "completed_at": upload.completed_at,
        }

    def _clean_up(self) -> None:
        """Remove what was never used, and files whose bucket is gone."""
        self._catalog.forget_expired_blobs(DAY)
        known = self._catalog.known_blob_uploads()
        for folder in self._files.folders():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)


def _asked(body: Mapping[str, JSON], bucket: Bucket) -> dict[str, JSON]:
    """What is kept of a request: every field that was checked, and the blob that it is to be."""
    demand_known(body, FIELDS)
    required(body, ("filename",), str)
    required(body, ("content_type",), str)
    _demand_size(announced_size(body) or 0)
    for name in ("metadata", "object_metadata"):
        optional(body, name, dict)
    for name in ("create_object_on_confirm", "skip_duplicates"):
        optional(body, name, bool)
    digest = optional(body, "file_hash", str)
    if digest is not None and not _SHA256.match(digest):
        raise BodyError.at("file_hash", f"is {shown(digest)}: it is a SHA-256 in 64 small digits.")
    kept = {name: plain(value) for name, value in body.items() if value is not None}
    if body.get("create_object_on_confirm") is not False:
        kept["blob_property"] = _property(body, bucket)
        kept["blob_type"] = bucket.schema[kept["blob_property"]]
    return kept


def _property(body: Mapping[str, JSON], bucket: Bucket) -> str:
    """The field that the file goes into: the one that is named, or the only one that can be."""
    named, kind = optional(body, "blob_property", str), optional(body, "blob_type", str)
    blobs = [name for name, each in bucket.schema.items() if each in BLOB_TYPES]
    fitting = [name for name in blobs if kind in (None, "auto", bucket.schema[name])]
    found = fitting if named is None else [name for name in fitting if name == named]
    if len(found) == 1:
        return found[0]
    raise BodyError.at(
        "blob_property",
        f"{'is missing' if named is None else f'is {named!r}'}: bucket {bucket.name!r} has "
        f"{', '.join(f'{name} ({bucket.schema[name]})' for name in blobs) or 'no blobs'}.",
    )


def _demand_size(size: int) -> None:
    if size > MOST:
        raise TooLargeError(f"A file has at most {MOST // 1024**3} GB.")


def _demand_received(upload: BlobUpload, body: Mapping[str, JSON]) -> None:
    """Raise where nothing arrived, or something else than is said."""
    if upload.state == "PENDING":
        raise ConflictError(
            f"Nothing has arrived for upload {upload.upload_id} yet: PUT the file to its "
            "presigned_url first."
        )
    etag = (optional(body, "etag", str) or "").strip('"') or upload.etag
    size, digest = announced_size(body), upload.body.get("file_hash", upload.sha256)
    if etag != upload.etag or size not in (None, upload.size) or digest != upload.sha256:
        raise InvalidInputError(
            f"What arrived has {upload.size or 0:,} bytes, the ETag {upload.etag} and the SHA-256 "
            f"{upload.sha256}, not what is confirmed: PUT the file again."
        )
