"""The values that travel between the parts of the lab. Frozen, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

Metric = Literal["cosine", "euclid", "dot"]
METRICS: tuple[str, ...] = get_args(Metric)

InferenceType = Literal["embedding", "rerank", "classify", "generate", "general"]
INFERENCE_TYPES: tuple[str, ...] = get_args(InferenceType)

IndexKind = Literal["flat", "hnsw", "ivf"]
INDEX_KINDS: tuple[str, ...] = get_args(IndexKind)

FieldType = Literal[
    "string", "number", "integer", "float", "boolean", "object", "array", "date",
    "datetime", "text", "image", "audio", "video", "pdf",
]  # fmt: skip
FIELD_TYPES: tuple[str, ...] = get_args(FieldType)
BLOB_TYPES = ("text", "image", "audio", "video", "pdf")

JSON = Any
"""A value made of dict, list, str, int, float, bool and None."""


# ---------------------------------------------------------------- what an extractor declares


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature that an extractor produces: an embedding (a vector index) or labels."""

    feature_name: str
    feature_type: str = "embedding"
    embedding_dim: int | None = None
    distance_metric: Metric = "cosine"
    labels: tuple[str, ...] = ()
    index: IndexKind = "flat"
    description: str = ""

    @classmethod
    def embedding(
        cls,
        name: str,
        dim: int,
        distance_metric: Metric = "cosine",
        *,
        index: IndexKind = "flat",
        description: str = "",
    ) -> Feature:
        """A vector of `dim` floats, searched with `distance_metric`."""
        return cls(
            name, "embedding", dim, distance_metric, index=index, description=description
        )

    @classmethod
    def classification(cls, name: str, labels: list[str] | tuple[str, ...] = ()) -> Feature:
        """A label out of `labels`. It makes no vector index."""
        return cls(name, "classification", labels=tuple(labels))

    def as_dict(self) -> dict[str, JSON]:
        """The manifest's spelling, with exactly the keys that Mixpeek reads."""
        if self.feature_type == "embedding":
            found: dict[str, JSON] = {
                "feature_type": "embedding",
                "feature_name": self.feature_name,
                "embedding_dim": self.embedding_dim,
                "distance_metric": self.distance_metric,
            }
            if self.index != "flat":
                found["index"] = self.index
        else:
            found = {"feature_type": self.feature_type, "feature_name": self.feature_name}
            if self.labels:
                found["labels"] = list(self.labels)
        if self.description:
            found["description"] = self.description
        return found


@dataclass(frozen=True, slots=True)
class ComputeProfile:
    """What a batch run of the extractor may use. The defaults are Mixpeek's."""

    resource_type: Literal["cpu", "gpu", "api"] = "cpu"
    batch_size: int = 64
    """Rows per call of the processor."""
    max_concurrency: int = 2
    """Actors per step, at most."""
    actor_memory_gb: float = 2.0
    gpu_memory_gb: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a `manifest.py` declares, in whichever of the three dialects it is written."""

    name: str
    version: str
    """Normalised: three numbers."""
    declared_version: str
    """As written: `v1`, `1.0`."""
    description: str = ""
    category: str = ""
    features: tuple[Feature, ...] = ()
    inference_type: InferenceType | None = None
    supported_input_types: tuple[str, ...] = ()
    compute_profile: ComputeProfile = field(default_factory=ComputeProfile)
    dependencies: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    container_image: str | None = None
    feature_uri: str | None = None
    """As written in the manifest; None where it is not."""
    dialect: Literal["metadata", "variables", "typed"] = "metadata"

    @property
    def vectors(self) -> tuple[Feature, ...]:
        """The features that make a vector index."""
        return tuple(f for f in self.features if f.feature_type == "embedding")

    def uri(self, feature_name: str) -> str:
        """The feature's address: `mixpeek://name@version/feature`."""
        return f"mixpeek://{self.name}@{self.version}/{feature_name}"


# ---------------------------------------------------------------- buckets and collections


