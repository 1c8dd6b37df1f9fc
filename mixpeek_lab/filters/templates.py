"""Templates in filters and queries: `{{INPUT.x}}` in Jinja2, sandboxed, strict about names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_INPUT_NAMES = ("INPUT", "INPUTS", "input", "inputs")
_DOCUMENT_NAMES = ("DOC", "doc")
_CONTEXT_NAMES = ("CONTEXT", "context")
_BRACES = re.compile(r"\{\{[-+]?(.*?)-?\}\}\Z", re.DOTALL)
_NOT_HERE = (*_DOCUMENT_NAMES, *_CONTEXT_NAMES, "STAGE", "stage", "SECRET", "secret")


def has_template(value: JSON) -> bool:
    """Whether `value` is a text with `{{` or `{%`, or a list or dict that holds one."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(has_template(entry) for entry in value.values())
    return isinstance(value, list | tuple) and any(has_template(entry) for entry in value)


def check_template(text: str, where: str) -> None:
    """Raise InvalidInputError where the text's template is not valid."""
    from jinja2 import TemplateError

    try:
        _compiled(text)
    except TemplateError as error:
        raise InvalidInputError(f"{where}: {_explained(error, text, {})}") from error


def render(
    value: JSON,
    inputs: Mapping[str, JSON],
    where: str = "value",
    document: Mapping[str, JSON] | None = None,
    context: Mapping[str, JSON] | None = None,
) -> JSON:
    """`value` with its templates filled in from `inputs`; dicts and lists are walked.

    With a `document`, `{{DOC.field}}` is one of its fields; with a `context`, `{{CONTEXT.name}}`
    one of its values.

    A text that is exactly one expression keeps the type of what it names: `"{{INPUT.year}}"`
    is the number 2020, `"in {{INPUT.year}}"` the text `in 2020`. Raises InvalidInputError for
    a missing input (its name, and the inputs that were given) and for a broken template.
    """
    if not has_template(value):
        return value
    if isinstance(value, Mapping):
        return {
            key: render(entry, inputs, f"{where}.{key}", document, context)
            for key, entry in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            render(entry, inputs, f"{where}[{i}]", document, context)
            for i, entry in enumerate(value)
        ]
    return _render_text(value, inputs, where, document, context)


class _Inputs:
    """The inputs of a query, or a document's fields.

    Only items: `INPUT.items` is an input, not a dict's method.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, JSON]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> JSON:
        return self._values[name]

    def as_dict(self) -> dict[str, JSON]:
        """`{{INPUT}}` alone: all of them."""
        return dict(self._values)


def _render_text(
    text: str,
    inputs: Mapping[str, JSON],
    where: str,
    document: Mapping[str, JSON] | None,
    context: Mapping[str, JSON] | None,
) -> JSON:
    from jinja2 import TemplateError

    names = dict.fromkeys(_INPUT_NAMES, _Inputs(inputs))
    if document is not None:
        names |= dict.fromkeys(_DOCUMENT_NAMES, _Inputs(document))
    if context is not None:
        names |= dict.fromkeys(_CONTEXT_NAMES, _Inputs(context))
    try:
        return _compiled(text)(names)
    except TemplateError as error:
        raise InvalidInputError(f"{where}: {_explained(error, text, inputs, document)}") from error
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InvalidInputError(f"{where}: the template {text!r} failed: {error}") from error


def _explained(
    error: Exception,
    text: str,
    inputs: Mapping[str, JSON],
    document: Mapping[str, JSON] | None = None,
) -> str:
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return f"the template {text!r} is not valid: {error.message}"
    given = ", ".join(sorted(inputs)) or "none"
    fields = "" if document is None else f" The document's fields: {', '.join(sorted(document))}."
    return f"the template {text!r} asks for {error}. Inputs given: {given}.{fields}"


@lru_cache(maxsize=1)
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Missing(StrictUndefined):
        def __init__(self, hint: str | None = None, *rest: Any, **named: Any) -> None:
            super().__init__(hint, *rest, **named)
            name = self._undefined_name
            if name in _NOT_HERE:
                hint = f"{name}, which is not available here (only INPUT is)"
            self._undefined_hint = hint or f"{name!r}, which is missing"

    return ImmutableSandboxedEnvironment(undefined=Missing, autoescape=False)


@lru_cache(maxsize=512)
def _compiled(text: str) -> Callable[[Mapping[str, JSON]], JSON]:
    environment = _environment()
    expression = _only_expression(text)
    if expression is None:
        template = environment.from_string(text)
        return lambda names: template.render(names)
    evaluate = environment.compile_expression(expression, undefined_to_none=False)
    return lambda names: _defined(evaluate(names))


def _only_expression(text: str) -> str | None:
    """The inside of `{{ … }}` where that is the whole text, else None."""
    from jinja2 import nodes

    stripped = text.strip()
    body = _environment().parse(stripped).body
    if len(body) != 1 or not isinstance(body[0], nodes.Output):
        return None
    parts = body[0].nodes
    if len(parts) != 1 or isinstance(parts[0], nodes.TemplateData):
        return None
    inside = _BRACES.match(stripped)
    return inside[1] if inside else None


def _defined(value: JSON) -> JSON:
    from jinja2 import StrictUndefined

    if isinstance(value, StrictUndefined):
        str(value)  # raises, and says what is missing
    return value.as_dict() if isinstance(value, _Inputs) else value
