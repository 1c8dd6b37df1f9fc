"""Evaluations from the notebook: run them here, keep them, compare them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.beir import Dataset
from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import LabError, NotFoundError
from mixpeek_lab.evaluation import Comparison, Evaluation, Queries, compare, read_judgements
from mixpeek_lab.evaluation.statistics import Correction, Interval, Test, bootstrap_interval
from mixpeek_lab.evaluation.values import DEFAULT_MEASURES
from mixpeek_lab.models import JSON, SearchResult
from mixpeek_lab.workbench.examining import (
    OWN_FAULTS,
    Examination,
    examine,
    judge,
    keep,
    to_evaluation,
)
from mixpeek_lab.workbench.search import Searcher

Qrels = str | Path | Dataset | Mapping[str, Mapping[str, int]]
Ask = Callable[[str | Mapping[str, JSON], Mapping[str, JSON]], SearchResult]
"""(retriever, request) → what a search in this process found."""
OnQuery = Callable[[int, int], None]
"""(queries asked, queries in total)."""

_BACK = re.compile(r"(?P<name>.+)~(?P<steps>\d+)\Z")


@dataclass(frozen=True, slots=True)
class _Answers:
    rankings: dict[str, list[str]]
    warnings: list[str]
    failed: dict[str, str]
    seconds: float


class Evaluations:
    """The evaluations of one lab."""

    def __init__(self, catalog: Catalog, searcher: Searcher, ask: Ask) -> None:
        self._catalog, self._searcher, self._ask = catalog, searcher, ask

    def run(
        self,
        retriever: str | Mapping[str, JSON],
        qrels: Qrels,
        queries: str | Path | Queries | None = None,
        *,
        measures: Sequence[str] = DEFAULT_MEASURES,
        split: str | None = None,
        id_field: str | None = None,
        depth: int | None = None,
        name: str = "",
        confidence: float = 0.95,
        interval: Interval = "bca",
        seed: int = 0,
        save: bool = True,
        on_query: OnQuery | None = None,
        **options: JSON,
    ) -> Evaluation:
        """See `Lab.evaluate`."""
        bootstrap_interval([0.0], confidence=confidence, kind=interval)  # wrong ones are told now
        judgements = read_judgements(qrels, queries, split)
        asked = examine(
            self._searcher, retriever, judgements, measures,
            id_field=id_field, depth=depth, options=options, seed=seed,
        )  # fmt: skip
        answers = self._answers(asked, retriever, on_query or (lambda *_: None))
        found = judge(
            asked, answers.rankings, answers.warnings, answers.failed, answers.seconds,
            name, confidence, interval,
        )  # fmt: skip
        return keep(self._catalog, found, asked.prepared.retriever_id or None) if save else found

    def list(self, retriever: str | None = None) -> Sequence[Evaluation]:
        """Those that are complete, newest first; of one retriever, by its name."""
        found = [to_evaluation(r) for r in self._catalog.evaluations() if r.state == "completed"]
        return [each for each in found if retriever in (None, each.retriever)]

    def get(self, reference: str) -> Evaluation:
        """By id, by the beginning of one, or by name: the newest of that name, `name~1` the one
        before it. NotFoundError.
        """
        known = self.list()
        by_id = [each for each in known if each.evaluation_id == reference]
        named = [each for each in known if each.name == reference]
        back = _BACK.match(reference)
        if back and not named:
            named = [e for e in known if e.name == back["name"]][int(back["steps"]) :]
        begun = [e for e in known if len(reference) >= 5 and e.evaluation_id.startswith(reference)]
        found = by_id or named or (begun if len(begun) == 1 else [])
        if not found:
            names = {each.name for each in known}
            raise NotFoundError("evaluation", reference, names, "`lab.evaluations.list()`")
        return found[0]

    def delete(self, reference: str) -> None:
        """Forget one."""
        self._catalog.delete_evaluation(self.get(reference).evaluation_id)

    def compare(
        self,
        baseline: str | Evaluation,
        *others: str | Evaluation,
        measures: Sequence[str] | None = None,
        test: Test = "t-test",
        correction: Correction = "holm",
        confidence: float = 0.95,
        seed: int = 0,
    ) -> Comparison:
        """Compare others with a baseline, over the measures they have in common.

        `test` is `t-test` (Student's, paired) or `randomisation` (Fisher's); its p-values are
        corrected over all measures and systems: `holm`, `bonferroni` or `none`. NotFoundError;
        InvalidInputError where the judgements are not the same.
        """
        read = [e if isinstance(e, Evaluation) else self.get(e) for e in (baseline, *others)]
        return compare(
            read[0], read[1:], measures=measures, test=test, correction=correction,
            confidence=confidence, seed=seed,
        )  # fmt: skip

    def _answers(
        self, asked: Examination, retriever: str | Mapping[str, JSON], on_query: OnQuery
    ) -> _Answers:
        """Ask every query. Where one fails by itself it is noted; where all do, it is raised."""
        rankings: dict[str, list[str]] = {}
        warnings: list[str] = []
        failed: dict[str, LabError] = {}
        begun = time.perf_counter()
        requests = asked.requests
        for place, (query_id, request) in enumerate(requests.items(), start=1):
            try:
                result = self._ask(retriever, request)
            except OWN_FAULTS as error:
                failed[query_id] = error
            else:
                rankings[query_id] = asked.ranking(result)
                warnings += result.warnings
            on_query(place, len(requests))
        if len(failed) == len(requests):
            raise next(iter(failed.values()))
        told = {query_id: str(error) for query_id, error in failed.items()}
        return _Answers(rankings, warnings, told, time.perf_counter() - begun)
