"""`/v1/buckets/{bucket}/objects`: uploading them sets the bucket's collections going."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, ThePlatform
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import ThePage

router = APIRouter(prefix="/buckets/{bucket}/objects", tags=["objects"])


@router.post("")
def create(platform: ThePlatform, bucket: str, body: JSONBody, auto_process: bool = True) -> Answer:
    """`{objects: [{blob_data, metadata}]}`, or one object: `{blobs: [{property, type, data}]}`."""
    return Answer(platform.objects.create(bucket, body, process=auto_process))


@router.post("/batch")
def create_batch(
    platform: ThePlatform, bucket: str, body: JSONBody, auto_process: bool = True
) -> Answer:
    """`{objects: […]}`, in either shape. All of them, or none where one is wrong."""
    return Answer(platform.objects.create_batch(bucket, body, process=auto_process))


@router.get("")
def list_all(platform: ThePlatform, bucket: str, page: ThePage) -> Answer:
    """The bucket's objects, in the order they came."""
    return Answer(
        page.show(
            platform.objects.list_all(bucket, page.offset, page.size, page.after, page.wanted)
        )
    )


@router.post("/list", dependencies=[NoNarrowing])
def list_by_post(platform: ThePlatform, bucket: str, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks."""
    return Answer(
        page.show(
            platform.objects.list_all(bucket, page.offset, page.size, page.after, page.wanted)
        )
    )


@router.get("/{object_id}")
def get(platform: ThePlatform, bucket: str, object_id: str) -> Answer:
    """One object with its blobs."""
    return Answer(platform.objects.get(bucket, object_id))


@router.patch("/{object_id}")
@router.put("/{object_id}")
def patch(platform: ThePlatform, bucket: str, object_id: str, body: JSONBody) -> Answer:
    """Set metadata, at the root or in `metadata`. Its documents have it at once."""
    return Answer(platform.objects.patch(bucket, object_id, body))


@router.delete("/{object_id}")
def delete(platform: ThePlatform, bucket: str, object_id: str) -> Answer:
    """Remove one object. Its documents are found no more, from now on."""
    return Answer(platform.objects.delete(bucket, object_id))