@dataclass(frozen=True, slots=True)
class Blob:
    """One property of an object that extractors read."""

    blob_id: str
    property: str
    type: str
    data: str
    """Text itself for text, a URL for everything else."""
    mime_type: str
    content_hash: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BucketObject:
    """One thing that a user put in: its blobs and its metadata."""

    object_id: str
    bucket_id: str
    blobs: tuple[Blob, ...]
    metadata: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A named set of objects."""

    bucket_id: str
    name: str
    schema: Mapping[str, str]
    """Blob properties and metadata fields → field type."""
    created_at: str
    object_count: int = 0


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How one collection is indexed. Named features override the manifest."""

    analyzer: str = "english"
    """`english` (stop words and Snowball stemming), `plain`, or another Snowball language."""
    kinds: Mapping[str, IndexKind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Collection:
    """The documents that one extractor version made out of one bucket."""

    collection_id: str
    name: str
    bucket_id: str
    extractor: str
    extractor_version: str
    extractor_digest: str
    parameters: Mapping[str, JSON]
    settings: IndexSettings
    created_at: str
    snapshot: int | None = None
    """Number of the snapshot that readers see; None before the first run."""
    document_count: int = 0


# ---------------------------------------------------------------- runs


@dataclass(frozen=True, slots=True)
class Failure:
    """One row that an extractor could not process, and why."""

    object_id: str
    document_id: str
    step: str
    kind: str
    """The exception's type name."""
    message: str
    where: str = ""
    """The extractor's own line: `processors/core.py:14 in __call__`."""


RunState = Literal["running", "completed", "completed_with_errors", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `total` counts the input rows that need work."""

    total: int
    done: int = 0
    failed: int = 0
    documents: int = 0
    seconds: float = 0.0
    phase: str = "starting"

    @property
    def rate(self) -> float:
        """Rows per second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end; None while nothing is done."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a batch run did."""

    run_id: str
    collection: str
    state: RunState
    rows_in: int
    """Blobs that the extractor accepts."""
    reused: int
    """Rows whose documents were kept from the snapshot before."""
    processed: int
    """Rows that went through the extractor in this run."""
    documents: int
    """Documents in the new snapshot."""
    failures: tuple[Failure, ...] = ()
    failed: int = 0
    removed: int = 0
    """Documents dropped because their object is gone or changed."""
    vectors: Mapping[str, int] = field(default_factory=dict)
    """Vector index → vectors in it."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Vector index → documents without a usable vector (null or NaN)."""
    seconds: float = 0.0
    rows_per_second: float = 0.0
    """Processed rows over the time from the first batch in to the last block out."""
    setup_seconds: float = 0.0
    """The longest `setup()` of any actor (model load)."""
    engine: str = "ray"
    notes: tuple[str, ...] = ()
    """Sentences for people: why 0 documents, what ran on the CPU instead, …"""


# ---------------------------------------------------------------- search


@dataclass(frozen=True, slots=True)
class Leg:
    """One arm of a search: its candidates, best first. Larger scores are better."""

    name: str
    kind: Literal["dense", "lexical"]
    weight: float
    document_ids: tuple[str, ...]
    scores: tuple[float, ...]
    feature_uri: str = ""
    metric: str = ""
    top_k: int = 0
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one leg gave to one hit. `rank` counts from 1; None: the leg did not find it."""

    leg: str
    rank: int | None
    score: float | None
    normalised: float | None
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search."""

    document_id: str
    collection_id: str
    rank: int
    score: float
    fields: Mapping[str, JSON]
    lineage: Mapping[str, JSON]
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """One timed part of a search, with the rows that went in and came out."""

    name: str
    milliseconds: float
    rows_in: int = 0
    rows_out: int = 0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a retriever answered, with all that is needed to explain it."""

    execution_id: str
    retriever: str
    query: Mapping[str, JSON]
    hits: tuple[Hit, ...]
    legs: tuple[Leg, ...]
    fusion: Mapping[str, JSON]
    spans: tuple[Span, ...]
    total: int
    """Documents that any leg found, before limit and offset."""
    warnings: tuple[str, ...] = ()

    @property
    def milliseconds(self) -> float:
        """Wall time of the whole search."""
        return sum(span.milliseconds for span in self.spans)


def as_metric(text: str) -> Metric:
    """`text` as a Metric; the caller has checked that it is one."""
    return cast("Metric", text)
