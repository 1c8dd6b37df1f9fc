"""The platform's own models: one file per model, behind one table of their ids."""

from mixpeek_lab.builtin_models.handles import ModelHandle
from mixpeek_lab.builtin_models.registry import MODELS, get_batch_service

__all__ = ["MODELS", "ModelHandle", "get_batch_service"]
