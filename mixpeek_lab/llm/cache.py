"""Kept answers: one SQLite file in the lab's home, shared by all its processes."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mixpeek_lab.errors import LLMError
from mixpeek_lab.llm.requests import LLMAnswer, LLMRequest, LLMUsage, digest

FILE = "llm_answers.sqlite"
_FORM = 1
"""Part of every key: raised when requests are put to providers in another way."""
_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """The answers that one lab keeps. Deleting the file forgets them all.

    An answer is found again by everything that decides it: provider, its address, model,
    instruction, text, images, schema, temperature and the limit of tokens. The file holds hashes
    of those, and the answers. Only answers that were given out are kept, never failures.
    """

    home: Path

    def get(self, request: LLMRequest, url: str) -> LLMAnswer | None:
        """The kept answer to this very request; None where there is none."""
        if not (self.home / FILE).exists():
            return None
        with self._open() as connection:
            query = "SELECT answer FROM answers WHERE key = ?"
            row = connection.execute(query, (key_of(request, url),)).fetchone()
        if row is None:
            return None
        kept = json.loads(row[0])
        return LLMAnswer(**{**kept, "usage": LLMUsage(**kept["usage"]), "cached": True})

    def put(self, request: LLMRequest, url: str, answer: LLMAnswer) -> None:
        """Keep an answer, in place of an earlier one."""
        self.home.mkdir(parents=True, exist_ok=True)
        kept = json.dumps(asdict(replace(answer, cost=0.0)))
        with self._open() as connection:
            query = "INSERT OR REPLACE INTO answers VALUES (?, ?)"
            connection.execute(query, (key_of(request, url), kept))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.home / FILE
        try:
            with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
                # Not in WAL: SQLite waits for every lock but that of the switch to it.
                connection.execute(_TABLE)
                yield connection
        except sqlite3.Error as error:
            raise LLMError(
                f"The kept answers in {path} cannot be used ({error}). Delete the file, or ask "
                "with use_cache=False."
            ) from error


def key_of(request: LLMRequest, url: str) -> str:
    """A SHA-256 of all that decides the answer, the order of a schema's properties included."""
    parts = [
        _FORM,
        request.provider,
        url,
        request.model,
        request.instruction,
        request.text,
        [digest(image) for image in request.images],
        request.schema,
        request.temperature,
        request.max_tokens,
    ]
    return hashlib.sha256(json.dumps(parts, default=dict).encode()).hexdigest()
