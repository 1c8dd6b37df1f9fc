"""Objects of a bucket: uploading them sets the bucket's collections going."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mixpeek_lab.catalog import Catalog, ObjectRecord
from mixpeek_lab.errors import BodyError, TooLargeError
from mixpeek_lab.models import JSON, Blob, Bucket
from mixpeek_lab.snapshots import Shown
from mixpeek_lab.workbench.platform.blob_files import BlobFiles
from mixpeek_lab.workbench.platform.file_roots import FileRoots
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.listed import Listed
from mixpeek_lab.workbench.platform.reading import read_metadata, read_object

MOST = 100
"""Objects in one request."""
OWN = ("object_id", "bucket_id", "key_prefix", "blobs", "source_details", "edges", "metadata",
       "status", "error", "created_at", "updated_at", "document_count", "consistency",
       "object_index", "replayed", "replayed_by", "task_ids", "tasks")  # fmt: skip
"""What Mixpeek's objects have at their root: fields of those names show in `metadata` alone."""


class Objects:
    """Objects by the id or name of their bucket, and their own id."""

    def __init__(
        self, catalog: Catalog, host: Host, files: BlobFiles, roots: FileRoots, shown: Shown
    ) -> None:
        self._catalog, self._host, self._files, self._roots = catalog, host, files, roots
        self._shown = shown

    def create(
        self, bucket: str, body: Mapping[str, JSON], *, process: bool = True
    ) -> dict[str, JSON]:
        """One object, or a list of them in `objects`: all of them, or none where one is wrong.

        Without `process` they wait for whatever sets the next run going.
        """
        if "objects" in body:
            return self.create_batch(bucket, body, process=process)
        (made,), tasks = self._put(self._catalog.bucket(bucket), [body], [""], process)
        return {**made, **tasks}

    def create_batch(
        self, bucket: str, body: Mapping[str, JSON], *, process: bool = True
    ) -> dict[str, JSON]:
        """The objects of the list `objects`."""
        given = body.get("objects")
        if not isinstance(given, list) or not given:
            raise BodyError.at("objects", "must be a list with at least one object.")
        if len(given) > MOST:
            raise TooLargeError(
                f"objects: {len(given):,} of them. Send at most {MOST} in one request."
            )
        places = [f"objects[{number}]." for number in range(len(given))]
        made, tasks = self._put(self._catalog.bucket(bucket), given, places, process)
        numbered = [{**item, "object_index": number} for number, item in enumerate(made)]
        return {
            "objects": made,
            "object_ids": [item["object_id"] for item in made],
            "succeeded": numbered,
            "failed": [],
            "total_requested": len(given),
            "succeeded_count": len(made),
            "failed_count": 0,
            **tasks,
        }

    def list_all(
        self, bucket: str, offset: int, limit: int, after: JSON = None,
        wanted: Callable[[Mapping[str, JSON]], bool] | None = None,
    ) -> Listed:  # fmt: skip
        """Some of a bucket's objects, in the order they came: those `wanted`, or all.

        `after`, the place of an object, counts before the offset.
        """
        found = self._catalog.bucket(bucket)
        if wanted is None:
            place = (after[0], after[1]) if after else None
            begin = 0 if place else offset
            records = self._catalog.objects(found.bucket_id, begin, limit + 1, place)
            return _listed(records, limit, found.object_count)
        records = [r for r in self._catalog.objects(found.bucket_id) if wanted(_record(r))]
        total = len(records)
        if after:
            records, offset = [r for r in records if _place(r) > list(after)], 0
        return _listed(records[offset:], limit, total)

    def get(self, bucket: str, object_id: str) -> dict[str, JSON]:
        """One object."""
        return _record(self._catalog.object(self._catalog.bucket(bucket).bucket_id, object_id))

    def delete(self, bucket: str, object_id: str) -> dict[str, JSON]:
        """Remove one object. Nobody finds its documents any more; the next run removes them."""
        with self._catalog.together():
            self.remove(bucket, object_id)
            tasks = self._queue(self._catalog.bucket(bucket))
        self._host.wake()
        return {"success": True, **tasks}

    def remove(self, bucket: str, object_id: str) -> None:
        """The same, without a run that is set going."""
        with self._catalog.together():
            found = self._catalog.bucket(bucket)
            self._catalog.delete_object(found.bucket_id, object_id)
            self._count_documents(found)

    def patch(self, bucket: str, object_id: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Set metadata of one object. Its documents have it at once; its other fields stay.

        BodyError for its blobs: other content is another upload with the same `object_id`.
        """
        found = self._catalog.bucket(bucket)
        changes = read_metadata(body, found, self._roots.refusal)
        with self._catalog.together():  # what others change meanwhile is kept
            old = self._catalog.object(found.bucket_id, object_id).object
            new = replace(old, metadata={**old.metadata, **changes})
            self._catalog.add_objects(found.bucket_id, [new], [_hash(new.metadata)])
            self._queue(found)
            answer = _record(self._catalog.object(found.bucket_id, object_id))
        self._host.wake()
        return answer

    def _count_documents(self, bucket: Bucket) -> None:
        """Write down what is left of the collections that are made of the bucket."""
        for collection in self._catalog.collections():
            if collection.reads("bucket", bucket.bucket_id) and collection.snapshot is not None:
                count = self._shown.of(collection).document_count
                self._catalog.count_documents(collection.collection_id, count)

    def _put(
        self, bucket: Bucket, bodies: Sequence[JSON], places: Sequence[str], process: bool
    ) -> tuple[list[dict[str, JSON]], dict[str, JSON]]:
        objects, problems, used = [], list[tuple[str, str]](), dict[str, str]()
        for body, place in zip(bodies, places, strict=True):
            try:
                filled, uploads = self._files.resolved(body, bucket, place)
                objects.append(read_object(filled, bucket, place, self._roots.refusal))
                used |= dict.fromkeys(uploads.values(), objects[-1].object_id)
            except BodyError as error:
                problems.extend(error.problems)
        if problems:
            raise BodyError(problems)
        hashes = [_hash(item.metadata) for item in objects]
        with self._catalog.together():
            self._catalog.add_objects(bucket.bucket_id, objects, hashes)
            for upload_id, object_id in used.items():
                self._catalog.use_blob(upload_id, object_id)
            tasks = self._queue(bucket) if process else {"task_ids": [], "tasks": []}
        self._host.wake()
        made = [self._catalog.object(bucket.bucket_id, item.object_id) for item in objects]
        return [_record(record) for record in made], tasks

    def _queue(self, bucket: Bucket) -> dict[str, JSON]:
        """Have every collection of the bucket brought up to date, and what is made of those."""
        collections = [
            collection.collection_id
            for collection in self._catalog.collections()
            if collection.reads("bucket", bucket.bucket_id) and collection.is_enabled
        ]
        tasks = self._catalog.queue_tasks(collections)
        return {
            "task_ids": list(tasks.values()),
            "tasks": [{"task_id": task, "collection_id": key} for key, task in tasks.items()],
        }


def _listed(records: Sequence[ObjectRecord], limit: int, total: int) -> Listed:
    """The first of them; whether there are more, the ones behind tell."""
    shown = records[:limit]
    last = _place(shown[-1]) if len(records) > limit else None
    return Listed([_record(record) for record in shown], total, last)


def _place(record: ObjectRecord) -> list[JSON]:
    return [record.ordinal, record.object.object_id]


def _record(record: ObjectRecord) -> dict[str, JSON]:
    """The object; its own fields at the root, as it may be sent, and as `metadata`."""
    item = record.object
    root = {name: value for name, value in item.metadata.items() if name not in OWN}
    return {
        **root,
        "object_id": item.object_id,
        "bucket_id": item.bucket_id,
        "blobs": [_blob(blob) for blob in item.blobs],
        "metadata": dict(item.metadata),
        "status": "ACTIVE",
        "updated_at": record.updated_at,
    }


def _blob(blob: Blob) -> dict[str, JSON]:
    return {
        "blob_id": blob.blob_id,
        "property": blob.property,
        "type": blob.type,
        "data": blob.data,
        "details": {
            "mime_type": blob.mime_type,
            "size_bytes": blob.size_bytes,
            "hash": blob.content_hash,
        },
    }


def _hash(metadata: Mapping[str, JSON]) -> str:
    return hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode()).hexdigest()
