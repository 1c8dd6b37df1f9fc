"""`cluster`: documents grouped by their vectors, each group with a label."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.stages.clustering import NOISE, Cluster, clustered
from mixpeek_lab.retrievers.stages.documents import CONTENT, seen_by_templates, with_field
from mixpeek_lab.retrievers.stages.generation import SPELLINGS, GeneratorParameters, generated
from mixpeek_lab.retrievers.stages.reach import ExtractorRef
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext

MOST_CLUSTERED = 5000
_WORD = re.compile(r"[^\W\d_]{3,}")
_SHOWN, _CHARACTERS = 5, 300
"""Texts of a cluster that a model sees to name it, and characters of each."""


class ClusterParameters(GeneratorParameters):
    """The parameters of `cluster`, with Mixpeek's defaults."""

    algorithm: Literal["hdbscan", "kmeans", "agglomerative"] = "hdbscan"
    """hdbscan finds how many there are, and leaves outliers alone."""
    n_clusters: int | None = Field(None, ge=2, le=100)
    """For kmeans and agglomerative; a tenth of the documents, 2 to 8, where left out."""
    min_cluster_size: int = Field(5, ge=2, le=100)
    """For hdbscan; no more than a third of the documents."""
    output_mode: Literal["clusters", "labeled", "representatives"] = "clusters"
    """A document for each cluster with its members, the documents with their cluster, or the one
    nearest to each centre."""
    output_field: FieldPath = "cluster"
    """Where a document says its cluster."""
    include_centroids: bool = True
    include_outliers: bool = True
    """Whether documents in no cluster stay."""
    max_members_per_cluster: int = Field(50, ge=1, le=500)
    label_clusters: bool = False
    """Whether a model, or the extractor of inference_name, names each cluster; else the words that
    tell it apart do."""

    @property
    def extractor(self) -> ExtractorRef:
        """Who names the clusters: feature_uri says whose vectors make them."""
        return ExtractorRef(self.inference_name or "", is_uri=False)

    @property
    def has_extractor(self) -> bool:
        """Whether an extractor names them."""
        return bool(self.inference_name) and ":" not in str(self.inference_name)


def run(hits: Sequence[Hit], parameters: ClusterParameters, context: StageContext) -> Outcome:
    """Cluster the documents that have a vector. The largest cluster is number 0."""
    ids = [hit.document_id for hit in hits]
    vectors = context.reach.vectors(parameters.feature_uri, ids) if hits else {}
    having = [hit for hit in hits if hit.document_id in vectors]
    outliers = [hit for hit in hits if hit.document_id not in vectors]
    warnings = _lacking(len(outliers), len(hits), context)
    if len(having) > MOST_CLUSTERED:
        raise RetrieverError(
            f"stage {context.stage!r}: {len(having):,} documents are too many to cluster while "
            f"somebody waits; {MOST_CLUSTERED:,} are the most. Put a limit before it."
        )
    if len(having) < 2:
        return Outcome(hits, warnings=warnings)
    clusters, noise = clustered(
        having,
        vectors,
        parameters.algorithm,
        parameters.n_clusters,
        parameters.min_cluster_size,
    )
    labels = _labels(clusters, parameters, context)
    outliers = [*noise, *outliers] if parameters.include_outliers else []
    made = _MODES[parameters.output_mode](clusters, labels, outliers, hits, parameters, context)
    said: dict[str, JSON] = {
        "clusters": [
            {"cluster_id": c.number, "label": labels[c.number], "member_count": len(c.members)}
            for c in clusters
        ],
        "clustering": {
            "algorithm": parameters.algorithm, "clusters": len(clusters),
            "clustered": sum(len(c.members) for c in clusters), "outliers": len(noise),
        },
    }  # fmt: skip
    return Outcome(made, warnings=warnings, output=said)


def _lacking(count: int, total: int, context: StageContext) -> tuple[str, ...]:
    told = f"Stage {context.stage!r}: {count} of {total} documents have no vector to cluster by."
    return (told,) if count else ()


# ---------------------------------------------------------------- labels


