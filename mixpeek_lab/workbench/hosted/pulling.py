"""A version of another platform, brought here: read and checked, never run."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mixpeek_lab.catalog import Catalog, Commit, now
from mixpeek_lab.errors import ConflictError, InvalidInputError, NotFoundError, RemoteError
from mixpeek_lab.models import JSON
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.uris import normalise_version, version_key
from mixpeek_lab.workbench.extractors import Definition, check_named, demand
from mixpeek_lab.workbench.hosted.platform import RemoteExtractors
from mixpeek_lab.workbench.packages import read_package
from mixpeek_lab.workbench.platform.ids import extractor_id
from mixpeek_lab.workbench.values import clean_text


@dataclass(frozen=True, slots=True)
class Pulled:
    """A version that came from another platform."""

    commit: Commit
    place: str
    was_here: bool
    """Whether its contents were committed here before."""


def pull(catalog: Catalog, remote: RemoteExtractors, name: str, ref: str | None) -> Pulled:
    """Commit a version of a platform's extractor here; the newest without `ref`.

    NotFoundError where the platform has none such, ConflictError where other contents are
    committed here under its number, ManifestError where its package does not pass the checks,
    RemoteError.
    """
    records = _listed(remote, name)
    record = _wanted(name, ref, records)
    version = normalise_version(str(record.get("version") or "1.0.0"))
    key = str(record.get("extractor_id") or record.get("plugin_id") or extractor_id(name, version))
    source = _fetched(remote, key, record, name)
    known = catalog.commit(name, digest=source.digest)
    if known is not None:
        return Pulled(known, remote.place, was_here=True)
    definition = _checked(source)
    parent = _parent(catalog, name, record, records)
    commit = _committed(catalog, remote, definition, version, record, parent)
    return Pulled(commit, remote.place, was_here=False)


def _listed(remote: RemoteExtractors, name: str) -> dict[str, Mapping[str, JSON]]:
    """Version → its record, of one extractor. NotFoundError where the platform has no such."""
    found: dict[str, Mapping[str, JSON]] = {}
    others = set()
    for record in remote.records():
        called = record.get("name") or record.get("feature_extractor_name")
        if called == name:
            found[normalise_version(str(record.get("version") or "1.0.0"))] = record
        else:
            others.add(str(called))
    if not found:
        raise NotFoundError("extractor", name, others, f"{remote.place} was asked.")
    return found


def _wanted(
    name: str, ref: str | None, found: Mapping[str, Mapping[str, JSON]]
) -> Mapping[str, JSON]:
    if ref is None:
        return found[max(found, key=version_key)]
    for record in found.values():
        if ref in (record.get("tags") or ()):
            return record
    try:
        return found[normalise_version(ref)]
    except (KeyError, InvalidInputError):
        pass
    raise NotFoundError("version", f"{name}@{ref}", [f"{name}@{v}" for v in found])


def _parent(
    catalog: Catalog,
    name: str,
    record: Mapping[str, JSON],
    found: Mapping[str, Mapping[str, JSON]],
) -> str | None:
    """The version here that it was made from: the one whose very code its parent there has.

    None where the platform names no parent, or where that code is not committed here.
    """
    try:
        named = normalise_version(str(record.get("parent_version")))
    except InvalidInputError:
        return None
    digest = found.get(named, {}).get("code_hash")
    commit = catalog.commit(name, digest=str(digest)) if digest else None
    return commit.version if commit else None


def _fetched(
    remote: RemoteExtractors, key: str, record: Mapping[str, JSON], name: str
) -> ExtractorSource:
    with tempfile.TemporaryDirectory(prefix="mixpeek-lab-pull-") as folder:
        path = Path(folder) / "package.archive"
        with path.open("wb") as file:
            remote.download(key, record, file)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        source = read_package(path, name).source
    told = record.get("code_hash")
    if told and told not in (source.digest, sha256):
        raise RemoteError(
            "download",
            f"What {remote.place} gave for {key} is not what its record says: its code_hash is "
            f"{str(told)[:12]}…, and {source.digest[:12]}… arrived. Nothing was kept.",
        )
    return source


def _checked(source: ExtractorSource) -> Definition:
    """The package's definition; ManifestError with all findings where one is an error."""
    definition = check_named(source)
    return demand(definition if definition.has_errors else replace(definition, is_kept=True))


def _committed(
    catalog: Catalog,
    remote: RemoteExtractors,
    definition: Definition,
    version: str,
    record: Mapping[str, JSON],
    parent: str | None,
) -> Commit:
    assert definition.manifest is not None
    source, name = definition.source, definition.source.name
    taken = catalog.commit(name, version=version)
    if taken is not None:
        raise ConflictError(
            f"{name} {version} is committed here with other contents ({taken.digest[:12]}; "
            f"{source.digest[:12]} at {remote.place}). A version never changes: give one of the "
            "two the next number, there or here."
        )
    message = clean_text(str(record.get("message") or "")) or f"Pulled from {remote.place}"
    author = clean_text(str(record.get("author") or "")) or remote.wire.address.url
    with catalog.together():
        catalog.put_extractor(source, replace(definition.manifest, version=version))
        catalog.renumber(name, source.digest, version)
        return catalog.put_commit(
            Commit(name, version, source.digest, parent, message, author, "pull", now())
        )
