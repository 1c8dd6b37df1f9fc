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
    attempts: int = 0
    """How often it was begun in this session of Ray since it was asked for."""


class DeploymentRecords(Records):
    """Deployments by extractor and digest."""

    def put_deployment(
        self, name: str, digest: str, owner: Owner, state: str, error: str = ""
    ) -> None:
        """Note a deployment. One that was asked for over HTTP stays so."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?, 0) "
                "ON CONFLICT (name, digest) DO UPDATE SET state = excluded.state, "
                "owner = CASE WHEN owner = 'api' THEN owner ELSE excluded.owner END, "
                "error = excluded.error, requested_at = excluded.requested_at, "
                "updated_at = excluded.updated_at, attempts = 0",
                (name, digest, state, owner, error, now(), now()),
            )

    def move_deployment(
        self, name: str, digest: str, before: str, state: str, error: str = ""
    ) -> bool:
        """From one state to the next. False where it is in another one by now, or gone."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE deployments SET state = ?, error = ?, updated_at = ?, "
                    "attempts = attempts + (? = 'PENDING') "
                    "WHERE name = ? AND digest = ? AND state = ?",
                    (state, error, now(), state, name, digest, before),
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

    def deployed_digest(self, name: str) -> str | None:
        """The version that an extractor's name stands for where it is served.

        The current one once it is deployed; until then the newest that is: by version, then by
        when it was kept. None where none is deployed.
        """
        rows = self._database.connection.execute(
            "SELECT e.version, e.digest, e.is_current, e.rowid FROM extractors e "
            "JOIN deployments d ON d.name = e.name AND d.digest = e.digest "
            "WHERE e.name = ? AND d.state = 'DEPLOYED'",
            (name,),
        ).fetchall()
        best = max(rows, key=_age, default=None)
        return None if best is None else str(best["digest"])

    def requeue_lost_deployments(self, most: int, error: str) -> None:
        """Those that a dead worker was at wait again; after `most` attempts they have failed.

        For whoever holds the worker's lock.
        """
        lost = "owner = 'api' AND state IN ('PENDING', 'IN_PROGRESS')"
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE deployments SET state = 'FAILED', error = ?, updated_at = ? "
                f"WHERE {lost} AND attempts >= ?",
                (error, now(), most),
            )
            sql.execute(
                f"UPDATE deployments SET state = 'QUEUED', updated_at = ? WHERE {lost}", (now(),)
            )


def _age(row: sqlite3.Row) -> tuple[bool, list[int], int]:
    """What orders an extractor's versions; the one that its name stands for is the last."""
    version = [int(part) for part in str(row["version"]).split(".")]
    return bool(row["is_current"]), version, int(row["rowid"])


def _deployment(row: sqlite3.Row) -> Deployment:
    return Deployment(*row)
