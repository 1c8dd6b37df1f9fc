"""The playground: a query box over a retriever, with sliders that re-fuse in the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.fusion import DIALECTS, STRATEGIES, check_strategy, check_weight
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.assets import module_text, style_text
from mixpeek_lab.widgets.messages import Reply, answer, error_body, reply
from mixpeek_lab.widgets.ranking import (
    FusionChoice,
    hits_frame,
    ranked_hits,
    slim,
    with_hits,
)
from mixpeek_lab.widgets.static import (
    message_html,
    results_html,
    results_text,
)

if TYPE_CHECKING:
    import pandas as pd

Search = Callable[[dict[str, JSON]], Mapping[str, JSON]]
"""`{"query": str, "limit": int, "filters": object | None}` → the payload of a search."""


class Playground(anywidget.AnyWidget):
    """A retriever to play with: query, legs, weights, fusion, and why each hit is where it is.

    `search` is called for a new query only. Weights, k, strategy and limit work on the
    candidates of the last answer, in the browser and here alike. Set `query` to search from
    Python; read `results` and `config` to take the state along.
    """

    _esm = module_text(
        "nodes.js", "fusion.js", "documents.js", "client.js", "hit.js", "frame.js", "playground.js"
    )
    _css = style_text("theme.css", "playground.css")

    query = traitlets.Unicode("").tag(sync=True)
    weights = traitlets.Dict(key_trait=traitlets.Unicode()).tag(sync=True)
    """Leg name → weight; 0 switches the leg off."""
    strategy = traitlets.Unicode("rrf").tag(sync=True)
    k = traitlets.Float(60.0).tag(sync=True)
    limit = traitlets.Int(10, min=1).tag(sync=True)
    about = traitlets.Dict().tag(sync=True)
    """What does not change: retriever, title, code, declared legs, strategies."""

    def __init__(
        self,
        search: Search,
        retriever: str,
        query: str = "",
        legs: Sequence[Mapping[str, JSON]] = (),
        fusion: Mapping[str, JSON] | None = None,
        title: str = "",
        code: str = "",
        limit: int = 10,
        filters: JSON = None,
    ) -> None:
        """`legs`: `{name, kind, feature_uri, weight, top_k}` each, as far as known before a
        search. `fusion`: `{strategy, k}`. `code`: the line that makes this widget again.
        A `query` runs when the widget is first shown or its `results` are first read.
        """
        self._search, self._filters = search, filters
        self._payload: Mapping[str, Any] | None = None
        self._error: Exception | None = None
        self._asked: str | None = None
        self._is_answering = False
        self._has_fusion = fusion is not None
        about = {
            "retriever": retriever,
            "title": title or retriever,
            "code": code,
            "legs": [dict(leg) for leg in legs],
            "strategies": [*(name for name in STRATEGIES if name != "learned"), *DIALECTS],
        }
        super().__init__(
            about=about,
            query=query,
            limit=limit,
            weights={leg["name"]: float(leg.get("weight", 1.0)) for leg in legs},
            **_fusion_traits(fusion or {}),
        )
        self.observe(self._on_query, "query")
        self.on_msg(self._on_message)

    # ---------------------------------------------------------------- for people

    @property
    def config(self) -> dict[str, JSON]:
        """The state as a retriever would say it: query, limit, filters, fusion, legs."""
        return {
            "retriever": self.about["retriever"],
            "query": self.query,
            "limit": self.limit,
            "filters": self._filters,
            "fusion": {"strategy": self.strategy, "k": _whole(self.k)},
            "legs": [
                {**leg, "weight": self.weights.get(leg["name"], leg.get("weight", 1.0))}
                for leg in self._legs()
            ],
        }

    @property
    def results(self) -> pd.DataFrame:
        """The hits as they stand now, see `ranking.hits_frame`.

        Raises the search's own error where the last one failed.
        """
        self._search_once()
        if self._error is not None:
            raise self._error
        payload = self._payload or {}
        return hits_frame(payload, self._hits())

    @property
    def filters(self) -> JSON:
        """The metadata filter that every search of this widget carries. Setting it searches."""
        return self._filters

    @filters.setter
    def filters(self, filters: JSON) -> None:
        self._filters = filters
        self.run()

    def run(self) -> None:
        """Search for `query` again and show the answer. An error is shown, and kept for
        `results`.
        """
        self._remember()
        self._push(self._current_reply("push"))

    def __repr__(self) -> str:
        return f"Playground({self.about['retriever']!r}, query={self.query!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and beside it text and HTML that stay when the kernel is gone."""
        self._search_once()
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/plain": self._text(), "text/html": self._html()}, metadata

    # ---------------------------------------------------------------- search

    def _search_once(self) -> None:
        """Run the query given at the start, unless it has been run."""
        if self.query and self._asked is None:
            self._remember()

    def _remember(self) -> None:
        """Search for `query`; keep the payload or the error."""
        self._asked = self.query
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 - kept: shown in the view, raised by `results`
            self._error = error

    def _ask(self) -> None:
        """Search for `query` and keep the payload. Raises what the search raises."""
        if not self.query.strip():
            self._payload, self._error = None, None
            return
        request = {"query": self.query, "limit": self.limit, "filters": self._filters}
        payload = self._search(request)
        self._payload, self._error = payload, None
        self._adopt(payload)

    def _adopt(self, payload: Mapping[str, Any]) -> None:
        """Take weights and fusion from the first answer where nobody has set them yet."""
        missing = {
            leg["name"]: float(leg.get("weight", 1.0))
            for leg in payload.get("legs", ())
            if leg["name"] not in self.weights
        }
        if missing:
            self.weights = {**self.weights, **missing}
        # Each search draws the weights of `learned` anew: what was set by hand ends with it.
        if payload.get("fusion", {}).get("strategy") == self.strategy == "learned":
            self.weights = {leg["name"]: float(leg["weight"]) for leg in payload.get("legs", ())}
        if not self._has_fusion:
            self._has_fusion = True
            self.set_trait("strategy", payload.get("fusion", {}).get("strategy", self.strategy))
            self.set_trait("k", float(payload.get("fusion", {}).get("k", self.k)))

    def _hits(self) -> list[dict[str, Any]]:
        """The current hits, fused as the traits say."""
        if self._payload is None:
            return []
        return ranked_hits(self._payload, self._choice(self._payload), self.limit)

    def _shown(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload with the current hits in it."""
        return with_hits(payload, self._choice(payload), self._hits())

    def _choice(self, payload: Mapping[str, Any]) -> FusionChoice:
        return FusionChoice(self.strategy, self.k, self._leg_weights(payload))

    def _leg_weights(self, payload: Mapping[str, Any]) -> dict[str, float]:
        """The weight in force of every leg in the payload."""
        return {leg["name"]: float(self.weights[leg["name"]]) for leg in payload.get("legs", ())}

    def _legs(self) -> list[dict[str, Any]]:
        """What is known of the legs, without their candidates."""
        known = self._payload.get("legs", ()) if self._payload else self.about["legs"]
        names = ("name", "kind", "feature_uri", "top_k")
        return [{name: leg[name] for name in names if name in leg} for leg in known]

    # ---------------------------------------------------------------- the view

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Answer one request of the view."""
        handlers = {"search": self._on_search, "current": self._on_current}
        self._push(answer(handlers, content))

    def _on_search(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """A query typed into the view."""
        self._is_answering = True
        try:
            self.query = str(message.get("query", ""))
        finally:
            self._is_answering = False
        self._asked = self.query
        try:
            self._ask()
        except Exception as error:
            self._error = error
            raise
        return self._body()

    def _on_current(self, _message: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a view that has just appeared should show."""
        self._search_once()
        if self._error is not None:
            raise self._error
        return self._body()

    def _on_query(self, _change: Any) -> None:
        """`query` was set: from Python it searches, from the view that is under way."""
        if not self._is_answering:
            self.run()

    def _body(self) -> dict[str, Any]:
        payload = slim(self._payload) if self._payload is not None else None
        return {"query": self.query, "filters": self._filters, "payload": payload}

    def _current_reply(self, request_id: str) -> Reply:
        if self._error is not None:
            return Reply({"id": request_id, "ok": False, "error": error_body(self._error)})
        return reply(request_id, self._body())

    def _push(self, message: Reply) -> None:
        for header, buffers in message.messages():
            self.send(header, buffers)

    # ---------------------------------------------------------------- the static double

    def _text(self) -> str:
        if self._error is not None:
            return f"{self!r}\n{error_body(self._error)['message']}"
        if self._payload is None:
            return repr(self)
        return results_text(self._shown(self._payload), self.limit)

    def _html(self) -> str:
        title, code = self.about["title"], self.about["code"]
        if self._error is not None:
            return message_html(title, error_body(self._error)["message"], code)
        if self._payload is None:
            return message_html(title, "No query yet.", code)
        return results_html(self._shown(self._payload), self.limit, title=title, code=code)

    # ---------------------------------------------------------------- checks

    @traitlets.validate("strategy")
    def _check_strategy(self, proposal: Mapping[str, Any]) -> str:
        check_strategy(proposal["value"], where="strategy")
        return str(proposal["value"])

    @traitlets.validate("k")
    def _check_k(self, proposal: Mapping[str, Any]) -> float:
        check_strategy("rrf", proposal["value"], where="k")
        return float(proposal["value"])

    @traitlets.validate("weights")
    def _check_weights(self, proposal: Mapping[str, Any]) -> dict[str, float]:
        """Weights for legs that are not named stay as they are."""
        given = {
            name: check_weight(weight, f"weights[{name!r}]")
            for name, weight in proposal["value"].items()
        }
        known = {**self.weights, **{leg["name"]: 1.0 for leg in self._legs()}}
        unknown = sorted(set(given) - set(known)) if self._payload is not None else []
        if unknown:
            raise InvalidInputError(
                f"weights: there is no leg {unknown[0]!r}; the legs are {', '.join(known)}."
            )
        return {**self.weights, **given}


def _fusion_traits(fusion: Mapping[str, JSON]) -> dict[str, Any]:
    """The trait values in a fusion definition: strategy, and k where it has one."""
    traits = {name: fusion[name] for name in ("strategy", "k") if fusion.get(name) is not None}
    return {name: float(value) if name == "k" else value for name, value in traits.items()}


def _whole(number: float) -> float | int:
    """60.0 as 60."""
    return int(number) if number.is_integer() else number
