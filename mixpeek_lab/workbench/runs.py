"""Processing buckets or documents into a collection: plan, run, merge, write, show."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from mixpeek_lab.catalog import Catalog, ExtractorRecord, new_id
from mixpeek_lab.documents import DocumentTable, read_documents
from mixpeek_lab.errors import ConflictError
from mixpeek_lab.interrupts import heard_interrupts, unheard_interrupts
from mixpeek_lab.llm import metered
from mixpeek_lab.loader import Schemas
from mixpeek_lab.models import JSON, Collection, RunReport, RunState
from mixpeek_lab.pipeline import PlannedRow, Stamp, Watch, input_table
from mixpeek_lab.snapshots import (
    DOCUMENTS,
    SnapshotCounts,
    remove_old_snapshots,
    write_snapshot,
    writing,
)
from mixpeek_lab.workbench.computed import Computed
from mixpeek_lab.workbench.explanations import explain_earlier, explain_retried, explain_run
from mixpeek_lab.workbench.following import follow_version
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.inputs import explain_input, explain_left_out
from mixpeek_lab.workbench.merge import Plan, make_plan, merge_documents, removed_documents
from mixpeek_lab.workbench.origins import Origin
from mixpeek_lab.workbench.outputs import explain_output
from mixpeek_lab.workbench.reporting import OnProgress, Reporter, unheard
from mixpeek_lab.workbench.results import Results, input_rows
from mixpeek_lab.workbench.seen import is_current, seen
from mixpeek_lab.workbench.shaping import shape_blocks, vector_dims


class Engine(Protocol):
    """Runs an extractor's steps over a table: Ray, or the kernel itself."""

    name: str

    def run(
        self,
        record: ExtractorRecord,
        parameters: Mapping[str, JSON],
        table: pa.Table,
        vectors: dict[str, int],
        watch: Watch | None = None,
    ) -> tuple[Generator[pa.Table, None, None], list[str]]:
        """The processed blocks, in any order, and notes for the report. `watch` sees the steps."""


def close_lost_runs(catalog: Catalog, home: Home) -> int:
    """Mark the runs of processes that died as interrupted. Returns how many there were."""
    closed = 0
    for collection_id in catalog.collections_running():
        try:
            with writing(home.snapshots(collection_id)):
                closed += catalog.mark_lost_runs(collection_id)
        except ConflictError:  # its process is alive and at work
            continue
    return closed


