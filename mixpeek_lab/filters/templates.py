"""Templates in filters and queries: `{{INPUT.x}}` in Jinja2, sandboxed, strict about names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    from jinja2 import nodes

    from mixpeek_lab.filters.sandbox import Sandbox

MOST_TEMPLATE = 100_000
"""Characters of a template."""

_INPUT_NAMES = ("INPUT", "INPUTS", "input", "inputs")
_DOCUMENT_NAMES = ("DOC", "doc")
_CONTEXT_NAMES = ("CONTEXT", "context")
_FAILURES = (RecursionError, MemoryError, SyntaxError)
"""What compiling or running a template that nests too deep ends in."""
_SHOWN = 200
"""Characters of a template in an error."""
_PLAIN = re.compile(r"\s*\{\{\s*(?:INPUT|INPUTS|input|inputs)\.([A-Za-z_]\w*)\s*\}\}\s*\Z")
"""A template that only names an input: most do."""
_SINGLE = frozenset((str, int, float, bool, type(None)))
_NUMBERS = frozenset((int, float))
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
    except _FAILURES as error:
        raise InvalidInputError(f"{where}: the template {_cut(text)} nests too deep.") from error


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
    named = _PLAIN.match(value)
    if named and named[1] in inputs and _is_plain(inputs[named[1]]):
        return inputs[named[1]]  # what Jinja2 would give, a hundred times as fast
    return _render_text(value, inputs, where, document, context)


def _is_plain(value: JSON) -> bool:
    """Whether it is a single value, or a vector: nothing in it has to be looked at."""
    return type(value) in _SINGLE or (type(value) is list and _NUMBERS.issuperset(map(type, value)))


def shared_seconds(seconds: float) -> AbstractContextManager[None]:
    """`with shared_seconds(10): …`: all renderings in the block together may take so long."""
    from mixpeek_lab.filters import budget

    return budget.shared_seconds(seconds)


def _render_text(
    text: str,
    inputs: Mapping[str, JSON],
    where: str,
    document: Mapping[str, JSON] | None,
    context: Mapping[str, JSON] | None,
) -> JSON:
    from jinja2 import TemplateError

    from mixpeek_lab.filters.budget import Names, within_budget

    names = dict.fromkeys(_INPUT_NAMES, Names(inputs))
    if document is not None:
        names |= dict.fromkeys(_DOCUMENT_NAMES, Names(document))
    if context is not None:
        names |= dict.fromkeys(_CONTEXT_NAMES, Names(context))
    try:
        fill_in = _compiled(text)
        return within_budget(lambda: fill_in(names))
    except TemplateError as error:
        raise InvalidInputError(f"{where}: {_explained(error, text, inputs, document)}") from error
    except (*_FAILURES, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InvalidInputError(f"{where}: the template {_cut(text)} failed: {error}") from error


def _explained(
    error: Exception,
    text: str,
    inputs: Mapping[str, JSON],
    document: Mapping[str, JSON] | None = None,
) -> str:
    from jinja2 import TemplateSyntaxError, UndefinedError
    from jinja2.exceptions import SecurityError

    if isinstance(error, TemplateSyntaxError):
        return f"the template {_cut(text)} is not valid: {error.message}"
    if isinstance(error, SecurityError):
        return f"the template {_cut(text)} was stopped: {str(error).rstrip('.')}."
    if not isinstance(error, UndefinedError):
        return f"the template {_cut(text)} failed: {error}"
    given = ", ".join(sorted(inputs)) or "none"
    fields = "" if document is None else f" The document's fields: {', '.join(sorted(document))}."
    return f"the template {_cut(text)} asks for {error}. Inputs given: {given}.{fields}"


def _cut(text: str) -> str:
    """A template as errors show it."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


@lru_cache(maxsize=1)
def _environment() -> Sandbox:
    from jinja2 import StrictUndefined

    from mixpeek_lab.filters.sandbox import Sandbox

    class Missing(StrictUndefined):
        def __init__(self, hint: str | None = None, *rest: Any, **named: Any) -> None:
            super().__init__(hint, *rest, **named)
            name = self._undefined_name
            if name in _NOT_HERE:
                hint = f"{name}, which is not available here (only INPUT is)"
            self._undefined_hint = hint or f"{name!r}, which is missing"

    return Sandbox(Missing)


@lru_cache(maxsize=512)
def _compiled(text: str) -> Callable[[Mapping[str, JSON]], JSON]:
    from jinja2 import TemplateSyntaxError, nodes
    from jinja2.environment import TemplateExpression

    from mixpeek_lab.filters.budget import settled

    if len(text) > MOST_TEMPLATE:
        raise TemplateSyntaxError(f"it has more than {MOST_TEMPLATE:,} characters", 1)
    environment = _environment()
    expression = _only_expression(environment.parse(text.strip()).body)
    if expression is None:
        template = environment.from_string(environment.guarded(environment.parse(text)))
        return lambda names: template.render(names)
    body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)]
    guarded = environment.guarded(nodes.Template(body, lineno=1))
    evaluate = TemplateExpression(environment.from_string(guarded), undefined_to_none=False)
    return lambda names: settled(evaluate(names))


def _only_expression(body: Sequence[nodes.Node]) -> nodes.Expr | None:
    """The expression of a template that is `{{ … }}` and nothing else, else None."""
    from jinja2 import nodes

    if len(body) != 1 or not isinstance(body[0], nodes.Output):
        return None
    parts = body[0].nodes
    return None if len(parts) != 1 or isinstance(parts[0], nodes.TemplateData) else parts[0]
