"""Puts the routes, the token check and the error envelope together."""

from __future__ import annotations

from fastapi import FastAPI

from mixpeek_lab.api import health, inference, retrievers
from mixpeek_lab.api.backend import Backend
from mixpeek_lab.api.envelope import install_handlers
from mixpeek_lab.api.guard import Guard
from mixpeek_lab.version import __version__

PREFIX = "/v1"


def create_app(backend: Backend, token: str) -> FastAPI:
    """The ASGI app. Every route but health wants `Authorization: Bearer <token>`."""
    app = FastAPI(title="Mixpeek Lab", version=__version__, docs_url=None, redoc_url=None)
    app.state.backend = backend
    install_handlers(app)
    for resource in (health, inference, retrievers):
        app.include_router(resource.router, prefix=PREFIX)
    app.add_middleware(Guard, token=token, open_paths=(PREFIX + health.PATH,))
    return app
