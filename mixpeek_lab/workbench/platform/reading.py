"""One object of a request, in either of Mixpeek's shapes, checked against its bucket's schema.

published  {blob_data: {field: value}, metadata: {…}}
public     {blobs: [{property, type, data}], <fields of its own>}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from mixpeek_lab.assets import redacted, scheme_of
from mixpeek_lab.documents import check_metadata_names, is_file_url
from mixpeek_lab.errors import BodyError, InvalidInputError
from mixpeek_lab.media import promised_kind
from mixpeek_lab.models import BLOB_TYPES, JSON, Blob, Bucket, BucketObject
from mixpeek_lab.workbench.blobs import found_blob, object_id, text_blob
from mixpeek_lab.workbench.looking import Unusable, look_all
from mixpeek_lab.workbench.platform.bodies import shown
from mixpeek_lab.workbench.values import plain

_ID = re.compile(r"obj_[A-Za-z0-9_-]{1,96}")
_HANDLING = (
    "key_prefix",
    "skip_duplicates",
    "canonicalize_source",
    "force_remirror",
    "idempotency_key",
)
"""How Mixpeek's storage is to treat the object. Here an object sent again is the same object."""
_SHAPE = ("blob_data", "blobs", "metadata", "object_id", *_HANDLING)

Problems = list[tuple[str, str]]
Refusal = Callable[[str], str]
"""Why the file of an address may not be opened; empty where it may."""


def read_object(body: JSON, bucket: Bucket, where: str, refusal: Refusal) -> BucketObject:
    """The object; BodyError with every problem and its path. `where` is the path so far.

    `refusal` says why a file may not be opened: it is not looked at then.

    Without an `object_id` its id is made of its contents: sent again, it is the same object. What
    lies behind the URLs of files is looked at: that may wait for the network.
    """
    if not isinstance(body, Mapping):
        raise BodyError.at(where.rstrip("."), f"must be an object, and is {shown(body)}.")
    problems: Problems = []
    contents = _contents(body, bucket, where, problems)
    metadata = _metadata(body, where, problems)
    blobs = {name: v for name, v in contents.items() if bucket.schema[name] in BLOB_TYPES}
    metadata |= {name: v for name, v in contents.items() if name not in blobs}
    problems += field_problems(metadata, bucket, f"{where}metadata.")
    problems += file_problems(metadata, f"{where}metadata.", refusal)
    key = _key(body, blobs, metadata, where, problems)
    problems = problems or _missing(contents | metadata, bucket, where)
    made = () if problems else _blobs(blobs, bucket, key, where, problems, refusal)
    if problems:
        raise BodyError(problems)
    return BucketObject(key, bucket.bucket_id, made, metadata)


def read_metadata(body: Mapping[str, JSON], bucket: Bucket, refusal: Refusal) -> dict[str, JSON]:
    """Changes to metadata: at the root, or in `metadata`. BodyError for what is none."""
    problems: Problems = []
    found = _metadata(body, "", problems)
    contents = [name for name in ("blob_data", "blobs", "object_id") if name in body]
    contents += [name for name in found if bucket.schema.get(name) in BLOB_TYPES]
    problems += [
        (name, "is no metadata: send the object again, with its object_id and its new content.")
        for name in contents
    ]
    problems += field_problems({n: v for n, v in found.items() if n not in contents}, bucket, "")
    problems += file_problems(found, "", refusal)
    if any(not name.strip() for name in found):
        problems.append(("body", "has a field without a name."))
    if not found and not problems:
        problems.append(("body", 'says nothing to change: {"reviewed": true}.'))
    if problems:
        raise BodyError(problems)
    return found


def _contents(
    body: Mapping[str, JSON], bucket: Bucket, where: str, problems: Problems
) -> dict[str, JSON]:
    """What the fields of the schema hold, of both shapes."""
    given: list[tuple[str, str, JSON]] = []
    data, blobs = body.get("blob_data"), body.get("blobs")
    if data is not None and not isinstance(data, Mapping):
        problems.append((f"{where}blob_data", f"must be an object, and is {shown(data)}."))
    elif data:
        given += [(f"{where}blob_data.{name}", name, value) for name, value in data.items()]
    if blobs is not None and not isinstance(blobs, list):
        problems.append((f"{where}blobs", f"must be a list, and is {shown(blobs)}."))
    else:
        for number, blob in enumerate(blobs or ()):
            given += _listed(blob, bucket, f"{where}blobs[{number}]", problems)
    found: dict[str, JSON] = {}
    for place, name, value in given:
        problem = _problem(name, value, bucket)
        if problem or name in found:
            problems.append((place, problem or f"{name!r} is given twice."))
        elif value is not None:
            found[name] = plain(value)
    return found


def _listed(
    blob: JSON, bucket: Bucket, place: str, problems: Problems
) -> list[tuple[str, str, JSON]]:
    """An entry of `blobs`: its path, property and data."""
    if not isinstance(blob, Mapping) or not isinstance(blob.get("property"), str):
        problems.append((place, 'must be {"property": …, "type": …, "data": …}.'))
        return []
    name, kind = blob["property"], blob.get("type")
    if name not in bucket.schema:
        said = f"is {shown(name)}, and {_problem(name, None, bucket)}"
        problems.append((f"{place}.property", said))
        return []
    if kind is not None and str(kind).lower() != bucket.schema[name]:
        said = f"is {shown(kind)}, and the bucket's schema says {bucket.schema[name]}."
        problems.append((f"{place}.type", said))
        return []
    if blob.get("data") is None:
        problems.append((f"{place}.data", "is missing: only data that is sent along is taken."))
        return []
    if blob.get("metadata"):
        problems.append((f"{place}.metadata", "is not kept: an object has metadata, beside blobs."))
    return [(f"{place}.data", name, blob["data"])]


