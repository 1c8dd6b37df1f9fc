"""Datasets over the API: queries with their relevant documents, to evaluate retrievers on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mixpeek_lab.catalog import Catalog, DatasetRecord
from mixpeek_lab.errors import BodyError
from mixpeek_lab.evaluation import Judgements, read_judgements
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown
from mixpeek_lab.workbench.platform.clicked import clicked_dataset
from mixpeek_lab.workbench.values import plain

_QUERY = ("query_id", "query_input", "relevant_documents", "relevance_scores")


class Datasets:
    """Datasets by name or id."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep one. ConflictError where the name is taken."""
        demand_known(body, ("dataset_name", "description", "queries", "metadata"))
        name = new_name(required(body, ("dataset_name",), str), "dataset")
        given = required(body, ("queries",), list)
        if not given:
            raise BodyError.at("queries", "must have at least one query.")
        queries = [_query(each, f"queries[{at}]") for at, each in enumerate(given)]
        ids = [query["query_id"] for query in queries]
        for at, query_id in enumerate(ids):
            if query_id in ids[:at]:
                raise BodyError.at(f"queries[{at}].query_id", f"{query_id!r} is there twice.")
        kept = {
            "description": optional(body, "description", str),
            "metadata": optional(body, "metadata", dict),
            "queries": queries,
        }
        return self._record(self._catalog.put_dataset(name, plain(kept)))

    def generate(self, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep one made of the interactions with a retriever: see `clicked_dataset`."""
        return self.create(clicked_dataset(self._catalog, retriever, body))

    def get(self, dataset: str) -> dict[str, JSON]:
        """One dataset with its queries."""
        return self._record(self._catalog.dataset(dataset))

    def list_all(self) -> list[JSON]:
        """All datasets, by name."""
        return [self._record(each) for each in self._catalog.datasets()]

    def judgements(self, dataset: str) -> tuple[DatasetRecord, Judgements]:
        """A dataset as an evaluation reads it. InvalidInputError where it measures nothing."""
        record = self._catalog.dataset(dataset)
        queries = {q["query_id"]: q["query_input"] for q in record.body["queries"]}
        qrels = {
            q["query_id"]: {
                **dict.fromkeys(q["relevant_documents"], 1),
                **(q["relevance_scores"] or {}),
            }
            for q in record.body["queries"]
        }
        read = read_judgements(qrels, queries)
        return record, Judgements(record.name, read.queries, read.qrels, read.notes)

    def _record(self, record: DatasetRecord) -> dict[str, JSON]:
        return {
            "dataset_id": record.dataset_id,
            "dataset_name": record.name,
            **record.body,
            "query_count": len(record.body["queries"]),
            "namespace_id": self._catalog.namespace().namespace_id,
            "internal_id": "lab",
            "created_at": record.created_at,
            "updated_at": record.created_at,
        }


def _query(given: Any, where: str) -> dict[str, JSON]:
    if not isinstance(given, Mapping):
        raise BodyError.at(where, f"must be an object, and is {shown(given)}.")
    demand_known(given, _QUERY, f"{where}.")
    documents = required(given, ("relevant_documents",), list, f"{where}.")
    if not all(isinstance(each, str) for each in documents):
        raise BodyError.at(f"{where}.relevant_documents", "must be a list of ids.")
    grades = optional(given, "relevance_scores", dict, f"{where}.")
    for document, grade in (grades or {}).items():
        if isinstance(grade, bool) or not isinstance(grade, int):
            raise BodyError.at(
                f"{where}.relevance_scores.{document}",
                f"must be a whole number, is {shown(grade)}.",
            )
    return {
        "query_id": required(given, ("query_id",), str, f"{where}."),
        "query_input": required(given, ("query_input",), dict, f"{where}."),
        "relevant_documents": documents,
        "relevance_scores": grades,
    }
