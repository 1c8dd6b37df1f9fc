"""The vectors and labels themselves: dimension, type, finiteness, difference."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from mixpeek_lab.harness.agreement import compare_two
from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.report import Verdict
from mixpeek_lab.harness.verdicts import failed, passed, skipped, together, warned
from mixpeek_lab.models import Feature

NO_VECTORS = "The manifest declares no embedding features."

ADVICE = {
    "float16": "Half precision has three digits: write `.astype(np.float32)`.",
    "tensor": "Write `.cpu().numpy()` or `.tolist()`: Arrow knows no tensors.",
}


def dimension(evidence: Evidence) -> Verdict:
    """Each vector has as many numbers as the manifest declares."""
    return _each(evidence, _dimension)


def number_type(evidence: Evidence) -> Verdict:
    """Vectors are lists of floats or arrays of float32."""
    return _each(evidence, _number_type)


def finite(evidence: Evidence) -> Verdict:
    """No NaN, no infinity, none all zeros, none missing."""
    return _each(evidence, _finite)


def different(evidence: Evidence) -> Verdict:
    """Rows with different data have different vectors."""
    return _each(evidence, _different)


def labels(evidence: Evidence) -> Verdict:
    """Labels are among those that the manifest declares."""
    features = [f for f in evidence.subject.manifest.features if f.feature_type != "embedding"]
    if not features:
        return skipped("The manifest declares no labels.")
    return together(_labels(evidence, feature) for feature in features)


def _each(evidence: Evidence, check: Any) -> Verdict:
    features = evidence.subject.manifest.vectors
    if not features:
        return skipped(NO_VECTORS)
    return together(check(evidence, feature) for feature in features)


def _dimension(evidence: Evidence, feature: Feature) -> Verdict:
    name, wanted = feature.feature_name, feature.embedding_dim
    shapes = Counter(_shape(value) for value in evidence.raw(name) if value is not None)
    wrong = [shape for shape in shapes if shape != (wanted,)]
    measured = {f"{name}_dim": wanted}
    if not wrong:
        return passed(f"{name}: {wanted}.", **measured)
    shape = wrong[0]
    size = f"the length {shape[0]}" if len(shape) == 1 else f"the shape {shape}"
    return failed(
        f"{name!r} has {size}, and the manifest declares {wanted}. Set embedding_dim to what the "
        "model gives, or load the model that is meant.",
        evidence.subject.line_of(evidence.column_of(name)),
        **measured,
    )


def _number_type(evidence: Evidence, feature: Feature) -> Verdict:
    name = feature.feature_name
    kinds = Counter(_kind(value) for value in evidence.raw(name) if value is not None)
    where = evidence.subject.line_of(evidence.column_of(name))
    told = f"{name}: {', '.join(kinds)}."
    bad = next((kind for kind in kinds if _is_wrong(kind)), None)
    if bad:
        return failed(
            f"{name!r} holds {bad}. Give each row a list of floats "
            "(`.tolist()`) or an array of float32.",
            where,
        )
    if len(kinds) > 1:
        return warned(f"{name!r} holds {' and '.join(kinds)}. Give all rows the same.", where)
    for word, advice in ADVICE.items():
        if any(word in kind for kind in kinds):
            return warned(f"{told} {advice}", where)
    if any("64" in kind or kind.startswith("int") for kind in kinds):
        return passed(f"{told} It is kept as float32.")
    return passed(told)


def _finite(evidence: Evidence, feature: Feature) -> Verdict:
    name = feature.feature_name
    by_row = evidence.vectors(name)
    where = evidence.subject.line_of(evidence.column_of(name))
    missing = [row for row, v in by_row.items() if len(v) and np.isnan(v).all(axis=1).any()]
    raw = [v for v in evidence.raw(name) if v is not None]
    broken = sum(not _is_finite(value) for value in raw)
    if broken:
        return failed(
            f"{broken} of {len(raw)} vectors {name!r} have NaN or infinity in them, and cannot be "
            "searched. Look for a division by zero, or the logarithm of 0.",
            where,
        )
    zero = [row for row, v in by_row.items() if len(v) and (v == 0).all(axis=1).any()]
    if zero and feature.distance_metric == "cosine":
        return failed(
            f"{name!r} is all zeros for {evidence.samples.name(zero[0])}: it has no direction, "
            "and so no cosine. See what the model gives, or declare the metric dot or euclid.",
            where,
        )
    if len(missing) == len(by_row):
        return failed(f"Every vector {name!r} is missing: the column holds None alone.", where)
    kinds = {evidence.samples.rows[row].type for row in by_row if row not in missing}
    lost = [row for row in missing if evidence.samples.rows[row].type in kinds]
    if lost:
        return warned(
            f"{len(lost)} rows have no vector {name!r}, {evidence.samples.name(lost[0])} the "
            "first: they cannot be found by it.",
            where,
        )
    return passed()


def _different(evidence: Evidence, feature: Feature) -> Verdict:
    name = feature.feature_name
    by_row = evidence.vectors(name)
    firsts = {row: v[0] for row, v in by_row.items() if len(v) and np.isfinite(v[0]).all()}
    data = {evidence.samples.rows[row].data for row in firsts}
    if len(data) < 2:
        return skipped("There are not two different rows to compare.")
    rows = list(firsts)
    cosines = [compare_two(firsts[rows[0]], firsts[row]) for row in rows[1:]]
    if all(cosine > 1 - 1e-9 and norm < 1e-9 for cosine, norm in cosines):
        return failed(
            f"All {len(rows)} rows have the same vector {name!r}: it does not depend on "
            'batch["data"].',
            evidence.subject.line_of(evidence.column_of(name)),
        )
    return passed()


def _labels(evidence: Evidence, feature: Feature) -> Verdict:
    name = feature.feature_name
    values = [v for v in evidence.raw(name) if v is not None and v == v]
    if not feature.labels:
        return passed(f"{name}: the manifest names no labels to compare with.")
    wrong = sorted({repr(each) for value in values for each in _listed(value)
                    if _label(each) not in feature.labels})  # fmt: skip
    if wrong:
        return failed(
            f"{name!r} holds {', '.join(wrong[:3])}, and the manifest declares "
            f"{', '.join(feature.labels)}. Add the label there, or map it to one of these.",
            evidence.subject.line_of(name),
        )
    return passed(f"{name}: {len(values)} values.")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | np.ndarray) else [value]


def _label(value: Any) -> Any:
    """A label as it stands, or out of `{"label": …, "confidence": …}`."""
    return value.get("label") if isinstance(value, dict) else value


def _shape(value: Any) -> tuple[int, ...]:
    try:
        return tuple(np.shape(value))
    except ValueError:  # lists of different lengths
        return (len(value), -1)


def _is_finite(value: Any) -> bool:
    try:
        numbers = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError, RuntimeError):
        return True  # the type's check says so
    return bool(np.isfinite(numbers).all())


def _is_wrong(kind: str) -> bool:
    return kind.startswith(("text", "object", "bool")) or "instead of" in kind


def _kind(value: Any) -> str:
    """What a vector is made of, in words."""
    if isinstance(value, str | bytes):
        return "text instead of a list"
    dtype = getattr(value, "dtype", None)
    if isinstance(value, np.ndarray):
        kind = value.dtype.kind
        return "object array" if kind == "O" else "text array" if kind in "US" else f"{dtype} array"
    if dtype is not None:
        return f"{type(value).__module__.partition('.')[0]} tensor of {dtype}"
    if not isinstance(value, list | tuple):
        return f"{type(value).__name__} instead of a list"
    types = {type(number) for number in value}
    if types <= {float, np.float32, np.float64}:
        return "list of floats"
    if any(issubclass(t, str) for t in types):
        return "text in a list"
    if all(issubclass(t, int | float | np.number) and not issubclass(t, bool) for t in types):
        floats = [t.__name__ for t in types if t is np.float16]
        return f"list of {floats[0]}" if floats else "ints and floats in a list"
    return f"object list of {', '.join(sorted(t.__name__ for t in types))}"
