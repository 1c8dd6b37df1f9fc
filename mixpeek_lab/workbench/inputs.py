"""What a bucket offers against what an extractor says it takes, in sentences for the report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mixpeek_lab.catalog import InputRow
from mixpeek_lab.loader import InputSource, Schema, Schemas
from mixpeek_lab.models import CONTRACT_COLUMNS, JSON

SAMPLE = 20
"""Objects that are looked into: a schema that does not fit is seen in the first few."""


def explain_left_out(counts: Mapping[str, int], supported: Sequence[str]) -> list[str]:
    """How many blobs are taken and left, where some of both; `counts`: blob type → blobs."""
    taken = {"text" if kind == "string" else kind for kind in supported}
    left = {kind: count for kind, count in counts.items() if kind not in taken}
    kept = sum(counts.values()) - sum(left.values())
    if not taken or not left or not kept:
        return []
    listed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(left.items()))
    return [
        f"{kept:,} of {sum(counts.values()):,} blobs are taken, and {sum(left.values()):,} left: "
        f"{listed} (supported_input_types in manifest.py)."
    ]


def explain_input(
    schemas: Schemas, rows: Iterable[InputRow], offered: Mapping[str, str], where: str
) -> list[str]:
    """What of the extractor's input schema and mappings the objects do not fit.

    `offered` is the bucket's schema: property → field type; `where` names it.
    """
    notes = list(_wrong_paths(schemas.mappings, offered, where))
    schema = schemas.input
    if schema is None:
        return notes
    objects, contents = _first_objects(rows, list(offered))
    sources = _sources(schema, schemas.mappings, offered, contents)
    lost = [f for f in schema.required if f not in sources and f not in schemas.mappings]
    notes += [_unprovided(schema, field, offered, contents, where) for field in lost]
    return [*notes, *_misfits(schema, sources, objects, list(offered))]


def _wrong_paths(
    mappings: Mapping[str, InputSource], offered: Mapping[str, str], where: str
) -> Iterator[str]:
    for field, source in mappings.items():
        if source.is_constant:
            continue
        name = source.steps(offered)[0]
        if name not in offered:
            near = get_close_matches(name, offered, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"It has: {', '.join(offered)}."
            yield (
                f"input_mappings takes `{field}` from `{source.path}`, and {where} has no property "
                f"`{name}`. {hint}"
            )


def _sources(
    schema: Schema,
    mappings: Mapping[str, InputSource],
    offered: Mapping[str, str],
    contents: Sequence[str],
) -> dict[str, InputSource]:
    """Field → where it comes from: its mapping, a property or column of its name, or the content.

    The content is what a required field means that nothing else provides, where there is one
    such field and one property with content (`contents`) that no other field is.
    """
    found: dict[str, InputSource] = {}
    for field in schema.properties:
        source = mappings.get(field, InputSource(field))
        if source.is_constant or source.steps(offered)[0] in offered or field in CONTRACT_COLUMNS:
            found[field] = source
    lost = [f for f in schema.required if f not in found and f not in mappings]
    used = {source.steps(offered)[0] for source in found.values()}
    unused = [name for name in contents if name not in used]
    if len(lost) == len(unused) == 1:
        found[lost[0]] = InputSource(unused[0])
    return found


def _unprovided(
    schema: Schema, field: str, offered: Mapping[str, str], contents: Sequence[str], where: str
) -> str:
    content = contents[0] if contents else "…"
    return (
        f"{schema.title} requires `{field}`, which {where} does not provide (it has: "
        f"{', '.join(offered) or 'nothing'}). Say where it comes from: input_mappings = "
        f'{{"{field}": "payload.{content}"}}; the content is in batch["data"] either way.'
    )


def _first_objects(
    rows: Iterable[InputRow], known: list[str]
) -> tuple[list[dict[str, JSON]], list[str]]:
    """The first objects as property → value, and the properties that are blobs, by their `data`."""
    found: dict[str, dict[str, JSON]] = {}
    contents: dict[str, None] = {}
    for row in rows:
        if row.object_id not in found:
            if len(found) == SAMPLE:
                break
            metadata = json.loads(row.metadata)
            found[row.object_id] = {key: metadata[key] for key in known if key in metadata}
        # The row's own columns too: a schema may speak of them.
        own = {name: getattr(row, name) for name in ("data", "mime_type", "size_bytes")}
        found[row.object_id] |= {**own, row.property: row.data}
        contents[row.property] = None
    return list(found.values()), list(contents)


def _misfits(
    schema: Schema,
    sources: Mapping[str, InputSource],
    objects: Sequence[Mapping[str, JSON]],
    known: list[str],
) -> Iterator[str]:
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for each in objects:
        value = {f: v for f, s in sources.items() if (v := _value(s, each, known)) is not None}
        for problem in schema.problems(value):
            if problem.field.partition(".")[0].partition("[")[0] in sources:
                first.setdefault(problem.field, problem.message)
                counts[problem.field] += 1
    for field, message in first.items():
        origin = sources[field.partition(".")[0].partition("[")[0]].path
        of = f", from `{origin}`" if origin not in ("", field) else ""
        yield f"{message} (In {counts[field]} of the first {len(objects)} objects{of}.)"


def _value(source: InputSource, each: Mapping[str, JSON], known: list[str]) -> Any:
    if source.is_constant:
        return source.constant
    value: Any = each
    for step in source.steps(known):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
