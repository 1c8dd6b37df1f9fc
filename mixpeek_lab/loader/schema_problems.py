"""What is wrong with a value, by a class or by a JSON schema: one problem for each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mixpeek_lab.loader.schema_words import allowed, resolved, shown

if TYPE_CHECKING:
    from jsonschema import ValidationError as JSONError
    from pydantic import TypeAdapter

Path = tuple[str | int, ...]

_OWN_WORDS = ("value_error", "assertion_error")
"""Errors of a class's own validators: what they say, the schema does not know."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a value."""

    field: str
    """Where: `model_size`, `limits.top[0]`; empty for the value as a whole."""
    message: str
    """A sentence that names the field, its value and what is allowed."""
    is_missing: bool = False
    """Whether the field is required and not there."""


@dataclass(frozen=True, slots=True)
class Checker:
    """A schema as far as messages need it: `title` is what they call it."""

    title: str
    root: Mapping[str, Any]

    def unknown(self, keys: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
        """A problem for each key that the schema does not have, with the name that was meant."""
        for key in keys:
            meant = get_close_matches(key.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
            near = next((name for name in known if meant and name.lower() == meant[0]), None)
            if near:
                hint = f"Did you mean `{near}`?"
            else:
                hint = f"It has: {', '.join(known)}." if known else "It has none at all."
            yield Problem(key, f"{self.title} has no `{key}`. {hint}")

    def missing(self, path: Path, fragment: Any) -> Problem:
        """The problem of a required field that is not there."""
        field, wanted = spelled(path), allowed(fragment, self.root)
        asks = f"{self.title} asks for it" + (f": {wanted}" if wanted else "")
        return Problem(field, f"`{field}` is missing; {asks}.", is_missing=True)

    def wrong(self, path: Path, value: Any, fragment: Any, said: str = "") -> Problem:
        """The problem of a value that does not fit; `said` where the schema has no words for it."""
        field, wanted = spelled(path), allowed(fragment, self.root)
        if said and not field:  # about several fields at once: their values would fill lines
            return Problem("", f"{said}.")
        name = f"`{field}`" if field else "The whole value"
        quoted = shown(value, resolved(fragment, self.root))
        says = said or (f"{self.title} allows {wanted}" if wanted else f"{self.title} refuses it")
        return Problem(field, f"{name} is {quoted}; {says}.")

    def fragment(self, path: Path) -> Any:
        """The part of the schema that is about `path`; {} where it has none."""
        found: Any = self.root
        for step in path:
            found = _inner(resolved(found, self.root), step, self.root)
        return found


def _inner(schema: Mapping[str, Any], step: str | int, root: Mapping[str, Any]) -> Any:
    if isinstance(step, int):
        return schema.get("items") or _branch(schema, step, root)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and step in properties:
        return properties[step]
    return _branch(schema, step, root) or schema.get("additionalProperties") or {}


def _branch(schema: Mapping[str, Any], step: str | int, root: Mapping[str, Any]) -> Any:
    """The first alternative that knows the step: of `Optional[Limits]`, Limits."""
    for word in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(word) or ():
            found = _inner(resolved(each, root), step, root)
            if found:
                return found
    return {}


def pydantic_problems(adapter: TypeAdapter[Any], value: Any, checker: Checker) -> Iterator[Problem]:
    """What the class's own validation says of the value."""
    from pydantic import ValidationError

    try:
        adapter.validate_python(value)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            path = _path_in(value, each["loc"])
            if each["type"] == "missing":
                path = (*path, *each["loc"][len(path) : len(path) + 1])
                yield checker.missing(path, checker.fragment(path))
            elif each["type"] == "extra_forbidden":
                continue  # told by its near name
            else:
                yield checker.wrong(
                    path, _at(value, path), checker.fragment(path), _said(each, checker.title)
                )
    except Exception as error:  # noqa: BLE001 - the boundary to a user's validators
        yield Problem("", f"{checker.title} failed: {type(error).__name__}: {error}.")


def _said(error: Any, title: str) -> str:
    """What a class's own validator says; empty where the schema's words are better."""
    if error["type"] not in _OWN_WORDS:
        return ""
    return f"{title}: {error['msg'].partition(', ')[2] or error['msg']}".rstrip(".")


def json_problems(errors: Iterator[JSONError], value: Any, checker: Checker) -> Iterator[Problem]:
    """What a JSON Schema validator's errors say of the value."""
    for error in errors:
        path = tuple(error.absolute_path)
        if error.validator == "required":
            for name in error.validator_value:
                if name not in error.instance:
                    inner = (*path, name)
                    yield checker.missing(inner, checker.fragment(inner))
        elif error.validator == "additionalProperties" and not path:
            continue  # told by its near name
        else:
            fragment = checker.fragment(path)
            said = "" if allowed(fragment, checker.root) else f"{checker.title}: {error.message}"
            yield checker.wrong(path, _at(value, path), fragment, said)


def one_each(problems: Iterator[Problem]) -> tuple[Problem, ...]:
    """The first problem of each field: a union's branches all complain of one value."""
    found: dict[str, Problem] = {}
    for problem in problems:
        found.setdefault(problem.field, problem)
    return tuple(found.values())


def spelled(path: Path) -> str:
    """`("limits", "top", 0)` as people write it: `limits.top[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _path_in(value: Any, steps: Sequence[str | int]) -> Path:
    """As much of a location as leads into the value: the rest names branches of unions."""
    path: list[str | int] = []
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
        path.append(step)
    return tuple(path)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
