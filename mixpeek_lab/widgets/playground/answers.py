"""Answers to the panels of the view, beside the search itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.messages import Handler
from mixpeek_lab.widgets.playground.source import python_code
from mixpeek_lab.widgets.ranking import slim

if TYPE_CHECKING:
    from mixpeek_lab.widgets.playground.asking import Asking
    from mixpeek_lab.widgets.playground.support import Support
    from mixpeek_lab.widgets.playground.widget import Playground


class Answers:
    """One method for each kind of request; what a playground was not given is refused."""

    def __init__(self, playground: Playground, asking: Asking, support: Support) -> None:
        self._playground, self._asking, self._support = playground, asking, support

    def handlers(self) -> dict[str, Handler]:
        """Request type → what answers it."""
        return {"code": self._code, "ranks": self._ranks, "baseline": self._baseline}

    def _code(self, _message: Mapping[str, Any]) -> dict[str, JSON]:
        """The settings as code."""
        playground = self._playground
        config = playground.config
        return {
            "cell": playground.cell if self._support.body is not None else "",
            "python": python_code(playground.about["retriever"], config),
            "config": config,
        }

    def _ranks(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where a document stands in every leg, beyond what the legs keep."""
        if self._support.ranks is None:
            raise InvalidInputError("ranks: this playground cannot look deeper than its legs.")
        asked = {"query": self._playground.query, "filters": self._asking.filters}
        return self._support.ranks({**asked, "document_id": str(message.get("document_id", ""))})

    def _baseline(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """The current query under the baseline's own filter."""
        playground = self._playground
        filters = playground.baseline.get("filters")
        payload = self._asking.answer(playground.query, playground.limit, filters)
        return {"payload": slim(payload)}
