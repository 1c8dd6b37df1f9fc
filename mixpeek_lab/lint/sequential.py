"""Batches that are worked through one row at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeAlias

from mixpeek_lab.findings import Finding
from mixpeek_lab.lint.columns import batches, row_iteration
from mixpeek_lab.lint.package import Module, Package

MODEL_CALLS = frozenset(
    {
        "encode", "embed", "embed_query", "embed_documents", "generate", "predict", "transcribe",
        "classify", "rerank", "infer", "run_inference", "forward", "invoke", "complete", "chat",
    }
)  # fmt: skip
"""Methods that run a model or an API."""
_API_MODULES = ("requests.", "httpx.", "openai.", "anthropic.")
_TOKENIZER_CALLS = frozenset({"encode", "tokenize", "encode_plus", "__call__"})
_ROW_ACCESS = frozenset({"iloc", "loc", "iat", "at"})

Loop: TypeAlias = ast.For | ast.comprehension


def row_by_row(package: Package) -> Iterator[Finding]:
    """SEQ001, or SEQ002 where a model or an API is called in the loop."""
    for module in package.modules:
        names = {name for name, _ in batches(module)}
        for holder, loop, what in _row_loops(module, names):
            call = next(_model_calls(holder, module), None)
            if call is not None:
                yield _model_per_row(module, call, what)
            elif what is not None and _touches(holder, loop, names):
                yield module.finding(
                    "SEQ001", "warning", loop.iter,
                    f"{what} goes through the batch row by row.",
                    'Work on whole columns: batch["data"].str.lower(), or '
                    'batch["n"] = [f(x) for x in batch["data"]].',
                )  # fmt: skip
        yield from _applied(module)


def _touches(holder: ast.AST, loop: Loop, names: set[str]) -> bool:
    """Whether a round of a loop over row numbers reads the batch: more than `len(batch)`.

    One that reads results that are there already, in lists and dicts, is no work on rows.
    """
    if _by_row(loop.iter):
        return True
    passed_over = {id(node) for node in ast.walk(loop.iter)}
    for node in ast.walk(holder):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len":
            passed_over |= {id(arg) for arg in node.args}  # itself, not what is read of it
    inside = [node for node in ast.walk(holder) if id(node) not in passed_over]
    return any(
        (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.Attribute) and node.attr in _ROW_ACCESS)
        for node in inside
    )


def _by_row(node: ast.expr) -> bool:
    """`enumerate(batch.iterrows())` and the like: each round has a row."""
    return any(row_iteration(part) for part in ast.walk(node) if isinstance(part, ast.expr))


def _model_per_row(module: Module, call: ast.Call, what: str | None) -> Finding:
    return module.finding(
        "SEQ002", "warning", call,
        f"`{_name_of(call)}` is called once per row{f' of {what}' if what else ''}: "
        "a batch of 64 rows takes 64 calls instead of one.",
        'Call it once: texts = batch["data"].fillna("").tolist(), then encode(texts); '
        "APIs with parallel_io() or concurrent_api_calls().",
    )  # fmt: skip


def _row_loops(module: Module, names: set[str]) -> Iterator[tuple[ast.AST, Loop, str | None]]:
    """Loops with a round per row: node, loop, and how it goes (None over one column's values)."""
    for node in module.nodes(ast.For):
        what = _rows(node.iter, names)
        if what is not None or _is_column(node.iter, names):
            yield node, node, what
    for kind in (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp):
        for comprehension in module.nodes(kind):
            for loop in comprehension.generators:  # type: ignore[attr-defined]
                what = _rows(loop.iter, names)
                if what is not None or _is_column(loop.iter, names):
                    yield comprehension, loop, what


def _rows(node: ast.expr, names: set[str]) -> str | None:
    method = row_iteration(node)
    if method is not None:
        return f"{method}()"
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return None
    if isinstance(node.func, ast.Name) and node.func.id == "enumerate":
        return _rows(node.args[0], names)
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        return f"range(len({found}))" if (found := _length_of(node.args[0], names)) else None
    return None


def _length_of(node: ast.expr, names: set[str]) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        first = node.args[0] if node.args else None
        return first.id if isinstance(first, ast.Name) and first.id in names else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):  # batch.shape[0]
        owner = node.value.value
        is_shape = node.value.attr == "shape" and isinstance(owner, ast.Name)
        return owner.id if is_shape and isinstance(owner, ast.Name) and owner.id in names else None
    return None


