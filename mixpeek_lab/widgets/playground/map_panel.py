"""The playground's map, in the kernel: projections made in the background, hits as points."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError, LabError
from mixpeek_lab.models import JSON
from mixpeek_lab.projections import METHODS, recipe
from mixpeek_lab.widgets.embedding_answers import document_body, packed
from mixpeek_lab.widgets.embedding_colours import PALETTE, Colours, colours_of, no_colours
from mixpeek_lab.widgets.embedding_hits import Known
from mixpeek_lab.widgets.embedding_star import Star
from mixpeek_lab.widgets.embedding_work import Work
from mixpeek_lab.widgets.messages import Handler, error_body

if TYPE_CHECKING:
    from mixpeek_lab.widgets.playground.asking import Asking
    from mixpeek_lab.widgets.playground.map_support import MapSupport, VectorMap
    from mixpeek_lab.widgets.playground.widget import Playground

MOST_CHOSEN = 10_000
"""Documents that a lasso's filter names: as many as a condition takes."""
QUIET = {theme: {**paint, "plain": paint["other"]} for theme, paint in PALETTE.items()}
"""Points without a colour are grey here: the hits have the colour."""


class _Open:
    """A map that is open: its points, and the projections made of them."""

    def __init__(self, key: str, shown: VectorMap, panel: MapPanel) -> None:
        self.key, self.shown, self.known = key, shown, Known(shown.ids)
        self.work = Work(
            shown.project, recipe("pca"),
            partial(panel.done, self), partial(panel.failed, self), partial(panel.progress, self),
        )  # fmt: skip
        self.star = Star(shown.place, shown.place_finely, panel.better)
        self.method = ""
        """The projection that is shown; empty before the first."""

    def close(self) -> None:
        """End what is under way."""
        self.work.end()
        self.star.leave()

    def colours(self, field: str) -> Colours:
        """A field's values as colours; NotFoundError."""
        return colours_of(self.shown.values(field)) if field else no_colours(len(self.known.ids))


