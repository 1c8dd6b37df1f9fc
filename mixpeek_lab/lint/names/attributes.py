"""What an attribute is, by what it is an attribute of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpeek_lab.lint.names.dotted import normal
from mixpeek_lab.lint.names.folding import CONSTANTS
from mixpeek_lab.lint.names.values import (
    UNKNOWN,
    Bound,
    Class,
    Const,
    Func,
    Getter,
    Object,
    Own,
    Partial,
    Ref,
    Seq,
    Space,
    Table,
    Value,
    Values,
    constant,
    union,
)

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.evaluator import Evaluator

GETATTR: Values = (Ref("builtins.getattr"),)
_SAME_PATH = frozenset({"parent", "parents"})
_LOOKS_UP = frozenset({"__getattribute__", "__getattr__"})
_IMPORTS = frozenset({"load_module", "import_module"})


def read(ev: Evaluator, owner: Value, name: str) -> Values:
    """`owner.name`."""
    if name in _LOOKS_UP and isinstance(owner, Own | Ref) and not _is_class(owner):
        return (Partial(GETATTR, ((owner,),)),)
    if isinstance(owner, Ref):
        return _of_ref(owner, name)
    if isinstance(owner, Own):
        return _of_own(ev, owner, name)
    if isinstance(owner, Class):
        return union([_of_class(ev, owner, name, None), ev.attribute_stores(name)]) or UNKNOWN
    if isinstance(owner, Object):
        return _of_object(ev, owner, name)
    if isinstance(owner, Const | Seq | Table | Space):
        return (Bound(owner, name),)
    if isinstance(owner, Partial | Getter | Func | Bound):
        return _of_callable(ev, owner, name)
    return union([ev.attribute_stores(name), UNKNOWN])


def _is_class(owner: Value) -> bool:
    """`object.__getattribute__(os, name)`: the owner is not what is looked into."""
    return isinstance(owner, Ref) and (
        owner.name.startswith(("builtins.", "types.")) or owner.name.endswith("()")
    )


def _of_ref(owner: Ref, name: str) -> Values:
    if name == "__dict__":
        return (Space(owner),)
    if owner.name == "pathlib.Path()" and name in _SAME_PATH:
        return (owner,)
    if owner.name in ("__loader__", "__spec__") and name in _IMPORTS:
        return (Ref("importlib.import_module"),)
    if name in ("get", "__getitem__", "pop", "setdefault") and owner.name in (
        "sys.modules", "builtins",
    ):  # fmt: skip
        return (Bound(owner, name),)
    if name == "__self__" and owner.name.startswith("builtins."):
        return (Ref("builtins"),)  # print.__self__
    full = normal(f"{owner.name}.{name}")
    return constant(CONSTANTS[full]) if full in CONSTANTS else (Ref(full),)


def _of_own(ev: Evaluator, owner: Own, name: str) -> Values:
    if name == "__dict__":
        return (Space(owner),)
    if name == "__builtins__":
        return (Ref("builtins"),)
    found = ev.exported(owner, name)
    if found:
        return found
    folder = owner.path.rsplit("/", 1)[0]
    is_package = owner.path.endswith("__init__.py")
    return ev.module(f"{folder}.{name}".replace("/", ".")) if is_package else UNKNOWN


def _of_class(ev: Evaluator, owner: Class, name: str, seen: frozenset[str] | None) -> Values:
    for known in (name, _unmangled(name)):
        if known in owner.scope.bindings:
            return ev.bound(owner.scope, known)
    visited = (seen or frozenset()) | {owner.node.name}
    found: list[Values] = []
    metaclasses = [k.value for k in owner.node.keywords if k.arg == "metaclass"]
    for base in (*owner.node.bases, *metaclasses):
        for value in ev.values(base):
            if isinstance(value, Class) and value.node.name not in visited:
                found.append(_of_class(ev, value, name, visited))
            elif isinstance(value, Ref):
                found.append((Ref(normal(f"{value.name}().{name}")),))
    return union(found)


def _unmangled(name: str) -> str:
    """`A._A__m` is what `__m` is inside the class."""
    at = name.find("__", 1)
    return name[at:] if name.startswith("_") and at > 0 else name


def _of_object(ev: Evaluator, owner: Object, name: str) -> Values:
    found: list[Values] = [ev.attribute_stores(name)]
    for value in _of_class(ev, owner.of, name, None):
        decorators = _decorators(value)
        if not isinstance(value, Func) or "staticmethod" in decorators:
            found.append((value,))
        elif decorators & {"property", "cached_property"}:
            found.append(ev.call(value, [(owner,)], {}, value.node))
        else:
            first: Values = (owner.of,) if "classmethod" in decorators else (owner,)
            found.append((Partial((value,), (first,)),))
    return union(found) or UNKNOWN


def _decorators(value: Value) -> set[str]:
    node = value.node if isinstance(value, Func) else None
    found = getattr(node, "decorator_list", [])
    return {getattr(part, "attr", getattr(part, "id", "")) for part in found}


def _of_callable(ev: Evaluator, owner: Value, name: str) -> Values:
    if name == "__call__":
        return (owner,)
    if isinstance(owner, Partial) and name == "func":
        return owner.callee
    if isinstance(owner, Partial) and name == "args":
        return (Seq(owner.args, "tuple"),)
    if isinstance(owner, Func) and name == "__class__":
        return (Ref("builtins.type(function)"),)
    if isinstance(owner, Func) and name == "__globals__":
        return (Space(Own(owner.scope.path)),)
    return union([ev.attribute_stores(name), UNKNOWN])
