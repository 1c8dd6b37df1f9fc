"""Loading, and what comes back: rows, and columns against the manifest."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import Any

import numpy as np

from mixpeek_lab.documents import vector_columns
from mixpeek_lab.errors import ExtractorError
from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.report import Verdict
from mixpeek_lab.harness.verdicts import NoEvidenceError, failed, passed, skipped, together, warned
from mixpeek_lab.loader.places import place_of
from mixpeek_lab.models import CONTRACT_COLUMNS

GENERIC = frozenset({"embedding", "embeddings", "vector"})
"""Names under which a realtime service gives its vector: an output_schema may mean that."""
LEAST_VECTOR = 8
"""Numbers in a list at least for it to look like a vector."""


def loads(evidence: Evidence) -> Verdict:
    """The steps are built, and their processors made and set up."""
    evidence.demand_batch()
    try:
        steps = evidence.loaded
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary to user code
        is_told = isinstance(error, ExtractorError)
        text = str(error) if is_told else f"setup() failed: {type(error).__name__}: {error}"
        return failed(text, "" if is_told else place_of(evidence.subject.source, error))
    return passed(f"Steps: {', '.join(step.name for step in steps)}.")


def reads_the_contract(evidence: Evidence) -> Verdict:
    """The frame has the contract's columns and no others, and the processor reads no others."""
    for step, call in evidence.calls[:1]:
        if set(call.columns) != set(CONTRACT_COLUMNS):
            return failed(f"{step.name} got the columns {', '.join(call.columns)}.")
    for step, call in evidence.calls:
        if call.wanted and call.wanted not in call.columns:
            return failed(
                f"{step.name} asks a DataFrame for the column {call.wanted!r}, which no batch has: "
                f'the content is always in batch["data"]. Columns: {", ".join(CONTRACT_COLUMNS)}.',
                call.where,
            )
    return passed(f"Columns: {', '.join(CONTRACT_COLUMNS)}.")


def rows_come_through(evidence: Evidence) -> Verdict:
    """No sample row fails."""
    if not evidence.samples.rows:
        why = " ".join(evidence.samples.notes)
        return failed(f"There is no sample row, so nothing was tested. {why} See --rows (rows=).")
    failures = evidence.first.failures
    if not failures:
        return passed(f"{len(evidence.samples.rows)} rows.")
    kinds = Counter((f.step, f.kind, f.message) for f in failures.values())
    total = len(evidence.samples.rows)
    told = [
        f"{count} of {total} rows failed in {step}: {kind}: {message.rstrip('.')}."
        for (step, kind, message), count in kinds.most_common(3)
    ]
    where = next((f.where for f in failures.values() if ".py:" in f.where), "")
    return failed(f"{' '.join(told)} The first is {evidence.samples.name(min(failures))}.", where)


def has_feature_columns(evidence: Evidence) -> Verdict:
    """Every declared feature has a column."""
    features = evidence.subject.manifest.features
    names = sorted({str(name) for frame in evidence.frames for name in frame.columns})
    given = [name for name in names if name not in CONTRACT_COLUMNS]
    if not features:
        return skipped("The manifest declares no features.")
    found = []
    for feature in features:
        try:
            column = evidence.column_of(feature.feature_name)
            found.append(passed(f"{feature.feature_name} is in the column {column}."))
        except NoEvidenceError:
            found.append(_missing(evidence, feature.feature_name, given))
    return together(found)


def has_output_fields(evidence: Evidence) -> Verdict:
    """Every field of output_schema is a column, or a vector's usual name."""
    schema = evidence.subject.schemas().output
    if schema is None:
        return skipped("The manifest declares no output_schema.")
    names = {str(name) for frame in evidence.frames for name in frame.columns}
    missing = [n for n in schema.properties if n not in names and n not in GENERIC]
    missing = [n for n in missing if f"{n}_embedding" not in names]
    if missing:
        return warned(
            f"output_schema declares {', '.join(map(repr, missing))}, and no step returns such a "
            "column. Add it in the processor, or take the field out of the schema."
        )
    return passed(f"Fields: {', '.join(schema.properties)}.")


def has_no_undeclared_vectors(evidence: Evidence) -> Verdict:
    """No column looks like a vector that the manifest does not declare."""
    frames = evidence.frames
    names = {str(name) for frame in frames for name in frame.columns}
    declared = set(vector_columns(names, evidence.features).values()) | set(CONTRACT_COLUMNS)
    found = {
        str(name): size
        for frame in frames
        for name in frame.columns
        if str(name) not in declared and (size := _vector_size(frame[name]))
    }
    if not found:
        return passed()
    told = ", ".join(f"{name!r} ({size} numbers)" for name, size in found.items())
    first, size = next(iter(found.items()))
    return warned(
        f"The manifest does not declare {told}: no index is made of it. Add "
        f'`Feature.embedding("{first}", dim={size})` to features, or drop the column.',
        evidence.subject.line_of(first),
    )


def _missing(evidence: Evidence, feature: str, given: list[str]) -> Verdict:
    close = get_close_matches(feature, given, n=1, cutoff=0.5) or given[:1]
    told = f"The steps return {', '.join(given)}." if given else "The steps return no new column."
    rename = f" Is it meant to be {close[0]!r}?" if close else ""
    return failed(
        f"The manifest declares {feature!r}, and no step returns it. {told}{rename} Write "
        f'batch["{feature}"] = … in the processor, or rename the feature.',
        evidence.subject.line_of(close[0] if close else feature),
    )


def _vector_size(column: Any) -> int:
    """How many numbers each value has, where all are lists of as many numbers; else 0."""
    sizes = set()
    for value in column if getattr(column, "ndim", 2) == 1 else ():
        if value is None:
            continue
        if not isinstance(value, list | tuple | np.ndarray) or len(value) < LEAST_VECTOR:
            return 0
        if not all(isinstance(v, float | np.floating) for v in value):
            return 0
        sizes.add(len(value))
    return sizes.pop() if len(sizes) == 1 else 0
