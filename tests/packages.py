"""Where the extractor packages lie that several test files use."""

from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"

HASH_EMBEDDER = FIXTURES / "hash_embedder"
"""16 floats per text (feature `hash_embedding`), deterministic, no model."""

WORD_RERANKER = FIXTURES / "word_reranker"
"""`rerank`: the share of the query's words that the document has."""
KEYWORD_CLASSIFIER = FIXTURES / "keyword_classifier"
"""`classify`, version 1.2.0: water, money, other (feature `topic`)."""
SENTENCE_WRITER = FIXTURES / "sentence_writer"
"""`generate`: the prompt in capitals; verdicts on `judge WORD` and on `is there WORD in TEXT`."""
TEXT_STATS = FIXTURES / "text_stats"
"""`general`: how many words, and the longest."""
BY_TYPE = {
    "embedding": HASH_EMBEDDER,
    "rerank": WORD_RERANKER,
    "classify": KEYWORD_CLASSIFIER,
    "generate": SENTENCE_WRITER,
    "general": TEXT_STATS,
}
"""An extractor of each inference_type, each in another dialect of realtime.py."""
