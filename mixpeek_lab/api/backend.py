"""What the routes need of the layer below. `workbench.backend.Backend` is the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from fastapi import Depends, Request

from mixpeek_lab.api.bodies import JSONBody as JSONBody
from mixpeek_lab.api.bodies import OptionalJSONBody as OptionalJSONBody
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform import Platform
from mixpeek_lab.workbench.platform.evaluations import ServedEvaluations


class Backend(Protocol):
    """The use cases behind the routes. Every method answers with JSON values."""

    platform: Platform
    """The resources of the local platform. Their methods may wait for the disk."""
    evaluations: ServedEvaluations
    """Evaluations of retrievers, which ask through this backend."""

    async def execute(self, retriever: str, body: Mapping[str, JSON]) -> JSON:
        """Run a stored retriever."""
        ...

    async def execute_adhoc(self, body: Mapping[str, JSON]) -> JSON:
        """Run a retriever that is not kept."""
        ...

    async def execute_batch(self, retriever: str, body: Mapping[str, JSON]) -> JSON:
        """Run a stored retriever for several queries."""
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
        """Keep a new retriever; it, and `warnings`. ConflictError where its name is taken."""
        ...

    async def list_retrievers(self) -> list[JSON]:
        """All retrievers, by name."""
        ...

    async def get_retriever(self, retriever: str) -> JSON:
        """One retriever, by id or name."""
        ...

    async def patch_retriever(self, retriever: str, body: Mapping[str, JSON]) -> JSON:
        """Change a retriever."""
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
