"""The widget: answers its view's questions about a result that DuckDB keeps."""

from __future__ import annotations

import csv
import threading
from collections.abc import Mapping
from contextlib import suppress
from io import StringIO
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.inspection import LabPages, News, Pages, View
from mixpeek_lab.widgets.assets import module_text, style_text
from mixpeek_lab.widgets.explorer.media import (
    MEDIA_COLUMN,
    has_media,
    is_media_column,
    media_cells,
    playable,
)
from mixpeek_lab.widgets.explorer.packing import norm_of, pack_page
from mixpeek_lab.widgets.explorer.selection import Selection
from mixpeek_lab.widgets.explorer.static import static_forms
from mixpeek_lab.widgets.messages import answer, pack, reply
from mixpeek_lab.widgets.saving import LabWidget, with_saved

if TYPE_CHECKING:
    import pandas as pd

MOST_PAGE_ROWS = 1_000
MOST_COPIED_ROWS = 5_000
LONGEST_TEXT = 200_000
"""Characters of one value that the view shows when it is opened."""
SECONDS_BETWEEN_LOOKS = 1.0
"""Whether the rows' collections have changed is looked for no more often."""
ROW_HEIGHT, MEDIA_ROW_HEIGHT = 28, 60
"""Pixels."""


class Explorer(LabWidget):
    """A table to look through: sorted, filtered and summarised by DuckDB, shown a page at a time.

    `pages` is `lab.pages("docs")` or of any SQL. Set `sort`, `filters` (see
    `inspection.selecting`) and `search` from Python, or in the view. `frame()` has the rows of the
    view, `sql` the query for them; `selected` and `selection_sql` have those that are picked.
    """

    _esm = module_text(
        "nodes.js", "bodies.js", "explorer/calls.js", "explorer/rows.js", "explorer/cells.js",
        "explorer/scroller.js", "explorer/head.js", "explorer/grid.js", "explorer/keys.js",
        "explorer/filter.js", "explorer/detail.js", "explorer/frame.js", "explorer/newer.js",
        "explorer/explorer.js",
    )  # fmt: skip
    _css = style_text("theme.css", "explorer/explorer.css", "explorer/grid.css")

    sort = traitlets.List().tag(sync=True)
    """`["year", "desc"]` each, the most important first."""
    filters = traitlets.Dict().tag(sync=True)
    """Column → filter: `{"year": {"min": 1999}, "genre": {"in": ["drama"]}}`."""
    search = traitlets.Unicode("").tag(sync=True)
    """Rows that hold this text anywhere."""
    about = traitlets.Dict().tag(sync=True)
    """What does not change: title, code, columns, number of rows."""

    def __init__(self, pages: Pages, title: str = "", code: str = "") -> None:
        """`title`: what is shown. `code`: the line that makes this widget again."""
        self._version, self._is_answering, self._readings = 0, False, 0
        self._lock = threading.RLock()
        self._title, self._code = title or "Result", code
        self._take(pages)
        super().__init__(about=self._about())
        self.observe(self._on_view, ["sort", "filters", "search"])
        self.on_msg(self._on_message)

    # ---------------------------------------------------------------- for people

    @property
    def sql(self) -> str:
        """The rows of the view, in its order, as SQL for `%inspect` and `lab.sql`."""
        return self._pages.sql(self._view)

    def frame(self, limit: int | None = None) -> pd.DataFrame:
        """The rows of the view, in its order; at most `limit`."""
        return self._pages.frame(self._pages.rows(self._view)[:limit])

    @property
    def selected(self) -> pd.DataFrame:
        """The picked rows, in the order of the view."""
        return self._pages.frame(self._picked())

    @property
    def selection_sql(self) -> str:
        """The picked rows as SQL: by `document_id` where there is one, else by row number."""
        picked = self._picked()
        if len(picked) and len(picked) == self._pages.count(self._view):
            return self.sql
        return self._pages.sql_of_rows([int(each) for each in picked])

    def renew(self) -> None:
        """Read the rows of the same query anew. Filters, order and search stay where they can.

        Errors as for `lab.pages`; then the rows stay as they were.
        """
        with self._lock:
            if not isinstance(self._pages, LabPages):
                raise InvalidInputError("These rows are no query's of a lab: run the cell again.")
            old, view = self._pages, self._view
            self._take(old.again())
            if not _is_possible(self._pages, view):
                self._set_view([], {}, "")
            self._readings += 1
            self._version += 1
            self.about = self._about()  # its views build themselves anew
        old.close()

    def close(self) -> None:
        """Take the view away and free the rows."""
        super().close()
        self._pages.close()

    def __repr__(self) -> str:
        return f"Explorer({self._title!r}, {self._pages.total:,} rows)"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and beside it text and HTML that stay when the kernel is gone."""
        text, html = static_forms(self._pages, self._view, self._title, self._code, self._has_media)
        return with_saved(super()._repr_mimebundle_(**kwargs), text, html)

    # ---------------------------------------------------------------- the rows

    def _take(self, pages: Pages) -> None:
        self._pages, self._selection = pages, Selection(pages.total)
        self._has_media = has_media(pages)
        self._news, self._looked_at = News(), float("-inf")

    def _about(self) -> dict[str, Any]:
        columns = [
            {
                "name": column.name,
                "type": column.type,
                "kind": column.kind,
                "is_float": column.is_float,
                "is_lineage": column.is_lineage,
                "is_media": self._has_media and is_media_column(column),
            }
            for column in self._pages.columns
        ]
        return {
            "title": self._title,
            "code": self._code,
            "columns": columns,
            "total": self._pages.total,
            "row_height": MEDIA_ROW_HEIGHT if self._has_media else ROW_HEIGHT,
            "reading": self._readings,
        }

    def _told_news(self) -> dict[str, Any]:
        """Whether there are newer rows, for the head of an answer; looked for once a second."""
        pages = self._pages
        if isinstance(pages, LabPages) and monotonic() - self._looked_at >= SECONDS_BETWEEN_LOOKS:
            self._looked_at = monotonic()
            with suppress(Exception):  # what was asked is answered, whatever has become of the lab
                self._news = pages.news()
        news = self._news
        return {"news": news.told, "can_renew": news.can_renew} if news.told else {}

    # ---------------------------------------------------------------- the view

    @property
    def _view(self) -> View:
        return _view_of(self.sort, self.filters, self.search)

    def _picked(self) -> np.ndarray[Any, Any]:
        return self._selection.among(self._pages.rows(self._view))

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Answer one request of the view."""
        handlers = {
            "state": lambda _: self._state(),
            "view": self._change,
            "page": self._page,
            "summary": self._summary,
            "media": lambda message: media_cells(self._pages, list(message["rows"])),
            "cell": self._cell,
            "select": self._select,
            "copy": self._copy,
            "look": lambda _: {},
            "renew": lambda _: self.renew(),
        }
        with self._lock:  # JupyterLab asks on a thread beside the one that runs cells
            told, news = answer(handlers, content), self._told_news()
        for header, buffers in told.messages():
            self.send({**header, **news}, buffers)

    def _state(self) -> dict[str, Any]:
        view = {"sort": self.sort, "filters": self.filters, "search": self.search}
        count, selected = self._pages.count(self._view), len(self._selection)
        return {**view, "version": self._version, "count": count, "selected": selected}

    def _change(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The view wants other rows, or another order."""
        sort, filters = message.get("sort", []), message.get("filters", {})
        search = str(message.get("search", ""))
        self._pages.rows(_view_of(sort, filters, search))  # raises before anything is changed
        self._set_view(sort, filters, search)
        self._turn_over()
        return self._state()

    def _set_view(self, sort: Any, filters: Any, search: str) -> None:
        """Without a word to the view: it hears of it otherwise."""
        self._is_answering = True
        try:
            with self.hold_trait_notifications():
                self.sort, self.filters, self.search = sort, filters, search
        finally:
            self._is_answering = False

    def _on_view(self, _change: Any) -> None:
        """`sort`, `filters` or `search` was set: from Python the view has to hear of it."""
        with self._lock:
            if self._is_answering:
                return
            self._turn_over()
            told = reply("push", self._state())
        for header, buffers in told.messages():
            self.send(header, buffers)

    def _turn_over(self) -> None:
        self._version += 1
        if len(self._selection):
            self._selection.keep(self._pages.rows(self._view))

    def _page(self, message: Mapping[str, Any]) -> bytes:
        start, count = max(0, int(message["start"])), min(int(message["count"]), MOST_PAGE_ROWS)
        names = list(message["columns"])
        numbers, table = self._pages.page(self._view, start, count, names)
        columns = [self._pages.column(name) for name in names]
        return pack_page(start, numbers, self._selection.flags[numbers], table, columns)

    def _summary(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return self._pages.summary(self._view, str(message["column"])).as_json()

    def _cell(self, message: Mapping[str, Any]) -> bytes:
        """One value as a whole: `text`, or for a vector its numbers (f32), or media to play."""
        row, name = int(message["row"]), str(message["column"])
        value = self._pages.values(row, [name])[name]
        if isinstance(value, list):
            with np.errstate(over="ignore"):
                numbers = np.asarray(value, "<f4")
            return pack({"form": "vector", "norm": norm_of(value)}, [numbers.tobytes()])
        text = None if value is None else value[:LONGEST_TEXT]
        head = {"form": "text", "text": text, "length": len(value or ""), "mime": "", "file": None}
        if self._has_media and name == MEDIA_COLUMN:
            file = media_cells(self._pages, [row]).get(str(row))
            mime, content = playable(self._pages, row)
            return pack({**head, "file": file, "mime": mime}, [content])
        return pack(head, [])

    def _select(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Pick rows by their places in the view, `first` to `last`."""
        rows = self._pages.rows(self._view)[int(message["first"]) : int(message["last"]) + 1]
        self._selection.apply(str(message["what"]), rows)
        return {"selected": len(self._selection)}

    def _copy(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Text for the clipboard: the picked rows (all, where none is) as SQL or tab-separated."""
        has_picked = len(self._selection) > 0
        if message["what"] == "sql":
            return {"text": self.selection_sql if has_picked else self.sql, "rows": None}
        rows = (self._picked() if has_picked else self._pages.rows(self._view))[:MOST_COPIED_ROWS]
        table = self._pages.texts(rows, [str(each) for each in message["columns"]])
        text = StringIO()
        lines = csv.writer(text, "excel-tab", lineterminator="\n")
        lines.writerow(table.column_names)
        lines.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
        return {"text": text.getvalue(), "rows": len(rows)}

    @traitlets.validate("sort", "filters", "search")
    def _check(self, proposal: Mapping[str, Any]) -> Any:
        given = {"sort": (), "filters": {}, "search": "", proposal["trait"].name: proposal["value"]}
        self._pages.check(_view_of(**given))
        return proposal["value"]


def _is_possible(pages: Pages, view: View) -> bool:
    """Whether the columns are there and take the filters' values."""
    try:
        pages.check(view)
    except (InvalidInputError, NotFoundError):
        return False
    return True


def _view_of(sort: Any, filters: Any, search: str) -> View:
    return View(tuple((str(name), str(way)) for name, way in sort), dict(filters), search)
