"""The embedding map: a collection's vectors as points in the plane, to look at and to select."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from mixpeek_lab.errors import InvalidInputError, LabError
from mixpeek_lab.models import JSON
from mixpeek_lab.projections import METHODS, Projection, recipe
from mixpeek_lab.widgets.assets import module_text, style_text
from mixpeek_lab.widgets.embedding_answers import Binary, answered, document_body, packed, unpacked
from mixpeek_lab.widgets.embedding_colours import PALETTE, Colours, colours_of, no_colours
from mixpeek_lab.widgets.embedding_files import MODULES, STYLES
from mixpeek_lab.widgets.embedding_hits import (
    NO_HITS,
    Known,
    few_ids,
    found_ids,
    ids_filter,
    positions_frame,
)
from mixpeek_lab.widgets.embedding_lights import Ask, Documents, Lights
from mixpeek_lab.widgets.embedding_picture import saved_forms
from mixpeek_lab.widgets.embedding_star import Finely, Place
from mixpeek_lab.widgets.embedding_state import HOME_VIEW, checked_view
from mixpeek_lab.widgets.embedding_work import Project, Work
from mixpeek_lab.widgets.messages import error_body
from mixpeek_lab.widgets.saving import LabWidget

if TYPE_CHECKING:
    import pandas as pd


class EmbeddingMap(LabWidget):
    """A map of vectors: near points are alike.

    Set `method`, `color`, `view` or `hidden` and the picture follows; `highlight` rings search
    hits; what is selected (by lasso or `select`) is in `selected`, `filter` and `selection_sql`.
    PCA is there at once; other methods are worked out in the background: `wait` waits for them.

    Attributes:
        method: how vectors become points: pca, umap or tsne.
        highlights: what `highlight` lit: points, star, and how many hits are not on the map.
        selected_count: documents that are selected.
    """

    _esm = module_text(*MODULES)
    _css = style_text(*STYLES)

    about = traitlets.Dict().tag(sync=True)
    """What does not change: title, code, count, fields, methods, colours."""
    method = traitlets.Unicode("pca").tag(sync=True)
    color = traitlets.Unicode("").tag(sync=True)
    """The field that gives points their colours; empty: all alike."""
    hidden = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Labels of the legend that are switched off."""
    view = traitlets.Dict(default_value=HOME_VIEW).tag(sync=True)
    """The middle of the picture, and its zoom: 1 shows the points from -1 to 1."""
    status = traitlets.Dict().tag(sync=True)
    """What is shown (method, version, note) and what is being worked out (phase, share, error)."""
    query = traitlets.Unicode("").tag(sync=True)
    """Words that get a star, and discs on their nearest documents. Errors as a search's."""
    highlights = traitlets.Dict().tag(sync=True)
    selected_count = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        project: Project,
        ids: Sequence[str],
        documents: Documents,
        *,
        values: Callable[[str], Any] | None = None,
        fields: Sequence[str] = (),
        place: Place | None = None,
        place_finely: Finely | None = None,
        ask: Ask | None = None,
        sql: Callable[[Sequence[str]], str] | None = None,
        is_kept: Callable[[str, Mapping[str, JSON]], bool] | None = None,
        method: str = "pca",
        parameters: Mapping[str, JSON] | None = None,
        color: str = "",
        title: str = "",
        code: str = "",
    ) -> None:
        """`ids`: the document of each point. `values`: a field's name → its value at each point.

        `place` puts a query's vector on a projection, `place_finely` better where that takes
        seconds; `ask` answers `query`; `sql` writes a statement for ids. `is_kept`:
        whether a projection is at hand, and PCA need not be shown meanwhile. `parameters` are those
        of `method`. `code`: the line that makes this widget again.
        Errors of the first projection and of `color` are raised here.
        """
        self._documents = documents
        self._values, self._sql = values, sql
        asked = recipe(method, parameters)  # what there is not is refused before any work
        self._work = Work(project, asked, self._show, self._fail, self._tell)
        self._colours: dict[str, Colours] = {"": no_colours(len(ids))}
        self._selected = np.empty(0, np.int64)
        self._hits = NO_HITS
        self._asked = NO_HITS
        self._version = 0
        self._known = Known(ids)
        self._lights = Lights(self._known, documents, place, place_finely, ask, self._better)
        is_there = method == "pca" or (is_kept is not None and is_kept(method, parameters or {}))
        first = method if is_there else "pca"
        self._shown = first
        self._work.make(first)
        super().__init__(
            about={
                "title": title, "code": code, "count": len(ids), "fields": list(fields),
                "methods": list(METHODS), "palette": PALETTE, "can_ask": ask is not None,
            },
            method=method, color=color,
            status=self._status(),
        )  # fmt: skip
        self.observe(self._on_method, "method")
        self.observe(self._on_query, "query")
        self.on_msg(self._on_message)
        if first != method:
            self._work.begin(method)

    # ---------------------------------------------------------------- for people

    @property
    def positions(self) -> pd.DataFrame:
        """Where each document stands in the picture shown: document_id, x, y."""
        return positions_frame(self._known.ids, self._points.positions)

    @property
    def selected(self) -> pd.DataFrame:
        """The selected documents: document_id, x, y and their fields. Empty where none is."""
        chosen = self.selected_ids
        places = self._points.positions[self._selected]
        return positions_frame(chosen, places, self._documents(chosen))

    @property
    def selected_ids(self) -> list[str]:
        """Ids of the selected documents."""
        return self._known.names(self._selected)

    @property
    def filter(self) -> dict[str, JSON] | None:
        """A metadata filter that admits what is selected, for a search; None where nothing is.

        InvalidInputError for more than MOST_IDS documents.
        """
        return ids_filter(few_ids(self.selected_ids, "filter"))

    @property
    def selection_sql(self) -> str:
        """The selection as a statement for `%inspect` and `lab.sql`. Errors as `filter`."""
        if self._sql is None:
            raise InvalidInputError("This map was made without `sql`, which knows the table.")
        return self._sql(few_ids(self.selected_ids, "statement"))

    def select(self, ids: Any) -> None:
        """Select documents: ids, a DataFrame with a document_id, or a search's result.

        InvalidInputError names an id that is not on the map.
        """
        points, missing = self._known.find(found_ids(ids))
        if missing:
            raise InvalidInputError(f"Not on this map: {', '.join(missing[:5])}.")
        self._selected = np.unique(np.asarray(points, np.int64))
        self.selected_count = len(self._selected)
        self.send({"push": "selection"})

    def clear(self) -> None:
        """Select nothing."""
        self.select([])

    def highlight(self, hits: Any = None, query_vector: Any = None) -> None:
        """Ring search hits (a result, ids, a DataFrame); a star for the query's vector.

        Without arguments nothing is lit. Hits that are not on the map are counted in the legend.
        VectorError where the vector is of another length.
        """
        self._hits = self._lights.given(hits, query_vector)
        self._light()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until `method` is worked out; raises what went wrong, InvalidInputError in time."""
        self._work.wait(timeout)

    def close(self) -> None:
        """End what is being worked out, and the widget."""
        if hasattr(self, "_work"):  # else it was refused before it began
            self._work.end()
            self._lights.leave()
        super().close()

    def __repr__(self) -> str:
        coloured = f", color={self.color!r}" if self.color else ""
        points = f"{len(self._known.ids):,} points"
        return f"EmbeddingMap({self.about['title']}, {points}, {self._shown}{coloured})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and beside it text and a picture that stay when the kernel is gone."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        colours = self._coloured(self.color)
        saved = saved_forms(
            self, self.about, self._shown, self.color, self._points, colours, self._hits.points
        )
        return {**data, **saved}, metadata

    # ---------------------------------------------------------------- projections

    @property
    def _points(self) -> Projection:
        return self._work.made[self._shown]

    def _show(self, method: str) -> None:
        self._version += method != self._shown
        self._shown = method
        self.status = self._status()
        self._light()

    def _status(self) -> dict[str, Any]:
        note = self._work.made[self._shown].note
        return {"shown": self._shown, "version": self._version, "note": note, "phase": ""}

    def _tell(self, phase: str, share: float | None) -> None:
        if self._shown in self._work.made:  # else there is no view yet
            self.status = {**self._status(), "phase": phase, "share": share}

    def _fail(self, error: Exception) -> None:
        self.method = self._shown
        self.status = {**self._status(), "error": error_body(error)["message"]}

    def _on_method(self, change: Mapping[str, Any]) -> None:
        method = change["new"]
        if method in self._work.made:
            self._work.end()
            self._show(method)
        else:
            self._tell("Beginning", None)
            self._work.begin(method)

    @traitlets.validate("method")
    def _check_method(self, proposal: Mapping[str, Any]) -> str:
        return recipe(proposal["value"]).method

    @traitlets.validate("color")
    def _check_color(self, proposal: Mapping[str, Any]) -> str:
        field = str(proposal["value"])
        self._coloured(field)  # raises what is wrong with the field
        return field

    @traitlets.validate("view")
    def _check_view(self, proposal: Mapping[str, Any]) -> dict[str, float]:
        return checked_view({**self.view, **proposal["value"]})

    # ---------------------------------------------------------------- hits and selection

    @traitlets.validate("query")
    def _check_query(self, proposal: Mapping[str, Any]) -> str:
        query = str(proposal["value"])
        self._asked = self._lights.asked(query) if query.strip() else NO_HITS
        return query

    def _on_query(self, _change: Mapping[str, Any]) -> None:
        self._hits = self._asked
        self._light()

    def _light(self) -> None:
        self.highlights = self._lights.told(self._hits, self._shown, self._points)

    def _better(self, star: Mapping[str, Any]) -> None:
        self.highlights = {**self.highlights, "star": star["at"], "how": star["how"]}

    def _coloured(self, field: str) -> Colours:
        if field not in self._colours:
            if self._values is None:
                raise InvalidInputError("This map was made without `values`: it has no colours.")
            self._colours[field] = colours_of(self._values(field))
        return self._colours[field]

    # ---------------------------------------------------------------- the view

    def _on_message(self, _widget: Any, content: Mapping[str, Any], buffers: Any) -> None:
        """Answer one request of the view."""
        handlers = {
            "points": self._on_points,
            "colours": self._on_colours,
            "document": self._on_document,
            "selection": lambda _: Binary({}, packed(self._selected, self._known.order)),
            "select": lambda _: self._on_select(buffers),
            "query": self._on_asked,
        }
        for header, parts in answered(handlers, content):
            self.send(header, parts)

    def _on_points(self, _message: Mapping[str, Any]) -> Binary:
        about = {"method": self._shown, "version": self._version}
        return Binary(about, self._points.positions[self._known.order].tobytes())

    def _on_colours(self, message: Mapping[str, Any]) -> Binary:
        colours = self._coloured(str(message.get("field", "")))
        return Binary(colours.about(), colours.codes[self._known.order].tobytes())

    def _on_document(self, message: Mapping[str, Any]) -> dict[str, Any]:
        key = self._known.name_of_drawn(int(message["point"]))
        found = self._documents([key])
        if key not in found:
            raise LabError(f"Document {key} is gone. Run the map's cell again.")
        return document_body(key, found[key])

    def _on_asked(self, message: Mapping[str, Any]) -> dict[str, Any]:
        self.query = str(message.get("query", ""))
        return {}

    def _on_select(self, buffers: Any) -> dict[str, Any]:
        self._selected = unpacked(buffers[0] if buffers else b"", self._known.order)
        self.selected_count = len(self._selected)
        return {"count": self.selected_count}
