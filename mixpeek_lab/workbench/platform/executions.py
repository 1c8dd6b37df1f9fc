"""Which documents each execution showed: what an interaction says it was of must be true.

A file of its own beside the catalog: a note a search, which is worth no wait for the disk, and
changes nothing that searches read.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from mixpeek_lab.errors import BodyError

log = logging.getLogger(__name__)

FILE = "executions.sqlite"
MOST_KEPT = 50_000
"""The newest executions: interactions with older ones are refused."""
_BYTES = 8
"""Of a document's id, hashed."""
_EVERY = 500
"""Notes of this process between two looks for what is too old."""


class Executions:
    """Executions by id, for all processes of a home."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._local = threading.local()
        self._notes = 0

    def note(self, execution_id: str, retriever_id: str | None, shown: Iterable[str]) -> None:
        """Remember what an execution of a retriever (None: of one that is not kept) showed."""
        digests = b"".join(map(_digest, shown))
        try:
            sql = self._sql()
            sql.execute(
                "INSERT OR REPLACE INTO executions (execution_id, retriever_id, shown) "
                "VALUES (?, ?, ?)",
                (execution_id, retriever_id, digests),
            )
            self._notes += 1
            if self._notes % _EVERY == 0:
                sql.execute(
                    "DELETE FROM executions WHERE number <= "
                    f"(SELECT max(number) FROM executions) - {MOST_KEPT}"
                )
        except sqlite3.Error:  # the search is answered all the same; a click on it is refused
            log.exception("execution %s cannot be noted in %s", execution_id, self._path)

    def demand(
        self,
        execution_id: str,
        retriever_id: str | None,
        document_id: str | None,
        *,
        is_history: bool = False,
    ) -> None:
        """BodyError where there was no such execution of that retriever, or another one's, and
        where it did not show the document. None stands for any retriever, any document.

        With `is_history` one that is not known here is let pass: it was elsewhere, or long ago.
        """
        row = self._sql().execute(
            "SELECT retriever_id, shown FROM executions WHERE execution_id = ?", (execution_id,)
        ).fetchone()  # fmt: skip
        if row is None and is_history:
            return
        if row is None:
            raise BodyError.at(
                "execution_id",
                f"is none of the newest {MOST_KEPT:,} executions: take it from the answer of an "
                "execute. Of history from elsewhere, say when it was: occurred_at.",
            )
        if retriever_id is not None and row[0] != retriever_id:
            raise BodyError.at("execution_id", "is of another retriever than retriever_id.")
        if document_id is not None and not _holds(row[1], _digest(document_id)):
            raise BodyError.at(
                "feature_id",
                f"is {document_id!r}, which execution {execution_id} did not show: it is the "
                "document_id of one of its results.",
            )

    def close(self) -> None:
        """Close this thread's connection."""
        if (connection := getattr(self._local, "connection", None)) is not None:
            connection.close()
            self._local.connection = None

    def _sql(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = sqlite3.connect(
                self._path, timeout=5, isolation_level=None
            )
            found.execute("PRAGMA journal_mode = WAL")
            found.execute("PRAGMA synchronous = NORMAL")
            found.execute(
                "CREATE TABLE IF NOT EXISTS executions (number INTEGER PRIMARY KEY, "
                "execution_id TEXT NOT NULL UNIQUE, retriever_id TEXT, shown BLOB NOT NULL)"
            )
        return found


def _digest(document_id: str) -> bytes:
    return blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()


def _holds(shown: bytes, digest: bytes) -> bool:
    return any(shown[at : at + _BYTES] == digest for at in range(0, len(shown), _BYTES))
