"""The stages that a retriever may have, and the parameters of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.cards.view import View, framed
from mixpeek_lab.widgets.static import table_html, table_text

_COLUMNS = ("parameter", "type", "default", "what it is")


def stages_card(stage_id: str | None) -> StageList | StageCard:
    """All stages, or the parameters of one. NotFoundError."""
    from mixpeek_lab.retrievers import stage_definitions

    found = {each["stage_id"]: each for each in stage_definitions()}
    if stage_id is None:
        return StageList(list(found.values()))
    if stage_id not in found:
        raise NotFoundError("stage", stage_id, found)
    return StageCard(found[stage_id])


@dataclass(frozen=True, repr=False)
class StageList(View):
    """All stages: id, category, what they do."""

    stages: Sequence[Mapping[str, JSON]]

    def __str__(self) -> str:
        return table_text(*self._table())

    def _repr_html_(self) -> str:
        return table_html(*self._table())

    def _table(self) -> tuple[list[str], list[list[str]]]:
        rows = [[each["stage_id"], each["category"], each["description"]] for each in self.stages]
        return ["stage", "category", "what it does"], rows


@dataclass(frozen=True, repr=False)
class StageCard(View):
    """One stage, as `stage_definitions` tells it."""

    stage: Mapping[str, JSON]

    def __str__(self) -> str:
        title = f"{self.stage['stage_id']} · {self.stage['category']} · {self.stage['description']}"
        rows = self._rows()
        return f"{title}\n{table_text(_COLUMNS, rows)}" if rows else title

    def _repr_html_(self) -> str:
        about = f"stage · {self.stage['category']} · {self.stage['description']}"
        rows = self._rows()
        return framed(self.stage["stage_id"], about, table_html(_COLUMNS, rows) if rows else "")

    def _rows(self) -> list[list[str]]:
        schema = self.stage["parameter_schema"] or {}
        required = schema.get("required", ())
        return [
            [
                name,
                _type(about),
                "(required)" if name in required else json.dumps(about.get("default")),
                " ".join(str(about.get("description", "")).split()),
            ]
            for name, about in schema.get("properties", {}).items()
        ]


def _type(about: Mapping[str, JSON]) -> str:
    """A property's type in a few words: `integer`, `text | null`, `a | b`."""
    if "$ref" in about:
        return str(about["$ref"]).rpartition("/")[2]
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    if "const" in about:
        return str(about["const"])
    if "anyOf" in about:
        return " | ".join(_type(each) for each in about["anyOf"])
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    return str(about.get("type", "any"))
