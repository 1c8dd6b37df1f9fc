"""Collects the findings about one file."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from difflib import get_close_matches

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.manifests.rules import RULES
from mixpeek_lab.source import python_lines


class Report:
    """Grows while a manifest is read. `findings` is what was found so far."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.findings: list[Finding] = []
        self._lines = python_lines(text)

    def add(
        self,
        rule: str,
        node: ast.AST | None,
        message: str,
        fix: str = "",
        severity: Severity | None = None,
    ) -> None:
        """Note one problem at `node`'s place; None is the whole file."""
        line, column = self.place(node)
        level = severity or RULES[rule].severity
        self.findings.append(Finding(rule, level, message, fix, self.path, line, column))

    def place(self, node: ast.AST | None) -> tuple[int, int]:
        """Line and column of a node, from 1, in characters; (0, 0) for None."""
        line = int(getattr(node, "lineno", 0))
        if not 0 < line <= len(self._lines):
            return line, 0
        before = self._lines[line - 1].encode()[: int(getattr(node, "col_offset", 0))]
        return line, len(before.decode(errors="replace")) + 1


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None where nothing is close."""
    names = list(known)
    text = str(word).strip().lower()
    if text in names:
        return text
    return next(iter(get_close_matches(text, names, n=1, cutoff=0.7)), None)
