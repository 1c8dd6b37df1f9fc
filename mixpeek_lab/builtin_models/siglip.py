"""google/siglip-base-patch16-224: images and texts to vectors of 768 values in one space.

Mixpeek's table of built-in models says 512 for it. Its vectors have 768 values, and a manifest
that says otherwise is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mixpeek_lab.builtin_models.configs import ModelConfig
from mixpeek_lab.builtin_models.loading import Placement, loading
from mixpeek_lab.builtin_models.media import load_image, load_images
from mixpeek_lab.builtin_models.services import (
    BuiltinService,
    checked_texts,
    column_of,
    embedding_answer,
    texts_of,
    unit,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["InferenceConfigs", "SigLIPBatch"]

PUBLISHED = 512
"""The dimension in Mixpeek's table."""
DEFAULT_WIDTH = 768
"""What transformers takes for a SigLIP whose config.json names no width, as this one's."""


class InferenceConfigs(ModelConfig):
    """What SigLIP is told."""

    modality: Literal["auto", "image", "text"] = "auto"
    """auto: rows of MIME type text/… are texts, all others images."""
    image_column: str = "data"
    """The column with the images: URLs, paths, or bytes."""
    text_column: str = "data"
    """The column with the texts."""
    output_column_name: str = "embedding"
    """The column that the vectors go to: the manifest's feature_name."""


class SigLIPBatch(BuiltinService[InferenceConfigs]):
    """Embeds images, and texts that describe images; vectors (768,) of length 1.

    Images are opened with `open_asset` and read as RGB; texts are cut after 64 tokens. A row
    without content gets None. `infer({"image": …})` or `{"text": …}` gives `{"embedding": […]}`,
    `{"images": […]}` or `{"texts": […]}` gives `{"embeddings": […]}`.
    """

    model_id = "google/siglip-base-patch16-224"
    config_class = InferenceConfigs
    inputs = ("text", "texts", "image", "images")

    @staticmethod
    def open(placement: Placement) -> SigLIPModel:
        """Load model and processor with transformers."""
        return SigLIPModel(placement)

    def answers(self, batch: pd.DataFrame) -> list[Any]:
        """One vector per row with content."""
        is_text = self._is_text(batch)
        texts = [row for row, chosen in enumerate(is_text) if chosen]
        images = [row for row, chosen in enumerate(is_text) if not chosen]
        found: list[Any] = [None] * len(batch)
        if texts:
            given = texts_of(batch.iloc[texts], self.config.text_column, self.model_id)
            _put(found, texts, self.in_parts(given, self._embed_texts))
        if images:
            given = column_of(batch.iloc[images], self.config.image_column, self.model_id)
            _put(found, images, self.in_parts(given, self._embed_images))
        return found

    def _embed_texts(self, texts: list[str]) -> list[Any]:
        return list(self.model.texts(texts, self.config.batch_size))

    def _embed_images(self, values: list[Any]) -> list[Any]:
        return list(self.model.images(load_images(values), self.config.batch_size))

    def _is_text(self, batch: pd.DataFrame) -> list[bool]:
        if self.config.modality != "auto":
            return [self.config.modality == "text"] * len(batch)
        if "mime_type" not in batch.columns:
            return [False] * len(batch)
        return [str(kind).startswith("text/") for kind in batch["mime_type"]]

    def respond(self, inputs: Mapping[str, Any], config: InferenceConfigs) -> dict[str, Any]:
        """Embed one image or text, or several."""
        key, values, is_one = self.chosen(inputs)
        if key.startswith("text"):
            texts = checked_texts(self.model_id, values, key)
            return embedding_answer(self.model.texts(texts, config.batch_size), is_one)
        images = [load_image(value) for value in values]
        return embedding_answer(self.model.images(images, config.batch_size), is_one)

    @classmethod
    def dimension(cls, published: Mapping[str, Any]) -> int | None:
        """The width of the vision tower, which is that of the texts'."""
        width: int = (published.get("vision_config") or {}).get("hidden_size", DEFAULT_WIDTH)
        return width

    @classmethod
    def published_note(cls, declared: int) -> str:
        """Where the 512 comes from."""
        if declared != PUBLISHED:
            return ""
        return (
            f" Mixpeek's table of built-in models says {PUBLISHED} for it, which it does not have."
        )


def _put(found: list[Any], rows: list[int], answers: list[Any]) -> None:
    for row, answer in zip(rows, answers, strict=True):
        found[row] = answer


class SigLIPModel:
    """Both towers with their processor. Threads take turns."""

    def __init__(self, placement: Placement) -> None:
        from transformers import AutoImageProcessor, SiglipModel, SiglipTokenizer

        self._device, self._dtype = placement.device, placement.dtype
        options: dict[str, Any] = {"revision": placement.revision}
        with loading(placement.model_id, placement.revision):
            self._tokenizer = SiglipTokenizer.from_pretrained(placement.model_id, **options)
            self._processor = AutoImageProcessor.from_pretrained(
                placement.model_id,
                backend="pil",  # the same pixels with torchvision and without
                trust_remote_code=False,
                **options,
            )
            model = SiglipModel.from_pretrained(
                placement.model_id, dtype=placement.dtype, **options
            )
        self._model = model.to(placement.device).eval()
        self._lock = threading.Lock()

    def images(self, images: list[Any], batch_size: int) -> np.ndarray:
        """Vectors (images, dim) as float32, each of length 1."""
        return self._embedded(
            images,
            batch_size,
            lambda part: self._processor(images=part, return_tensors="pt"),
            self._model.get_image_features,
        )

    def texts(self, texts: list[str], batch_size: int) -> np.ndarray:
        """Vectors (texts, dim) as float32, each of length 1."""
        return self._embedded(texts, batch_size, self._tokens, self._model.get_text_features)

    def _tokens(self, texts: list[str]) -> dict[str, Any]:
        """It was trained on texts filled up to their full length, and without a mask."""
        found = self._tokenizer(
            texts,
            padding="max_length",
            truncation=True,
            max_length=self._model.config.text_config.max_position_embeddings,
            return_tensors="pt",
        )
        return {"input_ids": found["input_ids"]}

    def _embedded(self, values: list[Any], batch_size: int, prepare: Any, embed: Any) -> np.ndarray:
        import numpy as np
        import torch

        if not values:
            return np.empty((0, 0), dtype=np.float32)
        found = []
        for start in range(0, len(values), batch_size):
            with self._lock, torch.inference_mode():
                given = prepare(values[start : start + batch_size])
                answer = embed(**{key: self._placed(value) for key, value in given.items()})
                found.append(answer.pooler_output.float().cpu().numpy())
        return unit(np.concatenate(found))

    def _placed(self, value: Any) -> Any:
        on_device = value.to(self._device)
        return on_device.to(self._dtype) if on_device.is_floating_point() else on_device