def _metadata(body: Mapping[str, JSON], where: str, problems: Problems) -> dict[str, JSON]:
    """`metadata`, and the object's own fields at its root."""
    given = body.get("metadata") or {}
    if not isinstance(given, Mapping):
        problems.append((f"{where}metadata", f"must be an object, and is {shown(given)}."))
        given = {}
    root = {name: value for name, value in body.items() if name not in _SHAPE}
    found: dict[str, JSON] = plain({**root, **given})
    try:
        check_metadata_names(found)
    except InvalidInputError as error:
        problems.append((f"{where}metadata", str(error)))
    return found


def field_problems(metadata: Mapping[str, JSON], bucket: Bucket, where: str) -> Problems:
    """What is wrong with metadata that the schema names. `where` is the path so far."""
    return [
        (f"{where}{name}", problem)
        for name, value in metadata.items()
        if name in bucket.schema and (problem := _problem(name, value, bucket))
    ]


def file_problems(metadata: Mapping[str, JSON], where: str, refusal: Refusal) -> Problems:
    """Metadata that names a file which may not be opened: a collection that is made of the
    documents may be told to take its rows from there."""
    return [
        (f"{where}{name}", f"{redacted(value)[:120]!r} {reason}")
        for name, value in metadata.items()
        if is_file_url(value, promised_kind(str(value))) and (reason := refusal(str(value)))
    ]


def _missing(given: Mapping[str, JSON], bucket: Bucket, where: str) -> Problems:
    needed = bucket.details.get("required", ())
    found = [
        (f"{where}{name}", "is missing, and the bucket's schema requires it.")
        for name in needed
        if given.get(name) is None
    ]
    if not given and not found:
        fields = ", ".join(bucket.schema)
        found = [(where.rstrip(".") or "body", f"holds nothing. The bucket's fields: {fields}.")]
    return found


def _problem(name: str, value: JSON, bucket: Bucket) -> str:
    """What is wrong with a field's value; empty where nothing is."""
    if name not in bucket.schema:
        near = get_close_matches(name, bucket.schema, n=1)
        known = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(bucket.schema)}."
        return f"is not in the schema of bucket {bucket.name!r}. {known}"
    kind = bucket.schema[name]
    if value is None or _CHECKS[kind](value):
        return ""
    return f"must be {_WORDS.get(kind, kind)}, and is {shown(value)}."


def _key(
    body: Mapping[str, JSON], blobs: JSON, metadata: JSON, where: str, problems: Problems
) -> str:
    given = body.get("object_id")
    if given is None:
        return object_id(json.dumps([blobs, metadata], sort_keys=True))
    if isinstance(given, str) and _ID.fullmatch(given):
        return given
    problems.append((f"{where}object_id", f"is {shown(given)}: it reads obj_ and letters."))
    return ""


def _called(reference: str) -> str:
    """A file as an error may call it: one of this machine by its name, without the folder."""
    shown = redacted(reference)
    own = scheme_of(reference) in ("", "file")
    return (shown.rpartition("/")[2] if own else shown)[:120]


def _blobs(
    values: Mapping[str, str], bucket: Bucket, key: str, where: str, problems: Problems,
    refusal: Refusal,
) -> tuple[Blob, ...]:  # fmt: skip
    """Texts as they are, and files as what is found behind their URLs."""
    wanted = {name: value for name, value in values.items() if bucket.schema[name] != "text"}
    refused = [
        (f"{where}{name}", f"{redacted(value)[:120]} {reason}")
        for name, value in wanted.items()
        if (reason := refusal(value))
    ]
    if refused:
        problems.extend(refused)
        return ()
    files = look_all(wanted.values())
    made = []
    for name, value in sorted(values.items()):
        kind = bucket.schema[name]
        seen = files.get(value) if kind != "text" else None
        if seen is None:
            made.append(text_blob(name, value, key))
        elif isinstance(seen, Unusable):
            problems.append((f"{where}{name}", f"{_called(value)} {seen.reason}."))
        elif seen.kind != kind:
            problems.append((f"{where}{name}", f"holds {seen.mime_type}, which is no {kind}."))
        else:
            made.append(found_blob(name, seen, key))
    return tuple(made)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _reads(date.fromisoformat, value)


def _is_datetime(value: Any) -> bool:
    return isinstance(value, str) and _reads(datetime.fromisoformat, value)


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "string": _is_text,
    "text": _is_text,
    "number": _is_number,
    "float": _is_number,
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "date": _is_date,
    "datetime": _is_datetime,
    **dict.fromkeys(("image", "audio", "video", "pdf"), _is_address),
}
_WORDS = {
    "string": "a text", "text": "a text", "number": "a number", "float": "a number",
    "integer": "a whole number", "boolean": "true or false", "object": "an object",
    "array": "a list", "date": "a date like 2026-01-31",
    "datetime": "a time like 2026-01-31T12:00:00Z",
    **{kind: f"the URL of {kind} data" for kind in ("image", "audio", "video", "pdf")},
}  # fmt: skip
