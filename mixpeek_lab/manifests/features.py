"""Reading `features`: the exact keys, their values, and the fix for the usual mistakes."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.rules import NO_INDEX
from mixpeek_lab.manifests.values import (
    Folded,
    Listing,
    Made,
    Named,
    Scalar,
    Table,
    Unknown,
    plain,
    source_of,
    unknowns,
)
from mixpeek_lab.models import INDEX_KINDS, METRICS, Feature, IndexKind, as_metric

KEYS = ("feature_type", "feature_name", "embedding_dim", "distance_metric")
OPTIONAL_KEYS = ("labels", "index", "description")
FEATURE_TYPES = ("embedding", "classification")

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

METRIC_SYNONYMS = {
    "l2": "euclid",
    "euclidean": "euclid",
    "euclidian": "euclid",
    "squared_l2": "euclid",
    "ip": "dot",
    "inner_product": "dot",
    "inner": "dot",
    "dot_product": "dot",
    "dotproduct": "dot",
    "cos": "cosine",
    "cosine_similarity": "cosine",
    "angular": "cosine",
}

_CALLS: dict[str, tuple[Callable[..., Feature], str]] = {
    "Feature.embedding": (Feature.embedding, "embedding"),
    "Feature.classification": (Feature.classification, "classification"),
    "Feature": (Feature, ""),
}
_PARAMETER_KEYS = {"name": "feature_name", "dim": "embedding_dim"}


@dataclass(frozen=True, slots=True)
class Draft:
    """One feature before its values are checked: right key → value, and where it stands."""

    label: str
    node: ast.AST
    values: Mapping[str, Folded]


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
    _refuse_duplicates(drafts, report)
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
        report.add(
            "MAN001", key.node,
            f"`{right}` is missing in {label}; you wrote `{key.value}`. {NO_INDEX}", fix,
        )  # fmt: skip
    missing = [key for key in _needed(values) if key not in values]
    for name in missing:
        report.add("MAN002", table.node, f"`{name}` is missing in {label}. {NO_INDEX}", fix)
    return Draft(label, table.node, values)


def _right_key(name: str) -> str | None:
    if name in KEYS or name in OPTIONAL_KEYS:
        return name
    return WRONG_KEYS.get(name.lower()) or nearest(name, KEYS)


def _ignored(label: str, key: Scalar, report: Report) -> None:
    report.add(
        "MAN024", key.node, f"Nothing reads `{key.value}` in {label}.",
        f"The keys are {', '.join((*KEYS, *OPTIONAL_KEYS))}.",
    )  # fmt: skip


def _needed(values: Mapping[str, Folded]) -> tuple[str, ...]:
    kind = values.get("feature_type")
    labels = isinstance(kind, Scalar) and kind.value == "classification"
    return ("feature_type", "feature_name") if labels else KEYS


def corrected(values: Mapping[str, Folded]) -> str:
    """The dict as it should be written: right keys, right values, `...` for what is not known."""
    shown: dict[str, str] = {}
    for key in (*_needed(values), *OPTIONAL_KEYS):
        value = values.get(key)
        if value is not None:
            shown[key] = _corrected_value(key, value)
        elif key not in OPTIONAL_KEYS:
            shown[key] = {"feature_type": '"embedding"', "distance_metric": '"cosine"'}.get(
                key, "..."
            )
    return "{" + ", ".join(f'"{key}": {text}' for key, text in shown.items()) + "}"


def _corrected_value(key: str, value: Folded) -> str:
    if not isinstance(value, Scalar):
        return source_of(value.node)
    found = value.value
    if key == "distance_metric":
        found = metric_meant(found) or found
    elif key == "feature_type" and found not in FEATURE_TYPES:
        found = "embedding"
    elif key == "embedding_dim" and isinstance(found, str) and found.strip().isdecimal():
        found = int(found)
    return json.dumps(found, ensure_ascii=False) if isinstance(found, str) else repr(found)


def metric_meant(value: object) -> str | None:
    """The metric that a spelling stands for: `l2` → `euclid`, `COSINE` → `cosine`."""
    text = str(value).strip().lower().replace("-", "_").replace(" ", "_")
    return METRIC_SYNONYMS.get(text) or nearest(text, METRICS)


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
    for check in (_check_type, _check_name, _check_dim, _check_metric, _check_index, _check_texts):
        check(draft, report)
    if any(found.severity == "error" for found in report.findings[before:]):
        return None
    return _made_feature(draft)


def _made_feature(draft: Draft) -> Feature | None:
    if any(key not in draft.values for key in _needed(draft.values)):
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


def _known(draft: Draft, key: str) -> Folded | None:
    """The value of a key where there is one that its text tells."""
    value = draft.values.get(key)
    return None if value is None or isinstance(value, Unknown | Named | Made) else value


def _check_type(draft: Draft, report: Report) -> None:
    value = _known(draft, "feature_type")
    if value is not None and plain(value) not in FEATURE_TYPES:
        report.add(
            "MAN003", value.node,
            f"{draft.label}: feature_type is {_shown(value)}, "
            f'not "embedding" or "classification". {NO_INDEX}',
            f"Write {corrected(draft.values)}.",
        )  # fmt: skip


def _check_name(draft: Draft, report: Report) -> None:
    value = _known(draft, "feature_name")
    if value is None:
        return
    name = plain(value) if isinstance(value, Scalar) else None
    if not isinstance(name, str) or not name or any(c.isspace() or c in "/@" for c in name):
        report.add(
            "MAN007", value.node,
            f"{draft.label}: {_shown(value)} cannot be a feature's name.",
            "Use a non-empty text without spaces, / and @: my_embedding.",
        )  # fmt: skip


def _check_dim(draft: Draft, report: Report) -> None:
    value = _known(draft, "embedding_dim")
    if value is None or "embedding_dim" not in _needed(draft.values):
        return
    dim = value.value if isinstance(value, Scalar) else None
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        report.add(
            "MAN004", value.node,
            f"{draft.label}: embedding_dim is {_shown(value)}, not a positive whole number.",
            "Write how many numbers one vector of your model has, for example 384.",
        )  # fmt: skip


def _check_metric(draft: Draft, report: Report) -> None:
    value = _known(draft, "distance_metric")
    if value is None or "distance_metric" not in _needed(draft.values):
        return
    if plain(value) not in METRICS:
        meant = metric_meant(plain(value))
        report.add(
            "MAN005", value.node,
            f"{draft.label}: distance_metric is {_shown(value)}, not cosine, euclid or dot.",
            f'Did you mean "{meant}"?' if meant else 'Write "cosine", "euclid" or "dot".',
        )  # fmt: skip


def _check_index(draft: Draft, report: Report) -> None:
    value = _known(draft, "index")
    if value is None:
        return
    if plain(value) not in INDEX_KINDS:
        meant = nearest(plain(value), INDEX_KINDS)
        report.add(
            "MAN009", value.node, f"{draft.label}: there is no index kind {_shown(value)}.",
            f'Did you mean "{meant}"?' if meant else f"Write one of {', '.join(INDEX_KINDS)}.",
            severity="error",
        )  # fmt: skip
    else:
        report.add(
            "MAN009", value.node,
            f"{draft.label}: `index` is read here; the hosted platform ignores it.",
        )  # fmt: skip


def _check_texts(draft: Draft, report: Report) -> None:
    labels = _known(draft, "labels")
    if labels is not None and not (isinstance(labels, Listing) and _all_text(labels.items)):
        report.add(
            "MAN021", labels.node, f"{draft.label}: labels is {_shown(labels)}.",
            'Write a list of texts: ["cat", "dog"].',
        )  # fmt: skip
    description = _known(draft, "description")
    if description is not None and not isinstance(plain(description), str):
        report.add(
            "MAN021", description.node, f"{draft.label}: description is {_shown(description)}.",
            "Write a text.",
        )  # fmt: skip


def _all_text(items: Iterable[Folded]) -> bool:
    return all(
        isinstance(item, Unknown) or (isinstance(item, Scalar) and isinstance(item.value, str))
        for item in items
    )


def _shown(value: Folded) -> str:
    if isinstance(value, Scalar):
        return repr(value.value)
    return f"`{source_of(value.node)}`"


def _refuse_duplicates(drafts: list[Draft], report: Report) -> None:
    for first, second in _pairs_of_one_name(drafts):
        name = second.values["feature_name"]
        line = report.place(first.values["feature_name"].node)[0]
        report.add(
            "MAN006", name.node,
            f"{second.label} and {first.label} (line {line}) are both called {_shown(name)}.",
            "Give each feature its own name.",
        )  # fmt: skip


def _pairs_of_one_name(drafts: list[Draft]) -> Iterator[tuple[Draft, Draft]]:
    seen: dict[str, Draft] = {}
    for draft in drafts:
        name = _known(draft, "feature_name")
        if isinstance(name, Scalar) and isinstance(name.value, str):
            if name.value in seen:
                yield seen[name.value], draft
            seen.setdefault(name.value, draft)