class MapPanel:
    """One method for each kind of request. What goes on is in the playground's `map_status`."""

    def __init__(self, playground: Playground, asking: Asking, support: MapSupport) -> None:
        self._playground, self._asking, self._support = playground, asking, support
        self._open: _Open | None = None
        self._vector: tuple[Any, Any] = (None, None)
        self._version = 0

    def handlers(self) -> dict[str, Handler]:
        """Request type → what answers it."""
        return {
            "map_offers": self._on_offers, "map_open": self._on_open, "map_make": self._on_make,
            "map_cancel": self._on_cancel, "map_points": self._on_points,
            "map_legend": self._on_legend, "map_codes": self._on_codes,
            "map_locate": self._on_locate, "map_passing": self._on_passing,
            "map_star": self._on_star, "map_document": self._on_document, "map_ids": self._on_ids,
        }  # fmt: skip

    def close(self) -> None:
        """End what is under way."""
        if self._open is not None:
            self._open.close()

    # ---------------------------------------------------------------- which map

    def _on_offers(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """The maps there can be, and how they are made."""
        return {"maps": list(self._support.offers()), "methods": list(METHODS), "palette": QUIET}

    def _on_open(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A map: its size, and which projections only have to be read; one of those is shown."""
        key, asked = str(message.get("map", "")), str(message.get("method", ""))
        shown, opened = self._support.open(key), self._open
        kept = [method for method in METHODS if _is_kept(shown, method)]
        if opened is None or opened.key != key or opened.shown.state is not shown.state:
            self.close()
            self._open = opened = _Open(key, shown, self)
            opened.method = asked if asked in kept else next(iter(kept), "")
            if opened.method:
                opened.work.make(opened.method)
            self._tell()
        return {"count": len(opened.known.ids), "fields": list(shown.fields), "kept": kept}

    def _on_make(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Show another projection: it is worked out in the background where it has to be."""
        opened, method = self._opened(), recipe(str(message.get("method", ""))).method
        opened.work.end()
        if method in opened.work.made or _is_kept(opened.shown, method):
            if method not in opened.work.made:
                opened.work.make(method)
            self.done(opened, method)
        else:
            self._tell(method, "Beginning", None)
            opened.work.begin(method)
        return {}

    def _on_cancel(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """End what is under way; what was shown stays."""
        self._opened().work.end()
        self._tell()
        return {}

    def done(self, opened: _Open, method: str) -> None:
        """A projection is there."""
        opened.method = method
        if opened is self._open:
            self._tell()

    def failed(self, opened: _Open, error: Exception) -> None:
        """One could not be made."""
        if opened is self._open:
            self._tell(error=error_body(error)["message"])

    def progress(self, opened: _Open, phase: str, share: float | None) -> None:
        """How far it is."""
        status = self._playground.map_status
        if opened is self._open and status.get("phase"):
            self._playground.map_status = {**status, "phase": phase, "share": share}

    def better(self, star: Mapping[str, Any]) -> None:
        """The query's place is known better."""
        self._playground.send({"id": "map", "push": "star", "ok": True, "star": dict(star)})

    def _tell(
        self, making: str = "", phase: str = "", share: float | None = None, error: str = ""
    ) -> None:
        opened = self._opened()
        self._version += 1
        found = opened.work.made.get(opened.method)
        self._playground.map_status = {
            "map": opened.key, "shown": opened.method, "version": self._version,
            "note": found.note if found else "", "making": making, "phase": phase,
            "share": share, "error": error,
        }  # fmt: skip

    def _opened(self) -> _Open:
        if self._open is None:
            raise InvalidInputError("map: no map is open.")
        return self._open

    # ---------------------------------------------------------------- points

    def _on_points(self, message: Mapping[str, Any]) -> bytes:
        """x and y of each point, in the order of drawing."""
        opened = self._opened()
        made = opened.work.made.get(str(message.get("method", "")))
        if made is None or message.get("map") != opened.key:
            raise LabError("That map is shown no more.")
        return made.positions[opened.known.order].tobytes()

    def _on_legend(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return self._opened().colours(str(message.get("field", ""))).about()

    def _on_codes(self, message: Mapping[str, Any]) -> bytes:
        opened = self._opened()
        colours = opened.colours(str(message.get("field", "")))
        return colours.codes[opened.known.order].tobytes()

    def _on_document(self, message: Mapping[str, Any]) -> dict[str, Any]:
        opened = self._opened()
        key = opened.known.name_of_drawn(int(message["point"]))
        found = opened.shown.documents([key])
        if key not in found:
            raise LabError(f"Document {key} is gone by now.")
        return document_body(key, found[key])

    def _on_ids(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The documents of points."""
        points = message.get("points", ())
        if len(points) > MOST_CHOSEN:
            raise InvalidInputError(
                f"{len(points):,} documents are within; a filter names {MOST_CHOSEN:,} at most. "
                "Draw a smaller shape."
            )
        return {"ids": [self._opened().known.name_of_drawn(int(point)) for point in points]}

    # ---------------------------------------------------------------- hits, filter, query

    def _on_locate(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """The points of every candidate of the last answer, and of the document asked with."""
        opened = self._opened()
        payload = self._asking.payload or {}
        names = dict.fromkeys(key.split("#")[0] for key in payload.get("documents", ()))
        names |= dict.fromkeys([self._asking.like] if self._asking.like else [])
        found, _ = opened.known.find(list(names))
        places = opened.known.drawn(found)
        ids = [opened.known.ids[point] for point in found]
        return {
            "points": dict(zip(ids, places, strict=True)),
            "like": self._asking.like,
            "is_stale": self._support.open(opened.key).state is not opened.shown.state,
        }

    def _on_passing(self, _message: Mapping[str, Any]) -> bytes:
        """One bit for each point, in the order of drawing: whether the filter lets it through.

        No bytes where there is no filter.
        """
        opened = self._opened()
        allowed = self._support.passing(opened.shown, self._asking.filters)
        return b"" if allowed is None else packed(allowed.nonzero()[0], opened.known.order)

    def _on_star(self, _message: Mapping[str, Any]) -> dict[str, JSON]:
        """Where the query stands on the map that is shown: `{at, how}`."""
        opened, query = self._opened(), self._playground.query
        if not opened.method:
            return {}
        leg = opened.key.split("/")[0]
        if self._vector[0] != (query, leg):
            asked = {"query": query, "filters": self._asking.filters}
            self._vector = ((query, leg), self._support.vector(leg, asked))
        made = opened.work.made[opened.method]
        return opened.star.stand(self._vector[1], opened.method, made)


def _is_kept(shown: VectorMap, method: str) -> bool:
    """Whether a method's projection only has to be read; not where its library is missing."""
    try:
        return shown.is_kept(method, {})
    except LabError:
        return False
