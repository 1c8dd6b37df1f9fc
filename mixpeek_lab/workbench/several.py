"""Queries beyond the one for a stored retriever: several at once, and definitions sent along."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields

from mixpeek_lab.errors import BodyError, LabError, LLMError
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers import SearchRequest
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown

MOST = 50
"""Queries in one request, as Mixpeek has it."""
MOST_AT_ONCE = 20
FIELDS = ("queries", "settings", "concurrency", "return_presigned_urls", "return_vectors", "stream")
REQUEST = ("query", "input", "page", "page_size", "page_number", "pagination", "k", "weights",
           *(field.name for field in fields(SearchRequest)))  # fmt: skip
"""What belongs to the query, where definition and query come in one body."""

Execute = Callable[[Mapping[str, JSON]], Awaitable[dict[str, JSON]]]


def split_adhoc(body: Mapping[str, JSON]) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """A retriever's definition and the query for it."""
    request = {name: value for name, value in body.items() if name in REQUEST}
    for name in ("stream", "return_vectors"):  # told with the query that they are not there yet
        if name in body:
            request[name] = body[name]
    return {name: value for name, value in body.items() if name not in request}, request


async def execute_all(execute: Execute, body: Mapping[str, JSON]) -> dict[str, JSON]:
    """`{queries: [{inputs, filters?}], settings?, concurrency?}` → an answer for each, in order.

    A query that fails has its error in its place. `settings` hold for queries that do not say
    otherwise. BodyError where the request itself is wrong.
    """
    demand_known(body, FIELDS)
    queries = required(body, ("queries",), list)
    if not 1 <= len(queries) <= MOST:
        raise BodyError.at("queries", f"holds {len(queries)}: it is 1 to {MOST}.")
    for number, query in enumerate(queries):
        if not isinstance(query, Mapping):
            raise BodyError.at(f"queries[{number}]", f"is {shown(query)}: it is an object.")
    count = optional(body, "concurrency", int)
    if count is not None and not 1 <= count <= MOST_AT_ONCE:
        raise BodyError.at("concurrency", f"is {count}: it is 1 to {MOST_AT_ONCE}.")
    shared = {name: body[name] for name in ("stream", "return_vectors") if body.get(name)}
    shared |= optional(body, "settings", dict) or {}
    gate, begun = asyncio.Semaphore(count or 5), time.perf_counter()

    async def one(number: int, query: Mapping[str, JSON]) -> dict[str, JSON]:
        async with gate:
            return {"query_index": number, **await _answered(execute, {**shared, **query})}

    results = await asyncio.gather(*(one(n, query) for n, query in enumerate(queries)))
    failed = sum(result["status"] == "failed" for result in results)
    return {
        "results": list(results),
        "total": len(results),
        "succeeded": len(results) - failed,
        "failed": failed,
        "total_time_ms": round((time.perf_counter() - begun) * 1000, 3),
    }


async def _answered(execute: Execute, query: Mapping[str, JSON]) -> dict[str, JSON]:
    try:
        return await execute(query)
    except LabError as error:
        told = {"type": type(error).__name__, "message": str(error), "status": error.status}
        if isinstance(error, LLMError):
            told["retryable"] = error.retryable
        return {"status": "failed", "error": told, "documents": [], "results": []}
