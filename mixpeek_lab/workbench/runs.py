"""Processing a bucket into a collection: plan, run, merge, write, show."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from mixpeek_lab.catalog import Catalog, ExtractorRecord, new_id
from mixpeek_lab.documents import read_documents, shape_documents, vector_column
from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.models import JSON, Collection, Failure, Progress, RunReport
from mixpeek_lab.pipeline import (
    HIDDEN,
    ROW,
    Timing,
    input_table,
    plan_rows,
    split_failures,
)
from mixpeek_lab.snapshots import (
    DOCUMENTS,
    read_fingerprint,
    read_ledger,
    remove_old_snapshots,
    write_snapshot,
)
from mixpeek_lab.workbench.explanations import explain_run
from mixpeek_lab.workbench.merge import Plan, make_plan, merge_documents

OnProgress = Callable[[Progress], None]


class Engine(Protocol):
    """Runs an extractor's steps over a table: Ray, or the kernel itself."""

    name: str

    def run(
        self,
        record: ExtractorRecord,
        parameters: Mapping[str, JSON],
        table: pa.Table,
        vectors: dict[str, int],
    ) -> tuple[Iterator[pa.Table], list[str]]:
        """The processed blocks, in any order, and notes for the report."""
        ...


@dataclass
class _Computed:
    """What the engine gave back for the rows to compute."""

    tables: list[pa.Table] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    failed_rows: set[int] = field(default_factory=set)
    timing: Timing = field(default_factory=Timing)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """One run of one collection. `execute` does all of it."""

    catalog: Catalog
    root: Path
    """The folder of the collection's snapshots."""
    collection: Collection
    record: ExtractorRecord
    engine: Engine
    on_progress: OnProgress = lambda _: None
    run_id: str = field(default_factory=lambda: new_id("run"))

    def execute(self) -> RunReport:
        """Bring the collection up to date with its bucket. Only changed rows are computed.

        A KeyboardInterrupt or an error stops the engine, records the run as interrupted or failed,
        leaves the collection at the snapshot it had, and is raised again.
        """
        begun = time.perf_counter()
        plan = self._plan()
        if not plan.todo and self._is_current(plan):
            return self._unchanged(plan, begun)
        self.catalog.start_run(self.run_id, self.collection.collection_id)
        computed = _Computed()
        try:
            self._compute(plan, computed)
            return self._finish(plan, computed, begun)
        except BaseException as error:
            state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self.catalog.finish_run(
                replace(
                    self._report(plan, begun),
                    state=state,
                    failures=tuple(computed.failures),
                    failed=len(computed.failures),
                    notes=(f"{type(error).__name__}: {error}",),
                ),
                None,
                computed.failures,
            )
            raise

    # ------------------------------------------------------------ the steps

    def _plan(self) -> Plan:
        manifest = self.record.manifest
        types = ["text" if t == "string" else t for t in manifest.supported_input_types]
        rows = plan_rows(
            self.catalog.iter_input(self.collection.bucket_id, types),
            collection_id=self.collection.collection_id,
            digest=self.record.source.digest,
            parameters=self.collection.parameters,
        )
        shown = self._shown()
        ledger = read_ledger(shown) if shown else set()
        return make_plan(rows, ledger, manifest, self.collection.settings)

    def _compute(self, plan: Plan, computed: _Computed) -> None:
        if not plan.todo:
            return
        manifest = self.record.manifest
        table = input_table(
            plan.todo,
            collection_id=self.collection.collection_id,
            extractor_id=f"{manifest.name}@{manifest.version}",
        )
        progress = _Reporter(len(plan.todo), self.on_progress)
        blocks, notes = self.engine.run(
            self.record, self.collection.parameters, table, vector_dims(self.record)
        )
        computed.notes.extend(notes)
        with closing(blocks):  # type: ignore[type-var]
            for block in blocks:
                good, reasons = split_failures(block)
                computed.timing = computed.timing.including(block)
                computed.tables.append(good)
                computed.failures.extend(Failure(**reason) for reason in reasons)
                computed.failed_rows.update(_failed_positions(block, good))
                progress.block(block, good, len(reasons))

    def _finish(self, plan: Plan, computed: _Computed, begun: float) -> RunReport:
        failed = {plan.todo[row].key for row in computed.failed_rows}
        if plan.rows and len(failed) == len(plan.rows):
            return self._all_failed(plan, computed, begun)
        manifest = self.record.manifest
        fresh = self._shape(plan, computed)
        shown = self._shown()
        previous = read_documents(shown / DOCUMENTS) if shown and plan.kept else None
        names = [f.feature_name for f in manifest.vectors]
        documents, notes = merge_documents(plan, previous, fresh, names)
        number = (self.collection.snapshot or 0) + 1
        counts = write_snapshot(
            self.root,
            number,
            documents,
            manifest.vectors,
            self.collection.settings,
            [row.key for row in plan.rows if row.key not in failed],
            plan.fingerprint,
        )
        report = replace(
            self._report(plan, begun),
            state="completed_with_errors" if computed.failures else "completed",
            documents=documents.table.num_rows,
            failures=tuple(computed.failures),
            failed=len(failed),
            removed=self._removed(plan, previous),
            vectors=counts.vectors,
            left_out=counts.left_out,
            rows_per_second=_rate(len(plan.todo), computed.timing),
            setup_seconds=computed.timing.setup,
            notes=tuple(computed.notes + notes),
        )
        bucket = self.catalog.bucket(self.collection.bucket_id)
        report = replace(report, notes=(*report.notes, *explain_run(report, bucket, manifest)))
        shown_now = replace(
            self.collection, snapshot=number, document_count=documents.table.num_rows
        )
        self.catalog.finish_run(report, shown_now, computed.failures)
        remove_old_snapshots(self.root, number)
        return report

    def _all_failed(self, plan: Plan, computed: _Computed, begun: float) -> RunReport:
        """No row came through: the collection keeps the snapshot it had."""
        report = replace(
            self._report(plan, begun),
            state="failed",
            failures=tuple(computed.failures),
            failed=len(computed.failures),
            setup_seconds=computed.timing.setup,
        )
        bucket = self.catalog.bucket(self.collection.bucket_id)
        notes = [*computed.notes, *explain_run(report, bucket, self.record.manifest)]
        if report.documents:
            notes.append(f"The collection keeps the {report.documents} documents it had.")
        report = replace(report, notes=tuple(notes))
        self.catalog.finish_run(report, None, computed.failures)
        return report

    def _shape(self, plan: Plan, computed: _Computed) -> pa.Table | None:
        tables = [table for table in computed.tables if table.num_rows]
        if not tables:
            return None
        processed = pa.concat_tables(tables, promote_options="permissive")
        manifest = self.record.manifest
        renames = {}
        for feature in manifest.vectors:
            column = vector_column(processed.column_names, feature.feature_name)
            if column is None:
                raise ExtractorRunError(_missing_vector(feature.feature_name, processed))
            renames[column] = feature.feature_name
        rows = processed.column(ROW).to_pylist()
        keys = pa.array([plan.todo[row].key for row in rows], pa.string())
        constants = {
            "_bucket_id": self.collection.bucket_id,
            "_extractor": f"{manifest.name}@{manifest.version}",
            "_run_id": self.run_id,
        }
        visible = processed.drop_columns(list(HIDDEN))
        return shape_documents(visible, renames, constants, keys)

    # ------------------------------------------------------------ reports

    def _shown(self) -> Path | None:
        number = self.collection.snapshot
        return None if number is None else self.root / str(number)

    def _is_current(self, plan: Plan) -> bool:
        shown = self._shown()
        return shown is not None and read_fingerprint(shown) == plan.fingerprint

    def _report(self, plan: Plan, begun: float) -> RunReport:
        return RunReport(
            self.run_id,
            self.collection.name,
            "completed",
            rows_in=len(plan.rows),
            reused=len(plan.kept),
            processed=len(plan.todo),
            documents=self.collection.document_count,
            seconds=time.perf_counter() - begun,
            engine=self.engine.name,
        )

    def _unchanged(self, plan: Plan, begun: float) -> RunReport:
        note = "Nothing changed since the last run: nothing was computed."
        if not plan.rows:
            bucket = self.catalog.bucket(self.collection.bucket_id)
            empty = self._report(plan, begun)
            return replace(empty, notes=explain_run(empty, bucket, self.record.manifest))
        return replace(self._report(plan, begun), notes=(note,))

    def _removed(self, plan: Plan, previous: object) -> int:
        shown = self._shown()
        if shown is None:
            return 0
        table = previous.table if hasattr(previous, "table") else read_documents(
            shown / DOCUMENTS, with_vectors=False
        ).table
        keys = Counter(table.column("_row_key").to_pylist())
        return sum(count for key, count in keys.items() if key not in plan.kept)


