"""What an extractor's manifest says of its input, its output and its parameters, as values.

A schema may be written as a pydantic class (or a dataclass, or a TypedDict), as a JSON schema, or
as fragments of one: `{"label": {"type": "string"}}`; in any of the manifest's three dialects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import ExtractorLoadError, InvalidInputError
from mixpeek_lab.loader.mappings import InputSource, read_mappings
from mixpeek_lab.loader.modules import load_module
from mixpeek_lab.loader.schema_problems import (
    Checker,
    Problem,
    json_problems,
    one_each,
    pydantic_problems,
)
from mixpeek_lab.loader.schema_words import is_type, normalised, resolved
from mixpeek_lab.models import JSON
from mixpeek_lab.sdk import ExtractorManifest
from mixpeek_lab.source import ExtractorSource

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FIELDS = ("input_schema", "output_schema", "parameter_schema")
MAPPINGS = "input_mappings"

_KEYWORDS = frozenset(
    {"$schema", "$ref", "$defs", "$id", "anyOf", "oneOf", "allOf", "additionalProperties"}
)
"""What only a whole JSON schema has at its top."""


@dataclass(frozen=True)
class Schema:
    """One schema of an extractor."""

    title: str
    """What messages call it: `parameter_schema of my_extractor`."""
    json: Mapping[str, JSON]
    """It as JSON Schema, with an object at the top."""
    klass: type | None = None
    """The class that it was made of, which validates for itself; None where it is JSON."""

    @property
    def properties(self) -> dict[str, Mapping[str, JSON]]:
        """Field → its part of the schema, with references followed."""
        top = resolved(self.json, self.json)
        found = top.get("properties") or {}
        return {name: resolved(part, self.json) for name, part in found.items()}

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that must be there."""
        return tuple(resolved(self.json, self.json).get("required") or ())

    @property
    def is_open(self) -> bool:
        """Whether it takes fields that it does not name. One that says nothing of it does not."""
        top = resolved(self.json, self.json)
        return bool(top.get("additionalProperties")) or "patternProperties" in top

    @property
    def defaults(self) -> dict[str, JSON]:
        """The fields with a default value of their own, as JSON."""
        return {
            name: part["default"] for name, part in self.properties.items() if "default" in part
        }

    def filled(self, value: Mapping[str, JSON]) -> dict[str, JSON]:
        """The value with the defaults of what it leaves out."""
        return {**self.defaults, **value}

    def problems(self, value: Any, *, partial: bool = False) -> tuple[Problem, ...]:
        """What is wrong with a value, one problem for each field; () where it fits.

        `partial` lets required fields be missing.
        """
        if not isinstance(value, Mapping):
            return (self._checker.wrong((), value, {"type": "object"}),)
        try:
            found = one_each(self._iter_problems(dict(value)))
        except RecursionError:
            return (Problem("", f"{self.title} refers to itself without an end."),)
        return tuple(p for p in found if not (partial and p.is_missing))

    def demand(self, value: Any, *, partial: bool = False) -> None:
        """InvalidInputError, with every problem, where the value does not fit."""
        found = self.problems(value, partial=partial)
        if found:
            raise InvalidInputError(" ".join(problem.message for problem in found))

    def _iter_problems(self, value: dict[str, Any]) -> Iterator[Problem]:
        if not self.is_open:
            unknown = [str(key) for key in value if key not in self._spellings]
            yield from self._checker.unknown(unknown, list(self.properties))
        if self.klass is not None:
            yield from pydantic_problems(self._adapter, value, self._checker)
        else:
            yield from json_problems(self._validator.iter_errors(value), value, self._checker)

    @cached_property
    def _checker(self) -> Checker:
        return Checker(self.title, self.json)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter

        found: Any = self.klass
        return TypeAdapter(found)

    @cached_property
    def _validator(self) -> Any:
        from jsonschema.validators import validator_for
        from referencing import Registry

        # A registry of its own: without one, a reference to an address would be fetched from there.
        return validator_for(self.json)(self.json, registry=Registry())

    @cached_property
    def _spellings(self) -> frozenset[str]:
        """Every name under which a field may be given: what a class also takes is among them."""
        found = set(self.properties)
        config = getattr(self.klass, "model_config", {})
        by_name = config.get("populate_by_name") or config.get("validate_by_name")
        for name, info in getattr(self.klass, "model_fields", {}).items():
            aliases = getattr(info.validation_alias, "choices", [info.validation_alias])
            found.update(alias for alias in aliases if isinstance(alias, str))
            found.update([name] if by_name else [])
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Schemas:
    """What an extractor declares; None where it does not."""

    input: Schema | None = None
    output: Schema | None = None
    parameters: Schema | None = None
    mappings: Mapping[str, InputSource] = field(default_factory=dict)
    """Field of the input → where it comes from, as far as `input_mappings` says."""


