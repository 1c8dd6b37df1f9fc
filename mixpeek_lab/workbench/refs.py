"""Which version is meant: a number in any spelling, a tag, a digest's first digits, a place."""

from __future__ import annotations

import re

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.catalog.commits import with_texts
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.uris import normalise_version

HEAD, WORKING = "head", "working"
"""The version that the working state comes from, and that state itself: the cell as last run."""

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}\Z")
_DIGEST = re.compile(r"[0-9a-f]{6,64}\Z")
_TAGGED_URI = re.compile(r"\s*mixpeek://(?P<name>[^@/]+)@(?P<ref>[^/]+)/(?P<feature>[^/]+)\Z")


def demand_tag(tag: str) -> str:
    """`tag`, if a version may be called so; else InvalidInputError."""
    is_taken = tag.lower() in (HEAD, WORKING) or _version(tag) or _DIGEST.match(tag)
    if is_taken or not _TAG.match(tag):
        raise InvalidInputError(
            f"{tag[:80]!r} cannot be a tag. A tag has at most 64 letters, digits, `.`, `_`, `-`, a "
            "letter first, and is neither a version (v1), nor a digest (six or more of 0-9 and "
            "a-f), nor `head` or `working`: `production`, `best-so-far`."
        )
    return tag


def split_ref(text: str) -> tuple[str, str | None]:
    """`name` or `name@ref`, taken apart."""
    name, at, ref = text.partition("@")
    if at and not ref:
        raise InvalidInputError(f"{text!r}: there is no version behind the @.")
    return name, ref or None


def named_ref(name: str, ref: str | None) -> tuple[str, str | None]:
    """An extractor and the version meant, said as `name` and `ref`, or as `name@ref` in one."""
    plain, inside = split_ref(name)
    if inside and ref:
        raise InvalidInputError(f"{name} and {ref}: which version? Say it once.")
    return plain, inside or ref


def find_version(catalog: Catalog, name: str, ref: str | None) -> ExtractorRecord:
    """The contents that `ref` names; without one, the working state.

    `1.0.0` (or v1, 1.0), a tag, `head`, `working`, or a digest's first six digits or more.
    NotFoundError, which names versions and tags; InvalidInputError where it fits several, or is
    nothing of this.
    """
    if ref is None or ref.lower() == WORKING:
        return catalog.extractor(name)
    if ref.lower() == HEAD:
        return catalog.extractor(name, version=_head(catalog, name))
    tags = catalog.tags(name)
    if ref in tags:
        return catalog.extractor(name, version=tags[ref])
    versions = {record.manifest.version for record in catalog.versions(name)}
    if not versions:
        catalog.extractor(name)  # says that there is no such extractor
    version = _version(ref)
    if version in versions:
        return catalog.extractor(name, version=version)
    if _DIGEST.match(ref) and (found := catalog.by_prefix(name, ref)):
        return _only(found, name, ref)
    shown = ref if tags and version is None else normalise_version(ref)  # or how one is written
    raise NotFoundError("version", f"{name}@{shown}", [f"{name}@{v}" for v in (*versions, *tags)])


def version_of(catalog: Catalog, name: str, ref: str) -> str:
    """The version that a tag or any spelling of a version stands for.

    It need not exist. InvalidInputError for what is neither.
    """
    tags = catalog.tags(name)
    return tags[ref] if ref in tags else normalise_version(ref)


def untagged_uri(catalog: Catalog, text: str) -> str:
    """A feature's URI with the version for its tag; every other text as it is."""
    found = _TAGGED_URI.match(text)
    if found is None or _version(found["ref"]):
        return text
    version = catalog.tags(found["name"]).get(found["ref"])
    return text if version is None else f"mixpeek://{found['name']}@{version}/{found['feature']}"


def untagged(catalog: Catalog, body: JSON) -> JSON:
    """A body with the version for the tag in every feature's URI."""
    return with_texts(body, lambda text: untagged_uri(catalog, text))


def _version(text: str) -> str | None:
    try:
        return normalise_version(text)
    except InvalidInputError:
        return None


def _head(catalog: Catalog, name: str) -> str:
    head = catalog.head(name)
    if head is None:
        catalog.extractor(name)
        raise InvalidInputError(
            f'Nothing of {name} is committed yet: `%extractor commit {name} -m "…"`.'
        )
    return head


def _only(found: list[ExtractorRecord], name: str, prefix: str) -> ExtractorRecord:
    if len(found) > 1:
        digests = ", ".join(record.source.digest[:12] for record in found)
        raise InvalidInputError(f"{name}@{prefix} fits several: {digests}. Write more digits.")
    return found[0]
