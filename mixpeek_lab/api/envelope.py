"""Errors as the API answers them: `{"success": false, "status", "error": {type, message, details}}`."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mixpeek_lab.errors import LabError

log = logging.getLogger(__name__)


def error_response(
    status: int, kind: str, message: str, details: dict[str, Any] | None = None
) -> JSONResponse:
    """One error in the envelope."""
    body = {"type": kind, "message": message, "details": details or {}}
    return JSONResponse({"success": False, "status": status, "error": body}, status)


def install_handlers(app: FastAPI) -> None:
    """Answer every error in the envelope. What is not ours to tell is logged, and not told."""

    async def lab_error(_: Request, error: Exception) -> JSONResponse:
        status = error.status if isinstance(error, LabError) else 500
        return error_response(status, type(error).__name__, str(error))

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        problems = [
            {"type": e["type"], "location": list(e["loc"]), "message": e["msg"]} for e in found
        ]
        first = f"{'.'.join(map(str, problems[0]['location']))}: {problems[0]['message']}"
        return error_response(422, "ValidationError", first, {"validation_errors": problems})

    async def http_error(_: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        detail = str(error.detail) if isinstance(error, HTTPException) else "error"
        return error_response(status, "HTTPError", detail)

    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", exc_info=error)
        return error_response(
            500, "InternalError", "Something in the lab failed. Its log has the details."
        )

    app.add_exception_handler(LabError, lab_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unexpected)
