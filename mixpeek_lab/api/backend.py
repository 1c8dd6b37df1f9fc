"""What the routes need of the layer below. `workbench.backend.Backend` is the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from mixpeek_lab.errors import InvalidInputError, TooLargeError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform import Platform
from mixpeek_lab.workbench.platform.evaluations import ServedEvaluations
from mixpeek_lab.workbench.values import plain

MOST_DEPTH = 64
MOST_BODY = 64 * 1024 * 1024
"""Bytes of a JSON body. Archives are not among these: they are streamed to the disk."""


async def _json_object(request: Request) -> dict[str, Any]:
    """The body, whatever the Content-Type says: `curl -d` says it is a form."""
    return _read(await _body(request))


async def _optional_json_object(request: Request) -> dict[str, Any]:
    body = await _body(request)
    return _read(body) if body.strip() else {}


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MOST_BODY:
            raise TooLargeError(f"A body has at most {MOST_BODY // 1024**2} MB.")
    return bytes(found)


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidInputError('The body must be a JSON object, such as {"query": "…"}.')
    if _is_deeper(value, MOST_DEPTH):
        raise InvalidInputError(f"The body nests more than {MOST_DEPTH} levels deep.")
    # Halves of surrogate pairs, which JSON can write, and no database or file can hold.
    return plain(value) if b"\\ud" in body.lower() else value


def _is_deeper(value: JSON, most: int) -> bool:
    """Whether lists and objects lie in each other more than `most` levels deep."""
    level: list[Any] = [value]
    for _ in range(most):
        inner = [v.values() if isinstance(v, dict) else v for v in level]
        level = [v for each in inner for v in each if isinstance(v, dict | list)]
    return bool(level)


JSONBody = Annotated[dict[str, Any], Depends(_json_object)]
"""A route's parameter type: a body that is a JSON object."""
OptionalJSONBody = Annotated[dict[str, Any], Depends(_optional_json_object)]
"""The same, where no body at all counts as `{}`."""


class Backend(Protocol):
    """The use cases behind the routes. Every method answers with JSON values."""

    platform: Platform
    """The resources of the local platform. Their methods may wait for the disk."""
    evaluations: ServedEvaluations
    """Evaluations of retrievers, which ask through this backend."""

    async def execute(self, retriever: str, body: Mapping[str, JSON]) -> JSON:
        """Run a stored retriever."""
        ...

    async def explain(self, retriever: str, body: Mapping[str, JSON]) -> JSON:
        """Run a stored retriever and give all candidates of all legs."""
        ...

    async def infer(self, body: Mapping[str, JSON]) -> JSON:
        """Call an extractor's realtime service."""
        ...

    async def try_out(self, extractor: str, body: Mapping[str, JSON]) -> JSON:
        """Call one version of an extractor's realtime service."""
        ...

    async def create_retriever(self, body: Mapping[str, JSON]) -> JSON:
        """Keep a new retriever: `{retriever, warnings}`. ConflictError where its name is taken."""
        ...

    async def list_retrievers(self) -> list[JSON]:
        """All retrievers, by name."""
        ...

    async def get_retriever(self, retriever: str) -> JSON:
        """One retriever, by id or name."""
        ...

    async def delete_retriever(self, retriever: str) -> None:
        """Forget a retriever."""
        ...


async def _backend(request: Request) -> Backend:  # async: a plain one is run in a thread
    found: Backend = request.app.state.backend
    return found


TheBackend = Annotated[Backend, Depends(_backend)]
"""A route's parameter type: the app's backend."""


async def _platform(backend: TheBackend) -> Platform:
    return backend.platform


ThePlatform = Annotated[Platform, Depends(_platform)]
"""A route's parameter type: the platform. Its routes are plain functions: they run in threads."""
