"""The surge in a series of water levels, and whether a gauge has stopped moving."""

from __future__ import annotations

from collections.abc import Sequence

STILL_METRES = 0.03
STILL_READINGS = 18
"""Three hours of readings, one every ten minutes."""


def surge(measured: Sequence[float], astronomical: Sequence[float]) -> list[float]:
    """Measured level minus astronomical tide, in metres. Both are above chart datum."""
    return [level - tide for level, tide in zip(measured, astronomical, strict=True)]


def is_frozen(levels: Sequence[float]) -> bool:
    """Whether the last three hours look like a float that ice or mud holds in place.

    A real sea is never flat: a level that moves by less than 3 cm is no level.
    """
    last = levels[-STILL_READINGS:]
    return len(last) == STILL_READINGS and max(last) - min(last) < STILL_METRES


def fill_from_neighbour(
    own: Sequence[float], neighbour: Sequence[float], offset: float
) -> list[float]:
    """The neighbour's levels, shifted by the usual difference, where the own gauge is frozen."""
    if is_frozen(own):
        return [level + offset for level in neighbour]
    return list(own)
