"""A whole package in one cell, each file under its own `# file: path` line."""

from __future__ import annotations

import re

from mixpeek_lab.cells.placing import CORE, MANIFEST, PIPELINE, REALTIME
from mixpeek_lab.cells.split import CellSplit, split_cell
from mixpeek_lab.errors import SourceError
from mixpeek_lab.manifests import demand_importable
from mixpeek_lab.source import LAYOUT, SUFFIXES, ExtractorSource

_ORDER = (MANIFEST, CORE, REALTIME, PIPELINE)
_UNENDED = "  (no newline at end)"
_HEADER = re.compile(
    r"^\# file:[ \t]*(?P<path>\S(?:[^\r\n]*?\S)??)[ \t]*"
    r"(?P<unended>\(no newline at end\))?[ \t]*\r?$\n?",
    re.MULTILINE,
)
_LOOKALIKE = re.compile(r"^# (\\*)file:", re.MULTILINE)
_ESCAPED = re.compile(r"^# \\(\\*)file:", re.MULTILINE)


def read_cell(name: str, text: str) -> CellSplit:
    """A cell's package: by its `# file:` lines where it starts with one, else cut as typed."""
    is_sections = _HEADER.match(text.lstrip())
    return split_sections(name, text) if is_sections else split_cell(name, text)


def split_sections(name: str, text: str) -> CellSplit:
    """The files under the `# file: path` lines of a cell.

    One empty line above a `# file:` line separates and belongs to no file. The last file gets a
    newline at its end where the cell lacks it. Raises SourceError for text above the first such
    line, a path given twice, a cell without manifest.py, or a name that no import can say.
    """
    demand_importable(name)
    headers = list(_HEADER.finditer(text))
    if not headers:
        raise SourceError("The cell has no `# file: manifest.py` line: it names no file.")
    if text[: headers[0].start()].strip():
        raise SourceError(
            f"Line 1: there is text above `{headers[0][0].strip()}`, which belongs to no file. "
            "Start the cell with a `# file:` line."
        )
    files: list[tuple[str, str]] = []
    line_map: dict[str, tuple[int | None, ...]] = {}
    for position, header in enumerate(headers):
        is_last = position + 1 == len(headers)
        end = len(text) if is_last else headers[position + 1].start()
        body = _body(text[header.end() : end], is_last, header["unended"] is not None)
        first = text.count("\n", 0, header.end()) + 1
        files.append((header["path"], body))
        line_map[header["path"]] = tuple(range(first, first + len(body.split("\n"))))
    source = ExtractorSource(name, tuple(files))
    if source.text(MANIFEST) is None:
        raise SourceError(f"The cell has no `# file: {MANIFEST}`. An extractor has:\n{LAYOUT}")
    return CellSplit(source, line_map)


def join_sections(source: ExtractorSource) -> str:
    """The cell text that `split_sections` turns back into the same files, byte for byte.

    Lines that look like a `# file:` line themselves are written `# \\file:`; a file without a
    newline at its end has that noted on its line. (A front end that trims a cell's end may take
    further empty lines from the last file; files that end in exactly one newline are safe.)
    """
    rest = [path for path in source.paths if path not in _ORDER]
    order = [path for path in (*_ORDER, *rest) if path in source.paths]
    return "\n".join(_section(path, source.text(path) or "") for path in order)


def add_file(source: ExtractorSource | None, name: str, path: str, text: str) -> ExtractorSource:
    """The extractor `name` with one more file, from a cell that holds just this file.

    `source` is what was there before, None for the first cell. The text gets a newline at its end
    where it lacks one. Raises SourceError for a path or a name that no extractor can have.
    """
    demand_importable(name)
    if not path.endswith(SUFFIXES):
        raise SourceError(
            f"{path!r} cannot be a file of an extractor: its files end in {', '.join(SUFFIXES)}."
        )
    before = source if source is not None else ExtractorSource(name, ())
    if before.name != name:
        raise SourceError(f"The cell is for {name!r}, but the extractor is called {before.name!r}.")
    return before.with_file(path, text if not text or text.endswith("\n") else f"{text}\n")


def _section(path: str, text: str) -> str:
    body = _LOOKALIKE.sub(r"# \\\1file:", text)
    if text and not text.endswith("\n"):
        return f"# file: {path}{_UNENDED}\n{body}\n"
    return f"# file: {path}\n{body}"


def _body(raw: str, is_last: bool, is_unended: bool) -> str:
    if not is_last and (raw.endswith("\n\n") or raw == "\n"):
        raw = raw[:-1]
    if is_last and raw and not raw.endswith("\n"):
        raw += "\n"
    if is_unended:
        raw = raw.removesuffix("\n")
    return _ESCAPED.sub(r"# \1file:", raw)
