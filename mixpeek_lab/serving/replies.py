"""Answers and errors between processes, as plain data.

An exception that crosses processes arrives wrapped in Ray's own, with a traceback for a message.
So replicas reply `{"ok": answer}` or `{"error": {"type", "message"}}`, and whoever asked raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

from mixpeek_lab import errors
from mixpeek_lab.errors import LabError
from mixpeek_lab.models import JSON

Reply = Mapping[str, JSON]


async def reply(work: Awaitable[JSON]) -> Reply:
    """What `work` gives, or the LabError that it raises, as a reply."""
    try:
        return {"ok": await work}
    except LabError as error:
        return refusal(error)


def refusal(error: LabError) -> Reply:
    """The reply that tells an error."""
    return {"error": {"type": type(error).__name__, "message": str(error)}}


def answer_of(given: Reply) -> Any:
    """The answer in a reply; raises the error that it tells, with its type and message alone."""
    if "error" not in given:
        return given["ok"]
    told = given["error"]
    kind = getattr(errors, told["type"], LabError)
    error = kind.__new__(kind)  # its constructor may want more than the message
    Exception.__init__(error, told["message"])
    raise error
