"""Assets in object stores: s3:// and gs://, through pyarrow's file systems.

Credentials come from where each cloud's tools look: AWS_ACCESS_KEY_ID and its siblings, the AWS
profile files, a role of the machine; GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth`. Another
server than the cloud's is named by AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, and by
STORAGE_EMULATOR_HOST; it is the user's own setting, so it may be local.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from mixpeek_lab.assets.limits import AssetLimits
from mixpeek_lab.assets.problems import AssetError, redacted

SCHEMES = ("s3", "gs")

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]")
_PIECE = 1 << 20
_SETTINGS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (or AWS_PROFILE)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS (or run gcloud auth application-default login)",
}


def fetch_object(url: str, out: BinaryIO, limits: AssetLimits) -> None:
    """Write the object behind an s3:// or gs:// URL to `out`. Raises AssetError."""
    scheme, bucket, key = parts(url)
    stopped = threading.Event()

    def copy() -> None:
        with file_system(scheme, bucket, limits).open_input_stream(f"{bucket}/{key}") as stream:
            size = 0
            while not stopped.is_set() and (piece := stream.read(_PIECE)):
                size += len(piece)
                limits.check_size(size, url)
                out.write(piece)

    within(copy, url, limits, stopped)


def store_object(path: Path, url: str, content_type: str, limits: AssetLimits) -> None:
    """Put a file at an s3:// or gs:// URL, in place of what was there. Raises AssetError."""
    scheme, bucket, key = parts(url)
    stopped = threading.Event()

    def copy() -> None:
        system, place = file_system(scheme, bucket, limits), f"{bucket}/{key}"
        is_whole = False
        try:
            with (
                path.open("rb") as file,
                system.open_output_stream(place, metadata={"Content-Type": content_type}) as stream,
            ):
                while not stopped.is_set() and (piece := file.read(_PIECE)):
                    stream.write(piece)
                is_whole = not stopped.is_set()
        finally:
            if not is_whole:  # closing the stream made an object of what there was
                with suppress(OSError):
                    system.delete_file(place)

    within(copy, url, limits, stopped)


def parts(url: str) -> tuple[str, str, str]:
    """Scheme, bucket and key. The key is taken as it stands: `?`, `#` and `%` belong to it."""
    scheme, bucket = bucket_of(url, needs_key=True)
    return scheme, bucket, url.partition("://")[2].partition("/")[2]


def bucket_of(url: str, *, needs_key: bool = False) -> tuple[str, str]:
    """Scheme and bucket. Raises AssetError for a URL without them, or without the key it needs."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or (needs_key and not key):
        raise AssetError(
            f"{redacted(url)}: write {scheme.lower()}://bucket/key. Credentials go into the "
            f"environment, never into the URL: {_SETTINGS[scheme.lower()]}."
        )
    return scheme.lower(), bucket


def within(
    copy: Callable[[], None], url: str, limits: AssetLimits, stopped: threading.Event
) -> None:
    """Run `copy` for at most `total_seconds`: a client library's call cannot be interrupted."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            copy()
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    deadline = limits.deadline()
    worker = threading.Thread(target=run, name="mixpeek-lab-asset", daemon=True)
    worker.start()
    try:
        worker.join(limits.total_seconds)
    finally:
        stopped.set()
    if worker.is_alive():
        raise deadline.late(redacted(url))
    if errors:
        raise _explained(errors[0], url) from errors[0]


def _explained(error: BaseException, url: str) -> BaseException:
    if not isinstance(error, (OSError, ValueError, NotImplementedError)):
        return error
    scheme = url.partition("://")[0].lower()
    if isinstance(error, FileNotFoundError):
        return AssetError(f"{url}: there is no such object. Check the bucket and the key.")
    reason = re.sub(r"\s*\(Request ID: [^)]*\)", "", str(error))
    return AssetError(f"{url}: {reason}. Check the name, the network, and {_SETTINGS[scheme]}.")


def file_system(scheme: str, bucket: str, limits: AssetLimits) -> Any:
    """The file system of a bucket; made once per bucket and setting, as it keeps connections."""
    # A hung request also holds the interpreter at its end, so none outlasts the asset's time.
    timeouts = tuple(
        min(seconds, limits.total_seconds)
        for seconds in (limits.connect_seconds, limits.read_seconds)
    )
    if scheme == "gs":
        return _gs(os.environ.get("STORAGE_EMULATOR_HOST", ""), limits.total_seconds)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "")
    identity = tuple(os.environ.get(name, "") for name in names)
    return _s3("" if endpoint or region else bucket, endpoint, region, timeouts, identity)


@lru_cache(maxsize=64)
def _s3(
    bucket: str,
    endpoint: str,
    region: str,
    timeouts: tuple[float, ...],
    identity: tuple[str, ...],  # noqa: ARG001 - a part of the cache's key
) -> Any:
    """A bucket is asked for its region where neither a region nor an endpoint is set."""
    from pyarrow import fs

    scheme, host = _endpoint(endpoint, "https")
    return fs.S3FileSystem(
        region=region or ("us-east-1" if endpoint else fs.resolve_s3_region(bucket)),
        connect_timeout=timeouts[0],
        request_timeout=timeouts[1],
        **({"endpoint_override": host, "scheme": scheme} if host else {}),
    )


@lru_cache(maxsize=8)
def _gs(emulator: str, total_seconds: float) -> Any:
    from pyarrow import fs

    scheme, host = _endpoint(emulator, "http")
    return fs.GcsFileSystem(
        anonymous=bool(host),
        retry_time_limit=timedelta(seconds=max(1, total_seconds)),
        **({"endpoint_override": host, "scheme": scheme} if host else {}),
    )


def _endpoint(url: str, usual: str) -> tuple[str, str]:
    """`http://host:9000/` → scheme and host with port; the usual scheme where none is given."""
    scheme, mark, rest = url.rpartition("://")
    return (scheme.lower() if mark else usual), rest.rstrip("/")
