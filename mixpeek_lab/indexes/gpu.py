"""Vector search on an NVIDIA GPU, where the installed build of faiss sees one.

faiss's GPU indexes do not honour a selector of ids in every build (the classic one ignores it
silently), so none is ever handed to them. A filtered search asks the GPU for more candidates than
it needs and keeps the admitted ones: when enough are left, those are the exact answer, since
whatever was not fetched ranks below them. When too few are left, the copy of the index in main
memory is searched, exactly.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any, Literal

import numpy as np

from mixpeek_lab.errors import EngineError
from mixpeek_lab.indexes.columns import Matrix
from mixpeek_lab.indexes.installation import load_faiss
from mixpeek_lab.indexes.kinds import Candidates, Mask
from mixpeek_lab.models import IndexKind

MOST_CANDIDATES = 2_048
"""The largest k that faiss's GPU indexes answer."""
TEMPORARY_BYTES = 256 * 1024 * 1024
"""Working memory on the GPU. faiss would take 1.5 GiB and more; the models need the room."""
MARGIN = 4
"""How many times more candidates than the mean share of admitted ones calls for."""

Path = Literal["cpu", "gpu", "gpu_overfetch"]

_lock = Lock()  # faiss's GPU resources serve one thread at a time


def is_available() -> bool:
    """Whether the installed faiss sees a GPU."""
    return bool(load_faiss().get_num_gpus() > 0)


def can_hold(kind: IndexKind) -> bool:
    """Whether faiss has this kind of index for GPUs. It has no HNSW: that one stays on the CPU."""
    return kind in ("flat", "ivf")


def choose_path(*, k: int, size: int, admitted: int | None, is_exact: bool) -> Path:
    """Where an index which is on the GPU is searched.

    `size` vectors, of which a filter admits `admitted` (None without a filter). `is_exact`: the
    index compares every vector; only its candidates can be filtered without losing any.
    """
    if k > MOST_CANDIDATES:
        return "cpu"
    if admitted is None:
        return "gpu"
    if is_exact and overfetch(k, size, admitted) is not None:
        return "gpu_overfetch"
    return "cpu"


def overfetch(k: int, size: int, admitted: int) -> int | None:
    """How many candidates to fetch so that k admitted ones are likely among them.

    None where that is more than the GPU answers.
    """
    if admitted == 0:
        return None
    wanted = min(size, MARGIN * -(-k * size // admitted))
    return wanted if wanted <= MOST_CANDIDATES else None


@cache
def _resources() -> Any:
    resources = load_faiss().StandardGpuResources()
    resources.setTempMemory(TEMPORARY_BYTES)
    return resources


class GpuIndex:
    """A copy of a faiss index in the memory of the first GPU."""

    def __init__(self, index: Any) -> None:
        faiss = load_faiss()
        try:
            with _lock:
                self._index = faiss.index_cpu_to_gpu(_resources(), 0, index)
        except RuntimeError as error:
            raise EngineError(
                f"The index ({index.ntotal} vectors of {index.d} numbers) could not be put on the "
                f"GPU: {error}. Free GPU memory, or read the index with device='cpu'."
            ) from error

    def search(self, queries: Matrix, k: int) -> Candidates:
        """The k nearest vectors of each query; k is at most MOST_CANDIDATES."""
        with _lock:
            found: Candidates = self._index.search(queries, k)
        return found

    def search_admitted(self, query: Matrix, k: int, mask: Mask) -> Candidates | None:
        """The k nearest vectors that `mask` admits, exactly; None where the GPU cannot tell.

        `query` is (1, dim), and the index must be one that compares every vector.
        """
        admitted = int(np.count_nonzero(mask))
        fetched = overfetch(k, len(mask), admitted)
        if fetched is None:
            return None
        return kept_candidates(self.search(query, fetched), min(k, admitted), mask)


def kept_candidates(found: Candidates, k: int, mask: Mask) -> Candidates | None:
    """The first k of one query's candidates that `mask` admits; None where they are fewer."""
    values, positions = found[0][0], found[1][0]
    kept = np.flatnonzero((positions >= 0) & mask[positions])[:k]
    if len(kept) < k:
        return None
    return values[kept][None, :], positions[kept][None, :]
