"""`/v1/retrievers`: define, list, execute and explain retrievers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from mixpeek_lab.api.backend import TheBackend

router = APIRouter(prefix="/retrievers", tags=["retrievers"])

JSONBody = Annotated[dict[str, Any], Body()]


@router.post("")
async def create(backend: TheBackend, body: JSONBody) -> dict[str, Any]:
    """Keep a retriever, in any of the shapes that Mixpeek and its documentation use."""
    return await backend.create_retriever(body)


@router.get("")
@router.post("/list")
async def list_all(backend: TheBackend) -> dict[str, Any]:
    """All retrievers."""
    return await backend.list_retrievers()


@router.get("/{retriever}")
async def get(backend: TheBackend, retriever: str) -> dict[str, Any]:
    """One retriever, by id or name."""
    return await backend.get_retriever(retriever)


@router.delete("/{retriever}")
async def delete(backend: TheBackend, retriever: str) -> dict[str, Any]:
    """Forget a retriever."""
    return await backend.delete_retriever(retriever)


@router.post("/{retriever}/execute")
async def execute(backend: TheBackend, retriever: str, body: JSONBody) -> dict[str, Any]:
    """Run it: `{query: {query_text}}`, `{inputs: {…}}`, limit, offset, filters."""
    return await backend.execute(retriever, body)


@router.post("/{retriever}/execute/explain")
async def explain(backend: TheBackend, retriever: str, body: JSONBody) -> dict[str, Any]:
    """Run it, and give every candidate of every leg with how its score came about."""
    return await backend.explain(retriever, body)
