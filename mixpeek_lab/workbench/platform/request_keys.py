"""Idempotency keys: a request that is sent again is not done again.

Whoever answers holds a lock file, which ends with its process: so what a dead process left is told
from what a live one is at.
"""

from __future__ import annotations

import fcntl
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import ConflictError, InvalidInputError, StillRunningError
from mixpeek_lab.workbench.home import Home

SECONDS = 24 * 3600.0
"""How long a key and its answer are kept."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the first request was answered."""

    status: int
    media_type: str
    body: bytes


class RequestKeys:
    """Keys of this home, and this process as one that answers."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._folder = catalog, home.path / "requests"
        self._lock: IO[str] | None = None

    def begin(self, key: str, fingerprint: str) -> KeptAnswer | None:
        """The answer that is kept for the key; None: do it now, and `end` it.

        InvalidInputError where the key was sent with another request; StillRunningError while the
        first one is being answered; ConflictError where it was carried out and its answer is lost.
        """
        record, is_new = self._catalog.claim_key(key, fingerprint, self._owner, SECONDS)
        if record.fingerprint != fingerprint:
            raise InvalidInputError(
                f"Idempotency-Key {key!r} was sent with another request before. A key is for one "
                "request and its repetitions: take a new one."
            )
        if is_new:
            return None
        if record.state == "answered":
            return KeptAnswer(record.status, record.media_type, record.answer)
        if self._is_alive(record.owner):
            raise StillRunningError(
                f"The request with Idempotency-Key {key!r} is still being answered. Send it again "
                "in a moment."
            )
        if record.state == "written":
            raise ConflictError(
                f"The request with Idempotency-Key {key!r} was carried out, at least in part, by a "
                "process that ended before it could answer. Look at what there is; send the "
                "request with a new key to have it done again."
            )
        return None if self._catalog.inherit_key(record, self._owner) else self.begin(
            key, fingerprint
        )  # fmt: skip

    def answering(self, key: str) -> AbstractContextManager[None]:
        """The block in which the request is carried out."""
        return self._catalog.noting_writes(key, self._owner)

    def end(self, key: str, answer: KeptAnswer) -> None:
        """Keep the answer, unless nothing came of the request: then the key is free again."""
        if answer.status >= 500:
            is_free = self._catalog.release_key(key, self._owner, even_written=False)
        else:
            is_free = answer.status >= 400 and self._catalog.release_key(
                key, self._owner, even_written=True
            )
        if not is_free:
            self._catalog.answer_key(
                key, self._owner, answer.status, answer.media_type, answer.body
            )

    @cached_property
    def _owner(self) -> str:
        """This process's name among those that answer, with its lock held from here on."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for path in self._folder.glob("*.lock"):  # those of processes that are gone
            self._is_alive(path.stem)
        name = secrets.token_hex(8)
        self._lock = self._path(name).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        return name

    def _is_alive(self, owner: str) -> bool:
        try:
            with self._path(owner).open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._path(owner).unlink(missing_ok=True)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"
