"""What language models were asked and what it cost, in words."""

from __future__ import annotations

import math
from functools import reduce

from mixpeek_lab.models import Spending, Spent


def llm_facts(spent: Spent) -> list[tuple[str, str]]:
    """One name and value for each model, and for all together where there are several."""
    facts = [(f"llm {name.replace('/', ' ', 1)}", _model(each)) for name, each in spent.items()]
    if len(spent) > 1:
        total = reduce(Spending.__add__, spent.values())
        facts.append(("llm in all", f"{_calls(total)}, {_cost(total)}"))
    return facts


def dollars(amount: float) -> str:
    """US dollars with as many digits as a small amount needs: `$12.30`, `$0.0063`, `$0`."""
    if amount <= 0:
        return "$0"
    digits = 2 if amount >= 1 else 1 - math.floor(math.log10(amount))
    return f"${amount:,.{digits}f}"


def _model(spending: Spending) -> str:
    parts = [_calls(spending)]
    if spending.answered:
        parts.append(f"{spending.input_tokens:,} tokens in, {spending.output_tokens:,} out")
    return ", ".join([*parts, _cost(spending)])


def _calls(spending: Spending) -> str:
    counts = [
        (spending.answered, "call", "calls"),
        (spending.cached, "kept answer", "kept answers"),
        (spending.failed, "failed", "failed"),
    ]
    return ", ".join(f"{n:,} {one if n == 1 else many}" for n, one, many in counts if n)


def _cost(spending: Spending) -> str:
    """The cost, and what it lacks: a model's list price may not be known."""
    if not spending.unpriced:
        return dollars(spending.cost)
    unknown = f"{spending.unpriced:,} call{'' if spending.unpriced == 1 else 's'} of unknown price"
    return f"{dollars(spending.cost)} and {unknown}" if spending.cost else "price not known"
