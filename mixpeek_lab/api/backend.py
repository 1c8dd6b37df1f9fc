"""What the routes need of the layer below. `workbench.backend.Backend` is the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from fastapi import Depends, Request
from starlette.types import Scope

from mixpeek_lab.api.bodies import JSONBody as JSONBody
from mixpeek_lab.api.bodies import OptionalJSONBody as OptionalJSONBody
from mixpeek_lab.api.naming import named_namespaces
from mixpeek_lab.errors import InvalidInputError, NotFoundError, UnauthorizedError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform import Platform
from mixpeek_lab.workbench.platform.evaluations import ServedEvaluations
from mixpeek_lab.workbench.platform.namespaces import Namespaces
from mixpeek_lab.workbench.platform.signing import STRANGE


class Backend(Protocol):
    """The use cases behind the routes. Every method answers with JSON values."""

    platform: Platform
    """The resources of the local platform. Their methods may wait for the disk."""
    namespaces: Namespaces
    """The namespaces there are."""
    evaluations: ServedEvaluations
    """Evaluations of retrievers, which ask through this backend."""

    async def within(self, namespace: str) -> Backend:
        """The backend of a namespace, by its name or id. NotFoundError."""
        ...

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


async def backend_for(backend: Backend, scope: Scope) -> Backend:
    """That of the namespace which the request names; `backend`, the default one's, else.

    NotFoundError; InvalidInputError where it names two.
    """
    names = named_namespaces(scope)
    found = [await backend.within(name) for name in names] or [backend]
    if any(each is not found[0] for each in found):
        raise InvalidInputError(
            f"The request names two namespaces, {names[0]!r:.80} and {names[-1]!r:.80}: name the "
            "same one in the path and in X-Namespace, or leave the header out."
        )
    return found[0]


async def _backend(request: Request) -> Backend:  # async: a plain one is run in a thread
    return await backend_for(request.app.state.backend, request.scope)


TheBackend = Annotated[Backend, Depends(_backend)]
"""A route's parameter type: the backend of the namespace that the request is about."""


async def demand_namespace(_: TheBackend) -> None:
    """A dependency of every route, those that ask nobody included: 404 for an unknown one."""


async def _platform(backend: TheBackend) -> Platform:
    return backend.platform


async def _namespaces(request: Request) -> Namespaces:
    found: Backend = request.app.state.backend
    return found.namespaces


TheNamespaces = Annotated[Namespaces, Depends(_namespaces)]
"""A route's parameter type: all namespaces, whichever one the request names."""

ThePlatform = Annotated[Platform, Depends(_platform)]
"""A route's parameter type: the platform. Its routes are plain functions: they run in threads."""


async def _signed(request: Request) -> Platform:
    try:
        return (await _backend(request)).platform
    except NotFoundError as error:  # whoever has no token is not told which there are
        raise UnauthorizedError(STRANGE) from error


SignedPlatform = Annotated[Platform, Depends(_signed)]
"""The same, for addresses that need no token: their signature is the platform's to check."""
