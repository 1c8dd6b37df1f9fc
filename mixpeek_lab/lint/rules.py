"""The table of lint rules. A new rule is one line here and one check that gives its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mixpeek_lab.findings import Finding
from mixpeek_lab.lint import (
    agreement,
    columns,
    internals,
    layout,
    security,
    sequential,
    source_text,
)
from mixpeek_lab.lint.package import Package
from mixpeek_lab.manifests import RULES as MANIFEST_RULES
from mixpeek_lab.manifests import Rule

Check = Callable[[Package], Iterable[Finding]]

_TABLE: tuple[Rule, ...] = (
    Rule("LAY001", "No processor", "A collection is made by a processor."),
    Rule("LAY002", "No service in realtime.py", "Deployment would find nothing to serve."),
    Rule(
        "LAY003",
        "Embedding without realtime.py",
        "Queries are embedded by realtime.py; without it feature_search takes vectors only.",
        "warning",
    ),
    Rule(
        "LAY004",
        "No `metadata` in manifest.py",
        "pipeline.py imports a name that manifest.py does not define.",
        "warning",
    ),
    Rule("LAY005", "No pipeline.py", "Mixpeek wires the processor there.", "warning"),
    Rule("SEC001", "Blocked import", "Mixpeek's scanner rejects the extractor. Use run_tool()."),
    Rule(
        "SEC002",
        "Blocked call",
        "Mixpeek's scanner rejects eval, exec, open, setattr, delattr, __import__, os.system, "
        "os.popen, os.exec*, os.spawn*. Here also under other names, and looked up as text.",
    ),
    Rule(
        "SEC003",
        "Process started another way",
        "It does what subprocess does. Use run_tool(), or parallel_io() for work in parallel.",
    ),
    Rule(
        "SEC004",
        "Name that the text does not tell",
        "What is looked up in os, sys.modules or globals() may be blocked. Write names out.",
    ),
    Rule(
        "SEC005",
        "File opened another way",
        "It does what open() does. Use open_asset(), or a library's own reader.",
    ),
    Rule(
        "SEC006",
        "Text run as code another way",
        "It does what eval() and exec() do. Use json.loads() for data, plain code for the rest.",
    ),
    Rule(
        "SEC007",
        "Data that runs code",
        "Pickles run what they name. Use safetensors, Parquet, JSON, weights_only=True.",
        "warning",
    ),
    Rule(
        "SEC008",
        "Native code loaded",
        "It does what ctypes does. Use a Python package, or a container image.",
    ),
    Rule(
        "SEC009",
        "Walk into Python's internals",
        "From any object such attributes lead to os.system. An extractor has no need of them.",
    ),
    Rule(
        "SEC010",
        "Interpreter or process changed",
        "Workers are the platform's: traces, signals, import hooks stop or change other code.",
        "warning",
    ),
    Rule(
        "SEC011",
        "Misleading text",
        "Look-alike letters and hidden or reversed characters show other code than what runs.",
        "warning",
    ),
    Rule(
        "COL001",
        "Wrong column",
        "The content is always in `data`: another name raises KeyError for every row, "
        "and the run ends with 0 documents.",
        "warning",
    ),
    Rule(
        "SEQ001",
        "Row by row",
        "pandas takes whole columns at once; a Python loop over rows is many times slower.",
        "warning",
    ),
    Rule(
        "SEQ002",
        "Model called per row",
        "One call per batch is what makes a model fast, above all on a GPU.",
        "warning",
    ),
    Rule(
        "SEQ003",
        "Tokenised one by one",
        "A tokenizer takes a list, pads it to one shape, and does it in compiled code.",
        "warning",
    ),
    Rule(
        "AGR001",
        "Answer without the vector",
        "feature_search takes the key named after the vector index, else `embedding`.",
        "warning",
    ),
    Rule(
        "AGR002",
        "Vector never written",
        "The processor must fill a column with the feature's name: without it, 0 documents.",
        "warning",
    ),
    Rule(
        "AGR003",
        "Two models",
        "Vectors of two models cannot be compared: every search returns noise.",
        "warning",
    ),
    Rule(
        "AGR004",
        "Normalised on one side",
        "With `dot` and `euclid` the scores change; with `cosine` it is only untidy.",
        "warning",
    ),
)

CHECKS: tuple[Check, ...] = (
    layout.broken_files,
    layout.manifest_findings,
    layout.no_processor,
    layout.no_service,
    layout.no_realtime,
    layout.no_metadata,
    layout.no_pipeline,
    security.scan,
    internals.internals,
    source_text.misleading_text,
    columns.wrong_columns,
    sequential.row_by_row,
    sequential.tokenised_singly,
    agreement.answers,
    agreement.written_columns,
    agreement.models,
)
"""Every check, in the order in which they run."""

RULES: dict[str, Rule] = {**MANIFEST_RULES, **{rule.id: rule for rule in _TABLE}}
"""Every rule id that a finding can have → rule."""
