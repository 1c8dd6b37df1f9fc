"""A retriever's definition in a cell: YAML (or JSON, which YAML includes), and its lines."""

from __future__ import annotations

import re
from typing import Any

from mixpeek_lab.errors import InvalidInputError

_PATH = re.compile(r"^([A-Za-z_]\w*(?:\[\d+\]|\.[A-Za-z_]\w*)*)(?=[: ])")
_STEP = re.compile(r"\[(\d+)\]|([A-Za-z_]\w*)")


def read_definition(cell: str) -> dict[str, Any]:
    """The cell as a mapping. InvalidInputError names line (the magic's own is 1) and column."""
    import yaml

    try:
        body = yaml.safe_load(cell)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"Line {mark.line + 2}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InvalidInputError(f"{place}this is neither YAML nor JSON: {problem}.") from None
    if not isinstance(body, dict):
        raise InvalidInputError("A retriever is a mapping: `collection: …`, `searches: …`.")
    return body


def line_of(cell: str, message: str) -> int | None:
    """The line of what a message is about, where it begins with a path (`searches[1].weight: …`).

    Of a path whose last steps are not in the cell, the line of what is there.
    """
    import yaml

    path = _PATH.match(message)
    if path is None:
        return None
    node, line = yaml.compose(cell), None
    for index, name in _STEP.findall(path[1]):
        key, node = _child(node, index, name)
        if node is None:
            break
        line = (key or node).start_mark.line + 2
    return line


def _child(node: Any, index: str, name: str) -> tuple[Any, Any]:
    """The key's node and the value's node of one step; (None, None) where there is none."""
    values = node.value if node is not None else []
    if index:
        inside = isinstance(values, list) and int(index) < len(values)
        return None, values[int(index)] if inside and node.id == "sequence" else None
    pairs = values if node is not None and node.id == "mapping" else []
    return next(((key, value) for key, value in pairs if key.value == name), (None, None))
