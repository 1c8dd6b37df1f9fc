"""An extractor's source text as one value: what cells, folders and archives become."""

from __future__ import annotations

import ast
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path, PurePosixPath

from mixpeek_lab.errors import SourceError
from mixpeek_lab.missing import no_path
from mixpeek_lab.uris import NAME

MAX_FILES = 1_000
MAX_BYTES = 500 * 1024 * 1024
SUFFIXES = (".py", ".txt", ".json", ".md", ".yaml", ".yml", ".toml")
"""The text files that belong to an extractor. Others in its folder are left where they are."""

REALTIME = "realtime.py"

LAYOUT = """\
my_extractor/
├── manifest.py      what it accepts and produces, its vector indexes
├── pipeline.py      the batch pipeline
├── realtime.py      the query-time endpoint (optional)
└── processors/
    └── core.py      the processor"""

_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_UTF8 = {"utf-8", "utf8", "utf-8-sig", "u8", "ascii", "us-ascii"}


@dataclass(frozen=True)
class ExtractorSource:
    """The files of one extractor: `(posix relative path, text)`, sorted by path.

    Small and picklable: it is what travels to workers. Raises SourceError for a name that is not
    an identifier of ASCII letters, for a path that leaves the package, or a path given twice.
    """

    name: str
    files: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if not NAME.match(self.name):
            raise SourceError(
                f"{self.name!r} cannot name an extractor. Use letters, digits and underscores, "
                f"a letter first: {_as_name(self.name)!r}."
            )
        for path, text in self.files:
            _check_path(path)
            _check_text(path, text)
        paths = [path for path, _ in self.files]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice:
            raise SourceError(f"{twice[0]} is given twice. Each path names one file.")
        object.__setattr__(self, "files", tuple(sorted(self.files)))

    @cached_property
    def digest(self) -> str:
        """sha256 over every path and text, in hex: equal exactly where the files are."""
        total = sha256()
        for path, text in self.files:
            total.update(f"{path}\0{text}\0".encode())
        return total.hexdigest()

    @cached_property
    def batch_digest(self) -> str:
        """The digest of what documents are made by: of all files but realtime.py.

        It is the whole digest where another file's code has the word `realtime`: it may import it.
        """
        others = tuple(file for file in self.files if file[0] != REALTIME)
        if any("realtime" in text for path, text in others if path.endswith(".py")):
            return self.digest
        return ExtractorSource(self.name, others).digest

    @property
    def package(self) -> str:
        """The name it is imported under: `extractor_<name>_<first 12 digits of the digest>`."""
        return f"extractor_{self.name}_{self.digest[:12]}"

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of its files, sorted."""
        return tuple(path for path, _ in self.files)

    def text(self, path: str) -> str | None:
        """The text of one file; None where there is no such file."""
        return next((text for found, text in self.files if found == path), None)

    def with_file(self, path: str, text: str) -> ExtractorSource:
        """The same extractor with one file added or replaced."""
        kept = tuple(entry for entry in self.files if entry[0] != path)
        return ExtractorSource(self.name, (*kept, (path, text)))


def read_source(folder: Path, name: str | None = None) -> ExtractorSource:
    """Read a package from `folder`, byte for byte (line ends included).

    The name is the folder's unless given. Hidden files, `__pycache__`, links that lead out of the
    folder and files that are not of SUFFIXES are left out. Raises SourceError where there is no
    `manifest.py`, a file is not UTF-8, or the package is over Mixpeek's limits.
    """
    folder = Path(folder)
    if not (folder / "manifest.py").is_file():
        raise SourceError(_no_manifest(folder))
    paths = sorted(_iter_files(folder))
    _check_limits(folder, paths)
    files = tuple(
        (path.relative_to(folder).as_posix(), _read(folder, path))
        for path in paths
        if path.suffix in SUFFIXES
    )
    return ExtractorSource(name or folder.resolve().name, files)


def other_files(folder: Path) -> tuple[str, ...]:
    """The files in a package's folder that `read_source` leaves out for what they are, sorted."""
    found = (path.relative_to(folder).as_posix() for path in _iter_files(Path(folder)))
    return tuple(sorted(path for path in found if not path.endswith(SUFFIXES)))


