"""Approximate search in the few lists whose centres are nearest to the query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mixpeek_lab.indexes.columns import Matrix
from mixpeek_lab.indexes.installation import load_faiss
from mixpeek_lab.indexes.kinds import Candidates, Kind, Mask, bitmap_selector

MOST_LISTS = 65_536
VECTORS_PER_LIST = 39
"""Fewer vectors per centre than that do not train it."""
EXACT_BELOW = 1_000
"""With fewer vectors than that, every list is searched."""
SAMPLE = 200
NEIGHBOURS = 10
RECALL = 0.99
"""Share of its true 10 neighbours that a sampled query must find. Questions are harder than those
queries: with 0.985 for them, it was 0.975 for sentences over MiniLM embeddings."""


def build(vectors: Matrix, faiss_metric: int, seed: int) -> Any:
    """A faiss IndexIVFFlat, trained with `seed`, which knows how many lists to search (`nprobe`).

    That number is measured, since it depends on how the vectors cluster.
    """
    faiss = load_faiss()
    size, dim = vectors.shape
    lists = list_count(size)
    index = faiss.IndexIVFFlat(faiss.IndexFlat(dim, faiss_metric), dim, lists, faiss_metric)
    index.cp.seed = seed
    index.cp.min_points_per_centroid = 1  # list_count has seen to it; faiss would print a warning
    index.train(vectors)
    index.add(vectors)
    index.nprobe = lists if size < EXACT_BELOW else _sufficient_probes(index, vectors, seed)
    return index


def list_count(size: int) -> int:
    """About 4·√size lists, fewer where the vectors would not train so many."""
    return max(1, min(int(4 * math.sqrt(size)), size // VECTORS_PER_LIST, MOST_LISTS))


def search_exact(index: Any, queries: Matrix, k: int, mask: Mask | None) -> Candidates:
    """Search every list."""
    return _search(index, queries, k, mask, index.nlist)


def search_approximate(index: Any, queries: Matrix, k: int, mask: Mask | None) -> Candidates:
    """Search the nearest lists. With a mask, the more of them the fewer it admits."""
    probes = index.nprobe
    if mask is not None:
        share = max(np.count_nonzero(mask) / len(mask), 1e-3)
        probes = min(index.nlist, math.ceil(probes / share))
    return _search(index, queries, k, mask, probes)


def _search(index: Any, queries: Matrix, k: int, mask: Mask | None, probes: int) -> Candidates:
    faiss = load_faiss()
    selected = {} if mask is None else {"sel": bitmap_selector(mask)}
    parameters = faiss.SearchParametersIVF(nprobe=probes, **selected)
    found: Candidates = index.search(queries, k, params=parameters)
    return found


def _sufficient_probes(index: Any, vectors: Matrix, seed: int) -> int:
    """The fewest lists in which sampled queries find their neighbours."""
    drawn = np.random.default_rng(seed).integers(0, len(vectors), (2, SAMPLE))
    # Half-way between two vectors: like a query, it belongs to no list more than to another.
    queries = (vectors[drawn[0]] + vectors[drawn[1]]) / np.float32(2)
    true = search_exact(index, queries, NEIGHBOURS, None)[1]
    fewest, most = 1, index.nlist
    while fewest < most:
        probes = (fewest + most) // 2
        found = _search(index, queries, NEIGHBOURS, None, probes)[1]
        hits = sum(len(np.intersect1d(*pair)) for pair in zip(true, found, strict=True))
        if hits >= RECALL * true.size:
            most = probes
        else:
            fewest = probes + 1
    return fewest


KIND = Kind(build=build, exact=search_exact, approximate=search_approximate)
