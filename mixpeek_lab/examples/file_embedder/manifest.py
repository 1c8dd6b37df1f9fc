from shared.extractors.sdk import (
    BatchProcessor,
    ExtractorManifest,
    Feature,
    InferenceService,
    open_asset,
)

manifest = ExtractorManifest(
    feature_extractor_name="file_embedder",
    version="1.0.0",
    description="Passages of text, Markdown, code and PDF",
    supported_input_types=["text", "pdf"],
    dependencies=["pypdf", "sentence-transformers"],
    features=[Feature.embedding("passage_embedding", dim=384)],
    inference_type="embedding",
)

# Backward-compat: AST parser reads these module-level variables
feature_extractor_name = manifest.feature_extractor_name
version = manifest.version
description = manifest.description
dependencies = manifest.dependencies
features = manifest.features_as_dicts()
feature_uri = manifest.feature_uri
metadata = {
    "feature_extractor_name": manifest.feature_extractor_name,
    "version": manifest.version,
    "description": manifest.description,
    "inference_type": "embedding",
}
