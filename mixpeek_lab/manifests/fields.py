"""Reading the other fields of a manifest: one small check each, on values from its text."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.manifests.dialects import Declaration, Declared
from mixpeek_lab.manifests.features import read_features
from mixpeek_lab.manifests.names import name_problem
from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.values import (
    Derived,
    Listing,
    Scalar,
    Unknown,
    is_none,
    plain,
    shown,
    unknowns,
)
from mixpeek_lab.models import BLOB_TYPES, FIELD_TYPES, INFERENCE_TYPES, JSON, Feature
from mixpeek_lab.uris import FeatureURI, normalise_version

_INPUT_TYPES = (*BLOB_TYPES, "string")
"""What a run takes; blobs of string fields are texts."""
_INPUT_SYNONYMS = {
    "str": "text", "md": "text", "html": "text",
    "jpg": "image", "jpeg": "image", "png": "image", "photo": "image", "picture": "image",
    "mp3": "audio", "wav": "audio", "sound": "audio",
    "mp4": "video", "mov": "video", "movie": "video",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fields:
    """The declared fields, read through one report."""

    declared: Declared
    report: Report

    def one(self, field: str) -> Declaration | None:
        """The declaration that counts; the others must agree with it."""
        found = [d for d in self.declared.of(field) if not isinstance(d.value, Derived)]
        readable = [declaration for declaration in found if self._readable(declaration)]
        if len(readable) < len(found) or not readable:
            return None
        for other in readable[1:]:
            self._agree(readable[0], other)
        return readable[0]

    def _readable(self, declaration: Declaration) -> bool:
        # Features are made by calls, and profiles have their own words for `ResourceType.GPU`.
        calls = declaration.field in ("features", "compute_profile")
        whole = declaration.field == "features"
        bad = [] if whole else unknowns(declaration.value, names_too=not calls)
        if isinstance(declaration.value, Unknown):
            bad = [declaration.value]
        for unread in bad:
            self.report.add(
                "MAN018", unread.node,
                f"`{declaration.field}` cannot be read from the text: {unread.reason}.",
                "Mixpeek reads the manifest without running it: "
                "write the value out, or build it from constants of this file.",
            )  # fmt: skip
        return not bad

    def _agree(self, first: Declaration, second: Declaration) -> None:
        if self._comparable(first) == self._comparable(second):
            return
        line = self.report.place(first.place)[0]
        self.report.add(
            "MAN019", second.place,
            f"`{second.field}` is {shown(second.value)} here and "
            f"{shown(first.value)} at line {line} ({first.written}).",
            "Say it once, or say the same.",
        )  # fmt: skip

    def _comparable(self, declaration: Declaration) -> JSON:
        value = declaration.value
        if declaration.field == "features":
            return read_features(value, Report(self.report.path, "")) or plain(value)
        if declaration.field == "version" and isinstance(value, Scalar):
            try:
                return normalise_version(str(value.value))
            except InvalidInputError:
                return value.value
        return plain(value)

    def text(self, field: str) -> str | None:
        """A field that holds a text or None."""
        found = self.one(field)
        if found is None or is_none(found.value):
            return None
        if isinstance(found.value, Scalar) and isinstance(found.value.value, str):
            return found.value.value
        self._wrong(found, "a text", f'{field} = "…"')
        return None

    def texts(self, field: str) -> tuple[str, ...]:
        """A field that holds a list of texts."""
        found = self.one(field)
        if found is None or is_none(found.value):
            return ()
        values = plain(found.value) if isinstance(found.value, Listing) else None
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            return tuple(values)
        self._wrong(found, "a list of texts", f'{field} = ["…"]')
        return ()

    def listed(self, field: str) -> list[tuple[str, ast.AST]]:
        """A field that holds a list of texts, each with its place."""
        values = self.texts(field)
        lists = [d.value for d in self.declared.of(field)]
        items = next((found.items for found in lists if isinstance(found, Listing)), ())
        return [(value, item.node) for value, item in zip(values, items, strict=False)]

    def _wrong(self, found: Declaration, wanted: str, example: str) -> None:
        self.report.add(
            "MAN021", found.value.node,
            f"`{found.field}` is {shown(found.value)}, not {wanted}.", f"Write {example}.",
        )  # fmt: skip


def read_name(fields: Fields) -> str:
    """The extractor's name; empty where it is missing or wrong, which is reported."""
    declared = fields.declared.of("feature_extractor_name")
    name = fields.text("feature_extractor_name")
    if not declared:
        fields.report.add(
            "MAN010", None, "`feature_extractor_name` is missing.",
            _add(fields.declared, "feature_extractor_name", '"my_extractor"'),
        )  # fmt: skip
    elif name is not None and (problem := name_problem(name)):
        message, fix = problem
        fields.report.add("MAN010", declared[0].value.node, message, fix)
        return ""
    return name or ""


