"""Wiring processors into a batch pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = [
    "PipelineDefinition",
    "ResourceType",
    "RowCondition",
    "StepDefinition",
    "build_pipeline_steps",
]


class ResourceType(StrEnum):
    """What a step mostly waits for."""

    CPU = "cpu"
    GPU = "gpu"
    API = "api"


class RowCondition(StrEnum):
    """Which rows a step processes, by their MIME type."""

    IS_TEXT = "is_text"
    IS_IMAGE = "is_image"
    IS_VIDEO = "is_video"
    IS_AUDIO = "is_audio"
    IS_PDF = "is_pdf"
    ALWAYS = "always"

    def matches(self, mime_type: str | None) -> bool:
        """Whether a row of this MIME type is processed; `text/plain; charset=utf-8` is text.

        A row without a MIME type matches ALWAYS alone.
        """
        if self is RowCondition.ALWAYS:
            return True
        if not isinstance(mime_type, str):
            return False
        bare = mime_type.partition(";")[0].strip().lower()
        wanted = _TYPES[self]
        return bare.startswith(wanted) if wanted.endswith("/") else bare == wanted


_TYPES = {
    RowCondition.IS_TEXT: "text/",
    RowCondition.IS_IMAGE: "image/",
    RowCondition.IS_VIDEO: "video/",
    RowCondition.IS_AUDIO: "audio/",
    RowCondition.IS_PDF: "application/pdf",
}


@dataclass(frozen=True)
class StepDefinition:
    """One step: a processor class, its config, and what it runs on.

    `service_class` is made once per worker with `config`. `concurrency` (actors) and `batch_size`
    (rows) override the manifest's compute_profile.
    """

    service_class: Any
    resource_type: ResourceType = ResourceType.CPU
    config: Any = field(default_factory=dict)
    condition: RowCondition = RowCondition.ALWAYS
    enabled: bool = True
    concurrency: int | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if not callable(self.service_class):
            raise TypeError(
                f"service_class is {self.service_class!r}. Give the processor's class itself: "
                "StepDefinition(service_class=MyProcessor)."
            )
        object.__setattr__(self, "resource_type", ResourceType(self.resource_type))
        object.__setattr__(self, "condition", RowCondition(self.condition))
        for name in ("concurrency", "batch_size"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} is {value!r}, not a positive whole number.")


@dataclass(frozen=True)
class PipelineDefinition:
    """A pipeline: the steps that each batch goes through, in order."""

    name: str
    version: str
    steps: Sequence[StepDefinition]

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        for position, step in enumerate(self.steps):
            if not isinstance(step, StepDefinition):
                raise TypeError(
                    f"steps[{position}] is {step!r}. "
                    "Write StepDefinition(service_class=…, resource_type=…, config=…)."
                )


def build_pipeline_steps(
    pipeline: PipelineDefinition,
    dataset_size: int | None = None,  # noqa: ARG001 - the runner scales by the real row count
) -> list[StepDefinition]:
    """The enabled steps of a pipeline, in order: what `build_steps` returns under "steps"."""
    return [step for step in pipeline.steps if step.enabled]
