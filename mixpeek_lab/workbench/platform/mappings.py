"""Which fields of its source a collection reads: those that `input_mappings` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import BLOB_TYPES, JSON
from mixpeek_lab.workbench.origins import Origin
from mixpeek_lab.workbench.platform.bodies import shown

WHERE = "feature_extractor.input_mappings"


def mapped_properties(mappings: JSON, origin: Origin) -> list[str]:
    """The blob properties or fields that the mappings name: the extractor gets these, in `data`.

    `{"text": "payload.filing_text"}`, `{"text": "filing_text"}` or `[{input_key, path}]`; none
    named, none left out. BodyError where the source has no such field. What fields the documents
    of a collection have is known once it was run.
    """
    found = []
    for place, path in _paths(mappings or {}):
        name = path.removeprefix("payload.")
        if origin.schema or origin.buckets:
            _demand_field(place, path, name, origin)
        found.append(name)
    return sorted(set(found))


def _demand_field(place: str, path: str, name: str, origin: Origin) -> None:
    kind = origin.schema.get(name)
    if kind is None:
        have = "have" if len(origin.collection.source.ids) > 1 else "has"
        its = "They have" if have == "have" else "It has"
        raise BodyError.at(
            place,
            f"is {path!r}, and {origin.where} {have} no field {name!r}. "
            f"{its}: {', '.join(origin.schema)}.",
        )
    if origin.buckets and kind not in BLOB_TYPES:
        raise BodyError.at(
            place,
            f"is {path!r}, a {kind}: extractors read blobs ({', '.join(BLOB_TYPES)}). "
            "Declare the field as text in the bucket's schema.",
        )


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
