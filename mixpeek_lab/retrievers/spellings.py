"""Keys of Mixpeek's bodies that are of no use here, and what its clients write in them."""

from __future__ import annotations

HARMLESS = frozenset({
    "auto_preprocess", "cache_behavior", "cache_ttl_seconds", "cache_config", "consistency",
    "degrade_retry", "hard_timeout_ms", "interactive", "on_error", "return_presigned_urls",
    "skip_cache", "visibility", "requires_subscription", "budget_limits", "display_config",
    "marketplace_listing_id", "tags", "metadata", "retriever_id", "namespace_id", "created_at",
    "updated_at", "max_concurrency", "max_concurrent_batches", "expansion_timeout_ms",
    "include_reasoning", "use_vcache",
})  # fmt: skip
"""Mixpeek's keys that say how its service runs or shows something, not what is found."""

NOT_YET = frozenset({
    "batch_size", "collection_identifiers", "expand", "explain", "learning_config", "on_empty",
    "optional", "output_alias", "output_mode", "post_filters", "query_preprocessing",
    "api_key", "decision_model", "feature_address", "include_media", "multimodal_inputs",
    "natural_language", "relevance_criteria", "thinking_level",
    "output_schema", "return_vectors", "stream", "target_collection_id", "when", "write_token",
})  # fmt: skip
"""Mixpeek's keys that would change the answer, and are not part of this version."""


NULLED = frozenset({
    "api_key", "decision_model", "diversity_feature_uri", "feature_address", "feature_uri",
    "output_field", "response_path", "retriever_id",
    "group_by", "inference_name", "model_name", "natural_language", "relevance_criteria",
    "stratify_by",
})  # fmt: skip
"""Keys for which Mixpeek's generated client sends the text "null" where nobody set them."""
