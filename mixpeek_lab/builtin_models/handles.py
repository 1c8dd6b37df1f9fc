"""A built-in model as a value that travels: what `container.inference.get(id)` gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpeek_lab.builtin_models.registry import get_batch_service
from mixpeek_lab.sdk.process_cache import once_per_process

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ModelHandle:
    """A built-in model, to ask from a processor or a realtime service.

    It pickles without the model, which each process loads once, when it is first asked.
    """

    model_id: str
    config: str = "{}"
    """The model's InferenceConfigs as JSON."""

    @classmethod
    def of(cls, model_id: str, config: Any = None) -> ModelHandle:
        """The handle for a model and its config. NotFoundError, InvalidInputError."""
        service = get_batch_service(model_id)
        read = service.read(config)
        return cls(service.model_id, json.dumps(read.model_dump(mode="json"), sort_keys=True))

    async def infer(
        self, inputs: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Answer one request in the seed's contracts; the event loop goes on meanwhile.

        Embedding: `{"text"}` or `{"image"}` gives `{"embedding"}`, `{"texts"}` or `{"images"}`
        gives `{"embeddings"}`. Rerank: `{"pairs"}` gives `{"scores"}`. Transcription: `{"audio"}`
        gives `{"text"}`. `parameters` say otherwise what the config says, where the model allows.
        InvalidInputError for other inputs or parameters; LabError where the model is not at hand.
        """
        return await asyncio.to_thread(self.infer_sync, inputs, parameters)

    def infer_sync(
        self, inputs: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The same, waited for: in processors and services without async."""
        found: dict[str, Any] = self._service().infer(inputs, parameters)
        return found

    def ensure_setup(self) -> None:
        """Load the model now."""
        self._service().ensure_setup()

    def check_vectors(self, _: Any, declared: Mapping[str, int]) -> None:
        """Raise ManifestError where the manifest of a step declares another dimension."""
        get_batch_service(self.model_id).check_vectors(json.loads(self.config), declared)

    def __call__(self, given: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """A batch (DataFrame) gets its new column: the handle is a step. Inputs: awaits `infer`."""
        if isinstance(given, Mapping):
            return self.infer(given, parameters)
        batch: pd.DataFrame = given
        return self._service()(batch)

    def _service(self) -> Any:
        kind = get_batch_service(self.model_id)
        return once_per_process(
            ("handle", self.model_id, self.config), lambda: kind(json.loads(self.config))
        )
