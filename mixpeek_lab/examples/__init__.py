"""Extractor packages that come with the lab: what `mixpeek-lab demo`, `bench` and tutorials run."""

from pathlib import Path

TEXT_EMBEDDER = Path(__file__).parent / "text_embedder"
"""all-MiniLM-L6-v2 over text: a four-file package as Mixpeek takes it."""

FILE_EMBEDDER = Path(__file__).parent / "file_embedder"
"""Passages of text, Markdown, code and PDF: the first tutorial's extractor."""
