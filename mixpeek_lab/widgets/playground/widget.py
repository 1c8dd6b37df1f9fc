"""The playground itself: its state, and the answers to its view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any

from mixpeek_lab.fusion import DIALECTS, STRATEGIES
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.assets import module_text, style_text
from mixpeek_lab.widgets.messages import Packed, Reply, answer, error_body, reply
from mixpeek_lab.widgets.playground.answers import Answers
from mixpeek_lab.widgets.playground.asking import Asking
from mixpeek_lab.widgets.playground.depths import OwnDepths, is_short
from mixpeek_lab.widgets.playground.files import MODULES, STYLES
from mixpeek_lab.widgets.playground.handing import Handing
from mixpeek_lab.widgets.playground.saved import saved_forms
from mixpeek_lab.widgets.playground.sending import packed
from mixpeek_lab.widgets.playground.settings import fusion_traits, read_settings, whole
from mixpeek_lab.widgets.playground.support import NO_SUPPORT, Search, Support
from mixpeek_lab.widgets.ranking import FusionChoice, hits_frame, ranked_hits, slim, with_hits
from mixpeek_lab.widgets.saving import with_saved

if TYPE_CHECKING:
    import pandas as pd


class Playground(Handing):
    """A retriever to play with: query, legs, weights, fusion, and why each hit is where it is.

    `search` is called for a new query, and where a leg is to keep more candidates than it has. All
    else works on the candidates of the last answer, in the browser and here alike. It is state: set
    `query`, `weights` or all of `config` from Python and the view moves; read `results`.

    Attributes:
        query: what is searched for; setting it searches.
        strategy: the fusion, by name.
        k: of `rrf`: the larger, the less the first ranks stand out.
        limit: hits that are shown.
    """

    _esm = module_text(*MODULES)
    _css = style_text(*STYLES)

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
        support: Support = NO_SUPPORT,
    ) -> None:
        """`legs`: `{name, kind, feature_uri, weight, top_k}` each, as far as known before a
        search. `fusion`: `{strategy, k}`. `code`: the line that makes this widget again.
        `support`: what may be asked beside the search. A `query` runs when the widget is first
        shown or its `results` are first read.
        """
        self._support, self._asking = support, Asking(search, support, filters)
        self._answers = Answers(self, self._asking, support)
        self._own_depths = OwnDepths(support.body, legs)
        self._has_fusion, self._is_answering = fusion is not None, False
        self._searching = RLock()  # JupyterLab asks on a thread beside the one that runs cells
        about = {
            "retriever": retriever,
            "title": title or retriever,
            "code": code,
            "legs": [dict(leg) for leg in legs],
            "strategies": [*(name for name in STRATEGIES if name != "learned"), *DIALECTS],
            "offers": [n for n in support.__slots__ if getattr(support, n) is not None],
        }
        super().__init__(
            about=about,
            query=query,
            limit=limit,
            weights={leg["name"]: float(leg.get("weight", 1.0)) for leg in legs},
            top_k={leg["name"]: leg["top_k"] for leg in legs if leg.get("top_k")},
            **fusion_traits(fusion or {}),
        )
        self._handlers = {
            "search": self._on_search,
            "current": self._on_current,
            **self._answers.handlers(),
        }
        self.observe(self._on_query, "query")
        self.observe(self._on_top_k, "top_k")
        self.on_msg(self._on_message)

    # ---------------------------------------------------------------- for people

    @property
    def config(self) -> dict[str, JSON]:
        """The state as a retriever would say it: query, limit, filters, fusion, legs.

        Set it, or a part of it, and the view moves; it searches where query, filters or `like`
        change, or a leg keeps more. InvalidInputError, RetrieverError and FilterError say what
        does not fit.
        """
        like = self._asking.like
        return {
            "retriever": self.about["retriever"],
            "query": self.query,
            "limit": self.limit,
            "filters": self.filters,
            **({"like": {"document_id": like}} if like is not None else {}),
            "fusion": {"strategy": self.strategy, "k": whole(self.k)},
            "legs": [
                {
                    **leg,
                    "weight": self.weights.get(leg["name"], leg.get("weight", 1.0)),
                    **self._kept(leg),
                }
                for leg in self._legs()
            ],
        }

    @config.setter
    def config(self, config: Mapping[str, JSON]) -> None:
        settings = read_settings(config, self.about["retriever"])
        before = (self.query, self.filters, self._asking.like)
        self._set_all({**settings.traits, "_moves": self._moves + 1})
        self._has_fusion = self._has_fusion or "strategy" in settings.traits
        self._asking.filters = settings.asks.get("filters", self.filters)
        like = settings.asks.get("like", None if "query" in settings.traits else before[2])
        self._asking.like = like["document_id"] if isinstance(like, Mapping) else like
        is_other = before != (self.query, self.filters, self._asking.like)
        if is_other or is_short(self._asking.payload, self.top_k):
            self.run()

    @property
    def results(self) -> pd.DataFrame:
        """The hits as they stand now, see `ranking.hits_frame`.

        Raises the search's own error where the last one failed.
        """
        self._search_once()
        if self._asking.error is not None:
            raise self._asking.error
        return hits_frame(self._asking.payload or {}, self._hits())

    @property
    def filters(self) -> JSON:
        """The metadata filter that every search of this widget carries. Setting it searches."""
        return self._asking.filters

    @filters.setter
    def filters(self, filters: JSON) -> None:
        self._asking.filters = filters
        self.run()

    @property
    def like(self) -> str | None:
        """The document that is asked with in place of a text, by its id. Setting it searches."""
        return self._asking.like

    @like.setter
    def like(self, document_id: str | None) -> None:
        self._asking.like = document_id
        self.run()

    def run(self) -> None:
        """Search for `query` again and show the answer. An error is kept for `results`, too."""
        with self._searching:
            self._remember()
            self._show_again()

    def _show_again(self) -> None:
        self._push(self._current_reply("push"))

    def close(self) -> None:
        """End what is being worked out, and the widget."""
        answers = getattr(self, "_answers", None)  # none where it was refused before it began
        if answers is not None and answers.map is not None:
            answers.map.close()
        super().close()

    def __repr__(self) -> str:
        return f"Playground({self.about['retriever']!r}, query={self.query!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and beside it text and HTML that stay when the kernel is gone."""
        self._search_once()
        shown = self._shown(self._asking.payload) if self._asking.payload else None
        saved = saved_forms(self, self.about, self._asking.error, shown, self.limit)
        return with_saved(super()._repr_mimebundle_(**kwargs), *saved)

    # ---------------------------------------------------------------- search

    def _set_all(self, values: Mapping[str, Any]) -> None:
        """Set several traits without searching; all or none. Raises what a check raises."""
        before = {name: getattr(self, name) for name in values}
        self._is_answering = True
        try:
            with self.hold_sync():
                for name, value in values.items():
                    self.set_trait(name, value)
        except Exception:
            for name, value in before.items():
                self.set_trait(name, value)
            raise
        finally:
            self._is_answering = False

    def _search_once(self) -> None:
        """Run the query given at the start, unless it has been run."""
        if self.query and self._asking.asked is None:
            self._remember()

    def _remember(self) -> None:
        """Search for `query`; keep the payload or the error."""
        self._asking.run(self.query, self.limit, self.raised)
        if self._asking.error is None:
            self._adopt()

    def _adopt(self) -> None:
        """Take weights and fusion from the first answer where nobody has set them yet."""
        payload = self._asking.payload or {}
        legs = {leg["name"]: float(leg.get("weight", 1.0)) for leg in payload.get("legs", ())}
        self._own_depths.learn(payload.get("legs", ()))
        self._set_all({"top_k": {**self._own_depths.by_leg, **self.top_k}})
        missing = {name: weight for name, weight in legs.items() if name not in self.weights}
        if missing:
            self.weights = {**self.weights, **missing}
        fusion = payload.get("fusion", {})
        # Each search draws the weights of `learned` anew: what was set by hand ends with it.
        if fusion.get("strategy") == self.strategy == "learned":
            self.weights = legs
        if payload and not self._has_fusion:
            self._has_fusion = True
            self.set_trait("strategy", fusion.get("strategy", self.strategy))
            self.set_trait("k", float(fusion.get("k", self.k)))

    def _hits(self) -> list[dict[str, Any]]:
        """The current hits, fused as the traits say."""
        payload = self._asking.payload
        if not payload:
            return []
        hits = ranked_hits(payload, self._choice(payload), self.limit)
        self._asking.fill(hit["document_id"] for hit in hits)
        return hits

    def _shown(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload with the current hits in it."""
        return with_hits(payload, self._choice(payload), self._hits())

    def _choice(self, payload: Mapping[str, Any]) -> FusionChoice:
        """The fusion in force, with the weight of every leg in the payload."""
        weights = {leg["name"]: float(self.weights[leg["name"]]) for leg in payload.get("legs", ())}
        return FusionChoice(self.strategy, self.k, weights, self.top_k)

    def _legs(self) -> list[dict[str, Any]]:
        """What is known of the legs, without their candidates."""
        payload = self._asking.payload
        known = payload.get("legs", ()) if payload else self.about["legs"]
        names = ("name", "kind", "feature_uri", "top_k")
        return [{name: leg[name] for name in names if name in leg} for leg in known]

    def _leg_names(self) -> list[str] | None:
        return [leg["name"] for leg in self._legs()] if self._asking.payload is not None else None

    # ---------------------------------------------------------------- the view

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Answer one request of the view."""
        self._push(answer(self._handlers, content))

    def _on_search(self, message: Mapping[str, Any]) -> Packed:
        """A query typed into the view; with `filters`, `like` and `top_k` where they change."""
        query, top_k = str(message.get("query", "")), message.get("top_k")
        with self._searching:
            self._set_all({"query": query} | ({"top_k": top_k} if top_k else {}))
            for name in message.keys() & {"filters", "like"}:
                setattr(self._asking, name, message[name])
            self._asking.ask(query, self.limit, self.raised)
            self._adopt()
            return self._body()

    def _on_current(self, _message: Mapping[str, Any]) -> Packed:
        """What a view that has just appeared should show."""
        self._search_once()
        if self._asking.error is not None:
            raise self._asking.error
        return self._body()

    def _on_query(self, _change: Any) -> None:
        """`query` was set: from Python it searches, from the view that is under way."""
        if not self._is_answering:
            self._asking.like = None
            self.run()

    def _body(self) -> Packed:
        asking = self._asking
        return packed({
            "query": self.query if asking.asked is None else asking.asked,
            "filters": asking.filters,
            "like": asking.like,
            "own_top_k": self._own_depths.by_leg,
            **self._answers.judged(),
            "payload": slim(asking.payload) if asking.payload is not None else None,
        })  # fmt: skip

    def _current_reply(self, request_id: str) -> Reply:
        if self._asking.error is not None:
            return Reply({"id": request_id, "ok": False, "error": error_body(self._asking.error)})
        return reply(request_id, self._body())

    def _push(self, message: Reply) -> None:
        for header, buffers in message.messages():
            self.send(header, buffers)
