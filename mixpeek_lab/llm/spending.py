"""The process' tally: what was asked of each model, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from threading import Lock

from mixpeek_lab.llm.prices import cost_of
from mixpeek_lab.llm.requests import LLMUsage


@dataclass(frozen=True, slots=True)
class Spending:
    """Counts of one model since this process began."""

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


_lock = Lock()
_tally: dict[tuple[str, str], Spending] = {}


def tally() -> Mapping[tuple[str, str], Spending]:
    """(provider, model) → what this process has asked of it so far. A copy."""
    with _lock:
        return dict(_tally)


def count(provider: str, model: str, more: Spending) -> None:
    """Add to the tally."""
    with _lock:
        _tally[provider, model] = _tally.get((provider, model), Spending()) + more


def bill(provider: str, model: str, usage: LLMUsage) -> Spending:
    """One answered call."""
    cost = cost_of(provider, model, usage)
    made = Spending(answered=1, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    return replace(made, cost=cost or 0.0, unpriced=int(cost is None))
