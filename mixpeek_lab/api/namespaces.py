"""`/v1/namespaces`: make, list, change and delete namespaces."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, TheNamespaces
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import ThePage, by

PLACE = by("created_at", "namespace_id")
"""The default one is the oldest."""

router = APIRouter(prefix="/namespaces", tags=["namespaces"])


@router.post("")
def create(namespaces: TheNamespaces, body: JSONBody) -> Answer:
    """`{namespace_name, description?}`: a new, empty one. 409 where its name is taken."""
    return Answer(namespaces.create(body))


@router.get("")
def list_all(namespaces: TheNamespaces, page: ThePage) -> Answer:
    """All namespaces, the default one first."""
    return Answer(page.of(namespaces.list_all(), PLACE))


@router.post("/list", dependencies=[NoNarrowing])
def list_by_post(namespaces: TheNamespaces, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks."""
    return Answer(page.of(namespaces.list_all(), PLACE))


@router.get("/{namespace}")
def get(namespaces: TheNamespaces, namespace: str) -> Answer:
    """One namespace, and what it holds."""
    return Answer(namespaces.get(namespace))


@router.patch("/{namespace}")
@router.put("/{namespace}")
def patch(namespaces: TheNamespaces, namespace: str, body: JSONBody) -> Answer:
    """Another name or description."""
    return Answer(namespaces.patch(namespace, body))


@router.delete("/{namespace}")
def delete(namespaces: TheNamespaces, namespace: str) -> Answer:
    """Forget it with everything in it. 409 for the default one, and while work goes on in it."""
    namespaces.delete(namespace)
    return Answer({"success": True})
