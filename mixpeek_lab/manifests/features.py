"""Reading `features`: the exact keys, their values, and the fix for the usual mistakes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from mixpeek_lab.manifests.feature_checks import (
    KEYS,
    OPTIONAL_KEYS,
    Draft,
    check_dim,
    check_index,
    check_metric,
    check_name,
    check_texts,
    check_type,
    corrected,
    needed,
    refuse_duplicates,
)
from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.rules import NO_INDEX
from mixpeek_lab.manifests.values import (
    Folded,
    Listing,
    Made,
    Scalar,
    Table,
    Unknown,
    plain,
    source_of,
    unknowns,
)
from mixpeek_lab.models import Feature, IndexKind, as_metric

WRONG_KEYS = {
    "type": "feature_type",
    "kind": "feature_type",
    "name": "feature_name",
    "index_name": "feature_name",
    "vector_name": "feature_name",
    "dim": "embedding_dim",
    "dims": "embedding_dim",
    "dimension": "embedding_dim",
    "dimensions": "embedding_dim",
    "embedding_dims": "embedding_dim",
    "embedding_dimension": "embedding_dim",
    "embedding_dimensions": "embedding_dim",
    "embedding_size": "embedding_dim",
    "vector_size": "embedding_dim",
    "vector_dim": "embedding_dim",
    "size": "embedding_dim",
    "distance": "distance_metric",
    "distance_function": "distance_metric",
    "metric": "distance_metric",
    "metric_type": "distance_metric",
    "similarity": "distance_metric",
    "space": "distance_metric",
}
"""Key as people write it → the key that Mixpeek reads."""
_LOST = {"labels": "The labels would be lost.", "index": "The index would be of kind flat."}
"""Keys that may be left out → what a misspelt one does."""

_CALLS: dict[str, tuple[Callable[..., Feature], str]] = {
    "Feature.embedding": (Feature.embedding, "embedding"),
    "Feature.classification": (Feature.classification, "classification"),
    "Feature": (Feature, ""),
}
_PARAMETER_KEYS = {"name": "feature_name", "dim": "embedding_dim"}


def read_features(value: Folded, report: Report) -> tuple[Feature, ...]:
    """The features that a list declares. Those with errors are left out and reported."""
    if not isinstance(value, Listing):
        _refuse_list(value, report)
        return ()
    drafts = [
        draft
        for position, item in enumerate(value.items)
        if (draft := _draft(f"features[{position}]", item, report)) is not None
    ]
    features = [feature for draft in drafts if (feature := _feature(draft, report)) is not None]
    refuse_duplicates(drafts, report)
    return tuple(features)


def _refuse_list(value: Folded, report: Report) -> None:
    if isinstance(value, Unknown):
        report.add("MAN018", value.node, f"`features` cannot be read: {value.reason}.", _FIX_READ)
        return
    entry = source_of(value.node) if isinstance(value, Table | Made) else '{"feature_type": …}'
    report.add(
        "MAN021", value.node, f"`features` must be a list. {NO_INDEX}",
        f"Write a list, with one entry per feature: features = [{entry}].",
    )  # fmt: skip


_FIX_READ = "Write the value out, or build it from constants of this file."


def _draft(label: str, item: Folded, report: Report) -> Draft | None:
    if isinstance(item, Table):
        return _of_table(label, item, report)
    if isinstance(item, Made):
        spelled = next((name for name in _CALLS if _is_call(item, name)), None)
        if spelled is not None:
            return _of_call(label, item, spelled, report)
    if isinstance(item, Unknown):
        report.add("MAN018", item.node, f"{label} cannot be read: {item.reason}.", _FIX_READ)
    else:
        report.add(
            "MAN021", item.node, f"{label} is `{source_of(item.node)}`. {NO_INDEX}",
            'Write Feature.embedding("name", dim=384), or a dict with the four keys.',
        )  # fmt: skip
    return None


def _is_call(made: Made, name: str) -> bool:
    return made.callee == name or made.callee.endswith(f".{name}")


# ------------------------------------------------------------------------------ dicts


def _of_table(label: str, table: Table, report: Report) -> Draft | None:
    values: dict[str, Folded] = {}
    wrong: list[tuple[Scalar, str]] = []
    for key, value in table.entries:
        name = str(key.value)
        right = _right_key(name)
        if right is None:
            _ignored(label, key, report)
        elif name == right:
            values[right] = value
        else:
            wrong.append((key, right))
            values.setdefault(right, value)
    fix = f"Write {corrected(values)}."
    for key, right in wrong:
        consequence = _LOST.get(right, NO_INDEX)
        message = f"`{right}` is missing in {label}; you wrote `{key.value}`. {consequence}"
        report.add("MAN001", key.node, message, fix)
    missing = [key for key in needed(values) if key not in values]
    for name in missing:
        report.add("MAN002", table.node, f"`{name}` is missing in {label}. {NO_INDEX}", fix)
    return Draft(label, table.node, values)


def _right_key(name: str) -> str | None:
    if name in KEYS or name in OPTIONAL_KEYS:
        return name
    return WRONG_KEYS.get(name.lower()) or nearest(name, (*KEYS, *_LOST))


def _ignored(label: str, key: Scalar, report: Report) -> None:
    report.add(
        "MAN024", key.node, f"Nothing reads `{key.value}` in {label}.",
        f"The keys are {', '.join((*KEYS, *OPTIONAL_KEYS))}.",
    )  # fmt: skip


# ------------------------------------------------------------------------------ calls


def _of_call(label: str, made: Made, spelled: str, report: Report) -> Draft | None:
    call, kind = _CALLS[spelled]
    signature = inspect.signature(call)
    if not _keywords_known(label, made, spelled, list(signature.parameters), report):
        return None
    try:
        bound = signature.bind(*made.args, **dict(made.keywords)).arguments
    except TypeError as error:
        shown = str(error).replace("'", "`")
        report.add("MAN020", made.node, f"{label}: {spelled}() {shown}.", _example(spelled))
        return None
    values = {_PARAMETER_KEYS.get(name, name): value for name, value in bound.items()}
    if kind or "feature_type" not in values:
        values["feature_type"] = Scalar(made.node, kind or "embedding")
    if kind != "classification":
        values.setdefault("distance_metric", Scalar(made.node, "cosine"))
    return Draft(label, made.node, values)


def _keywords_known(label: str, made: Made, spelled: str, known: list[str], report: Report) -> bool:
    good = True
    for (name, _), place in zip(made.keywords, made.places, strict=True):
        if name in known:
            continue
        good = False
        key = WRONG_KEYS.get(name.lower(), name)
        meant = next((k for k in known if _PARAMETER_KEYS.get(k, k) == key), None)
        meant = meant or nearest(name, known)
        report.add(
            "MAN020", place, f"{label}: {spelled}() has no keyword `{name}`.",
            f"Did you mean `{meant}`?" if meant else _example(spelled),
        )  # fmt: skip
    return good


def _example(spelled: str) -> str:
    if spelled == "Feature.classification":
        return 'Write Feature.classification("name", labels=["a", "b"]).'
    return 'Write Feature.embedding("name", dim=384, distance_metric="cosine").'


# ------------------------------------------------------------------------------ values


def _feature(draft: Draft, report: Report) -> Feature | None:
    before = len(report.findings)
    for value in draft.values.values():
        for unread in unknowns(value):
            message = f"{draft.label} cannot be read: {unread.reason}."
            report.add("MAN018", unread.node, message, _FIX_READ)
    for check in (check_type, check_name, check_dim, check_metric, check_index, check_texts):
        check(draft, report)
    if any(found.severity == "error" for found in report.findings[before:]):
        return None
    return _made_feature(draft)


def _made_feature(draft: Draft) -> Feature | None:
    if any(key not in draft.values for key in needed(draft.values)):
        return None
    found: dict[str, Any] = {key: plain(value) for key, value in draft.values.items()}
    return Feature(
        feature_name=found["feature_name"],
        feature_type=found["feature_type"],
        embedding_dim=found.get("embedding_dim"),
        distance_metric=as_metric(found.get("distance_metric", "cosine")),
        labels=tuple(found.get("labels") or ()),
        index=cast("IndexKind", found.get("index", "flat")),
        description=found.get("description") or "",
    )
