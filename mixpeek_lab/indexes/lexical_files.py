"""Lexical indexes on disk: a folder of arrays that are mapped into memory, and a description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mixpeek_lab.errors import EngineError
from mixpeek_lab.indexes.analyzers import Analyzer
from mixpeek_lab.indexes.folders import REBUILD, written_folder
from mixpeek_lab.indexes.lexical import LexicalIndex, Postings

_FORMAT = 1
_DESCRIPTION, _VOCABULARY = "index.json", "vocabulary.json"


def write_lexical_index(index: LexicalIndex, folder: Path) -> None:
    """Write `index` as the folder `folder`, which appears whole or not at all."""
    analyzer = index.analyzer
    description = {
        "format": _FORMAT,
        "size": index.size,
        "texts": len(index),
        # The words themselves: a later release of the lists must not change a standing index.
        "analyzer": {
            "name": analyzer.name,
            "language": analyzer.language,
            "stop_words": sorted(analyzer.stop_words),
        },
    }
    with written_folder(Path(folder)) as target:
        np.save(target / "rows.npy", index.rows)
        np.save(target / "weights.npy", index.postings.weights)
        np.save(target / "texts.npy", index.postings.texts)
        np.save(target / "starts.npy", index.postings.starts)
        _write_json(target / _VOCABULARY, list(index.vocabulary))
        _write_json(target / _DESCRIPTION, description)


def read_lexical_index(folder: Path) -> LexicalIndex:
    """The index in `folder`, its arrays mapped into memory.

    Raises EngineError where the folder does not hold a lexical index.
    """
    source = Path(folder)
    try:
        description = _read_json(source / _DESCRIPTION)
        terms = _read_json(source / _VOCABULARY)
        rows, weights, texts, starts = (
            _mapped(source / f"{name}.npy") for name in ("rows", "weights", "texts", "starts")
        )
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{source} does not hold a readable lexical index ({error}). " + REBUILD
        ) from error
    is_whole = description.get("format") == _FORMAT and len(starts) == len(terms) + 1
    if not is_whole or description["texts"] != len(rows) or starts[-1] != len(weights):
        raise EngineError(
            f"{source} is damaged, or was written by another version of this library. " + REBUILD
        )
    return LexicalIndex(
        Analyzer(**description["analyzer"]),
        description["size"],
        rows,
        {term: number for number, term in enumerate(terms)},
        Postings(weights, texts, starts),
    )


def _mapped(path: Path) -> npt.NDArray[Any]:
    """The array as a plain ndarray over the mapped file: a memmap slices several times slower."""
    return np.asarray(np.load(path, mmap_mode="r"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
