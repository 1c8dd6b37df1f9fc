"""`/v1/retrievers`: define, list, execute and explain retrievers."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, TheBackend
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import ThePage, by
from mixpeek_lab.retrievers import stage_definitions

router = APIRouter(prefix="/retrievers", tags=["retrievers"])


@router.post("")
async def create(backend: TheBackend, body: JSONBody) -> Answer:
    """Keep a retriever, in any of the shapes that Mixpeek and its documentation use.

    Answers the retriever, the same as `retriever`, and `warnings`. 409 where its name is taken,
    422 where its collections or the extractors of its stages do not fit.
    """
    return Answer(await backend.create_retriever(body))


@router.get("")
async def list_all(backend: TheBackend, page: ThePage) -> Answer:
    """All retrievers, by name."""
    return Answer(page.of(await backend.list_retrievers(), by("retriever_name")))


@router.post("/list", dependencies=[NoNarrowing])
async def list_by_post(backend: TheBackend, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks. 422 for a search or filter in the body."""
    return Answer(page.of(await backend.list_retrievers(), by("retriever_name")))


@router.get("/stages")
async def stages() -> Answer:
    """The stages that a retriever may have: id, description, category, JSON Schema of parameters.

    Those that are off in a local lab stand last, with the reason.
    """
    return Answer(stage_definitions())


@router.post("/execute")
async def execute_adhoc(
    backend: TheBackend, body: JSONBody, return_vectors: bool = False
) -> Answer:
    """Run a retriever that is not kept: `{collection_identifiers, stages, inputs, limit}`."""
    asked = {"return_vectors": True, **body} if return_vectors else body
    return Answer(await backend.execute_adhoc(asked))


@router.get("/{retriever}")
async def get(backend: TheBackend, retriever: str) -> Answer:
    """One retriever, by id or name."""
    return Answer(await backend.get_retriever(retriever))


@router.patch("/{retriever}")
async def patch(backend: TheBackend, retriever: str, body: JSONBody) -> Answer:
    """`{description?, stages?, collection_identifiers?, input_schema?}`: what it is to have now."""
    return Answer(await backend.patch_retriever(retriever, body))


@router.delete("/{retriever}")
async def delete(backend: TheBackend, retriever: str) -> Answer:
    """Forget a retriever."""
    await backend.delete_retriever(retriever)
    return Answer({"success": True})


@router.post("/{retriever}/execute")
async def execute(
    backend: TheBackend, retriever: str, body: JSONBody, return_vectors: bool = False
) -> Answer:
    """Run it: `{query: {query_text}}`, `{inputs: {…}}`, limit, offset, filters."""
    asked = {"return_vectors": True, **body} if return_vectors else body
    return Answer(await backend.execute(retriever, asked))


@router.post("/{retriever}/execute/explain")
async def explain(backend: TheBackend, retriever: str, body: JSONBody) -> Answer:
    """Run it, and give every candidate of every leg with how its score came about."""
    return Answer(await backend.explain(retriever, body))


@router.post("/{retriever}/execute/batch")
async def execute_batch(backend: TheBackend, retriever: str, body: JSONBody) -> Answer:
    """`{queries: [{inputs, filters?}], settings?, concurrency?}`: an answer for each, in order."""
    return Answer(await backend.execute_batch(retriever, body))
