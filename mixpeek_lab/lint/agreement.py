"""Whether processor, realtime.py and manifest speak of the same vectors and the same model."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.lint.names import Const, Ref, Values
from mixpeek_lab.lint.package import Module, Package
from mixpeek_lab.roles import methods

REALTIME = "realtime.py"
GENERAL_KEYS = ("embedding", "embeddings", "vector")
"""Keys of an answer that are taken for any vector index."""
ENTRIES = ("infer", "run_inference", "predict", "_process_single", "__call__")
LOADERS = frozenset(
    {
        "SentenceTransformer", "SparseEncoder", "CrossEncoder", "from_pretrained",
        "prefetch_hf_model", "snapshot_download", "hf_hub_download", "TextEmbedding",
        "load_hf_model", "FlagModel", "BGEM3FlagModel", "pipeline", "get_batch_service",
    }
)  # fmt: skip
"""Functions and classes that are given a model's name."""
MODEL_KEYWORDS = frozenset(
    {"model_name_or_path", "pretrained_model_name_or_path", "model", "model_name", "model_id",
     "repo_id", "hf_model_name"}
)  # fmt: skip


# ------------------------------------------------------------------- answers


def answers(package: Package) -> Iterator[Finding]:
    """AGR001: a service that returns dicts in which feature_search finds no vector."""
    module = package.module(REALTIME)
    wanted = _vectors(package)
    manifest = package.reading.manifest
    if module is None or not wanted or manifest is None:
        return
    if manifest.inference_type not in (None, "embedding"):
        return
    for node in module.nodes(ast.ClassDef):
        role = module.roles.get(node.name)
        if role is not None and role.role == "service":
            yield from _service(module, node, wanted, package)


def _vectors(package: Package) -> tuple[str, ...]:
    manifest = package.reading.manifest
    return tuple(f.feature_name for f in manifest.vectors) if manifest else ()


def _service(
    module: Module, node: ast.ClassDef, wanted: tuple[str, ...], package: Package
) -> Iterator[Finding]:
    for name, method in methods(node).items():
        returned = [r for r in _returns(method) if r.value is not None]
        keys = [_keys(r.value, package) for r in returned]
        if name not in ENTRIES or not keys or any(k is None for k in keys):
            continue
        if any(_mentions_index(part) for part in ast.walk(method)):
            continue  # it answers for the one vector that it is asked for
        given = {key for part in keys for key in part or ()}
        yield from _missing(module, returned[0], given, wanted)


def _missing(
    module: Module, place: ast.Return, given: set[str], wanted: tuple[str, ...]
) -> Iterator[Finding]:
    without = [n for n in wanted if not given & {n, f"{n}_embedding"}]
    if not without or (len(wanted) == 1 and given & set(GENERAL_KEYS)):
        return
    shown = ", ".join(map(repr, sorted(given))) or "nothing"
    keys = ", ".join(f'"{name}": […]' for name in without)
    yield module.finding(
        "AGR001", "warning", place,
        f"The answer has {shown}, but no vector for {', '.join(map(repr, without))}.",
        f"Return {{{keys}}}." if len(wanted) > 1 else 'Return {"embedding": […]}.',
    )  # fmt: skip


def _returns(method: ast.AST) -> Iterator[ast.Return]:
    for child in ast.iter_child_nodes(method):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _returns(child)


def _keys(node: ast.expr | None, package: Package) -> set[str] | None:
    """The keys of a dict literal; None where it is none, or its text does not tell them."""
    if not isinstance(node, ast.Dict):
        return None
    found: set[str] = set()
    for key in node.keys:
        texts = _texts(package.evaluator.values(key)) if key is not None else None
        if texts is None:
            return None
        found |= texts
    return found


def _texts(values: Values) -> set[str] | None:
    found = {v.value for v in values if isinstance(v, Const) and isinstance(v.value, str)}
    return found if found and len(found) == len(values) else None