def _is_column(node: ast.expr, names: set[str]) -> bool:
    """`batch["data"]`, `batch["data"].tolist()`, `enumerate(batch["data"])`."""
    while isinstance(node, ast.Call):
        is_method = isinstance(node.func, ast.Attribute)
        if not is_method and not (node.args and getattr(node.func, "id", "") == "enumerate"):
            return False
        node = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0]
    owner = node.value if isinstance(node, ast.Subscript) else None
    return isinstance(owner, ast.Name) and owner.id in names


def _applied(module: Module) -> Iterator[Finding]:
    for call in module.nodes(ast.Call):
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "apply":
            continue
        axes = [k.value for k in call.keywords if k.arg == "axis"]
        if any(isinstance(a, ast.Constant) and a.value in (1, "columns") for a in axes):
            yield module.finding(
                "SEQ001", "warning", call,
                "apply(axis=1) goes through the batch row by row.",
                "Work on whole columns.",
            )  # fmt: skip


def _model_calls(holder: ast.AST, module: Module) -> Iterator[ast.Call]:
    parts = holder.body if isinstance(holder, ast.For) else [_result(holder)]
    for part in parts:
        for node in ast.walk(part):
            if isinstance(node, ast.Call) and _is_model_call(node, module):
                yield node


def _result(holder: ast.AST) -> ast.AST:
    if isinstance(holder, ast.DictComp):
        return ast.Tuple([holder.key, holder.value], ast.Load())
    return holder.elt  # type: ignore[attr-defined,no-any-return]


def _is_model_call(call: ast.Call, module: Module) -> bool:
    name = _name_of(call).split(".")[-1]
    if _is_tokenizer(call) or isinstance(getattr(call.func, "value", None), ast.Constant):
        return False
    if isinstance(call.func, ast.Attribute) and name in MODEL_CALLS:
        return not _is_text(call)
    dotted = module.dotted(call.func) or ""
    return name.strip("_") in ("model", "pipe", "pipeline") or dotted.startswith(_API_MODULES)


def _is_text(call: ast.Call) -> bool:
    """`text.encode()` and `text.encode("utf-8")` are strings becoming bytes."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "encode":
        return False
    first = call.args[0] if call.args else None
    return first is None or (isinstance(first, ast.Constant) and isinstance(first.value, str))


def _name_of(call: ast.Call) -> str:
    return ast.unparse(call.func)


# -------------------------------------------------------------- tokenisation


def tokenised_singly(package: Package) -> Iterator[Finding]:
    """SEQ003: a tokenizer that is given a loop's element, once per round."""
    for module in package.modules:
        seen: set[int] = set()
        for loop, names, body in _loops(module):
            for part in body:
                for node in ast.walk(part):
                    if id(node) in seen or not isinstance(node, ast.Call):
                        continue
                    if _is_tokenizer(node) and any(_is_element(a, names) for a in node.args[:1]):
                        seen.add(id(node))
                        yield module.finding(
                            "SEQ003", "warning", node,
                            f"`{_name_of(node)}` is given one text per round of the loop in line "
                            f"{getattr(loop, 'lineno', node.lineno)}.",
                            "Give it the list: tokenizer(texts, padding=True, truncation=True).",
                        )  # fmt: skip


def _loops(module: Module) -> Iterator[tuple[ast.AST, set[str], list[ast.AST]]]:
    for node in module.nodes(ast.For):
        yield node, _names(node.target), list(node.body)
    for kind in (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp):
        for found in module.nodes(kind):
            targets = [g.target for g in found.generators]  # type: ignore[attr-defined]
            yield found, {n for t in targets for n in _names(t)}, [_result(found)]


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _is_tokenizer(call: ast.Call) -> bool:
    owner = call.func
    if isinstance(owner, ast.Attribute) and owner.attr in _TOKENIZER_CALLS:
        owner = owner.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return name.strip("_").lower() in ("tokenizer", "tok") or name.lower().endswith("_tokenizer")


def _is_element(node: ast.expr, names: set[str]) -> bool:
    """One element: the loop's own variable, a part of it, or the element at its index."""
    if isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        return any(_is_element(a, names) for a in (inner, *node.args[:1]) if a is not None)
    if isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Slice):
            return False
        return _is_element(node.value, names) or _is_element(node.slice, names)
    if isinstance(node, ast.Attribute):
        return _is_element(node.value, names)
    return (
        isinstance(node, ast.Name)
        and node.id in names
        and not node.id.startswith(("batch", "chunk"))
    )
