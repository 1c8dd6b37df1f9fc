"""The endpoint under load: two legs and RRF on 10,000 documents, alone and with 50 clients at once.

`python tests/benchmarks/load.py` prints the table. The extractor hashes words into 384 numbers, so
that the time is the endpoint's and not a model's; what embedding took is taken off all the same.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from packages import HASH_EMBEDDER

from mixpeek_lab.widgets.static import table_text
from mixpeek_lab.workbench import Lab

DOCUMENTS, CLIENTS, LONE, EACH, WARM = 10_000, 50, 60, 6, 10
"""Documents; clients at once; queries of the lone client; queries of each of many; to begin with.
"""
WIDE = """
import hashlib
from functools import lru_cache

import numpy as np


@lru_cache(None)
def of_word(word):
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).standard_normal(384).astype(np.float32)


def embed(text):
    vector = np.sum([of_word(word) for word in text.lower().split() or [""]], axis=0)
    return vector / np.linalg.norm(vector)
"""
RETRIEVER = {
    "collection": "docs",
    "searches": [{"feature": "hash_embedding"}, {"lexical": True, "name": "bm25"}],
    "fusion": "rrf",
}


def fill(lab: Lab, folder: Path, count: int = DOCUMENTS) -> list[str]:
    """Ten thousand texts in a collection, retriever `load` over it; queries for them."""
    package = folder / "hash_embedder"
    shutil.copytree(HASH_EMBEDDER, package)
    manifest = (package / "manifest.py").read_text().replace("dim=16", "dim=384")
    (package / "manifest.py").write_text(manifest.replace('"batch_size": 8', '"batch_size": 512'))
    (package / "processors" / "words.py").write_text(WIDE)
    draw = random.Random(7)
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("ron", "lit", "vex")]
    words = [f"{word}{n}" for n in range(15) for word in words]
    chances = [1 / (rank + 5) for rank in range(len(words))]
    texts = [" ".join(draw.choices(words, chances, k=draw.randint(40, 120))) for _ in range(count)]
    lab.load(package)
    lab.bucket("corpus", [{"body": text, "n": n} for n, text in enumerate(texts)])
    lab.process("corpus", "hash_embedder", "docs", engine="kernel")
    lab.retriever("load", RETRIEVER)
    return [" ".join(draw.sample(text.split(), k=8)) for text in draw.sample(texts, k=LONE)]


def measure(lab: Lab, queries: Sequence[str]) -> dict[str, Any]:
    """Milliseconds of a lone client, of many at once, and how many answers were refused or wrong.

    An answer to one of many is right where it is, to the last digit, the lone client's.
    """
    for query in queries[:WARM]:
        _ask(lab, [query])
    alone = _ask(lab, queries)
    expected = {query: _answer(reply) for query, _, reply in alone}
    turns = [random.Random(n).sample(queries, k=EACH) for n in range(CLIENTS)]
    begun = time.perf_counter()
    crowd = _at_once(lab, turns)
    seconds = time.perf_counter() - begun
    replies = [(query, ms, reply) for asked in crowd for query, ms, reply in asked]
    answered = [entry for entry in replies if entry[2].status_code == 200]
    beyond = [ms - _embed_ms(reply) for _, ms, reply in alone]
    return {
        "lone_ms": [ms for _, ms, _ in alone],
        "lone_beyond_ms": beyond,
        "crowd_ms": [ms for _, ms, _ in replies],
        "requests_per_s": len(replies) / seconds,
        "asked": len(replies),
        "refused": len(replies) - len(answered),
        "wrong": sum(_answer(reply) != expected[query] for query, _, reply in answered),
    }


def _at_once(lab: Lab, turns: Sequence[Sequence[str]]) -> list[list[tuple[str, float, Any]]]:
    """Each client on a thread with connections of its own; all begin together."""
    start = threading.Barrier(len(turns))
    with ThreadPoolExecutor(len(turns)) as threads:
        return list(threads.map(lambda turn: _ask(lab, turn, start), turns))


def _ask(
    lab: Lab, queries: Sequence[str], start: threading.Barrier | None = None
) -> list[tuple[str, float, httpx.Response]]:
    """(query, milliseconds, reply) for each, one after the other."""
    headers = {"Authorization": f"Bearer {lab.token}"}
    replies = []
    with httpx.Client(base_url=lab.url, headers=headers, timeout=120) as client:
        if start is not None:
            start.wait()
        for query in queries:
            body = {"query": {"query_text": query}, "limit": 10}
            begun = time.perf_counter()
            reply = client.post("/v1/retrievers/load/execute", json=body)
            replies.append((query, (time.perf_counter() - begun) * 1e3, reply))
    return replies


def _answer(reply: httpx.Response) -> Mapping[str, Any]:
    """What must not depend on who else asks: all but the execution's name and its times."""
    body = reply.raise_for_status().json()
    return {k: v for k, v in body.items() if k not in ("execution_id", "stage_statistics")}


def _embed_ms(reply: httpx.Response) -> float:
    spans = reply.json()["stage_statistics"]["stages"]["feature_search"]["metadata"]["spans"]
    return float(next(span["milliseconds"] for span in spans if span["name"] == "embed"))


def table(numbers: Mapping[str, Any]) -> str:
    """The numbers for people."""
    rows = [
        ["one client", *_percentiles(numbers["lone_ms"])],
        ["one client, beyond the embedding", *_percentiles(numbers["lone_beyond_ms"])],
        [f"{CLIENTS} clients at once", *_percentiles(numbers["crowd_ms"])],
    ]
    return "\n".join(
        [
            table_text(["execute over HTTP, ms", "p50", "p95"], rows),
            f"{CLIENTS} clients: {numbers['asked']} requests, {numbers['refused']} refused, "
            f"{numbers['wrong']} wrong, {numbers['requests_per_s']:.0f} a second",
        ]
    )


def _percentiles(times: Sequence[float]) -> list[str]:
    return [f"{median(times):.1f}", f"{sorted(times)[int(len(times) * 0.95)]:.1f}"]


def main() -> None:
    """Fill a lab of its own, serve it, print the table."""
    with tempfile.TemporaryDirectory(prefix="mixpeek-lab-load-") as folder:
        place = Path(folder)
        with Lab(place / "home") as lab:
            queries = fill(lab, place)
            lab.serve("load")
            print(table(measure(lab, queries)))


if __name__ == "__main__":
    main()
