"""What was asked of language models, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Spending:
    """Counts of one model: of a process, of a run, of a step's call."""

    answered: int = 0
    """Calls that the provider answered, and charges for."""
    cached: int = 0
    """Calls that a kept answer spared."""
    failed: int = 0
    """Calls that ended in an error; those whose answer did not meet the schema count twice, here
    and among the answered."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """US dollars, as far as prices are known."""
    unpriced: int = 0
    """Of the answered: those on a model whose price is not known, so that `cost` lacks them."""

    def __add__(self, other: Spending) -> Spending:
        names = [field.name for field in fields(self)]
        return Spending(**{name: getattr(self, name) + getattr(other, name) for name in names})


Spent = Mapping[str, Spending]
"""`provider/model` → what was asked of it. A model's own name may have slashes."""


def add_spent(one: Spent, other: Spent) -> dict[str, Spending]:
    """Both together, sorted by name."""
    names = sorted({*one, *other})
    return {name: one.get(name, Spending()) + other.get(name, Spending()) for name in names}
