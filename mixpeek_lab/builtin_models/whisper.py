"""openai/whisper-large-v3-turbo: speech to text, in audio files and in videos."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mixpeek_lab.builtin_models.configs import ModelConfig
from mixpeek_lab.builtin_models.loading import Placement, loading
from mixpeek_lab.builtin_models.media import SAMPLE_RATE, load_sound, load_sounds
from mixpeek_lab.builtin_models.services import BuiltinService, column_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["InferenceConfigs", "WhisperBatch"]


class InferenceConfigs(ModelConfig):
    """What Whisper is told."""

    audio_column: str = "data"
    """The column with the sound: URLs, paths, or bytes of audio or video files."""
    output_column_name: str = "transcription"
    """The column that the texts go to."""
    segments_column_name: str | None = None
    """A column for the parts of each text: a list of {text, start, end}, in seconds."""
    language: str | None = None
    """What is spoken, as "english" or "en"; by default the model decides."""
    task: Literal["transcribe", "translate"] = "transcribe"
    """translate: into English."""
    batch_size: int = Field(8, ge=1)
    """Chunks that go through the model at once."""
    chunk_seconds: float | None = Field(30.0, gt=1, le=30)
    """Longer sound is cut into overlapping chunks of so many seconds, which go through the model
    together. None: one window after the other, where the last one ended; slower and more exact."""
    max_new_tokens: int | None = Field(None, ge=1)
    """Tokens of text per chunk; by default what the model's own settings say."""


class WhisperBatch(BuiltinService[InferenceConfigs]):
    """Transcribes the sound of a column. A row without content gets None.

    Files are opened with `open_asset`, and decoded by ffmpeg to 16 kHz mono. `infer({"audio": …})`
    gives `{"text": …}`, `{"audios": […]}` gives `{"texts": […]}`; each a URL, a path, bytes, or an
    array of samples at 16 kHz.
    """

    model_id = "openai/whisper-large-v3-turbo"
    config_class = InferenceConfigs
    inputs = ("audio", "audios")
    parameters = ("language", "task", "chunk_seconds", "max_new_tokens")

    @staticmethod
    def open(placement: Placement) -> SpeechModel:
        """Load model and processor with transformers."""
        return SpeechModel(placement)

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Add the column of texts, and that of segments where one is named."""
        import pandas as pd

        values = column_of(batch, self.config.audio_column, self.model_id)
        heard = self.in_parts(values, self._hear)
        texts = [None if one is None else one["text"] for one in heard]
        batch[self.config.output_column_name] = pd.Series(texts, index=batch.index, dtype=object)
        if self.config.segments_column_name:
            parts = [None if one is None else one["segments"] for one in heard]
            named = self.config.segments_column_name
            batch[named] = pd.Series(parts, index=batch.index, dtype=object)
        return batch

    def _hear(self, values: list[Any]) -> list[Any]:
        return [self.model.transcribe(sound, self.config) for sound in load_sounds(values)]

    def respond(self, inputs: Mapping[str, Any], config: InferenceConfigs) -> dict[str, Any]:
        """Transcribe one sound, or several."""
        _, values, is_one = self.chosen(inputs)
        heard = [self.model.transcribe(load_sound(value), config)["text"] for value in values]
        return {"text": heard[0]} if is_one else {"texts": heard}


class SpeechModel:
    """transformers' pipeline for speech. Threads take turns."""

    def __init__(self, placement: Placement) -> None:
        from transformers import WhisperForConditionalGeneration, WhisperProcessor, pipeline

        options: dict[str, Any] = {"revision": placement.revision}
        with loading(placement.model_id, placement.revision):
            processor = WhisperProcessor.from_pretrained(placement.model_id, **options)
            model = WhisperForConditionalGeneration.from_pretrained(
                placement.model_id, dtype=placement.dtype, **options
            )
        self._pipeline = pipeline(
            "automatic-speech-recognition",
            model=model.to(placement.device).eval(),
            tokenizer=processor.tokenizer,
            feature_extractor=processor.feature_extractor,
            dtype=placement.dtype,
            device=placement.device,
        )
        self._is_multilingual = bool(getattr(model.generation_config, "is_multilingual", False))
        self._lock = threading.Lock()

    def transcribe(self, samples: np.ndarray, config: InferenceConfigs) -> dict[str, Any]:
        """`text`, and `segments`: [{text, start, end}], times in seconds."""
        if not len(samples):
            return {"text": "", "segments": []}
        length, most = len(samples) / SAMPLE_RATE, config.chunk_seconds
        with self._lock:
            found = self._pipeline(
                {"raw": samples, "sampling_rate": SAMPLE_RATE},
                chunk_length_s=most if most is not None and length > most else 0,
                ignore_warning=True,  # of chunks: they are asked for
                batch_size=config.batch_size,
                return_timestamps=True,
                generate_kwargs=self._generating(config),
            )
        return {"text": found["text"].strip(), "segments": _segments(found, length)}

    def _generating(self, config: InferenceConfigs) -> dict[str, Any]:
        told: dict[str, Any] = {
            "num_beams": 1
        }  # the pipeline's own default takes five times as long
        if self._is_multilingual:
            told |= {"language": config.language, "task": config.task}
        if config.max_new_tokens is not None:
            told["max_new_tokens"] = config.max_new_tokens
        return told


def _segments(found: Mapping[str, Any], length: float) -> list[dict[str, Any]]:
    """The parts of a text with their times; one that has no end lasts until the sound's."""
    parts = []
    for part in found.get("chunks", ()):
        start, end = (length if time is None else min(time, length) for time in part["timestamp"])
        parts.append({"text": part["text"].strip(), "start": float(start), "end": float(end)})
    return parts
