"""The table of what can be wrong with a manifest."""

from __future__ import annotations

from dataclasses import dataclass

from mixpeek_lab.findings import Severity

NO_INDEX = "Mixpeek would create the collection without a vector index: COMPLETED, 0 documents."


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is checked: its id, what it is called, and why it matters."""

    id: str
    title: str
    explanation: str
    severity: Severity = "error"


_TABLE = (
    Rule("SYN001", "Not Python", "The file cannot be imported."),
    Rule(
        "MAN001",
        "Wrong feature key",
        f"Features are read by exact key names; others are ignored. {NO_INDEX}",
    ),
    Rule("MAN002", "Missing feature key", f"All four keys are needed. {NO_INDEX}"),
    Rule(
        "MAN003",
        "Wrong feature_type",
        f'A vector index is made for "embedding" only; labels are "classification". {NO_INDEX}',
    ),
    Rule(
        "MAN004",
        "Wrong embedding_dim",
        "The index is made for vectors of exactly this many numbers.",
    ),
    Rule("MAN005", "Wrong distance_metric", "The metrics are cosine, euclid and dot."),
    Rule(
        "MAN006",
        "Feature name used twice",
        "A feature's name names its vector index and its column: one of the two would be lost.",
    ),
    Rule("MAN007", "Bad feature name", "A feature's name is part of its address."),
    Rule(
        "MAN008",
        "No features",
        "Without features no vector index is made, and nothing can be searched by similarity.",
        "warning",
    ),
    Rule("MAN009", "Index kind", "`index` chooses flat, hnsw or ivf here, not on Mixpeek.", "info"),
    Rule("MAN010", "Bad extractor name", "The name is part of every feature's address."),
    Rule("MAN011", "Bad version", "The version is part of every feature's address."),
    Rule(
        "MAN012",
        "Unknown inference_type",
        "Retriever stages ask for it: without a known one the extractor fits into no stage.",
    ),
    Rule("MAN013", "Unknown compute_profile key", "It is ignored, and the default holds."),
    Rule("MAN014", "Wrong compute_profile value", "The run could not be given these resources."),
    Rule(
        "MAN015",
        "Unknown input type",
        "Only blobs of the listed types reach the processor.",
        "warning",
    ),
    Rule(
        "MAN016",
        "feature_uri disagrees",
        "A retriever that searches this address would not find the index.",
    ),
    Rule(
        "MAN017",
        "feature_uri without realtime.py",
        "Queries against the address are embedded by realtime.py: without it they fail.",
        "warning",
    ),
    Rule(
        "MAN018",
        "Value cannot be read",
        "Mixpeek reads manifests from their text, without running them.",
    ),
    Rule(
        "MAN019",
        "Declared twice, differently",
        "Which of the two Mixpeek would take depends on the reader.",
    ),
    Rule("MAN020", "Unknown keyword", "The call would raise TypeError when it is imported."),
    Rule("MAN021", "Wrong kind of value", "The platform expects another type here."),
    Rule(
        "MAN022",
        "Two names",
        "The manifest's name is the one in feature URIs; the other one is only local.",
        "warning",
    ),
    Rule("MAN023", "No manifest", "The manifest is the extractor's contract with the platform."),
    Rule("MAN024", "Unknown manifest key", "Nothing reads it under this name.", "warning"),
    Rule("MAN025", "Misspelt `features`", f"Features are read under this one name. {NO_INDEX}"),
    Rule(
        "MAN026",
        "Not a manifest",
        "A manifest is ExtractorManifest(...), a dict called `metadata`, or module-level names.",
    ),
)

RULES: dict[str, Rule] = {rule.id: rule for rule in _TABLE}
"""Rule id → rule."""
