"""Which columns of its batch a processor reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mixpeek_lab.findings import Finding
from mixpeek_lab.lint.package import Module, Package
from mixpeek_lab.manifests.namespace import read_namespace
from mixpeek_lab.manifests.values import Table
from mixpeek_lab.roles import methods

PROPERTY_COLUMNS = frozenset(
    {
        "text", "content", "body", "document", "image", "image_url", "video", "video_url", "audio",
        "audio_url", "pdf", "pdf_url", "url", "source_url", "file", "file_url",
    }
)  # fmt: skip
"""What people take the content's column to be called."""
COLUMNS = frozenset(
    {
        "data", "document_id", "object_id", "blob_type", "blob_property", "mime_type", "blob_id",
        "collection_id", "feature_extractor_id", "size_bytes",
    }
)  # fmt: skip
"""The columns that a batch has."""


def wrong_columns(package: Package) -> Iterator[Finding]:
    """COL001: reading a column named after a blob property, where content is in `data`."""
    made = {name for module in package.modules for name in _assigned_columns(module)}
    properties = (PROPERTY_COLUMNS | _declared_inputs(package)) - made - COLUMNS
    for module in package.modules:
        for batch, method in batches(module):
            asked_for = set(_asked_for(method, batch))
            for node, column in _reads(method, batch):
                if column in properties - asked_for:
                    yield module.finding(
                        "COL001", "warning", node,
                        f"There is no column `{column}`: the content of every blob is in `data`, "
                        "whatever its property is called.",
                        f'Read {batch}["data"].',
                    )  # fmt: skip


def _declared_inputs(package: Package) -> set[str]:
    """The names that the manifest's `input_mappings` and input schema give to what comes in."""
    module = package.module("manifest.py")
    if module is None:
        return set()
    values = read_namespace(module.tree).values
    mappings = values.get("input_mappings")
    found = {str(k.value) for k, _ in mappings.entries} if isinstance(mappings, Table) else set()
    schema = package.reading.input_schema
    for node in module.nodes(ast.ClassDef):
        if node.name == schema:
            fields = [n.target for n in node.body if isinstance(n, ast.AnnAssign)]
            found |= {field.id for field in fields if isinstance(field, ast.Name)}
    return found


def batches(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """The methods of processors that take a batch, with their name for it."""
    for node in module.nodes(ast.ClassDef):
        role = module.roles.get(node.name)
        for name, method in methods(node).items():
            arguments = [*method.args.posonlyargs, *method.args.args]
            is_entry = name in ("__call__", "process") and role and role.role == "processor"
            if is_entry and len(arguments) > 1:
                yield arguments[1].arg, method


def _reads(method: ast.AST, batch: str) -> Iterator[tuple[ast.AST, str]]:
    owners = {batch, *_row_names(method, batch)}
    for node in ast.walk(method):
        getter = node.func if isinstance(node, ast.Call) else node
        if not isinstance(getter, ast.Subscript | ast.Attribute):
            continue
        if not isinstance(getter.ctx, ast.Load) or not _is_one_of(getter.value, owners):
            continue
        if not isinstance(node, ast.Call):
            yield from _read_by(getter)
        elif isinstance(getter, ast.Attribute) and getter.attr == "get" and not _or_data(node):
            yield from (found for arg in node.args[:1] for found in _constant(node, arg))


def _asked_for(method: ast.AST, batch: str) -> Iterator[str]:
    """The columns that the method looks for before it reads them: `"text" in batch.columns`."""
    owners = {batch, *_row_names(method, batch)}
    for node in ast.walk(method):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            names = [n for n in ast.walk(node.comparators[0]) if isinstance(n, ast.expr)]
            if any(_is_one_of(name, owners) for name in names):
                yield from (column for _, column in _constant(node, node.left))


def _or_data(call: ast.Call) -> bool:
    """`batch.get("text", batch["data"])`: what is not there is taken from `data`."""
    default = [*call.args[1:], *(k.value for k in call.keywords if k.arg == "default")]
    parts = [part for given in default for part in ast.walk(given)]
    return any(isinstance(part, ast.Constant) and part.value == "data" for part in parts)


def _read_by(node: ast.Subscript | ast.Attribute) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Subscript):
        yield from _constant(node, node.slice)
    else:
        yield node, node.attr


def _row_names(method: ast.AST, batch: str) -> set[str]:
    """The loop variables of `for i, row in batch.iterrows()` and `itertuples()`."""
    found: set[str] = set()
    for node in ast.walk(method):
        if isinstance(node, ast.For | ast.comprehension) and row_iteration(node.iter, batch):
            names = [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)]
            found.update(names[-1:])
    return found


def row_iteration(node: ast.expr, batch: str | None = None) -> str | None:
    """`iterrows` or `itertuples` where the expression calls it (on `batch`, if that is given)."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr not in ("iterrows", "itertuples"):
        return None
    return node.func.attr if batch is None or _is_one_of(node.func.value, {batch}) else None


def _is_one_of(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _constant(place: ast.AST, node: ast.expr) -> Iterator[tuple[ast.AST, str]]:
    parts = node.elts if isinstance(node, ast.List) else [node]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield place, part.value


def _assigned_columns(module: Module) -> Iterator[str]:
    for node in module.nodes(ast.Subscript):
        if isinstance(node.ctx, ast.Store):
            yield from (column for _, column in _constant(node, node.slice))
    for call in module.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("assign", "rename"):
            yield from (keyword.arg for keyword in call.keywords if keyword.arg)
            yield from _renamed(call)


def _renamed(call: ast.Call) -> Iterator[str]:
    for node in ast.walk(call):
        if isinstance(node, ast.Dict):
            for value in node.values:
                yield from (column for _, column in _constant(node, value))
