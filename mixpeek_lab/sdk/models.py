"""What extractors know as `engine.models`: loading models once, and when they are first needed.

The names `engine.models.loader`, `engine.models.lazy` and `shared.models.loader` are the same.
"""

from __future__ import annotations

from mixpeek_lab.sdk.lazy_models import LazyModelMixin, lazy_model
from mixpeek_lab.sdk.model_loading import (
    is_hf_model_cached,
    load_hf_model,
    load_namespace_model,
    namespace_model_path,
)
from mixpeek_lab.sdk.prefetch import prefetch_hf_model

__all__ = [
    "LazyModelMixin",
    "is_hf_model_cached",
    "lazy_model",
    "load_hf_model",
    "load_namespace_model",
    "namespace_model_path",
    "prefetch_hf_model",
]
