"""Puts the routes, the token check and the error envelope together."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from mixpeek_lab.api import inference, retrievers
from mixpeek_lab.api.backend import Backend
from mixpeek_lab.api.envelope import install_handlers
from mixpeek_lab.api.guard import Guard
from mixpeek_lab.version import __version__


def create_app(backend: Backend, token: str) -> FastAPI:
    """The ASGI app. Every route but health wants `Authorization: Bearer <token>`."""
    app = FastAPI(title="Mixpeek Lab", version=__version__, docs_url=None, redoc_url=None)
    app.state.backend = backend
    install_handlers(app)
    app.include_router(inference.router, prefix="/v1")
    app.include_router(retrievers.router, prefix="/v1")

    @app.get("/v1/health", tags=["health"])
    async def health() -> JSONResponse:
        """Whether the gateway answers."""
        return JSONResponse({"status": "ok", "version": __version__})

    app.add_middleware(Guard, token=token, open_paths=("/v1/health",))
    return app
