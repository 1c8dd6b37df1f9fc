"""The files of a folder, a glob, a prefix of an object store, or a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mixpeek_lab.assets import AssetError, list_objects, local_path, redacted, scheme_of
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.media import suffix_of
from mixpeek_lab.missing import absolute, no_path
from mixpeek_lab.workbench.values import clean_text


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that was asked for."""

    reference: str
    """A path or a URL that can be looked at."""
    path: str
    """What it is called: relative to the folder or prefix, with `/`."""
    key: str
    """What it is known by from upload to upload."""

    @property
    def folder(self) -> str:
        """The folder of `path`; `.` at the top."""
        return self.path.rpartition("/")[0] or "."

    @property
    def suffix(self) -> str:
        """The end of the name, as it is written: `.JPG`."""
        end = suffix_of(self.path)
        return self.path[-len(end) :] if end else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files behind one source."""

    entries: Sequence[Entry]
    is_named: bool
    """Whether the user named each file, and so is to hear of one that is of no use."""


def list_files(source: str) -> Listing:
    """The files of a folder or glob, or below an s3:// or gs:// prefix; or the one file named.

    Hidden files and folders are left alone. InvalidInputError where there is none.
    """
    scheme = scheme_of(source)
    if scheme in ("http", "https"):
        return Listing([Entry(source, _without_query(source), source)], is_named=True)
    if scheme in ("s3", "gs"):
        return _list_store(source)
    if scheme not in ("", "file"):
        raise InvalidInputError(
            f"{redacted(source)}: {scheme}:// cannot be opened. Use a folder, a glob, s3://, "
            "gs://, https://, http:// or file://."
        )
    try:
        path = local_path(source)
    except AssetError as error:
        raise InvalidInputError(str(error)) from error
    return _list_local(path, source)


def list_references(items: Sequence[str | Path]) -> Listing:
    """Paths and URLs that were named one by one."""
    return Listing(
        [Entry(text, _without_query(text), clean_text(text)) for text in map(_stripped, items)],
        is_named=True,
    )


def _stripped(item: str | Path) -> str:
    return item.strip() if isinstance(item, str) else str(item)


def _list_store(url: str) -> Listing:
    try:
        found = list_objects(url)
    except AssetError as error:
        raise InvalidInputError(str(error)) from error
    is_one = len(found) == 1 and found[0].url.partition("://")[2] == url.partition("://")[2]
    return Listing([_entry(each.url, each.path) for each in found], is_named=is_one)


def _list_local(path: Path, shown: str) -> Listing:
    is_one = False
    if path.is_dir():
        root, found = path, list(path.rglob("*"))
    elif "*" in str(path) or "?" in str(path):
        wild = next(i for i, part in enumerate(path.parts) if "*" in part or "?" in part)
        root = Path(*path.parts[:wild])
        if not root.is_dir():
            raise InvalidInputError(no_path(root, f"folder for {shown!r},"))
        found = list(root.glob(str(path.relative_to(root))))
    elif path.is_file():
        root, found, is_one = path.parent, [path], True
    else:
        raise InvalidInputError(no_path(path if scheme_of(shown) else shown))
    files = sorted(f for f in found if _is_listed(f) and not _is_hidden(f.relative_to(root)))
    if not files and not is_one:
        raise InvalidInputError(_no_files(shown, root, is_glob=path != root))
    entries = [_entry(str(f), f.relative_to(root).as_posix()) for f in files or [path]]
    return Listing(entries, is_named=is_one)


def _no_files(shown: str, root: Path, *, is_glob: bool) -> str:
    whole = absolute(root)
    if is_glob:
        return f"Nothing in {whole} fits {shown!r}."
    return f"{shown!r}{'' if str(whole) == shown else f' ({whole})'} holds no files."


def _is_listed(path: Path) -> bool:
    """A file, or a link that leads to none: what is left out is told."""
    return path.is_file() or (path.is_symlink() and not path.is_dir())


def _entry(reference: str, path: str) -> Entry:
    return Entry(reference, clean_text(path), clean_text(path))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _without_query(reference: str) -> str:
    """What a path or URL is called: an http(s) URL without scheme, password, query."""
    if scheme_of(reference) in ("http", "https"):
        try:
            parts = urlsplit(reference)
        except ValueError:
            return clean_text(redacted(reference))
        return clean_text(parts.netloc.rpartition("@")[2] + unquote(parts.path))
    return clean_text(reference.partition("://")[2] if scheme_of(reference) else reference)
