"""Keeping files that an extractor made: in an object store, or in a folder."""

from __future__ import annotations

import mimetypes
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from mixpeek_lab.assets.limits import AssetLimits
from mixpeek_lab.assets.problems import AssetError
from mixpeek_lab.assets.transfer import local_path, scheme_of, text_of
from mixpeek_lab.errors import InvalidInputError

DESTINATION = "MIXPEEK_LAB_ASSETS_URL"
_SEGMENT = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")


def store(path: str | os.PathLike[str], segments: Mapping[str, object], limits: AssetLimits) -> str:
    """Copy a file to the place of assets, below one folder per segment; the URL it has there.

    `segments` maps what each folder is called in messages to the folder. A file of the same name
    is replaced at once. Raises AssetError, and InvalidInputError for an id that is no folder name.
    """
    source = local_path(text_of(path))
    if not source.is_file():
        raise AssetError(f"{source}: there is no such file to upload.")
    key = [_checked(name, value) for name, value in segments.items()]
    key.append(_checked("the file's name", source.name))
    base = os.environ.get(DESTINATION, "")
    scheme = scheme_of(base)
    if scheme in ("", "file"):
        return _copy(source, (local_path(base) if base else _assets_of_home()).joinpath(*key))
    if scheme not in ("s3", "gs"):
        raise InvalidInputError(
            f"{DESTINATION} starts with {scheme}://: name s3://bucket/prefix, gs://bucket/prefix "
            "or a folder."
        )
    return _upload(source, "/".join([base.rstrip("/"), *key]), limits)


def _assets_of_home() -> Path:
    return Path(os.environ.get("MIXPEEK_LAB_HOME") or ".mixpeek_lab").expanduser() / "assets"


def _checked(name: str, value: object) -> str:
    if not isinstance(value, str) or value in (".", "..") or not _SEGMENT.fullmatch(value):
        raise InvalidInputError(
            f"upload_asset: {name} is {value!r:.80}. It becomes a folder: give a text without "
            "slashes, like 'ns_1f0c'."
        )
    return value


def _copy(source: Path, target: Path) -> str:
    target = target.resolve()
    if target == source.resolve():
        return target.as_uri()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            shutil.copyfile(source, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise AssetError(
            f"{source} cannot be stored at {target} ({error.strerror or error}). "
            f"Set {DESTINATION} to a folder that can be written, or to s3://bucket/prefix."
        ) from error
    return target.as_uri()


def _upload(source: Path, url: str, limits: AssetLimits) -> str:
    from mixpeek_lab.assets.object_stores import store_object

    kind = mimetypes.guess_type(quote(source.name))[0] or "application/octet-stream"
    store_object(source, url, kind, limits)
    return url
