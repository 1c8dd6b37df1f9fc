"""The docstrings of the installed Python packages, as a corpus of some thousands of documents.

Sources are found on the import path and parsed; nothing is imported or run.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from itertools import islice
from pathlib import Path
from typing import Literal, TypedDict

from mixpeek_lab.corpora.prose import prose
from mixpeek_lab.errors import NotFoundError

DEFAULT_PACKAGES: tuple[str, ...] = (
    "pandas", "numpy", "pydantic", "sentence_transformers", "duckdb", "pyarrow", "fastapi",
    "httpx", "ipywidgets", "traitlets", "bm25s",
    "argparse", "asyncio", "collections", "concurrent", "contextlib", "dataclasses", "datetime",
    "email", "functools", "http", "inspect", "json", "logging", "pathlib", "random", "re",
    "shutil", "socket", "sqlite3", "statistics", "subprocess", "tempfile", "threading",
    "typing", "unittest", "urllib", "zipfile",
)  # fmt: skip
"""Packages of every installation of the lab, then modules of the standard library."""

MINIMUM_WORDS = 10
_SKIPPED_PARTS = frozenset(
    {"tests", "test", "testing", "_testing", "conftest.py", "_vendor", "experimental"}
    | {"_typing", "distutils", "f2py", "v1"}
)
"""Folders and files of packages that few would look up: tests, copies, build tools."""
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Docstring(TypedDict):
    """One document: the description of a module, class or function."""

    id: str
    """`pandas.core.frame:DataFrame.merge`; for a module its name alone."""
    text: str
    """The description in plain words: no parameter lists, examples or markup."""
    title: str
    """`DataFrame.merge`; for a module its name."""
    package: str
    module: str
    kind: Literal["module", "class", "function"]
    """Methods are functions."""
    lines: int
    """Lines of the docstring as it stands in the source."""


def docstrings(
    limit: int | None = None, packages: Sequence[str] = DEFAULT_PACKAGES
) -> list[Docstring]:
    """The first `limit` docstrings of `packages`; all of them when `limit` is None.

    The packages take turns, so that a small sample holds some of each; a larger limit gives the
    same records and then more. Texts are unique and at least ten words long. The default
    gives about 4,000 records in some seconds; which ones depends on the installed versions.

    Raises NotFoundError for a package that is not installed.
    """
    return list(islice(iter_docstrings(packages), limit))


def iter_docstrings(packages: Sequence[str] = DEFAULT_PACKAGES) -> Iterator[Docstring]:
    """The same records one by one; files are parsed as they are needed."""
    files = {package: _source_files(package) for package in packages}
    seen: set[str] = set()
    for record in _in_turn([_package_docstrings(name, found) for name, found in files.items()]):
        if record["text"] not in seen and record["id"] not in seen:
            seen.update((record["text"], record["id"]))
            yield record


def _in_turn(iterators: list[Iterator[Docstring]]) -> Iterator[Docstring]:
    """One record of each iterator, then the next of each, until all are empty."""
    while iterators:
        alive = []
        for iterator in iterators:
            record = next(iterator, None)
            if record is not None:
                yield record
                alive.append(iterator)
        iterators = alive


def _source_files(package: str) -> list[tuple[str, Path]]:
    """(module name, file) of each module of `package`, in order of the paths."""
    spec = PathFinder.find_spec(package)
    if spec is None:
        raise NotFoundError("installed package", package, DEFAULT_PACKAGES)
    if spec.submodule_search_locations is None:
        origin = spec.origin or ""
        return [(package, Path(origin))] if origin.endswith(".py") else []
    return [
        (_module_name(package, path.relative_to(folder)), path)
        for folder in map(Path, spec.submodule_search_locations)
        for path in sorted(folder.rglob("*.py"))
        if _SKIPPED_PARTS.isdisjoint(path.relative_to(folder).parts)
    ]


def _module_name(package: str, path: Path) -> str:
    parts = [package, *path.with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _package_docstrings(package: str, files: list[tuple[str, Path]]) -> Iterator[Docstring]:
    for module, path in files:
        for title, kind, docstring in _described(_parse(path), module):
            text = prose(docstring)
            if len(text.split()) >= MINIMUM_WORDS:
                yield Docstring(
                    id=module if kind == "module" else f"{module}:{title}",
                    text=text,
                    title=title,
                    package=package,
                    module=module,
                    kind=kind,
                    lines=len(docstring.splitlines()),
                )


def _parse(path: Path) -> ast.Module:
    """The file's syntax tree; an empty one for a file that this Python cannot read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's code
        try:
            return ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return ast.Module([], [])


def _described(
    tree: ast.Module, module: str
) -> Iterator[tuple[str, Literal["module", "class", "function"], str]]:
    """(title, kind, docstring) of the module and of its public definitions, in order."""
    text = ast.get_docstring(tree)
    if text and not module.rpartition(".")[2].startswith("_"):
        yield module, "module", text
    for title, node in _definitions(tree, ""):
        text = ast.get_docstring(node)
        if text:
            yield title, "class" if isinstance(node, ast.ClassDef) else "function", text


def _definitions(
    parent: ast.Module | ast.ClassDef, prefix: str
) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """(qualified name, node) of public classes, functions and methods, in order."""
    for node in parent.body:
        if isinstance(node, _DEFINITIONS) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node, f"{prefix}{node.name}.")