@dataclass(frozen=True)
class Run:
    """One run of one collection. `execute` does all of it."""

    catalog: Catalog
    root: Path
    """The folder of the collection's snapshots."""
    collection: Collection
    record: ExtractorRecord
    engine: Engine
    schemas: Schemas = field(default_factory=Schemas)
    """What the extractor declares, for notes on what does not fit."""
    on_progress: OnProgress = unheard
    run_id: str = field(default_factory=lambda: new_id("run"))
    force: frozenset[str] = frozenset()
    """What is computed again though nothing changed: see `InputRow.is_among`."""
    beside: frozenset[str] = frozenset()
    """What is computed again and comes beside the documents that there are."""
    shows_prints: bool = False
    """Whether whoever is told of the progress shows what steps print."""

    def execute(self) -> RunReport:
        """Bring the collection up to date with its source. Only changed rows are computed.

        A KeyboardInterrupt or an error stops the engine, records the run as interrupted or failed,
        leaves the collection at the snapshot it had, and is raised again. ConflictError where the
        collection has a run under way, in this process or another.
        """
        with heard_interrupts(), writing(self.root):
            return self.execute_held()

    def execute_held(self) -> RunReport:
        """The same, for a caller that holds `writing(root)`."""
        begun = time.perf_counter()
        key = self.collection.collection_id
        self.catalog.mark_lost_runs(key)
        shown = self.catalog.collection(key)  # another process may have run meanwhile
        remove_old_snapshots(self.root, shown.snapshot)
        current = replace(
            self.collection, source=shown.source, snapshot=shown.snapshot,
            document_count=shown.document_count,
        )  # fmt: skip
        return replace(self, collection=current)._execute(begun)

    def _execute(self, begun: float) -> RunReport:
        plan = self._plan()
        if not plan.todo and self._is_current(plan):
            return self._unchanged(plan, begun)
        computed = Computed(plan.todo)
        try:
            self.catalog.start_run(self.run_id, self.collection.collection_id)
            self._compute(plan, computed)
            is_all = len(computed.failed_rows) == len(plan.rows) > 0
            if is_all and not computed.has_documents:
                return self._all_failed(plan, computed, begun)
            return self._finish(plan, computed, begun)
        except BaseException as error:
            state: RunState = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            report = replace(
                self._report(plan, computed, begun),
                state=state,
                notes=(f"{type(error).__name__}: {error}", *explain_earlier(self._earlier())),
            )
            with unheard_interrupts():
                self.catalog.finish_run(report, None, computed.failures)
            raise

    # ------------------------------------------------------------ the steps

    def _plan(self) -> Plan:
        with self.catalog.at_one_moment():
            rows = input_rows(self._origin, self.record)
            edits = self.catalog.edits(self.collection.collection_id)
            changes = self.catalog.last_change()
        known = self._results.known() if "*" not in self.force else frozenset()
        known -= {row.key for row in rows if row.row.is_among(self.force)}
        rows = [self._beside(row) if row.key in known else row for row in rows]
        manifest = self.record.manifest
        plan = make_plan(rows, known, manifest, self.collection, edits, self.beside)
        return replace(plan, changes=changes)

    @cached_property
    def _origin(self) -> Origin:
        """What it reads, as it was when it began."""
        return Origin(self.catalog, self.root.parent, self.collection)

    def _beside(self, row: PlannedRow) -> PlannedRow:
        """The row with a new document's id, where its document comes beside the one there is."""
        if not row.row.is_among(self.beside):
            return row
        return replace(row, document_id=f"{row.document_id}_{self.run_id.rpartition('_')[2]}")

    @property
    def _results(self) -> Results:
        digest = self.record.source.digest
        return Results.of(self.root, self.collection, digest, self.collection.parameters)

    def _compute(self, plan: Plan, computed: Computed) -> None:
        if not plan.todo:
            return
        manifest = self.record.manifest
        table = input_table(
            plan.todo,
            collection_id=self.collection.collection_id,
            extractor_id=f"{manifest.name}@{manifest.version}",
        )
        computed.notes.extend(self._explain_input(plan))
        progress = Reporter(len(plan.todo), self.on_progress, self.collection.name)
        progress.watch.printouts.is_wanted = self.shows_prints
        progress.start(self.engine.name)
        given, dims = self.collection.parameters, vector_dims(manifest)
        with metered() as meter:  # build_steps may ask a model as well
            blocks, notes = self.engine.run(self.record, given, table, dims, progress.watch)
        computed.stamp = Stamp(llm=meter.spent)
        computed.notes.extend(notes)
        with closing(blocks), heard_interrupts() as demand_no_interrupt, progress.beating():
            for block in blocks:
                progress.add(*computed.add(block), computed.stamp.begun, computed.failures)
                demand_no_interrupt()

    def _explain_input(self, plan: Plan) -> list[str]:
        origin = self._origin
        left = explain_left_out(origin.held(), self.record.manifest.supported_input_types)
        rows = (planned.row for planned in plan.todo)
        return [*left, *explain_input(self.schemas, rows, origin.schema, origin.where)]

    def _finish(self, plan: Plan, computed: Computed, begun: float) -> RunReport:
        manifest = self.record.manifest
        constants = {
            "_extractor": f"{manifest.name}@{manifest.version}",
            "_run_id": self.run_id,
        }
        fresh, mixed = shape_blocks(computed.tables, plan.todo, manifest, constants)
        if fresh is not None:
            computed.notes.extend(explain_output(self.schemas.output, manifest, fresh))
        shown = self._shown()
        previous = read_documents(shown / DOCUMENTS) if shown else None
        names = [feature.feature_name for feature in manifest.vectors]
        documents, notes = merge_documents(plan, self._results.documents(plan.kept), fresh, names)
        number = (self.collection.snapshot or 0) + 1
        counts = self._write(number, documents, plan, computed)
        computed.notes.extend([*mixed, *notes])
        report = replace(
            self._report(plan, computed, begun),
            state="completed_with_errors" if computed.failures else "completed",
            documents=documents.table.num_rows,
            removed=removed_documents(plan, previous),
            vectors=counts.vectors,
            left_out=counts.left_out,
            unusable=counts.unusable,
        )
        count = documents.table.num_rows
        shown_now = replace(self.collection, snapshot=number, document_count=count)
        return self._close(report, shown_now, begun)

    def _write(
        self, number: int, documents: DocumentTable, plan: Plan, computed: Computed
    ) -> SnapshotCounts:
        # A row of which one chunk failed keeps its other chunks, and is tried again next time.
        # So is one for which an item of concurrent_api_calls or parallel_io failed.
        failed = {plan.todo[row].key for row in computed.failed_rows | computed.again} - plan.kept
        return write_snapshot(
            self.root,
            number,
            documents,
            self.record.manifest.vectors,
            self.collection.settings,
            [row.key for row in plan.rows if row.key not in failed],
            plan.fingerprint,
            plan.changes,
        )

    def _all_failed(self, plan: Plan, computed: Computed, begun: float) -> RunReport:
        """No row came through: the collection keeps the snapshot it had."""
        report = replace(self._report(plan, computed, begun), state="failed")
        return self._close(report, None, begun)

    def _close(self, report: RunReport, shown: Collection | None, begun: float) -> RunReport:
        """Explain the report, record it, and show the new snapshot if there is one."""
        notes = (*report.notes, *self._explained(report, self._earlier()))
        report = replace(report, notes=notes, seconds=time.perf_counter() - begun)
        if shown is None:
            self.catalog.finish_run(report, None, report.failures)
            return report
        return self._show(report, shown)

    def _show(self, report: RunReport, shown: Collection) -> RunReport:
        """Record the report and show the snapshot; what the version before computed stays."""
        before = self.catalog.collection(shown.collection_id)
        results = self._results
        results.keep(before)
        with self.catalog.together():
            # Some may have been deleted meanwhile.
            count = seen(self.catalog, self.root, shown).document_count
            shown = replace(shown, document_count=count)
            self.catalog.finish_run(report, shown, report.failures)
            notes = follow_version(self.catalog, before, self.record)
        results.forget()
        remove_old_snapshots(self.root, shown.snapshot)
        return replace(report, notes=(*report.notes, *notes))

    # ------------------------------------------------------------ reports

    def _explained(self, report: RunReport, earlier: int | None = None) -> tuple[str, ...]:
        origin = self._origin
        told = explain_run(report, origin, self.record.manifest, earlier)
        return (*told, *origin.notes())

    def _shown(self) -> Path | None:
        number = self.collection.snapshot
        return None if number is None else self.root / str(number)

    def _earlier(self) -> int | None:
        """Documents of the snapshot that readers see until a run shows another."""
        return None if self.collection.snapshot is None else self.collection.document_count

    def _is_current(self, plan: Plan) -> bool:
        return is_current(self.catalog, self.root, self.collection, plan.fingerprint)

    def _report(self, plan: Plan, computed: Computed, begun: float) -> RunReport:
        seconds = computed.stamp.seconds
        return RunReport(
            self.run_id,
            self.collection.name,
            "completed",
            rows_in=len(plan.rows),
            reused=len(plan.kept),
            processed=len(plan.todo),
            documents=0,
            failures=tuple(computed.failures),
            failed=len(computed.failed_rows),
            seconds=time.perf_counter() - begun,
            rows_per_second=len(plan.todo) / seconds if seconds else 0.0,
            setup_seconds=computed.stamp.setup,
            engine=self.engine.name,
            notes=(*computed.notes, *computed.stamp.notes, *explain_retried(computed.stamp.io)),
            dropped=computed.stamp.dropped,
            llm=computed.stamp.llm,
        )

    def _unchanged(self, plan: Plan, begun: float) -> RunReport:
        count = self.collection.document_count
        report = replace(self._report(plan, Computed(), begun), documents=count)
        notes = self._explained(report)
        if plan.rows:
            notes = ("Nothing changed since the last run: nothing was computed.", *notes)
        return replace(report, notes=notes)
