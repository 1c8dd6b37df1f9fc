"""Namespaces: a lab is one. Creating one gives it a name."""

from __future__ import annotations

from collections.abc import Mapping

from mixpeek_lab.catalog import Catalog, Namespace
from mixpeek_lab.errors import BodyError, ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.platform.bodies import demand_known, details, optional, required, shown
from mixpeek_lab.workbench.platform.ids import extractor_id, find_extractor

NAME = "default"
"""What the namespace is called before it has a name, and what it answers to in any case."""
LONGEST = 64
NAMES = ("namespace_name", "name")
FIELDS = (*NAMES, "description", "metadata", "feature_extractors", "mode", "namespace_type",
          "scope", "auto_create_indexes", "adaptive_indexing")  # fmt: skip


class Namespaces:
    """The one namespace there is. Its id stays with the lab's home."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def demand(self, name_or_id: str) -> None:
        """NotFoundError, which names the one there is, for any other."""
        if name_or_id == NAME:
            return
        found = self._catalog.namespace()
        if name_or_id not in (found.namespace_id, found.name):
            known = [found.namespace_id, *([found.name] if found.name else [])]
            raise NotFoundError("namespace", name_or_id, known, "A lab is one namespace.")

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Give the lab's namespace its name. ConflictError where it has one."""
        demand_known(body, FIELDS)
        mode = optional(body, "mode", str) or "managed"
        if mode != "managed":
            raise BodyError.at(
                "mode", f"is {shown(mode)}: a lab holds the vectors that its extractors make."
            )
        name = _new_name(required(body, NAMES, str))
        missing = self._missing(optional(body, "feature_extractors", list) or [])
        with self._catalog.together():
            found = self._catalog.namespace()
            if found.name is not None:
                raise ConflictError(
                    f"A lab is one namespace, and this one is called {found.name!r} "
                    f"({found.namespace_id}). Use it, or start another lab in a home folder of "
                    "its own (MIXPEEK_LAB_HOME)."
                )
            self._catalog.name_namespace(name, details(body))
        return {**self.get(name), "warnings": missing}

    def patch(self, name_or_id: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Another name or description."""
        self.demand(name_or_id)
        demand_known(body, FIELDS)
        is_named = any(body.get(key) is not None for key in NAMES)
        with self._catalog.together():
            found = self._catalog.namespace()
            name = _new_name(required(body, NAMES, str)) if is_named else found.name or NAME
            self._catalog.name_namespace(name, {**found.details, **details(body)})
        return self.get(name)

    def delete(self, name_or_id: str) -> None:
        """Give up its name and its id. ConflictError where anything is in it."""
        self.demand(name_or_id)
        held = {
            "bucket": [bucket.name for bucket in self._catalog.buckets()],
            "collection": [collection.name for collection in self._catalog.collections()],
            "retriever": [retriever.name for retriever in self._catalog.retrievers()],
        }
        for kind, names in held.items():
            if names:
                raise ConflictError(
                    f"The namespace holds {len(names)} {kind}s ({', '.join(names[:5])}): delete "
                    "what is in it first."
                )
        self._catalog.forget_namespace()

    def get(self, name_or_id: str) -> dict[str, JSON]:
        """The namespace and what it holds."""
        self.demand(name_or_id)
        found = self._catalog.namespace()
        buckets, collections = self._catalog.buckets(), self._catalog.collections()
        return {
            "object": "namespace",
            "namespace_id": found.namespace_id,
            "namespace_name": found.name or NAME,
            "description": found.details.get("description", "The lab on this machine."),
            "metadata": found.details.get("metadata", {}),
            "mode": "managed",
            "feature_extractors": self._extractors(),
            "bucket_count": len(buckets),
            "object_count": sum(bucket.object_count for bucket in buckets),
            "collection_count": len(collections),
            "document_count": sum(collection.document_count for collection in collections),
            "namespace_ready": True,
            "created_at": found.created_at,
        }

    def list_all(self) -> list[JSON]:
        """All namespaces."""
        return [self.get(NAME)]

    @property
    def namespace_id(self) -> str:
        """The id of the one there is."""
        found: Namespace = self._catalog.namespace()
        return found.namespace_id

    # ------------------------------------------------------------ inside

    def _extractors(self) -> list[JSON]:
        return [
            {
                "feature_extractor_name": record.manifest.name,
                "version": record.manifest.version,
                "feature_extractor_id": extractor_id(record.manifest.name, record.manifest.version),
            }
            for record in self._catalog.versions()
        ]

    def _missing(self, wanted: list[JSON]) -> list[str]:
        """A sentence for each extractor that is wanted and not there: it may be uploaded yet."""
        found = []
        for number, entry in enumerate(wanted):
            if not isinstance(entry, Mapping):
                raise BodyError.at(f"feature_extractors[{number}]", f"is {shown(entry)}.")
            where = f"feature_extractors[{number}]."
            name = required(entry, ("feature_extractor_name", "name"), str, where)
            version = optional(entry, "version", str, where)
            try:
                find_extractor(self._catalog, f"{name}@{version}" if version else name)
            except (NotFoundError, InvalidInputError) as error:
                found.append(f"{error} Upload it before you make a collection with it.")
        return found


def _new_name(name: str) -> str:
    if len(name) > LONGEST:
        raise BodyError.at(NAMES[0], f"has {len(name)} characters: {LONGEST} at most.")
    return new_name(name, "namespace")
