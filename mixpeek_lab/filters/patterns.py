"""Regular expressions over many texts, on documents and columns alike: RE2, within a time.

RE2 takes time in proportion to the text, times as many places as the pattern can be at: `.{1000}`
is a thousand. So the texts go through it a few at a time, and the clock is read in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mixpeek_lab.errors import FilterError

MOST_SECONDS = 1.0
"""For all texts of one condition."""
_FIRST, _QUICK = 4, 0.05
"""Texts that go first, and the seconds within which twice as many follow."""

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


def found_in(pattern: str, texts: Sequence[str] | pa.Array[Any], case_sensitive: bool) -> Mask:
    """Which texts (null: none) hold the pattern, shape (n,). FilterError where it takes too long.

    An Arrow array is of strings.
    """
    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    found = np.zeros(len(array), dtype=np.bool_)
    begun, at, size = monotonic(), 0, _FIRST
    while at < len(array):
        started = monotonic()
        if started - begun > MOST_SECONDS:
            shown = pattern if len(pattern) <= 60 else f"{pattern[:60]}…"
            raise FilterError(
                f"The pattern {shown!r} takes too long: {at:,} of {len(array):,} texts in "
                f"{MOST_SECONDS:g} s. Use smaller repetitions, or another operator."
            )
        part = array.slice(at, size)
        mask = pc.match_substring_regex(part, pattern, ignore_case=not case_sensitive)
        found[at : at + size] = mask.fill_null(False).to_numpy(zero_copy_only=False)
        at += size
        size *= 2 if monotonic() - started < _QUICK else 1
    return found
