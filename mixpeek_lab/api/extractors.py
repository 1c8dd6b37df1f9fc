"""`/v1/namespaces/{namespace}/extractors` (or `/plugins`): versions, and serving them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import TheBackend, ThePlatform
from mixpeek_lab.api.inputs import ServiceBody
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import Page, ThePage
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform import Platform

router = APIRouter(tags=["extractors"])


@router.get("")
def list_all(platform: ThePlatform, page: ThePage) -> Answer:
    """Every version of every extractor."""
    return Answer(_listed(platform, page))


@router.post("/list", dependencies=[NoNarrowing])
def list_by_post(platform: ThePlatform, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks."""
    return Answer(_listed(platform, page))


@router.get("/{extractor}")
def get(platform: ThePlatform, extractor: str) -> Answer:
    """One version, by its id (`name_1_0_0`), or an extractor's current one, by name."""
    return Answer(platform.extractors.get(extractor))


@router.get("/{extractor}/archive")
def archive(platform: ThePlatform, extractor: str) -> Response:
    """The version's package as a .zip: what `mixpeek-lab pull` reads."""
    name, content = platform.extractors.archive(extractor)
    told = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/zip", headers=told)


@router.delete("/{extractor}")
def delete(platform: ThePlatform, extractor: str) -> Answer:
    """Forget a version. 409 while a collection is made with it."""
    platform.extractors.delete(extractor)
    return Answer({"success": True})


@router.post("/{extractor}/deploy")
def deploy(platform: ThePlatform, extractor: str, deployment_type: str | None = None) -> Answer:
    """Have its realtime service deployed, in the background. `?deployment_type=batch_only`: not."""
    return Answer(platform.extractors.deploy(extractor, deployment_type))


@router.post("/{extractor}/undeploy")
def undeploy(platform: ThePlatform, extractor: str) -> Answer:
    """Take its realtime service down."""
    return Answer(platform.extractors.undeploy(extractor))


@router.get("/{extractor}/status")
def status(platform: ThePlatform, extractor: str) -> Answer:
    """QUEUED, PENDING, IN_PROGRESS, DEPLOYED, FAILED (with `error`) or NOT_DEPLOYED."""
    return Answer(platform.extractors.status(extractor))


@router.post("/{extractor}/realtime/test")
async def try_out(backend: TheBackend, extractor: str, body: ServiceBody) -> Answer:
    """`{inputs, parameters}` → `{success, data, latency_ms}`, from the deployed service."""
    return Answer(await backend.try_out(extractor, body))


def _listed(platform: Platform, page: Page) -> dict[str, JSON]:
    """A page of them, with the names that Mixpeek's client reads beside those of other lists."""
    answer = page.of(platform.extractors.list_all(), _place)
    total = answer["total_count"]
    return {
        **answer,
        "success": True,
        "extractors": answer["results"],
        "total": total,
        "namespace_id": platform.namespace_id,
        "builtin_count": 0,
        "custom_count": total,
    }


def _place(record: Mapping[str, JSON]) -> list[Any]:
    return [record["name"], *map(int, record["version"].split("."))]
