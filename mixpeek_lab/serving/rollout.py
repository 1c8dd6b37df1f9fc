"""Bringing an extractor's service up, and seeing which of them run: from whatever process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mixpeek_lab.errors import EngineError, LabError
from mixpeek_lab.serving import applications
from mixpeek_lab.serving.names import service_name
from mixpeek_lab.serving.replies import answer_of
from mixpeek_lab.serving.services import bind_service
from mixpeek_lab.source import ExtractorSource

ANSWER_SECONDS = 300.0
"""How long one answer may take: a service may load a large model first."""


def roll_out(
    source: ExtractorSource, name: str, home: Path, backend: str, *, threads: int, on_gpu: bool
) -> Any:
    """Bring up one version of an extractor's service, and wait until it is loaded: its handle.

    EngineError, with the extractor's own line, where its code does not load; nothing of it stays
    then. May not be called where an event loop runs.
    """
    app = service_name(home, name, source.digest)
    if (running := _running(app)) is not None:
        return running
    deployment = bind_service(source, home, app, backend, threads=threads, on_gpu=on_gpu)
    try:
        return _loaded(applications.run(deployment, app))
    except Exception as error:
        reason = str(error) if isinstance(error, LabError) else applications.failure(app)
        applications.delete(app)
        raise EngineError(f"Extractor {name!r} could not be deployed: {reason or error}") from error


def _running(app: str) -> Any:
    """The handle of a service that runs already, whoever deployed it; else None."""
    if applications.states().get(app, ("", ""))[0] != "RUNNING":
        return None
    try:
        return _loaded(applications.handle_of(app))
    except Exception:  # noqa: BLE001 - whatever is wrong with that one: it is deployed anew
        return None


def _loaded(handle: Any) -> Any:
    """The handle, once its replica is loaded. Raises what that says where its code is not."""
    answer_of(handle.check.remote().result(timeout_s=ANSWER_SECONDS))
    return handle
