"""Namespaces over the API: what each holds, a new one, another name, none."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mixpeek_lab.catalog import Catalog, Namespace
from mixpeek_lab.errors import (
    BodyError,
    CatalogError,
    GoneError,
    InvalidInputError,
    NotFoundError,
)
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.platform.bodies import demand_known, details, optional, required, shown
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.ids import extractor_id, find_extractor
from mixpeek_lab.workbench.spaces import Spaces

LONGEST = 64
_ID = re.compile(r"ns_", re.IGNORECASE)
NAMES = ("namespace_name", "name")
FIELDS = (*NAMES, "description", "metadata", "feature_extractors", "mode", "namespace_type",
          "scope", "auto_create_indexes", "adaptive_indexing")  # fmt: skip


class Namespaces:
    """The default one, which is the lab itself, and those beside it."""

    def __init__(self, spaces: Spaces, host: Host) -> None:
        self._spaces, self._host = spaces, host

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """A new, empty one. ConflictError where its name is taken."""
        demand_known(body, FIELDS)
        mode = optional(body, "mode", str) or "managed"
        if mode != "managed":
            raise BodyError.at(
                "mode", f"is {shown(mode)}: a lab holds the vectors that its extractors make."
            )
        name, wanted = new_namespace_name(required(body, NAMES, str)), _wanted(body)
        made = self._spaces.catalog.add_namespace(name, details(body))
        missing = _missing(self._spaces.open(made).catalog, wanted)
        return {**self.get(made.namespace_id), "warnings": missing}

    def patch(self, name_or_id: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Another name or description."""
        found = self._spaces.find(name_or_id)
        demand_known(body, FIELDS)
        is_named = any(body.get(key) is not None for key in NAMES)
        name = new_namespace_name(required(body, NAMES, str)) if is_named else found.name
        with self._spaces.catalog.together():
            found = self._spaces.find(found.namespace_id)
            told = {**found.details, **details(body)}
            self._spaces.catalog.name_namespace(found, name, told)
        return self.get(found.namespace_id)

    def delete(self, name_or_id: str) -> None:
        """Forget one with everything in it; what it serves is taken down.

        ConflictError for the default one, and while anybody is at work in it.
        """
        found = self._spaces.find(name_or_id)
        self._spaces.delete(found)
        host = self._host.within(self._spaces.place_of(found))
        for name, digest in list(host.services()):
            host.take_down(name, digest)

    def get(self, name_or_id: str) -> dict[str, JSON]:
        """The namespace and what it holds."""
        return self._record(self._spaces.find(name_or_id))

    def list_all(self) -> list[JSON]:
        """All namespaces, the default one first."""
        return [self._record(each) for each in self._spaces.catalog.namespaces()]

    # ------------------------------------------------------------ inside

    def _record(self, found: Namespace) -> dict[str, JSON]:
        usual = "The lab on this machine." if found.is_default else None
        return {
            "object": "namespace",
            "namespace_id": found.namespace_id,
            "namespace_name": found.name,
            "description": found.details.get("description", usual),
            "metadata": found.details.get("metadata", {}),
            "mode": "managed",
            **self._contents(found),
            "created_at": found.created_at,
        }

    def _contents(self, found: Namespace) -> dict[str, JSON]:
        """What it holds; nothing, and not ready, where its catalog cannot be opened."""
        try:
            catalog = self._spaces.open(found).catalog
            buckets, collections = catalog.buckets(), catalog.collections()
            extractors = _extractors(catalog)
        except (GoneError, CatalogError):
            buckets, collections, extractors, is_ready = [], [], [], False
        else:
            is_ready = True
        return {
            "feature_extractors": extractors,
            "bucket_count": len(buckets),
            "object_count": sum(bucket.object_count for bucket in buckets),
            "collection_count": len(collections),
            "document_count": sum(collection.document_count for collection in collections),
            "namespace_ready": is_ready,
        }


def _extractors(catalog: Catalog) -> list[JSON]:
    return [
        {
            "feature_extractor_name": record.manifest.name,
            "version": record.manifest.version,
            "feature_extractor_id": extractor_id(record.manifest.name, record.manifest.version),
        }
        for record in catalog.versions()
    ]


def _wanted(body: Mapping[str, JSON]) -> list[str]:
    """The extractors that it is to have: `name` or `name@version`."""
    found = []
    for number, entry in enumerate(optional(body, "feature_extractors", list) or []):
        if not isinstance(entry, Mapping):
            raise BodyError.at(f"feature_extractors[{number}]", f"is {shown(entry)}.")
        where = f"feature_extractors[{number}]."
        name = required(entry, ("feature_extractor_name", "name"), str, where)
        version = optional(entry, "version", str, where)
        found.append(f"{name}@{version}" if version else name)
    return found


def _missing(catalog: Catalog, wanted: list[str]) -> list[str]:
    """A sentence for each extractor that is wanted and not there: it may be uploaded yet."""
    found = []
    for name in wanted:
        try:
            find_extractor(catalog, name)
        except (NotFoundError, InvalidInputError) as error:
            found.append(f"{error} Upload it before you make a collection with it.")
    return found


def new_namespace_name(name: str) -> str:
    """`name`, if a new namespace may have it: it has to stand in a header. InvalidInputError."""
    if len(name) > LONGEST:
        raise BodyError.at(NAMES[0], f"has {len(name)} characters: {LONGEST} at most.")
    if not name.isascii():
        raise BodyError.at(NAMES[0], "stands in the header X-Namespace: letters of ASCII only.")
    if _ID.match(name):
        raise BodyError.at(NAMES[0], "reads like an id: begin it with something else than `ns_`.")
    return new_name(name, "namespace")
