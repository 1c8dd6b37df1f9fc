"""Tab completion of names after a magic: extractors, buckets, collections, retrievers, actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mixpeek_lab.magics.extractors import ACTIONS
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Names = Callable[[list[str]], list[str]]


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


def complete(_: Any, event: Any) -> list[str]:
    """The names that fit the words before the cursor; IPython filters them by what is typed."""
    words = event.line[: len(event.line)].split()
    if event.symbol and words and words[-1] == event.symbol:
        words = words[:-1]
    magic = words[0].lstrip("%")
    names = _NAMES[magic](words[1:])
    return [name for name in names if name.startswith(event.symbol or "")]


def _extractor(words: list[str]) -> list[str]:
    if not words:
        return [*ACTIONS, *_extractors()]
    return _extractors() if len(words) == 1 and words[0] in ACTIONS else []


def _extractors() -> list[str]:
    return [record.manifest.name for record in current_lab().extractors()]


def _buckets() -> list[str]:
    return [bucket.name for bucket in current_lab().buckets()]


def _process(words: list[str]) -> list[str]:
    options = ["--into", "--param", "--analyzer", "--index", "--engine"]
    return (_buckets, _extractors, lambda: options)[min(len(words), 2)]()


def _retriever(words: list[str]) -> list[str]:
    return [] if words else [record.name for record in current_lab().retrievers()]


_NAMES: dict[str, Names] = {
    "lab": lambda words: [] if words else ["start", "status", "stop"],
    "extractor": _extractor,
    "bucket": lambda words: [] if words else _buckets(),
    "process": _process,
    "retriever": lambda words: [*_retriever(words), *([] if words else ["list"])],
    "search": _retriever,
    "playground": _retriever,
    "inspect": lambda _: list(current_lab().tables()),
}
