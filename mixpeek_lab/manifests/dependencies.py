"""Reading `dependencies`: Python packages as pip takes them (PEP 508), and whether they agree."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.manifests.fields import Fields
from mixpeek_lab.manifests.report import Report

_MARKERS = (UndefinedComparison, UndefinedEnvironmentName)
_URL = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]+")
"""What an address may consist of; nothing here ends a quoted word of a shell."""
_SOURCES = re.compile(r"(git|hg|svn|bzr)\+|https?://|file:|\.{0,2}/")
_ONE_EQUALS = re.compile(r"(?<![<>=!~])=(?!=)")


def parse_requirement(text: str) -> Requirement:
    """One dependency. InvalidInputError where pip could not read it, with the way to write it."""
    try:
        found = Requirement(text)
        if found.marker is not None:
            found.marker.evaluate()  # one may read well and compare what cannot be compared
    except (InvalidRequirement, *_MARKERS, RecursionError) as error:
        reason = (str(error).splitlines() or [""])[0].rstrip(":. ")
        raise InvalidInputError(
            f"{text!r:.80} is no dependency: {_remedy(text, reason)}"
        ) from error
    if found.url and not _URL.fullmatch(found.url):
        raise InvalidInputError(f"{text!r} is no dependency: {found.url!r} is no address.")
    return found


def _remedy(text: str, reason: str) -> str:
    if not text.strip():
        return "it is empty. Leave it out."
    if text.lstrip().startswith("-"):
        return "options of pip do not belong here. Write packages only."
    if _SOURCES.match(text.strip()):
        return f'write it with the package\'s name in front: "NAME @ {text.strip()}".'
    if _ONE_EQUALS.search(text):
        return f'did you mean "{_ONE_EQUALS.sub("==", text)}"?'
    return f'{reason}. Write it as pip takes it: "numpy>=2,<3".'


def read_dependencies(fields: Fields) -> tuple[str, ...]:
    """The dependencies as written. Those that cannot be, or not together, are reported."""
    good: list[tuple[Requirement, ast.AST]] = []
    listed = fields.listed("dependencies")
    for text, node in listed:
        try:
            requirement = parse_requirement(text)
        except InvalidInputError as error:
            fields.report.add("DEP001", node, str(error))
            continue
        good += [(requirement, node)] if _is_package(requirement, node, fields.report) else []
    _refuse_contradictions(good, fields.report)
    return tuple(text for text, _ in listed)


def _is_package(requirement: Requirement, node: ast.AST, report: Report) -> bool:
    """Whether it is more than a part of Python itself, which is reported."""
    name = requirement.name
    if name.lower() == "python":
        runs = ".".join(map(str, sys.version_info[:3]))
        fits = requirement.specifier.contains(runs, prereleases=True)
        report.add(
            "DEP003", node,
            f"`{requirement}` is Python itself, which pip cannot install"
            + (f"; and this is Python {runs}." if not fits else "."),
            "Leave it out: the platform's Python runs the extractor.",
        )  # fmt: skip
        return False
    if name in sys.stdlib_module_names and not requirement.specifier:
        report.add("DEP003", node, f"`{name}` is part of Python.", "Leave it out.")
        return False
    return True


def _refuse_contradictions(found: Sequence[tuple[Requirement, ast.AST]], report: Report) -> None:
    for requirement, node in found:
        if not have_common_version([requirement.specifier]):
            report.add(
                "DEP002", node, f"No version can meet `{requirement}`.",
                "Correct its version numbers.",
            )  # fmt: skip
    for (first, place), (second, node) in combinations(found, 2):
        if _contradict(first, second):
            line = report.place(place)[0]
            report.add(
                "DEP002", node,
                f"No version meets both `{second}` and `{first}` (line {line}).", "Keep one.",
            )  # fmt: skip


def _contradict(first: Requirement, second: Requirement) -> bool:
    if canonicalize_name(first.name) != canonicalize_name(second.name):
        return False
    if first.marker != second.marker:  # they may be meant for different machines
        return False
    each = have_common_version([first.specifier]) and have_common_version([second.specifier])
    return each and not have_common_version([first.specifier, second.specifier])


def have_common_version(specifiers: Iterable[SpecifierSet]) -> bool:
    """Whether some version meets them all: one of their bounds, or one right beside a bound."""
    found = list(specifiers)
    bounds = [specifier.version for each in found for specifier in each]
    candidates = [v for bound in bounds for v in _around(bound)]
    return not candidates or any(
        all(each.contains(version, prereleases=True) for each in found) for version in candidates
    )


def _around(bound: str) -> Iterator[str]:
    """A version, one a little above it, one a little below, and the first one past `1.2.*`."""
    try:
        version = Version(bound.removesuffix(".*"))
    except InvalidVersion:  # `===` takes any text
        yield bound
        return
    yield str(version)
    release = list(version.release)
    epoch = f"{version.epoch}!" if version.epoch else ""
    yield f"{epoch}{'.'.join(map(str, [*release, 0, 0, 1]))}"
    yield f"{epoch}{'.'.join(map(str, [*release[:-1], release[-1] + 1]))}"
    while release and release[-1] == 0:
        release.pop()
    if release:
        release[-1] -= 1
        yield f"{epoch}{'.'.join(map(str, [*release, 999999]))}"
