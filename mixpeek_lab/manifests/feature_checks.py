"""Checking one feature's values: type, name, dimension, metric, index."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.rules import NO_INDEX
from mixpeek_lab.manifests.values import (
    Folded,
    Listing,
    Made,
    Named,
    Scalar,
    Unknown,
    plain,
    shown,
    source_of,
)
from mixpeek_lab.models import CONTRACT_COLUMNS, INDEX_KINDS, METRICS

KEYS = ("feature_type", "feature_name", "embedding_dim", "distance_metric")
OPTIONAL_KEYS = ("labels", "index", "description")
FEATURE_TYPES = ("embedding", "classification")
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


@dataclass(frozen=True, slots=True)
class Draft:
    """One feature before its values are checked: right key → value, and where it stands."""

    label: str
    node: ast.AST
    values: Mapping[str, Folded]


def _known(draft: Draft, key: str) -> Folded | None:
    """The value of a key where there is one that its text tells."""
    value = draft.values.get(key)
    return None if value is None or isinstance(value, Unknown | Named | Made) else value


def check_type(draft: Draft, report: Report) -> None:
    """`feature_type` is one of FEATURE_TYPES."""
    value = _known(draft, "feature_type")
    if value is not None and plain(value) not in FEATURE_TYPES:
        report.add(
            "MAN003", value.node,
            f"{draft.label}: feature_type is {shown(value)}, "
            f'not "embedding" or "classification". {NO_INDEX}',
            f"Write {corrected(draft.values)}.",
        )  # fmt: skip


def check_name(draft: Draft, report: Report) -> None:
    """`feature_name` is a text that can name an index."""
    value = _known(draft, "feature_name")
    if value is None:
        return
    name = plain(value) if isinstance(value, Scalar) else None
    if not isinstance(name, str) or not name or any(c.isspace() or c in "/@" for c in name):
        report.add(
            "MAN007", value.node,
            f"{draft.label}: {shown(value)} cannot be a feature's name.",
            "Use a non-empty text without spaces, / and @: my_embedding.",
        )  # fmt: skip
    elif name in CONTRACT_COLUMNS or name.startswith("_"):
        report.add(
            "MAN007", value.node,
            f"{draft.label}: {shown(value)} cannot be a feature's name: documents have a column "
            "of that name.",
            f'Name it after what it holds: "{name.strip("_")}_embedding".',
        )  # fmt: skip


def check_dim(draft: Draft, report: Report) -> None:
    """`embedding_dim` is a positive whole number."""
    value = _known(draft, "embedding_dim")
    if value is None or "embedding_dim" not in needed(draft.values):
        return
    dim = value.value if isinstance(value, Scalar) else None
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        report.add(
            "MAN004", value.node,
            f"{draft.label}: embedding_dim is {shown(value)}, not a positive whole number.",
            "Write how many numbers one vector of your model has, for example 384.",
        )  # fmt: skip


def check_metric(draft: Draft, report: Report) -> None:
    """`distance_metric` is one of METRICS; usual synonyms are told apart."""
    value = _known(draft, "distance_metric")
    if value is None or "distance_metric" not in needed(draft.values):
        return
    if plain(value) not in METRICS:
        meant = metric_meant(plain(value))
        report.add(
            "MAN005", value.node,
            f"{draft.label}: distance_metric is {shown(value)}, not cosine, euclid or dot.",
            f'Did you mean "{meant}"?' if meant else 'Write "cosine", "euclid" or "dot".',
        )  # fmt: skip


def check_index(draft: Draft, report: Report) -> None:
    """`index` is one of INDEX_KINDS, which the hosted platform ignores."""
    value = _known(draft, "index")
    if value is None:
        return
    if plain(value) not in INDEX_KINDS:
        meant = nearest(plain(value), INDEX_KINDS)
        report.add(
            "MAN009", value.node, f"{draft.label}: there is no index kind {shown(value)}.",
            f'Did you mean "{meant}"?' if meant else f"Write one of {', '.join(INDEX_KINDS)}.",
            severity="error",
        )  # fmt: skip
    else:
        report.add(
            "MAN009", value.node,
            f"{draft.label}: `index` is read here; the hosted platform ignores it.",
        )  # fmt: skip


def check_texts(draft: Draft, report: Report) -> None:
    """Labels and description are texts."""
    labels = _known(draft, "labels")
    if labels is not None and not (isinstance(labels, Listing) and _all_text(labels.items)):
        report.add(
            "MAN021", labels.node, f"{draft.label}: labels is {shown(labels)}.",
            'Write a list of texts: ["cat", "dog"].',
        )  # fmt: skip
    description = _known(draft, "description")
    if description is not None and not isinstance(plain(description), str):
        report.add(
            "MAN021", description.node, f"{draft.label}: description is {shown(description)}.",
            "Write a text.",
        )  # fmt: skip


def _all_text(items: Iterable[Folded]) -> bool:
    return all(
        isinstance(item, Unknown) or (isinstance(item, Scalar) and isinstance(item.value, str))
        for item in items
    )


def refuse_duplicates(drafts: list[Draft], report: Report) -> None:
    """Two features must not have one name."""
    for first, second in _pairs_of_one_name(drafts):
        name = second.values["feature_name"]
        line = report.place(first.values["feature_name"].node)[0]
        report.add(
            "MAN006", name.node,
            f"{second.label} and {first.label} (line {line}) are both called {shown(name)}.",
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


def needed(values: Mapping[str, Folded]) -> tuple[str, ...]:
    """The keys that a feature with these values must have."""
    kind = values.get("feature_type")
    labels = isinstance(kind, Scalar) and kind.value == "classification"
    return ("feature_type", "feature_name") if labels else KEYS


def corrected(values: Mapping[str, Folded]) -> str:
    """The dict as it should be written: right keys, right values, `...` for what is not known."""
    texts: dict[str, str] = {}
    for key in (*needed(values), *OPTIONAL_KEYS):
        value = values.get(key)
        if value is not None:
            texts[key] = _corrected_value(key, value)
        elif key not in OPTIONAL_KEYS:
            texts[key] = {"feature_type": '"embedding"', "distance_metric": '"cosine"'}.get(
                key, "..."
            )
    return "{" + ", ".join(f'"{key}": {text}' for key, text in texts.items()) + "}"


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
