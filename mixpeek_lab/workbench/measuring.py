"""What a lab learns: interactions, evaluations against judgements, maps of its vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mixpeek_lab.evaluation.values import DEFAULT_MEASURES
from mixpeek_lab.models import JSON, SearchResult
from mixpeek_lab.workbench.interactions import Interactions

if TYPE_CHECKING:
    from mixpeek_lab.catalog import Catalog
    from mixpeek_lab.evaluation import Evaluation, Queries
    from mixpeek_lab.workbench.asking import KernelSearch
    from mixpeek_lab.workbench.evaluations import Evaluations, Qrels
    from mixpeek_lab.workbench.maps import Maps
    from mixpeek_lab.workbench.search import Searcher


class Measured(ABC):
    """The part of `Lab` that records and measures."""

    _catalog: Catalog
    _searcher: Searcher
    _asking: KernelSearch

    @cached_property
    def interactions(self) -> Interactions:
        """What people did with hits: `lab.interactions.record(result, 1, "click")`, `list`,
        `arms`. `learned` fusion draws its weights from it.
        """
        return Interactions(self._catalog)

    @cached_property
    def evaluations(self) -> Evaluations:
        """Saved evaluations: `list`, `get`, `compare(before, after)`, `delete`."""
        from mixpeek_lab.workbench.evaluations import Evaluations

        return Evaluations(self._catalog, self._searcher, self._ask)

    @cached_property
    def maps(self) -> Maps:
        """Vectors as maps: `lab.maps.open(collection, feature)`, which `%embedding_map` shows."""
        from mixpeek_lab.workbench.maps import Maps

        return Maps(self._searcher, self._asking.near)

    def evaluate(
        self,
        retriever: str | Mapping[str, JSON],
        qrels: Qrels,
        queries: str | Path | Queries | None = None,
        *,
        measures: Sequence[str] | None = None,
        name: str = "",
        **options: JSON,
    ) -> Evaluation:
        """Ask every judged query in this process, and measure what is found; kept in the catalog.

        `qrels`: a BEIR folder, a file in BEIR's or TREC's layout, or query id → document id →
        grade, with `queries` (a file, or id → text) where there are none beside it. `measures`
        are those of ir_measures: nDCG@10, RR, R@100, AP and P@10 unless said. `name` is what
        the evaluation is called in comparisons (the retriever's name).

        `id_field` names the documents' field that the judgements mean (found where it is not
        named); `split` the file in a BEIR folder's `qrels`; `depth` the hits to ask for (100, or
        what the measures need); `confidence` (0.95), `interval` (`bca` or `percentile`) and `seed`
        the means' intervals; `save=False` keeps nothing; `on_query(asked, total)` is told how far
        it is. Other options are the search's: filters, fusion, weights, k.

        InvalidInputError for what cannot be read or measured, and where no judged document is in
        the retriever's collections; otherwise as `search`.
        """
        return self.evaluations.run(
            retriever, qrels, queries, measures=measures or DEFAULT_MEASURES, name=name, **options
        )

    @abstractmethod
    def search(
        self, retriever: str | Mapping[str, JSON], query: str | Mapping[str, JSON], **options: JSON
    ) -> SearchResult:
        """Search in this process."""

    def _ask(
        self, retriever: str | Mapping[str, JSON], request: Mapping[str, JSON]
    ) -> SearchResult:
        options = dict(request)
        query = options.pop("inputs") if "inputs" in options else options.pop("query")
        return self.search(retriever, query, **options)
