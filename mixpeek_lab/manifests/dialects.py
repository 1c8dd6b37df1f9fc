"""The three dialects of a manifest, brought to one form: field → where it is declared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mixpeek_lab.manifests.folding import is_typed_manifest
from mixpeek_lab.manifests.namespace import Namespace
from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.rules import NO_INDEX
from mixpeek_lab.manifests.spelling import field_meant, holds_features, lookalikes
from mixpeek_lab.manifests.values import Derived, Folded, Made, Named, Table, Unknown, source_of

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
    found = list(_of_call(typed, report)) if typed is not None else []
    named = list(_of_names(names))
    owner, metadata = _metadata(typed, named, names, report)
    if isinstance(metadata, Table):
        found.extend(_of_table(owner, metadata))
    found.extend(named)
    if isinstance(metadata, Table):
        found.extend(_unread_keys(owner, metadata, found, report))
    found.extend(_misnamed_features(names, found, report))
    fields: dict[str, tuple[Declaration, ...]] = {}
    for declaration in found:
        fields[declaration.field] = (*fields.get(declaration.field, ()), declaration)
    return Declared(_dialect(typed, metadata), fields, names)


def _dialect(typed: Made | None, metadata: Folded | None) -> Dialect:
    if typed is not None:
        return "typed"
    return "metadata" if metadata is not None else "variables"


def _metadata(
    typed: Made | None, named: list[Declaration], names: Namespace, report: Report
) -> tuple[str, Folded | None]:
    """The dict of the dialect of dicts, and what it is called; also one called `manifest`."""
    found = names.values.get("metadata")
    if found is not None:
        if not (isinstance(found, Table | Derived) or is_typed_manifest(found)):
            _refuse_metadata(found, names.places["metadata"], report)
        return "metadata", found
    manifest = names.values.get("manifest")
    is_named = any(declaration.field == "feature_extractor_name" for declaration in named)
    if manifest is None or typed is not None or is_named:
        return "metadata", None
    _refuse_manifest(manifest, names.places["manifest"], report)
    return "manifest", manifest if isinstance(manifest, Table) else None


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


def _of_table(owner: str, table: Table) -> Iterator[Declaration]:
    for key, value in table.entries:
        field = _ALIASES.get(str(key.value), str(key.value))
        if field in KEYWORDS:
            yield Declaration(field, value, key.node, f'{owner}["{key.value}"]')


def _unread_keys(
    owner: str, table: Table, found: list[Declaration], report: Report
) -> Iterator[Declaration]:
    """Note keys that look like a field's; what stands for the missing `features` is read on."""
    has_features = any(declaration.field == "features" for declaration in found)
    for key, value in table.entries:
        meant = field_meant(key.value, KEYWORDS)
        if not meant or str(key.value) in (*KEYWORDS, *_ALIASES):
            continue
        written = f'{owner}["{key.value}"]'
        if meant == "features" and not has_features:
            _refuse_misspelt(written, key.node, 'Rename the key to "features".', report)
            yield Declaration("features", value, key.node, written)
            continue
        fix = f'Did you mean "{meant}"?'
        report.add("MAN024", key.node, f"Nothing reads {owner}[{key.value!r}].", fix)


def _misnamed_features(
    names: Namespace, found: list[Declaration], report: Report
) -> Iterator[Declaration]:
    """A list of features under another name, where nothing is called `features`."""
    if "features" in names.values or any(d.field == "features" for d in found):
        return
    for name in lookalikes(names):
        if holds_features(names.values[name]):
            place = names.places[name]
            _refuse_misspelt(name, place, "Rename it to `features`.", report)
            yield Declaration("features", names.values[name], place, name)
            return


def _refuse_misspelt(written: str, place: ast.AST, fix: str, report: Report) -> None:
    message = f"`features` is missing; you wrote `{written}`, which nobody reads. {NO_INDEX}"
    report.add("MAN025", place, message, fix)


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


def _refuse_manifest(value: Folded, place: ast.AST, report: Report) -> None:
    if isinstance(value, Unknown):
        rule, what = "MAN018", f"cannot be read from the text: {value.reason}."
    elif isinstance(value, Table):
        rule, what = "MAN026", "is a dict, and a dict is read under the name `metadata` only."
    else:
        rule, what = "MAN026", f"is `{source_of(value.node)}`, which declares no extractor."
    report.add(
        rule, place, f"`manifest` {what}",
        "Write `manifest = ExtractorManifest(...)` (from shared.extractors.sdk), "
        "or `metadata = {...}` with `features = [...]` beside it, "
        'or a module-level name for each field: feature_extractor_name = "…".',
    )  # fmt: skip
