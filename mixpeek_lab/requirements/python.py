"""Which of a manifest's dependencies are installed here. Reads metadata; downloads nothing."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.manifests.dependencies import have_common_version, parse_requirement

LAB = "mixpeek-lab"
State = Literal["met", "missing", "other version", "impossible", "not needed"]

_SAFE = re.compile(r"[\w.,\[\]<>=!~*+@:/ -]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency of a manifest, as this machine has it."""

    requirement: Requirement
    state: State
    installed: str = ""
    """The version that is installed; empty where none is."""
    reason: str = ""
    """Why it cannot be met here; what of its extras is missing."""

    @property
    def name(self) -> str:
        """The distribution's name, as packages are compared by it."""
        return canonicalize_name(self.requirement.name)

    @property
    def installable(self) -> str:
        """What pip is to install: without the marker, which has been looked at."""
        wanted = Requirement(str(self.requirement))
        wanted.marker = None
        return str(wanted)

    def __str__(self) -> str:
        if self.state == "other version":
            return f"`{self.installable}` ({self.installed} is installed)"
        return f"`{self.installable}`" + (f" ({self.reason})" if self.reason else "")


def check_dependencies(dependencies: Iterable[str]) -> tuple[Dependency, ...]:
    """Every dependency that reads as one, in order."""
    requirements = []
    for text in dependencies:
        try:
            requirements.append(parse_requirement(text))
        except InvalidInputError:  # the manifest's own check says so
            continue
    return tuple(_checked(requirement, requirements) for requirement in requirements)


def install_command(dependencies: Sequence[Dependency]) -> str:
    """The one command that installs them all: pip's in a terminal, its magic in a notebook."""
    words = " ".join(_quoted(each.installable) for each in dependencies)
    return f"{'%' if _in_notebook() else ''}pip install {words}"


def _checked(requirement: Requirement, beside: Sequence[Requirement]) -> Dependency:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return Dependency(requirement, "not needed")
    found = _distribution(requirement.name)
    version = found.version if found else ""
    reason = _lab_needs(requirement) or (_installed_needs(requirement, beside) if found else "")
    fits = found is not None and requirement.specifier.contains(version, prereleases=True)
    if reason:
        return Dependency(requirement, "impossible", version, reason)
    if found is None:
        return Dependency(requirement, "missing")
    if not fits:
        return Dependency(requirement, "other version", version)
    lacking = _missing_of_extras(requirement, found)
    if lacking:
        return Dependency(requirement, "missing", version, f"without {', '.join(lacking)}")
    return Dependency(requirement, "met", version)


def _lab_needs(requirement: Requirement) -> str:
    """Why the lab itself cannot live beside that version; empty where it can."""
    for needed in _requires(_distribution(LAB), requirement.extras):
        if _same(needed, requirement) and not have_common_version(
            [needed.specifier, requirement.specifier]
        ):
            return f"the lab itself needs {needed.name}{needed.specifier}"
    return ""


def _installed_needs(requirement: Requirement, beside: Sequence[Requirement]) -> str:
    """Why another dependency, as it is installed, cannot live beside that version."""
    for other in beside:
        if _same(other, requirement):
            continue
        found = _distribution(other.name)
        for needed in _requires(found, other.extras):
            if (
                found
                and _same(needed, requirement)
                and not have_common_version([needed.specifier, requirement.specifier])
            ):
                return f"{other.name} {found.version} needs {needed.name}{needed.specifier}"
    return ""


def _missing_of_extras(requirement: Requirement, found: Distribution) -> list[str]:
    """What the extras ask for and is not installed: `pkg[onnx]` installs more than `pkg`."""
    plain = {canonicalize_name(needed.name) for needed in _requires(found, ())}
    needed = _requires(found, requirement.extras) if requirement.extras else []
    return [
        each.name
        for each in needed
        if canonicalize_name(each.name) not in plain and _distribution(each.name) is None
    ]


def _requires(found: Distribution | None, extras: Iterable[str]) -> list[Requirement]:
    """What a distribution asks for on this machine, with some of its extras."""
    needed = []
    for text in (found.requires or ()) if found else ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # old metadata: not ours to correct
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *extras)):
            needed.append(requirement)
    return needed


def _distribution(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):
        return None


def _same(first: Requirement, second: Requirement) -> bool:
    return canonicalize_name(first.name) == canonicalize_name(second.name)


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w.-]+", text, re.ASCII):
        return text
    # Double quotes where they are safe: every shell knows them, and single ones not every.
    return f'"{text}"' if _SAFE.fullmatch(text) else shlex.quote(text)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
