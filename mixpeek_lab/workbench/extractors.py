"""Defining, keeping, saving and trying extractors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.cells import CellSplit
from mixpeek_lab.errors import InvalidInputError, ManifestError
from mixpeek_lab.findings import Finding, has_errors, in_order
from mixpeek_lab.lint import lint
from mixpeek_lab.llm import metered
from mixpeek_lab.loader import Schemas
from mixpeek_lab.manifests import demand_importable, read_manifest
from mixpeek_lab.models import JSON, Failure, Manifest, Spent
from mixpeek_lab.pipeline import (
    Stamp,
    input_table,
    plan_rows,
    read_stamp,
    split_failures,
)
from mixpeek_lab.requirements import check_requirements
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench.engines import KernelEngine
from mixpeek_lab.workbench.explanations import (
    explain_dropped,
    explain_failed_items,
    explain_missing_modules,
)
from mixpeek_lab.workbench.inputs import explain_input
from mixpeek_lab.workbench.numbering import keep_numbered, numbered_finding
from mixpeek_lab.workbench.objects import Source, load_objects
from mixpeek_lab.workbench.outputs import explain_output
from mixpeek_lab.workbench.samples import sample_rows
from mixpeek_lab.workbench.shaping import shape_blocks, vector_dims

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Definition:
    """An extractor as it was just defined: its record, and what the checks say of it."""

    source: ExtractorSource
    manifest: Manifest | None
    findings: tuple[Finding, ...]
    is_kept: bool
    """False where errors kept it out of the catalog."""

    @property
    def has_errors(self) -> bool:
        """Whether it cannot run."""
        return has_errors(self.findings)


@dataclass(frozen=True, slots=True)
class Preview:
    """A few rows through an extractor's steps, here in the kernel."""

    documents: pa.Table
    failures: tuple[Failure, ...]
    rows_in: int
    seconds: float
    setup_seconds: float
    notes: tuple[str, ...] = ()
    llm: Spent = field(default_factory=dict)
    """`provider/model` → the extractor's calls of `container.llm`, and their cost."""

    def to_pandas(self) -> pd.DataFrame:
        """The documents as a DataFrame."""
        frame: pd.DataFrame = self.documents.to_pandas()
        return frame


def check(source: ExtractorSource, split: CellSplit | None = None) -> Definition:
    """Read and lint a source, and look for what it needs here; `split` tells findings their line.

    Raises SourceError for a name that no import can say (`class`).
    """
    demand_importable(source.name)
    reading = read_manifest(source)
    findings = (*lint(source), *check_requirements(reading))
    if split is not None:
        findings = tuple(split.locate(finding) for finding in findings)
    return Definition(source, reading.manifest, in_order(findings), is_kept=False)


def check_named(source: ExtractorSource, split: CellSplit | None = None) -> Definition:
    """As `check`; a manifest with another name than the extractor's is an error as well."""
    found = check(source, split)
    if found.manifest is None or found.manifest.name == source.name:
        return found
    return replace(found, findings=(*found.findings, misnamed(found)))


def misnamed(definition: Definition) -> Finding:
    """The finding for a manifest whose name is not the extractor's."""
    name = definition.manifest.name if definition.manifest else ""
    return Finding(
        "LAB001",
        "error",
        f"The manifest says {name!r}, and this is extractor {definition.source.name!r}.",
        f"Write `%%extractor {name}`, or change the manifest's feature_extractor_name.",
    )


def keep(catalog: Catalog, definition: Definition) -> Definition:
    """Put a definition without errors into the catalog; one with errors is returned as it is."""
    if definition.has_errors or definition.manifest is None:
        return definition
    manifest = keep_numbered(catalog, definition.source, definition.manifest)
    numbered = numbered_finding(catalog, definition.source, definition.manifest.version, manifest)
    told = (*definition.findings, *numbered)
    return Definition(definition.source, manifest, told, is_kept=True)


