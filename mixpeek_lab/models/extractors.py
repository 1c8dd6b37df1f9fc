"""What an extractor declares: features, compute profile, manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from mixpeek_lab.models.json import JSON

Metric = Literal["cosine", "euclid", "dot"]
METRICS: tuple[str, ...] = get_args(Metric)

InferenceType = Literal["embedding", "rerank", "classify", "generate", "general"]
INFERENCE_TYPES: tuple[str, ...] = get_args(InferenceType)

IndexKind = Literal["flat", "hnsw", "ivf"]
INDEX_KINDS: tuple[str, ...] = get_args(IndexKind)


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
        return cls(name, "embedding", dim, distance_metric, index=index, description=description)

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
    actor_memory_gb: float | None = None
    """Memory of one actor; where it is not declared, Mixpeek gives 2, and here Ray counts none."""
    gpu_memory_gb: float | None = None
    """Of one GPU, for one actor; where it is not declared, actors share the GPU equally."""


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


def as_metric(text: str) -> Metric:
    """`text` as a Metric; the caller has checked that it is one."""
    return cast("Metric", text)
