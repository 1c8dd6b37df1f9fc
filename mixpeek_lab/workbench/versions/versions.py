"""Versions of extractors, git-like: commit, log, status, diff, checkout, tag."""

from __future__ import annotations

import getpass
import os
from collections import defaultdict
from collections.abc import MutableMapping
from contextlib import suppress

from mixpeek_lab.catalog import Catalog, Commit, ExtractorRecord
from mixpeek_lab.errors import (
    ConflictError,
    InvalidInputError,
    ManifestError,
    NotFoundError,
    UnchangedError,
)
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.uris import normalise_version
from mixpeek_lab.workbench.extractors import Definition, demand
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.refs import (
    HEAD,
    WORKING,
    demand_tag,
    find_version,
    named_ref,
    split_ref,
)
from mixpeek_lab.workbench.values import clean_text
from mixpeek_lab.workbench.versions.changes import file_changes, manifest_changes
from mixpeek_lab.workbench.versions.evaluated import ScoresOf, evaluation_changes
from mixpeek_lab.workbench.versions.history import (
    Checkout,
    History,
    VersionDiff,
    WorkingStatus,
)
from mixpeek_lab.workbench.versions.overview import Overview, overview
from mixpeek_lab.workbench.versions.switching import switches

AUTHOR = "MIXPEEK_LAB_AUTHOR"
LONGEST_MESSAGE = 5_000
"""Characters."""
SHORT = 12
"""Digits of a digest that people see."""


