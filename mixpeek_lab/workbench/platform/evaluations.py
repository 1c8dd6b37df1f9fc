"""Evaluations over the API: begun by a request, run beside others, read when they are done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import cast

from mixpeek_lab.catalog import Catalog, DatasetRecord, EvaluationRecord
from mixpeek_lab.errors import BodyError, LabError, NotFoundError
from mixpeek_lab.evaluation import compare
from mixpeek_lab.evaluation.statistics import Correction, Test
from mixpeek_lab.models import JSON, SearchResult
from mixpeek_lab.workbench.examining import (
    OWN_FAULTS,
    Examination,
    complete,
    examine,
    judge,
    to_evaluation,
)
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required
from mixpeek_lab.workbench.platform.datasets import Datasets
from mixpeek_lab.workbench.platform.evaluation_tasks import task_id_of
from mixpeek_lab.workbench.platform.hosted_metrics import MetricConfig, read_config
from mixpeek_lab.workbench.search import Prepared, Searcher

Search = Callable[[str, Mapping[str, JSON]], Awaitable[tuple[Prepared, SearchResult]]]
AT_ONCE = 2
"""Evaluations that run beside each other and beside everybody's searches; others wait."""
LOST = "The server was stopped before the evaluation was done. Start it again."


class ServedEvaluations:
    """The evaluations of a server's retrievers."""

    def __init__(self, catalog: Catalog, searcher: Searcher, search: Search) -> None:
        self._catalog, self._searcher, self._search = catalog, searcher, search
        self._datasets = Datasets(catalog)
        self._running: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def start(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Check everything, then run in the background. Errors as `Lab.evaluate` has them."""
        demand_known(body, ("dataset_name", "evaluation_config"))
        config = read_config(optional(body, "evaluation_config", dict))
        record = self._catalog.retriever(retriever)
        name = required(body, ("dataset_name",), str)
        dataset, asked = await asyncio.to_thread(self._asked, record.name, name, config)
        about: dict[str, JSON] = {
            "dataset_id": dataset.dataset_id,
            "dataset": dataset.name,
            "config": config.as_json(),
            "total_queries": len(dataset.body["queries"]),
        }
        evaluation_id = self._catalog.begin_evaluation(record.name, record.retriever_id, about)
        task = asyncio.create_task(self._run(evaluation_id, record.name, asked, about))
        self._running.add(task)
        task.add_done_callback(partial(self._ended, evaluation_id))
        return {
            "task_id": task_id_of(evaluation_id),
            "evaluation_id": evaluation_id,
            "task_type": "retriever.evaluation",
            "status": "pending",
            "created_at": self._catalog.evaluation(evaluation_id).created_at,
        }

    def get(self, retriever: str, evaluation_id: str) -> dict[str, JSON]:
        """One evaluation of a retriever."""
        owner = self._catalog.retriever(retriever).retriever_id
        found = self._catalog.evaluation(evaluation_id)
        if found.retriever_id != owner:
            known = [each.evaluation_id for each in self._catalog.evaluations(owner)]
            raise NotFoundError("evaluation", evaluation_id, known)
        return self._record(found)

    def list_all(
        self, retriever: str, status: str | None = None, dataset: str | None = None
    ) -> list[JSON]:
        """A retriever's evaluations, newest first; by status, by dataset."""
        owner = self._catalog.retriever(retriever).retriever_id
        found = [self._record(each) for each in self._catalog.evaluations(owner)]
        return [
            each
            for each in found
            if status in (None, each["status"]) and dataset in (None, each["dataset_name"])
        ]

    def compare(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """What changed from `baseline` to each of `others`: ids of completed evaluations."""
        demand_known(body, ("baseline", "others", "measures", "test", "correction"))
        ids = [required(body, ("baseline",), str), *required(body, ("others",), list)]
        measures = optional(body, "measures", list)
        for name, given in (("others", ids), ("measures", measures or ())):
            if not all(isinstance(each, str) for each in given):
                raise BodyError.at(name, "must be a list of texts.")
        records = [self._catalog.evaluation(each) for each in ids]
        for record in records:
            if record.state != "completed":
                raise BodyError.at("others", f"{record.evaluation_id} is {record.state}.")
        read = [to_evaluation(record) for record in records]
        found = compare(
            read[0],
            read[1:],
            measures=measures,
            test=cast("Test", optional(body, "test", str) or "t-test"),
            correction=cast("Correction", optional(body, "correction", str) or "holm"),
        )
        pairs = zip(found.changes, [key for key in ids[1:] for _ in found.measures], strict=True)
        return {
            "baseline": ids[0],
            "test": found.test,
            "correction": found.correction,
            "changes": [
                {"evaluation_id": key, **asdict(change), "difference": change.difference}
                for change, key in pairs
            ],
        }

    def close_lost(self) -> None:
        """Mark what a server that is gone has left: nobody works on it any more."""
        self._catalog.close_lost_evaluations(LOST)

    def _asked(
        self, retriever: str, dataset: str, config: MetricConfig
    ) -> tuple[DatasetRecord, Examination]:
        record, judgements = self._datasets.judgements(dataset)
        return record, examine(self._searcher, retriever, judgements, config.measures)

    def _ended(self, evaluation_id: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled():  # perhaps before its first step
            self._catalog.fail_evaluation(evaluation_id, LOST)

    async def _run(
        self, evaluation_id: str, retriever: str, asked: Examination, about: Mapping[str, JSON]
    ) -> None:
        try:
            async with self._turns:
                await self._measure(evaluation_id, retriever, asked, about)
        except LabError as error:
            self._catalog.fail_evaluation(evaluation_id, str(error))
        except Exception as error:
            what = f"Something in the lab failed ({type(error).__name__}). Its log has the details."
            self._catalog.fail_evaluation(evaluation_id, what)
            raise

    async def _measure(
        self, evaluation_id: str, retriever: str, asked: Examination, about: Mapping[str, JSON]
    ) -> None:
        rankings: dict[str, list[str]] = {}
        warnings: list[str] = []
        failed: dict[str, LabError] = {}
        begun = time.perf_counter()
        for query_id, request in asked.requests.items():
            try:
                _, result = await self._search(retriever, request)
            except OWN_FAULTS as error:
                failed[query_id] = error
            else:
                rankings[query_id] = asked.ranking(result)
                warnings += result.warnings
            await asyncio.sleep(0)  # others' searches come in between
        if len(failed) == len(asked.requests):
            raise next(iter(failed.values()))
        told = {query_id: str(error) for query_id, error in failed.items()}
        seconds = time.perf_counter() - begun
        found = await asyncio.to_thread(judge, asked, rankings, warnings, told, seconds)
        complete(self._catalog, evaluation_id, replace(found, dataset=about["dataset"]), **about)

    def _record(self, record: EvaluationRecord) -> dict[str, JSON]:
        about = record.about
        config = read_config(about.get("config"))
        found: dict[str, JSON] = {
            "evaluation_id": record.evaluation_id,
            "retriever_id": record.retriever_id,
            "dataset_id": about.get("dataset_id", ""),
            "dataset_name": about.get("dataset", ""),
            "config": config.as_json(),
            "status": record.state,
            "created_at": record.created_at,
            "updated_at": record.finished_at or record.created_at,
            "completed_at": record.finished_at if record.state == "completed" else None,
            "namespace_id": self._catalog.namespace().namespace_id,
            "internal_id": "lab",
            "query_count": 0,
            "error_message": record.error or None,
        }
        return found | _results(record, config) if record.state == "completed" else found


def _results(record: EvaluationRecord, config: MetricConfig) -> dict[str, JSON]:
    """What a completed evaluation found. Those of the notebook have measures of their own."""
    found = to_evaluation(record)
    failed: Mapping[str, str] = record.about.get("failed", {})
    count = len(found.per_query)
    is_served = "config" in record.about
    return {
        "query_count": count,
        "overall_metrics": config.overall(found) if is_served else found.mean,
        "metrics_by_k": config.by_k(found) if is_served else None,
        "total_queries": record.about.get("total_queries", count),
        "evaluated_queries": count - len(failed),
        "skipped_queries": record.about.get("total_queries", count) - count + len(failed),
        "query_results": [
            {
                "query_id": query_id,
                "status": "skipped" if query_id in failed else "evaluated",
                "error": failed.get(query_id),
                "retrieved_count": None
                if query_id in failed
                else len(found.rankings.get(query_id, ())),
            }
            for query_id in found.per_query
        ],
        "measures": found.mean,
        "intervals": {measure: list(span) for measure, span in found.intervals.items()},
        "unjudged": {f"unjudged@{found.cut}": found.mean_unjudged},
        "notes": list(found.notes),
    }
