"""The built-in models by their ids. Extractors know this module as `shared.inference.registry`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mixpeek_lab.errors import NotFoundError

__all__ = ["MODELS", "get_batch_service"]

MODELS: dict[str, str] = {
    "BAAI/bge-reranker-v2-m3": "reranker:BGERerankerBatch",
    "google/siglip-base-patch16-224": "siglip:SigLIPBatch",
    "intfloat/multilingual-e5-large-instruct": "e5:E5Batch",
    "jinaai/jina-embeddings-v2-base-code": "jina:JinaCodeBatch",
    "openai/whisper-large-v3-turbo": "whisper:WhisperBatch",
}
"""Hub id → where its class is, in this package."""


def get_batch_service(model_id: str) -> Any:
    """The class of a built-in model, for `StepDefinition(service_class=…, config=…)`.

    Its config is the model's InferenceConfigs, or a dict of its fields. Nothing is loaded until a
    step runs. In realtime.py the same class answers queries:

        def get_inference_service(**kwargs):
            return get_batch_service("intfloat/multilingual-e5-large-instruct")()

    Raises NotFoundError with the ids there are.
    """
    lowered = {known.lower(): known for known in MODELS}
    found = lowered.get(str(model_id).lower())
    if found is None:
        raise NotFoundError(
            "built-in model",
            str(model_id),
            MODELS,
            "Load others in the processor's setup(), with sentence_transformers or transformers.",
        )
    module, _, name = MODELS[found].partition(":")
    return getattr(import_module(f"mixpeek_lab.builtin_models.{module}"), name)
