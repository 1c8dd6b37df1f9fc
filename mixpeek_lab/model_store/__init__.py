"""Custom weights of a lab: kept under its home by content, read without running code."""

from mixpeek_lab.model_store.store import ModelStore, StoredModel
from mixpeek_lab.model_store.weights import is_weights, read_weights

__all__ = ["ModelStore", "StoredModel", "is_weights", "read_weights"]
