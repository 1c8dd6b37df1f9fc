"""Puts the routes, the token check and the error envelope together."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from fastapi import Depends, FastAPI

from mixpeek_lab.api import (
    batches,
    blob_uploads,
    buckets,
    collections,
    documents,
    evaluations,
    extractors,
    health,
    inference,
    interactions,
    namespaces,
    objects,
    retrievers,
    tasks,
    uploads,
    vanished,
)
from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import Backend, demand_namespace
from mixpeek_lab.api.envelope import install_handlers
from mixpeek_lab.api.guard import Guard
from mixpeek_lab.api.idempotency import Idempotency
from mixpeek_lab.api.openapi import describe, operation_key
from mixpeek_lab.api.requests import Requests
from mixpeek_lab.source import MAX_BYTES
from mixpeek_lab.version import __version__
from mixpeek_lab.workbench.platform.blob_uploads import MOST

PREFIX = "/v1"


DOCUMENT = "/openapi.json"


def create_app(backend: Backend, token: str) -> FastAPI:
    """The ASGI app. Every route wants `Authorization: Bearer <token>`, but for health, and the
    addresses of uploads, which are signed."""
    app = _with_routes()
    app.state.backend = backend
    app.state.cursor_key = hashlib.sha256(f"cursors {token}".encode()).digest()
    install_handlers(app)
    vanished.install(app)
    app.openapi = _document  # type: ignore[method-assign]
    app.add_api_route(DOCUMENT, _show_document, include_in_schema=False)
    app.add_middleware(Idempotency, of=app)
    app.add_middleware(
        Guard,
        token=token,
        open_paths=(PREFIX + health.PATH,),
        signed={
            f"{PREFIX}{uploads.ARCHIVES}/": MAX_BYTES,
            f"{PREFIX}{blob_uploads.FILES}/": MOST,
        },
    )
    app.add_middleware(Requests)  # outermost: added last
    return app


def _with_routes() -> FastAPI:
    app = FastAPI(
        title="Mixpeek Lab",
        version=__version__,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would leave the Host of the request in its answer
        generate_unique_id_function=operation_key,
    )
    app.include_router(health.router, prefix=PREFIX)
    app.include_router(uploads.archives, prefix=PREFIX)
    app.include_router(blob_uploads.files, prefix=PREFIX)
    checked = [Depends(demand_namespace)]
    for name in ("extractors", "plugins"):
        for resource in (uploads, extractors):
            prefix = f"{PREFIX}/namespaces/{{namespace}}/{name}"
            app.include_router(resource.router, prefix=prefix, dependencies=checked)
    for prefix in (PREFIX, PREFIX + "/namespaces/{namespace}"):
        for resource in (
            inference, interactions, evaluations, retrievers, batches, blob_uploads, objects,
            buckets, documents,
            collections, tasks,
        ):  # fmt: skip
            app.include_router(resource.router, prefix=prefix, dependencies=checked)
        app.include_router(batches.by_id, prefix=prefix, dependencies=checked)
    app.include_router(namespaces.router, prefix=PREFIX)
    return app


@cache
def _document() -> dict[str, Any]:
    """The same for every app. It takes a while to make: not for the event loop."""
    return describe(_with_routes())


def _show_document() -> Answer:
    return Answer(_document())
