"""Namespaces: a lab is one, for now."""

from __future__ import annotations

from functools import cached_property

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON

NAME = "default"


class Namespaces:
    """The one namespace there is. Its id stays with the lab's home."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @cached_property
    def _identity(self) -> tuple[str, str]:
        return self._catalog.namespace()

    def demand(self, name_or_id: str) -> None:
        """NotFoundError, which names the one there is, for any other."""
        if name_or_id not in (self._identity[0], NAME):
            raise NotFoundError(
                "namespace", name_or_id, [self._identity[0]], "A lab is one namespace."
            )

    def get(self, name_or_id: str) -> dict[str, JSON]:
        """The namespace and what it holds."""
        self.demand(name_or_id)
        namespace_id, created_at = self._identity
        buckets, collections = self._catalog.buckets(), self._catalog.collections()
        return {
            "object": "namespace",
            "namespace_id": namespace_id,
            "namespace_name": NAME,
            "description": "The lab on this machine.",
            "bucket_count": len(buckets),
            "object_count": sum(bucket.object_count for bucket in buckets),
            "collection_count": len(collections),
            "document_count": sum(collection.document_count for collection in collections),
            "namespace_ready": True,
            "created_at": created_at,
        }

    def list_all(self) -> list[JSON]:
        """All namespaces."""
        return [self.get(NAME)]
