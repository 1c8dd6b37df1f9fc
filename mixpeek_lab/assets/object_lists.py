"""Object stores: what lies below a prefix, and the first bytes of an object."""

from __future__ import annotations

import re
import threading
from typing import Any

from mixpeek_lab.assets.limits import AssetLimits
from mixpeek_lab.assets.object_stores import bucket_of, file_system, parts, within
from mixpeek_lab.assets.peeks import ListedObject, Peek
from mixpeek_lab.assets.problems import AssetError, redacted

_SIZES = ("Content-Length", "size")
_VERSIONS = ("ETag", "etag", "generation", "Last-Modified", "updated")


def peek_object(url: str, count: int, limits: AssetLimits) -> Peek:
    """The first `count` bytes of an object, its size, and its ETag. Raises AssetError."""
    scheme, bucket, key = parts(url)
    found: list[Peek] = []

    def look() -> None:
        # A stream, not a file: only its piece is asked for, and GCS gives its metadata too.
        system = file_system(scheme, bucket, limits)
        with system.open_input_stream(f"{bucket}/{key}") as stream:
            about = {name: value.decode("utf-8", "replace") for name, value in _about(stream)}
            size = next((int(about[n]) for n in _SIZES if about.get(n, "").isdecimal()), 0)
            version = next((about[n] for n in _VERSIONS if about.get(n)), "")
            found.append(Peek(stream.read(count) if size else b"", size, version))

    within(look, url, limits, threading.Event())
    return found[0]


def _about(stream: Any) -> list[tuple[str, bytes]]:
    return list((stream.metadata() or {}).items())


def list_below(url: str, limits: AssetLimits) -> list[ListedObject]:
    """See `list_objects`."""
    scheme, bucket = bucket_of(url)
    prefix = url.partition("://")[2].partition("/")[2]
    base, pattern = _split(prefix)
    found: list[str] = []

    def read() -> None:
        system = file_system(scheme, bucket, limits)
        found.extend(_keys(system, f"{bucket}/{base}".rstrip("/"), is_pattern=bool(pattern)))

    within(read, url, limits, threading.Event())
    start = f"{bucket}/{base}".rstrip("/") + "/"
    listed = [
        ListedObject(f"{scheme}://{path}", path.removeprefix(start) if path != start[:-1] else
                     path.rpartition("/")[2])
        for path in sorted(found)
    ]  # fmt: skip
    matches = re.compile(_regex(pattern)).fullmatch if pattern else lambda _: True
    kept = [each for each in listed if matches(each.path) and not _is_hidden(each.path)]
    if not kept:
        raise AssetError(f"{redacted(url)} holds no objects. Check the bucket and the prefix.")
    return kept


def _keys(system: Any, place: str, *, is_pattern: bool) -> list[str]:
    """The keys below a place, with their bucket; the place itself where it is an object."""
    from pyarrow import fs

    if "/" in place and not is_pattern:
        info = system.get_file_info(place)
        if info.type == fs.FileType.File:
            return [place]
    infos = system.get_file_info(fs.FileSelector(place, recursive=True))
    return [info.path for info in infos if info.type == fs.FileType.File]


def _split(prefix: str) -> tuple[str, str]:
    """`photos/2024/*.jpg` as `photos/2024` and `*.jpg`; the pattern is empty without a `*`."""
    names = prefix.split("/")
    wild = next((at for at, name in enumerate(names) if "*" in name), None)
    if wild is None:
        return prefix, ""
    return "/".join(names[:wild]), "/".join(names[wild:])


def _regex(pattern: str) -> str:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    pieces = re.split(r"(\*\*/|\*\*|\*)", pattern)
    return "".join(words.get(piece) or re.escape(piece) for piece in pieces)


def _is_hidden(path: str) -> bool:
    return any(name.startswith(".") for name in path.split("/"))
