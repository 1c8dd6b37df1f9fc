"""What Mixpeek's scanner blocks in an extractor's own files, and other ways to the same things.

A linter, not a sandbox: it reads the text, follows names and folds constants, and runs nothing.
Code that is written to deceive it can. What it does find, it says with the value that it folded.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.lint import blocked
from mixpeek_lab.lint.blocked import REJECTED, Blocked, blocked_call, blocked_module
from mixpeek_lab.lint.handed import handed_on
from mixpeek_lab.lint.names import Const, Evaluator, Ref, Values
from mixpeek_lab.lint.names.dotted import CLOSED
from mixpeek_lab.lint.names.expressions import arguments
from mixpeek_lab.lint.package import Module, Package

_NOWHERE = "which is written nowhere."
_UNKNOWN_NAMES = {
    "name": (
        "error",
        "The text does not tell which attribute of `{what}` is looked up: it may be a blocked one.",
    ),
    "import": (
        "warning",
        "The text does not tell which module is imported: it may be a blocked one.",
    ),
    "namespace": (
        "warning",
        "The text does not tell which name is looked up: it may be `__builtins__`.",
    ),
    "modules": ("warning", "The text does not tell which module is looked up in sys.modules."),
}  # fmt: skip


def scan(package: Package) -> Iterator[Finding]:
    """SEC001 to SEC010 for what is imported, named, looked up or called."""
    found: list[Finding] = []
    for module in package.modules:
        found.extend(_imports(module, package))
        if module.path in package.evaluator.trees:
            found.extend(_expressions(module, package.evaluator))
    found.extend(_noted(package))
    found.extend(_not_followed(package))
    worse = {(f.path, f.line) for f in found if f.rule != "SEC004"}
    for finding in found:
        is_part = finding.message.endswith(_NOWHERE) and (finding.path, finding.line) in worse
        if not is_part:
            yield finding


# ------------------------------------------------------------------- imports


def _imports(module: Module, package: Package) -> Iterator[Finding]:
    for node, name in _imported(module):
        found = blocked_module(name)
        if found is None:
            continue
        why = found.why or "must not be imported: Mixpeek rejects the extractor."
        yield module.finding(found.rule, found.severity, node, f"`{name}` {why}", found.instead)
    for statement in module.nodes(ast.ImportFrom):
        for alias in statement.names:
            yield from _imported_name(module, package.evaluator, statement, alias)


def _imported(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in module.nodes(ast.Import):
        yield from ((node, alias.name) for alias in node.names)
    for statement in module.nodes(ast.ImportFrom):
        if statement.module and not statement.level:
            whole = [f"{statement.module}.{alias.name}" for alias in statement.names]
            known = [name for name in whole if blocked_module(name) is not None]
            yield from ((statement, name) for name in known[:1] or [statement.module])


def _imported_name(
    module: Module, ev: Evaluator, node: ast.ImportFrom, alias: ast.alias
) -> Iterator[Finding]:
    """`from os import system`, `from shutil import os`, `from .helpers import run`."""
    if alias.name == "*" or module.path not in ev.trees:
        return
    written = f"{'.' * node.level}{node.module or ''}.{alias.name}"
    for value in ev.imported(node, alias.name, module.path):
        if isinstance(value, Ref):
            yield from _reference(module, node, value.name, written, ev)


# ------------------------------------------------- names, lookups and calls


def _expressions(module: Module, ev: Evaluator) -> Iterator[Finding]:
    for node in ev.trees[module.path].looked_at:
        values = ev.values(node)
        for value in values:
            if isinstance(value, Ref) and not _names_anew(node, value):
                yield from _reference(module, node, value.name, None, ev)
        if isinstance(node, ast.Call):
            yield from _call(module, node, ev)
        if isinstance(node, ast.BinOp | ast.JoinedStr | ast.Call | ast.Subscript):
            yield from _assembled(module, node, values)
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield from _changed(module, node, ev)
        yield from handed_on(module, node, values, ev)


def _names_anew(node: ast.expr, value: Ref) -> bool:
    """`exec = 1` in a class body: a name of its own, which only looks like the builtin."""
    is_kept = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    return is_kept and value.name == f"builtins.{ast.unparse(node)}"


def _changed(
    module: Module, node: ast.Attribute | ast.Subscript, ev: Evaluator
) -> Iterator[Finding]:
    """`builtins.len = …`, `sys.modules["numpy"] = …`."""
    for value in ev.values(node.value):
        if value == Ref("sys.modules") or (isinstance(value, Ref) and value.name in CLOSED):
            yield module.finding(
                "SEC010", "warning", node,
                f"`{_shown(node)}` is changed for everybody in this process.", blocked.WITHOUT,
            )  # fmt: skip


def _reference(
    module: Module, node: ast.AST, name: str, written: str | None, ev: Evaluator
) -> Iterator[Finding]:
    found = blocked_call(name) or _reached_module(node, name)
    if found is None or _is_deeper(node, name, ev):
        return
    shown = name.removeprefix("builtins.")
    text = written or _shown(node)
    alias = "" if text in (shown, name) else f" (`{text}` here)"
    yield module.finding(
        found.rule, found.severity, node, f"`{shown}`{alias} {found.why or REJECTED}", found.instead
    )


def _is_deeper(node: ast.AST, name: str, ev: Evaluator) -> bool:
    """`__loader__.x.y`: said once, at the innermost."""
    if not isinstance(node, ast.Attribute):
        return False
    return any(
        isinstance(value, Ref) and value.name != name and blocked_call(value.name) is not None
        for value in ev.values(node.value)
    )


def _reached_module(node: ast.AST, name: str) -> Blocked | None:
    """A blocked module that no import statement names: `shutil.subprocess`, `sys.modules[…]`."""
    found = blocked_module(name)
    if found is None or found.severity != "error" or isinstance(node, ast.Name | ast.Import):
        return None
    if isinstance(node, ast.ImportFrom) and name.startswith(str(node.module)):
        return None  # said of the import itself
    return found if blocked_module(name.rpartition(".")[0]) is None else None


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 80 else text[:79] + "…"


def _call(module: Module, node: ast.Call, ev: Evaluator) -> Iterator[Finding]:
    names = {value.name for value in ev.values(node.func) if isinstance(value, Ref)}
    if not names and not isinstance(node.func, ast.Attribute):
        return
    args, given = arguments(ev, node)
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if names & {"torch.load", "torch.serialization.load"} and _is(given, "weights_only", False):
        yield _unsafe(module, node, "torch.load(weights_only=False)", "Use weights_only=True.")
    if names & {"numpy.load", "numpy.lib.npyio.load"} and _may_pickle(args, given):
        yield _unsafe(module, node, "numpy.load(allow_pickle=True)", "Use allow_pickle=False.")
    if names & {"yaml.load", "yaml.load_all"} and not _has_safe_loader(node, given, ev):
        yield _unsafe(module, node, "yaml.load()", "Use yaml.safe_load().")
    if _is(given, "safe_mode", False):
        yield _unsafe(module, node, "load_model(safe_mode=False)", "Use safe_mode=True.")
    if _is(given, "trust_remote_code", True):
        yield module.finding(
            "SEC007", "info", node,
            "`trust_remote_code=True` runs code that comes with the model.",
            "Pin it with revision=…, so that it is always the code that you read.",
        )  # fmt: skip
    if method in blocked.LOOP_METHODS:
        yield module.finding(
            "SEC003", "error", node, f"`{_shown(node.func)}` starts processes, "
            "which Mixpeek rejects.", blocked.RUN_TOOL,
        )  # fmt: skip
    if method in blocked.EXTENSION_METHODS and not any(n.startswith("pathlib") for n in names):
        yield module.finding(
            "SEC008", "error", node, f"`{_shown(node.func)}` loads native code, as ctypes does.",
            blocked.PYTHON_PACKAGE,
        )  # fmt: skip
    if method in ("query", "eval") and node.args and _python_expression(node, given, ev):
        yield module.finding(
            "SEC006", "warning", node, f"`{_shown(node.func)}` evaluates its text as Python.",
            'Select with masks: frame[frame["a"] > 1].',
        )  # fmt: skip


def _unsafe(module: Module, node: ast.Call, what: str, instead: str) -> Finding:
    message = f"`{what}` runs whatever code the file names."
    return module.finding("SEC007", "warning", node, message, instead)


def _is(given: dict[str, Values], name: str, wanted: object) -> bool:
    return any(isinstance(v, Const) and v.value is wanted for v in given.get(name, ()))


def _may_pickle(args: list[Values], given: dict[str, Values]) -> bool:
    values = given.get("allow_pickle") or (args[2] if len(args) > 2 else ())
    return any(isinstance(v, Const) and bool(v.value) for v in values)


def _has_safe_loader(node: ast.Call, given: dict[str, Values], ev: Evaluator) -> bool:
    loaders = given.get("Loader") or (ev.values(node.args[1]) if len(node.args) > 1 else ())
    names = [v.name for v in loaders if isinstance(v, Ref)]
    return bool(names) and all(n.endswith(("SafeLoader", "BaseLoader")) for n in names)


def _python_expression(node: ast.Call, given: dict[str, Values], ev: Evaluator) -> bool:
    """Whether a DataFrame's query may call functions: by its engine, or by the text itself."""
    if any(isinstance(v, Const) and v.value == "python" for v in given.get("engine", ())):
        return True
    texts = [v.value for v in ev.values(node.args[0]) if isinstance(v, Const)]
    return any(isinstance(t, str) and ("__" in t or ("@" in t and "(" in t)) for t in texts)


