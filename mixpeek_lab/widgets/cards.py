"""What cells show: small frozen views, each with a plain text and an HTML form.

The text forms hold no timings and no ids, so that a notebook's saved output stays the same from
run to run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import pyarrow as pa

from mixpeek_lab.findings import Finding
from mixpeek_lab.models import JSON, Bucket, Failure, Manifest, SearchResult
from mixpeek_lab.widgets.report import failure_line
from mixpeek_lab.widgets.static import results_html, results_text, table_html, table_text

COLOURS = {
    "error": "var(--jp-error-color1, #c62828)",
    "warning": "var(--jp-warn-color0, #a85b00)",
    "info": "var(--jp-info-color0, #00639c)",
}
"""Text colours that hold their contrast in light and dark."""

LONGEST = 80
SHOWN_NUMBERS = 3


class _View:
    """Text by `__str__`, HTML by `_repr_html_`."""

    def __repr__(self) -> str:
        return str(self)

    def _html(self, title: str, subtitle: str, *parts: str) -> str:
        body = "".join(part for part in parts if part)
        return (
            '<div style="border:1px solid var(--jp-border-color2,#ccc);border-radius:6px;'
            'padding:10px 14px;max-width:900px;line-height:1.5">'
            f'<div><strong style="font-size:110%">{escape(title)}</strong>'
            f'<span style="opacity:.7;margin-left:.7em">{escape(subtitle)}</span></div>{body}</div>'
        )


@dataclass(frozen=True, repr=False)
class ExtractorCard(_View):
    """What an extractor declares, and what the checks say of it."""

    name: str
    manifest: Manifest | None
    findings: tuple[Finding, ...]
    is_defined: bool

    @property
    def has_errors(self) -> bool:
        """Whether a finding keeps it from running."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def state(self) -> str:
        """One phrase: is it usable?"""
        errors = sum(f.severity == "error" for f in self.findings)
        if errors:
            return f"not defined: {errors} error{'s' if errors > 1 else ''} to fix"
        if self.manifest is None:
            return "a draft: its manifest.py is still missing"
        return "defined"

    def __str__(self) -> str:
        lines = [f"{self.name} {self.manifest.version if self.manifest else ''}".strip()]
        lines[0] += f" · {self.state}"
        if self.manifest:
            lines += [f"  {label}: {text}" for label, text in _facts(self.manifest)]
            lines += [
                f"  vector {row[0]}: {row[1]} floats, {row[2]}, {row[4]}"
                for row in _vectors(self.manifest)
            ]
        lines += [f"  {finding}" for finding in self.findings]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        version = self.manifest.version if self.manifest else ""
        parts = []
        if self.manifest:
            facts = " · ".join(f"{escape(a)} <b>{escape(b)}</b>" for a, b in _facts(self.manifest))
            parts.append(f'<div style="margin:.3em 0">{facts}</div>')
            rows = _vectors(self.manifest)
            if rows:
                names = ["vector", "dim", "metric", "index", "feature_uri"]
                parts.append(table_html(names, rows))
        parts += [_finding_html(finding) for finding in self.findings]
        return self._html(self.name, f"{version} · {self.state}".strip(" ·"), *parts)


@dataclass(frozen=True, repr=False)
class ExtractorList(_View):
    """The extractors there are."""

    manifests: Sequence[Manifest]

    def __str__(self) -> str:
        if not self.manifests:
            return "No extractors yet. A `%%extractor NAME` cell defines one."
        return table_text(*self._table())

    def _repr_html_(self) -> str:
        return table_html(*self._table()) if self.manifests else f"<p>{escape(str(self))}</p>"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [m.name, m.version, m.inference_type or "batch only",
             ", ".join(f"{f.feature_name} ({f.embedding_dim})" for f in m.vectors), m.description]
            for m in self.manifests
        ]  # fmt: skip
        return ["extractor", "version", "inference", "vectors", "description"], rows


@dataclass(frozen=True, repr=False)
class PreviewCard(_View):
    """Sample rows after an extractor's steps."""

    name: str
    documents: pa.Table
    failures: tuple[Failure, ...]
    rows_in: int
    seconds: float

    @property
    def verdict(self) -> str:
        """One phrase with the counts."""
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return f"{self.rows_in} rows in, {self.documents.num_rows} documents out{failed}"

    def to_pandas(self) -> Any:
        """The documents as a DataFrame."""
        return self.documents.to_pandas()

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.verdict}"]
        if self.documents.num_rows:
            lines.append(table_text(*_cells(self._shown())))
        lines += [f"  failed: {failure_line(failure)}" for failure in self.failures]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        failed = [
            f'<div style="color:{COLOURS["error"]}">{escape(failure_line(f))}</div>'
            for f in self.failures
        ]
        table = table_html(*_cells(self._shown())) if self.documents.num_rows else ""
        subtitle = f"{self.verdict} in {self.seconds:.2f} s"
        return self._html(self.name, subtitle, table, *failed)

    def _shown(self) -> pa.Table:
        hidden = {"blob_id", "blob_property", "blob_type", "mime_type", "object_id", "document_id"}
        names = [n for n in self.documents.column_names if n not in hidden and n[0] != "_"]
        return self.documents.select(names)


@dataclass(frozen=True, repr=False)
class BucketCard(_View):
    """A bucket's size and fields."""

    bucket: Bucket

    def __str__(self) -> str:
        fields = ", ".join(f"{name} ({kind})" for name, kind in self.bucket.schema.items())
        return f"Bucket {self.bucket.name}: {self.bucket.object_count:,} objects with {fields}"

    def _repr_html_(self) -> str:
        fields = " · ".join(
            f"{escape(name)} <span style='opacity:.7'>{escape(kind)}</span>"
            for name, kind in self.bucket.schema.items()
        )
        count = f"bucket of {self.bucket.object_count:,} objects"
        return self._html(self.bucket.name, count, f'<div style="margin-top:.3em">{fields}</div>')


