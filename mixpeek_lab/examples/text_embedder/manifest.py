"""Text → 384 floats with all-MiniLM-L6-v2."""

from shared.extractors.sdk import ExtractorManifest, Feature

MODEL = "sentence-transformers/all-MiniLM-L6-v2"

manifest = ExtractorManifest(
    feature_extractor_name="text_embedder",
    version="1.0.0",
    description="Sentence embeddings with all-MiniLM-L6-v2",
    category="text",
    dependencies=["sentence-transformers>=5"],
    supported_input_types=["text"],
    features=[Feature.embedding("text_embedding", dim=384)],
    inference_type="embedding",
    compute_profile={"resource_type": "cpu", "batch_size": 512, "max_concurrency": 1},
)

# Mixpeek reads these by AST.
feature_extractor_name = manifest.feature_extractor_name
version = manifest.version
description = manifest.description
dependencies = manifest.dependencies
features = manifest.features_as_dicts()
feature_uri = manifest.feature_uri
metadata = manifest.metadata
