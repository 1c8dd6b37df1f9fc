"""JSON Schema in few words: what the API's answers and bodies are made of."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
FREE: Schema = {"type": "object", "additionalProperties": True}
TIME: Schema = {"type": "string", "format": "date-time"}
ANY: Schema = {}


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema, *, least: int = 0, most: int | None = None) -> Schema:
    """A list of those."""
    found: Schema = {"type": "array", "items": schema}
    found |= {"minItems": least} if least else {}
    return found | ({"maxItems": most} if most is not None else {})


def one_of(*values: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def matching(pattern: str) -> Schema:
    """A text like that."""
    return {"type": "string", "pattern": pattern}


def identifier(prefix: str) -> Schema:
    """An id such as `bkt_1f0c…`."""
    return matching(f"^{prefix}_[A-Za-z0-9_-]+$")


def ref(name: str) -> Schema:
    """The schema of that name among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def answer(**fields: Schema) -> Schema:
    """An object of an answer: all of these fields are there, and others may be."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def body(needed: tuple[str, ...] = (), /, *, closed: bool = False, **fields: Schema) -> Schema:
    """An object of a request: these fields may be there. `closed`: and no others."""
    found: Schema = {"type": "object", "properties": fields}
    found |= {"required": list(needed)} if needed else {}
    return found | ({"additionalProperties": False} if closed else {})


def any_of(*schemas: Schema) -> Schema:
    """One or more of these fit."""
    return {"anyOf": list(schemas)}


def page_of(item: Schema) -> Schema:
    """A page of a list."""
    return answer(results=many(item), pagination=ref("Pagination"), total_count=COUNT)
