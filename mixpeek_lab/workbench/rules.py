"""What the lab itself finds, beside the lint rules: where a package comes from and what it is."""

from __future__ import annotations

from mixpeek_lab.manifests import Rule

_TABLE = (
    Rule("LAB001", "Two names", "The cell, or the folder, and the manifest name an extractor "
         "differently: features would get another name than what is run."),
    Rule("LAB002", "Files left out", "A package is text. What else lies beside it, data and "
         "weights, is not packed, and not there where it runs.", "info"),
    Rule("LAB003", "Another number", "A version that is committed keeps its contents, and what is "
         "made from one comes after it: the manifest's number is taken, or below the head's.",
         "info"),
    Rule("UPLOAD001", "Another extractor", "An upload is asked for by name. What arrived says "
         "another one."),
    Rule("UPLOAD002", "Another version", "An upload is asked for with a version, and the manifest "
         "says another. A warning where the platform gave the number."),
    Rule("ARCHIVE", "No package", "What arrived cannot be read as an archive of an extractor."),
)  # fmt: skip

LAB_RULES: dict[str, Rule] = {rule.id: rule for rule in _TABLE}
"""Every other rule id that a finding can have → rule."""