def write_source(source: ExtractorSource, folder: Path) -> tuple[str, ...]:
    """Write every file into `folder`, byte for byte, each one whole or not at all.

    Nothing is removed. Returns the files that were there before and are not part of the source:
    read back, they would belong to the package too.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in source.files:
        _write(folder, path, text.encode())
    there = {path.relative_to(folder).as_posix() for path in _iter_files(folder)}
    return tuple(sorted(p for p in there - set(source.paths) if p.endswith(SUFFIXES)))


_PARSER = threading.Lock()
"""Python 3.11 counts how deep its parser is once for all threads: two at a time fail."""


def parse_python(path: str, text: str) -> ast.Module:
    """The syntax tree of one file; nothing is run.

    Raises SourceError with file, line, column and the line itself where it is not Python, with
    a hint where it is a notebook's `!command` or `%magic`.
    """
    problem: SyntaxError | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in strings; the import will say it
        try:
            with _PARSER:
                tree = ast.parse(text.removeprefix("\ufeff"), path)
            compile(tree, path, "exec", dont_inherit=True)  # `return` outside a function, …
        except SyntaxError as error:
            problem = error
        except (ValueError, RecursionError, MemoryError) as error:
            problem = SyntaxError(str(error) or "too deeply nested", (path, 1, 1, "", 1, 1))
    if problem is not None:
        raise PythonSyntaxError(path, text, problem) from problem
    return tree


def decoded(path: str, data: bytes) -> str:
    """A file's text, line ends included. SourceError with byte and line where it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{path} is not UTF-8: byte {error.start} (line {line}) "
            f"is 0x{data[error.start]:02x}. Save the file as UTF-8."
        ) from error


class PythonSyntaxError(SourceError):
    """A file is not Python. `line` and `column` count from 1."""

    def __init__(self, path: str, text: str, error: SyntaxError) -> None:
        self.path, self.line, self.column = path, error.lineno or 1, max(error.offset or 1, 1)
        lines = python_lines(text)
        shown = lines[self.line - 1].strip() if self.line <= len(lines) else ""
        self.reason = _ipython_hint(shown) or f"{error.msg}: `{shown}`"
        super().__init__(f"{path}, line {self.line}, column {self.column}: {self.reason}")

    def __reduce__(self) -> tuple[type[SourceError], tuple[str]]:
        return SourceError, (str(self),)


def python_lines(text: str) -> list[str]:
    """The lines as Python's tokenizer counts them, line ends kept.

    `str.splitlines` also cuts at form feeds and other separators that Python does not.
    """
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def _ipython_hint(line: str) -> str:
    if line.startswith("%"):
        kind = "a magic"
    elif line.startswith("!") or re.match(r"[\w\s,]+=\s*!", line):
        kind = "a shell command"
    elif line.startswith("?") or (line.endswith("?") and "#" not in line):
        kind = "a help request"
    else:
        return ""
    return (
        f"`{line}` is {kind} of the notebook, not Python. "
        "An extractor is plain Python: run this in a cell of its own."
    )


def _as_name(text: str) -> str:
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_0123456789") or "my_extractor"


def _check_path(path: str) -> None:
    parts = path.split("/")
    bad = any(part in ("", ".", "..") for part in parts) or re.search(r'[\\\x00-\x1f:*?"<>|]', path)
    if bad or PurePosixPath(path).is_absolute():
        raise SourceError(
            f"{path!r} is not a path inside an extractor. "
            "Write it with forward slashes from its folder: processors/core.py."
        )


def _check_text(path: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SourceError(
            f"{path}: character {error.start} is half of a surrogate pair, which no file can hold."
        ) from error
    if not path.endswith(".py"):
        return
    for line in python_lines(text[:4_000])[:2]:
        declared = _CODING.match(line.removeprefix("\ufeff"))
        if declared and declared[1].lower().replace("_", "-") not in _UTF8:
            raise SourceError(
                f"{path} declares the encoding {declared[1]!r}. Extractors are UTF-8: "
                "save the file as UTF-8 and remove the line."
            )


def _no_manifest(folder: Path) -> str:
    if not folder.is_dir():
        told = f"{folder} is not a folder." if folder.exists() else no_path(folder, "folder")
        return f"{told} An extractor is a folder:\n{LAYOUT}"
    inner = sorted(found.parent.name for found in folder.glob("*/manifest.py"))
    hint = f" Did you mean {folder / inner[0]}?" if inner else ""
    return f"{folder} has no manifest.py.{hint} An extractor looks like this:\n{LAYOUT}"


def _iter_files(folder: Path) -> Iterator[Path]:
    root = folder.resolve()
    for where, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".") and f != "__pycache__"]
        for name in names:
            path = Path(where, name)
            if name.startswith(".") or not path.is_file():
                continue
            if not path.is_symlink() or path.resolve().is_relative_to(root):
                yield path


def _check_limits(folder: Path, paths: list[Path]) -> None:
    if len(paths) > MAX_FILES:
        raise SourceError(
            f"{folder} holds {len(paths):,} files. Mixpeek takes at most {MAX_FILES:,}: "
            "leave data and environments outside the extractor's folder."
        )
    size = sum(path.stat().st_size for path in paths)
    if size > MAX_BYTES:
        raise SourceError(
            f"{folder} holds {size / 1024**2:,.0f} MB. Mixpeek takes at most "
            f"{MAX_BYTES // 1024**2} MB: do not bundle model weights, download them in setup()."
        )


def _read(folder: Path, path: Path) -> str:
    return decoded(path.relative_to(folder).as_posix(), path.read_bytes())


def _write(folder: Path, path: str, data: bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{target.parent} is a link out of {folder}: remove it, then save again.")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".saving-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
