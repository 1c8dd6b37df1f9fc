"""What a JSON schema allows, in words for messages: `a whole number from 1 to 10`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SPELLED = {
    "str": "string", "text": "string", "image": "string", "audio": "string", "video": "string",
    "pdf": "string", "date": "string", "datetime": "string",
    "int": "integer", "float": "number", "double": "number", "bool": "boolean",
    "list": "array", "dict": "object", "none": "null",
}  # fmt: skip
"""Types as manifests spell them, buckets' field types too → JSON Schema's."""

_NOUNS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_NAMED = ("properties", "$defs", "definitions", "patternProperties")
"""Keywords that hold schemas by name."""
_VALUES = ("enum", "const", "default", "examples", "example")
"""Keywords that hold values, not schemas."""
LONGEST = 80
"""Characters of a value that a message shows."""
MOST_ITEMS = 8
"""Items of a list that a message shows."""


def is_type(word: str) -> bool:
    """Whether a word names a type, in JSON Schema's spelling or another."""
    return _SPELLED.get(word.lower(), word.lower()) in _NOUNS


def normalised(schema: Any) -> Any:
    """The schema with JSON Schema's own names for types, at every level."""
    if isinstance(schema, list):
        return [normalised(entry) for entry in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {}
    for key, value in schema.items():
        if key == "type":
            found[key] = _types(value)
        elif key in _NAMED and isinstance(value, Mapping):
            found[key] = {name: normalised(entry) for name, entry in value.items()}
        else:
            found[key] = value if key in _VALUES else normalised(value)
    return found


def _types(value: Any) -> Any:
    if isinstance(value, list):
        return [_types(entry) for entry in value]
    return _SPELLED.get(value.lower(), value.lower()) if isinstance(value, str) else value


def resolved(fragment: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fragment with its own `$ref` followed; an empty one where it leads nowhere."""
    for _ in range(20):  # a chain that leads back to itself allows everything
        if not isinstance(fragment, Mapping):
            return {}
        reference = fragment.get("$ref")
        if not isinstance(reference, str):
            return fragment
        found = _part(reference, root)
        beside = {key: value for key, value in fragment.items() if key != "$ref"}
        fragment = {**found, **beside} if isinstance(found, Mapping) else beside
    return {}


def _part(reference: str, root: Mapping[str, Any]) -> Any:
    """What `#/$defs/Limits` is; None where the schema has no such part."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for name in reference.removeprefix("#").split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def allowed(fragment: Any, root: Mapping[str, Any]) -> str:
    """What the fragment allows; empty where it allows everything, or words do not tell."""
    found = resolved(fragment, root)
    if isinstance(found.get("enum"), list):
        return ", ".join(_value(value) for value in found["enum"])
    if "const" in found:
        return _value(found["const"])
    for word in ("anyOf", "oneOf"):
        if isinstance(found.get(word), list):
            parts = [allowed(each, root) for each in found[word]]
            return " or ".join(dict.fromkeys(parts)) if all(parts) else ""
    if isinstance(found.get("allOf"), list) and len(found["allOf"]) == 1:
        return allowed(found["allOf"][0], root)
    kinds = found.get("type")
    if isinstance(kinds, list):
        return " or ".join(_typed(kind, found, root) for kind in kinds)
    return _typed(kinds, found, root) if kinds else ""


def _typed(kind: Any, found: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    noun = _NOUNS.get(str(kind), str(kind))
    if kind in ("integer", "number"):
        return noun + _range(found)
    if kind == "array":
        return _list(found, root)
    if kind == "string":
        return noun + _text(found)
    return noun


def _range(found: Mapping[str, Any]) -> str:
    low, high = found.get("minimum"), found.get("maximum")
    above, below = found.get("exclusiveMinimum"), found.get("exclusiveMaximum")
    parts = []
    if low is not None and high is not None:
        parts.append(f"from {low} to {high}")
    elif low is not None:
        parts.append(f"of at least {low}")
    elif high is not None:
        parts.append(f"of at most {high}")
    parts += [f"above {above}"] if above is not None else []
    parts += [f"below {below}"] if below is not None else []
    parts += [f"that {found['multipleOf']} divides"] if "multipleOf" in found else []
    return f" {' and '.join(parts)}" if parts else ""


def _list(found: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    count = _count(found.get("minItems"), found.get("maxItems"))
    inner = resolved(found.get("items"), root).get("type")
    plural = {"number": "numbers", "integer": "whole numbers", "string": "texts"}.get(str(inner))
    words = f"a list of {count} {plural or 'values'}" if count else "a list"
    return f"{words} of {plural}" if plural and not count else words


def _text(found: Mapping[str, Any]) -> str:
    count = _count(found.get("minLength"), found.get("maxLength"))
    words = f" of {count} characters" if count else ""
    return words + (f" that matches {found['pattern']!r}" if "pattern" in found else "")


def _count(low: Any, high: Any) -> str:
    if low is None and high is None:
        return ""
    if low == high:
        return str(low)
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if not low else f"{low} to {high}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, default=str)


def shown(value: Any, fragment: Mapping[str, Any]) -> str:
    """A value as a message quotes it: cut, and not at all where the schema says it is secret."""
    written = json.dumps(fragment, default=str)
    if '"format": "password"' in written or '"writeOnly": true' in written:
        return "not shown"
    if isinstance(value, list | tuple) and len(value) > MOST_ITEMS:
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
