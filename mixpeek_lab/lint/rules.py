"""The table of lint rules. A new rule is one function and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mixpeek_lab.findings import Finding
from mixpeek_lab.lint import columns, layout, security
from mixpeek_lab.lint.package import Package
from mixpeek_lab.manifests import RULES as MANIFEST_RULES
from mixpeek_lab.manifests import Rule

Check = Callable[[Package], Iterable[Finding]]

_TABLE: tuple[tuple[Check, Rule], ...] = (
    (
        layout.no_processor,
        Rule("LAY001", "No processor", "A collection is made by a processor."),
    ),
    (
        layout.no_service,
        Rule("LAY002", "No service in realtime.py", "Deployment would find nothing to serve."),
    ),
    (
        layout.no_realtime,
        Rule(
            "LAY003",
            "Embedding without realtime.py",
            "Queries are embedded by realtime.py; without it feature_search takes vectors only.",
            "warning",
        ),
    ),
    (
        layout.no_metadata,
        Rule(
            "LAY004",
            "No `metadata` in manifest.py",
            "pipeline.py imports a name that manifest.py does not define.",
            "warning",
        ),
    ),
    (
        layout.no_pipeline,
        Rule("LAY005", "No pipeline.py", "Mixpeek wires the processor there.", "warning"),
    ),
    (
        security.blocked_imports,
        Rule("SEC001", "Blocked import", "Mixpeek's scanner rejects the extractor."),
    ),
    (
        security.blocked_calls,
        Rule("SEC002", "Blocked call", "Mixpeek's scanner rejects the extractor."),
    ),
    (
        columns.wrong_columns,
        Rule(
            "COL001",
            "Wrong column",
            "The content is always in `data`: another name raises KeyError for every row, "
            "and the run ends with 0 documents.",
            "warning",
        ),
    ),
    (
        columns.row_by_row,
        Rule(
            "SEQ002",
            "Model called per row",
            "One call per batch is what makes a model fast, above all on a GPU.",
            "warning",
        ),
    ),
)

CHECKS: tuple[Check, ...] = (
    layout.broken_files,
    layout.manifest_findings,
    *(check for check, _ in _TABLE),
)
"""Every check, in the order in which they run."""

RULES: dict[str, Rule] = {**MANIFEST_RULES, **{rule.id: rule for _, rule in _TABLE}}
"""Every rule id that a finding can have → rule."""
