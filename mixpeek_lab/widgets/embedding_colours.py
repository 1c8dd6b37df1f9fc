"""A field's values as colours: one byte a point, and what each stands for.

Categories keep the eight colours of Okabe and Ito, which people with any colour vision tell apart
(the blue and the yellow are shifted where a background would swallow them); numbers and dates
take viridis, without the end that is near the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

PALETTE = {
    "light": {
        "categories": ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b3a000",
                       "#404040"],
        "ramp": ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962",
                 "#addc30"],
        "other": "#9a9a9a",
        "plain": "#0072b2",
    },
    "dark": {
        "categories": ["#3b9ade", "#e69f00", "#00b386", "#dd8fba", "#8fd0f5", "#ee7524", "#f0e442",
                       "#e8e8e8"],
        "ramp": ["#4a5aa8", "#3b6fa0", "#2c8596", "#21918c", "#28ae80", "#5ec962", "#addc30",
                 "#fde725"],
        "other": "#8f8f8f",
        "plain": "#56b4e9",
    },
}  # fmt: skip
"""What views and the static picture paint with, by theme."""

MOST = 8
OTHER, MISSING = MOST, 255
"""Codes of the categories beyond the commonest eight, and of no value."""
_STEPS = 254


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """One byte a point, and how to read it."""

    kind: Literal["none", "category", "number"]
    codes: NDArray[np.uint8]
    """(n,): a category's number, or 0 to 254 along the ramp; OTHER, MISSING."""
    entries: tuple[tuple[str, int, int], ...] = ()
    """Label, code and count, commonest first. Of numbers: only that for no value."""
    ends: tuple[str, str] = ("", "")
    """What the two ends of the ramp stand for."""

    def about(self) -> dict[str, Any]:
        """All but the bytes, as JSON."""
        entries = [
            dict(zip(("label", "code", "count"), each, strict=True)) for each in self.entries
        ]
        return {"kind": self.kind, "entries": entries, "ends": list(self.ends)}


def no_colours(count: int) -> Colours:
    """All points alike."""
    return Colours("none", np.zeros(count, np.uint8))


def colours_of(values: Any) -> Colours:
    """Colours for an Arrow column or a sequence: numbers and dates along a ramp, others by kind."""
    column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # what combining leaves of no chunks at all
        column = pa.concat_arrays(column.chunks) if column.chunks else pa.nulls(0)
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _ramp(column, _number_text)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = column.cast(pa.timestamp("us", getattr(kind, "tz", None))).cast(pa.int64())
        return _ramp(moments, lambda value: str(np.datetime64(int(value), "us"))[:10])
    return _categories(column)


def _ramp(column: Any, text: Any) -> Colours:
    numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    known = np.isfinite(numbers)
    codes = np.full(len(numbers), MISSING, np.uint8)
    if not known.any():
        return Colours("number", codes, (("no value", MISSING, len(codes)),), ("–", "–"))
    found = numbers[known]
    low, high = np.quantile(found, [0.01, 0.99], method="nearest")  # one outlier bleaches no map
    span = high - low if high > low else 1.0
    codes[known] = np.round(np.clip((found - low) / span, 0, 1) * _STEPS).astype(np.uint8)
    ends = (
        ("≤ " if found.min() < low else "") + text(low),
        ("≥ " if found.max() > high else "") + text(high),
    )
    missing = int(np.count_nonzero(~known))
    return Colours("number", codes, (("no value", MISSING, missing),) if missing else (), ends)


def _categories(column: Any) -> Colours:
    counted = sorted(
        ((each["values"], each["counts"]) for each in pc.value_counts(column).to_pylist()),
        key=lambda pair: (-pair[1], str(pair[0])),
    )
    named = [(value, count) for value, count in counted if value is not None]
    shown = named[: MOST if len(named) <= MOST else MOST - 1]
    codes = np.full(len(column), OTHER, np.uint8)
    entries = []
    for code, (value, count) in enumerate(shown):
        is_it = pc.fill_null(pc.equal(column, pa.scalar(value, column.type)), False)
        codes[is_it.to_numpy(zero_copy_only=False)] = code
        entries.append((_label(value), code, count))
    codes[column.is_null().to_numpy(zero_copy_only=False)] = MISSING
    rest, missing = sum(count for _, count in named[len(shown) :]), column.null_count
    if rest:
        entries.append((f"{len(named) - len(shown):,} others", OTHER, rest))
    if missing:
        entries.append(("no value", MISSING, missing))
    return Colours("category", codes, tuple(entries))


def _label(value: Any) -> str:
    text = " ".join(str(value).split())
    return (text if len(text) <= 60 else text[:59] + "…") or "(empty)"


def _number_text(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) >= 1e4 else f"{value:.4g}"
