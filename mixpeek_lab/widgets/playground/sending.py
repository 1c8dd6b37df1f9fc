"""How a payload goes to the view: candidates of the legs as arrays of numbers.

A leg of 1,000 candidates is 47 kB of JSON, and mostly of ids that other legs have too. Each id is
sent once, in `payload.candidates`; a leg has its places in that list, and its scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from mixpeek_lab.widgets.messages import Packed


def packed(body: Mapping[str, Any]) -> Packed:
    """`body`, with two arrays for each leg of its `payload` (None: no search yet): places in
    `candidates` (i32) and scores (f64, NaN for none). sending.js unpacks it.
    """
    payload = body["payload"]
    if payload is None:
        return Packed(body, ())
    given = payload.get("legs", ())
    candidates = list(dict.fromkeys(chain.from_iterable(leg["document_ids"] for leg in given)))
    place_of = dict(zip(candidates, range(len(candidates)), strict=True)).__getitem__
    legs: list[dict[str, Any]] = []
    arrays: list[bytes] = []
    for leg in given:
        places = np.array([*map(place_of, leg["document_ids"])], "<i4")
        arrays += [places.tobytes(), np.array(leg["scores"], "<f8").tobytes()]
        legs.append({name: leg[name] for name in leg if name not in ("document_ids", "scores")})
    return Packed({**body, "payload": {**payload, "legs": legs, "candidates": candidates}}, arrays)
