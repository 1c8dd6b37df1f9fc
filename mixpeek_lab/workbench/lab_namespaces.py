"""Namespaces from the notebook: make, list, change, delete and open them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mixpeek_lab.catalog import Namespace
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.namespaces import new_namespace_name
from mixpeek_lab.workbench.spaces import Space

if TYPE_CHECKING:
    from mixpeek_lab.workbench.lab import Lab
    from mixpeek_lab.workbench.runtime import Runtime


class LabNamespaces:
    """The namespaces of a lab. What is in one can neither be seen nor changed from another."""

    def __init__(self, runtime: Runtime, default: Lab, make: Callable[[Space], Lab]) -> None:
        """`default`: the lab itself. `make` opens the lab of another namespace."""
        self._spaces, self._runtime = runtime.spaces, runtime
        self._default, self._make = default, make
        self._opened: dict[str, Lab] = {}

    def create(
        self, name: str, description: str = "", metadata: Mapping[str, JSON] | None = None
    ) -> Namespace:
        """A new, empty one: `lab.namespace(name)` opens it.

        ConflictError where its name is taken, InvalidInputError for one that it cannot have.
        """
        about: dict[str, JSON] = {"description": description, "metadata": dict(metadata or {})}
        given = {key: value for key, value in about.items() if value}
        return self._spaces.catalog.add_namespace(new_namespace_name(name), given)

    def list(self) -> list[Namespace]:
        """All of them, the default one first."""
        return self._spaces.catalog.namespaces()

    def get(self, name: str) -> Namespace:
        """The one of that name or id. NotFoundError."""
        return self._spaces.find(name)

    def update(
        self,
        name: str,
        *,
        new_name: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> Namespace:
        """Another name, description or metadata. NotFoundError, ConflictError."""
        wanted = None if new_name is None else new_namespace_name(new_name)
        given: dict[str, JSON] = {"description": description}
        given["metadata"] = None if metadata is None else dict(metadata)
        with self._spaces.catalog.together():
            found = self._spaces.find(name)
            told = {key: value for key, value in given.items() if value is not None}
            details = {**found.details, **told}
            self._spaces.catalog.name_namespace(found, wanted or found.name, details)
        return self._spaces.find(found.namespace_id)

    def delete(self, name: str) -> None:
        """Forget one with everything in it; what it serves is taken down.

        NotFoundError; ConflictError for the default one, and while anybody is at work in it.
        """
        found = self._spaces.find(name)
        self._spaces.delete(found)
        self._opened.pop(found.namespace_id, None)
        home = self._spaces.place_of(found)
        self._runtime.endpoint.services_of(home, found.namespace_id).retire_all()

    def open(self, name: str) -> Lab:
        """The lab of one, by its name or id. NotFoundError."""
        found = self._spaces.find(name)
        if found.is_default:
            return self._default
        key = found.namespace_id
        if key not in self._opened:
            self._opened[key] = self._make(self._spaces.open(found))
        return self._opened[key]
