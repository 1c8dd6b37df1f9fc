"""Fetching an asset: which kind of URL it is, and the file that it ends in."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from mixpeek_lab.assets.limits import AssetLimits
from mixpeek_lab.assets.problems import AssetError, redacted
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.missing import expanded

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=//)")
_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[;,]", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}")
_Fetch = Callable[[str, BinaryIO, AssetLimits], None]


def fetch(
    url: str | os.PathLike[str], suffix: str | None, limits: AssetLimits
) -> tuple[Path, bool]:
    """A local file with the asset: its path, and whether it is a temporary copy.

    A path or a file:// URL is used in place. Anything else lands in a new file of a folder that
    only this user reads; nothing is left there when it fails. Raises AssetError, and
    InvalidInputError for what is no URL.
    """
    text = text_of(url)
    scheme = scheme_of(text)
    if is_data_url(text):
        raise AssetError(
            f"{text[:40]}… is a data: URL, which is not opened. Decode it where you have it (the "
            "bytes are in it), or write them to a file and give its path."
        )
    if scheme in ("", "file"):
        return _existing(local_path(text)), False
    return _downloaded(text, _ending(text, suffix), _fetcher(scheme, text), limits), True


def text_of(url: object) -> str:
    """The URL as text. Raises InvalidInputError for an empty cell and anything else without one."""
    if isinstance(url, (str, os.PathLike)):
        text = os.fspath(url)
        if isinstance(text, str) and text.strip() and "\0" not in text:
            return text.strip() if isinstance(url, str) else text
    raise InvalidInputError(
        f"An asset needs a URL or a path, and got {url!r:.80}. "
        "Leave out rows without one, for example where batch['data'] is None."
    )


def scheme_of(url: str) -> str:
    """The scheme in lower case; empty for a plain path."""
    found = _SCHEME.match(url)
    return found.group(1).lower() if found else ""


def is_data_url(url: str) -> bool:
    """Whether the URL holds its file itself: no path begins like that."""
    return _DATA.match(url) is not None


def local_path(url: str) -> Path:
    """The path of a file:// URL, or a path with `~` filled in; AssetError for other machines."""
    if not scheme_of(url):
        return expanded(url)
    host, slash, path = url.split("://", 1)[1].partition("/")
    if host not in ("", "localhost"):
        raise AssetError(f"{redacted(url)} is on another machine: write file:///path, or mount it.")
    path = os.fsdecode(unquote_to_bytes(slash + path))  # names that are no UTF-8 come through
    if not slash or "\0" in path:
        raise AssetError(f"{redacted(url)} has no path: write file:///path.")
    return Path(path)


def _fetcher(scheme: str, url: str) -> _Fetch:
    # Here, not above: extractors import this package, and few need these libraries.
    if scheme in ("http", "https"):
        from mixpeek_lab.assets.http import fetch_http

        return fetch_http
    if scheme in ("s3", "gs"):
        from mixpeek_lab.assets.object_stores import fetch_object

        return fetch_object
    raise AssetError(
        f"{redacted(url)}: {scheme}:// cannot be opened. Use https://, http://, s3://, gs://, "
        "file:// or a path."
    )


def _existing(path: Path) -> Path:
    if path.is_dir():
        raise AssetError(f"{path} is a folder: name a file in it.")
    if not path.is_file():
        raise AssetError(f"{path}: there is no such file (looked for it in {Path.cwd()}).")
    return path


def _ending(url: str, suffix: str | None) -> str:
    """The temporary file's suffix: as asked for, else that of the URL's path."""
    if suffix is None:
        path = re.split(r"[?#]", url, maxsplit=1)[0] if scheme_of(url).startswith("http") else url
        found = Path(path).suffix
        return found if _EXTENSION.fullmatch(found) else ""
    if set(suffix) & {"/", "\\", "\0"} or len(suffix) > 100:
        raise InvalidInputError(
            f"suffix={suffix!r:.120}: give the end of a file name, like '.jpg'."
        )
    return suffix


def _downloaded(url: str, suffix: str, fetcher: _Fetch, limits: AssetLimits) -> Path:
    handle, name = tempfile.mkstemp(prefix="asset-", suffix=suffix, dir=_folder())
    try:
        with os.fdopen(handle, "wb") as out:
            fetcher(url, out, limits)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _folder() -> Path:
    """This user's folder for downloads, below the system's temporary one."""
    folder = Path(tempfile.gettempdir(), f"mixpeek-lab-assets-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise AssetError(
            f"{folder} is not a folder of this user alone: remove it, or set TMPDIR to another one."
        )
    return folder
