"""What `measure_playground.py` opens in a notebook: many documents, a retriever of 5 legs."""

from __future__ import annotations

import random

from packages import HASH_EMBEDDER

from mixpeek_lab.corpora import docstrings
from mixpeek_lab.workbench import Lab

CANDIDATES = 1000
ODD, EVEN = ({"field": "half", "value": half} for half in ("odd", "even"))
LEGS = [
    {"feature": "hash_embedding", "name": "vectors", "top_k": CANDIDATES},
    {"lexical": True, "name": "words", "top_k": CANDIDATES},
    {"feature": "hash_embedding", "name": "vectors_odd", "top_k": CANDIDATES, "filters": ODD},
    {"feature": "hash_embedding", "name": "vectors_even", "top_k": CANDIDATES, "filters": EVEN},
    {"lexical": True, "name": "words_even", "top_k": CANDIDATES, "filters": EVEN},
]


def texts(count: int) -> list[str]:
    """Texts of real docstrings; where there are too few, new ones out of their sentences."""
    found = [each["text"] for each in docstrings()][:count]
    sentences = [part for text in found for part in text.split(". ") if part]
    draw = random.Random(3)
    found += [". ".join(draw.choices(sentences, k=6)) for _ in range(count - len(found))]
    return found


def fill(lab: Lab, documents: int) -> None:
    """Index the documents, and keep two retrievers: `find` of two legs, `five` of five."""
    lab.load(HASH_EMBEDDER)
    rows = [
        {"_id": f"{n}", "text": text, "half": "odd" if n % 2 else "even"}
        for n, text in enumerate(texts(documents))
    ]
    lab.bucket("corpus", rows)
    lab.process("corpus", "hash_embedder", "docs", engine="kernel")
    lab.retriever(
        "find",
        {"collection": "docs", "searches": [{"feature": "hash_embedding"}, {"lexical": True}]},
    )
    lab.retriever("five", {"collection": "docs", "searches": LEGS})
