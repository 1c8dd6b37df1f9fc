"""Requests whose namespace is deleted while they are answered: it is not found, whatever failed."""

from __future__ import annotations

import sqlite3

from fastapi import FastAPI, Request

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import backend_for
from mixpeek_lab.api.envelope import answer_to
from mixpeek_lab.errors import LabError


def install(app: FastAPI) -> None:
    """Look, where a file or the catalog fails a request, whether its namespace is still there."""
    for kind in (sqlite3.Error, FileNotFoundError):
        app.add_exception_handler(kind, _failed)


async def _failed(request: Request, error: Exception) -> Answer:
    try:
        await backend_for(request.app.state.backend, request.scope)
    except LabError as gone:
        return answer_to(gone)
    raise error  # it is there: this was not expected
