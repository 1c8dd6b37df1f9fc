"""`POST /v1/inference`: an extractor's realtime service, raw."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import TheBackend
from mixpeek_lab.api.inputs import ServiceBody

router = APIRouter(tags=["inference"])


@router.post("/inference")
async def infer(backend: TheBackend, body: ServiceBody) -> Answer:
    """`{feature_uri | inference_name, inputs, parameters}` → `{data, provider, model, …}`.

    `inputs` as the extractor's inference_type takes them: `{text}`, `{pairs}`, `{prompt}`. 422
    where the answer breaks that type's contract; `general` has none.
    """
    return Answer(await backend.infer(body))
