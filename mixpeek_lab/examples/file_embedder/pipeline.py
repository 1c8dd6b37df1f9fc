from engine.extractors.file_embedder.pipeline import (
    PipelineDefinition,
    ResourceType,
    StepDefinition,
    build_pipeline_steps,
)

from .manifest import metadata
from .processors.core import Passages


def build_steps(extractor_request, container=None, **kwargs):
    pipeline = PipelineDefinition(
        name=metadata["feature_extractor_name"],
        version=metadata["version"],
        steps=[
            StepDefinition(
                service_class=Passages,
                resource_type=ResourceType.CPU,
                config=extractor_request.extractor_config.parameters or {},
            ),
        ],
    )
    return {"steps": build_pipeline_steps(pipeline)}
