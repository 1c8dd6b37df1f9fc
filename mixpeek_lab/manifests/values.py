"""What an expression of a manifest is known to be, without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TypeAlias

from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number, bool or None."""

    node: ast.AST
    value: str | int | float | bool | None
    size: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, tuple or set."""

    node: ast.AST
    items: tuple[Folded, ...]
    size: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A dict, its keys with their places."""

    node: ast.AST
    entries: tuple[tuple[Scalar, Folded], ...]
    size: int = 1

    def get(self, key: str) -> Folded | None:
        """The last value under `key`, as Python's dict would have it."""
        found = [value for name, value in self.entries if name.value == key]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Named:
    """Something imported, or a class or function of the file: `shared.extractors.sdk.Feature`."""

    node: ast.AST
    dotted: str
    size: int = 1


@dataclass(frozen=True, slots=True)
class Made:
    """The call of something named: `ExtractorManifest(version="v1")`."""

    node: ast.AST
    callee: str
    args: tuple[Folded, ...]
    keywords: tuple[tuple[str, Folded], ...]
    places: tuple[ast.AST, ...]
    """Where each keyword stands."""
    size: int = 1

    def keyword(self, name: str) -> Folded | None:
        """The value of a keyword; None where it is not given."""
        return dict(self.keywords).get(name)


@dataclass(frozen=True, slots=True)
class Derived:
    """Whatever the typed manifest says itself: it agrees with it by construction."""

    node: ast.AST
    size: int = 1


@dataclass(frozen=True, slots=True)
class Unknown:
    """An expression whose value only running the code would tell."""

    node: ast.AST
    reason: str
    size: int = 1


Folded: TypeAlias = Scalar | Listing | Table | Named | Made | Derived | Unknown


def plain(value: Folded) -> JSON:
    """The value as Python's own; things that are not literals become their source text."""
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, Listing):
        return [plain(item) for item in value.items]
    if isinstance(value, Table):
        return {key.value: plain(item) for key, item in value.entries}
    return source_of(value.node)


def unknowns(value: Folded, *, names_too: bool = True) -> list[Unknown]:
    """Every unreadable part of a value; imported names and calls count unless told otherwise."""
    if isinstance(value, Unknown):
        return [value]
    if isinstance(value, Named | Made):
        reason = f"`{source_of(value.node)}` has to be imported or run"
        return [Unknown(value.node, reason)] if names_too else []
    if isinstance(value, Listing):
        return [u for item in value.items for u in unknowns(item, names_too=names_too)]
    if isinstance(value, Table):
        return [u for _, item in value.entries for u in unknowns(item, names_too=names_too)]
    return []


def source_of(node: ast.AST, limit: int = 60) -> str:
    """The node's code on one line, for messages."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown(value: Folded) -> str:
    """The value as messages quote it: a literal, or the code that stands there."""
    return repr(value.value) if isinstance(value, Scalar) else f"`{source_of(value.node)}`"


def is_none(value: Folded) -> bool:
    """Whether it is the literal None."""
    return isinstance(value, Scalar) and value.value is None
