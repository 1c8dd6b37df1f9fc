"""Redaction of what a process prints and logs."""

from __future__ import annotations

import logging
import sys
from threading import Lock
from typing import Any

from mixpeek_lab.secrets.redaction import redact

_lock = Lock()


class RedactingStream:
    """A text stream that writes to another without secrets. All else is the other's."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` without secrets; the length of what was given."""
        self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each line."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_process() -> None:
    """Redact stdout, stderr and log records of this process from now on. Can be called again."""
    with _lock:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and not isinstance(stream, RedactingStream):
                setattr(sys, name, RedactingStream(stream))
        factory = logging.getLogRecordFactory()
        if not isinstance(factory, _RedactedRecords):
            logging.setLogRecordFactory(_RedactedRecords(factory))


def guard_again() -> None:
    """Where this process is guarded, guard the streams that it has now as well."""
    if isinstance(logging.getLogRecordFactory(), _RedactedRecords):
        guard_process()


class _RedactedRecords:
    """Makes log records whose message and traceback hold no secrets."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._factory(*args, **kwargs)
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            return record  # logging itself will say that message and arguments do not match
        if redact(message) != message:
            record.msg, record.args = redact(message), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return record