class Versions:
    """The history of a lab's extractors. `lab.versions`.

    The working state of an extractor is what its cell or folder was when it was last run; a commit
    makes it a version for good. A version stands wherever one is asked for as `name@1.0.0`, in any
    spelling, or as `name@tag`. Errors: NotFoundError, InvalidInputError, ConflictError.
    """

    def __init__(
        self,
        catalog: Catalog,
        home: Home,
        drafts: MutableMapping[str, ExtractorSource] | None = None,
        refused: MutableMapping[str, Definition] | None = None,
        scores_of: ScoresOf = lambda *_: {},
    ) -> None:
        """`drafts` and `refused`: what was defined since the lab was opened, kept or not.

        `scores_of` tells how searches over what a version made were evaluated.
        """
        self._catalog, self._home, self._scores_of = catalog, home, scores_of
        self._drafts = {} if drafts is None else drafts
        self._refused = {} if refused is None else refused

    # ------------------------------------------------------------ making versions

    def commit(self, name: str, message: str, version: str | None = None) -> Commit:
        """Make the working state a version for good.

        Its number is the manifest's where that is free and not below the head's, else the next
        patch after the higher of the two (1.0.0 → 1.0.1), or `version`. UnchangedError where
        a version has these contents already, ConflictError where the number is taken.
        """
        if name in self._refused:
            demand(self._refused[name])
        with self._catalog.together():
            record = self._catalog.extractor(name)
            self._demand_uncommitted(name, record)
            told = _message(message)
            number = self._number(name, record, version)
            self._catalog.renumber(name, record.source.digest, number)
            return self._catalog.add_commit(
                name, number, record.source.digest, told, author(), "notebook"
            )

    def checkout(self, name: str, ref: str | None = None, *, force: bool = False) -> Checkout:
        """Bring the working state back to a version: what runs, is deployed and edited from here.

        `checkout("name", "1.0.0")` or `checkout("name@1.0.0")`; a tag as well.

        Collections stay as they are until they are processed again; rows that this version
        computed before are not computed again. ConflictError where the working state is not
        committed, unless `force`: then it can be had back by the first digits of its digest.
        """
        name, ref = named_ref(name, ref)
        if ref is None:
            raise InvalidInputError(f"Which version of {name}? Write its number or its tag.")
        record = find_version(self._catalog, name, ref)
        with self._catalog.together():
            working = self._catalog.extractor(name)
            is_kept = self._commit_of(working) or working.source.digest == record.source.digest
            if not is_kept and not force:
                raise ConflictError(
                    f"{name} has changes that are not committed: `%extractor commit {name} -m "
                    f'"…"` keeps them, and `--force` leaves them '
                    f"({working.source.digest[:SHORT]} has them back)."
                )
            self._catalog.make_current(name, record.source.digest)
            if commit := self._commit_of(record):
                self._catalog.move_head(name, commit.version)
        self._drafts[name] = record.source
        self._refused.pop(name, None)
        return Checkout(
            name,
            record.manifest.version,
            record.source.digest,
            switches(self._catalog, self._home, record),
            "" if is_kept else working.source.digest[:SHORT],
        )

    def tag(self, name: str, tag: str, ref: str | None = None, *, force: bool = False) -> Commit:
        """Give a committed version (the head, `ref`, or `name@ref`) a name.

        ConflictError where another has it, unless `force`.
        """
        demand_tag(tag)
        name, ref = named_ref(name, ref)
        ref = ref or HEAD
        with self._catalog.together():
            commit = self._commit_of(find_version(self._catalog, name, ref))
            if commit is None:
                raise InvalidInputError(
                    f"{name}@{ref} is not committed: only what stays can have a tag. "
                    f'`%extractor commit {name} -m "…"` first.'
                )
            has_it = self._catalog.tags(name).get(tag, commit.version)
            if has_it != commit.version and not force:
                raise ConflictError(
                    f"Tag {tag!r} of {name} is at {has_it}: `--force` moves it to {commit.version}."
                )
            self._catalog.put_tag(name, tag, commit.version)
        return commit

    def untag(self, name: str, tag: str) -> None:
        """Forget a tag."""
        self._catalog.extractor(name)
        self._catalog.delete_tag(name, tag)

    # ------------------------------------------------------------ looking

    def log(self, name: str) -> History:
        """All committed versions, newest first, with who made them, their tags, and their users."""
        working = self._catalog.extractor(name)
        pins: dict[str, list[str]] = defaultdict(list)
        for collection, version in self._pins(name).items():
            pins[version].append(collection)
        places: dict[str, list[str]] = defaultdict(list)
        for push in self._catalog.pushes(name):
            if commit := self._catalog.commit(name, digest=push.digest):
                places[commit.version].append(f"{push.place} as {push.version}")
        return History(
            name,
            tuple(self._catalog.commits(name)),
            self._catalog.head(name),
            self._catalog.tags(name),
            {version: tuple(names) for version, names in pins.items()},
            {version: tuple(told) for version, told in places.items()},
            self._commit_of(working) is None,
        )

    def committed(self, name: str) -> tuple[int, bool]:
        """How many versions there are, and whether the working state is one of them: in short."""
        working = self._catalog.extractor(name)
        return len(self._catalog.commits(name)), self._commit_of(working) is not None

    def status(self, name: str) -> WorkingStatus:
        """The working state against the commit that it comes from."""
        working, head = self._working(name), self._catalog.head(name)
        base = None if head is None else self._catalog.extractor(name, version=head)
        same = self._commit_of(working)
        return WorkingStatus(
            name,
            None if head is None else self._catalog.commit(name, version=head),
            working.manifest.version,
            working.source.digest,
            same.version if same else None,
            file_changes(base.source if base else ExtractorSource(name, ()), working.source),
            manifest_changes(base.manifest, working.manifest) if base else (),
            self._pins(name),
            self._reason(name),
        )

    def overview(self, name: str) -> Overview:
        """All there is to know of an extractor beside its manifest; nothing is computed."""
        return overview(self._catalog, self._home, self.status(name), self.log(name))

    def diff(self, name: str, before: str | None = None, after: str | None = None) -> VersionDiff:
        """Two versions side by side: code, manifest, evaluations, and what a switch computes.

        Without `after` the working state; without both, that against the head. As
        `name@before` the first one may stand with the name.
        """
        if "@" in name:
            name, before, after = *named_ref(name, after), before
        old = find_version(self._catalog, name, before or HEAD)
        new = find_version(self._catalog, name, after or WORKING)
        return VersionDiff(
            name,
            self._label(old),
            self._label(new),
            file_changes(old.source, new.source),
            manifest_changes(old.manifest, new.manifest),
            evaluation_changes(
                self._scores_of(name, old.source.digest), self._scores_of(name, new.source.digest)
            ),
            switches(self._catalog, self._home, new),
        )

    def find(self, text: str) -> ExtractorRecord:
        """The contents that `name`, `name@1.0.0`, `name@tag` or `name@working` stands for."""
        return find_version(self._catalog, *split_ref(text))

    def refs(self, name: str) -> list[str]:
        """What may stand behind `name@`: versions, newest first, and tags."""
        return [*(commit.version for commit in self._catalog.commits(name)),
                *self._catalog.tags(name)]  # fmt: skip

    # ------------------------------------------------------------ inside

    def _working(self, name: str) -> ExtractorRecord:
        """The working state; ManifestError where the only definition was refused."""
        try:
            return self._catalog.extractor(name)
        except NotFoundError:
            if name in self._refused:
                demand(self._refused[name])
            raise

    def _commit_of(self, record: ExtractorRecord) -> Commit | None:
        return self._catalog.commit(record.manifest.name, digest=record.source.digest)

    def _demand_uncommitted(self, name: str, record: ExtractorRecord) -> None:
        found = self._commit_of(record)
        if found is None:
            return
        if found.version == self._catalog.head(name):
            raise UnchangedError(
                f"Nothing changed since {name} {found.version}: there is nothing to commit. "
                "Run the cell that you changed, and commit again."
            )
        raise UnchangedError(
            f"There is nothing to commit: {name} has the contents of {found.version}, which is "
            f"committed already. `%extractor checkout {name} {found.version}` goes on from there."
        )

    def _number(self, name: str, record: ExtractorRecord, wanted: str | None) -> str:
        if wanted is None:
            return self._catalog.next_version(name, record.manifest.version)
        version = normalise_version(wanted)
        if self._catalog.commit(name, version=version):
            raise ConflictError(
                f"{name} {version} is committed with other contents, which stay. Without a version "
                f"this is {self._catalog.next_version(name, record.manifest.version)}."
            )
        return version

    def _label(self, record: ExtractorRecord) -> str:
        version = record.manifest.version
        if self._commit_of(record):
            return version
        place = WORKING if record.is_current else record.source.digest[:SHORT]
        return f"{place} ({version}, not committed)"

    def _pins(self, name: str) -> dict[str, str]:
        return {
            c.name: c.extractor_version for c in self._catalog.collections() if c.extractor == name
        }

    def _reason(self, name: str) -> str:
        with suppress(KeyError):
            try:
                demand(self._refused[name])
            except ManifestError as error:
                return str(error)
        return ""


def author() -> str:
    """Who commits: `MIXPEEK_LAB_AUTHOR`, else the user of this machine."""
    given = os.environ.get(AUTHOR, "").strip()
    if given:
        return clean_text(given)[:200]
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"


def _message(text: str) -> str:
    told = clean_text(text).strip()
    if not told:
        raise InvalidInputError('A commit needs a message that says what changed: -m "…".')
    if len(told) > LONGEST_MESSAGE:
        raise InvalidInputError(
            f"The message has {len(told):,} characters: {LONGEST_MESSAGE:,} at most."
        )
    return told
