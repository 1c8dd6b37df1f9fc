"""Answers to the panels of the view, beside the search itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers import parse_retriever
from mixpeek_lab.widgets.messages import Handler
from mixpeek_lab.widgets.playground.depths import Scope
from mixpeek_lab.widgets.playground.glancing import Glancing
from mixpeek_lab.widgets.playground.judging import Judging
from mixpeek_lab.widgets.playground.map_panel import MapPanel
from mixpeek_lab.widgets.playground.measuring import Measuring, table
from mixpeek_lab.widgets.playground.media import content_of
from mixpeek_lab.widgets.playground.source import (
    definition_of,
    python_code,
    retriever_cell,
    with_settings,
)
from mixpeek_lab.widgets.playground.sweeping import Plan, Query, Sweep
from mixpeek_lab.widgets.ranking import FusionChoice, slim

if TYPE_CHECKING:
    from mixpeek_lab.widgets.playground.asking import Asking
    from mixpeek_lab.widgets.playground.support import Support
    from mixpeek_lab.widgets.playground.widget import Playground


class Answers:
    """One method for each kind of request; what a playground was not given is refused."""

    def __init__(self, playground: Playground, asking: Asking, support: Support) -> None:
        self._playground, self._asking, self._support = playground, asking, support
        self.judging = Judging()
        self.measuring = Measuring(self.judging, asking.answer_text)
        self._under_way: Sweep | None = None
        self.map = MapPanel(playground, asking, support.maps) if support.maps else None
        self._glancing = Glancing()

    def handlers(self) -> dict[str, Handler]:
        """Request type → what answers it."""
        return {
            "code": self._code, "ranks": self._ranks, "baseline": self._baseline,
            "judge": self._judge, "undo": self._undo, "save": self._save,
            "gather": self._gather, "measure": self._measure,
            "sweep": self._sweep, "fields": self._fields,
            "count": self._count, "trace": self._trace,
            **(self.map.handlers() if self.map else {}),
            "media": self._media, "documents": self._documents,
            "glance": self._glance, "alive": lambda _: {},
        }  # fmt: skip

    def _code(self, message: Mapping[str, Any]) -> dict[str, JSON]:
        """The settings as code, or those of `settings`: `{strategy, k, weights, top_k}`."""
        playground = self._playground
        name, config = playground.about["retriever"], playground.config
        if message.get("settings"):
            config = with_settings(config, message["settings"])
        told = {"python": python_code(name, config), "config": config, "cell": "", "json": None}
        if self._support.body is not None:
            definition = definition_of(self._support.body, config)
            told["cell"] = retriever_cell(name, definition)
            told["json"] = parse_retriever(definition, name).as_dict()
        return told

    def _ranks(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where a document stands in every leg, beyond what the legs keep."""
        if self._support.ranks is None:
            raise InvalidInputError("ranks: this playground cannot look deeper than its legs.")
        asked = {"query": self._playground.query, "filters": self._asking.filters}
        return self._support.ranks({**asked, "document_id": str(message.get("document_id", ""))})

    def _fields(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """What filters can look at."""
        return {"fields": list(self._support.fields()) if self._support.fields else []}

    def _count(self, message: Mapping[str, Any]) -> dict[str, int]:
        """How many documents pass a filter."""
        if self._support.count is None:
            raise InvalidInputError("count: this playground cannot count what passes a filter.")
        passing, total = self._support.count(message.get("filters"))
        return {"passing": passing, "total": total}

    def _trace(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The steps from a document to what it was made of."""
        if self._support.trace is None:
            raise InvalidInputError("trace: this playground does not know where hits come from.")
        return {"steps": list(self._support.trace(str(message.get("document_id", ""))))}

    def _media(self, message: Mapping[str, Any]) -> bytes:
        """The file behind a result: see `content_of`."""
        key = str(message.get("document_id", ""))
        self._asking.fill([key])
        documents = (self._asking.payload or {}).get("documents", {})
        if key not in documents:
            raise InvalidInputError(f"media: {key!r} is not among what the last search found.")
        return content_of(documents[key])

    def _documents(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Documents of candidates that came without, and the grades they have."""
        found = self._asking.fill(map(str, message.get("document_ids", ())))
        return {**slim({"documents": found}), "grades": self.grades()}

    def _baseline(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """The current query under the baseline's own filter and top_k."""
        playground = self._playground
        scope = self._scope_of(playground.baseline)
        payload = self._asking.answer(playground.query, playground.limit, scope)
        return {"payload": slim(payload)}

    # ---------------------------------------------------------------- judging

    def grades(self) -> dict[str, int]:
        """Document id → grade, for the query that is shown."""
        payload = self._asking.payload
        if payload is None or self._asking.like is not None:
            return {}
        return self.judging.grades_of(self._playground.query, payload.get("documents", {}))

    def _judge(self, message: Mapping[str, Any]) -> dict[str, JSON]:
        """One document gets a grade, or loses it."""
        if self._asking.like is not None:
            raise InvalidInputError("Judgements belong to a query in words: ask with one.")
        key = str(message.get("document_id", ""))
        self._asking.fill([key])
        document = (self._asking.payload or {}).get("documents", {}).get(key, {})
        query = str(message.get("query", self._playground.query))
        self.judging.grade(query, key, document, message.get("grade"))
        return self.judged()

    def _undo(self, _message: Mapping[str, Any]) -> dict[str, JSON]:
        """The last judgement is taken back; `undone` tells of which query and document."""
        undone = self.judging.undo()
        return {**self.judged(), "undone": list(undone) if undone else None}

    def _save(self, message: Mapping[str, Any]) -> dict[str, JSON]:
        """The judgements, written to the kernel's folder."""
        path = self.judging.save(str(message.get("path", "")), str(message.get("layout", "beir")))
        return {"path": str(path)}

    def judged(self) -> dict[str, JSON]:
        """The grades of the query that is shown, and how much is judged in all."""
        qrels = self.judging.qrels
        count = {"queries": len(qrels), "judgements": sum(map(len, qrels.values()))}
        return {"grades": self.grades(), "judged": {**count, "left_out": self.measuring.left_out}}

    # ---------------------------------------------------------------- measuring

    def _gather(self, _message: Mapping[str, Any]) -> dict[str, JSON]:
        """Search for judged queries for a moment."""
        return {**self.judged(), **self.measuring.gather(self._scopes())}

    def _measure(self, _message: Mapping[str, Any]) -> dict[str, JSON]:
        """What the settings and the baseline are worth on the judged queries."""
        queries = self.measuring.counted()
        if not queries:
            return {**self.judged(), "rows": [], "queries": []}
        playground, pinned = self._playground, self._playground.baseline
        choice = FusionChoice(
            playground.strategy, playground.k, playground.weights, playground.top_k
        )
        now, unjudged = self.measuring.values(choice, self.scope)
        before = None
        if pinned:
            old = FusionChoice(
                pinned["strategy"], pinned["k"], pinned["weights"], pinned.get("top_k", {})
            )
            before, _ = self.measuring.values(old, self._scope_of(pinned))
        each = [
            {"id": q, "text": queries[q], "values": now[q], "unjudged": unjudged[q],
             "baseline": before[q] if before else None}
            for q in now
        ]  # fmt: skip
        failed = self.measuring.failed(self.scope)
        return {**self.judged(), "rows": table(now, before), "queries": each, "failed": failed}

    def _glance(self, message: Mapping[str, Any]) -> dict[str, JSON]:
        """The means under the settings in the message, at once: see `Glancing`."""
        choice = FusionChoice(
            str(message["strategy"]), float(message["k"]), message["weights"],
            message.get("top_k") or {},
        )  # fmt: skip
        kept, count = self.measuring.kept(self.scope), len(self.measuring.counted())
        return {"means": self._glancing.means(choice, kept, self.judging.qrels, count)}

    def sweep(self, x: str, y: str | None, measure: str, seed: int) -> Sweep:
        """A sweep over the judged queries' candidates that are there.

        InvalidInputError for an unknown axis or measure, and where no query counts.
        """
        playground = self._playground
        kept, qrels = self.measuring.kept(self.scope), self.judging.qrels
        if not kept:
            raise InvalidInputError("sweep: no query has a relevant document yet: judge some.")
        legs = next(iter(kept.values())).payload["legs"]
        weights = {
            leg["name"]: float(playground.weights.get(leg["name"], leg.get("weight", 1.0)))
            for leg in legs
        }
        plan = Plan(
            FusionChoice(playground.strategy, playground.k, weights, playground.top_k),
            x,
            y or next((name for name in weights if name != x), ""),
            measure,
            seed,
        )
        top_k = playground.top_k
        return Sweep(plan, {q: Query(each, qrels[q], top_k) for q, each in kept.items()})

    def _sweep(self, message: Mapping[str, Any]) -> dict[str, JSON]:
        """Work on a sweep for a moment; the `result` comes with the last cell."""
        if message.get("is_new") or self._under_way is None:
            x, y, measure = (str(message.get(name)) for name in ("x", "y", "measure"))
            self._under_way = self.sweep(x, y, measure, int(message.get("seed", 0)))
        done = self._under_way.step()
        return {**done, "result": self._under_way.told() if self._under_way.is_done else None}

    @property
    def scope(self) -> Scope:
        """What the settings ask a search for, beside the query."""
        return Scope(self._asking.filters, self._playground.raised)

    def _scope_of(self, pinned: Mapping[str, Any]) -> Scope:
        """The same of a baseline."""
        raised = self._playground.raised_of(pinned.get("top_k", {}))
        return Scope(pinned.get("filters"), raised)

    def _scopes(self) -> list[Scope]:
        """That of the settings, and of the baseline where it is another."""
        pinned = self._playground.baseline
        found = [self.scope, *([self._scope_of(pinned)] if pinned else [])]
        return found[:1] if found[0] == found[-1] else found
