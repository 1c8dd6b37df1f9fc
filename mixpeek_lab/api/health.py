"""`GET /v1/health`: whether the gateway answers. Open to everybody on this machine."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.version import __version__

PATH = "/health"

router = APIRouter(tags=["health"])


@router.get(PATH)
async def health() -> Answer:
    """`{status, version}`."""
    return Answer({"status": "ok", "version": __version__})
