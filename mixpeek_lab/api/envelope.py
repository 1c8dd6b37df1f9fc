"""Errors as the API answers them.

`{"success": false, "status": 404, "error": {"type", "message", "details"}}`; those with status 422
list their problems in `details.validation_errors`, as `{type, location, message}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.identity import request_id
from mixpeek_lab.errors import (
    BodyError,
    CatalogError,
    GoneError,
    InvalidInputError,
    LabError,
    LLMError,
    NotReadyError,
    StillRunningError,
    TooLargeError,
)
from mixpeek_lab.secrets import redact, redacted

MOST_MESSAGE = 10_000
"""Characters of an error's message."""
NAMES = {404: "NotFoundError", 405: "MethodNotAllowedError", 408: "TooSlowError"}


def error_answer(
    status: int,
    kind: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One error in the envelope, with the request's id in its details, and without secrets."""
    message = _cut(message)
    told = {**redacted(dict(details or {})), "request_id": request_id()}
    body = {"type": kind, "message": redact(message), "details": told}
    return Answer({"success": False, "status": status, "error": body}, status, headers=headers)


def unexpected() -> Answer:
    """The answer where something went wrong that is not ours to tell: the log has it."""
    return error_answer(
        500, "InternalError", "Something in the lab failed. Its log has the details."
    )


def install_handlers(app: FastAPI) -> None:
    """Answer every expected error in the envelope; `Requests` has the others."""
    app.add_exception_handler(LabError, _lab_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)


AGAIN = (NotReadyError, StillRunningError)
"""Errors that go by themselves: the same question will be answered."""


PLACED = (GoneError, CatalogError)
"""Errors whose message names a file of this machine."""


async def _lab_error(_: Request, error: Exception) -> Answer:
    assert isinstance(error, LabError)
    return answer_to(error)


def answer_to(error: LabError) -> Answer:
    """The answer that tells an error of the lab's."""
    headers = {"Retry-After": "2"} if isinstance(error, AGAIN) else None
    if isinstance(error, TooLargeError):
        headers = {"Connection": "close"}  # nobody reads the rest
    message = error.without_place if isinstance(error, PLACED) else str(error)
    return error_answer(error.status, type(error).__name__, message, _details(error), headers)


def _details(error: LabError) -> dict[str, Any]:
    if isinstance(error, BodyError):
        found = [_problem("BodyError", ["body", path], reason) for path, reason in error.problems]
        return {"validation_errors": found}
    if isinstance(error, InvalidInputError):
        return {"validation_errors": [_problem(type(error).__name__, ["body"], str(error))]}
    if isinstance(error, LLMError):
        return {"retryable": error.retryable}
    # Mixpeek's client asks again for three minutes unless told that it is of no use.
    is_told = error.status == 503 or isinstance(error, (*AGAIN, CatalogError))
    return {"retryable": isinstance(error, AGAIN)} if is_told else {}


def _cut(message: str) -> str:
    """A message of a length that somebody reads: some quote what was sent."""
    return message if len(message) <= MOST_MESSAGE else f"{message[:MOST_MESSAGE]}…"


def _problem(kind: str, location: Sequence[str | int], message: str) -> dict[str, Any]:
    return {"type": kind, "location": list(location), "message": _cut(message)}


async def _invalid(_: Request, error: Exception) -> Answer:
    assert isinstance(error, RequestValidationError)
    problems = [_problem(e["type"], e["loc"], e["msg"]) for e in error.errors()]
    first = f"{'.'.join(map(str, problems[0]['location']))}: {problems[0]['message']}"
    return error_answer(422, "ValidationError", first, {"validation_errors": problems})


async def _http_error(request: Request, error: Exception) -> Answer:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path}: {error.detail}"
    kind = NAMES.get(error.status_code, "HTTPError")
    return error_answer(error.status_code, kind, what, headers=error.headers)
