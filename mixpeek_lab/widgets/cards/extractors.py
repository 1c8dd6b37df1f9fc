"""Extractors: what one declares and what the checks say of it, and the list of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from mixpeek_lab.findings import Finding
from mixpeek_lab.models import Manifest
from mixpeek_lab.widgets.cards.fixes import fix_html, fix_lines
from mixpeek_lab.widgets.cards.view import (
    COLOURS,
    MUTED,
    TableView,
    View,
    facts_html,
    framed,
    line_html,
    marked_html,
)
from mixpeek_lab.widgets.static import table_html
from mixpeek_lab.workbench.fixing import Fixed

MOST_NAMES = 6
"""Dependencies that a card names."""


@dataclass(frozen=True, repr=False)
class ExtractorCard(View):
    """What an extractor declares, and what the checks say of it."""

    name: str
    """The extractor's."""
    manifest: Manifest | None
    """What it declares; None where it cannot be read."""
    findings: tuple[Finding, ...]
    """What the checks say."""
    is_defined: bool
    """Whether the lab has it; else the cell was checked alone."""
    fixed: Fixed | None = None
    """The cell with what the findings tell to write, where there is a cell."""

    @property
    def errors(self) -> int:
        """Findings that keep it from running."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def state(self) -> str:
        """One phrase: is it usable?"""
        if self.errors:
            return f"not defined: {self.errors} error{'s' if self.errors > 1 else ''} to fix"
        if self.manifest is None:
            return "a draft: its manifest.py is still missing"
        return "defined" if self.is_defined else "checked"

    def __str__(self) -> str:
        lines = [f"{self.name} {self._version}".strip() + f" · {self.state}"]
        if self.manifest:
            lines += [f"  {label}: {text}" for label, text in _facts(self.manifest)]
            lines += [
                f"  vector {row[0]}: {row[1]} floats, {row[2]}, {row[4]}"
                for row in _vectors(self.manifest)
            ]
        lines += [line for group in _groups(self.findings) for line in group.lines()]
        return "\n".join([*lines, *fix_lines(self.fixed)])

    def _repr_html_(self) -> str:
        return framed(self.name, f"{self._version} · {self.state}".strip(" ·"), *self._body())

    def _body(self) -> list[str]:
        parts = []
        if self.manifest:
            facts = [fact for fact in _facts(self.manifest) if fact[0] != "description"]
            description = self.manifest.description
            parts += [line_html(description) if description else "", facts_html(facts)]
            rows = _vectors(self.manifest)
            names = ["vector", "dim", "metric", "index", "feature_uri"]
            parts.append(table_html(names, rows) if rows else "")
        return [*parts, *(group.html() for group in _groups(self.findings)), fix_html(self.fixed)]

    @property
    def _version(self) -> str:
        return self.manifest.version if self.manifest else ""


class ExtractorList(TableView):
    """The extractors there are."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        rows = [
            [m.name, m.version, m.inference_type or "batch only",
             ", ".join(f"{f.feature_name} ({f.embedding_dim})" for f in m.vectors), m.description]
            for m in manifests
        ]  # fmt: skip
        names = ["extractor", "version", "inference", "vectors", "description"]
        super().__init__(names, rows, "No extractors yet. A `%%extractor NAME` cell defines one.")


@dataclass(frozen=True)
class _Group:
    """Findings of one place with one remedy: said once."""

    findings: Sequence[Finding]

    @property
    def title(self) -> str:
        first = self.findings[0]
        return f"{first.severity} {first.rule} {first.place}"

    @property
    def fix(self) -> str:
        return self.findings[0].fix

    @property
    def messages(self) -> list[str]:
        """What differs between the findings, one each, then what they all say."""
        sentences = [finding.message.split(". ") for finding in self.findings]
        shared = 0
        while len(sentences) > 1 and shared < min(map(len, sentences)) - 1:
            if len({tuple(each[-shared - 1 :]) for each in sentences}) > 1:
                break
            shared += 1
        if not shared:
            return [finding.message for finding in self.findings]
        own = [". ".join(each[:-shared]) + "." for each in sentences]
        return [*own, ". ".join(sentences[0][-shared:])]

    def lines(self) -> list[str]:
        if len(self.findings) == 1:
            return [f"  {self.findings[0]}"]
        lines = [f"  {self.title}:", *(f"    {message}" for message in self.messages)]
        return [*lines, f"    {self.fix}"] if self.fix else lines

    def html(self) -> str:
        colour = COLOURS[self.findings[0].severity]
        severity, rule = self.findings[0].severity, self.findings[0].rule
        messages = "".join(f"<div>{marked_html(message)}</div>" for message in self.messages)
        fix = f'<div style="margin-top:.2em">{marked_html(self.fix)}</div>' if self.fix else ""
        return (
            f'<div style="margin-top:.5em;border-left:3px solid {colour};padding-left:.7em">'
            f'<b style="color:{colour}">{severity} {escape(rule)}</b> '
            f'<span style="{MUTED}">{escape(self.findings[0].place)}</span>{messages}{fix}</div>'
        )


def _groups(findings: Iterable[Finding]) -> list[_Group]:
    grouped = groupby(findings, lambda f: (f.severity, f.rule, f.path, f.line, f.fix))
    return [_Group(list(members)) for _, members in grouped]


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    profile = manifest.compute_profile
    run = (
        f"{profile.resource_type}, {profile.batch_size} rows a call, "
        f"{profile.max_concurrency} actors at most"
    )
    run += f", {profile.actor_memory_gb:g} GB each" if profile.actor_memory_gb else ""
    run += f", {profile.gpu_memory_gb:g} GB of GPU memory" if profile.gpu_memory_gb else ""
    facts = [
        ("description", manifest.description),
        ("inference", manifest.inference_type or "none (batch only)"),
        ("takes", ", ".join(manifest.supported_input_types)),
        ("runs on", run),
        ("dependencies", _few(manifest.dependencies)),
        ("system packages", _few(manifest.system_packages)),
        ("image", manifest.container_image or ""),
    ]
    return [(label, text) for label, text in facts if text]


def _few(names: Sequence[str]) -> str:
    """The first names of a list, and how many there are where that is not all."""
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_NAMES - 1])}, … ({len(names)})"


def _vectors(manifest: Manifest) -> list[list[str]]:
    return [
        [
            feature.feature_name,
            str(feature.embedding_dim),
            feature.distance_metric,
            feature.index,
            manifest.uri(feature.feature_name),
        ]
        for feature in manifest.vectors
    ]