def _labels(
    clusters: Sequence[Cluster], parameters: ClusterParameters, context: StageContext
) -> list[str]:
    if not parameters.label_clusters:
        return _words(clusters, parameters.document_field)
    prompts = []
    for cluster in clusters:
        texts = [_text(hit, parameters.document_field) for hit in cluster.members[:_SHOWN]]
        listed = "\n".join(f"- {text[:_CHARACTERS]}" for text in texts)
        prompts.append(f"Name the topic of these texts in at most five words:\n{listed}")
    lines = [str(answer).strip().splitlines() for answer in generated(parameters, context, prompts)]
    return [line[0] if line else f"cluster {i}" for i, line in enumerate(lines)]


def _words(clusters: Sequence[Cluster], field: str) -> list[str]:
    """The three words of each cluster that the others have least: tf · idf over clusters."""
    counts = [Counter(w for hit in c.members for w in _vocabulary(hit, field)) for c in clusters]
    having = Counter(word for count in counts for word in count)
    labels = []
    for cluster, count in zip(clusters, counts, strict=True):
        worth = {w: times * math.log(1 + len(clusters) / having[w]) for w, times in count.items()}
        best = sorted(worth, key=lambda word: (-worth[word], word))[:3]
        labels.append(", ".join(best) or f"cluster {cluster.number}")
    return labels


def _vocabulary(hit: Hit, field: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(_text(hit, field))}


def _text(hit: Hit, field: str) -> str:
    return str(seen_by_templates(hit, field)[CONTENT] or "")


# ---------------------------------------------------------------- what comes out


def _told(cluster: Cluster, place: int, labels: Sequence[str]) -> dict[str, JSON]:
    return {
        "cluster_id": cluster.number,
        "label": labels[cluster.number],
        "size": len(cluster.members),
        "distance_to_centroid": cluster.distances[place],
    }


def _clusters(
    clusters: Sequence[Cluster],
    labels: Sequence[str],
    outliers: Sequence[Hit],
    _: Sequence[Hit],
    parameters: ClusterParameters,
    context: StageContext,
) -> list[Hit]:
    made: list[Hit] = []
    for cluster in clusters:
        shown = cluster.members[: parameters.max_members_per_cluster]
        fields: dict[str, JSON] = {
            "cluster_id": cluster.number,
            "label": labels[cluster.number],
            "member_count": len(cluster.members),
            "members": [
                {
                    **seen_by_templates(hit, parameters.document_field),
                    parameters.output_field: _told(cluster, place, labels),
                }
                for place, hit in enumerate(shown)
            ],
        }
        if parameters.include_centroids:
            fields["centroid"] = cluster.centre
        best = max(hit.score for hit in cluster.members)
        name = f"{context.stage}_{cluster.number}"
        made.append(Hit(name, "", len(made) + 1, best, fields, {}))
    if outliers:
        members = [seen_by_templates(hit, parameters.document_field) for hit in outliers]
        fields = {"cluster_id": NOISE, "label": "outliers", "member_count": len(members)}
        fields["members"] = members[: parameters.max_members_per_cluster]
        best = max(hit.score for hit in outliers)
        made.append(Hit(f"{context.stage}_outliers", "", len(made) + 1, best, fields, {}))
    return made


def _labeled(
    clusters: Sequence[Cluster],
    labels: Sequence[str],
    outliers: Sequence[Hit],
    hits: Sequence[Hit],
    parameters: ClusterParameters,
    context: StageContext,
) -> list[Hit]:
    """The documents in their order."""
    told = {
        hit.document_id: _told(cluster, place, labels)
        for cluster in clusters
        for place, hit in enumerate(cluster.members)
    }
    for hit in outliers:
        told[hit.document_id] = {"cluster_id": NOISE, "label": "outliers"}
    return [
        with_field(hit, parameters.output_field, told[hit.document_id], context)
        for hit in hits
        if hit.document_id in told
    ]


def _representatives(
    clusters: Sequence[Cluster],
    labels: Sequence[str],
    _outliers: Sequence[Hit],
    _hits: Sequence[Hit],
    parameters: ClusterParameters,
    context: StageContext,
) -> list[Hit]:
    return [
        with_field(c.members[0], parameters.output_field, _told(c, 0, labels), context)
        for c in clusters
    ]


_MODES = {"clusters": _clusters, "labeled": _labeled, "representatives": _representatives}

STAGE = Stage(
    "cluster",
    "Group the documents by their vectors, and name each group.",
    ClusterParameters,
    run,
    needs="generate",
    names={**SPELLINGS, "num_clusters": "n_clusters"},
    fields=("document_field",),
    icon="chart-scatter",
)
