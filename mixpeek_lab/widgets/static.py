"""Search results as plain text and as HTML without scripts, for saved notebooks and terminals.

Hits are somebody else's text: everything that comes out of a payload is escaped in HTML, and
control characters are taken out of the text form.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mixpeek_lab.markup import AS_IT_IS
from mixpeek_lab.markup import printable as printable  # for those who import it from here
from mixpeek_lab.widgets.media import media_text, thumbnail

HEADING_FIELDS = ("title", "name", "heading", "subject", "package", "filename", "file_name", "id")
"""Fields that name a document, in order of preference."""

HEADING_LENGTH = 120
SNIPPET_LENGTH = 320
"""Characters of a hit's passage, which HTML breaks into lines."""
MEDIA_LENGTH = 160
TEXT_WIDTH, TEXT_LINES = 64, 3
"""Room for a hit's name and passage in plain text."""
MOST_PICTURES = 12
"""Thumbnails in one table: they stay in the saved notebook."""

_TABLE = "border-collapse:collapse;font-size:13px;margin:.2em 0;font-variant-numeric:tabular-nums"
_CELL = "text-align:left;padding:3px 12px 3px 0;vertical-align:top"
_ONE_LINE = "white-space:nowrap"
_PROSE = "min-width:26em;overflow-wrap:anywhere"
_PASSAGE = "min-width:26em;max-width:56em;overflow-wrap:anywhere"
_SHORT, _WORD = 30, 80
"""Characters that a text, and a word, may have without being broken into lines."""

_MUTED = "opacity:.7"


class Markup(str):
    """HTML of our own making that a table's cell takes as it is."""

    __slots__ = ()


def heading_of(fields: Mapping[str, Any], text_field: str = "data") -> str:
    """The string that names a document: its title, its name, or its first short text field."""
    short = {
        name: value
        for name, value in fields.items()
        if isinstance(value, str) and name != text_field and 0 < len(value) <= HEADING_LENGTH
    }
    for name in HEADING_FIELDS:
        if name in short:
            return short[name]
    return next(iter(short.values()), "")


def snippet_of(fields: Mapping[str, Any], text_field: str = "data", length: int = 160) -> str:
    """The beginning of a document's text on one line, at most `length` characters."""
    text = fields.get(text_field)
    words = " ".join(printable(text).split()) if isinstance(text, str) else ""
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def format_score(score: float | None) -> str:
    """A score with four significant digits, so that small fused scores stay apart."""
    return "–" if score is None else f"{score:.4g}"


