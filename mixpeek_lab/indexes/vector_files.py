"""Vector indexes on disk: a folder with the faiss index, its rows, and a description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mixpeek_lab.errors import EngineError
from mixpeek_lab.indexes.folders import REBUILD, written_folder
from mixpeek_lab.indexes.installation import load_faiss
from mixpeek_lab.indexes.vectors import Device, VectorIndex

_FORMAT = 1
_DESCRIPTION, _ROWS, _INDEX = "index.json", "rows.npy", "index.faiss"


def write_vector_index(index: VectorIndex, path: Path) -> None:
    """Write `index` as the folder `path`, which appears whole or not at all."""
    description = {
        "format": _FORMAT,
        "kind": index.kind,
        "metric": index.metric,
        "dim": index.dim,
        "size": len(index),
    }
    with written_folder(Path(path)) as folder:
        load_faiss().write_index(index.faiss_index, str(folder / _INDEX))
        np.save(folder / _ROWS, index.rows)
        (folder / _DESCRIPTION).write_text(json.dumps(description) + "\n", encoding="utf-8")


def read_vector_index(path: Path, *, device: Device = "auto") -> VectorIndex:
    """The index in the folder `path`, mapped into memory: opened in a millisecond, shared between
    processes. Raises EngineError where the folder does not hold an index."""
    folder, faiss = Path(path), load_faiss()
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        rows = np.load(folder / _ROWS)
        index = faiss.read_index(str(folder / _INDEX), faiss.IO_FLAG_MMAP_IFC)
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineError(
            f"{folder} does not hold a readable vector index ({error}). " + REBUILD
        ) from error
    _check_description(description, folder, len(rows), index.ntotal)
    return VectorIndex(
        description["kind"], description["metric"], description["dim"], rows, device, index
    )


def _check_description(description: Any, folder: Path, rows: int, size: int) -> None:
    if description.get("format") != _FORMAT:
        raise EngineError(
            f"{folder} holds a vector index of format {description.get('format')!r}; this version "
            f"reads {_FORMAT}. {REBUILD}"
        )
    if not description["size"] == rows == size:
        raise EngineError(
            f"{folder} is damaged: {description['size']} vectors are announced, {size} stored, "
            f"with {rows} rows. {REBUILD}"
        )
