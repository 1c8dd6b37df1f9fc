"""How many threads faiss uses for one query: one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mixpeek_lab.indexes.installation import load_faiss


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside it, faiss searches in the calling thread alone.

    Left to itself it shares even one query out, which takes longer than it saves: on two cores
    34 ms becomes 103 for 300,000 × 384, and 0.55 becomes 4 and more for 10,000 where another
    process wants a core too.
    """
    faiss = load_faiss()
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