def _assembled(module: Module, node: ast.AST, values: Values) -> Iterator[Finding]:
    """A dangerous word that is nowhere written, and comes out of an expression."""
    for value in values:
        text = value.value if isinstance(value, Const) else None
        if isinstance(text, str) and text in blocked.WORDS and text not in module.lower_text:
            yield module.finding(
                "SEC004", "warning", node,
                f"`{_shown(node)}` puts the name {text!r} together, {_NOWHERE}",
                blocked.DIRECT,
            )  # fmt: skip


# --------------------------------------------------- what the evaluator met


def _noted(package: Package) -> Iterator[Finding]:
    owners = {id(node): module for module in package.modules for node in module.all_nodes}
    for note in package.evaluator.notes:
        module = owners.get(id(note.node))
        if module is None:
            continue
        if note.kind == "called":
            yield from _called(module, note.node, note.what, package.evaluator)
            continue
        if note.kind == "internal":
            yield from _internal(module, note.node, note.what)
            continue
        severity, message = _UNKNOWN_NAMES[note.kind]
        if note.kind == "namespace" and note.what:
            severity, message = _UNKNOWN_NAMES["name"]
        shown = message.format(what=note.what)
        yield module.finding(
            "SEC004", "error" if severity == "error" else "warning", note.node,
            f"`{_shown(note.node)}`: {shown[0].lower()}{shown[1:]}", blocked.DIRECT,
        )  # fmt: skip


