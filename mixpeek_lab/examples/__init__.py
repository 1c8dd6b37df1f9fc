"""Extractor packages that come with the lab: what `mixpeek-lab demo` and `bench` run."""

from pathlib import Path

TEXT_EMBEDDER = Path(__file__).parent / "text_embedder"
"""all-MiniLM-L6-v2 over text: a four-file package as Mixpeek takes it."""
