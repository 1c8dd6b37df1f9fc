"""Runs: how far one is while it goes on, and what failed in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpeek_lab.sidebar.item import Item, Listing, count, name_fields, quoted, shown_time

if TYPE_CHECKING:
    from mixpeek_lab.catalog import FailureKind, RunRow
    from mixpeek_lab.workbench import Lab

_STATES = {
    "running": ("busy", "running"),
    "completed": ("ok", "completed"),
    "completed_with_errors": ("warning", "completed, some rows failed"),
    "failed": ("error", "failed"),
    "interrupted": ("warning", "interrupted"),
}
SHOWN_KINDS = 6
LONGEST = 160
"""Characters of an error's message."""


@dataclass(frozen=True, slots=True)
class Far:
    """How far a run is, as the sidebar is told."""

    collection: str
    done: int
    total: int
    failed: int
    phase: str


def far(lab: Lab) -> Far | None:
    """How far this process's run is; None where none goes on. Costs nothing."""
    now = lab.overview.progress
    if now is None:
        return None
    return Far(now.collection, now.done, now.total, now.failed, now.phase)


def runs(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    """Newest first."""
    rows = lab.overview.runs(limit, offset, wanted) if limit else []
    failed = [row.run_id for row in rows if row.state != "running"]
    kinds = lab.overview.failure_kinds(failed) if failed else {}
    now = _far_by_run(lab, rows)
    found = (_run(row, kinds.get(row.run_id, ()), now.get(row.run_id)) for row in rows)
    return Listing(tuple(found), lab.overview.count_runs(wanted))


def _far_by_run(lab: Lab, rows: Sequence[RunRow]) -> dict[str, Far]:
    """The runs that go on: this process's, and those that the endpoint's worker is at."""
    running = [row for row in rows if row.state == "running"]
    here = far(lab)
    found = {row.run_id: here for row in running if here and row.collection == here.collection}
    others = [row for row in running if row.run_id not in found]
    tasks = {key: task for task in lab.work.tasks() for key in task["outputs"]} if others else {}
    for row in others:
        told = tasks[row.run_id]["progress"] if row.run_id in tasks else {}
        if "total_rows" in told:
            found[row.run_id] = Far(
                row.collection, told["processed_rows"], told["total_rows"],
                told["failed_rows"], told["phase"],
            )  # fmt: skip
    return found


def _run(row: RunRow, kinds: Sequence[FailureKind], now: Far | None) -> Item:
    state, note = _STATES[row.state]
    failed = int(row.report.get("failed", 0))
    is_running, has_collection = row.state == "running", bool(row.collection)
    can = {
        "stop": is_running,
        "again": bool(row.made_of) and has_collection and not is_running,
        "failures": bool(failed),
        "open": has_collection and bool(row.report.get("documents")),
        "explore": has_collection and bool(row.report.get("documents")),
    }
    fields = {
        **name_fields(row.collection),
        "key": row.run_id,
        "sources": " ".join(map(quoted, row.made_of)),
        "extractor": row.extractor,
    }
    return Item(
        row.run_id,
        row.collection or "deleted collection",
        _detail(row, failed, now),
        state,
        note,
        (*_facts(row), *_told_far(now), *_told_failures(failed, kinds)),
        fields,
        tuple(action for action, is_there in can.items() if not is_there),
    )


def _facts(row: RunRow) -> list[tuple[str, str]]:
    report: Mapping[str, Any] = row.report
    facts = [
        ("Began", shown_time(row.started_at)),
        *([("Extractor", row.extractor)] if row.extractor else []),
        *([("Made of", ", ".join(row.made_of))] if row.made_of else []),
    ]
    if report:
        facts += [
            ("Rows", f"{report['processed']:,} computed, {report['reused']:,} kept"),
            ("Documents", f"{report['documents']:,}"),
            ("Took", f"{report['seconds']:.1f} s ({report['engine']})"),
        ]
    if row.state in ("failed", "interrupted"):
        facts += [("Why", _short(note)) for note in report.get("notes", ())[:1]]
    return facts


def _told_far(now: Far | None) -> list[tuple[str, str]]:
    if now is None:
        return []
    return [
        ("Phase", now.phase),
        *([("Failed so far", count(now.failed, "row"))] if now.failed else []),
    ]


def _told_failures(failed: int, kinds: Sequence[FailureKind]) -> list[tuple[str, str]]:
    if not failed:
        return []
    told = [(f"· {k.kind}", f"{k.rows:,}: {_short(k.message)}") for k in kinds[:SHOWN_KINDS]]
    more = len(kinds) - SHOWN_KINDS
    return [
        ("Failed", count(failed, "row")),
        *told,
        *([("", f"and {count(more, 'other kind')}")] if more > 0 else []),
    ]


def _detail(row: RunRow, failed: int, now: Far | None) -> str:
    if now is not None:
        return f"{now.done:,} of {now.total:,}"
    if failed:
        return f"{failed:,} failed"
    documents: Any = row.report.get("documents")
    return row.state if documents is None else count(int(documents), "doc")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