def table_text(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in plain text. Columns whose cells are all numbers or `–` stand to the right."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in cells)]) for at, name in enumerate(columns)]
    # A row of which only the last cell is filled goes on from the one above.
    whole = [row for row in cells if any(row[:-1])] or cells
    right = [
        bool(cells) and all(_is_number(row[at]) for row in whole) for at in range(len(columns))
    ]
    lines = [list(columns), *cells]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def table_html(columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> str:
    """An HTML table without scripts or style sheets; every cell is escaped, but for `Markup`.

    Columns that have no names have no head.
    """
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    title = f'<caption style="text-align:left">{escape(caption)}</caption>' if caption else ""
    top = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    rows_html = f"{top}<tbody>{body}</tbody>"
    table = f'<table style="{_TABLE}">{title}{rows_html}</table>'
    # What scrolls must be reached by keyboard.
    return f'<div class="{AS_IT_IS}" style="overflow-x:auto" tabindex="0">{table}</div>'


def _cell(cell: Any) -> str:
    """One cell: short ones stay on one line, long ones get room before they are broken."""
    if isinstance(cell, Markup):
        return f'<td style="{_CELL}">{cell}</td>'
    text = str(cell)
    is_short = len(text) <= (_SHORT if " " in text else _WORD)
    return f'<td style="{_CELL};{_ONE_LINE if is_short else _PROSE}">{escape(text)}</td>'


def results_text(payload: Mapping[str, Any], limit: int = 10) -> str:
    """The hits of a search payload as a text table: rank, score, rank per leg, text.

    Timings are left out, so that the same search always gives the same text.
    """
    columns, rows = _results_table(payload, limit)
    lines = [_summary(payload, len(rows))]
    lines += [f"warning: {warning}" for warning in payload.get("warnings", ())]
    if rows:
        shown = [line for row in rows for line in _text_lines(row)]
        lines.append(table_text(columns, shown))
    return "\n".join(lines)


def _text_lines(row: Sequence[str]) -> list[list[str]]:
    """A hit as rows of a text table: its passage goes on below, in the last column."""
    *facts, heading, text = row
    named = ": ".join(part for part in (heading, text) if part)
    # URLs and paths stay whole, to be copied.
    lines = textwrap.wrap(named, TEXT_WIDTH, max_lines=TEXT_LINES, placeholder=" …",
                          break_long_words=False, break_on_hyphens=False)  # fmt: skip
    first, *more = lines or [""]
    return [[*facts, first], *([*[""] * len(facts), line] for line in more)]


def results_html(
    payload: Mapping[str, Any], limit: int = 10, *, title: str = "", code: str = ""
) -> str:
    """The hits of a search payload as HTML without scripts; everything is escaped.

    `code` is the line that makes the live view again; it is shown below the table.
    """
    columns, rows = _results_table(payload, limit)
    pictures = _pictures(payload, len(rows))
    cells = [
        [*facts, _passage(heading, text, picture)]
        for (*facts, heading, text), picture in zip(rows, pictures, strict=True)
    ]
    parts = [f"<p><strong>{escape(title)}</strong></p>"] if title else []
    parts.append(f'<p style="{_MUTED}">{escape(_summary(payload, len(rows)))}</p>')
    parts += [f"<p>Warning: {escape(str(each))}</p>" for each in payload.get("warnings", ())]
    if rows:
        parts.append(table_html(columns, cells))
    parts.append(rerun_html(code))
    return saved_view(*parts)


def saved_view(*parts: str) -> str:
    """Parts that are HTML already, as the extension knows them for the saved form of a widget."""
    return f'<div class="mixpeek-lab-static {AS_IT_IS}">{"".join(parts)}</div>'


def message_html(title: str, message: str, code: str = "") -> str:
    """A titled sentence in place of results: no query yet, or what went wrong."""
    told = f"<p><strong>{escape(title)}</strong></p><p>{escape(message)}</p>"
    return saved_view(told, rerun_html(code))


def rerun_html(code: str) -> str:
    """The sentence that says how to get the live view back; empty without `code`."""
    if not code:
        return ""
    told = "Saved view. For the live one, run"
    if "\n" in code:
        return f'<p style="{_MUTED}">{told}</p><pre style="{_MUTED}">{escape(code)}</pre>'
    return f'<p style="{_MUTED}">{told} <code>{escape(code)}</code></p>'


def _summary(payload: Mapping[str, Any], shown: int) -> str:
    """One sentence: what was asked, how many documents were found, how they were fused."""
    query = _query_text(payload.get("query", {}))
    total = payload.get("total", shown)
    fusion = payload.get("fusion", {})
    name = str(fusion.get("strategy", ""))
    how = f"{name}, k={fusion['k']:g}" if name == "rrf" and "k" in fusion else name
    asked = f"“{printable(query)}”" if query else "no query"
    found = f"{shown} of {total} results" if shown else "no results"
    return f"{payload.get('retriever', '')}: {asked}, {found}" + (f" ({how})" if how else "")


def _query_text(query: Any) -> str:
    """The words of a query: `{"query_text": …}`, `{"query": …}` or a plain string."""
    if isinstance(query, str):
        return query
    named = [query.get(key) for key in ("query_text", "query", "text")]
    strings = [value for value in [*named, *query.values()] if isinstance(value, str)]
    return strings[0] if strings else ""


def _results_table(payload: Mapping[str, Any], limit: int) -> tuple[list[str], list[list[str]]]:
    """Columns of the table of hits, and its rows; of the last column they have name and text."""
    legs = [leg["name"] for leg in payload.get("legs", ())]
    text_field = payload.get("text_field") or "data"
    documents = payload.get("documents", {})
    rows = [
        _result_row(hit, legs, documents.get(hit["document_id"], {}), text_field)
        for hit in payload.get("hits", ())[:limit]
    ]
    # Where it stood after the fusion, of a hit that later stages worked on.
    if payload.get("stages"):
        for hit, row in zip(payload.get("hits", ()), rows, strict=False):
            first: Mapping[str, Any] = next(iter(hit.get("stages", ())), {})
            score = format_score(first.get("score_before"))
            row.insert(2, f"{first.get('rank_before') or '–'}: {score}")
    fused = ["fused"] if payload.get("stages") else []
    return ["rank", "score", *fused, *legs, "document"], rows


def _result_row(
    hit: Mapping[str, Any], legs: Sequence[str], document: Mapping[str, Any], text_field: str
) -> list[str]:
    """One hit: rank, score, its rank in every leg (`–` where it was not found), name, text."""
    ranks = {part["leg"]: part["rank"] for part in hit.get("contributions", ())}
    fields = document.get("fields", {})
    media = media_text(fields, document.get("lineage", {}), MEDIA_LENGTH)
    heading = printable(heading_of(fields, text_field))
    text = printable(media) or snippet_of(fields, text_field, SNIPPET_LENGTH)
    if not heading and not text:
        heading = str(hit["document_id"])
    parts = [str(ranks.get(leg) or "–") for leg in legs]
    return [str(hit["rank"]), format_score(hit["score"]), *parts, heading, text]


def _passage(heading: str, text: str, picture: str = "") -> Markup:
    """A hit's picture, name and passage, below each other."""
    parts = [
        f'<img src="{escape(picture)}" alt="">' if picture else "",
        f"<strong>{escape(heading)}</strong>" if heading else "",
        escape(text),
    ]
    return Markup(f'<div style="{_PASSAGE}">{"<br>".join(filter(None, parts))}</div>')


def _pictures(payload: Mapping[str, Any], count: int) -> list[str]:
    """Small pictures of those of the first `count` hits that are local images, as data URIs."""
    documents, left, found = payload.get("documents", {}), MOST_PICTURES, []
    for hit in payload.get("hits", ())[:count]:
        document = documents.get(hit["document_id"], {})
        uri = thumbnail(document.get("fields", {}), document.get("lineage", {})) if left else ""
        left -= bool(uri)
        found.append(uri)
    return found


def _is_number(cell: str) -> bool:
    """Whether a cell is a number or the dash that stands for none."""
    return cell == "–" or cell.replace(".", "").replace("-", "").replace("e", "").isdigit()
