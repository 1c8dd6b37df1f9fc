"""What the routes need of the layer below. `workbench.backend.Backend` is the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON


async def _json_object(request: Request) -> dict[str, Any]:
    """The body, whatever the Content-Type says: `curl -d` says it is a form."""
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidInputError('The body must be a JSON object, such as {"query": "…"}.')
    return value


JSONBody = Annotated[dict[str, Any], Depends(_json_object)]
"""A route's parameter type: a body that is a JSON object."""


class Backend(Protocol):
    """The use cases behind the routes. Every method answers with JSON values."""

    async def execute(self, retriever: str, body: Mapping[str, JSON]) -> JSON:
        """Run a stored retriever."""
        ...

    async def explain(self, retriever: str, body: Mapping[str, JSON]) -> JSON:
        """Run a stored retriever and give all candidates of all legs."""
        ...

    async def infer(self, body: Mapping[str, JSON]) -> JSON:
        """Call an extractor's realtime service."""
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