def vector_dims(record: ExtractorRecord) -> dict[str, int]:
    """Vector columns, under both names that a processor may give them → declared dimension."""
    dims: dict[str, int] = {}
    for feature in record.manifest.vectors:
        if feature.embedding_dim is not None:
            dims.setdefault(feature.feature_name, feature.embedding_dim)
            dims.setdefault(f"{feature.feature_name}_embedding", feature.embedding_dim)
    return dims


@dataclass
class _Reporter:
    """Tells how far the run is, at most ten times a second."""

    total: int
    tell: OnProgress
    begun: float = field(default_factory=time.perf_counter)
    last: float = 0.0
    done: int = 0
    failed: int = 0
    documents: int = 0

    def __post_init__(self) -> None:
        self._send("starting actors")

    def block(self, block: pa.Table, good: pa.Table, failed: int) -> None:
        self.done += len(set(block.column(ROW).to_pylist()))
        self.failed += failed
        self.documents += good.num_rows
        if time.perf_counter() - self.last > 0.1 or self.done >= self.total:
            self._send("processing" if self.done < self.total else "indexing")

    def _send(self, phase: str) -> None:
        self.last = time.perf_counter()
        self.tell(
            Progress(
                self.total, self.done, self.failed, self.documents, self.last - self.begun, phase
            )
        )


def _failed_positions(block: pa.Table, good: pa.Table) -> set[int]:
    everything: Sequence[int] = block.column(ROW).to_pylist()
    return set(everything) - set(good.column(ROW).to_pylist())


def _missing_vector(feature: str, processed: pa.Table) -> str:
    from mixpeek_lab.pipeline.rows import CONTRACT, HIDDEN

    given = [n for n in processed.column_names if n not in {*CONTRACT, *HIDDEN}]
    shown = ", ".join(given) or "no new columns"
    return (
        f"The manifest declares the vector {feature!r}, and the processor returned: {shown}. "
        f'Write batch["{feature}"] = … in the processor, or rename the feature. '
        "On the hosted platform this run would be COMPLETED with 0 documents."
    )


def _rate(rows: int, timing: Timing) -> float:
    seconds = timing.ended - timing.begun
    return rows / seconds if rows and seconds > 0 else 0.0

