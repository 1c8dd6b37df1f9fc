"""What deleting something would lose, and who still needs it, said before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mixpeek_lab.sidebar.item import count

if TYPE_CHECKING:
    from mixpeek_lab.workbench import Lab

SHOWN = 8
"""Names of a kind."""


def lost(lab: Lab, section: str, name: str) -> list[str]:
    """Sentences for whoever is about to delete it. NotFoundError; empty where nothing is known."""
    return _LOST[section](lab, name) if section in _LOST else []


def _extractor(lab: Lab, name: str) -> list[str]:
    history = lab.versions.log(name)
    made = [c.name for c in lab.collections() if c.extractor == name]
    versions = [commit.version for commit in history.commits]
    served = [d for d in lab.work.deployments() if d.name == name]
    return [
        f"Its working state{', which is not committed' if history.has_changes else ''}.",
        *([f"{count(len(versions), 'version')}: {_listed(versions)}."] if versions else []),
        *([f"{count(len(history.tags), 'tag')}: {_listed(sorted(history.tags))}."]
          if history.tags else []),
        *(["Its service is taken down."] if served else []),
        *_needed(made, "collection"),
    ]  # fmt: skip


def _version(lab: Lab, name: str) -> list[str]:
    base, _, number = name.partition("@")
    history = lab.versions.log(base)
    digests = {commit.digest for commit in history.commits if commit.version == number}
    made = [c.name for c in lab.collections() if c.extractor == base
            and c.extractor_digest in digests]  # fmt: skip
    tags, others = history.tags_of(number), [c for c in history.commits if c.version != number]
    is_current = number == history.head and not history.has_changes
    return [
        f"The code of {name}.",
        *([_replaced(base, others[0].version if others else "")] if is_current else []),
        *([f"{count(len(tags), 'tag')}: {_listed(tags)}."] if tags else []),
        *_needed(made, "collection"),
    ]


def _replaced(name: str, other: str) -> str:
    """What becomes of the working state, where it is the version that is deleted."""
    if not other:
        return f"{name} itself: it has no other version."
    return "The working state, which is this one: another version takes its place."


def _bucket(lab: Lab, name: str) -> list[str]:
    bucket = lab.bucket(name)
    made = [c.name for c in lab.collections() if c.reads("bucket", bucket.bucket_id)]
    return [f"{count(bucket.object_count, 'object')}.", *_needed(made, "collection")]


def _collection(lab: Lab, name: str) -> list[str]:
    found = lab.collection(name)
    names = {found.collection_id, found.name}
    made = [c.name for c in lab.collections() if c.reads("collection", found.collection_id)]
    searched = [r.name for r in lab.retrievers() if names & set(_searched(r.body))]
    return [
        f"{count(found.document_count, 'document')}, with vectors and indexes. A run computes "
        "them again.",
        *_needed(made, "collection"),
        *_needed(searched, "retriever"),
    ]


def _retriever(lab: Lab, name: str) -> list[str]:
    found = next((r for r in lab.retrievers() if r.name == name), None)
    names = {c.collection_id: c.name for c in lab.collections()}
    keys = _searched(found.body) if found else ()
    searched = ", ".join(names.get(key, key) for key in keys)
    return ["Its definition." + (f" What it searches stays: {searched}." if searched else "")]


def _searched(body: Mapping[str, Any]) -> Sequence[str]:
    return tuple(body.get("collection_identifiers", ()))


def _needed(names: Sequence[str], kind: str) -> list[str]:
    if not names:
        return []
    if len(names) == 1:
        told = f"{kind.title()} {names[0]} needs it: deleting is refused while that is there."
    else:
        told = (
            f"{kind.title()}s {_listed(names)} need it: deleting is refused while they are there."
        )
    return [told]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


_LOST: dict[str, Callable[[Lab, str], list[str]]] = {
    "extractors": _extractor,
    "versions": _version,
    "buckets": _bucket,
    "collections": _collection,
    "retrievers": _retriever,
}
