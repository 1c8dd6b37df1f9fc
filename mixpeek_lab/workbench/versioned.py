"""The part of `Lab` that keeps history and moves things: versions, other platforms, exports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.hosted import Hosted
from mixpeek_lab.workbench.retriever_exports import exported, imported
from mixpeek_lab.workbench.versions import Versions, saved_scores

if TYPE_CHECKING:
    from mixpeek_lab.catalog import Catalog, RetrieverRecord
    from mixpeek_lab.source import ExtractorSource
    from mixpeek_lab.workbench.evaluations import Evaluations
    from mixpeek_lab.workbench.extractors import Definition
    from mixpeek_lab.workbench.home import Home


class Versioned(ABC):
    """Versions of extractors, and the way to and from other platforms."""

    _catalog: Catalog
    _home: Home
    _drafts: dict[str, ExtractorSource]
    _refused: dict[str, Definition]

    @cached_property
    def versions(self) -> Versions:
        """Versions of extractors: commit, log, status, diff, checkout, tag."""
        scores_of = saved_scores(lambda: self.evaluations.list())
        return Versions(self._catalog, self._home, self._drafts, self._refused, scores_of)

    @cached_property
    def hosted(self) -> Hosted:
        """Other platforms: push versions there, pull them from there."""
        return Hosted(self._catalog, self._home, self.versions)

    def export_retriever(self, name: str) -> dict[str, JSON]:
        """The retriever as the JSON that Mixpeek takes; `import_retriever` reads it back equal.

        NotFoundError.
        """
        return exported(self._catalog, self._catalog.retriever(name))

    def import_retriever(
        self, body: Mapping[str, JSON], name: str | None = None
    ) -> RetrieverRecord:
        """Define a retriever from exported JSON, under its own name or another.

        Errors as for `retriever`.
        """
        return self.retriever(*imported(body, name))

    @property
    @abstractmethod
    def evaluations(self) -> Evaluations:
        """Saved evaluations."""

    @abstractmethod
    def retriever(self, name: str, body: Mapping[str, JSON]) -> RetrieverRecord:
        """Define a retriever."""
