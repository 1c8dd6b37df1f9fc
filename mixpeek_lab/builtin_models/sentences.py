"""Models that sentence-transformers loads, asked for one batch at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mixpeek_lab.builtin_models.loading import Placement, loading
from mixpeek_lab.builtin_models.services import unit

if TYPE_CHECKING:
    import numpy as np


class SentenceModel:
    """A SentenceTransformer. Threads take turns: its tokenizer is not theirs to share."""

    def __init__(self, placement: Placement) -> None:
        from sentence_transformers import SentenceTransformer

        with loading(placement.model_id, placement.revision):
            self._model = SentenceTransformer(
                placement.model_id,
                device=placement.device,
                revision=placement.revision,
                model_kwargs={"dtype": placement.dtype},
            )
        self._lock = threading.Lock()

    def encode(self, texts: list[str], batch_size: int) -> np.ndarray:
        """Vectors (texts, dim) as float32, each of length 1."""
        import numpy as np

        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        with self._lock:
            found = self._model.encode(texts, batch_size=batch_size, show_progress_bar=False)
        return unit(found)
