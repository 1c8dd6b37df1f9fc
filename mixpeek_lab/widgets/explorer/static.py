"""The explorer without its widget: the first rows and the columns' figures, as text and HTML."""

from __future__ import annotations

from html import escape
from typing import Any

from mixpeek_lab.inspection import Column, Pages, View
from mixpeek_lab.inspection.summaries import summary_line
from mixpeek_lab.markup import MUTED, printable
from mixpeek_lab.widgets.explorer.media import is_media_column, media_cells
from mixpeek_lab.widgets.explorer.packing import norm_of
from mixpeek_lab.widgets.static import Markup, rerun_html, saved_view, table_html, table_text

ROWS = 10
MOST_COLUMNS = 14
LONGEST = 60
"""Characters of a cell."""

Rows = list[list[Any]]


def static_forms(
    pages: Pages, view: View, title: str, code: str, with_media: bool
) -> tuple[str, str]:
    """Plain text, and HTML without scripts in which everything is escaped.

    Both: a line, the columns with their figures, and the first rows; `code` makes the view again.
    """
    columns = _columns(pages)
    figures = [summary_line(c, pages.summary(view, c.name)) for c in columns]
    rows, pictures = _cells(pages, view, columns, with_media)
    told = (position(pages, view), columns, figures, rows, _left_out(pages, columns))
    return _text(title, *told), _html(title, *told, pictures, code)


def _text(
    title: str, told: str, columns: list[Column], figures: list[str], rows: Rows, note: str
) -> str:
    about = [[c.name, c.type, figure] for c, figure in zip(columns, figures, strict=True)]
    parts = [f"{title}: {told}", table_text(["column", "type", ""], about)]
    if rows:
        parts.append(table_text([c.name for c in columns], rows))
    return "\n\n".join([*parts, *filter(None, [note])])


def _html(
    title: str, told: str, columns: list[Column], figures: list[str], rows: Rows, note: str,
    pictures: dict[tuple[int, int], str], code: str,
) -> str:  # fmt: skip
    style = f"{MUTED};display:inline-block;min-width:8em"
    about = [
        Markup(f'<small style="{style}">{escape(c.type)}<br>{escape(figure)}</small>')
        for c, figure in zip(columns, figures, strict=True)
    ]
    body: Rows = [about, *([*row] for row in rows)]
    for (row, at), uri in pictures.items():
        text = escape(str(rows[row][at]))
        body[row + 1][at] = Markup(f'<img src="{escape(uri)}" alt="" height="48"><br>{text}')
    said = f'<span style="{MUTED}">{escape(told)}</span>'
    last = f'<p style="{MUTED}">{escape(note)}</p>' if note else ""
    top = f"<p><strong>{escape(title)}</strong> {said}</p>"
    return saved_view(top, table_html([c.name for c in columns], body), last, rerun_html(code))


def position(pages: Pages, view: View) -> str:
    """`1,000 rows, 8 columns` or `12 of 1,000 rows, 8 columns`."""
    count, width = pages.count(view), len(pages.columns)
    of = f"{count:,} of " if count != pages.total else ""
    rows = f"{of}{pages.total:,} row{'' if pages.total == 1 else 's'}"
    return f"{rows}, {width} column{'' if width == 1 else 's'}"


def _columns(pages: Pages) -> list[Column]:
    """Those that a view shows at first."""
    shown = [column for column in pages.columns if not column.is_lineage] or list(pages.columns)
    return shown[:MOST_COLUMNS]


def _left_out(pages: Pages, columns: list[Column]) -> str:
    hidden = [column.name for column in pages.columns if column not in columns]
    return f"Not shown: {', '.join(hidden)}." if hidden else ""


def _cells(
    pages: Pages, view: View, columns: list[Column], with_media: bool
) -> tuple[Rows, dict[tuple[int, int], str]]:
    """The first rows as text, and thumbnails by (row, column)."""
    numbers, table = pages.page(view, 0, ROWS, [column.name for column in columns])
    files = media_cells(pages, [int(n) for n in numbers]) if with_media else {}
    pictures, rows = {}, []
    for row, (number, record) in enumerate(zip(numbers, table.to_pylist(), strict=True)):
        cells = []
        for at, column in enumerate(columns):
            file = files.get(str(number)) if is_media_column(column) else None
            if file and file["thumbnail"]:
                pictures[row, at] = file["thumbnail"]
            cells.append(file["text"] if file else _shown(record[column.name]))
        rows.append(cells)
    return rows, pictures


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return f"[{len(value)}] norm {norm_of(value):.3g}"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(printable(str(value)).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
