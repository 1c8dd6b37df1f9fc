"""Reading request bodies: what is asked for, or a BodyError with the path of what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from mixpeek_lab.errors import BodyError, nearest
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.values import plain

T = TypeVar("T")

_KINDS: dict[type[Any], str] = {
    str: "a text", dict: "an object", list: "a list", bool: "true or false", int: "a whole number",
}  # fmt: skip


def optional(body: Mapping[str, JSON], name: str, kind: type[T], where: str = "") -> T | None:
    """The field `name`, of that type; None where it is absent or null."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BodyError.at(f"{where}{name}", f"must be {_KINDS[kind]}, and is {shown(value)}.")
    return value


def required(body: Mapping[str, JSON], names: Collection[str], kind: type[T], where: str = "") -> T:
    """The first of the fields `names` that is there: they are spellings of one thing."""
    for name in names:
        if (value := optional(body, name, kind, where)) is not None:
            return value
    first = next(iter(names))
    raise BodyError.at(f"{where}{first}", f"is missing: it must be {_KINDS[kind]}.")


def texts(body: Mapping[str, JSON], name: str, where: str = "") -> list[str] | None:
    """The list of texts `name`; None where it is absent or null."""
    found = optional(body, name, list, where)
    for item in found or ():
        if not isinstance(item, str):
            raise BodyError.at(f"{where}{name}", f"holds {shown(item)}: it is a list of texts.")
    return found


def demand_known(body: Mapping[str, JSON], known: Collection[str], where: str = "") -> None:
    """BodyError for a field that nothing reads, which may well be a slip; empty ones are left."""
    for name, value in body.items():
        if name not in known and value not in (None, {}, []):
            near = nearest(name, known)
            hint = f" Did you mean {near!r}?" if near else f" There is: {', '.join(known)}."
            raise BodyError.at(f"{where}{name}", f"is not known here.{hint}")


def details(body: Mapping[str, JSON]) -> dict[str, JSON]:
    """`description` and `metadata`, as far as they are given."""
    found: dict[str, JSON] = {
        "description": optional(body, "description", str),
        "metadata": optional(body, "metadata", dict),
    }
    return {name: plain(value) for name, value in found.items() if value is not None}


def shown(value: JSON) -> str:
    """A value as a message names it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
