"""`/v1/tasks`: how far the work in the background is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import OptionalJSONBody, ThePlatform
from mixpeek_lab.api.listing import STATUSES, demand_narrowed_by, demand_one_of
from mixpeek_lab.api.pages import Page, ThePage, by
from mixpeek_lab.errors import ConflictError, NotFoundError
from mixpeek_lab.models import JSON

router = APIRouter(prefix="/tasks", tags=["tasks"])

TYPES = ("engine_feature_extractor_run", "retriever.evaluation")
"""Of the tasks that there are here."""
ELSEWHERE = (
    "api_", "engine_", "thumbnail", "video_segment", "audio_segment", "converted_video",
    "materialize", "plugin_custom", "model_custom",
)  # fmt: skip
"""How the types begin that Mixpeek's own tasks have: asking for one finds none."""


@router.get("")
def list_all(
    platform: ThePlatform, page: ThePage, status: str | None = None, task_type: str | None = None
) -> Answer:
    """All tasks, newest first, or those of a status and a type."""
    return Answer(_newest(page, _narrowed(platform, {"status": status, "task_type": task_type})))


@router.post("/list")
def list_by_post(platform: ThePlatform, page: ThePage, body: OptionalJSONBody) -> Answer:
    """The same; `{status?, task_type?}` say which."""
    demand_narrowed_by(body, ("status", "task_type"))
    return Answer(_newest(page, _narrowed(platform, body)))


@router.get("/{task_id}")
def get(platform: ThePlatform, task_id: str) -> Answer:
    """One task, with the first rows that failed."""
    return Answer(platform.tasks.get(task_id))


@router.post("/{task_id}/cancel")
def cancel(platform: ThePlatform, task_id: str) -> Answer:
    """End a task that has not ended; its collection stays as it is. 409 where it has ended."""
    return Answer(platform.tasks.cancel(task_id))


@router.delete("/{task_id}")
def kill(platform: ThePlatform, task_id: str) -> Answer:
    """The same, as Mixpeek's client asks: it succeeds whatever has become of the task."""
    with suppress(ConflictError, NotFoundError):
        platform.tasks.cancel(task_id)
    return Answer({"success": True, "message": f"Task {task_id} is not running."})


def _narrowed(platform: ThePlatform, asked: Mapping[str, JSON]) -> list[JSON]:
    demand_one_of(asked.get("status"), "status", STATUSES)
    kind = asked.get("task_type")
    if not (isinstance(kind, str) and kind.startswith(ELSEWHERE)):
        demand_one_of(kind, "task_type", TYPES)
    wanted = {key: asked[key] for key in ("status", "task_type") if asked.get(key)}
    return [t for t in platform.tasks.list_all() if wanted.items() <= t.items()]


def _newest(page: Page, found: list[JSON]) -> dict[str, JSON]:
    return page.of(found, by("created_at", "task_id"), is_falling=True)
