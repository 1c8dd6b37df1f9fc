"""Twelve passages in the manner of SEC filings, about companies that do not exist."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Literal, TypedDict, cast


class Filing(TypedDict):
    """One passage of a filing, 60 to 140 words long."""

    id: str
    """`hltx-2024-10-k`."""
    ticker: str
    company: str
    form: Literal["10-K", "10-Q", "8-K"]
    section: str
    """The heading that the passage stands under."""
    fiscal_year: int
    title: str
    """What it is about, in a few words."""
    text: str


def filings() -> list[Filing]:
    """The twelve passages, always the same and in the same order; each call gives new dicts.

    Topics: revenue growth, liquidity, dependence on one product, patent litigation, supply
    chain, segment results, tax, impairment, share repurchase, cybersecurity, climate, research.
    """
    text = files(__package__).joinpath("filings.json").read_text(encoding="utf-8")
    return cast("list[Filing]", json.loads(text))
