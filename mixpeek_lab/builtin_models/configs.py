"""What a built-in model is told: fields that all of them have, and reading what users write."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mixpeek_lab.errors import InvalidInputError

Config = TypeVar("Config", bound="ModelConfig")

NOT_NAMES = {"model", "model_id", "model_name"}
"""What configs elsewhere call the model; here the service is of one model."""


class ModelConfig(BaseModel):
    """What all built-in models take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output_column_name: str = Field(min_length=1)
    """The column that the answers go to. For a vector, the manifest's feature_name."""
    batch_size: int = Field(32, ge=1)
    """Inputs that go through the model at once."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: the GPU, where the step's resource type is gpu and there is one; else the CPU."""
    torch_dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """Half precision is for GPUs alone."""
    revision: str | None = None
    """The revision on the Hugging Face hub; by default main."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        """Say which field was probably meant; pydantic says only that there is none."""
        if isinstance(given, Mapping):
            for key in given:
                if key not in cls.model_fields:
                    raise ValueError(unknown_name(str(key), list(cls.model_fields), "field"))
        return given


def unknown_name(key: str, known: list[str], kind: str) -> str:
    """What to say of a name that there is not."""
    close = get_close_matches(key, known, n=1)
    if key in NOT_NAMES:
        hint = "The model is chosen by get_batch_service(id) or container.inference.get(id)."
    elif close:
        hint = f"Did you mean {close[0]!r}?"
    else:
        hint = f"There is: {', '.join(sorted(known))}."
    return f"There is no {kind} {key!r}. {hint}"


def read_config(kind: type[Config], given: Any, model_id: str) -> Config:
    """The config, from itself, a dict or nothing. InvalidInputError for anything else."""
    if isinstance(given, kind):
        return given
    if given is None:
        given = {}
    if isinstance(given, BaseModel):
        raise InvalidInputError(
            f"{model_id}: its config is {type(given).__module__}.{type(given).__qualname__}, which "
            f"is not this model's. Write {kind.__module__}.{kind.__qualname__}, or a dict."
        )
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f"{model_id}: its config is {type(given).__name__}. Give InferenceConfigs(…) or a dict."
        )
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise InvalidInputError(f"{model_id}: {_told(error)}") from error


def _told(error: ValidationError) -> str:
    parts = []
    for found in error.errors():
        where = ".".join(map(str, found["loc"]))
        message = found["msg"].removeprefix("Value error, ")
        parts.append(f"config {where}: {message}." if where else message)
    return " ".join(parts)
