"""Where the extractor packages lie that several test files use."""

from pathlib import Path

HASH_EMBEDDER = Path(__file__).parent / "fixtures" / "hash_embedder"
"""16 floats per text (feature `hash_embedding`), deterministic, no model."""
