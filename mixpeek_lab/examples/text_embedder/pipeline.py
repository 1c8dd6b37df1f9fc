"""One step."""

from engine.extractors.text_embedder.pipeline import (
    PipelineDefinition,
    ResourceType,
    StepDefinition,
    build_pipeline_steps,
)

from .manifest import metadata
from .processors.core import TextEmbedder


def build_steps(extractor_request, container=None, **kwargs):
    """The steps of the batch pipeline."""
    pipeline = PipelineDefinition(
        name=metadata["feature_extractor_name"],
        version=metadata["version"],
        steps=[
            StepDefinition(service_class=TextEmbedder, resource_type=ResourceType.CPU, config={}),
        ],
    )
    return {"steps": build_pipeline_steps(pipeline)}
