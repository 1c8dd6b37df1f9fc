"""Evaluations of retrievers, and the sets of judged queries that came over the API."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import new_id, now
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """One evaluation, as it is kept."""

    evaluation_id: str
    name: str
    retriever_id: str | None
    state: str
    """in_progress, completed or failed (with `error`)."""
    about: Mapping[str, JSON]
    scores: Mapping[str, JSON] = field(default_factory=dict)
    run: Mapping[str, JSON] = field(default_factory=dict)
    error: str = ""
    created_at: str = ""
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """Queries with their relevant documents."""

    dataset_id: str
    name: str
    body: Mapping[str, JSON]
    created_at: str


class EvaluationRecords(Records):
    """Evaluations, newest first, and datasets by name."""

    def begin_evaluation(
        self, name: str, retriever_id: str | None, about: Mapping[str, JSON]
    ) -> str:
        """Note that one begins; its id."""
        evaluation_id = new_id("ev")
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO evaluations (evaluation_id, name, retriever_id, state, about, "
                "created_at) VALUES (?, ?, ?, 'in_progress', ?, ?)",
                (evaluation_id, name, retriever_id, json.dumps(dict(about)), now()),
            )
        return evaluation_id

    def complete_evaluation(
        self,
        evaluation_id: str,
        about: Mapping[str, JSON],
        scores: Mapping[str, JSON],
        run: Mapping[str, JSON],
    ) -> None:
        """Keep what it found."""
        values = (json.dumps(dict(part)) for part in (about, scores, run))
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE evaluations SET state = 'completed', about = ?, scores = ?, run = ?, "
                "finished_at = ? WHERE evaluation_id = ?",
                (*values, now(), evaluation_id),
            )

    def fail_evaluation(self, evaluation_id: str, error: str) -> None:
        """Note why it found nothing."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE evaluations SET state = 'failed', error = ?, finished_at = ? "
                "WHERE evaluation_id = ? AND state = 'in_progress'",
                (error, now(), evaluation_id),
            )

    def close_lost_evaluations(self, error: str) -> int:
        """Close those that a server which is gone left in progress; how many there were."""
        with self._database.transaction() as sql:
            return sql.execute(
                "UPDATE evaluations SET state = 'failed', error = ?, finished_at = ? "
                "WHERE state = 'in_progress'",
                (error, now()),
            ).rowcount

    def evaluation(self, evaluation_id: str) -> EvaluationRecord:
        """The evaluation of that id."""
        row = self._one("SELECT * FROM evaluations WHERE evaluation_id = ?", evaluation_id)
        if row is None:
            raise NotFoundError(
                "evaluation", evaluation_id, [e.evaluation_id for e in self.evaluations()[:8]]
            )
        return EvaluationRecord(**_loaded(row))

    def evaluations(self, retriever_id: str | None = None) -> list[EvaluationRecord]:
        """All of them, or one retriever's, newest first."""
        where, values = ("", ()) if retriever_id is None else (
            "WHERE retriever_id = ? ", (retriever_id,)
        )  # fmt: skip
        query = f"SELECT * FROM evaluations {where}ORDER BY rowid DESC"
        rows = self._database.connection.execute(query, values)
        return [EvaluationRecord(**_loaded(row)) for row in rows]

    def delete_evaluation(self, evaluation_id: str) -> None:
        """Forget one."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM evaluations WHERE evaluation_id = ?", (evaluation_id,))

    def put_dataset(self, name: str, body: Mapping[str, JSON]) -> DatasetRecord:
        """Keep judged queries; ConflictError where the name is taken."""
        dataset_id = new_id("ds")
        with self._unique("dataset", name), self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO datasets VALUES (?, ?, ?, ?)",
                (dataset_id, name, json.dumps(dict(body)), now()),
            )
        return self.dataset(dataset_id)

    def dataset(self, name_or_id: str) -> DatasetRecord:
        """The dataset of that name or id."""
        query = "SELECT * FROM datasets WHERE name = ? OR dataset_id = ?"
        row = self._one(query, name_or_id, name_or_id)
        if row is None:
            raise NotFoundError("dataset", name_or_id, self._names("datasets"))
        return DatasetRecord(**_loaded(row))

    def datasets(self) -> list[DatasetRecord]:
        """All datasets, by name."""
        return [
            DatasetRecord(**_loaded(r)) for r in self._all("SELECT * FROM datasets ORDER BY name")
        ]


def _loaded(row: sqlite3.Row) -> dict[str, JSON]:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    for name in ("about", "scores", "run", "body"):
        if name in values:
            values[name] = json.loads(values[name])
    return values
