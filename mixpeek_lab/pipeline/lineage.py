"""Which input row each output row of a processor came from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from mixpeek_lab.errors import ExtractorRunError

if TYPE_CHECKING:
    import pandas as pd


class UnknownLineageError(Exception):
    """The output cannot be mapped to its input batch; row by row it can."""


def rows_of_origin(frame: pd.DataFrame, result: object) -> np.ndarray:
    """Positions in `frame` that the rows of `result` came from, shape (len(result),).

    By `document_id`, `blob_id` or `object_id`, else by the index, else by position where as many
    rows came back; a one-row batch needs none of them. Raises ExtractorRunError where `result` is
    no DataFrame, and UnknownLineageError where the batch must be run again row by row.
    """
    output = _as_frame(result)
    if len(frame) == 1:
        return np.zeros(len(output), dtype=np.int64)
    for key in ("document_id", "blob_id", "object_id"):
        origin = _by_column(frame, output, key)
        if origin is not None:
            return origin
    return _by_index(frame, output)


def assign_document_ids(parents: list[str]) -> list[str]:
    """A row alone keeps its parent's id; several of one parent get `parent-0000`, `-0001`, …"""
    total = Counter(parents)
    seen: Counter[str] = Counter()
    ids = []
    for parent in parents:
        if total[parent] == 1:
            ids.append(parent)
        else:
            ids.append(f"{parent}-{seen[parent]:04d}")
            seen[parent] += 1
    return ids


def _as_frame(result: object) -> pd.DataFrame:
    import pandas as pd

    if isinstance(result, pd.DataFrame):
        return result
    raise ExtractorRunError(
        f"The processor returned {type(result).__name__}. "
        "It must return the batch, a pandas DataFrame, with its new columns."
    )


def _by_index(frame: pd.DataFrame, output: pd.DataFrame) -> np.ndarray:
    """By the index where pandas kept it, else by position where as many rows came back."""
    index = output.index
    is_kept = bool(index.isin(frame.index).all())
    if len(output) == len(frame):
        if not is_kept:
            return np.arange(len(frame))
        if index.is_unique:
            return np.asarray(index, dtype=np.int64)
    if is_kept and _is_exploded(frame, output):
        return np.asarray(index, dtype=np.int64)
    raise UnknownLineageError


def _is_exploded(frame: pd.DataFrame, output: pd.DataFrame) -> bool:
    """Whether the index is explode()'s: each row's label, repeated, in order, and none left out.

    Frames made row by row and concatenated have indexes like 0, 1, 0, 1, which say nothing.
    """
    index = output.index
    return bool(
        index.has_duplicates and index.is_monotonic_increasing and frame.index.isin(index).all()
    )


def _by_column(frame: pd.DataFrame, output: pd.DataFrame, key: str) -> np.ndarray | None:
    if key not in output.columns or key not in frame.columns:
        return None
    position = {value: index for index, value in enumerate(frame[key])}
    if len(position) < len(frame):
        return None
    found = [position.get(value, -1) if isinstance(value, str) else -1 for value in output[key]]
    return None if -1 in found else np.asarray(found, dtype=np.int64)
