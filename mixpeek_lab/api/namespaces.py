"""`/v1/namespaces`: the one namespace that a lab is; and the check that requests mean it."""

from __future__ import annotations

from fastapi import APIRouter, Request

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, ThePlatform
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import ThePage, by

router = APIRouter(prefix="/namespaces", tags=["namespaces"])


def demand_namespace(platform: ThePlatform, request: Request) -> None:
    """A dependency of every route: 404 where the path or X-Namespace names another namespace."""
    named = (request.path_params.get("namespace"), request.headers.get("x-namespace"))
    for name in filter(None, named):
        platform.namespaces.demand(name)


@router.post("")
def create(platform: ThePlatform, body: JSONBody) -> Answer:
    """`{namespace_name, description?}`: names the one that the lab is. 409 where it has a name."""
    return Answer(platform.namespaces.create(body))


@router.get("")
def list_all(platform: ThePlatform, page: ThePage) -> Answer:
    """All namespaces."""
    return Answer(page.of(platform.namespaces.list_all(), by("namespace_id")))


@router.post("/list", dependencies=[NoNarrowing])
def list_by_post(platform: ThePlatform, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks."""
    return Answer(page.of(platform.namespaces.list_all(), by("namespace_id")))


@router.get("/{namespace}")
def get(platform: ThePlatform, namespace: str) -> Answer:
    """One namespace, and what it holds."""
    return Answer(platform.namespaces.get(namespace))


@router.patch("/{namespace}")
@router.put("/{namespace}")
def patch(platform: ThePlatform, namespace: str, body: JSONBody) -> Answer:
    """Another name or description."""
    return Answer(platform.namespaces.patch(namespace, body))


@router.delete("/{namespace}")
def delete(platform: ThePlatform, namespace: str) -> Answer:
    """Give up its name and id. 409 while anything is in it."""
    platform.namespaces.delete(namespace)
    return Answer({"success": True})
