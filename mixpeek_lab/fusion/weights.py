"""How much each leg counts: as the retriever says, as a query overrides it, as clicks taught it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum, isfinite
from random import Random

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import Leg

Weights = Sequence[float] | Mapping[str, float]
"""One weight per leg: in leg order, or by leg name (legs not named keep their own)."""

Arms = Mapping[str, tuple[float, float]]
"""Leg name → (successes, failures) among the recorded interactions with its hits."""


def check_weight(weight: float, where: str) -> float:
    """`weight` as a float. Raises RetrieverError where it is negative or not finite."""
    if not (isfinite(weight) and weight >= 0):
        raise RetrieverError(
            f"{where}: weight {weight} is not usable; it must be 0 (leg off) or a positive number."
        )
    return float(weight)


def effective_weights(
    legs: Sequence[Leg],
    strategy: str = "rrf",
    *,
    weights: Weights | None = None,
    arms: Arms | None = None,
    seed: int = 0,
) -> tuple[float, ...]:
    """The weights that `fuse` will use, in leg order: overrides, then what was learned."""
    given = _overridden(legs, weights)
    checked = tuple(
        check_weight(weight, f"leg {leg.name!r}") for leg, weight in zip(legs, given, strict=True)
    )
    if strategy != "learned":
        return checked
    sampled = learned_weights([leg.name for leg in legs], arms or {}, seed)
    return tuple(s if w else 0.0 for s, w in zip(sampled, checked, strict=True))


def learned_weights(names: Sequence[str], arms: Arms, seed: int = 0) -> tuple[float, ...]:
    """One Thompson sample per leg, scaled to mean 1 over the legs.

    Without any interaction all weights are 1, so that `learned` equals plain `rrf`. The same
    arms and seed give the same weights.
    """
    samples = thompson_samples(names, arms, seed)
    if not samples:
        return (1.0,) * len(names)
    mean = fsum(samples) / len(samples)
    return tuple(sample / mean for sample in samples)


def thompson_samples(names: Sequence[str], arms: Arms, seed: int = 0) -> tuple[float, ...]:
    """θ ~ Beta(1 + successes, 1 + failures) per leg; empty where there is no interaction."""
    counts = [arms.get(name, (0, 0)) for name in names]
    for name, (wins, losses) in zip(names, counts, strict=True):
        if not (isfinite(wins) and isfinite(losses) and wins >= 0 and losses >= 0):
            raise RetrieverError(f"arms[{name!r}]: ({wins}, {losses}) are not counts.")
    if not any(wins or losses for wins, losses in counts):
        return ()
    draw = Random(seed)
    return tuple(draw.betavariate(1 + wins, 1 + losses) for wins, losses in counts)


def _overridden(legs: Sequence[Leg], weights: Weights | None) -> tuple[float, ...]:
    if weights is None:
        return tuple(leg.weight for leg in legs)
    names = [leg.name for leg in legs]
    if isinstance(weights, Mapping):
        unknown = sorted(set(weights) - set(names))
        if unknown:
            raise RetrieverError(
                f"weights: there is no leg {unknown[0]!r}; the legs are {', '.join(names)}."
            )
        return tuple(weights.get(leg.name, leg.weight) for leg in legs)
    if len(weights) != len(legs):
        raise RetrieverError(
            f"weights: {len(weights)} weights for {len(legs)} legs ({', '.join(names)})."
        )
    return tuple(weights)
