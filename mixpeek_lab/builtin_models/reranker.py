"""BAAI/bge-reranker-v2-m3: how well a text answers a query, read together by one model."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mixpeek_lab.builtin_models.configs import ModelConfig
from mixpeek_lab.builtin_models.loading import Placement, loading
from mixpeek_lab.builtin_models.services import BuiltinService, checked_texts, spread, texts_of
from mixpeek_lab.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BGERerankerBatch", "InferenceConfigs"]

MOST_TOKENS = 8192
"""What the model was made for."""


class InferenceConfigs(ModelConfig):
    """What the reranker is told."""

    query: str | None = None
    """One query for all rows; without it, each row has its own in `query_column`."""
    query_column: str = "query"
    """The column with the rows' queries."""
    text_column: str = "data"
    """The column with the texts."""
    output_column_name: str = "score"
    """The column that the scores go to."""
    normalize: bool = False
    """False: the model's raw score, any number. True: its sigmoid, between 0 and 1."""
    max_tokens: int = Field(512, ge=8, le=MOST_TOKENS)
    """Tokens that are read of query and text together; the text's end is left out."""


class BGERerankerBatch(BuiltinService[InferenceConfigs]):
    """Scores each row's text against its query. A row without either gets None.

    `infer({"pairs": [[query, text], …]})`, or `{"query": …, "documents": […]}`, gives
    `{"scores": […]}` in their order: the contract of rerank stages.
    """

    model_id = "BAAI/bge-reranker-v2-m3"
    config_class = InferenceConfigs
    inputs = ("pairs", "query", "documents")
    parameters = ("normalize", "max_tokens")

    @staticmethod
    def open(placement: Placement) -> PairModel:
        """Load it with sentence-transformers."""
        return PairModel(placement)

    def answers(self, batch: pd.DataFrame) -> list[Any]:
        """One score per row with a query and a text."""
        config = self.config
        texts = texts_of(batch, config.text_column, self.model_id)
        queries = (
            texts_of(batch, config.query_column, self.model_id)
            if config.query is None
            else [config.query] * len(texts)
        )
        pairs = [(q, t) for q, t in zip(queries, texts, strict=True) if q and t]
        present = [bool(q and t) for q, t in zip(queries, texts, strict=True)]
        return spread(self.model.scores(pairs, config), present)

    def respond(self, inputs: Mapping[str, Any], config: InferenceConfigs) -> dict[str, Any]:
        """Score pairs."""
        if "pairs" in inputs:
            self.chosen(inputs)
            pairs = [tuple(checked_texts(self.model_id, p, "pairs")) for p in inputs["pairs"]]
        elif "query" in inputs and "documents" in inputs:
            texts = checked_texts(self.model_id, inputs["documents"], "documents")
            (query,) = checked_texts(self.model_id, [inputs["query"]], "query")
            pairs = [(query, text) for text in texts]
        else:
            raise InvalidInputError(
                f"{self.model_id} got {', '.join(inputs) or 'no input'}. "
                "Give pairs, or query and documents."
            )
        wrong = next((pair for pair in pairs if len(pair) != 2), None)
        if wrong is not None:
            raise InvalidInputError(f"{self.model_id}: {wrong!r:.80} is no [query, text].")
        return {"scores": self.model.scores(pairs, config)}


class PairModel:
    """A CrossEncoder with one score. Threads take turns."""

    def __init__(self, placement: Placement) -> None:
        from sentence_transformers import CrossEncoder

        with loading(placement.model_id, placement.revision):
            self._model = CrossEncoder(
                placement.model_id,
                num_labels=1,
                device=placement.device,
                revision=placement.revision,
                model_kwargs={"dtype": placement.dtype},
            )
        self._most = self._model.max_seq_length or MOST_TOKENS
        self._lock = threading.Lock()

    def scores(self, pairs: list[Any], config: InferenceConfigs) -> list[float]:
        """One score per (query, text), in their order."""
        from torch import nn

        if not pairs:
            return []
        with self._lock:
            self._model.max_seq_length = min(config.max_tokens, self._most)
            found = self._model.predict(
                pairs,
                batch_size=config.batch_size,
                activation_fn=nn.Sigmoid() if config.normalize else nn.Identity(),
                show_progress_bar=False,
            )
        return [float(score) for score in found]
