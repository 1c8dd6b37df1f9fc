"""`input_mappings`: which part of an object stands for which field of the input schema.

They name things for checks. They never rename a column: the content is always in `data`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mixpeek_lab.errors import ExtractorLoadError
from mixpeek_lab.models import JSON

ROOTS = ("payload", "metadata", "blobs", "root_object")
"""First steps of a path that mean the object itself."""


@dataclass(frozen=True, slots=True)
class InputSource:
    """Where one field comes from: a path into the object, or a constant."""

    path: str = ""
    """As written: `payload.filing_text`."""
    constant: JSON = None

    @property
    def is_constant(self) -> bool:
        """Whether the field is the same for every object."""
        return not self.path

    def steps(self, known: Iterable[str]) -> list[str]:
        """The path from the object's root: property first. `known` are the properties there are."""
        steps = self.path.removeprefix("$.").split(".")
        is_root = len(steps) > 1 and steps[0] in ROOTS and steps[0] not in set(known)
        return steps[1:] if is_root else steps


def read_mappings(extractor: str, declared: Any) -> dict[str, InputSource]:
    """The mappings of a manifest or a collection, from either of their forms.

    `{"text": "payload.filing_text"}`, or
    `[{"input_key": "text", "source_type": "payload", "path": "filing_text", "override": None}]`.
    Raises ExtractorLoadError for anything else.
    """
    if declared is None:
        return {}
    if not isinstance(declared, Mapping | list | tuple):
        raise _wrong(extractor, declared)
    return dict(_read(extractor, key, entry) for key, entry in _entries(extractor, declared))


def _entries(extractor: str, declared: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(declared, Mapping):
        yield from declared.items()
        return
    for entry in declared:
        if not isinstance(entry, Mapping) or "input_key" not in entry:
            raise _wrong(extractor, entry)
        yield entry["input_key"], entry


def _read(extractor: str, key: Any, entry: Any) -> tuple[str, InputSource]:
    if isinstance(entry, str) and entry:
        return str(key), InputSource(entry)
    if isinstance(entry, Mapping):
        path, constant = entry.get("path"), entry.get("override")
        if constant is not None or entry.get("source_type") in ("literal", "constant"):
            return str(key), InputSource(constant=path if constant is None else constant)
        if isinstance(path, str) and path:
            return str(key), InputSource(path)
    raise _wrong(extractor, entry)


def _wrong(extractor: str, value: Any) -> ExtractorLoadError:
    return ExtractorLoadError(
        f"input_mappings of {extractor} has {value!r:.80}, which maps nothing. "
        'Write {"text": "payload.filing_text"}: field of input_schema → path in the object.'
    )
