"""How a payload goes to the view: candidates of the legs as columns of numbers.

A leg of 1,000 candidates is 47 kB of JSON, and mostly of ids that other legs have too. Each id is
sent once, in `payload.candidates`; a leg has its places in that list, and its scores.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from itertools import chain
from math import nan
from typing import Any

from mixpeek_lab.widgets.messages import WithColumns


def sent(body: Mapping[str, Any]) -> WithColumns:
    """`body`, with the legs of its `payload` (None: no search yet) as columns: see sending.js."""
    payload = body["payload"] or {}
    given = payload.get("legs", ())
    if not given:
        return WithColumns(body, ())
    candidates = list(dict.fromkeys(chain.from_iterable(leg["document_ids"] for leg in given)))
    place_of = dict(zip(candidates, range(len(candidates)), strict=True)).__getitem__
    legs: list[dict[str, Any]] = []
    columns: list[tuple[list[str | int], array[Any]]] = []
    for at, leg in enumerate(given):
        path: list[str | int] = ["payload", "legs", at]
        places = array("i", map(place_of, leg["document_ids"]))
        scores = array("d", (nan if score is None else score for score in leg["scores"]))
        columns += [([*path, "document_ids"], places), ([*path, "scores"], scores)]
        legs.append({name: leg[name] for name in leg if name not in ("document_ids", "scores")})
    return WithColumns(
        {**body, "payload": {**payload, "legs": legs, "candidates": candidates}}, columns
    )
