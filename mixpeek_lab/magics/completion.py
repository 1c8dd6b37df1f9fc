"""Tab completion after a magic: actions, names of what there is, variables, files, options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import LabError
from mixpeek_lab.evaluation import CORRECTIONS
from mixpeek_lab.magics.collections import COLLECTION_ACTIONS
from mixpeek_lab.magics.completion_bodies import (
    addresses,
    is_address,
    is_json,
    json_words,
    manifest_keys,
    stage_parameters,
)
from mixpeek_lab.magics.completion_words import as_word, fitting_names, words_of
from mixpeek_lab.magics.extractors import ACTIONS
from mixpeek_lab.magics.retrievers import RETRIEVER_ACTIONS
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Names = Callable[[list[str]], Iterable[str]]
"""The complete words after the magic → what may follow."""

_COLUMN_OPTIONS = ("--text", "--blob", "--key")
"""Options of %bucket that take a column's name."""
IDENTIFIER = "mixpeek_lab.magics"
FILES = ("manifest.py", "pipeline.py", "processors/core.py", "realtime.py")
RETRIEVER_KEYS = (
    "collection:", "searches:", "feature:", "lexical: true", "weight:", "top_k:", "filters:",
    "fusion:", "group_by:", "limit:", "stages:", "on_error: skip", "rrf", "dbsf", "weighted", "max",
)  # fmt: skip

_LINE = re.compile(r"^\s*(?:[\w\s,.\[\]]+=\s*)?(?P<mark>%%?)(?P<magic>\w+)\s+(?P<rest>.*)$")
_CELL = re.compile(r"^\s*%%(\w+)")


def install(shell: InteractiveShell) -> None:
    """Let Tab complete what follows our magics."""
    from IPython.core.completer import context_matcher

    @context_matcher(identifier=IDENTIFIER, priority=1000)
    def match(context: Any) -> dict[str, Any]:
        return _result(shell, context)

    remove(shell)
    shell.Completer.custom_matchers.append(match)


def remove(shell: InteractiveShell) -> None:
    """Take the completion away."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != IDENTIFIER]


def _result(shell: InteractiveShell, context: Any) -> dict[str, Any]:
    from IPython.core.completer import SimpleCompletion

    try:
        names = _names(shell, context)
    except LabError:
        names = []
    fitting = fitting_names(names, context.text_until_cursor, context.token)
    return {
        "completions": [SimpleCompletion(name, type="magic") for name in fitting],
        "suppress": bool(fitting) and not _is_python(context),
        "ordered": True,
    }


def _names(shell: InteractiveShell, context: Any) -> Iterable[str]:
    cell = _CELL.match(context.full_text)
    if cell and context.cursor_line:
        return _body(cell[1], context)
    line = _LINE.match(context.text_until_cursor)
    if line is None or line["magic"] not in _LINES:
        return []
    return map(as_word, _line(shell, line, context.token))


def _line(shell: InteractiveShell, line: re.Match[str], token: str) -> Iterable[str]:
    words = words_of(line["rest"])
    magic = line["mark"].removeprefix("%") + line["magic"]
    if token.startswith("--"):
        return _options(shell, line["magic"])
    if magic == "bucket" and words and words[-1] in _COLUMN_OPTIONS:
        return _columns(shell, words)
    if words and words[-1] in _VALUES:
        return _VALUES[words[-1]]()
    if magic == "bucket" and len(words) == 1 and words[0] != "delete":
        return _variables(shell)
    return _LINES.get(magic, _LINES[line["magic"]])(words)


def _body(magic: str, context: Any) -> Iterable[str]:
    if magic == "extractor":
        return manifest_keys() if context.token else []
    if magic != "retriever":
        return _BODIES.get(magic, list)()
    found = addresses(context.text_until_cursor, context.token)
    if is_address(context.text_until_cursor):
        return found
    above = context.full_text.split("\n")[1 : context.cursor_line]
    known = [*stage_parameters(above), *_BODIES[magic](), *found]
    return json_words(known) if is_json(context.full_text) else known


def _is_python(context: Any) -> bool:
    """Whether the cursor is in a body that the other completers know more about."""
    cell = _CELL.match(context.full_text)
    return bool(cell and context.cursor_line and cell[1] == "extractor")


def _options(shell: InteractiveShell, magic: str) -> list[str]:
    parser = getattr(shell.find_line_magic(magic), "parser", None)
    return sorted(o for o in parser._option_string_actions if o.startswith("--")) if parser else []


def _variables(shell: InteractiveShell) -> list[str]:
    """Names of the user's lists and DataFrames."""
    return sorted(
        name
        for name, value in shell.user_ns.items()
        if name[0] != "_"
        and name not in shell.user_ns_hidden
        and (isinstance(value, list | tuple) or hasattr(value, "to_dict"))
    )


