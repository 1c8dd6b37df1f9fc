"""Where uploaded files lie, and what a blob that names one holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mixpeek_lab.catalog import BlobUpload, Catalog
from mixpeek_lab.errors import BodyError, NotFoundError
from mixpeek_lab.models import JSON, Bucket
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.looking import Unusable, look

_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class BlobFiles:
    """Files below `blob-uploads/` in the home, each in a folder of its upload's id."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._folder = catalog, home.path / "blob-uploads"

    def path(self, upload: BlobUpload) -> Path:
        """Where its file lies. Of the name that was sent, only what is harmless is kept."""
        name = _ODD.sub("_", str(upload.body["filename"]).replace("\\", "/").rpartition("/")[2])
        return self._folder / upload.upload_id / (name.lstrip("._")[-100:] or "file")

    def folders(self) -> Iterator[Path]:
        """The folders that there are."""
        return self._folder.iterdir() if self._folder.is_dir() else iter(())

    def resolved(self, body: JSON, bucket: Bucket, where: str) -> tuple[JSON, dict[str, str]]:
        """An object's body with `data` for every `upload_id` of its blobs; property → upload."""
        blobs = body.get("blobs") if isinstance(body, Mapping) else None
        if not isinstance(blobs, list):
            return body, {}
        made, used = [], {}
        for number, blob in enumerate(blobs):
            if isinstance(blob, Mapping) and blob.get("upload_id") is not None:
                blob = self._with_data(blob, bucket, f"{where}blobs[{number}].upload_id")
                used[str(blob.get("property"))] = str(blob.pop("upload_id"))
            made.append(blob)
        return {**body, "blobs": made}, used

    def _with_data(self, blob: Mapping[str, JSON], bucket: Bucket, place: str) -> dict[str, JSON]:
        if blob.get("data") is not None:
            raise BodyError.at(place, "stands beside data: give one of them.")
        try:
            upload = self._catalog.blob_upload(str(blob["upload_id"]), bucket.bucket_id)
        except NotFoundError as error:
            raise BodyError.at(place, f"is not known: {error}") from error
        if upload.state == "PENDING":
            raise BodyError.at(place, "names an upload that nothing has arrived for yet.")
        url = self.path(upload).as_uri()
        if bucket.schema.get(str(blob.get("property"))) != "text":
            return {**blob, "data": url}
        seen = look(url)
        if isinstance(seen, Unusable) or seen.kind != "text":
            reason = seen.reason if isinstance(seen, Unusable) else f"holds {seen.mime_type}"
            raise BodyError.at(place, f"names a file that {reason}, and the field is a text.")
        return {**blob, "data": seen.text}
