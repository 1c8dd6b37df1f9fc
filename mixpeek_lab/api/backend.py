"""What the routes need of the layer below. `workbench.search.Backend` is the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from fastapi import Depends, Request

from mixpeek_lab.models import JSON


class Backend(Protocol):
    """The use cases behind the routes. Every method answers with JSON values."""

    async def execute(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever."""
        ...

    async def explain(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run a stored retriever and give all candidates of all legs."""
        ...

    async def infer(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Call an extractor's realtime service."""
        ...

    async def create_retriever(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep a retriever."""
        ...

    async def list_retrievers(self) -> dict[str, JSON]:
        """All retrievers."""
        ...

    async def get_retriever(self, retriever: str) -> dict[str, JSON]:
        """One retriever."""
        ...

    async def delete_retriever(self, retriever: str) -> dict[str, JSON]:
        """Forget a retriever."""
        ...


def _backend(request: Request) -> Backend:
    found: Backend = request.app.state.backend
    return found


TheBackend = Annotated[Backend, Depends(_backend)]
"""A route's parameter type: the app's backend."""
