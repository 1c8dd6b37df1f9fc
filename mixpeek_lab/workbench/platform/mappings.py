"""Where a collection's input comes from: its bucket, and the bucket's fields that are mapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import BLOB_TYPES, JSON, Bucket
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown

WHERE = "feature_extractor.input_mappings"


def sources_bucket(catalog: Catalog, body: Mapping[str, JSON]) -> Bucket:
    """The bucket of `source`: {type: bucket, bucket_id | bucket_ids}."""
    source = required(body, ("source",), dict)
    kind = source.get("type", "bucket")
    if kind != "bucket":
        raise BodyError.at("source.type", f"is {shown(kind)}: a collection is made of a bucket.")
    demand_known(source, ("type", "bucket_id", "bucket_ids"), "source.")
    several = optional(source, "bucket_ids", list, "source.")
    if several is not None and "bucket_id" not in source:
        if len(several) != 1 or not isinstance(several[0], str):
            raise BodyError.at(
                "source.bucket_ids",
                f"is {shown(several)}: a collection is made of one bucket, so it holds one id. "
                "Make a collection of each bucket: a retriever searches several.",
            )
        return catalog.bucket(several[0])
    return catalog.bucket(required(source, ("bucket_id",), str, "source."))


def mapped_properties(mappings: JSON, bucket: Bucket) -> list[str]:
    """The blob properties that the mappings name: the extractor gets these, in `data`.

    `{"text": "payload.filing_text"}`, `{"text": "filing_text"}` or `[{input_key, path}]`; none
    named, none left out. BodyError where the bucket has no such blob.
    """
    found = []
    for place, path in _paths(mappings or {}):
        name = path.removeprefix("payload.")
        kind = bucket.schema.get(name)
        if kind is None:
            raise BodyError.at(
                place,
                f"is {path!r}, and bucket {bucket.name!r} has no field {name!r}. "
                f"It has: {', '.join(bucket.schema)}.",
            )
        if kind not in BLOB_TYPES:
            raise BodyError.at(
                place,
                f"is {path!r}, a {kind}: extractors read blobs ({', '.join(BLOB_TYPES)}). "
                "Declare the field as text in the bucket's schema.",
            )
        found.append(name)
    return sorted(set(found))


def _paths(mappings: JSON) -> Iterator[tuple[str, str]]:
    """Where each path stands in the body, and the path."""
    if isinstance(mappings, Mapping):
        pairs = [(f"{WHERE}.{key}", path) for key, path in mappings.items()]
    elif isinstance(mappings, list) and all(isinstance(entry, Mapping) for entry in mappings):
        pairs = [(f"{WHERE}[{n}].path", entry.get("path")) for n, entry in enumerate(mappings)]
    else:
        raise BodyError.at(WHERE, 'must be {"text": "payload.FIELD"}.')
    for place, path in pairs:
        if not isinstance(path, str):
            raise BodyError.at(place, f"is {shown(path)}: it is the path of a field.")
        yield place, path
