"""The state that a playground and its view share, and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.fusion import DEFAULT_K, check_strategy, check_weight
from mixpeek_lab.widgets.saving import LabWidget


class FusionTraits(LabWidget):
    """Query, fusion and limit. What is set is checked; RetrieverError or InvalidInputError."""

    query = traitlets.Unicode("").tag(sync=True)
    weights = traitlets.Dict(key_trait=traitlets.Unicode()).tag(sync=True)
    """Leg name → weight; 0 switches the leg off."""
    strategy = traitlets.Unicode("rrf").tag(sync=True)
    k = traitlets.Float(60.0).tag(sync=True)
    limit = traitlets.Int(10, min=1).tag(sync=True)
    baseline = traitlets.Dict().tag(sync=True)
    """Pinned settings, `{strategy, k, weights, filters}`; empty where nothing is pinned."""
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
            given = {"k": DEFAULT_K, "weights": {}, "filters": None, **given}
            for name, weight in given["weights"].items():
                check_weight(weight, f"baseline.weights[{name!r}]")
        return given

    @traitlets.validate("weights")
    def _check_weights(self, proposal: Mapping[str, Any]) -> dict[str, float]:
        """Weights for legs that are not named stay as they are."""
        given = {
            name: check_weight(weight, f"weights[{name!r}]")
            for name, weight in proposal["value"].items()
        }
        legs = self._leg_names()
        known = dict.fromkeys([*self.weights, *(legs or ())])
        unknown = sorted(set(given) - set(known)) if legs is not None else []
        if unknown:
            raise InvalidInputError(
                f"weights: there is no leg {unknown[0]!r}; the legs are {', '.join(known)}."
            )
        return {**self.weights, **given}
