"""What extractors import: manifest, processor, pipeline steps, inference service, and small tools.

Extractors know this package as `shared.extractors.sdk` (see `mixpeek_lab.compat`).
"""

from __future__ import annotations

from typing import NoReturn

from mixpeek_lab.models import Feature
from mixpeek_lab.sdk.batch import BatchProcessor
from mixpeek_lab.sdk.concurrency import IOResults, concurrent_api_calls, parallel_io
from mixpeek_lab.sdk.inference import (
    BaseBatchInferenceService,
    BaseInferenceService,
    InferenceService,
    ServeDeploymentConfig,
)
from mixpeek_lab.sdk.logs import get_logger
from mixpeek_lab.sdk.manifest import ExtractorDefinition, ExtractorManifest
from mixpeek_lab.sdk.prefetch import prefetch_hf_model
from mixpeek_lab.sdk.steps import (
    PipelineDefinition,
    ResourceType,
    RowCondition,
    StepDefinition,
    build_pipeline_steps,
)

__all__ = [
    "BaseBatchInferenceService",
    "BaseInferenceService",
    "BatchProcessor",
    "ExtractorDefinition",
    "ExtractorManifest",
    "Feature",
    "IOResults",
    "InferenceService",
    "PipelineDefinition",
    "ResourceType",
    "RowCondition",
    "ServeDeploymentConfig",
    "StepDefinition",
    "build_pipeline_steps",
    "concurrent_api_calls",
    "get_logger",
    "parallel_io",
    "prefetch_hf_model",
]

_LATER = ("open_asset", "download_asset", "upload_asset", "run_tool")


def __getattr__(name: str) -> NoReturn:
    if name in _LATER:
        raise ImportError(
            f"{name} is not part of this version of Mixpeek Lab yet. "
            "Extractors that work on text need no assets or command-line tools: remove the import."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
