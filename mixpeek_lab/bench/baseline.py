"""The hand-written notebook: MiniLM, a flat FAISS index, bm25s and reciprocal rank fusion.

Run as a process of its own, `python -m mixpeek_lab.bench.baseline FOLDER ANALYZER`; prints JSON.
It is what a person would write, so it uses nothing of the lab but the reader of BEIR folders.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

MODEL = "all-MiniLM-L6-v2"
CANDIDATES, SHOWN, K = 100, 10, 60


def run_baseline(folder: Path, analyzer: str) -> dict[str, Any]:
    """Encode, index and search; seconds, milliseconds and rankings by query id."""
    begun = time.perf_counter()
    import bm25s
    import faiss
    import Stemmer
    from sentence_transformers import SentenceTransformer

    from mixpeek_lab.beir import read_beir

    imported = time.perf_counter()
    data = read_beir(folder)
    documents = list(data.iter_documents())
    texts, ids = [d.text for d in documents], [d.document_id for d in documents]
    read = time.perf_counter()
    model = SentenceTransformer(MODEL, device="cpu")
    loaded = time.perf_counter()
    vectors = model.encode(texts, batch_size=64, normalize_embeddings=True)
    encoded = time.perf_counter()
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    stemmer = None if analyzer == "plain" else Stemmer.Stemmer(analyzer)
    bm25 = bm25s.BM25()
    bm25.index(
        bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False),
        show_progress=False,
    )
    indexed = time.perf_counter()

    store = dict(zip(ids, texts, strict=True))
    depth = min(CANDIDATES, len(ids))

    def dense(vector: Any) -> list[str]:
        return [ids[i] for i in index.search(vector, depth)[1][0]]

    def lexical(text: str) -> list[str]:
        words = bm25s.tokenize([text], stopwords="en", stemmer=stemmer, show_progress=False)
        found, scores = bm25.retrieve(words, k=depth, show_progress=False)
        return [ids[i] for i, score in zip(found[0], scores[0], strict=True) if score > 0]

    runs: dict[str, dict[str, list[str]]] = {"dense": {}, "bm25": {}, "rrf": {}}
    embeds, rests = [], []
    for key, text in data.queries.items():
        started = time.perf_counter()
        vector = model.encode([text], normalize_embeddings=True, show_progress_bar=False)
        embedded = time.perf_counter()
        legs = dense(vector), lexical(text)
        ranking = fuse(legs)
        _ = [{"id": i, "text": store[i]} for i in ranking[:SHOWN]]
        embeds.append((embedded - started) * 1e3)
        rests.append((time.perf_counter() - embedded) * 1e3)
        runs["dense"][key], runs["bm25"][key], runs["rrf"][key] = *legs, ranking
    return {
        "documents": len(ids),
        "import_s": imported - begun,
        "load_s": loaded - read,
        "encode_s": encoded - loaded,
        "index_s": indexed - encoded,
        "embed_ms": embeds,
        "rest_ms": rests,
        "runs": runs,
        "peak_mb": peak_memory(),
    }


def fuse(legs: tuple[list[str], ...]) -> list[str]:
    """Reciprocal rank fusion with k = 60, ranks from 1, ties by id."""
    scores: dict[str, float] = defaultdict(float)
    for leg in legs:
        for rank, key in enumerate(leg, 1):
            scores[key] += 1 / (K + rank)
    return [key for key, _ in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))]


def peak_memory() -> float:
    """This process's largest resident set so far, in MB."""
    import resource

    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    json.dump(run_baseline(Path(sys.argv[1]), sys.argv[2]), sys.stdout)
