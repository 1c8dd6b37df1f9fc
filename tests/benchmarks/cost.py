"""What a query costs beyond its embedding: the lab against the lines that a person would write.

In processor time, asked in turns, the best of several rounds: a busy machine changes it little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from bm25s import BM25, tokenize

from mixpeek_lab.bench.baseline import CANDIDATES, SHOWN, fuse
from mixpeek_lab.workbench import Lab

ROUNDS = 12
BY_VECTOR = {"input_mode": "vector", "value": "{{INPUT.vector}}"}


def cost(lab: Lab, collection: str, feature: str, queries: Sequence[str]) -> tuple[float, float]:
    """p50 in milliseconds: by hand, and `Lab.search`, which is given each query's vector."""
    legs: list[dict[str, Any]] = [{"feature": feature, "query": BY_VECTOR}, {"lexical": True}]
    lab.retriever("cost", {"collection": collection, "searches": legs, "fusion": "rrf"})
    extractor = lab.collection(collection).extractor
    vectors = [lab.infer(extractor, {"text": text})["embedding"] for text in queries]
    asked = [{"query": q, "vector": v} for q, v in zip(queries, vectors, strict=True)]
    by_hand = _hand_written(lab, collection, extractor)
    matrices = [np.array([vector], np.float32) for vector in vectors]
    best = [[float("inf"), float("inf")] for _ in queries]
    for _ in range(ROUNDS):
        for entry, text, matrix, inputs in zip(best, queries, matrices, asked, strict=True):
            entry[0] = min(entry[0], _seconds(by_hand, text, matrix))
            entry[1] = min(entry[1], _seconds(lambda i: lab.search("cost", i, limit=SHOWN), inputs))
    return median(h for h, _ in best) * 1e3, median(o for _, o in best) * 1e3


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    begun = time.process_time()
    work(*arguments)
    return time.process_time() - begun


def _hand_written(lab: Lab, collection: str, extractor: str) -> Callable[[str, Any], object]:
    """Flat search, BM25 and RRF as `bench.baseline` has them, over the collection's texts."""
    import faiss
    import Stemmer

    table = lab.sql(f'SELECT document_id, data FROM "{collection}"').table
    ids, texts = (table.column(name).to_pylist() for name in ("document_id", "data"))
    embedded = [lab.infer(extractor, {"text": text})["embedding"] for text in texts]
    vectors = np.array(embedded, np.float32)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    words: dict[str, Any] = {"stopwords": "en", "stemmer": Stemmer.Stemmer("english")}
    words["show_progress"] = False
    bm25 = BM25()
    bm25.index(tokenize(texts, **words), show_progress=False)
    store = dict(zip(ids, texts, strict=True))
    faiss.omp_set_num_threads(1)  # as the lab: threads would count twice in processor time

    def ask(text: str, vector: Any) -> object:
        dense = [ids[row] for row in index.search(vector, CANDIDATES)[1][0]]
        rows, scores = bm25.retrieve(tokenize([text], **words), k=CANDIDATES, show_progress=False)
        lexical = [ids[r] for r, score in zip(rows[0], scores[0], strict=True) if score > 0]
        return [{"id": key, "text": store[key]} for key in fuse((dense, lexical))[:SHOWN]]

    return ask
