"""What the checks find in a cell as it is typed: nothing is defined, and nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import LabError
from mixpeek_lab.magics.definitions import line_of, read_definition
from mixpeek_lab.magics.session import lab_if_made
from mixpeek_lab.sidebar.fixes import fix_of, token_at

if TYPE_CHECKING:
    from mixpeek_lab.findings import Finding
    from mixpeek_lab.source import ExtractorSource

_HEAD = re.compile(r"\s*%%(?P<magic>extractor|retriever)[ \t]+(?P<rest>[^\n]*)(?:\n|$)")
_PLACE = re.compile(r"[Ll]ine (\d+)(?:, column (\d+))?:? ?")
_QUOTED = re.compile(r"['`\"]([^'`\"]+)['`\"]")
_SYNTAX = "SYN001"


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding where it stands in the cell. Lines and columns count from 1."""

    line: int
    column: int
    """0: the whole line."""
    length: int
    """Characters that are marked; 0: to the line's end."""
    severity: str
    rule: str
    message: str
    fix: str = ""
    replacement: str | None = None
    """What to write instead of what is marked, where that is known."""


def find(request: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """`{text}` of a cell → what its checks find."""
    from dataclasses import asdict

    return {"marks": [asdict(mark) for mark in marks(str(request.get("text", "")))]}


def marks(text: str) -> list[Mark]:
    """What is wrong in a cell of `%%extractor` or `%%retriever`; empty for any other."""
    head = _HEAD.match(text)
    words = _words(head["rest"]) if head else []
    if head is None or not words:
        return []
    body, above = text[head.end() :], text.count("\n", 0, head.end())
    check = {"extractor": _extractor, "retriever": _retriever}[head["magic"]]
    return check(words, body, above or 1)


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:
        return []


def _extractor(words: list[str], body: str, above: int) -> list[Mark]:
    from mixpeek_lab.cells import read_cell
    from mixpeek_lab.workbench.extractors import check_named

    try:
        if len(words) > 1:
            return _file(words[0], words[1], body, above)
        split = read_cell(words[0], body)
        found = check_named(split.source, split).findings
    except LabError as error:
        return [_told(str(error), above, line=1)] if body.strip() else []
    return [_mark(finding, finding.cell_line, body, above) for finding in found]


def _file(name: str, path: str, body: str, above: int) -> list[Mark]:
    """One file of a package that other cells have begun: the findings in this file."""
    from mixpeek_lab.cells import add_file
    from mixpeek_lab.workbench.extractors import check_named

    source = add_file(_known(name), name, path, body)
    if source.text("manifest.py") is None:
        return []
    found = check_named(source).findings
    return [_mark(f, f.line, body, above) for f in found if f.path == path and f.line]


def _known(name: str) -> ExtractorSource | None:
    lab = lab_if_made()
    try:
        return None if lab is None else lab.extractor(name).source
    except LabError:
        return None


def _mark(finding: Finding, line: int | None, body: str, above: int) -> Mark:
    about = (finding.severity, finding.rule, finding.message, finding.fix)
    lines = body.split("\n")
    if not line or line > len(lines):
        return Mark(above, 0, 0, *about)
    token = token_at(lines[line - 1], finding.column) if finding.column else ""
    column = finding.column if token else 0
    return Mark(line + above, column, len(token), *about, fix_of(finding, token) if token else None)


def _retriever(words: list[str], body: str, above: int) -> list[Mark]:
    if not body.strip():
        return []
    # What the messages say counts from the magic's own line, as if it were the first.
    try:
        definition = read_definition(body)
    except LabError as error:
        return [_told(str(error), above, line=0)]
    try:
        _resolve(definition, words[0])
    except LabError as error:
        return [_about(body, str(error), above)]
    return []


def _resolve(definition: Mapping[str, Any], name: str) -> None:
    from mixpeek_lab.workbench.overview import check_retriever

    lab = lab_if_made()
    if lab is None:
        check_retriever(definition, name)
    else:
        lab.overview.resolve_retriever(definition, name)


def _about(body: str, text: str, above: int) -> Mark:
    """Where a retriever's error belongs: the path that it begins with, else what it quotes."""
    if line := line_of(body, text):
        return Mark(line + above - 1, 0, 0, "error", "", text)
    for quoted in _QUOTED.findall(text):
        for number, line_text in enumerate(body.split("\n"), above + 1):
            # The last one: `collection: collection` is about what stands behind the colon.
            whole = rf"(?<![\w.-]){re.escape(quoted)}(?![\w.-])"
            if found := list(re.finditer(whole, line_text)):
                return Mark(number, found[-1].start() + 1, len(quoted), "error", "", text)
    return Mark(above, 0, 0, "error", "", text)


def _told(text: str, above: int, line: int) -> Mark:
    """An error that says its place in words. `line`: what to add to have lines below the magic."""
    found = _PLACE.search(text)
    if found is None:
        return Mark(above, 0, 0, "error", _SYNTAX, text)
    column = int(found[2] or 0)
    message = text.replace(found[0], "", 1).strip()
    at = int(found[1]) + above + line - 1
    return Mark(at, column, 1 if column else 0, "error", _SYNTAX, message[:1].upper() + message[1:])
