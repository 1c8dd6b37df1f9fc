"""Reading the other fields of a manifest: one small check each, on values from its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.manifests.dialects import Declaration, Declared
from mixpeek_lab.manifests.features import read_features
from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.values import (
    Derived,
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
from mixpeek_lab.models import BLOB_TYPES, INFERENCE_TYPES, JSON, ComputeProfile, Feature
from mixpeek_lab.uris import NAME, FeatureURI, normalise_version

RESOURCE_TYPES = ("cpu", "gpu", "api")
PROFILE_KEYS = (
    "resource_type",
    "batch_size",
    "max_concurrency",
    "actor_memory_gb",
    "gpu_memory_gb",
)
_PROFILE_SYNONYMS = {
    "resource": "resource_type",
    "type": "resource_type",
    "device": "resource_type",
    "concurrency": "max_concurrency",
    "max_workers": "max_concurrency",
    "memory_gb": "actor_memory_gb",
    "memory": "actor_memory_gb",
    "gpu_memory": "gpu_memory_gb",
    "batch": "batch_size",
}


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
            f"`{second.field}` is {_shown(second.value)} here and "
            f"{_shown(first.value)} at line {line} ({first.written}).",
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
        if found is None or _is_none(found.value):
            return None
        if isinstance(found.value, Scalar) and isinstance(found.value.value, str):
            return found.value.value
        self._wrong(found, "a text", f'{field} = "…"')
        return None

    def texts(self, field: str) -> tuple[str, ...]:
        """A field that holds a list of texts."""
        found = self.one(field)
        if found is None or _is_none(found.value):
            return ()
        values = plain(found.value) if isinstance(found.value, Listing) else None
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            return tuple(values)
        self._wrong(found, "a list of texts", f'{field} = ["…"]')
        return ()

    def _wrong(self, found: Declaration, wanted: str, example: str) -> None:
        self.report.add(
            "MAN021", found.value.node,
            f"`{found.field}` is {_shown(found.value)}, not {wanted}.", f"Write {example}.",
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
    elif name is not None and not NAME.match(name):
        fields.report.add(
            "MAN010", declared[0].value.node, f"{name!r} cannot name an extractor.",
            "Use letters, digits and underscores, a letter first: my_extractor.",
        )  # fmt: skip
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
        "MAN011", found.value.node, f"`version` is {_shown(found.value)}, not a text.",
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
    values = fields.texts("supported_input_types")
    for value in values:
        if value not in BLOB_TYPES:
            meant = nearest(value, BLOB_TYPES)
            fields.report.add(
                "MAN015", fields.declared.of("supported_input_types")[0].value.node,
                f"{value!r} in supported_input_types is no type of blob.",
                f'Did you mean "{meant}"?' if meant else f"They are {', '.join(BLOB_TYPES)}.",
            )  # fmt: skip
    return tuple(value.lower() for value in values)


def read_profile(fields: Fields) -> ComputeProfile:
    """The compute profile; the defaults hold for what is not declared."""
    found = fields.one("compute_profile")
    if found is None or _is_none(found.value):
        return ComputeProfile()
    entries = _profile_entries(found.value)
    if entries is None:
        fields.report.add(
            "MAN014", found.value.node, f"`compute_profile` is {_shown(found.value)}, not a dict.",
            'Write compute_profile = {"resource_type": "cpu", "batch_size": 64}.',
        )  # fmt: skip
        return ComputeProfile()
    good: dict[str, Any] = {}
    for key, value in entries:
        if str(key.value) not in PROFILE_KEYS:
            _refuse_profile_key(key, fields.report)
        elif _profile_value_is_good(str(key.value), value, fields.report):
            good[str(key.value)] = plain(value)
    return ComputeProfile(**good)


def _profile_entries(value: Folded) -> list[tuple[Scalar, Folded]] | None:
    if isinstance(value, Table):
        return list(value.entries)
    if isinstance(value, Made) and value.callee.split(".")[-1] == "ComputeProfile":
        pairs = zip(value.keywords, value.places, strict=True)
        return [(Scalar(place, name), inner) for (name, inner), place in pairs]
    return None


def _refuse_profile_key(key: Scalar, report: Report) -> None:
    meant = _PROFILE_SYNONYMS.get(str(key.value)) or nearest(key.value, PROFILE_KEYS)
    report.add(
        "MAN013", key.node,
        f"compute_profile has no `{key.value}`: it is ignored, and the default holds.",
        f'Did you mean "{meant}"?' if meant else f"Its keys are {', '.join(PROFILE_KEYS)}.",
        severity="error" if meant else "warning",
    )  # fmt: skip


def _profile_value_is_good(key: str, value: Folded, report: Report) -> bool:
    found: JSON = plain(value)
    if key == "resource_type":
        good, wanted = found in RESOURCE_TYPES, 'one of "cpu", "gpu", "api"'
    elif key in ("batch_size", "max_concurrency"):
        good, wanted = _is_number(found, int) and found >= 1, "a positive whole number"
    else:
        good, wanted = _is_number(found, int | float) and found > 0, "a positive number of GB"
        good = good or (found is None and key == "gpu_memory_gb")
    if not good:
        meant = nearest(str(found).split(".")[-1], RESOURCE_TYPES) if key == "resource_type" else ""
        report.add(
            "MAN014", value.node, f'compute_profile["{key}"] is {_shown(value)}, not {wanted}.',
            f'Did you mean "{meant}"?' if meant else "",
        )  # fmt: skip
    return good


def _is_number(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


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


def _is_none(value: Folded) -> bool:
    return isinstance(value, Scalar) and value.value is None


def _shown(value: Folded) -> str:
    return repr(value.value) if isinstance(value, Scalar) else f"`{source_of(value.node)}`"