def _called(module: Module, node: ast.AST, name: str, ev: Evaluator) -> Iterator[Finding]:
    """What something else calls: `methodcaller("system", "ls")(os)`."""
    found = blocked_call(name)
    if found is None or not isinstance(node, ast.Call) or Ref(name) in ev.values(node.func):
        return
    yield module.finding(
        found.rule, found.severity, node,
        f"`{name.removeprefix('builtins.')}` (`{_shown(node)}` here) {found.why}", found.instead,
    )  # fmt: skip


def _internal(module: Module, node: ast.AST, name: str) -> Iterator[Finding]:
    if name in blocked.LOOP_METHODS | blocked.EXTENSION_METHODS:
        starts = name in blocked.LOOP_METHODS
        yield module.finding(
            "SEC003" if starts else "SEC008", "error", node,
            f"`{_shown(node)}` looks up {name!r}, which "
            + ("starts processes." if starts else "loads native code."),
            blocked.RUN_TOOL if starts else blocked.PYTHON_PACKAGE,
        )  # fmt: skip
    if name in blocked.INTERNALS | blocked.ODD:
        severity = "error" if name in blocked.INTERNALS else "warning"
        yield module.finding(
            "SEC009", severity, node,  # type: ignore[arg-type]
            f"`{_shown(node)}` looks up {name!r}, a step from one object to all of Python.",
            blocked.WITHOUT,
        )  # fmt: skip


def _not_followed(package: Package) -> Iterator[Finding]:
    """Code that is made so that it cannot be checked is not taken on trust."""
    fix = "Write it plainly: shorter expressions, fewer indirections."
    for path in package.evaluator.too_deep:
        yield Finding("SEC004", "error", "The file is nested too deeply to be checked.", fix, path)
    ev = package.evaluator
    if ev.is_exhausted or ev.cut_short:
        message = "The code is too intricate to be followed: not all of it was checked."
        level: Severity = "error" if ev.is_exhausted else "warning"
        yield Finding("SEC004", level, message, fix, package.modules[0].path)
