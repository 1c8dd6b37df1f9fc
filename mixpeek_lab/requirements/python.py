"""Which of a manifest's dependencies are installed here. Reads metadata; downloads nothing."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
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
    installed = _Installed()
    return tuple(_checked(requirement, requirements, installed) for requirement in requirements)


def install_command(dependencies: Sequence[Dependency]) -> str:
    """The one command that installs them all: pip's in a terminal, its magic in a notebook."""
    words = " ".join(_quoted(each.installable) for each in dependencies)
    return f"{'%' if _in_notebook() else ''}pip install {words}"


class _Installed:
    """The distributions of this Python, each read once."""

    def __init__(self) -> None:
        self._found: dict[str, Distribution | None] = {}
        self._asks: dict[str, list[Requirement]] = {}

    def get(self, name: str) -> Distribution | None:
        """The distribution of that name; None where it is not installed."""
        key = canonicalize_name(name)
        if key not in self._found:
            try:
                self._found[key] = distribution(name)
            except (PackageNotFoundError, ValueError):
                self._found[key] = None
        return self._found[key]

    def requires(self, name: str, extras: Iterable[str] = ()) -> list[Requirement]:
        """What a distribution asks for on this machine, with some of its extras."""
        key = canonicalize_name(name)
        if key not in self._asks:
            found = self.get(name)
            self._asks[key] = list(_readable(found.requires or ())) if found else []
        return [each for each in self._asks[key] if _applies(each, extras)]


def _readable(texts: Iterable[str]) -> Iterator[Requirement]:
    for text in texts:
        with suppress(InvalidRequirement):  # old metadata: not ours to correct
            yield Requirement(text)


def _applies(needed: Requirement, extras: Iterable[str]) -> bool:
    marker = needed.marker
    return marker is None or any(marker.evaluate({"extra": each}) for each in ("", *extras))


def _checked(
    requirement: Requirement, beside: Sequence[Requirement], installed: _Installed
) -> Dependency:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return Dependency(requirement, "not needed")
    found = installed.get(requirement.name)
    version = found.version if found else ""
    reason = _lab_needs(requirement, installed) or _others_need(requirement, beside, installed)
    if reason:
        return Dependency(requirement, "impossible", version, reason)
    if found is None:
        return Dependency(requirement, "missing")
    if not requirement.specifier.contains(version, prereleases=True):
        return Dependency(requirement, "other version", version)
    lacking = _missing_of_extras(requirement, installed)
    if lacking:
        return Dependency(requirement, "missing", version, f"without {', '.join(lacking)}")
    return Dependency(requirement, "met", version)


def _lab_needs(requirement: Requirement, installed: _Installed) -> str:
    """Why the lab itself cannot live beside that version; empty where it can."""
    for needed in installed.requires(LAB):
        if _excludes(needed, requirement):
            return f"the lab itself needs {needed.name}{needed.specifier}"
    return ""


def _others_need(
    requirement: Requirement, beside: Sequence[Requirement], installed: _Installed
) -> str:
    """Why another dependency, as it is installed, cannot live beside that version."""
    for other in beside:
        found = installed.get(other.name)
        if found is None or _same(other, requirement):
            continue
        for needed in installed.requires(other.name, other.extras):
            if _excludes(needed, requirement):
                return f"{other.name} {found.version} needs {needed.name}{needed.specifier}"
    return ""


def _missing_of_extras(requirement: Requirement, installed: _Installed) -> list[str]:
    """What the extras ask for and is not installed: `pkg[onnx]` installs more than `pkg`."""
    if not requirement.extras:
        return []
    plain = {canonicalize_name(each.name) for each in installed.requires(requirement.name)}
    needed = installed.requires(requirement.name, requirement.extras)
    more = (each.name for each in needed if canonicalize_name(each.name) not in plain)
    return [name for name in dict.fromkeys(more) if installed.get(name) is None]


def _excludes(needed: Requirement, wanted: Requirement) -> bool:
    """Whether no version meets what is needed and what is wanted of one package."""
    specifiers = [needed.specifier, wanted.specifier]
    return _same(needed, wanted) and not have_common_version(specifiers)


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
