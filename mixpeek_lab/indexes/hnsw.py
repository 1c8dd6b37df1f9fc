"""Approximate search over a graph of neighbours: fast, and slow to build."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixpeek_lab.indexes import flat
from mixpeek_lab.indexes.columns import Matrix
from mixpeek_lab.indexes.installation import load_faiss
from mixpeek_lab.indexes.kinds import Candidates, Kind, Mask, bitmap_selector

NEIGHBOURS = 32
EF_CONSTRUCTION = 200
EF_SEARCH = 64
"""Nodes kept open during a search, at least; twice `k` where that is more."""


def build(vectors: Matrix, faiss_metric: int, seed: int) -> Any:
    """A faiss IndexHNSWFlat.

    faiss draws the levels from a generator of its own and links nodes from several threads, so two
    builds are equally good but not identical, and `seed` is not used.
    """
    del seed
    faiss = load_faiss()
    index = faiss.IndexHNSWFlat(vectors.shape[1], NEIGHBOURS, faiss_metric)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(vectors)
    return index


def search_exact(index: Any, queries: Matrix, k: int, mask: Mask | None) -> Candidates:
    """Compare every vector: an HNSW index holds them as they are."""
    return flat.search_exact(load_faiss().downcast_index(index.storage), queries, k, mask)


def search_approximate(index: Any, queries: Matrix, k: int, mask: Mask | None) -> Candidates:
    """Walk the graph. With a mask, the wider the fewer it admits."""
    faiss = load_faiss()
    width = max(EF_SEARCH, 2 * k)
    if mask is None:
        parameters = faiss.SearchParametersHNSW(efSearch=width)
    else:
        share = np.count_nonzero(mask) / len(mask)
        parameters = faiss.SearchParametersHNSW(
            efSearch=int(width / max(share, 1e-3)), sel=bitmap_selector(mask)
        )
    found: Candidates = index.search(queries, k, params=parameters)
    return found


KIND = Kind(build=build, exact=search_exact, approximate=search_approximate)