def _columns(shell: InteractiveShell, words: list[str]) -> list[str]:
    """The columns of the DataFrame or list of dicts that a %bucket line names."""
    values = [shell.user_ns.get(word) for word in words[1:2]]
    frames = [list(value.columns) for value in values if hasattr(value, "columns")]
    dicts = [list(v[0]) for v in values if isinstance(v, list) and v and isinstance(v[0], dict)]
    return [str(name) for names in (*frames, *dicts) for name in names]


def _extractors() -> list[str]:
    return [record.manifest.name for record in current_lab().extractors()]


def _buckets() -> list[str]:
    return [bucket.name for bucket in current_lab().buckets()]


def _collections() -> list[str]:
    return [collection.name for collection in current_lab().collections()]


def _features() -> list[str]:
    records = current_lab().extractors()
    return [feature.feature_name for record in records for feature in record.manifest.vectors]


def _retrievers() -> list[str]:
    return [record.name for record in current_lab().retrievers()]


def _extractor_line(words: list[str]) -> Iterable[str]:
    if not words:
        return ACTIONS
    if len(words) == 1:
        return _extractors() if words[0] not in ("list", "load") else []
    wants_ref = {"diff": (2, 3), "checkout": (2,), "tag": (3,)}.get(words[0], ())
    return current_lab().versions.refs(words[1]) if len(words) in wants_ref else []


def _extractor_cell(words: list[str]) -> Iterable[str]:
    if not words:
        return _extractors()
    return FILES if len(words) == 1 else []


def _stage_keys() -> list[str]:
    from mixpeek_lab.retrievers import AVAILABLE

    return [f"{stage_id}:" for stage_id in AVAILABLE]


def _retriever_line(words: list[str]) -> Iterable[str]:
    if not words:
        return [*_retrievers(), *RETRIEVER_ACTIONS]
    named = {"stages": _stages, "export": _retrievers, "delete": _retrievers}
    return named[words[0]]() if len(words) == 1 and words[0] in named else []


def _stages() -> list[str]:
    from mixpeek_lab.retrievers import stage_definitions

    return [each["stage_id"] for each in stage_definitions()]


def _evaluate_line(words: list[str]) -> Iterable[str]:
    if not words:
        return [*_retrievers(), "list", "show", "compare"]
    is_run = words[0] == "compare" or (words[0] == "show" and len(words) == 1)
    return _runs() if is_run else []


def _runs() -> list[str]:
    return list(dict.fromkeys(each.name for each in current_lab().evaluations.list()))


def _process(words: list[str]) -> Iterable[str]:
    """Sources, then an extractor, then nothing."""
    extractors = list(_extractors())
    if len(words) > 1 and words[-1] in extractors:
        return []
    sources = [name for name in (*_buckets(), *_collections()) if name not in words]
    return [*sources, *extractors] if words else sources


def _bucket_line(words: list[str]) -> Iterable[str]:
    if not words:
        return [*_buckets(), "delete"]
    return _buckets() if words == ["delete"] else []


def _collection_line(words: list[str]) -> Iterable[str]:
    if not words:
        return [*_collections(), *COLLECTION_ACTIONS]
    return _collections() if words == ["delete"] else []


def _first(names: Callable[[], Iterable[str]]) -> Names:
    return lambda words: [] if words else names()


_LINES: dict[str, Names] = {
    "lab": _first(lambda: ["start", "status", "stop"]),
    "extractor": _extractor_line,
    "%extractor": _extractor_cell,
    "bucket": _bucket_line,
    "collection": _collection_line,
    "process": _process,
    "retriever": _retriever_line,
    "%retriever": _first(_retrievers),
    "search": _first(_retrievers),
    "playground": _first(_retrievers),
    "evaluate": _evaluate_line,
    "inspect": lambda _: current_lab().tables(),
    "embedding_map": lambda words: (_collections, _features, list)[min(len(words), 2)](),
    "explore": lambda _: current_lab().tables(),
}

_BODIES: dict[str, Callable[[], Iterable[str]]] = {
    "inspect": lambda: current_lab().tables(),
    "explore": lambda: current_lab().tables(),
    "retriever": lambda: [*RETRIEVER_KEYS, *_collections(), *_features(), *_stage_keys()],
}

_VALUES: dict[str, Callable[[], Iterable[str]]] = {
    "--into": _collections,
    "--engine": lambda: ["kernel", "ray"],
    "--method": lambda: ["pca", "umap", "tsne"],
    "--analyzer": lambda: ["english", "plain"],
    "--compare": _runs,
    "--correction": lambda: CORRECTIONS,
}