def load_schemas(source: ExtractorSource, home: Path) -> Schemas:
    """The schemas of an extractor. Runs its manifest.py, where its text names one.

    Raises ExtractorLoadError where manifest.py does not import, or what it declares is no schema.
    """
    text = source.text("manifest.py") or ""
    if not any(name in text for name in (*FIELDS, MAPPINGS)):
        return Schemas()
    declared = _declared(load_module(source, "manifest", home))
    found = {name: as_schema(source.name, name, declared[name]) for name in FIELDS}
    return Schemas(
        found["input_schema"],
        found["output_schema"],
        found["parameter_schema"],
        read_mappings(source.name, declared[MAPPINGS]),
    )


def _declared(module: ModuleType) -> dict[str, Any]:
    """Field → what is declared: by the typed manifest first, then `metadata`, then a name."""
    names = vars(module)
    typed = next((v for v in names.values() if isinstance(v, ExtractorManifest)), None)
    metadata = names.get("metadata")
    found = {}
    for name in (*FIELDS, MAPPINGS):
        given = [getattr(typed, name, None)]
        given += [metadata.get(name)] if isinstance(metadata, Mapping) else []
        given.append(names.get(name))
        found[name] = next((value for value in given if value is not None), None)
    return found


def as_schema(extractor: str, field: str, declared: Any) -> Schema | None:
    """What stands for a schema in a manifest, as one; None for None and for an empty one.

    Raises ExtractorLoadError where it cannot be one.
    """
    if declared is None or declared == {}:
        return None
    title = f"{field} of {extractor}"
    if isinstance(declared, type):
        return _of_class(title, declared)
    if isinstance(declared, Mapping):
        schema = normalised(declared if _is_whole(declared) else _of_fragments(declared))
        _demand_schema(title, schema)
        if resolved(schema, schema).get("type", "object") != "object":
            raise ExtractorLoadError(f"{title} is of type {schema.get('type')!r}, not an object.")
        return Schema(title, {"type": "object", **schema})
    raise ExtractorLoadError(
        f"{title} is {declared!r:.80}. Name a pydantic class, or write a JSON schema: "
        f'{field} = {{"label": {{"type": "string"}}}}.'
    )


def _of_class(title: str, declared: type) -> Schema:
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic.errors import PydanticUndefinedAnnotation

    try:
        schema = TypeAdapter(declared).json_schema()
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        said = str(error).splitlines()[0]
        raise ExtractorLoadError(
            f"{title}: class {declared.__name__} gives no JSON schema: {said}"
        ) from error
    if resolved(schema, schema).get("type") != "object":
        raise ExtractorLoadError(
            f"{title} is {declared.__name__}, which has no fields. Name a class on "
            "pydantic.BaseModel with one field for each value."
        )
    return Schema(title, schema, declared)


def _is_whole(declared: Mapping[Any, Any]) -> bool:
    """Whether it is a JSON schema itself, and not fields with a schema each."""
    properties = declared.get("properties")
    if isinstance(properties, Mapping) and all(isinstance(v, Mapping) for v in properties.values()):
        return True
    return isinstance(declared.get("type"), str | list) or bool(_KEYWORDS & set(declared))


def _of_fragments(declared: Mapping[Any, Any]) -> dict[str, Any]:
    """`{"label": {"type": "string", "required": True}, "score": "number"}` as one schema."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for key, value in declared.items():
        if key == "required" and isinstance(value, list):
            required += map(str, value)
            continue
        part = _of_text(value) if isinstance(value, str) else value
        if isinstance(part, Mapping) and isinstance(part.get("required"), bool):
            required += [str(key)] if part["required"] else []
            part = {name: inner for name, inner in part.items() if name != "required"}
        properties[str(key)] = part
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _of_text(text: str) -> dict[str, str]:
    """A field that is declared by a word for its type, or by a sentence about it."""
    return {"type": text} if is_type(text) else {"description": text}


def _demand_schema(title: str, schema: Mapping[str, Any]) -> None:
    for reference in _references(schema):
        if reference != "#" and not resolved({"$ref": reference, "": True}, schema).keys() - {""}:
            raise ExtractorLoadError(
                f"{title} refers to {reference!r}, which is no part of it. Write what is meant "
                'under "$defs", and refer to it as "#/$defs/NAME".'
            )
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        place = ".".join(map(str, error.path)) or "the top"
        raise ExtractorLoadError(
            f"{title} is no JSON schema at {place}: {error.message[:200]}."
        ) from error


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for entry in schema:
            yield from _references(entry)