def demand(definition: Definition) -> Definition:
    """The definition, if it was kept; else ManifestError with every finding."""
    if definition.is_kept:
        return definition
    errors = [f for f in definition.findings if f.severity == "error"]
    listed = "\n".join(f"  {finding}" for finding in errors)
    raise ManifestError(
        f"Extractor {definition.source.name!r} cannot be used:\n{listed}", definition.findings
    )


def explain_refused(definition: Definition | None) -> list[str]:
    """What a run says where a later definition of its extractor had errors."""
    if definition is None:
        return []
    first = next((f for f in definition.findings if f.severity == "error"), None)
    why = f": {first.rule} at {first.place}" if first else ""
    return [
        f"The last definition of {definition.source.name!r} had errors and was not kept{why}. "
        "This ran the version before it."
    ]


def preview(
    engine: KernelEngine,
    record: ExtractorRecord,
    schemas: Schemas,
    rows: Source,
    parameters: Mapping[str, JSON],
) -> Preview:
    """Run a handful of rows through the extractor in this process.

    `rows` is whatever a bucket is made of; of their blobs, the extractor gets those that its
    supported_input_types name. The documents have the columns that a collection's
    would have, but for metadata, and are equal to Ray's. ExtractorRunError where a vector that
    the manifest declares is missing.
    """
    loaded = load_objects(rows)
    manifest = record.manifest
    inputs = sample_rows(loaded, manifest)
    planned = plan_rows(
        inputs, collection_id="preview", digest=record.source.digest, parameters=parameters
    )
    table = input_table(
        planned, collection_id="preview", extractor_id=f"{manifest.name}@{manifest.version}"
    )
    with metered() as meter:  # build_steps may ask a model as well
        blocks, notes = engine.run(record, parameters, table, vector_dims(manifest))
    good, failures, stamp = [], [], Stamp(llm=meter.spent)
    for block in blocks:
        fine, reasons, _ = split_failures(block)
        stamp = stamp.including(read_stamp(block))
        good.append(fine)
        failures.extend(reasons)
    documents, mixed = shape_blocks(good, planned, manifest, {})
    told = explain_input(schemas, inputs, loaded.schema, "the sample")
    told += [] if documents is None else explain_output(schemas.output, manifest, documents)
    told += explain_missing_modules(failures, manifest)
    told += [*explain_failed_items(stamp.io), *explain_dropped(stamp.dropped)]
    return Preview(
        pa.table({}) if documents is None else documents,
        tuple(failures),
        len(inputs),
        stamp.seconds,
        stamp.setup,
        (*loaded.notes, *notes, *stamp.notes, *mixed, *told),
        stamp.llm,
    )


@dataclass(frozen=True, slots=True)
class Saved:
    """A package that was written into a folder."""

    path: Path
    files: tuple[str, ...]
    removed: tuple[str, ...]
    """Files of an earlier save that are no part of it any more: they are gone."""
    left: tuple[str, ...]
    """Files that somebody else wrote: read back, they would belong to the package."""


def save(catalog: Catalog, record: ExtractorRecord, folder: Path) -> Saved:
    """Write the package that Mixpeek takes, as `folder/NAME/`.

    What an earlier save left there is removed: files that a version in the catalog has, letter for
    letter. Others stay.
    """
    from mixpeek_lab.source import write_source

    target = folder / record.manifest.name
    try:
        others = write_source(record.source, target)
    except OSError as error:
        raise InvalidInputError(
            f"{target} cannot be written: {error.strerror}. Name another folder."
        ) from error
    known = catalog.by_prefix(record.manifest.name, "") if others else []
    removed = []
    for path in others:
        content = (target / path).read_bytes()
        texts = (each.source.text(path) for each in known)
        if any(text is not None and text.encode() == content for text in texts):
            (target / path).unlink()
            removed.append(path)
    left = tuple(path for path in others if path not in removed)
    return Saved(target, tuple(record.source.paths), tuple(removed), left)
