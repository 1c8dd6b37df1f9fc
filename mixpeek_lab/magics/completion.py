"""Tab completion after a magic: actions, names of what there is, files, options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import LabError
from mixpeek_lab.magics.extractors import ACTIONS
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Names = Callable[[list[str]], list[str]]

FILES = ("manifest.py", "pipeline.py", "processors/core.py", "realtime.py")


def install(shell: InteractiveShell) -> None:
    """Let Tab complete what follows our magics."""
    for magic in _NAMES:
        for prefix in ("%", "%%"):
            shell.set_hook("complete_command", complete, str_key=prefix + magic)


def remove(shell: InteractiveShell) -> None:
    """Take the completers away."""
    table = shell.strdispatchers["complete_command"].strs
    for magic in _NAMES:
        for prefix in ("%", "%%"):
            table.pop(prefix + magic, None)


def complete(shell: InteractiveShell, event: Any) -> list[str]:
    """What fits at the cursor, after the words before it; IPython filters by what is typed."""
    words = event.text_until_cursor.split()
    typed = "" if event.text_until_cursor.endswith((" ", "\t")) else words.pop()
    if not words:
        return []
    is_cell = words[0].startswith("%%")
    magic = words[0].lstrip("%")
    if typed.startswith("--"):
        return _options(shell, magic, "cell" if is_cell else "line")
    try:
        return _after_option(words) or _NAMES[magic](["%%" if is_cell else "%", *words[1:]])
    except LabError:
        return []


def _options(shell: InteractiveShell, magic: str, kind: str) -> list[str]:
    function = shell.find_magic(magic, kind)
    parser = getattr(function, "parser", None)
    return sorted(parser._option_string_actions) if parser is not None else []


def _after_option(words: list[str]) -> list[str]:
    values = _VALUES.get(words[-1])
    return values() if values else []


def _extractors() -> list[str]:
    return [record.manifest.name for record in current_lab().extractors()]


def _extractor(words: list[str]) -> list[str]:
    kind, *rest = words
    if kind == "%%":
        return (_extractors() if not rest else list(FILES)) if len(rest) < 2 else []
    if not rest:
        return list(ACTIONS)
    return _extractors() if len(rest) == 1 and rest[0] not in ("list", "load") else []


def _buckets(words: list[str]) -> list[str]:
    return [bucket.name for bucket in current_lab().buckets()] if len(words) == 1 else []


def _process(words: list[str]) -> list[str]:
    return _buckets(words) if len(words) < 2 else _extractors() if len(words) == 2 else []


def _retrievers(words: list[str]) -> list[str]:
    return [record.name for record in current_lab().retrievers()] if len(words) == 1 else []


def _collections() -> list[str]:
    return [collection.name for collection in current_lab().collections()]


_NAMES: dict[str, Names] = {
    "lab": lambda words: ["start", "status", "stop"] if len(words) == 1 else [],
    "extractor": _extractor,
    "bucket": _buckets,
    "process": _process,
    "retriever": lambda words: [*_retrievers(words), *(["list"] if words == ["%"] else [])],
    "search": _retrievers,
    "playground": _retrievers,
    "inspect": lambda _: list(current_lab().tables()),
}

_VALUES: dict[str, Callable[[], list[str]]] = {
    "--into": _collections,
    "--engine": lambda: ["kernel", "ray"],
    "--analyzer": lambda: ["english", "plain"],
}
