"""An extractor's whole card: manifest, findings, test, parity, versions, deployments, costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mixpeek_lab.catalog import Commit
from mixpeek_lab.harness import TestReport, lines_of
from mixpeek_lab.markup import marked_html, printable
from mixpeek_lab.widgets.cards.extractors import ExtractorCard
from mixpeek_lab.widgets.cards.values import shown
from mixpeek_lab.widgets.cards.versions import switch_line
from mixpeek_lab.widgets.cards.view import folded
from mixpeek_lab.workbench.overview import NOT_SERVED
from mixpeek_lab.workbench.versions import History, Overview

PARITY = ("TST501", "TST602", "TST603")
"""The checks that hold batch against Ray and the realtime service."""
MOST_VERSIONS = 5
"""The newest ones, that the card lists."""


@dataclass(frozen=True)
class _Section:
    """One part of the card: what is said at once, and what is folded below it."""

    title: str
    phrase: str
    lines: Sequence[str] = ()

    def text(self) -> list[str]:
        return [f"  {self.title}: {self.phrase}", *(f"    {printable(x)}" for x in self.lines)]

    def shown(self) -> str:
        body = "".join(f"<div>{marked_html(line)}</div>" for line in self.lines)
        return folded(f"{self.title}: {self.phrase}", body)


@dataclass(frozen=True, repr=False)
class ExtractorSheet(ExtractorCard):
    """An extractor as a whole. What costs time to find out is named with the line that does it."""

    overview: Overview | None = None
    """Its versions, collections and deployments."""
    report: TestReport | None = None
    """Of the last test in this session."""
    url: str = ""
    """The endpoint's; empty while it is down."""

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(x for s in self._sections for x in s.text())])

    def _body(self) -> list[str]:
        return [*super()._body(), *(section.shown() for section in self._sections)]

    @property
    def _sections(self) -> list[_Section]:
        if self.overview is None:
            return []
        tested = [self._test(), self._parity()]
        return [*tested, self._versions(), self._change(), self._deployed()]

    def _test(self) -> _Section:
        report = self.report
        if report is None:
            line = f"`%extractor test {self.name}` runs sample rows through it, here and at once."
            return _Section("test", "not in this session", [line])
        told = lines_of([r for r in report.of("failed", "warned", "skipped") if not _is_parity(r)])
        return _Section("test", f"{report.summary}{self._since(report)}", told)

    def _parity(self) -> _Section:
        results = [r for r in self.report.results if _is_parity(r)] if self.report else []
        asked = [r for r in results if r.outcome != "skipped"]
        if not asked:
            line = f"`%extractor test {self.name} --full` compares kernel, Ray and the service."
            return _Section("parity", "not tested in this session", [line])
        worst = [r for r in asked if r.outcome != "passed"]
        since = self._since(self.report) if self.report else ""
        phrase = f"{len(worst)} of {len(asked)} checks speak against it" if worst else "agrees"
        return _Section("parity", f"{phrase}{since}", [str(result) for result in asked])

    def _since(self, report: TestReport) -> str:
        digest = self._known.status.digest
        return "" if report.digest == digest else ", before the last change"

    def _versions(self) -> _Section:
        history, status = self._known.history, self._known.status
        count = len(history.commits)
        phrase = f"{count} committed" if count else "none committed"
        phrase += f", head {history.head}" if history.head else ""
        if status.head is not None and status.has_changes:
            added, removed = (
                sum(getattr(f, n) for f in status.files) for n in ("added", "removed")
            )
            phrase += f"; changed since: +{added} -{removed} lines"
        lines = [_commit(history, commit) for commit in history.commits[:MOST_VERSIONS]]
        if count > MOST_VERSIONS:
            lines.append(f"`%extractor log {self.name}` lists all {count}.")
        if not count:
            lines.append(f'`%extractor commit {self.name} -m "…"` keeps this state for good.')
        return _Section("versions", phrase, lines)

    def _change(self) -> _Section:
        title, found = "what a run would compute", self._known.switches
        if found is None:
            line = f"`%extractor diff {self.name}` counts it: its collections are large."
            return _Section(title, "not counted", [line])
        if not found:
            line = f"`%process BUCKET {self.name}` makes a collection with it."
            return _Section(title, "no collection is made with it", [line])
        rows, work = sum(s.rows for s in found), sum(s.computed for s in found)
        phrase = f"{work:,} of {rows:,} rows of {len(found)} collection"
        phrase += "" if len(found) == 1 else "s"
        return _Section(title, phrase, [switch_line(s, self._version) for s in found])

    def _deployed(self) -> _Section:
        asked = self._known.deployments
        if not asked:
            line = f"`%extractor deploy {self.name}` serves its realtime.py."
            return _Section("deployed", "no", [line])
        where = f"at {self.url}" if self.url else NOT_SERVED
        lines = [f"{version}: {d.state}{f', {d.error}' if d.error else ''}" for version, d in asked]
        names = ", ".join(version for version, d in asked if d.state == "DEPLOYED") or "none"
        return _Section("deployed", f"{names} ({where})", lines)

    @property
    def _known(self) -> Overview:
        if self.overview is None:
            raise AssertionError("sections are made of an overview")
        return self.overview


def _commit(history: History, commit: Commit) -> str:
    """`1.0.1 (head, stable): what changed; made with it: docs`."""
    names = ["head"] if commit.version == history.head else []
    names += history.tags_of(commit.version)
    named = f" ({', '.join(names)})" if names else ""
    told = f"{commit.version}{named}: {shown(commit.message)}"
    made = ", ".join(history.pins.get(commit.version, ()))
    return f"{told}; made with it: {made}" if made else told


def _is_parity(result: object) -> bool:
    return getattr(result, "id", "") in PARITY
