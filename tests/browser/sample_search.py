"""A small real search over standard library docstrings, in the form that widgets take.

Two legs: BM25 over words, and cosine over hashed character trigrams. Deterministic.
"""

from __future__ import annotations

import inspect
import math
import re
import time
import zlib
from collections import Counter
from importlib import import_module

from mixpeek_lab.filters import parse_filter
from mixpeek_lab.fusion import fuse
from mixpeek_lab.models import Leg
from mixpeek_lab.widgets.playground import Support

MODULES = [
    "asyncio", "bisect", "calendar", "configparser", "csv", "difflib", "functools", "gzip",
    "heapq", "itertools", "json", "logging", "pathlib", "queue", "re", "shutil", "socket",
    "sqlite3", "statistics", "tarfile", "tempfile", "textwrap", "zipfile",
]  # fmt: skip
WORD = re.compile(r"[a-z0-9]+")


def read_documents() -> dict[str, dict]:
    """Document id → fields: name, data, package, kind."""
    found = {}
    for name in MODULES:
        module = import_module(name)
        for member, value in sorted(vars(module).items()):
            text = inspect.getdoc(value) if callable(value) and member[0] != "_" else None
            if text and len(text) > 60 and str(getattr(value, "__module__", "")).startswith(name):
                kind = "class" if inspect.isclass(value) else "function"
                fields = {"name": f"{name}.{member}", "data": text, "package": name, "kind": kind}
                found[f"doc_{zlib.crc32(fields['name'].encode()):08x}"] = fields
    return found


DOCUMENTS = read_documents()
WORDS = {key: Counter(WORD.findall(f["data"].lower())) for key, f in DOCUMENTS.items()}
DOCUMENT_FREQUENCY = Counter(word for counts in WORDS.values() for word in counts)
MEAN_LENGTH = sum(sum(counts.values()) for counts in WORDS.values()) / len(WORDS)


def trigrams(text: str) -> Counter:
    text = f" {' '.join(WORD.findall(text.lower()))} "
    return Counter(text[at : at + 3] for at in range(len(text) - 2))


TRIGRAMS = {key: trigrams(f"{f['name']} {f['data']}"[:600]) for key, f in DOCUMENTS.items()}
NORMS = {key: math.sqrt(sum(n * n for n in counts.values())) for key, counts in TRIGRAMS.items()}


def bm25(words: list[str], counts: Counter) -> float:
    length = sum(counts.values())
    score = 0.0
    for word in words:
        if counts[word]:
            df = DOCUMENT_FREQUENCY[word]
            idf = math.log(1 + (len(WORDS) - df + 0.5) / (df + 0.5))
            weight = counts[word] + 1.2 * (0.25 + 0.75 * length / MEAN_LENGTH)
            score += idf * counts[word] * 2.2 / weight
    return score


def best(scores: dict[str, float], top_k: int) -> list[tuple[str, float]]:
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [(key, round(score, 6)) for key, score in ranked if score > 0][:top_k]


def passing(filters: object) -> list[str]:
    """The documents that satisfy a filter."""
    condition = parse_filter(filters)
    return [key for key, f in DOCUMENTS.items() if condition is None or condition.matches(f)]


class SampleSearch:
    """Callable as a widget wants it. `calls` holds every request."""

    def __init__(self, top_k: int = 60, delay: float = 0.0) -> None:
        self.top_k, self.delay, self.calls = top_k, delay, []

    def __call__(self, request: dict) -> dict:
        self.calls.append(request)
        time.sleep(self.delay)
        query = request["query"]
        if query == "explode":
            raise ValueError("the index <b>burned</b> down")
        started = time.perf_counter()
        allowed = passing(request.get("filters"))
        words = WORD.findall(query.lower())
        kept = {"trigrams": self.top_k, "words": self.top_k, **request.get("top_k", {})}
        lexical = best({key: bm25(words, WORDS[key]) for key in allowed}, kept["words"])
        after_lexical = time.perf_counter()
        asked = trigrams(query)
        norm = math.sqrt(sum(n * n for n in asked.values())) or 1.0
        cosine = {
            key: sum(n * TRIGRAMS[key][gram] for gram, n in asked.items()) / (norm * NORMS[key])
            for key in allowed
        }
        dense = best(cosine if lexical else {}, kept["trigrams"])
        after_dense = time.perf_counter()
        return payload_of(
            query,
            [
                ("trigrams", "dense", dense, (after_dense - after_lexical) * 1000),
                ("words", "lexical", lexical, (after_lexical - started) * 1000),
            ],
            request["limit"],
            kept,
            request.get("documents"),
        )


