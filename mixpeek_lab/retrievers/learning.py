"""`learned` fusion at work: the weights of one query, drawn from what was clicked before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mixpeek_lab.fusion import Arms, effective_weights, thompson_samples
from mixpeek_lab.models import JSON, Leg


def drawn(legs: Sequence[Leg], arms: Arms, seed: int) -> tuple[tuple[Leg, ...], dict[str, JSON]]:
    """The legs with the weights that this query draws, and the facts that explain them.

    The facts: `seed`, with which it draws the same again; `arms`, leg name → [for, against];
    `samples`, one for each leg from Beta(1 + for, 1 + against), or none without interactions.
    """
    names = [leg.name for leg in legs]
    weights = effective_weights(legs, "learned", arms=arms, seed=seed)
    facts: dict[str, JSON] = {
        "seed": seed,
        "arms": {name: list(arms.get(name, (0, 0))) for name in names},
        "samples": list(thompson_samples(names, arms, seed)),
    }
    pairs = zip(legs, weights, strict=True)
    return tuple(replace(leg, weight=weight) for leg, weight in pairs), facts


def seed_of(execution_id: str) -> int:
    """A seed of its own for each execution, small enough for JavaScript's numbers."""
    return int(execution_id.removeprefix("exec_")[:13], 16)
