"""`POST /v1/inference`: an extractor's realtime service, raw."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Body

from mixpeek_lab.api.backend import TheBackend

router = APIRouter(tags=["inference"])


@router.post("/inference")
async def infer(backend: TheBackend, body: dict[str, Any] = Body()) -> dict[str, Any]:  # noqa: B008
    """`{feature_uri | inference_name, inputs, parameters}` → `{data, provider, model, latency_ms}`."""
    return await backend.infer(body)
