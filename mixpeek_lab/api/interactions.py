"""`/v1/retrievers/interactions`: what people did with hits, which `learned` fusion learns from."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, ThePlatform
from mixpeek_lab.api.pages import FIELDS as PAGES
from mixpeek_lab.api.pages import ThePage, by

router = APIRouter(prefix="/retrievers/interactions", tags=["retriever interactions"])


@router.post("")
def create(platform: ThePlatform, body: JSONBody) -> Answer:
    """`{feature_id, interaction_type: ["click"], position, retriever_id, execution_id,
    feature_uri}`: the feature's URI, or the leg's name, says which leg is credited with the hit.
    """
    return Answer(platform.interactions.create(body))


@router.post("/batch")
def create_batch(platform: ThePlatform, body: JSONBody) -> Answer:
    """`{interactions: […]}`, up to 1000. Those that cannot be read are told, the others kept."""
    return Answer(platform.interactions.create_batch(body))


@router.post("/list")
def list_all(platform: ThePlatform, body: OptionalJSONBody, page: ThePage) -> Answer:
    """Newest first; by retriever, execution, session, user, document or type."""
    asked = {name: value for name, value in body.items() if name not in PAGES}
    every, _ = platform.interactions.list_all(asked, 0, -1)
    found = page.of(every, by("timestamp", "interaction_id"), is_falling=True)
    return Answer({**found, "items": found["results"]})


@router.get("/{interaction_id}")
def get(platform: ThePlatform, interaction_id: str) -> Answer:
    """One interaction."""
    return Answer(platform.interactions.get(interaction_id))


@router.delete("/{interaction_id}")
def delete(platform: ThePlatform, interaction_id: str) -> Answer:
    """Forget one interaction."""
    return Answer(platform.interactions.delete(interaction_id))
