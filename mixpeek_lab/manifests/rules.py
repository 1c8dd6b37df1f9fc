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
    Rule("DEP001", "Not a dependency", "pip could not install it: no deployment would succeed."),
    Rule("DEP002", "Dependencies disagree", "No version can be installed that meets them."),
    Rule("DEP003", "Part of Python", "pip installs packages, and Python is there.", "warning"),
    Rule(
        "DEP004",
        "Dependency not met here",
        "The extractor runs in this Python here: what it imports must be installed beside the lab.",
        "warning",
    ),
    Rule(
        "DEP005",
        "Dependency that cannot be met here",
        "What is installed, or the lab itself, needs another version.",
        "warning",
    ),
    Rule("SYS001", "Not a system package", "apt could not install it."),
    Rule(
        "SYS002",
        "System package not installed here",
        "Mixpeek installs it into the container; here the extractor has what the machine has.",
        "warning",
    ),
    Rule("SYS003", "System packages unchecked", "There is no dpkg here to ask.", "info"),
    Rule("IMG001", "Not an image reference", "No registry has an image of that name."),
    Rule(
        "IMG002",
        "Image out of reach",
        "Mixpeek pulls images from the organisation's own repository only.",
        "warning",
    ),
    Rule(
        "IMG003",
        "Image without a version",
        "What a moving tag stands for changes without the extractor's version.",
        "warning",
    ),
)

RULES: dict[str, Rule] = {rule.id: rule for rule in _TABLE}
"""Rule id → rule."""
