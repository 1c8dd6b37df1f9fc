"""Files as bucket objects: one object each, with a blob called after its kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import BLOB_TYPES, BucketObject
from mixpeek_lab.workbench.blobs import Loaded, found_blob, loaded, object_id
from mixpeek_lab.workbench.columns import kind_named
from mixpeek_lab.workbench.folders import Entry, Listing
from mixpeek_lab.workbench.looking import Found, Unusable, look_all
from mixpeek_lab.workbench.values import clean_text

FIELDS = ("path", "folder", "suffix")
MOST_KINDS = 5
"""Kinds of files left out that a note counts one by one."""
MOST_EXAMPLES = 2

_Left = Sequence[tuple[Entry, Unusable]]


def load_files(listing: Listing, shown: str, prop: str | None = None) -> Loaded:
    """One object per file. `shown` is what the source is called; `prop` what all blobs are.

    Files of no use are told in notes; InvalidInputError where they were named one by one, or
    where no file is of use.
    """
    seen = look_all(entry.reference for entry in listing.entries)
    good: list[tuple[Entry, Found]] = []
    left: list[tuple[Entry, Unusable]] = []
    for entry in listing.entries:
        what = _fitting(seen[entry.reference], prop)
        if isinstance(what, Found):
            good.append((entry, what))
        else:
            left.append((entry, what))
    if left and (listing.is_named or not good):
        raise InvalidInputError(_refusal(listing, left, shown))
    objects = _objects(good, prop)
    kinds = dict.fromkeys(found.kind for _, found in good)
    schema = {prop: _commonest(good)} if prop else {k: k for k in BLOB_TYPES if k in kinds}
    return loaded(
        objects, {**schema, **dict.fromkeys(FIELDS, "string")}, [*_notes(left), *_empty(good)]
    )


def _fitting(seen: Found | Unusable, prop: str | None) -> Found | Unusable:
    return seen if isinstance(seen, Unusable) else demand_kind(seen, prop or "")


def demand_kind(found: Found, prop: str) -> Found | Unusable:
    """The file, unless the property is called after another kind: an `image_url` leads to one.

    So a table that is somebody else's cannot bring in the text of a file of this machine.
    """
    kind = kind_named(prop)
    if kind is not None and found.kind != kind:
        return Unusable(f"holds {found.mime_type}, which is no {kind}")
    return found


def _objects(good: Sequence[tuple[Entry, Found]], prop: str | None) -> list[BucketObject]:
    seen: Counter[str] = Counter()
    objects = []
    for entry, found in good:
        key = f"{entry.key}{seen[entry.key] or ''}"
        seen[entry.key] += 1
        blobs = (found_blob(prop or found.kind, found, key),)
        metadata = {name: getattr(entry, name) for name in FIELDS}
        objects.append(BucketObject(object_id(key), "", blobs, metadata))
    return objects


def _commonest(good: Sequence[tuple[Entry, Found]]) -> str:
    return Counter(found.kind for _, found in good).most_common(1)[0][0]


# ---------------------------------------------------------------- files of no use


def _refusal(listing: Listing, left: _Left, shown: str) -> str:
    if not listing.is_named:
        count = _files(len(listing.entries))
        nothing = "none of them text, image, audio, video or PDF that can be read"
        return f"{shown!r} holds {count}, {nothing}. {' '.join(_notes(left))}"
    said = [f"{entry.path} {why.reason}" for entry, why in left[:5]]
    more = f"; and {len(left) - 5:,} more" if len(left) > 5 else ""
    return f"{'; '.join(said)}{more}. Mend these, or leave them out."


def _notes(left: _Left) -> list[str]:
    """What was left out: kinds of no use as counts, anything else with its reason."""
    counted = {entry.path: why.label for entry, why in left if why.label}
    told = [(entry, why) for entry, why in left if not why.label]
    notes = [_left_out(counted)] if counted else []
    if told:
        examples = "; ".join(f"{clean_text(e.path)} {w.reason}" for e, w in told[:MOST_EXAMPLES])
        more = "; …" if len(told) > MOST_EXAMPLES else ""
        notes.append(f"{_files(len(told))} {_were(told)} left out: {examples}{more}.")
    return notes


def _empty(good: Sequence[tuple[Entry, Found]]) -> list[str]:
    """That files hold nothing, for people who would look for their text in vain."""
    paths = [entry.path for entry, found in good if found.kind == "text" and not found.text]
    if not paths:
        return []
    examples = ", ".join(paths[:MOST_EXAMPLES]) + (", …" if len(paths) > MOST_EXAMPLES else "")
    is_one = len(paths) == 1
    return [
        f"{_files(len(paths))} {'is' if is_one else 'are'} empty: {examples}. "
        f"{'It is' if is_one else 'They are'} in the bucket, with a text of no characters."
    ]


def _left_out(skipped: Mapping[str, str]) -> str:
    """How many files are of no use, of which kinds, and two of them. `skipped`: path → kind."""
    kinds = Counter(skipped.values()).most_common()
    counts = ", ".join(f"{count:,} {clean_text(kind)}" for kind, count in kinds[:MOST_KINDS])
    others = sum(count for _, count in kinds[MOST_KINDS:])
    if others:
        counts += f", {others:,} of other kinds"
    examples = ", ".join(list(skipped)[:MOST_EXAMPLES])
    return (
        f"{_files(len(skipped))} {_were(skipped)} left out, being neither text in UTF-8 nor image, "
        f"audio, video or PDF ({counts}): {examples}{', …' if len(skipped) > 2 else ''}."
    )


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _were(things: Sequence[object] | Mapping[str, str]) -> str:
    return "was" if len(things) == 1 else "were"
