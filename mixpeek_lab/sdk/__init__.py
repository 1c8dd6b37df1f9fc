"""What extractors import: manifest, processor, pipeline steps, inference service, and small tools.

Extractors know this package as `shared.extractors.sdk` (see `mixpeek_lab.compat`).
"""

from __future__ import annotations

from mixpeek_lab.models import Feature
from mixpeek_lab.sdk.assets import (
    AssetError,
    AssetLimits,
    download_asset,
    open_asset,
    upload_asset,
)
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
from mixpeek_lab.sdk.tools import ToolError, ToolOutput, ToolResult, ToolTimeoutError, run_tool

__all__ = [
    "AssetError",
    "AssetLimits",
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
    "ToolError",
    "ToolOutput",
    "ToolResult",
    "ToolTimeoutError",
    "build_pipeline_steps",
    "concurrent_api_calls",
    "download_asset",
    "get_logger",
    "open_asset",
    "parallel_io",
    "prefetch_hf_model",
    "run_tool",
    "upload_asset",
]
