"""What a processor returned against what the manifest declares, in sentences for the report.

A few documents are looked into, whatever their number: a schema that does not fit shows at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from mixpeek_lab.documents import RESERVED
from mixpeek_lab.loader import Schema
from mixpeek_lab.models import CONTRACT_COLUMNS, JSON, Feature, Manifest

SAMPLE = 5
"""Documents whose values are checked."""
LABELLED = 1000
"""Documents whose labels are checked."""
_VECTOR_NAMES = ("embedding", "embeddings", "vector")
"""What output schemas call the vector of an extractor, as realtime services do."""


def explain_output(schema: Schema | None, manifest: Manifest, documents: pa.Table) -> list[str]:
    """Notes on columns that are missing, of another type, or not declared; and on strange labels.

    `documents` as they are kept: vectors under their features' names.
    """
    notes = list(_strange_labels(manifest, documents))
    if schema is None or not documents.num_rows:
        return notes
    columns = {
        name: found for name in schema.properties if (found := _column(name, manifest, documents))
    }
    notes += _missing(schema, columns, documents, manifest)
    notes += _misfits(schema, columns, documents)
    return [*notes, *_undeclared(schema, columns, documents, manifest)]


def _column(declared: str, manifest: Manifest, documents: pa.Table) -> str | None:
    """The column that a declared output is in; None where there is none."""
    names = documents.column_names
    vectors = [feature.feature_name for feature in manifest.vectors]
    if declared in names:
        return declared
    if declared.removesuffix("_embedding") in vectors:
        return declared.removesuffix("_embedding")
    if declared in _VECTOR_NAMES and vectors:
        return vectors[0]
    return None


def _own(documents: pa.Table, manifest: Manifest) -> list[str]:
    """The columns that the processor added, but for vectors."""
    vectors = {feature.feature_name for feature in manifest.vectors}
    return [n for n in documents.column_names if n not in {*RESERVED, *CONTRACT_COLUMNS, *vectors}]


def _missing(
    schema: Schema, columns: Mapping[str, str], documents: pa.Table, manifest: Manifest
) -> Iterator[str]:
    # A schema that says of nothing whether it is required means all of it.
    expected = schema.required or tuple(n for n in schema.properties if n not in schema.defaults)
    lost = [n for n in expected if n not in columns and n not in CONTRACT_COLUMNS]
    if lost:
        named = ", ".join(f"`{name}`" for name in lost)
        own = ", ".join(_own(documents, manifest)) or "no columns of its own but vectors"
        yield (
            f"{schema.title} declares {named}, which the processor did not return (it returned: "
            f"{own})."
        )


def _misfits(schema: Schema, columns: Mapping[str, str], documents: pa.Table) -> Iterator[str]:
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    sample = documents.slice(0, SAMPLE).select(sorted(set(columns.values()))).to_pylist()
    for row in sample:
        value = {name: _plain(row[column]) for name, column in columns.items()}
        for problem in schema.problems(value, partial=True):
            first.setdefault(problem.field, problem.message)
            counts[problem.field] += 1
    for field, message in first.items():
        yield f"{message} (In {counts[field]} of the first {len(sample)} documents.)"


def _undeclared(
    schema: Schema, columns: Mapping[str, str], documents: pa.Table, manifest: Manifest
) -> Iterator[str]:
    labels = {f.feature_name for f in manifest.features if f.feature_type != "embedding"}
    declared = {*schema.properties, *columns.values(), *labels}
    extra = [name for name in _own(documents, manifest) if name not in declared]
    if extra and not schema.is_open:
        named = ", ".join(f"`{name}`" for name in extra)
        yield f"{schema.title} does not declare {named}, which the processor returned."


def _strange_labels(manifest: Manifest, documents: pa.Table) -> Iterator[str]:
    """Values of classifications that are none of their labels, and classifications without any."""
    for feature in manifest.features:
        if feature.feature_type != "classification" or not documents.num_rows:
            continue
        if feature.feature_name not in documents.column_names:
            yield (
                f"The manifest declares the classification {feature.feature_name!r}, and the "
                f'processor returned no column of that name: batch["{feature.feature_name}"] = ….'
            )
        elif feature.labels:
            column = documents.column(feature.feature_name).slice(0, LABELLED)
            yield from _outside(feature, _labels(column.to_pylist()))


def _outside(feature: Feature, found: Iterable[str]) -> Iterator[str]:
    strange = [label for label in dict.fromkeys(found) if label not in feature.labels]
    if strange:
        shown = ", ".join(map(repr, strange[:5])) + (", …" if len(strange) > 5 else "")
        yield (
            f"Classification {feature.feature_name!r} has values that are none of its labels: "
            f"{shown}. Its labels are {', '.join(feature.labels)}."
        )


def _labels(values: Iterable[Any]) -> Iterator[str]:
    """The labels in a column of texts, of `{label, confidence}`, or of lists of either."""
    for value in values:
        if isinstance(value, Mapping):
            yield from _labels([value.get("label")])
        elif isinstance(value, list | tuple):
            yield from _labels(value)
        elif value is not None:
            yield str(value)


def _plain(value: Any) -> JSON:
    return value.isoformat() if isinstance(value, date) else value
