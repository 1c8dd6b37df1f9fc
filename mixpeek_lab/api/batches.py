"""`/v1/buckets/{bucket}/batches`: objects that are processed together."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, ThePlatform
from mixpeek_lab.api.listing import STATUSES, demand_narrowed_by, demand_one_of
from mixpeek_lab.api.pages import Page, ThePage, by
from mixpeek_lab.models import JSON

router = APIRouter(prefix="/buckets/{bucket}/batches", tags=["batches"])
by_id = APIRouter(prefix="/batches", tags=["batches"])
"""Batches without their bucket."""

NARROWING = ("status", "collection_id", "bucket_id", "namespace_id")


@router.post("")
def create(
    platform: ThePlatform, bucket: str, body: JSONBody,
    auto_submit: bool = False, trigger_processing: bool = False,
) -> Answer:  # fmt: skip
    """`{object_ids?, collection_ids?, dedup_strategy?, …}`: a draft, until it is submitted."""
    submit = auto_submit or trigger_processing
    return Answer(platform.batches.create(bucket, body, submit=submit))


@router.get("")
def list_all(platform: ThePlatform, bucket: str, page: ThePage) -> Answer:
    """The bucket's batches, newest first."""
    return Answer(_newest(page, platform.batches.list_all(bucket, {})))


@router.post("/list")
def list_by_post(
    platform: ThePlatform, bucket: str, page: ThePage, body: OptionalJSONBody
) -> Answer:
    """The same; `{status?, collection_id?}` say which."""
    demand_narrowed_by(body, NARROWING)
    demand_one_of(body.get("status"), "status", STATUSES)
    return Answer(_newest(page, platform.batches.list_all(bucket, body)))


@router.get("/{batch_id}")
def get(platform: ThePlatform, bucket: str, batch_id: str) -> Answer:
    """One batch, and how far it is."""
    return Answer(platform.batches.get(bucket, batch_id))


@by_id.get("/{batch_id}")
def get_by_id(platform: ThePlatform, batch_id: str) -> Answer:
    """The same, by its id alone."""
    return Answer(platform.batches.get(None, batch_id))


@router.post("/{batch_id}/objects")
def extend(platform: ThePlatform, bucket: str, batch_id: str, body: JSONBody) -> Answer:
    """`{object_ids}`: more objects for a draft."""
    return Answer(platform.batches.extend(bucket, batch_id, body))


@router.post("/{batch_id}/submit")
def submit(platform: ThePlatform, bucket: str, batch_id: str, body: OptionalJSONBody) -> Answer:
    """Have it processed: the first of its tasks, and all of their ids. 409 for the second time."""
    batch = platform.batches.submit(bucket, batch_id, body)
    task_ids = list(batch.tasks.values())
    task = platform.tasks.get(task_ids[0])
    told = {"batch_id": batch.batch_id, "task_ids": task_ids}
    return Answer({**task, "additional_data": {**task["additional_data"], **told}, **told})


@router.get("/{batch_id}/failed-documents")
def failed(
    platform: ThePlatform, bucket: str, batch_id: str, page: ThePage,
    collection_id: str | None = None, tier_num: int = 0,
) -> Answer:  # fmt: skip
    """The rows that failed, each with its object, its error, and the line of code."""
    found = platform.batches.failed(bucket, batch_id, collection_id)
    answer = page.of(found if tier_num == 0 else [])
    return Answer({"batch_id": batch_id, "failed_documents": answer["results"], **answer})


@router.delete("/{batch_id}")
def delete(platform: ThePlatform, bucket: str, batch_id: str) -> Answer:
    """Forget a batch; its documents stay. 409 while it is processed."""
    platform.batches.delete(bucket, batch_id)
    return Answer({"success": True, "message": f"Batch {batch_id} is forgotten."})


def _newest(page: Page, found: list[JSON]) -> dict[str, JSON]:
    return page.of(found, by("created_at", "batch_id"), is_falling=True)
