"""Getting a model into this process: where it runs, what it says of itself, what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixpeek_lab.builtin_models.configs import ModelConfig
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.sdk.prefetch import not_at_hand
from mixpeek_lab.sdk.steps import ResourceType


@dataclass(frozen=True, slots=True)
class Placement:
    """Which weights, where, and in which precision: equal ones share a model in a process."""

    model_id: str
    revision: str | None
    device: str
    torch_dtype: str

    @property
    def dtype(self) -> Any:
        """torch's own."""
        import torch

        return getattr(torch, self.torch_dtype)


def place(model_id: str, config: ModelConfig, resource_type: ResourceType | None) -> Placement:
    """Where the model runs in this process.

    Ray shows a GPU only to steps that were given one. InvalidInputError for a GPU that is not
    there, and for half precision on a CPU.
    """
    import torch

    has_gpu = torch.cuda.is_available()
    if config.device == "cuda" and not has_gpu:
        raise InvalidInputError(
            f'{model_id}: device is "cuda", and this process sees no GPU. Set the step\'s '
            "resource_type to ResourceType.GPU, or leave device out."
        )
    may_use = resource_type in (None, ResourceType.GPU)
    is_on_gpu = config.device == "cuda" or (config.device == "auto" and has_gpu and may_use)
    if not is_on_gpu and config.torch_dtype != "float32":
        raise InvalidInputError(
            f"{model_id}: torch_dtype is {config.torch_dtype!r}, and it runs on the CPU, where "
            "half precision is slower. Leave torch_dtype out, or give the step a GPU."
        )
    return Placement(model_id, config.revision, "cuda" if is_on_gpu else "cpu", config.torch_dtype)


@contextmanager
def loading(model_id: str, revision: str | None) -> Iterator[None]:
    """Turns what the libraries raise for absent weights into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise not_at_hand(model_id, revision, error) from error


def published_config(model_id: str, revision: str | None) -> Mapping[str, Any] | None:
    """The model's config.json, from the cache or the hub; None where neither has it now."""
    from huggingface_hub import hf_hub_download

    try:
        path = hf_hub_download(model_id, "config.json", revision=revision)
        found: Mapping[str, Any] = json.loads(Path(path).read_text())
    except (OSError, ValueError):  # what is wrong is told when the model itself is loaded
        return None
    return found
