"""`/v1/collections/{collection}/documents`: what extractors made, and changes to it."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, ThePlatform
from mixpeek_lab.api.pages import ThePage

router = APIRouter(prefix="/collections/{collection}/documents", tags=["documents"])


@router.post("/list")
def list_by_post(
    platform: ThePlatform, collection: str, page: ThePage, body: OptionalJSONBody
) -> Answer:
    """Its documents: `{filters?, return_vectors?, limit?, offset?}`."""
    found = platform.documents.list_all(collection, body, page.offset, page.size, page.after)
    return Answer(page.show(found))


@router.get("")
def list_all(
    platform: ThePlatform, collection: str, page: ThePage, return_vectors: bool = False
) -> Answer:
    """Its documents, in the order of their objects."""
    body = {"return_vectors": return_vectors}
    found = platform.documents.list_all(collection, body, page.offset, page.size, page.after)
    return Answer(page.show(found))


@router.get("/count")
def count(platform: ThePlatform, collection: str) -> Answer:
    """How many there are: `{collection_id, count}`."""
    total = platform.documents.list_all(collection, {}, 0, 1).total
    record = platform.collections.get(collection)
    return Answer({"collection_id": record["collection_id"], "count": total})


@router.get("/{document_id}")
def get(
    platform: ThePlatform, collection: str, document_id: str, return_vectors: bool = False
) -> Answer:
    """One document, with its vectors where they are asked for."""
    return Answer(platform.documents.get(collection, document_id, with_vectors=return_vectors))


@router.patch("/{document_id}")
@router.put("/{document_id}")
def patch(platform: ThePlatform, collection: str, document_id: str, body: JSONBody) -> Answer:
    """Set fields. Searches and filters find them at once."""
    return Answer(platform.documents.patch(collection, document_id, body))


@router.delete("/{document_id}")
def delete(platform: ThePlatform, collection: str, document_id: str) -> Answer:
    """Take a document out, for as long as what it is made of stays the same."""
    platform.documents.delete(collection, document_id)
    return Answer({"success": True, "message": f"Document {document_id} is deleted."})
