"""Failures of user code, told in the user's terms: kind, message, the extractor's own line."""

from __future__ import annotations

import traceback

from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.models import Failure
from mixpeek_lab.secrets import redact

LONGEST_MESSAGE = 500
"""Characters of an exception's message that are kept."""


def describe_failure(error: BaseException, object_id: str, document_id: str, step: str) -> Failure:
    """The failure record of one row. `step` is the step's name."""
    if isinstance(error, ExtractorRunError) and extractor_line(error.__cause__):
        error = error.__cause__ or error  # what the user's constructor raised
    message = redact(" ".join(str(error).split())) or "(no message)"
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + "…"
    kind = type(error).__name__
    return Failure(object_id, document_id, step, kind, message, extractor_line(error))


def extractor_line(error: BaseException | None) -> str:
    """The deepest line of the extractor's own code: `processors/core.py:14 in __call__`.

    Empty where none of the extractor's code is on the stack.
    """
    trace = error.__traceback__ if error else None
    for frame in reversed(traceback.extract_tb(trace)):
        _, found, rest = frame.filename.replace("\\", "/").rpartition("/extractors/extractor_")
        if found:
            _, _, path = rest.partition("/")
            return f"{path}:{frame.lineno} in {frame.name}"
    return ""
