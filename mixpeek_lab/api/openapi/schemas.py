"""All schemas of the document's components, by name."""

from __future__ import annotations

from mixpeek_lab.api.openapi.answers import ANSWERS, ERRORS, LISTS
from mixpeek_lab.api.openapi.bodies import BODIES
from mixpeek_lab.api.openapi.shapes import Schema

SCHEMAS: dict[str, Schema] = {**ERRORS, **ANSWERS, **LISTS, **BODIES}
