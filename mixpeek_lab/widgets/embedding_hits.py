"""Ids out of whatever holds hits, and points as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def found_ids(hits: Any) -> list[str]:
    """Document ids, each once: of a result, its payload, a DataFrame, a filter, or a list of ids.

    InvalidInputError for anything else.
    """
    if hits is None:
        return []
    if isinstance(hits, str):
        return [hits]
    if hasattr(hits, "columns"):
        if "document_id" not in hits.columns:
            raise InvalidInputError("The DataFrame has no column document_id.")
        return list(dict.fromkeys(map(str, hits["document_id"])))
    named = hits.get("hits") if isinstance(hits, Mapping) else getattr(hits, "hits", hits)
    if not isinstance(named, Iterable):
        raise InvalidInputError(f"A {type(hits).__name__} holds no hits: give ids or a result.")
    return list(dict.fromkeys(map(_id_of, named)))


def _id_of(hit: Any) -> str:
    if isinstance(hit, str):
        return hit
    found = hit.get("document_id") if isinstance(hit, Mapping) else getattr(hit, "document_id", "")
    if not isinstance(found, str) or not found:
        raise InvalidInputError(f"{str(hit)[:60]!r} is neither a document's id nor a hit.")
    return found


def positions_frame(
    ids: Sequence[str],
    positions: NDArray[np.float32],
    documents: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """document_id, x, y, and the documents' fields."""
    import pandas as pd

    frame = pd.DataFrame({"document_id": list(ids), "x": positions[:, 0], "y": positions[:, 1]})
    if not documents:
        return frame
    fields = pd.DataFrame([documents.get(key, {}).get("fields", {}) for key in ids])
    clear = [name for name in fields.columns if name not in frame.columns]
    return pd.concat([frame, fields[clear]], axis=1)
