"""Vectors of documents in clusters: the arithmetic of `cluster`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpeek_lab.models import Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOISE = -1
"""The cluster id of documents that belong to none."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Some documents that belong together."""

    number: int
    """From 0, the largest cluster first."""
    members: list[Hit]
    """Nearest to the centre first."""
    distances: list[float]
    """Of the members to the centre, Euclidean, of vectors of length 1."""
    centre: list[float]


def clustered(
    hits: Sequence[Hit],
    vectors: Mapping[str, Any],
    algorithm: str,
    n_clusters: int | None,
    min_cluster_size: int,
) -> tuple[list[Cluster], list[Hit]]:
    """The clusters, and the documents in none."""
    import numpy as np

    matrix = np.array([vectors[hit.document_id] for hit in hits], dtype=np.float64)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix = matrix / np.where(lengths == 0.0, 1.0, lengths)
    numbers = _numbers(matrix, algorithm, n_clusters, min_cluster_size)
    sizes = Counter(number for number in numbers if number != NOISE)
    order = sorted(sizes, key=lambda number: (-sizes[number], numbers.index(number)))
    clusters = []
    for place, number in enumerate(order):
        rows = [row for row, own in enumerate(numbers) if own == number]
        centre = matrix[rows].mean(axis=0)
        distances = np.linalg.norm(matrix[rows] - centre, axis=1).tolist()
        near = sorted(range(len(rows)), key=distances.__getitem__)
        clusters.append(
            Cluster(place, [hits[rows[i]] for i in near], [distances[i] for i in near],
                     centre.tolist())
        )  # fmt: skip
    return clusters, [hit for hit, number in zip(hits, numbers, strict=True) if number == NOISE]


def _numbers(
    matrix: NDArray[np.float64], algorithm: str, n_clusters: int | None, min_cluster_size: int
) -> list[int]:
    """The cluster of each row, as scikit-learn numbers them."""
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans

    rows = len(matrix)
    wanted = n_clusters or max(2, min(8, rows // 10))
    wanted = min(wanted, rows)
    if algorithm == "kmeans":
        model = KMeans(wanted, n_init=10, random_state=_SEED)
    elif algorithm == "agglomerative":
        model = AgglomerativeClustering(wanted)
    else:
        model = HDBSCAN(min(min_cluster_size, max(2, rows // 3)), copy=True)
    found: list[int] = model.fit_predict(matrix).tolist()
    return found
