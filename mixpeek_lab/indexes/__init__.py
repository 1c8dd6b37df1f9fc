"""Vector indexes (faiss) and lexical indexes (BM25) over the documents of a snapshot."""

from __future__ import annotations

from mixpeek_lab.indexes.analyzers import Analyzer, analyzer_names, check_analyzer, get_analyzer
from mixpeek_lab.indexes.columns import UsableVectors, usable_vectors
from mixpeek_lab.indexes.construction import build_vector_index
from mixpeek_lab.indexes.installation import check_installation
from mixpeek_lab.indexes.lexical import LexicalIndex, build_lexical_index
from mixpeek_lab.indexes.lexical_files import read_lexical_index, write_lexical_index
from mixpeek_lab.indexes.vector_files import read_vector_index, write_vector_index
from mixpeek_lab.indexes.vectors import VectorIndex

__all__ = [
    "Analyzer",
    "LexicalIndex",
    "UsableVectors",
    "VectorIndex",
    "analyzer_names",
    "build_lexical_index",
    "build_vector_index",
    "check_analyzer",
    "check_installation",
    "get_analyzer",
    "read_lexical_index",
    "read_vector_index",
    "usable_vectors",
    "write_lexical_index",
    "write_vector_index",
]
