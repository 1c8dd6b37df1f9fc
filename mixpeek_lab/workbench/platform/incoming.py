"""A file on its way in: written beside its place, counted, and put there when it is whole."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mixpeek_lab.catalog import Upload
from mixpeek_lab.errors import ConflictError, InvalidInputError, TooLargeError
from mixpeek_lab.source import MAX_BYTES


def demand_size(size: int) -> None:
    """TooLargeError where an archive is over Mixpeek's limit."""
    if size > MAX_BYTES:
        raise TooLargeError(
            f"An extractor's archive has at most {MAX_BYTES // 1024**2} MB: do not bundle model "
            "weights, download them in setup()."
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a file before it comes, and who is told when it is there."""

    expected: int | None
    """Bytes that were announced; None where nobody said."""
    demand_size: Callable[[int], None]
    """Raises where so many bytes are too many."""
    received: Callable[[int, str, str], bool]
    """Size, MD5 and SHA-256 → whether the file may take its place."""
    closed: str
    """What to say where it may not."""
    together: Callable[[], AbstractContextManager[object]]
    """What is done inside is done as a whole."""


class Incoming:
    """One PUT. A context manager: what is not finished when it ends is removed."""

    def __init__(self, path: Path, arrival: Arrival) -> None:
        self._path, self._arrival = path, arrival
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._part = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        self._file = self._part.open("xb")

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Take some bytes in. TooLargeError at the limit."""
        self._size += len(chunk)
        self._arrival.demand_size(self._size)
        self._md5.update(chunk)
        self._sha256.update(chunk)
        self._file.write(chunk)

    def finish(self) -> str:
        """Put it in place of what came before; its ETag.

        InvalidInputError where it has another size than was said; ConflictError where nothing may
        arrive any more.
        """
        expected = self._arrival.expected
        if not self._size or expected not in (None, self._size):
            raise InvalidInputError(
                f"{self._size:,} bytes arrived"
                + (f", and {expected:,} were announced" if expected else "")
                + ". Send the file's bytes alone: curl -X PUT URL --data-binary @FILE."
            )
        self._file.close()
        etag, sha256 = self._md5.hexdigest(), self._sha256.hexdigest()
        with self._arrival.together():
            if not self._arrival.received(self._size, etag, sha256):
                raise ConflictError(self._arrival.closed)
            self._part.replace(self._path)
        return etag


def already_confirmed(upload: Upload) -> str:
    """What to say where a confirmed upload is to change."""
    return f"Upload {upload.upload_id} is confirmed: nothing more can arrive. Ask for a new one."