def _mentions_index(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == "vector_index"


# ------------------------------------------------------------------- columns


def written_columns(package: Package) -> Iterator[Finding]:
    """AGR002: a vector of the manifest whose column no code names."""
    sides = [m for m in package.modules if m.path not in ("manifest.py", REALTIME)]
    processors = [
        (module, node)
        for module in sides
        for node in module.nodes(ast.ClassDef)
        if (role := module.roles.get(node.name)) is not None and role.role == "processor"
    ]
    if len(processors) != 1 or package.broken:
        return  # none, or several that share the work
    named: set[str] = set()
    for module in sides:
        texts = _named_in(module, package)
        if texts is None:
            return
        named |= texts
    module, place = processors[0]
    for name in _vectors(package):
        if not named & {name, f"{name}_embedding"}:
            yield module.finding(
                "AGR002", "warning", place,
                f"The manifest promises the vector {name!r}, and no column of this name is "
                "written: the collection would hold 0 vectors.",
                f'Write batch["{name}"] = vectors.',
            )  # fmt: skip


def _named_in(module: Module, package: Package) -> set[str] | None:
    """Everything that could be a column's name; None where some are computed."""
    found = {n.value for n in module.nodes(ast.Constant) if isinstance(n.value, str)}
    found |= {k.arg for call in module.nodes(ast.Call) for k in call.keywords if k.arg}
    if any(k.arg is None for call in module.nodes(ast.Call) for k in call.keywords):
        return None
    for node in module.nodes(ast.Subscript):
        if not isinstance(node.ctx, ast.Store) or isinstance(node.slice, ast.Constant):
            continue
        texts = _texts(package.evaluator.values(node.slice))
        if texts is None:
            return None
        found |= texts
    return found


# -------------------------------------------------------------------- models


def models(package: Package) -> Iterator[Finding]:
    """AGR003: another model in realtime.py than in the processor; AGR004: normalised here only."""
    realtime = package.module(REALTIME)
    batch = [
        m for m in package.modules
        if m.path == "pipeline.py" or m.path.startswith("processors/")
    ]  # fmt: skip
    if realtime is None or not batch:
        return
    ours = [found for module in batch for found in _loaded(module, package)]
    theirs = list(_loaded(realtime, package))
    known, queried = {_plain(name) for _, name in ours}, {_plain(name) for _, name in theirs}
    if known and queried and not known & queried:
        call, name = theirs[0]
        other = ", ".join(sorted({repr(name) for _, name in ours}))
        yield realtime.finding(
            "AGR003", "warning", call,
            f"Queries are embedded with {name!r}, the documents with {other}: "
            "their vectors cannot be compared.",
            "Put the name into manifest.py as MODEL, and import it on both sides.",
        )  # fmt: skip
        return
    yield from _normalised(realtime, batch, package)


def _loaded(module: Module, package: Package) -> Iterator[tuple[ast.Call, str]]:
    for call in module.nodes(ast.Call):
        if id(call.func) not in package.evaluator.known:
            continue
        names = {v.name for v in package.evaluator.values(call.func) if isinstance(v, Ref)}
        if not any(name.rsplit(".", 1)[-1] in LOADERS for name in names):
            continue
        is_pipeline = any(name.endswith(".pipeline") for name in names)
        given = [k.value for k in call.keywords if k.arg in MODEL_KEYWORDS]
        first = [] if is_pipeline else call.args[:1]
        for part in given or first:
            for text in _texts(package.evaluator.values(part)) or ():
                yield call, text


def _plain(name: str) -> str:
    return name.lower().removeprefix("sentence-transformers/").rstrip("/")


def _normalised(realtime: Module, batch: list[Module], package: Package) -> Iterator[Finding]:
    sides = [[call for m in side for call in _encodes(m)] for side in (batch, [realtime])]
    flags = [{_normalises(call, package) for call in side} for side in sides]
    if any(len(flag) != 1 or None in flag for flag in flags) or flags[0] == flags[1]:
        return
    if any("normalize(" in m.text or "linalg.norm" in m.text for m in (*batch, realtime)):
        return
    manifest = package.reading.manifest
    is_cosine = manifest is None or all(f.distance_metric == "cosine" for f in manifest.vectors)
    severity: Severity = "info" if is_cosine else "warning"
    where = "the processor" if True in flags[0] else "realtime.py"
    yield realtime.finding(
        "AGR004", severity, sides[1][0],
        f"Vectors are normalised in {where} only.",
        "Pass normalize_embeddings=True on both sides.",
    )  # fmt: skip


def _encodes(module: Module) -> Iterator[ast.Call]:
    for call in module.nodes(ast.Call):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        name = getattr(owner, "attr", getattr(owner, "id", ""))
        if owner is not None and call.func.attr == "encode" and "model" in name.lower():  # type: ignore[attr-defined]
            yield call


def _normalises(call: ast.Call, package: Package) -> bool | None:
    for keyword in call.keywords:
        if keyword.arg is None:
            return None
        if keyword.arg == "normalize_embeddings":
            values = package.evaluator.values(keyword.value)
            known = [v.value for v in values if isinstance(v, Const)]
            return bool(known[0]) if len(known) == len(values) == 1 else None
    return False
