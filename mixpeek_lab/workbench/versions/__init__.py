"""Versions of extractors: what was committed, and what lies between two states."""

from mixpeek_lab.workbench.versions.changes import FileChange, ManifestChange
from mixpeek_lab.workbench.versions.evaluated import (
    EvaluationChange,
    SavedEvaluation,
    Scores,
    ScoresOf,
    saved_scores,
)
from mixpeek_lab.workbench.versions.history import (
    Checkout,
    History,
    VersionDiff,
    WorkingStatus,
)
from mixpeek_lab.workbench.versions.overview import Overview
from mixpeek_lab.workbench.versions.switching import Switch
from mixpeek_lab.workbench.versions.versions import Versions

__all__ = [
    "Checkout",
    "EvaluationChange",
    "FileChange",
    "History",
    "ManifestChange",
    "Overview",
    "SavedEvaluation",
    "Scores",
    "ScoresOf",
    "Switch",
    "VersionDiff",
    "Versions",
    "WorkingStatus",
    "saved_scores",
]
