"""The three dialects of a manifest, brought to one form: field → where it is declared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mixpeek_lab.manifests.folding import is_typed_manifest
from mixpeek_lab.manifests.namespace import Namespace
from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.values import Derived, Folded, Made, Named, Table, Unknown

Dialect = Literal["metadata", "variables", "typed"]

FIELDS = (
    "feature_extractor_name",
    "version",
    "description",
    "category",
    "features",
    "inference_type",
    "supported_input_types",
    "compute_profile",
    "dependencies",
    "system_packages",
    "container_image",
    "feature_uri",
)
"""The fields that are read."""

OTHER_KEYS = (
    "input_schema",
    "output_schema",
    "parameter_schema",
    "input_mappings",
    "tier",
    "tier_label",
    "example_input",
    "example_output",
    "serve_config",
    "cost_rates",
    "icon",
    "author",
)
"""What a manifest may also say; carried, not used."""

KEYWORDS = (*FIELDS, *OTHER_KEYS)
"""The keywords of ExtractorManifest."""

MANIFEST_NAMES = (*KEYWORDS, "metadata", "manifest")
"""The module-level names that belong to a manifest."""

_ALIASES = {"name": "feature_extractor_name"}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One place where a field is given a value. `written` is how it is spelled there."""

    field: str
    value: Folded
    place: ast.AST
    written: str


@dataclass(frozen=True, slots=True)
class Declared:
    """All that a manifest declares; per field the typed call first, then metadata, then names."""

    dialect: Dialect
    fields: dict[str, tuple[Declaration, ...]]
    names: Namespace

    def of(self, field: str) -> tuple[Declaration, ...]:
        """Where a field is declared."""
        return self.fields.get(field, ())

    def class_name(self, field: str) -> str | None:
        """The class that `input_schema`, `output_schema`, … names."""
        values = [declaration.value for declaration in self.of(field)]
        return next((v.dotted.split(".")[-1] for v in values if isinstance(v, Named)), None)


def read_declared(names: Namespace, report: Report) -> Declared:
    """Gather every declaration of every field, and note keys that nobody reads."""
    typed = _typed(names, report)
    metadata = names.values.get("metadata")
    found: list[Declaration] = []
    if typed is not None:
        found.extend(_of_call(typed, report))
    if isinstance(metadata, Table):
        found.extend(_of_table(metadata, report))
    elif not (metadata is None or isinstance(metadata, Derived) or is_typed_manifest(metadata)):
        _refuse_metadata(metadata, names.places["metadata"], report)
    found.extend(_of_names(names))
    fields: dict[str, tuple[Declaration, ...]] = {}
    for declaration in found:
        fields[declaration.field] = (*fields.get(declaration.field, ()), declaration)
    return Declared(_dialect(typed, metadata), fields, names)


def _dialect(typed: Made | None, metadata: Folded | None) -> Dialect:
    if typed is not None:
        return "typed"
    return "metadata" if metadata is not None else "variables"


def _typed(names: Namespace, report: Report) -> Made | None:
    made = {
        name: value
        for name, value in names.values.items()
        if isinstance(value, Made) and is_typed_manifest(value)
    }
    nodes = {id(value.node) for value in made.values()}
    if len(nodes) > 1:
        last = list(made.values())[-1]
        report.add(
            "MAN019", last.node, f"There are {len(nodes)} ExtractorManifest(...) in the file.",
            "Keep one: an extractor has one manifest.",
        )  # fmt: skip
    return made.get("manifest") or next(iter(made.values()), None)


def _of_call(call: Made, report: Report) -> Iterator[Declaration]:
    if call.args:
        report.add(
            "MAN020", call.args[0].node, "ExtractorManifest takes keywords only.",
            'Write ExtractorManifest(feature_extractor_name="…", version="1.0.0", …).',
        )  # fmt: skip
    for (key, value), place in zip(call.keywords, call.places, strict=True):
        field = _ALIASES.get(key, key)
        if field in KEYWORDS:
            yield Declaration(field, value, place, f"{key}=")
            continue
        meant = nearest(key, KEYWORDS)
        report.add(
            "MAN020", place, f"ExtractorManifest has no keyword `{key}`.",
            f"Did you mean `{meant}`?" if meant else f"It takes {', '.join(KEYWORDS)}.",
        )  # fmt: skip


def _of_table(table: Table, report: Report) -> Iterator[Declaration]:
    for key, value in table.entries:
        field = _ALIASES.get(str(key.value), str(key.value))
        if field in KEYWORDS:
            yield Declaration(field, value, key.node, f'metadata["{key.value}"]')
            continue
        meant = nearest(key.value, KEYWORDS)
        if meant:
            report.add(
                "MAN024", key.node, f"Nothing reads metadata[{key.value!r}].",
                f'Did you mean "{meant}"?',
            )  # fmt: skip


def _of_names(names: Namespace) -> Iterator[Declaration]:
    for field in KEYWORDS:
        value = names.values.get(field)
        if value is not None and not isinstance(value, Derived):
            yield Declaration(field, value, names.places[field], field)


def _refuse_metadata(value: Folded, place: ast.AST, report: Report) -> None:
    reason = f": {value.reason}" if isinstance(value, Unknown) else ", it is not a dict"
    report.add(
        "MAN018", place, f"`metadata` cannot be read from the text{reason}.",
        'Write the dict out: metadata = {"feature_extractor_name": "…", "version": "1.0.0", …}.',
    )  # fmt: skip
