"""jinaai/jina-embeddings-v2-base-code: code and its descriptions to vectors of 768 values.

The hub's repository brings Python code that `trust_remote_code=True` would run. None of it is run
here: the lab has the architecture itself (`jina_bert`), and reads weights and tokenizer alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mixpeek_lab.builtin_models.configs import ModelConfig
from mixpeek_lab.builtin_models.loading import Placement, loading
from mixpeek_lab.builtin_models.services import (
    BuiltinService,
    checked_texts,
    embedding_answer,
    spread,
    texts_of,
    unit,
)
from mixpeek_lab.errors import LabError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["InferenceConfigs", "JinaCodeBatch"]

MOST_ATTENTION = 16 * 1024**2
"""Pairs of tokens that attend to each other at once: 0.8 GB at 12 heads."""


class InferenceConfigs(ModelConfig):
    """What the code model is told."""

    text_column: str = "data"
    """The column with the code, or the text."""
    output_column_name: str = "embedding"
    """The column that the vectors go to: the manifest's feature_name."""
    max_tokens: int = Field(1024, ge=2, le=8192)
    """Tokens that are read of each input, the rest is left out. Memory grows with its square."""


class JinaCodeBatch(BuiltinService[InferenceConfigs]):
    """Embeds the texts of a column; vectors (768,) of length 1. A row without text gets None.

    The mean over the tokens' states. `infer({"text": …})` gives `{"embedding": […]}`,
    `{"texts": […]}` gives `{"embeddings": […]}`; queries and code are embedded alike.
    """

    model_id = "jinaai/jina-embeddings-v2-base-code"
    config_class = InferenceConfigs
    inputs = ("text", "texts")
    parameters = ("max_tokens",)

    @staticmethod
    def open(placement: Placement) -> JinaModel:
        """Load weights and tokenizer."""
        return JinaModel(placement)

    def answers(self, batch: pd.DataFrame) -> list[Any]:
        """One vector per row with a text."""
        texts = texts_of(batch, self.config.text_column, self.model_id)
        written = [text for text in texts if text is not None]
        vectors = self.model.encode(written, self.config.batch_size, self.config.max_tokens)
        return spread(list(vectors), [text is not None for text in texts])

    def respond(self, inputs: Mapping[str, Any], config: InferenceConfigs) -> dict[str, Any]:
        """Embed one text, or several."""
        key, values, is_one = self.chosen(inputs)
        texts = checked_texts(self.model_id, values, key)
        vectors = self.model.encode(texts, config.batch_size, config.max_tokens)
        return embedding_answer(vectors, is_one)

    @classmethod
    def dimension(cls, published: Mapping[str, Any]) -> int | None:
        """The encoder's width."""
        return published.get("hidden_size")


class JinaModel:
    """The encoder with its tokenizer. Threads take turns."""

    def __init__(self, placement: Placement) -> None:
        from transformers import AutoTokenizer

        from mixpeek_lab.builtin_models.jina_bert import JinaBert, read_config

        model_id, options = placement.model_id, {"revision": placement.revision}
        with loading(model_id, placement.revision):
            try:
                config = read_config(model_id, **options)
            except ValueError as error:
                raise _other_architecture(model_id, str(error)) from error
            self._tokenizer = AutoTokenizer.from_pretrained(
                model_id, config=config, trust_remote_code=False, **options
            )
            model, told = JinaBert.from_pretrained(
                model_id, config=config, dtype=placement.dtype, output_loading_info=True, **options
            )
        if told["missing_keys"]:
            lacks = ", ".join(sorted(told["missing_keys"])[:3])
            raise _other_architecture(model_id, f"its weights lack {lacks}")
        self._model, self._device = model.to(placement.device).eval(), placement.device
        self._lock = threading.Lock()

    def encode(self, texts: list[str], batch_size: int, max_tokens: int) -> np.ndarray:
        """Vectors (texts, dim) as float32, each of length 1."""
        import numpy as np

        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        found: list[Any] = [None] * len(texts)
        with self._lock:
            ids = self._tokenizer(texts, truncation=True, max_length=max_tokens)["input_ids"]
            for chosen in _groups([len(one) for one in ids], batch_size):
                for i, vector in zip(chosen, self._mean([ids[i] for i in chosen]), strict=True):
                    found[i] = vector
        return unit(np.stack(found))

    def _mean(self, ids: list[list[int]]) -> np.ndarray:
        import torch

        given = self._tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            states = self._model(given["input_ids"], given["attention_mask"]).float()
        mask = given["attention_mask"][:, :, None].float()
        means: np.ndarray = ((states * mask).sum(1) / mask.sum(1)).cpu().numpy()
        return means


def _groups(lengths: list[int], batch_size: int) -> Iterator[list[int]]:
    """Positions to embed together: of like length, so that little is padding, and not too much."""
    group: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        is_too_much = (len(group) + 1) * lengths[position] ** 2 > MOST_ATTENTION
        if group and (len(group) == batch_size or is_too_much):
            yield group
            group = []
        group.append(position)
    if group:
        yield group


def _other_architecture(model_id: str, what: str) -> LabError:
    return LabError(
        f"The checkpoint of {model_id} in the cache is not of the architecture that the lab loads: "
        f"{what}. Its repository's own code is not run here. Say which revision to take with the "
        "config's revision, or fetch the model again."
    )
