"""Jinja2 for templates that others wrote: what they may say, and how much work that may be.

Jinja2's sandbox keeps a template away from Python's insides. It does not keep it from asking for
a text of a gigabyte or a loop without end; this does. Only statements, filters and methods from
the lists below are known. Whatever can grow or repeat passes through a `Budget`: its size is looked
at before it is made, its cost is counted, and the clock is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from datetime import date
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from mixpeek_lab.filters.bounded import BOUNDED, bounded_range, counted, demand_replaced
from mixpeek_lab.filters.budget import (
    BUDGET,
    MOST_BITS,
    MOST_CHARACTERS,
    MOST_ITEMS,
    Names,
    demand_text,
    each_counted,
    leaves,
    text_of,
    weighed,
)

_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first",
    "float", "groupby", "int", "items", "join", "last", "length", "list", "lower", "map", "max",
    "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "string", "title",
    "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
_METHODS = frozenset({
    "upper", "lower", "strip", "lstrip", "rstrip", "title", "capitalize", "startswith", "endswith",
    "split", "rsplit", "splitlines", "count", "find", "index", "replace", "isdigit", "isalpha",
    "isoformat", "get", "items", "keys", "values",
})  # fmt: skip
_KNOWN = (
    nodes.Template, nodes.Output, nodes.For, nodes.If, nodes.Assign, nodes.AssignBlock,
    nodes.With, nodes.Expr, nodes.Helper,
)  # fmt: skip
_GROWS, _EACH, _JOINED, _SHOWN = "_grows", "_each", "_joined", "_shown"


# ---------------------------------------------------------------- what is put into a template


def _joined(values: Sequence[Any]) -> str:
    """`a ~ b ~ c`."""
    texts = [text_of(weighed(value)) for value in values]
    demand_text(sum(map(len, texts)))
    return "".join(texts)


def _shown(value: Any) -> Any:
    """Stands round what is written."""
    text = text_of(weighed(value))
    BUDGET.get().write(len(text))
    return text


class _Guarding(NodeTransformer):
    """Refuses what is not on the lists, and puts the budget round the rest."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, _KNOWN) or isinstance(node, nodes.NSRef):
            raise TemplateSyntaxError(
                f"{type(node).__name__.lower()} is not available", node.lineno
            )
        return super().visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja2's names
        if node.recursive:
            raise TemplateSyntaxError("recursive loops are not available", node.lineno)
        cost = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
        self.generic_visit(node)
        node.iter = _wrapped(_EACH, node.iter, nodes.Const(cost))
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [
            each if isinstance(each, nodes.TemplateData) else _wrapped(_SHOWN, each)
            for each in node.nodes
        ]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _wrapped(_JOINED, nodes.List(node.nodes, lineno=node.lineno))

    def _grown(self, node: nodes.Node) -> nodes.Node:
        return _wrapped(_GROWS, self.generic_visit(node))

    visit_Call = visit_Getitem = visit_Add = visit_Mul = visit_Pow = _grown  # noqa: N815

    def visit_List(self, node: nodes.Node) -> nodes.Node:  # noqa: N802
        node = self.generic_visit(node)
        is_target = getattr(node, "ctx", "load") != "load"
        return node if is_target else _wrapped(_GROWS, node)

    visit_Tuple = visit_Dict = visit_List  # noqa: N815


def _wrapped(name: str, node: nodes.Node, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


# ---------------------------------------------------------------- the environment


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 with nothing in it but what is on the lists."""

    intercepted_binops = frozenset(("*", "**", "+", "%"))

    def __init__(self, undefined: type[StrictUndefined]) -> None:
        # Constants are not computed beforehand: that would be without a budget.
        super().__init__(undefined=undefined, autoescape=False, optimized=False)
        self.globals = {"range": bounded_range}
        known = {name: self.filters[name] for name in _FILTERS} | dict(BOUNDED)
        self.filters = {name: counted(function) for name, function in known.items()}
        self.filters |= {_GROWS: weighed, _EACH: each_counted, _JOINED: _joined, _SHOWN: _shown}

    def guarded(self, template: nodes.Template) -> nodes.Template:
        """A parsed template with the budget in it. TemplateSyntaxError for what is not listed."""
        for node in template.find_all((nodes.Filter, nodes.Test)):
            known = self.filters if isinstance(node, nodes.Filter) else self.tests
            if node.name not in known or str(node.name).startswith("_"):
                kind = "filter" if isinstance(node, nodes.Filter) else "test"
                raise TemplateSyntaxError(f"there is no {kind} {node.name!r}", node.lineno)
        guarded: nodes.Template = _Guarding().visit(template)
        guarded.set_environment(self)
        return guarded

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: of an object what is stored in it, before any method of Python's."""
        stored = obj.values if isinstance(obj, Names) else obj
        if isinstance(stored, Mapping) and attribute in stored:
            return stored[attribute]
        if isinstance(obj, Names):
            return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Data of times and loops; the methods on the list, of JSON values."""
        if isinstance(obj, LoopContext):
            return attr in ("index", "index0", "revindex", "revindex0", "first", "last", "length",
                            "previtem", "nextitem", "depth", "depth0")  # fmt: skip
        if isinstance(obj, date) and not callable(value):
            return super().is_safe_attribute(obj, attr, value)
        return isinstance(obj, str | list | tuple | dict | date) and attr in _METHODS

    def wrap_str_format(self, value: Any) -> None:
        """`"{:>1000000000}".format(1)` is a method like others, and not on the list."""

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """`f(x)`."""
        of = getattr(obj, "__self__", None)
        if isinstance(of, str):
            weighed(of)
        if isinstance(of, str) and getattr(obj, "__name__", "") == "replace" and len(args) >= 2:
            demand_replaced(of, *args[:2])
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`a * b` and the like, looked at before it is done."""
        _CHECKS[operator](left, right)
        return super().call_binop(context, operator, left, right)


def _check_product(left: Any, right: Any) -> None:
    for one, times in ((left, right), (right, left)):
        if isinstance(times, int) and isinstance(one, str | list | tuple):
            size = len(one) if isinstance(one, str) else sum(1 for _ in leaves(one))
            most = MOST_CHARACTERS if isinstance(one, str) else MOST_ITEMS
            if size * max(times, 0) > most:
                raise SecurityError("it repeats something too often")


def _check_power(left: Any, right: Any) -> None:
    are_whole = isinstance(left, int) and isinstance(right, int)
    if are_whole and left.bit_length() * abs(right) > MOST_BITS:
        raise SecurityError("it makes a number with too many digits")


def _check_sum(left: Any, right: Any) -> None:
    are_sized = isinstance(left, Sized) and isinstance(right, Sized)
    if are_sized and len(left) + len(right) > MOST_CHARACTERS:
        raise SecurityError("it joins too much")


def _check_remainder(left: Any, _: Any) -> None:
    if isinstance(left, str):
        raise SecurityError("texts are not formatted with %: write a ~ b")


_CHECKS: Mapping[str, Callable[[Any, Any], None]] = {
    "*": _check_product, "**": _check_power, "+": _check_sum, "%": _check_remainder,
}  # fmt: skip
