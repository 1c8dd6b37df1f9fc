"""What an extractor declares, read from `manifest.py` as text and checked."""

from __future__ import annotations

from mixpeek_lab.manifests.dialects import KEYWORDS, MANIFEST_NAMES
from mixpeek_lab.manifests.names import demand_importable
from mixpeek_lab.manifests.reading import ManifestReading, read_manifest
from mixpeek_lab.manifests.rules import RULES, Rule

__all__ = [
    "KEYWORDS",
    "MANIFEST_NAMES",
    "RULES",
    "ManifestReading",
    "Rule",
    "demand_importable",
    "read_manifest",
]
