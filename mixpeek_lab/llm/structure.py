"""Structured answers: a schema in the form that providers take, and the data read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mixpeek_lab.errors import InvalidInputError, LLMSchemaError
from mixpeek_lab.llm.libraries import library
from mixpeek_lab.llm.requests import LLMRequest

_WRAPPED = "value"
_DEFINITIONS = ("$defs", "definitions")
_NAMED = ("properties", *_DEFINITIONS)
"""Keywords that hold schemas by name."""
_VALUES = ("enum", "const", "default", "examples")
"""Keywords that hold values, not schemas."""
_STRICT = {
    "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const",
    "description", "title", "$ref", *_DEFINITIONS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Structure:
    """A schema as a provider gets it."""

    schema: dict[str, Any]
    is_wrapped: bool
    """Whether the answer is one level down: providers want an object at the top."""

    def unwrap(self, data: Any) -> Any:
        """The part of the provider's answer that the user's schema is about."""
        return data.get(_WRAPPED) if self.is_wrapped and isinstance(data, Mapping) else data


def structure(schema: Mapping[str, Any]) -> Structure:
    """The same schema with an object at the top, and `items` wherever there is an array."""
    filled = _with_items(dict(schema))
    if filled.get("type") == "object":
        return Structure(filled, is_wrapped=False)
    shared = {key: filled.pop(key) for key in _DEFINITIONS if key in filled}
    wrapper = {
        "type": "object",
        "properties": {_WRAPPED: filled},
        "required": [_WRAPPED],
        "additionalProperties": False,
    }
    return Structure({**wrapper, **shared}, is_wrapped=True)


def is_closed(schema: Any) -> bool:
    """Whether it keeps to what OpenAI's strict mode takes.

    There, every object lists all its properties as required and allows no others, and there are
    types, enumerations and alternatives, and nothing else.
    """
    if isinstance(schema, list):
        return all(map(is_closed, schema))
    if not isinstance(schema, Mapping) or not schema or not set(schema) <= _STRICT:
        return False
    if schema.get("type") == "object":
        names = set(schema.get("properties", {}))
        closed = schema.get("additionalProperties") is False
        if not (closed and set(schema.get("required", ())) == names):
            return False
    nested = [schema[key] for key in ("items", "anyOf") if key in schema]
    for key in _NAMED:
        nested += list(schema.get(key, {}).values())
    return all(map(is_closed, nested))


def check_schema(schema: Mapping[str, Any]) -> None:
    """InvalidInputError where it is no JSON Schema."""
    validation = library("jsonschema")
    try:
        validation.validators.validator_for(schema).check_schema(schema)
    except validation.exceptions.SchemaError as error:
        raise InvalidInputError(
            f"LLM request: schema is no JSON Schema at {_place(error.path)}: {error.message}."
        ) from error


def read_data(request: LLMRequest, text: str, *, wrapped: Structure | None = None) -> Any:
    """`text` as the data that the request's schema asks for; `text` itself without a schema.

    LLMSchemaError, with the text, where it is not JSON or does not meet the schema.
    """
    if request.schema is None:
        return text
    try:
        data = json.loads(_unfenced(text))
    except ValueError as error:
        raise _not_met(request, f"its answer is not JSON ({error})", text) from error
    data = wrapped.unwrap(data) if wrapped else data
    validation = library("jsonschema")
    checker = validation.validators.validator_for(request.schema)(request.schema)
    problem = validation.exceptions.best_match(checker.iter_errors(data))
    if problem is not None:
        raise _not_met(request, f"at {_place(problem.path)}: {problem.message[:300]}", text)
    return data


def _with_items(schema: Any) -> Any:
    """Google and OpenAI refuse an array without `items`; `{}` means the same as none."""
    if isinstance(schema, list):
        return [_with_items(entry) for entry in schema]
    if not isinstance(schema, Mapping):
        return schema
    filled = {key: _inside(key, value) for key, value in schema.items()}
    kinds = filled.get("type")
    is_array = "array" in kinds if isinstance(kinds, list) else kinds == "array"
    if is_array and "items" not in filled and "prefixItems" not in filled:
        filled["items"] = {}
    return filled


def _inside(key: str, value: Any) -> Any:
    if key in _VALUES:
        return value
    if key in _NAMED and isinstance(value, Mapping):
        return {name: _with_items(entry) for name, entry in value.items()}
    return _with_items(value)


def _unfenced(text: str) -> str:
    """The text without a Markdown fence around all of it, which local models like to add."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1] == "```":
        return "\n".join(lines[1:-1])
    return text


def _place(path: Any) -> str:
    return "".join(f"[{step!r}]" for step in path) or "the top"


def _not_met(request: LLMRequest, what: str, text: str) -> LLMSchemaError:
    return LLMSchemaError(
        f"{request.provider} {request.model} did not meet the schema: {what}. Simplify the schema, "
        "say in the instruction what it means, or take a larger model; the error's `text` holds "
        "the answer.",
        text,
    )