@dataclass(frozen=True, repr=False)
class RetrieverCard(_View):
    """A retriever's legs and fusion."""

    name: str
    body: Mapping[str, JSON]

    def __str__(self) -> str:
        lines = [f"Retriever {self.name} · {self._summary()}"]
        columns, rows = self._legs()
        return "\n".join([*lines, table_text(columns, rows)])

    def _repr_html_(self) -> str:
        return self._html(self.name, self._summary(), table_html(*self._legs()))

    def _parameters(self) -> Mapping[str, JSON]:
        found: Mapping[str, JSON] = self.body["stages"][0]["parameters"]
        return found

    def _summary(self) -> str:
        collections = ", ".join(self.body["collection_identifiers"])
        fusion = self._parameters()["fusion"]
        text = fusion if isinstance(fusion, str) else f"{fusion['strategy']}, k = {fusion['k']:g}"
        return f"over {collections}, fused by {text}"

    def _legs(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [leg["name"], "BM25" if leg.get("lexical") else "vector", f"{leg['weight']:g}",
             str(leg["top_k"]), leg.get("feature_uri") or "data"]
            for leg in self._parameters()["searches"]
        ]  # fmt: skip
        return ["leg", "kind", "weight", "top_k", "searches"], rows


@dataclass(frozen=True, repr=False)
class RetrieverList(_View):
    """The retrievers there are."""

    retrievers: Sequence[tuple[str, Mapping[str, JSON]]]

    def __str__(self) -> str:
        if not self.retrievers:
            return "No retrievers yet. A `%%retriever NAME` cell defines one."
        return "\n".join(str(RetrieverCard(name, body)) for name, body in self.retrievers)

    def _repr_html_(self) -> str:
        if not self.retrievers:
            return f"<p>{escape(str(self))}</p>"
        return "".join(RetrieverCard(name, body)._repr_html_() for name, body in self.retrievers)


@dataclass(frozen=True, repr=False)
class Results(_View):
    """The hits of a search, with their ranks per leg."""

    result: SearchResult

    def __str__(self) -> str:
        return results_text(self.payload)

    def _repr_html_(self) -> str:
        return results_html(self.payload)

    @property
    def payload(self) -> dict[str, JSON]:
        """The result as the playground's payload, with the documents of its hits."""
        found: dict[str, JSON] = {
            "retriever": self.result.retriever,
            "query": dict(self.result.query),
            "fusion": dict(self.result.fusion),
            "legs": [asdict(leg) for leg in self.result.legs],
            "documents": {
                hit.document_id: {"fields": dict(hit.fields), "lineage": dict(hit.lineage)}
                for hit in self.result.hits
            },
            "hits": [asdict(hit) for hit in self.result.hits],
            "total": self.result.total,
            "warnings": list(self.result.warnings),
        }
        return found


@dataclass(frozen=True, repr=False)
class TablePage(_View):
    """One page of a query's rows."""

    table: pa.Table
    page: int = 1
    size: int = 20

    def to_pandas(self) -> Any:
        """All rows, not only this page, as a DataFrame."""
        return self.table.to_pandas()

    def __str__(self) -> str:
        return f"{table_text(*self._cells())}\n{self._position()}"

    def _repr_html_(self) -> str:
        return f'{table_html(*self._cells())}<p style="opacity:.7">{escape(self._position())}</p>'

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        return _cells(self.table.slice((self.page - 1) * self.size, self.size))

    def _position(self) -> str:
        total = self.table.num_rows
        pages = max(1, -(-total // self.size))
        rows = f"{total:,} row{'' if total == 1 else 's'}"
        return rows if pages == 1 else f"{rows}, page {self.page} of {pages}"


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    profile = manifest.compute_profile
    run = f"{profile.resource_type}, {profile.batch_size} rows a call, {profile.max_concurrency} actors at most"
    facts = [
        ("description", manifest.description),
        ("inference", manifest.inference_type or "none (batch only)"),
    ]
    facts += [("takes", ", ".join(manifest.supported_input_types)), ("runs on", run)]
    return [(label, text) for label, text in facts if text]


def _vectors(manifest: Manifest) -> list[list[str]]:
    return [
        [
            f.feature_name,
            str(f.embedding_dim),
            f.distance_metric,
            f.index,
            manifest.uri(f.feature_name),
        ]
        for f in manifest.vectors
    ]


def _finding_html(finding: Finding) -> str:
    fix = f"<div><code>{escape(finding.fix)}</code></div>" if finding.fix else ""
    return (
        f'<div style="margin-top:.4em;border-left:3px solid {COLOURS[finding.severity]};padding-left:.6em">'
        f'<b style="color:{COLOURS[finding.severity]}">{finding.severity} {escape(finding.rule)}</b> '
        f'<span style="opacity:.7">{escape(finding.place)}</span><div>{escape(finding.message)}</div>{fix}</div>'
    )


def _cells(table: pa.Table) -> tuple[list[str], list[list[str]]]:
    rows = [[_cell(value) for value in row.values()] for row in table.to_pylist()]
    return list(table.column_names), rows


def _cell(value: Any) -> str:
    """A value as one short cell: vectors by their first numbers and length, long text cut."""
    if value is None:
        return "–"
    if isinstance(value, list) and value and isinstance(value[0], float):
        head = ", ".join(f"{number:.2f}" for number in value[:SHOWN_NUMBERS])
        return f"[{head}, … {len(value)}]" if len(value) > SHOWN_NUMBERS else f"[{head}]"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
