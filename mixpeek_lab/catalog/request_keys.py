"""Idempotency keys: which request each one was first sent with, and what that was answered.

A request that writes marks its key in the very transaction that writes (`noting_writes`), so that
after a crash it is known whether anything came of it.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.schema import before_commit


@dataclass(frozen=True, slots=True)
class RequestKey:
    """One key."""

    key: str
    fingerprint: str
    """Of the request: its method, address and body."""
    owner: str
    """The process that answers it, or did."""
    state: Literal["running", "written", "answered"]
    """Nothing of it is in the catalog; something is; its answer is kept."""
    status: int
    media_type: str
    answer: bytes


class RequestKeyRecords(Records):
    """Keys, each for as long as it says."""

    def claim_key(
        self, key: str, fingerprint: str, owner: str, seconds: float
    ) -> tuple[RequestKey, bool]:
        """The key's record, and whether it is new: made for this owner now. Old ones go."""
        now = time.time()
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM request_keys WHERE expires_at < ?", (now,))
            is_new = sql.execute(
                "INSERT OR IGNORE INTO request_keys (key, fingerprint, owner, state, expires_at) "
                "VALUES (?, ?, ?, 'running', ?)",
                (key, fingerprint, owner, now + seconds),
            ).rowcount
            row = sql.execute("SELECT * FROM request_keys WHERE key = ?", (key,)).fetchone()
        return _request_key(row), bool(is_new)

    def inherit_key(self, record: RequestKey, owner: str) -> bool:
        """Make `owner` answer what `record`'s left undone. False where somebody else was first."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE request_keys SET owner = ? "
                    "WHERE key = ? AND owner = ? AND state = 'running'",
                    (owner, record.key, record.owner),
                ).rowcount
            )

    def answer_key(self, key: str, owner: str, status: int, media_type: str, body: bytes) -> None:
        """Keep the answer."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE request_keys SET state = 'answered', status = ?, media_type = ?, "
                "answer = ? WHERE key = ? AND owner = ?",
                (status, media_type, body, key, owner),
            )

    def release_key(self, key: str, owner: str, *, even_written: bool) -> bool:
        """Forget a key whose request came to nothing. False where it is kept."""
        states = ("running", "written") if even_written else ("running", "running")
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "DELETE FROM request_keys WHERE key = ? AND owner = ? AND state IN (?, ?)",
                    (key, owner, *states),
                ).rowcount
            )

    def noting_writes(self, key: str, owner: str) -> AbstractContextManager[None]:
        """Within the block, and in what it calls, what is written marks the key as written."""

        def note(sql: sqlite3.Connection) -> None:
            sql.execute(
                "UPDATE request_keys SET state = 'written' "
                "WHERE key = ? AND owner = ? AND state = 'running'",
                (key, owner),
            )

        return before_commit(note)


def _request_key(row: sqlite3.Row) -> RequestKey:
    return RequestKey(
        row["key"], row["fingerprint"], row["owner"], row["state"], row["status"] or 0,
        row["media_type"] or "", row["answer"] or b"",
    )  # fmt: skip
