"""What a finding tells to write, as an edit of the text: only where one edit can be meant.

The remedies of findings are sentences for people. Those of a few fixed forms name the text to
write, and the place of the finding says what it replaces; all others stay advice.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from mixpeek_lab.errors import SourceError
from mixpeek_lab.findings import Finding
from mixpeek_lab.source import ExtractorSource, parse_python, python_lines

_MEANT = re.compile(r'^Did you mean (?:"(?P<text>[^"]+)"|`(?P<name>[A-Za-z_]\w*)`)\?')
_WRITE = re.compile(r"^Write (\{.*\})\.$", re.DOTALL)
_READ = re.compile(r'^Read \w+\["data"\]\.$')
_RENAME = re.compile(r"^Rename it to `(\w+)`\.$")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One piece of one file's text, and what to write in its place.

    Lines count from 1, columns from 0 in characters; the end is behind the last one replaced.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    finding: Finding


def edits_for(source: ExtractorSource, findings: Iterable[Finding]) -> list[Edit]:
    """The edits that remedy these findings, in the order of the text; none overlaps another."""
    found: dict[tuple[str, int, int, int, int], Edit] = {}
    for finding in findings:
        for edit in _edits(source, finding):
            place = (edit.path, edit.line, edit.column, edit.end_line, edit.end_column)
            found.setdefault(place, edit)
    kept: list[Edit] = []
    # The larger of two that overlap says what the smaller one says, and more.
    for edit in sorted(found.values(), key=lambda e: (e.path, e.line, e.column, -e.end_line)):
        last = kept[-1] if kept else None
        if last is None or last.path != edit.path or _end(last) <= (edit.line, edit.column):
            kept.append(edit)
    return kept


def apply_edits(text: str, edits: Iterable[Edit], above: int = 0) -> str:
    """The text with the edits made; `above`: lines that stand above its first one."""
    lines = python_lines(text)
    for edit in sorted(edits, reverse=True, key=lambda e: (e.line, e.column)):
        first, last = edit.line - 1 - above, edit.end_line - 1 - above
        before, after = lines[first][: edit.column], lines[last][edit.end_column :]
        lines[first : last + 1] = python_lines(before + edit.text + after)
    return "".join(lines)


# ------------------------------------------------------------------------------ one finding


def _edits(source: ExtractorSource, finding: Finding) -> Iterator[Edit]:
    text = source.text(finding.path)
    if text is None or not finding.line or not finding.column:
        return
    with suppress(SourceError):
        nodes = _Nodes(text, finding)
        for node, written in nodes.replacements():
            yield nodes.edit(node, written)


class _Nodes:
    """The nodes of one file around the place of one finding."""

    def __init__(self, text: str, finding: Finding) -> None:
        self._tree, self._lines = parse_python(finding.path, text), python_lines(text)
        self._finding = finding
        self._place = (finding.line, finding.column - 1)

    def replacements(self) -> Iterator[tuple[ast.AST | str, str]]:
        """A node, or the name at the finding's place, and what to write instead."""
        fix = self._finding.fix
        if meant := _MEANT.match(fix):
            yield from self._meant(meant["text"], meant["name"])
        elif write := _WRITE.match(fix):
            yield from self._dict(write[1])
        elif rename := _RENAME.match(fix):
            yield from self._renamed(rename[1])
        elif _READ.match(fix):
            yield from self._column()

    def edit(self, node: ast.AST | str, text: str) -> Edit:
        """Writes `text` in place of a node, or of a name at the finding's place."""
        if isinstance(node, str):
            line, column = self._place
            return Edit(
                self._finding.path, line, column, line, column + len(node), text, self._finding
            )
        start, end = _span(node, self._lines)
        return Edit(self._finding.path, *start, *end, text, self._finding)

    def _here(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        for node in ast.walk(self._tree):
            if isinstance(node, kinds) and _span(node, self._lines)[0] == self._place:
                yield node

    def _meant(self, text: str | None, name: str | None) -> Iterator[tuple[ast.AST | str, str]]:
        meant = str(text or name)
        for node in self._here(ast.Constant):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node, json.dumps(meant, ensure_ascii=False)
                return
        yield from self._renamed(meant)

    def _renamed(self, name: str) -> Iterator[tuple[ast.AST | str, str]]:
        if not name.isidentifier():
            return
        for node in self._here(ast.keyword, ast.Name, ast.Constant, ast.AnnAssign, ast.Assign):
            if isinstance(node, ast.keyword) and node.arg:
                yield node.arg, name
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node, json.dumps(name)
            elif isinstance(node, ast.Name):
                yield node, name
            else:
                continue
            return

    def _dict(self, written: str) -> Iterator[tuple[ast.AST | str, str]]:
        """The smallest dict around the place, where all that is to be written is known."""
        with suppress(SyntaxError):
            ast.parse(written, mode="eval")
            around = [node for node in ast.walk(self._tree) if self._is_around(node)]
            known = not any(
                isinstance(node, ast.Constant) and node.value is ...
                for node in ast.walk(ast.parse(written, mode="eval"))
            )
            if around and known:
                yield max(around, key=lambda node: _span(node, self._lines)[0]), written

    def _is_around(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Dict):
            return False
        start, end = _span(node, self._lines)
        return start <= self._place < end

    def _column(self) -> Iterator[tuple[ast.AST | str, str]]:
        for node in self._here(ast.Subscript):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                yield node.slice, '"data"'
                return


def _end(edit: Edit) -> tuple[int, int]:
    return edit.end_line, edit.end_column


def _span(node: ast.AST, lines: list[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a node begins and ends: line from 1, column from 0 in characters."""
    numbers = [getattr(node, name, 0) or 0 for name in ("lineno", "end_lineno")]
    offsets = [getattr(node, name, 0) or 0 for name in ("col_offset", "end_col_offset")]
    ends = [
        (line, len(lines[line - 1].encode()[:offset].decode(errors="replace")))
        for line, offset in zip(numbers, offsets, strict=True)
        if 0 < line <= len(lines)
    ]
    return (ends[0], ends[1]) if len(ends) == 2 else ((0, 0), (0, 0))
