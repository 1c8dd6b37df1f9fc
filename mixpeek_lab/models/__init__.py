"""The values that travel between the parts of the lab. Frozen, without I/O."""

from mixpeek_lab.models.buckets import (
    BLOB_TYPES,
    CONTRACT_COLUMNS,
    FIELD_TYPES,
    Blob,
    Bucket,
    BucketObject,
    Collection,
    FieldType,
    IndexSettings,
)
from mixpeek_lab.models.extractors import (
    INDEX_KINDS,
    INFERENCE_TYPES,
    METRICS,
    ComputeProfile,
    Feature,
    IndexKind,
    InferenceType,
    Manifest,
    Metric,
    as_metric,
)
from mixpeek_lab.models.json import (
    JSON,
)
from mixpeek_lab.models.runs import (
    Failure,
    Progress,
    RunReport,
    RunState,
    Unusable,
)
from mixpeek_lab.models.search import (
    NO_CANDIDATES,
    Candidates,
    Contribution,
    Hit,
    Leg,
    SearchResult,
    Span,
    StageEffect,
)
from mixpeek_lab.models.spending import (
    Spending,
    Spent,
    add_spent,
)

__all__ = [
    "BLOB_TYPES",
    "CONTRACT_COLUMNS",
    "FIELD_TYPES",
    "INDEX_KINDS",
    "INFERENCE_TYPES",
    "JSON",
    "METRICS",
    "NO_CANDIDATES",
    "Blob",
    "Bucket",
    "BucketObject",
    "Candidates",
    "Collection",
    "ComputeProfile",
    "Contribution",
    "Failure",
    "Feature",
    "FieldType",
    "Hit",
    "IndexKind",
    "IndexSettings",
    "InferenceType",
    "Leg",
    "Manifest",
    "Metric",
    "Progress",
    "RunReport",
    "RunState",
    "SearchResult",
    "Span",
    "Spending",
    "Spent",
    "StageEffect",
    "Unusable",
    "add_spent",
    "as_metric",
]
