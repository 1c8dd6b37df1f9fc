"""What an extractor's manifest asks for and this machine lacks, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from mixpeek_lab.findings import Finding
from mixpeek_lab.manifests import RULES, ManifestReading
from mixpeek_lab.requirements.debian import check_system_packages
from mixpeek_lab.requirements.python import Dependency, check_dependencies, install_command


def check_requirements(reading: ManifestReading) -> tuple[Finding, ...]:
    """Findings about this machine, not about the text: warnings, with one command as the fix."""
    if reading.manifest is None:
        return ()
    dependencies = check_dependencies(reading.manifest.dependencies)
    return (*_of_python(dependencies, reading), *_of_system(reading))


def _of_python(dependencies: tuple[Dependency, ...], reading: ManifestReading) -> Iterator[Finding]:
    lacking = [d for d in dependencies if d.state in ("missing", "other version")]
    if lacking:
        named = ", ".join(map(str, lacking))
        yield _finding(
            "DEP004", "dependencies", reading, f"Not installed here: {named}.",
            f"Install {'them' if len(lacking) > 1 else 'it'}: {install_command(lacking)}",
        )  # fmt: skip
    for each in dependencies:
        if each.state == "impossible":
            has = f"{each.installed} is installed" if each.installed else "none is installed"
            yield _finding(
                "DEP005", "dependencies", reading,
                f"`{each.installable}` cannot be met here: {each.reason}; {has}.",
                "Allow that version in `dependencies`, or run the extractor in an environment of "
                "its own.",
            )  # fmt: skip


def _of_system(reading: ManifestReading) -> Iterator[Finding]:
    packages = reading.manifest.system_packages if reading.manifest else ()
    found = check_system_packages(packages)
    if not found.is_checked:
        yield _finding(
            "SYS003", "system_packages", reading,
            f"Whether {', '.join(packages)} can be used cannot be checked here: there is no dpkg.",
        )  # fmt: skip
    elif found.missing:
        yield _finding(
            "SYS002", "system_packages", reading,
            f"Not installed on this machine: {', '.join(found.missing)}.",
            f"Install {'them' if len(found.missing) > 1 else 'it'}: {found.command}",
        )  # fmt: skip


def _finding(
    rule: str, field: str, reading: ManifestReading, message: str, fix: str = ""
) -> Finding:
    line = reading.lines.get(field, 0)
    return Finding(rule, RULES[rule].severity, message, fix, "manifest.py", line)
