"""Fields that a stage's parameters name and no document has: said, since nobody sees them fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mixpeek_lab.errors import FilterError
from mixpeek_lab.filters import AllOf, AnyOf, Condition, Filter, NoneOf, parse_filter
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.documents import seen, value_at
from mixpeek_lab.retrievers.stages.stage import Stage, StageParameters

MOST_SHOWN = 10
"""Fields that a warning lists."""
_LOOKED_AT = 100
"""Documents whose fields are listed, the first ones."""


def absent_fields(
    name: str, stage: Stage, parameters: StageParameters, hits: Sequence[Hit]
) -> tuple[str, ...]:
    """A warning for each field that no hit has, though a parameter that was given names it.

    `name` is the stage's own in its retriever. Without hits there is nothing to say.
    """
    if not hits:
        return ()
    named = {
        (parameter, field): None
        for parameter in stage.fields
        if parameter in parameters.model_fields_set
        for field in _named(getattr(parameters, parameter))
    }
    return tuple(
        f"Stage {name!r}, {parameter}: none of its {len(hits)} documents has a value in the field "
        f"{field!r}{_hint(field, hits)}"
        for parameter, field in named
        if all(value_at(hit, field) is None for hit in hits)
    )


def _named(value: Any) -> Iterator[str]:
    """The fields in a parameter: a name, several, objects that have them, or a filter."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _of_filter(value)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _named(each)
    elif value is not None:
        fields = (getattr(value, key, None) for key in ("field", "field_b"))
        yield from (field for field in fields if field is not None)


def _of_filter(written: Mapping[str, JSON]) -> Iterator[str]:
    try:
        found = parse_filter(written)
    except FilterError:  # one with templates of its own: the stage says what is wrong with it
        return
    yield from _asked(found)


def _asked(found: Filter | None) -> Iterator[str]:
    """The fields that have to be there: whoever asks for a missing one knows that it may be."""
    if isinstance(found, Condition):
        operator, _ = found.positive
        if operator != "is_null" and not found.wants_null:
            yield found.field
    elif isinstance(found, AllOf | AnyOf | NoneOf):
        for part in found.parts:
            yield from _asked(part)


def _hint(field: str, hits: Sequence[Hit]) -> str:
    first = hits[:_LOOKED_AT]
    own = list(dict.fromkeys(name for hit in first for name in hit.fields))
    spelt = {path.casefold(): path for hit in first for path in _paths(seen(hit))}
    close = get_close_matches(field.casefold(), spelt, n=1)
    shown = ", ".join(own[:MOST_SHOWN]) or "none"
    more = f" and {len(own) - MOST_SHOWN} more" if len(own) > MOST_SHOWN else ""
    asked = f"; did you mean {spelt[close[0]]!r}?" if close else "."
    return f"{asked} Fields: {shown}{more}."


def _paths(value: Mapping[str, JSON], before: str = "", depth: int = 3) -> Iterator[str]:
    for key, inner in value.items():
        yield f"{before}{key}"
        if isinstance(inner, Mapping) and depth:
            yield from _paths(inner, f"{before}{key}.", depth - 1)
