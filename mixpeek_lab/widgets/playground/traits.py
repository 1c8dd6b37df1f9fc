"""The state that a playground and its view share, and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.fusion import DEFAULT_K, check_strategy, check_weight
from mixpeek_lab.retrievers.bodies import MOST
from mixpeek_lab.widgets.saving import LabWidget


class FusionTraits(LabWidget):
    """Query, fusion and limit. What is set is checked; RetrieverError or InvalidInputError."""

    query = traitlets.Unicode("").tag(sync=True)
    weights = traitlets.Dict(key_trait=traitlets.Unicode()).tag(sync=True)
    """Leg name → weight; 0 switches the leg off."""
    strategy = traitlets.Unicode("rrf").tag(sync=True)
    k = traitlets.Float(60.0).tag(sync=True)
    top_k = traitlets.Dict(key_trait=traitlets.Unicode()).tag(sync=True)
    """Leg name → candidates that it keeps; more than were found are searched for."""
    limit = traitlets.Int(10, min=1).tag(sync=True)
    _moves = traitlets.Int(0).tag(sync=True)
    """How often Python has moved one of the above: a view tells that from echoes of its own."""
    baseline = traitlets.Dict().tag(sync=True)
    """Pinned settings, `{strategy, k, weights, top_k, filters}`; empty where nothing is pinned."""
    map_status = traitlets.Dict().tag(sync=True)
    """The map that is shown (map, shown, note), and what is being worked out for it."""
    preparing = traitlets.Unicode("").tag(sync=True)
    """What is being made ready for the first query, in words; empty once it is there."""
    about = traitlets.Dict().tag(sync=True)
    """What does not change: retriever, title, code, declared legs, strategies, what is offered."""

    def _leg_names(self) -> list[str] | None:
        """The legs there are; None where nobody knows yet."""
        return None

    @traitlets.validate("strategy")
    def _check_strategy(self, proposal: Mapping[str, Any]) -> str:
        check_strategy(proposal["value"], where="strategy")
        return str(proposal["value"])

    @traitlets.validate("k")
    def _check_k(self, proposal: Mapping[str, Any]) -> float:
        check_strategy("rrf", proposal["value"], where="k")
        return float(proposal["value"])

    @traitlets.validate("baseline")
    def _check_baseline(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        """Complete, or empty."""
        given = dict(proposal["value"])
        if given:
            check_strategy(given.get("strategy", ""), given.get("k"), where="baseline")
            given = {"k": DEFAULT_K, "weights": {}, "top_k": {}, "filters": None, **given}
            for name, weight in given["weights"].items():
                check_weight(weight, f"baseline.weights[{name!r}]")
            given["top_k"] = {
                n: _depth(v, f"baseline.top_k[{n!r}]") for n, v in given["top_k"].items()
            }
        return given

    @traitlets.validate("weights")
    def _check_weights(self, proposal: Mapping[str, Any]) -> dict[str, float]:
        """Weights for legs that are not named stay as they are."""
        given = {
            name: check_weight(weight, f"weights[{name!r}]")
            for name, weight in proposal["value"].items()
        }
        self._check_legs("weights", given)
        return {**self.weights, **given}

    @traitlets.validate("top_k")
    def _check_top_k(self, proposal: Mapping[str, Any]) -> dict[str, int]:
        """What legs keep that are not named stays as it is."""
        given = {n: _depth(value, f"top_k[{n!r}]") for n, value in proposal["value"].items()}
        self._check_legs("top_k", given)
        return {**self.top_k, **given}

    def _check_legs(self, trait: str, given: Mapping[str, Any]) -> None:
        legs = self._leg_names()
        known = dict.fromkeys([*self.weights, *(legs or ())])
        unknown = sorted(set(given) - set(known)) if legs is not None else []
        if unknown:
            raise InvalidInputError(
                f"{trait}: there is no leg {unknown[0]!r}; the legs are {', '.join(known)}."
            )


def _depth(value: Any, where: str) -> int:
    """A leg's top_k. JavaScript's numbers may come as 60.0."""
    is_whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0
    if not is_whole or not 1 <= value <= MOST:
        raise InvalidInputError(f"{where}: {value!r} is no whole number from 1 to {MOST:,}.")
    return int(value)