def read_version(fields: Fields) -> tuple[str, str]:
    """The version, normalised and as written; empty where it is missing or wrong."""
    found = fields.one("version")
    if not fields.declared.of("version"):
        return _missing_version(fields)
    if found is None:
        return "", ""
    written = plain(found.value) if isinstance(found.value, Scalar) else None
    if isinstance(written, str):
        try:
            return normalise_version(written), written
        except InvalidInputError as error:
            fields.report.add("MAN011", found.value.node, str(error))
            return "", ""
    fields.report.add(
        "MAN011", found.value.node, f"`version` is {shown(found.value)}, not a text.",
        f'Write "{written}".' if isinstance(written, int | float) else 'Write "1.0.0".',
    )  # fmt: skip
    return "", ""


def _missing_version(fields: Fields) -> tuple[str, str]:
    typed = fields.declared.dialect == "typed"
    fields.report.add(
        "MAN011", None, "`version` is missing." + (" It is taken to be 1.0.0." if typed else ""),
        _add(fields.declared, "version", '"1.0.0"'), severity="warning" if typed else "error",
    )  # fmt: skip
    return ("1.0.0", "1.0.0") if typed else ("", "")


def read_inference_type(fields: Fields) -> str | None:
    """The inference type; None where it is not declared or wrong."""
    value = fields.text("inference_type")
    if value is None or value in INFERENCE_TYPES:
        return value
    meant = nearest(value, INFERENCE_TYPES) or {"reranker": "rerank", "llm": "generate"}.get(value)
    fields.report.add(
        "MAN012", fields.declared.of("inference_type")[0].value.node,
        f"There is no inference_type {value!r}.",
        f'Did you mean "{meant}"?' if meant else f"It is one of {', '.join(INFERENCE_TYPES)}.",
    )  # fmt: skip
    return None


def read_input_types(fields: Fields) -> tuple[str, ...]:
    """The blob types that the extractor takes, in lower case."""
    listed = fields.listed("supported_input_types")
    for value, node in listed:
        if value not in _INPUT_TYPES:
            _refuse_input_type(value, node, fields.report)
    return tuple(value.lower() for value, _ in listed)


def _refuse_input_type(value: str, node: ast.AST, report: Report) -> None:
    message = f"{value!r} in supported_input_types is no type of blob"
    lower = value.lower()
    if lower in _INPUT_TYPES:
        message, fix = f"{message}: it is read as {lower!r}.", f'Did you mean "{lower}"?'
        report.add("MAN015", node, message, fix, severity="warning")
        return
    parts = lower.replace(".", "").split("/")
    meant = next((found for part in parts if (found := _type_meant(part))), None)
    known = f"The types are {', '.join(BLOB_TYPES)}."
    report.add(
        "MAN015", node,
        f"{message}, so it lets no row through. "
        "With nothing else in the list, a run is COMPLETED with 0 documents.",
        f'Did you mean "{meant}"? {known}' if meant else known,
        severity="warning" if lower in FIELD_TYPES else "error",
    )  # fmt: skip


def _type_meant(word: str) -> str | None:
    return _INPUT_SYNONYMS.get(word) or nearest(word, BLOB_TYPES)


def read_feature_uri(
    fields: Fields, name: str, version: str, features: tuple[Feature, ...]
) -> str | None:
    """The feature URI as written; what disagrees with the rest is reported."""
    text = fields.text("feature_uri")
    if text is None:
        return None
    node = fields.declared.of("feature_uri")[0].value.node
    try:
        uri = FeatureURI.parse(text)
    except InvalidInputError as error:
        fields.report.add("MAN016", node, str(error))
        return None
    names = [feature.feature_name for feature in features]
    problems = [
        f"{what} {given!r} is not {wanted}"
        for what, given, wanted, same in (
            ("its extractor", uri.extractor, repr(name), uri.extractor == name),
            ("its version", uri.version, repr(version), uri.version == version),
            ("its feature", uri.feature, f"one of {names}", uri.feature in names or not names),
        )
        if wanted != "''" and not same
    ]
    if problems:
        right = FeatureURI(name or uri.extractor, version or uri.version, _right(uri, names))
        fields.report.add(
            "MAN016", node, f"feature_uri {text!r} disagrees: {'; '.join(problems)}.",
            f'Write feature_uri = "{right}".',
        )  # fmt: skip
    return text


def _right(uri: FeatureURI, names: list[str]) -> str:
    return uri.feature if uri.feature in names or not names else names[0]


def _add(declared: Declared, field: str, value: str) -> str:
    if declared.dialect == "typed":
        return f"Add {field}={value} to ExtractorManifest(...)."
    if declared.dialect == "metadata":
        return f'Add "{field}": {value} to metadata.'
    return f"Add {field} = {value}."