def payload_of(
    query: str, found: list[tuple], limit: int, top_k: dict[str, int], most: int | None
) -> dict:
    legs = [
        Leg(name, kind, 1.0, tuple(k for k, _ in best_), tuple(s for _, s in best_))
        for name, kind, best_, _ in found
    ]
    started = time.perf_counter()
    fused = fuse(legs, "rrf", k=60.0)
    fuse_ms = (time.perf_counter() - started) * 1000
    every = sorted({key for leg in legs for key in leg.document_ids})
    told = {key for leg in legs for key in leg.document_ids[:most]}
    return {
        "execution_id": "exec_1",
        "retriever": "docs",
        "query": {"query_text": query},
        "fusion": {"strategy": "rrf", "k": 60},
        "legs": [
            {
                "name": leg.name,
                "kind": leg.kind,
                "feature_uri": f"mixpeek://docs@1.0.0/{leg.name}" if leg.kind == "dense" else "",
                "metric": "cosine" if leg.kind == "dense" else "bm25",
                "weight": 1.0,
                "top_k": top_k[leg.name],
                "milliseconds": each[3],
                "document_ids": list(leg.document_ids),
                "scores": list(leg.scores),
            }
            for leg, each in zip(legs, found, strict=True)
        ],
        "documents": {key: document_of(key) for key in every if key in told},
        "hits": [hit_of(rank, each) for rank, each in enumerate(fused[:limit], start=1)],
        "spans": [
            *(
                {"name": n, "milliseconds": ms, "rows_in": len(DOCUMENTS), "rows_out": len(b)}
                for n, _, b, ms in found
            ),
            {"name": "fuse", "milliseconds": fuse_ms, "rows_in": 120, "rows_out": len(every)},
        ],
        "total": len(every),
        "warnings": ["The leg words found nothing."] if query == "zqxj" else [],
        "text_field": "data",
    }


def support(search: SampleSearch, **more: object) -> Support:
    """All that a playground may ask beside the search, answered from the same documents."""

    def like(request: dict) -> dict:
        name = DOCUMENTS[request["document_id"]]["name"]
        return search({**request, "query": name})

    def trace(document_id: str) -> list[dict]:
        lineage = document_of(document_id)["lineage"]
        code = [{"path": "core.py", "text": "def process(batch):\n    return batch\n"}]
        return [
            {"kind": "document", "id": document_id, "facts": {"collection": "col_docs"}},
            {"kind": "object", "id": lineage["object_id"], "facts": {"line": 7}},
            {"kind": "code", "id": lineage["extractor"], "facts": {}, "files": code},
        ]

    def fields() -> list[dict]:
        counts = {n: Counter(f[n] for f in DOCUMENTS.values()) for n in ("package", "kind")}
        return [
            {"name": name, "type": "text", "values": [list(p) for p in found.most_common()]}
            for name, found in counts.items()
        ]

    return Support(
        fields=fields, like=like, trace=trace,
        count=lambda filters: (len(passing(filters)), len(DOCUMENTS)), **more,
    )  # fmt: skip


def document_of(key: str) -> dict:
    lineage = {
        "object_id": key.replace("doc_", "obj_"),
        "blob_id": key.replace("doc_", "blob_"),
        "bucket_id": "bkt_docstrings",
        "extractor": "docs@1.0.0",
        "run_id": "run_1",
    }
    return {"fields": dict(DOCUMENTS[key]), "lineage": lineage, "collection_id": "col_docs"}


def hit_of(rank: int, fused) -> dict:
    return {
        "document_id": fused.document_id,
        "rank": rank,
        "score": fused.score,
        "contributions": [
            {
                "leg": part.leg,
                "rank": part.rank,
                "score": part.score,
                "normalised": part.normalised,
                "weight": part.weight,
                "contribution": part.contribution,
            }
            for part in fused.contributions
        ],
    }
