"""Text files of a folder or a glob."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.workbench.values import clean_text

TEXT_SUFFIXES = frozenset((
    ".txt", ".md", ".markdown", ".rst", ".html", ".htm", ".xml", ".json", ".yaml", ".yml", ".toml",
    ".csv", ".tsv", ".tex", ".log", ".py", ".ipynb", ".js", ".ts", ".css", ".java", ".c", ".h",
    ".cpp", ".hpp", ".go", ".rs", ".rb", ".sh", ".sql", ".r", ".jl",
))  # fmt: skip
MOST_KINDS = 5
"""Kinds of unread files that a note counts one by one."""
MIME_TYPES = {".html": "text/html", ".htm": "text/html", ".md": "text/markdown", ".csv": "text/csv"}


NOT_UTF8 = "not in UTF-8"
NO_SUFFIX = "without a suffix"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file below the folder that was asked for."""

    path: str
    """Relative to that folder, with `/`."""
    folder: str
    suffix: str
    mime_type: str
    text: str


def read_text_files(pattern: str) -> tuple[list[TextFile], tuple[str, ...]]:
    """The text files of a folder or glob, by path, and a note on the files that are not text.

    Hidden files and folders are left alone. InvalidInputError where there is none.
    """
    root, paths = _find_files(pattern)
    found, skipped = [], {}
    for path in paths:
        text = _read_text(path)
        inside = path.relative_to(root)
        if text is None:
            skipped[clean_text(inside.as_posix())] = _kind(path)
            continue
        kind = MIME_TYPES.get(path.suffix.lower(), "text/plain")
        found.append(
            TextFile(
                clean_text(inside.as_posix()),
                clean_text(inside.parent.as_posix()),
                path.suffix,
                kind,
                text,
            )
        )
    if not found:
        raise InvalidInputError(
            f"{pattern!r} holds {_files(len(paths))}, none of them text. "
            "This version reads text files; images, audio and video come with a later one."
        )
    return found, (_left_out(skipped),) if skipped else ()


def _left_out(skipped: Mapping[str, str]) -> str:
    """How many files were not read, of which kinds, and two of them. `skipped`: path → kind."""
    kinds = Counter(skipped.values()).most_common()
    counts = ", ".join(f"{count:,} {clean_text(kind)}" for kind, count in kinds[:MOST_KINDS])
    others = sum(count for _, count in kinds[MOST_KINDS:])
    if others:
        counts += f", {others:,} of other kinds"
    were = "was" if len(skipped) == 1 else "were"
    examples = ", ".join(list(skipped)[:2])
    return (
        f"{_files(len(skipped))} {were} left out, not being text that can be read "
        f"({counts}): {examples}{', …' if len(skipped) > 2 else ''}."
    )


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _kind(path: Path) -> str:
    """What a file that is not read is: its suffix, or that its text is in another encoding."""
    suffix = path.suffix.lower()
    if suffix in TEXT_SUFFIXES:
        return f"{suffix} {NOT_UTF8}"
    return suffix or NO_SUFFIX


def _find_files(pattern: str) -> tuple[Path, Sequence[Path]]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        root, found = path, list(path.rglob("*"))
    elif "*" in pattern or "?" in pattern:
        wild = next(i for i, part in enumerate(path.parts) if "*" in part or "?" in part)
        root = Path(*path.parts[:wild])
        found = list(root.glob(str(path.relative_to(root))))
    elif path.is_file():
        root, found = path.parent, [path]
    else:
        raise InvalidInputError(f"There is no file or folder {pattern!r} (looked in {Path.cwd()}).")
    files = sorted(f for f in found if f.is_file() and not _is_hidden(f.relative_to(root)))
    if not files:
        raise InvalidInputError(f"{pattern!r} holds no files.")
    return root, files


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _read_text(path: Path) -> str | None:
    """The file's text; None where it is not text."""
    if path.suffix.lower() not in TEXT_SUFFIXES and path.suffix:
        return None
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return None
