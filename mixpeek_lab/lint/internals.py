"""Walks from an object into Python's internals: attributes, definitions, formats, annotations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.lint.blocked import INTERNALS, ODD, PLAIN_CODE, WITHOUT
from mixpeek_lab.lint.names import Const
from mixpeek_lab.lint.names.values import Class
from mixpeek_lab.lint.package import Module, Package

_WALK = re.compile(
    r"[{.\[](?P<name>" + "|".join(sorted(INTERNALS | {"__class__", "__init__"})) + r")\b"
)
_NAMELESS = re.compile(r"\{[^{}]*\.__class__\.__(name|qualname|module)__[^{}]*\}")
_CODE = re.compile(r"__import__\s*\(|\bos\.(system|popen)\s*\(|\b(eval|exec)\s*\(\s*[\"'(]")
_FORMATS = ("format", "format_map", "vformat", "substitute")
_PICKLING = frozenset({"__reduce__", "__reduce_ex__"})


def internals(package: Package) -> Iterator[Finding]:
    """SEC009: dunder walks, and SEC006: annotations that are code in a string."""
    for module in package.modules:
        for node in module.nodes(ast.Attribute):
            yield from _attribute(module, node, package)
        for function in _functions(module):
            yield from _definition(module, function)
        yield from _formats(module, package)
        yield from _annotations(module)
        yield from _code_in_text(module)


def _functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from module.nodes(ast.FunctionDef)
    yield from module.nodes(ast.AsyncFunctionDef)


def _attribute(module: Module, node: ast.Attribute, package: Package) -> Iterator[Finding]:
    name = node.attr
    if (name not in INTERNALS and name not in ODD) or _is_honest(node, package):
        return
    severity: Severity = "error" if name in INTERNALS else "warning"
    yield module.finding(
        "SEC009", severity, node,
        f"`.{name}` is a step from one object to all of Python.", WITHOUT,
    )  # fmt: skip


def _is_honest(node: ast.Attribute, package: Package) -> bool:
    """A class of the package that asks for its own subclasses or bases; `super()`'s methods."""
    owner = node.value
    if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name):
        is_super = owner.func.id == "super"
        is_type = owner.func.id == "type" and node.attr in ("__mro__", "__bases__", "__base__")
        return (is_super and node.attr not in ("__subclasses__", "__globals__")) or is_type
    if isinstance(owner, ast.Name) and owner.id in ("self", "cls"):
        return node.attr in ODD or node.attr == "__subclasses__"
    if node.attr == "__subclasses__" and id(owner) in package.evaluator.known:
        values = package.evaluator.values(owner)
        return bool(values) and all(isinstance(value, Class) for value in values)
    if node.attr in ("__setattr__", "__delattr__") and isinstance(owner, ast.Name):
        return owner.id != "object" and owner.id != "type"
    return False


def _definition(module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    if node.name in _PICKLING:
        yield module.finding(
            "SEC009", "warning", node,
            f"`def {node.name}` decides what unpickling runs on every worker.",
            "Leave it out: define __getstate__, or keep what does not pickle out of the object.",
        )  # fmt: skip


# ------------------------------------------------------------------- formats


def _formats(module: Module, package: Package) -> Iterator[Finding]:
    for constant in module.nodes(ast.Constant):
        if isinstance(constant.value, str) and "__" in constant.value:
            yield from _walk(module, constant, constant.value)
    for call in module.nodes(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name not in _FORMATS or id(call.func) not in package.evaluator.known:
            continue
        texts = [call.func.value, *call.args[:1]]  # type: ignore[attr-defined]
        for part in texts:
            if isinstance(part, ast.Constant):
                continue
            for value in package.evaluator.values(part):
                if isinstance(value, Const) and isinstance(value.value, str):
                    yield from _walk(module, call, value.value)


def _code_in_text(module: Module) -> Iterator[Finding]:
    """SEC006: strings that can only be meant for an eval() somewhere."""
    if not _CODE.search(module.text):
        return
    for constant in module.nodes(ast.Constant):
        text = constant.value
        if isinstance(text, str) and _CODE.search(text) and id(constant) not in module.docstrings:
            yield module.finding(
                "SEC006", "warning", constant,
                f"The text {text[:60]!r} is code: it is waiting for something that runs it.",
                PLAIN_CODE,
            )  # fmt: skip


def _walk(module: Module, node: ast.AST, text: str) -> Iterator[Finding]:
    for field in re.findall(r"\{[^{}]*\}", _NAMELESS.sub("", text)):
        found = _WALK.search(field)
        if found is not None:
            yield module.finding(
                "SEC009", "error", node,
                f"The format {field!r} walks into `{found['name']}`.",
                "Give the value itself: f\"{value}\", or format(value=value).",
            )  # fmt: skip
            return


# --------------------------------------------------------------- annotations


def _annotations(module: Module) -> Iterator[Finding]:
    for kind in (ast.AnnAssign, ast.arg):
        for node in module.nodes(kind):
            yield from _annotation(module, node.annotation)  # type: ignore[attr-defined]
    for function in _functions(module):
        yield from _annotation(module, function.returns)


def _annotation(module: Module, node: ast.expr | None) -> Iterator[Finding]:
    """pydantic and get_type_hints evaluate annotations that are strings."""
    for part in _types(node):
        text = part.value if isinstance(part, ast.Constant) else None
        if isinstance(text, str) and "(" in text and _has_call(text):
            yield module.finding(
                "SEC006", "warning", part,
                f"The annotation {text[:60]!r} is code in a string, which pydantic would run.",
                PLAIN_CODE,
            )  # fmt: skip


def _types(node: ast.expr | None) -> Iterator[ast.expr]:
    """The parts of an annotation that are types themselves."""
    if isinstance(node, ast.BinOp):
        yield from (*_types(node.left), *_types(node.right))
    elif isinstance(node, ast.Subscript):
        name = getattr(node.value, "attr", getattr(node.value, "id", ""))
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name != "Literal":
            for part in parts[:1] if name == "Annotated" else parts:
                yield from _types(part)
    elif node is not None:
        yield node


def _has_call(text: str) -> bool:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(isinstance(node, ast.Call) for node in ast.walk(tree))
