"""What the models cost: the list prices of those that Mixpeek names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mixpeek_lab.llm.requests import LLMUsage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, without taxes and without batch or volume discounts."""

    input: float
    cached_input: float
    output: float
    from_input_tokens: int = 0
    """The size of a request from which the price holds, in input tokens."""


PRICES: Mapping[tuple[str, str], tuple[Price, ...]] = {
    ("google", "gemini-2.5-flash"): (Price(0.30, 0.03, 2.50),),
    ("google", "gemini-2.5-pro"): (
        Price(1.25, 0.125, 10.00),
        Price(2.50, 0.25, 15.00, from_input_tokens=200_001),
    ),
    ("openai", "gpt-4o"): (Price(2.50, 1.25, 10.00),),
    ("openai", "gpt-4o-mini"): (Price(0.15, 0.075, 0.60),),
    ("anthropic", "claude-sonnet-4-20250514"): (Price(3.00, 0.30, 15.00),),
}
"""(provider, model) → prices, for small requests first."""


def cost_of(provider: str, model: str, usage: LLMUsage) -> float | None:
    """US dollars for one call; 0 on a local model, None for a model whose price is not known."""
    if provider == "local":
        return 0.0
    fitting = [
        price
        for price in PRICES.get((provider, model), ())
        if usage.input_tokens >= price.from_input_tokens
    ]
    if not fitting:
        return None
    price = fitting[-1]
    fresh = usage.input_tokens - usage.cached_tokens
    millionths = fresh * price.input + usage.cached_tokens * price.cached_input
    return (millionths + usage.output_tokens * price.output) / 1e6
