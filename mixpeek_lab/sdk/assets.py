"""`open_asset`, `download_asset`, `upload_asset`: the files behind `batch["data"]`, and more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mixpeek_lab.assets import AssetError, AssetLimits, fetch, store

__all__ = ["AssetError", "AssetLimits", "download_asset", "open_asset", "upload_asset"]


@contextmanager
def open_asset(
    url: str | os.PathLike[str], suffix: str | None = None, *, limits: AssetLimits | None = None
) -> Iterator[str]:
    """The asset as a local file, for the length of a `with` block.

        with open_asset(url, suffix=".jpg") as path:
            image = Image.open(path).convert("RGB")

    Gives the file's path; a temporary copy is removed at the end of the block, whatever happens
    in it. Takes and raises what `download_asset` does.
    """
    path, is_temp = download_asset(url, suffix, limits=limits)
    try:
        yield path
    finally:
        if is_temp:
            Path(path).unlink(missing_ok=True)


def download_asset(
    url: str | os.PathLike[str], suffix: str | None = None, *, limits: AssetLimits | None = None
) -> tuple[str, bool]:
    """The asset as a local file: its path, and whether that is a temporary copy of yours to remove.

    Args:
        url: https://, http://, s3://bucket/key, gs://bucket/key, file:// or a path. A local file
            is used where it is, so its flag is False.
        suffix: the end of the temporary file's name, like `".jpg"`; by default that of the URL.
        limits: bytes, seconds, redirects, and hosts that may be local; see `AssetLimits` for the
            defaults and the environment variables.

    Credentials come from where each cloud's tools look (AWS_ACCESS_KEY_ID, AWS_PROFILE,
    GOOGLE_APPLICATION_CREDENTIALS, …); AWS_ENDPOINT_URL names another S3 server. An http(s) URL
    that leads to a loopback or private address, directly or by a redirect, is refused unless
    MIXPEEK_LAB_ALLOW_LOCAL_URLS or `limits` allows it.

    Raises AssetError when it cannot be had within the limits; nothing is left behind then.
    Raises InvalidInputError when `url` is no text, as in a row without data.
    """
    path, is_temp = fetch(url, suffix, limits or AssetLimits())
    return str(path), is_temp


def upload_asset(
    path: str | os.PathLike[str],
    namespace_id: str,
    internal_id: str,
    resource_id: str,
    *,
    limits: AssetLimits | None = None,
) -> str:
    """Keep a file that the extractor made; returns the URL that `open_asset` reads it by.

    It goes to `internal_id/namespace_id/resource_id/name` below MIXPEEK_LAB_ASSETS_URL: an
    s3://bucket/prefix, a gs://bucket/prefix or a folder; without it, the folder `assets` of the
    lab's home (the answer is a file:// URL then). A file of the same name there is replaced.

    Raises AssetError when it cannot be stored, InvalidInputError when an id is not one folder's
    name.
    """
    segments = {
        "internal_id": internal_id, "namespace_id": namespace_id, "resource_id": resource_id
    }  # fmt: skip
    return store(path, segments, limits or AssetLimits())
