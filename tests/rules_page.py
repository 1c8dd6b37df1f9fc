"""notebooks/rules.md, made of the tables in the code: `python tests/rules_page.py` writes it."""

from __future__ import annotations

from pathlib import Path

from mixpeek_lab.harness.table import CHECKS
from mixpeek_lab.lint import RULES
from mixpeek_lab.workbench.rules import LAB_RULES

ALL = {**RULES, **LAB_RULES}
PATH = Path(__file__).parents[1] / "notebooks" / "rules.md"
FAMILIES = {
    "MAN": "Manifest",
    "SYN": "Syntax",
    "DEP": "Dependencies",
    "SYS": "System packages",
    "IMG": "Container image",
    "LAY": "Layout",
    "COL": "Columns",
    "SEQ": "Batched processing",
    "AGR": "Agreement of processor, realtime.py and manifest",
    "SEC": "Security",
    "LAB": "In the lab",
    "UPLOAD": "Uploads over HTTP",
    "ARCHIVE": "Archives over HTTP",
}
HEAD = """\
# What is checked

By `%%extractor` as the cell runs, `%extractor lint` and `mixpeek-lab lint`, without running the
extractor; and by `%extractor test` and `mixpeek-lab test`, with sample rows. An error keeps an
extractor from being defined. The security rules are a linter's: they keep you from a rejected
upload, and do not make foreign code safe to run.
"""


def page() -> str:
    """The page's text."""
    parts = [HEAD]
    for prefix, title in FAMILIES.items():
        rules = [rule for rule in ALL.values() if rule.id.startswith(prefix)]
        rows = [
            f"| `{rule.id}` | {rule.title} | {rule.severity} | {_cell(rule.explanation)} |"
            for rule in sorted(rules, key=lambda rule: rule.id)
        ]
        parts.append(f"\n## {title}\n\n| rule | what | severity | why |\n|---|---|---|---|\n")
        parts.append("\n".join(rows) + "\n")
    checks = [f"| `{check.id}` | {check.title} |" for check in CHECKS]
    parts.append("\n## Tests of `%extractor test`\n\n| check | what must hold |\n|---|---|\n")
    return "".join([*parts, "\n".join(checks), "\n"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(page())
