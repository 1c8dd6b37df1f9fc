"""Versions of extractors: the log, the state, a difference, a way back, a move elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mixpeek_lab.widgets.cards.diffs import diff_html, diff_lines
from mixpeek_lab.widgets.cards.values import shown
from mixpeek_lab.widgets.cards.view import View, framed, line_html, note_lines
from mixpeek_lab.widgets.static import table_html, table_text
from mixpeek_lab.workbench.versions import (
    Checkout,
    EvaluationChange,
    History,
    ManifestChange,
    Switch,
    VersionDiff,
    WorkingStatus,
)

SHORT, LONGEST_MESSAGE, LONGEST_NAME = 12, 72, 32
"""Characters of a digest, and of a message and a name in the log."""
MOST_QUERIES = 10
"""Queries won or lost that a card names."""

Table = tuple[list[str], list[list[str]]]


@dataclass(frozen=True, repr=False)
class LogCard(View):
    """The versions of an extractor, newest first."""

    history: History

    @property
    def _title(self) -> str:
        count = len(self.history.commits)
        return f"{self.history.name}: {count} version{'' if count == 1 else 's'}"

    @property
    def _notes(self) -> list[str]:
        name = self.history.name
        if not self.history.commits:
            return [f'Nothing is committed yet: `%extractor commit {name} -m "…"`.']
        if self.history.has_changes:
            return [f"The working state has changes: `%extractor status {name}` shows them."]
        return []

    @property
    def _table(self) -> Table:
        history = self.history
        rows = [
            [
                "*" if commit.version == history.head else "",
                commit.version,
                ", ".join(history.tags_of(commit.version)),
                shown(commit.message, LONGEST_MESSAGE),
                shown(commit.author, LONGEST_NAME),
                commit.created_at[:16].replace("T", " "),
                commit.parent or "",
                commit.origin,
                commit.digest[:SHORT],
                ", ".join(history.pins.get(commit.version, ())),
                "; ".join(history.places.get(commit.version, ())),
            ]
            for commit in history.commits
        ]
        names = ["head", "version", "tags", "message", "by", "when (UTC)", "from", "came by",
                 "code", "collections", "pushed to"]  # fmt: skip
        return _filled(names, rows)

    def __str__(self) -> str:
        lines = [self._title, *note_lines(self._notes)]
        if self.history.commits:
            lines.append(table_text(*self._table))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        table = table_html(*self._table) if self.history.commits else ""
        return framed(self._title, "", *map(line_html, self._notes), table)


@dataclass(frozen=True, repr=False)
class StatusCard(View):
    """The working state against the commit that it comes from."""

    status: WorkingStatus

    @property
    def _state(self) -> str:
        told, status = self._against_head, self.status
        if not status.refused:
            return told
        return f"your last cell was not taken, this is still {status.version}: {told}"

    @property
    def _against_head(self) -> str:
        status, head = self.status, self.status.head
        if head is None:
            return f"nothing is committed yet; this would be {status.version}"
        if status.same_as == head.version:
            return f"as {head.version} has it, nothing to commit"
        if status.same_as:
            return f"as {status.same_as} has it; the head is {head.version}"
        return f"changed since {head.version}; this would be {status.version}"

    @property
    def _notes(self) -> list[str]:
        reason = self.status.refused
        first = [f"What you ran or loaded last is no part of this. {reason}"] if reason else []
        behind = [
            f"{collection} is made with {version}."
            for collection, version in self.status.pins.items()
            if version != self.status.version
        ]
        return [*first, *behind]

    def __str__(self) -> str:
        status = self.status
        lines = [f"{status.name}: {self._state}", f"  code: {status.digest[:SHORT]}"]
        lines += [f"  {f.kind}: {f.path} (+{f.added} -{f.removed})" for f in status.files]
        lines += _manifest_lines(status.manifest)
        return "\n".join([*lines, *note_lines(self._notes)])

    def _repr_html_(self) -> str:
        rows = [[f.kind, f.path, f"+{f.added}", f"-{f.removed}"] for f in self.status.files]
        files = table_html(["", "file", "added", "removed"], rows) if rows else ""
        return framed(
            self.status.name,
            self._state,
            files,
            _manifest_html(self.status.manifest),
            *map(line_html, self._notes),
        )


@dataclass(frozen=True, repr=False)
class DiffCard(View):
    """Two versions side by side."""

    diff: VersionDiff

    @property
    def _title(self) -> str:
        return f"{self.diff.name}: {self.diff.before} → {self.diff.after}"

    @property
    def _summary(self) -> str:
        files, breaks = len(self.diff.files), len(self.diff.breaks)
        if self.diff.before == self.diff.after:
            return "one and the same version, nothing differs"
        if not files:
            return "the same code"
        told = f"{files} file{'' if files == 1 else 's'} differ{'s' if files == 1 else ''}"
        return f"{told}, {breaks} breaking change{'' if breaks == 1 else 's'}" if breaks else told

    def __str__(self) -> str:
        diff = self.diff
        lines = [f"{self._title}: {self._summary}", *_manifest_lines(diff.manifest)]
        for change in diff.evaluations:
            lines += [f"  {_evaluation(change)}", *(f"    {told}" for told in _queries(change))]
        lines += [f"  {switch_line(switch, diff.after)}" for switch in diff.switches]
        return "\n".join([*lines, *diff_lines(diff.files)])

    def _repr_html_(self) -> str:
        diff = self.diff
        parts = [_manifest_html(diff.manifest)]
        for change in diff.evaluations:
            parts += [line_html(_evaluation(change)), *map(line_html, _queries(change))]
        parts += [line_html(switch_line(switch, diff.after)) for switch in diff.switches]
        return framed(self._title, self._summary, *parts, diff_html(diff.files))


@dataclass(frozen=True, repr=False)
class CheckoutCard(View):
    """An extractor that was brought to another version."""

    checkout: Checkout

    @property
    def _lines(self) -> list[str]:
        found = self.checkout
        left = (
            f"What was not committed can be had back: `%extractor checkout {found.name} "
            f"{found.left}`."
        )
        told = [switch_line(switch, found.version) for switch in found.switches]
        return [*told, *([left] if found.left else [])]

    def __str__(self) -> str:
        head = f"{self.checkout.name} is at {self.checkout.version}"
        return "\n".join([head, *(f"  {line}" for line in self._lines)])

    def _repr_html_(self) -> str:
        name, version = self.checkout.name, self.checkout.version
        return framed(f"{name} is at {version}", self.checkout.digest[:SHORT],
                      *map(line_html, self._lines))  # fmt: skip


# ---------------------------------------------------------------- the parts


def _filled(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """The table without the columns that have nothing in them."""
    kept = [at for at, _ in enumerate(names) if any(row[at] for row in rows)]
    return [names[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _manifest_lines(changes: Iterable[ManifestChange]) -> list[str]:
    lines = []
    for change in changes:
        lines.append(f"  {change.field}: {change.before or 'none'} → {change.after or 'none'}")
        if change.breaks:
            lines.append(f"    breaks: {change.breaks}")
    return lines


def _manifest_html(changes: Sequence[ManifestChange]) -> str:
    rows = [[c.field, c.before or "none", c.after or "none", c.breaks] for c in changes]
    names, shown = _filled(["manifest", "before", "after", "what breaks"], rows)
    return table_html(names, shown) if rows else ""


def _evaluation(change: EvaluationChange) -> str:
    return (
        f"{change.label}: nDCG@10 {change.before:.4f} → {change.after:.4f} "
        f"({change.change:+.4f} over {change.queries} queries, {len(change.won)} won, "
        f"{len(change.lost)} lost)"
    )


def _queries(change: EvaluationChange) -> list[str]:
    return [
        f"{word}: {', '.join(found[:MOST_QUERIES])}{', …' if len(found) > MOST_QUERIES else ''}"
        for word, found in (("won", change.won), ("lost", change.lost))
        if found
    ]


def switch_line(switch: Switch, to: str) -> str:
    """What it would take to bring one collection to version `to`."""
    reused = f", {switch.reused:,} are there" if switch.reused else ""
    return (
        f"{switch.collection} ({switch.version}, {switch.documents:,} documents): "
        f"{switch.computed:,} of {switch.rows:,} rows to compute for {to}{reused}"
    )
