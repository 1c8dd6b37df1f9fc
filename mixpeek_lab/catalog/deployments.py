"""Which versions of extractors somebody asked to be served, and what came of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import now

Owner = Literal["api", "lab"]
"""Who asked: what came over HTTP stays until it is undeployed, or the lab is stopped."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One version of an extractor that is to be served.

    Its state is what was done about it: QUEUED, PENDING, IN_PROGRESS, DEPLOYED, FAILED. Whether
    it runs now, Ray Serve knows.
    """

    name: str
    digest: str
    state: str
    owner: Owner
    error: str
    requested_at: str
    updated_at: str


class DeploymentRecords(Records):
    """Deployments by extractor and digest."""

    def put_deployment(
        self, name: str, digest: str, owner: Owner, state: str, error: str = ""
    ) -> None:
        """Note a deployment. One that was asked for over HTTP stays so."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name, digest) DO UPDATE SET state = excluded.state, "
                "owner = CASE WHEN owner = 'api' THEN owner ELSE excluded.owner END, "
                "error = excluded.error, requested_at = excluded.requested_at, "
                "updated_at = excluded.updated_at",
                (name, digest, state, owner, error, now(), now()),
            )

    def move_deployment(
        self, name: str, digest: str, before: str, state: str, error: str = ""
    ) -> bool:
        """From one state to the next. False where it is in another one by now, or gone."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE deployments SET state = ?, error = ?, updated_at = ? "
                    "WHERE name = ? AND digest = ? AND state = ?",
                    (state, error, now(), name, digest, before),
                ).rowcount
            )

    def drop_deployment(self, name: str, digest: str) -> None:
        """Forget that it was asked for."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM deployments WHERE name = ? AND digest = ?", (name, digest))

    def deployment(self, name: str, digest: str) -> Deployment | None:
        """What is known of one version; None where nobody asked for it."""
        row = self._one("SELECT * FROM deployments WHERE name = ? AND digest = ?", name, digest)
        return None if row is None else _deployment(row)

    def deployments(self) -> list[Deployment]:
        """All of them, in the order they were asked for."""
        query = "SELECT * FROM deployments ORDER BY requested_at, rowid"
        return [_deployment(row) for row in self._all(query)]

    def close_lost_deployments(self, error: str) -> None:
        """Those that a dead worker was at have failed. For whoever holds the worker's lock."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE deployments SET state = 'FAILED', error = ?, updated_at = ? "
                "WHERE owner = 'api' AND state IN ('PENDING', 'IN_PROGRESS')",
                (error, now()),
            )


def _deployment(row: sqlite3.Row) -> Deployment:
    return Deployment(*row)
