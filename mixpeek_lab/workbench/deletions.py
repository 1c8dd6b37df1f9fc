"""Deleting from the notebook and the terminal: the same rules as over HTTP."""

from __future__ import annotations

import shutil
from abc import ABC
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import ConflictError, EngineError, NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform import Platform
from mixpeek_lab.workbench.platform.ids import extractor_id

if TYPE_CHECKING:
    from mixpeek_lab.serving import HomeServices
    from mixpeek_lab.source import ExtractorSource
    from mixpeek_lab.workbench.extractors import Definition
    from mixpeek_lab.workbench.platform.host import Host, States
    from mixpeek_lab.workbench.search import Searcher


class Deletions:
    """What can be deleted, by name or id. What others use is refused: ConflictError names them.

    Its files go with it, and its name is free again. NotFoundError names what there is.
    """

    def __init__(
        self, catalog: Catalog, home: Home, searcher: Searcher, served: HomeServices,
        forget: Callable[[str], bool],
    ) -> None:  # fmt: skip
        """`forget`: what the notebook holds of an extractor; whether there was anything."""
        self._catalog, self._home = catalog, home
        self._served, self._forget = served, forget
        self._platform = Platform(catalog, home, _Kernel(), searcher.stages, searcher.shown)

    def bucket(self, name: str) -> None:
        """A bucket with its objects. Refused where a collection is made of it."""
        self._platform.buckets.delete(name)

    def object(self, bucket: str, object_id: str) -> None:
        """One object: nobody finds its documents any more, and the next run removes them."""
        self._platform.objects.remove(bucket, object_id)

    def collection(self, name: str) -> None:
        """A collection with its documents. Refused where a retriever searches it or a run goes."""
        self._platform.collections.delete(name)

    def document(self, collection: str, document_id: str) -> None:
        """One document: out of every search, for as long as its content is the same."""
        self._platform.documents.remove(collection, document_id)

    def retriever(self, name: str) -> None:
        """A retriever. Refused where a stage of another one asks it."""
        record = self._catalog.retriever(name)
        own = {record.name, record.retriever_id}
        users = [
            other.name for other in self._catalog.retrievers()
            if other.retriever_id != record.retriever_id
            and own & _asked_retrievers(other.body.get("stages", ()))
        ]  # fmt: skip
        if users:
            raise ConflictError(
                f"Retriever {record.name!r} is asked by a stage of {', '.join(users)}: "
                "delete that first."
            )
        self._catalog.delete_retriever(name)

    def deployment(self, name: str) -> None:
        """An extractor's services, or that of `name@1.0.0` alone: taken down; the code stays.

        NotFoundError where nothing of that name is to be served.
        """
        base, _, wanted = name.partition("@")
        numbers = {r.source.digest: r.manifest.version for r in self._catalog.versions(base)}
        every = [each.digest for each in self._catalog.deployments() if each.name == base]
        gone = [d for d in every if wanted in ("", d, numbers.get(d))]
        if not gone:
            known = [f"{base}@{numbers.get(digest, digest)}" for digest in every]
            raise NotFoundError("deployment", name, known)
        with self._catalog.together():
            for digest in gone:
                self._catalog.drop_deployment(base, digest)
        if self._served.is_up:
            self._served.retire(base, set(numbers) - set(gone))

    def extractor(self, name: str) -> None:
        """An extractor with all its versions, or the version `name@1.0.0`.

        Refused where a collection was made with it, or a retriever's stage asks it.
        """
        base, _, version = name.partition("@")
        every = self._catalog.versions(base)
        gone = [r for r in every if version in ("", r.manifest.version)]
        if not every and not version and self._forget(base):
            return
        if not gone:
            known = [f"{base}@{r.manifest.version}" for r in every]
            raise NotFoundError(
                "extractor", name, known or [r.manifest.name for r in self._catalog.extractors()]
            )
        versions = [record.manifest.version for record in gone]
        packages = [c.source.package for v in versions for c in self._catalog.contents(base, v)]
        with self._catalog.together():  # all of them, or none where one is in use
            for number in versions:
                self._platform.extractors.delete(extractor_id(base, number))
        for package in packages:
            shutil.rmtree(self._home.path / "extractors" / package, ignore_errors=True)
        if self._served.is_up:
            left = {r.source.digest for r in self._catalog.versions(base)}
            self._served.retire(base, left)
        if len(gone) == len(every):
            self._forget(base)


class _Kernel:
    """The host of the kernel's platform, which deletes only: nobody waits for it."""

    async def infer(
        self, name: str, _digest: str, _inputs: Mapping[str, JSON], _parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        raise EngineError(f"{name} is not asked from here.")

    def wake(self) -> None:
        """What waits is done by the server, or by the next run."""

    def apart(self, function: str, *_values: Any) -> Any:
        raise EngineError(f"{function} is not called from here.")

    def services(self) -> States:
        return {}

    def take_down(self, name: str, digest: str) -> None:
        """The endpoint does, once the catalog has forgotten all of them."""

    def within(self, home: Path) -> Host:
        raise EngineError(f"{home} is another namespace's.")


def _asked_retrievers(value: JSON) -> set[str]:
    """The retrievers that stages name, wherever their parameters hold them."""
    if isinstance(value, list | tuple):
        return set().union(*map(_asked_retrievers, value)) if value else set()
    if not isinstance(value, Mapping):
        return set()
    found = {str(value[key]) for key in ("retriever_id", "retriever") if value.get(key)}
    return found.union(*map(_asked_retrievers, value.values()))


class Deleting(ABC):
    """The part of `Lab` that deletes."""

    _catalog: Catalog
    _home: Home
    _searcher: Searcher
    _served: HomeServices
    _drafts: dict[str, ExtractorSource]
    _refused: dict[str, Definition]

    @cached_property
    def delete(self) -> Deletions:
        """Delete what is there: `lab.delete.bucket(name)`, `object`, `collection`, `document`,
        `retriever`, `extractor`, `deployment`. What others use is refused, and they are named.
        """
        return Deletions(self._catalog, self._home, self._searcher, self._served, self._forget)

    def _forget(self, extractor: str) -> bool:
        """Have its cells begin anew; whether there were any."""
        found = (self._drafts.pop(extractor, None), self._refused.pop(extractor, None))
        return any(each is not None for each in found)
