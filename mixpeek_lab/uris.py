"""Feature URIs and extractor versions: `mixpeek://name@version/feature`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mixpeek_lab.errors import InvalidInputError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_VERSION = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?\Z")
_URI = re.compile(r"mixpeek://(?P<extractor>[^@/]+)@(?P<version>[^/]+)/(?P<feature>[^/]+)\Z")


def normalise_version(version: str) -> str:
    """`v1` → `1.0.0`, `1.0` → `1.0.0`, `v2.1` → `2.1.0`; `1.0.0` stays.

    Raises InvalidInputError for anything that is not one to three numbers.
    """
    match = _VERSION.match(version.strip())
    if not match:
        raise InvalidInputError(
            f"Version {version!r} is not understood. Write 1.0.0, or v1, 1.0, v2.1."
        )
    return ".".join(str(int(part or 0)) for part in match.groups())


def next_patch(version: str) -> str:
    """The version after `version`: `1.0.0` → `1.0.1`."""
    major, minor, patch = normalise_version(version).split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def version_key(version: str) -> tuple[int, ...]:
    """What versions are sorted by: `1.10.0` comes after `1.9.0`."""
    return tuple(int(part) for part in normalise_version(version).split("."))


@dataclass(frozen=True, slots=True)
class FeatureURI:
    """The address of one feature of one version of an extractor."""

    extractor: str
    version: str
    feature: str

    @staticmethod
    @lru_cache
    def parse(text: str) -> FeatureURI:
        """Read `mixpeek://name@version/feature`; both spellings of a version are equal."""
        match = _URI.match(text.strip())
        if not match:
            raise InvalidInputError(
                f"Feature URI {text!r} is not understood. "
                "It reads mixpeek://extractor@version/feature, "
                "for example mixpeek://my_extractor@1.0.0/my_embedding."
            )
        return FeatureURI(match["extractor"], normalise_version(match["version"]), match["feature"])

    def __str__(self) -> str:
        return f"mixpeek://{self.extractor}@{self.version}/{self.feature}"
