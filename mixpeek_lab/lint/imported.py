"""Whether what a file imports from the extractor's other files can be its realtime service."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mixpeek_lab.lint.package import Module, Package
from mixpeek_lab.roles import SERVICE_FACTORY

Names = frozenset[tuple[str, str]]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.JoinedStr)
"""What is assigned and can be no class."""


def serves(module: Module) -> bool:
    """Whether the file itself defines a service, or the function that makes one."""
    return SERVICE_FACTORY in module.functions or any(
        found.role == "service" for found in module.roles.values()
    )


def imports_a_service(package: Package, module: Module, seen: Names = frozenset()) -> bool:
    """Whether a name that the file imports from the package is a service, or may be one.

    It may be where its definition cannot be seen. Functions and constants are none.
    """
    imported = dict(_imported(package, module))
    if any(_may_serve(package, path, name, seen) for path, name in imported.values()):
        return True
    return any(_makes_a_class(node, set(imported)) for node in module.tree.body)


def _imported(package: Package, module: Module) -> Iterator[tuple[str, tuple[str, str]]]:
    """Name in the file → dotted place in the package (from its root), and the name there."""
    for node in module.nodes(ast.ImportFrom):
        place = _place(package, module, node)
        if place is not None:
            yield from ((a.asname or a.name, (place, a.name)) for a in node.names)


def _place(package: Package, module: Module, node: ast.ImportFrom) -> str | None:
    if not node.level:
        root, name = f"engine.extractors.{package.source.name}", f"{node.module}."
        return name.removeprefix(f"{root}.").rstrip(".") if name.startswith(f"{root}.") else None
    folders = module.path.split("/")[: -node.level]
    return ".".join([*folders, *([node.module] if node.module else [])])


def _may_serve(package: Package, place: str, name: str, seen: Names) -> bool:
    if (place, name) in seen:
        return False
    seen |= {(place, name)}
    part = _file(package, f"{place}.{name}".strip("."))
    module = part or _file(package, place)
    if module is None:
        return True  # it does not parse, or is not there: nobody can tell
    if part is not None or name == "*":
        return serves(module) or imports_a_service(package, module, seen)
    return _is_service(package, module, name, seen)


def _file(package: Package, place: str) -> Module | None:
    path = place.replace(".", "/")
    found = package.module(f"{path}.py") if path else None
    return found or package.module(f"{path}/__init__.py".lstrip("/"))


def _is_service(package: Package, module: Module, name: str, seen: Names) -> bool:
    if name in module.roles:
        return module.roles[name].role == "service"
    if name in module.functions:
        return name == SERVICE_FACTORY
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name and (module.path, name) not in seen:
            seen |= {(module.path, name)}  # `class A(A)`: its base is what was imported
            return any(_base(package, module, base, seen) for base in node.bases)
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in _targets(node):
            return not isinstance(node.value, (*_PLAIN, ast.Lambda))
    place = dict(_imported(package, module)).get(name)
    return place is None or _may_serve(package, *place, seen)


def _base(package: Package, module: Module, base: ast.expr, seen: Names) -> bool:
    """Whether a class may be a service by one of its bases."""
    if not isinstance(base, ast.Name):
        return True
    return base.id != "object" and _is_service(package, module, base.id, seen)


def _makes_a_class(node: ast.stmt, imported: set[str]) -> bool:
    """`Service = make_service(…)`, `get_inference_service = make`, with what was imported."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    if not any(isinstance(n, ast.Name) and n.id in imported for n in ast.walk(node.value)):
        return False
    named = _targets(node)
    return SERVICE_FACTORY in named or any(n[:1].isupper() and not n.isupper() for n in named)


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
