"""intfloat/multilingual-e5-large-instruct: texts of a hundred languages to vectors of 1024 values.

XLM-RoBERTa, the mean over the tokens, and length 1. A query is embedded as "Instruct: {task}",
a new line, and "Query: {text}"; a document as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mixpeek_lab.builtin_models.configs import ModelConfig
from mixpeek_lab.builtin_models.loading import Placement
from mixpeek_lab.builtin_models.sentences import SentenceModel
from mixpeek_lab.builtin_models.services import (
    BuiltinService,
    checked_texts,
    embedding_answer,
    spread,
    texts_of,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["E5Batch", "E5TextEmbeddingBatch", "InferenceConfigs"]

TASK = "Given a web search query, retrieve relevant passages that answer the query"


class InferenceConfigs(ModelConfig):
    """What E5 is told."""

    text_column: str = "data"
    """The column with the texts."""
    output_column_name: str = "embedding"
    """The column that the vectors go to: the manifest's feature_name."""
    input_type: Literal["document", "query"] = "document"
    """A query gets the instruction in front. A request through `infer` is a query unless told."""
    task: str = TASK
    """What the query is for, in a sentence: E5's instruction."""


class E5Batch(BuiltinService[InferenceConfigs]):
    """Embeds the texts of a column; vectors (1024,) of length 1. A row without text gets None.

    `infer({"text": …})` gives `{"embedding": […]}`, `{"texts": […]}` gives `{"embeddings": […]}`:
    as queries, or as documents with the parameter `{"input_type": "document"}`.
    """

    model_id = "intfloat/multilingual-e5-large-instruct"
    config_class = InferenceConfigs
    inputs = ("text", "texts")
    parameters = ("input_type", "task")

    @staticmethod
    def open(placement: Placement) -> SentenceModel:
        """Load it with sentence-transformers."""
        return SentenceModel(placement)

    def answers(self, batch: pd.DataFrame) -> list[Any]:
        """One vector per row with a text."""
        config = self.config
        texts = texts_of(batch, config.text_column, self.model_id)
        written = [prompted(text, config) for text in texts if text is not None]
        vectors = self.model.encode(written, config.batch_size)
        return spread(list(vectors), [text is not None for text in texts])

    def respond(self, inputs: Mapping[str, Any], config: InferenceConfigs) -> dict[str, Any]:
        """Embed one text, or several."""
        key, values, is_one = self.chosen(inputs)
        texts = checked_texts(self.model_id, values, key)
        vectors = self.model.encode([prompted(text, config) for text in texts], config.batch_size)
        return embedding_answer(vectors, is_one)

    def _told(self, parameters: Mapping[str, Any]) -> InferenceConfigs:
        return super()._told({"input_type": "query", **parameters})

    @classmethod
    def dimension(cls, published: Mapping[str, Any]) -> int | None:
        """The encoder's width."""
        return published.get("hidden_size")


E5TextEmbeddingBatch = E5Batch
"""The class's name in `engine.inference.intfloat.multilingual_e5_large_instruct.services`."""


def prompted(text: str, config: InferenceConfigs) -> str:
    """The text as the model was trained to read it."""
    return text if config.input_type == "document" else f"Instruct: {config.task}\nQuery: {text}"
