"""What each kind of vector index provides. The kinds are flat.py, hnsw.py and ivf.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mixpeek_lab.indexes.columns import Matrix
from mixpeek_lab.indexes.installation import load_faiss

Mask = npt.NDArray[np.bool_]
"""(m,): which of an index's vectors may be found."""

Candidates = tuple[Matrix, npt.NDArray[np.int64]]
"""What faiss answers: values and positions, (q, k) each, nearest first; -1 where there is none."""

Search = Callable[[Any, Matrix, int, Mask | None], Candidates]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of index: how to build it and how to search it. A mask is always honoured."""

    build: Callable[[Matrix, int, int], Any]
    """(vectors, faiss metric, seed) -> faiss index."""
    exact: Search
    approximate: Search | None
    """None where the exact search is the only one."""


def bitmap_selector(mask: Mask) -> Any:
    """A faiss selector that admits what `mask` admits, whatever order the index scans in."""
    return load_faiss().IDSelectorBitmap(np.packbits(mask, bitorder="little"))
