"""`Playground.config`: the state as a mapping, out and in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import JSON

KEYS = ("retriever", "query", "limit", "filters", "like", "fusion", "legs", "weights", "top_k")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a configuration says. `traits` holds only what it names."""

    traits: Mapping[str, Any] = field(default_factory=dict)
    """query, limit, strategy, k, weights, top_k."""
    asks: Mapping[str, JSON] = field(default_factory=dict)
    """filters and like."""


def read_settings(config: Mapping[str, JSON], retriever: str) -> Settings:
    """Read what `Playground.config` gave, or a part of it.

    InvalidInputError for an unknown key and for another retriever's configuration, FilterError for
    a filter that is none.
    """
    if not isinstance(config, Mapping):
        raise InvalidInputError(f"config: expected a mapping, got {type(config).__name__}.")
    _check_keys(config)
    if config.get("retriever", retriever) != retriever:
        raise InvalidInputError(
            f"config: it is of retriever {config['retriever']!r}, and this playground searches "
            f"{retriever!r}. Open another: %playground {config['retriever']}"
        )
    traits: dict[str, Any] = {key: config[key] for key in ("query", "limit") if key in config}
    traits |= _fusion(config.get("fusion") or {})
    legs = _legs(config.get("legs") or ())
    for trait, key in (("weights", "weight"), ("top_k", "top_k")):
        own = {leg["name"]: leg[key] for leg in legs if key in leg}
        values = {**own, **(config.get(trait) or {})}
        if values:
            traits[trait] = values
    asks = {key: config[key] for key in ("filters", "like") if key in config}
    parse_filter(asks.get("filters"), "config.filters")
    return Settings(traits, asks)


def fusion_traits(fusion: Mapping[str, JSON]) -> dict[str, Any]:
    """The trait values in a fusion definition: strategy, and k where it has one."""
    traits = {name: fusion[name] for name in ("strategy", "k") if fusion.get(name) is not None}
    return {name: float(value) if name == "k" else value for name, value in traits.items()}


def whole(number: float) -> float | int:
    """60.0 as 60."""
    return int(number) if number.is_integer() else number


def _fusion(fusion: JSON) -> dict[str, Any]:
    if isinstance(fusion, str):
        return {"strategy": fusion}
    if not isinstance(fusion, Mapping):
        raise InvalidInputError("config.fusion: expected `rrf` or {strategy, k}.")
    return fusion_traits(fusion)


def _legs(legs: JSON) -> Sequence[Mapping[str, JSON]]:
    if not isinstance(legs, Sequence) or isinstance(legs, str):
        raise InvalidInputError("config.legs: expected a list of {name, weight, top_k}.")
    for place, leg in enumerate(legs):
        if not isinstance(leg, Mapping) or not isinstance(leg.get("name"), str):
            raise InvalidInputError(f"config.legs[{place}]: expected {{name, weight, top_k}}.")
    return legs


def _check_keys(config: Mapping[str, JSON]) -> None:
    for key in config:
        if key not in KEYS:
            close = get_close_matches(str(key), KEYS, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"It takes {', '.join(KEYS)}."
            raise InvalidInputError(f"config: unknown key {key!r}. {hint}")
