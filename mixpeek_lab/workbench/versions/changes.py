"""What differs between two versions: lines of code, and what the manifest promises."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mixpeek_lab.models import Feature, Manifest
from mixpeek_lab.source import ExtractorSource

SPEED = ("compute_profile",)
"""What changes how a run goes, and nothing of what it gives."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs."""

    path: str
    kind: Literal["added", "removed", "changed"]
    added: int
    """Lines."""
    removed: int
    diff: str
    """Unified, as `git diff` shows it."""


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """One thing that the manifests say differently. Empty texts stand for what is not there."""

    field: str
    before: str
    after: str
    breaks: str = ""
    """What no longer works or fits; empty where nothing does."""


def file_changes(before: ExtractorSource, after: ExtractorSource) -> tuple[FileChange, ...]:
    """The files that differ, by path."""
    paths = sorted({*before.paths, *after.paths})
    pairs = ((path, before.text(path), after.text(path)) for path in paths)
    return tuple(_file_change(path, old, new) for path, old, new in pairs if old != new)


def manifest_changes(before: Manifest, after: Manifest) -> tuple[ManifestChange, ...]:
    """What the manifests say differently, with what that breaks. Versions are left out."""
    return (*_feature_changes(before, after), *_other_changes(before, after))


def _file_change(path: str, old: str | None, new: str | None) -> FileChange:
    lines = list(
        difflib.unified_diff(
            _lines(old),
            _lines(new),
            "/dev/null" if old is None else f"a/{path}",
            "/dev/null" if new is None else f"b/{path}",
        )
    )
    body = lines[2:]
    kind: Literal["added", "removed", "changed"] = (
        "added" if old is None else "removed" if new is None else "changed"
    )
    return FileChange(
        path,
        kind,
        sum(line.startswith("+") for line in body),
        sum(line.startswith("-") for line in body),
        "".join(_ended(line) for line in lines),
    )


def _lines(text: str | None) -> list[str]:
    return [] if text is None else text.splitlines(keepends=True)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _feature_changes(before: Manifest, after: Manifest) -> Iterator[ManifestChange]:
    old = {feature.feature_name: feature for feature in before.features}
    new = {feature.feature_name: feature for feature in after.features}
    for name in sorted({*old, *new}):
        if name not in new:
            yield ManifestChange(
                f"feature {name}", _shape(old[name]), "",
                "Retrievers that search it find no such feature.",
            )  # fmt: skip
        elif name not in old:
            yield ManifestChange(f"feature {name}", "", _shape(new[name]))
        elif _shape(old[name]) != _shape(new[name]):
            breaks = _broken(old[name], new[name])
            yield ManifestChange(f"feature {name}", _shape(old[name]), _shape(new[name]), breaks)


def _shape(feature: Feature) -> str:
    if feature.feature_type != "embedding":
        labels = f" of {', '.join(feature.labels)}" if feature.labels else ""
        return f"{feature.feature_type}{labels}"
    index = "" if feature.index == "flat" else f", {feature.index}"
    return f"{feature.embedding_dim} floats, {feature.distance_metric}{index}"


def _broken(old: Feature, new: Feature) -> str:
    if old.feature_type != new.feature_type:
        return f"It was {old.feature_type}: stages that use it as that fail."
    if old.embedding_dim != new.embedding_dim:
        return "Vectors of the two do not compare: no document keeps those it has."
    if old.distance_metric != new.distance_metric:
        return "Scores mean something else: `min_score` and weighted fusion need new numbers."
    if set(old.labels) - set(new.labels):
        return f"No document gets {', '.join(sorted(set(old.labels) - set(new.labels)))} any more."
    return ""


def _other_changes(before: Manifest, after: Manifest) -> Iterator[ManifestChange]:
    if before.inference_type != after.inference_type:
        yield ManifestChange(
            "inference_type", before.inference_type or "", after.inference_type or "",
            "Retriever stages that ask it need the type that it had." if before.inference_type
            else "",
        )  # fmt: skip
    lost = set(before.supported_input_types) - set(after.supported_input_types)
    for name in ("supported_input_types", "dependencies", "system_packages"):
        old, new = (", ".join(getattr(manifest, name)) for manifest in (before, after))
        if old != new:
            breaks = (
                f"Blobs of type {', '.join(sorted(lost))} are left out."
                if name == "supported_input_types" and lost and new else ""
            )  # fmt: skip
            yield ManifestChange(name, old, new, breaks)
    for name in ("description", "category", "container_image", *SPEED):
        old, new = (_said(getattr(manifest, name)) for manifest in (before, after))
        if old != new:
            yield ManifestChange(name, old, new)


def _said(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    fields = {name: getattr(value, name) for name in getattr(type(value), "__slots__", ())}
    return ", ".join(f"{name}={field}" for name, field in fields.items() if field is not None)
