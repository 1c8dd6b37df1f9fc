"""The weights that a query's legs are fused with: given, or drawn from what was clicked before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mixpeek_lab.fusion import Arms, effective_weights, thompson_samples
from mixpeek_lab.models import JSON, Leg
from mixpeek_lab.retrievers.spec import FusionSpec


def weighed(
    fusion: FusionSpec, legs: tuple[Leg, ...], arms: Callable[[], Arms], seed: int
) -> tuple[tuple[Leg, ...], dict[str, JSON]]:
    """The legs with the weights of this query, and the fusion as its result tells it.

    `learned` adds what explains its weights: `seed`, with which it draws the same again; `arms`,
    leg name → [for, against]; `samples`, one for each leg from Beta(1 + for, 1 + against), or none
    where there are no interactions.
    """
    facts: dict[str, JSON] = {}
    if fusion.strategy == "learned":
        legs, facts = _drawn(legs, arms(), seed)
    weights = [leg.weight for leg in legs]
    return legs, {"strategy": fusion.strategy, "k": fusion.k, "weights": weights, **facts}


def seed_of(execution_id: str) -> int:
    """A seed of its own for each execution, small enough for JavaScript's numbers."""
    return int(execution_id.removeprefix("exec_")[:13], 16)


def _drawn(legs: Sequence[Leg], arms: Arms, seed: int) -> tuple[tuple[Leg, ...], dict[str, JSON]]:
    names = [leg.name for leg in legs]
    weights = effective_weights(legs, "learned", arms=arms, seed=seed)
    pairs = zip(legs, weights, strict=True)
    return tuple(replace(leg, weight=weight) for leg, weight in pairs), {
        "seed": seed,
        "arms": {name: list(arms.get(name, (0, 0))) for name in names},
        "samples": list(thompson_samples(names, arms, seed)),
    }
