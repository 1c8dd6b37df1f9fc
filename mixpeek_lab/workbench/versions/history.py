"""What versions say of themselves: the log, the state against it, a difference, a way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mixpeek_lab.catalog import Commit
from mixpeek_lab.workbench.versions.changes import FileChange, ManifestChange
from mixpeek_lab.workbench.versions.evaluated import EvaluationChange
from mixpeek_lab.workbench.versions.switching import Switch


@dataclass(frozen=True, slots=True)
class History:
    """All versions of an extractor that were committed."""

    name: str
    commits: tuple[Commit, ...]
    """Newest first."""
    head: str | None
    tags: Mapping[str, str]
    """Tag → version."""
    pins: Mapping[str, tuple[str, ...]]
    """Version → the collections that are made with it."""
    places: Mapping[str, tuple[str, ...]]
    """Version → where it was pushed to."""
    has_changes: bool
    """Whether the working state is something that nobody committed."""

    def tags_of(self, version: str) -> list[str]:
        """The tags of a version."""
        return [tag for tag, found in self.tags.items() if found == version]


@dataclass(frozen=True, slots=True)
class WorkingStatus:
    """The working state, the cell as last run, against the commit that it comes from."""

    name: str
    head: Commit | None
    version: str
    """Of the working state: what it will be committed as."""
    digest: str
    same_as: str | None
    """The version whose contents it has; None where nobody committed them."""
    files: tuple[FileChange, ...]
    manifest: tuple[ManifestChange, ...]
    pins: Mapping[str, str]
    """Collection → the version that it is made with."""
    refused: str = ""
    """Why the last definition was not kept, and is not part of this."""

    @property
    def has_changes(self) -> bool:
        """Whether there is something to commit."""
        return self.same_as is None


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Two states of an extractor side by side."""

    name: str
    before: str
    """`1.0.0`, or `working` with the version it would get."""
    after: str
    files: tuple[FileChange, ...]
    manifest: tuple[ManifestChange, ...]
    evaluations: tuple[EvaluationChange, ...]
    """Empty where not both were evaluated on the same queries."""
    switches: tuple[Switch, ...]
    """What collections would compute to be brought to `after`."""

    @property
    def breaks(self) -> tuple[ManifestChange, ...]:
        """The changes of the manifest that something does not survive."""
        return tuple(change for change in self.manifest if change.breaks)


@dataclass(frozen=True, slots=True)
class Checkout:
    """An extractor that was brought to another version."""

    name: str
    version: str
    digest: str
    switches: tuple[Switch, ...]
    """What the next run of each collection would compute."""
    left: str = ""
    """First digits of the uncommitted contents that were left, with which they can be had back."""
