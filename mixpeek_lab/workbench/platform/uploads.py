"""Uploads: an address for the archive, the archive, and the checks that make it an extractor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

from mixpeek_lab.catalog import Catalog, Upload, new_id, now
from mixpeek_lab.errors import BodyError, ConflictError, EngineError, InvalidInputError
from mixpeek_lab.manifests import demand_importable
from mixpeek_lab.models import JSON
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.uris import next_patch, normalise_version, version_key
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.names import LONGEST_NAME
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required
from mixpeek_lab.workbench.platform.extractors import Extractors
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.ids import extractor_id
from mixpeek_lab.workbench.platform.incoming import (
    Arrival,
    Incoming,
    already_confirmed,
    demand_size,
)
from mixpeek_lab.workbench.platform.signing import Signer
from mixpeek_lab.workbench.platform.validation import Verdict
from mixpeek_lab.workbench.values import clean_text

VALIDATE = "mixpeek_lab.workbench.platform.validation:validate"
HOUR, DAY = 3600, 24 * 3600
"""Seconds for which an address holds: as a rule, and at most."""

BY_API = "api"
"""Who commits what is uploaded."""

ASKED = ("name", "version", "description", "file_size_bytes", "presigned_url_expiration")


class Uploads:
    """Archives below `uploads/` in the home; those of extractors that passed stay there."""

    def __init__(self, catalog: Catalog, home: Home, extractors: Extractors, host: Host) -> None:
        self._catalog, self._extractors, self._host = catalog, extractors, host
        self._folder = home.path / "uploads"
        self._signer = Signer(home.path)

    def create(self, body: Mapping[str, JSON], address: str) -> dict[str, JSON]:
        """An upload, and where to PUT the archive: `address`/ID?… Without a version, the next."""
        demand_known(body, ASKED)
        self._clean_up()
        upload = self._asked(body)
        self._catalog.add_upload(upload)
        expires = int(upload.expires_at)
        key = extractor_id(upload.name, upload.version)
        query = self._signer.query(upload.upload_id, expires)
        return {
            "upload_id": upload.upload_id,
            "presigned_url": f"{address}/{upload.upload_id}?{query}",
            "expires_at": datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z"),
            "method": "PUT",
            "name": upload.name,
            "version": upload.version,
            "extractor_id": key,
            "plugin_id": key,
        }

    def receive(self, upload_id: str, expires: str, signature: str, announced: int) -> Incoming:
        """Begin to take the archive of a signed address in. `announced`: bytes, 0 if unknown."""
        self._signer.demand(upload_id, expires, signature)
        demand_size(announced)
        upload = self._catalog.upload(upload_id)
        if upload.is_confirmed:
            raise ConflictError(already_confirmed(upload))
        arrival = Arrival(
            upload.expected_size,
            demand_size,
            partial(self._catalog.receive_upload, upload_id),
            already_confirmed(upload),
            self._catalog.together,
        )
        return Incoming(self._path(upload_id), arrival)

    def confirm(self, upload_id: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Check what arrived and, where nothing is wrong with it, make it the current version.

        A confirmed upload gives the same answer again.
        """
        demand_known(body, ("etag", "file_size_bytes", "message"))
        upload = self._catalog.upload(upload_id)
        if not upload.is_confirmed:
            _demand_received(upload, body)
            self._check(upload, clean_text(optional(body, "message", str) or ""))
            upload = self._catalog.upload(upload_id)
        return self._answer(upload)

    # ------------------------------------------------------------ inside

    def _asked(self, body: Mapping[str, JSON]) -> Upload:
        name = required(body, ("name",), str)
        if len(name) > LONGEST_NAME:
            raise BodyError.at("name", f"has {len(name)} characters: {LONGEST_NAME} at most.")
        demand_importable(ExtractorSource(name, ()).name)
        size, seconds = announced_size(body), holding_for(body)
        demand_size(size or 0)
        version = optional(body, "version", str)
        return Upload(
            new_id("upl"),
            name,
            normalise_version(version) if version else self._next(name),
            is_assigned=not version,
            description=clean_text(optional(body, "description", str) or ""),
            created_at=now(),
            expires_at=int(time.time() + seconds),
            expected_size=size,
        )

    def _next(self, name: str) -> str:
        """The patch after the newest version that there is or was, or is on its way."""
        known = [record.manifest.version for record in self._catalog.versions(name)]
        known += [u.version for u in self._catalog.uploads() if u.name == name and _counts(u)]
        if not known:
            return "1.0.0"
        return next_patch(max(known, key=version_key))

    def _check(self, upload: Upload, message: str) -> None:
        verdict = self._verdict(upload)
        with self._catalog.together():
            if self._catalog.upload(upload.upload_id).is_confirmed:  # by another request
                return
            told = replace(upload, state="failed", message=message, report=verdict.report())
            confirmed = self._keep(told, verdict) if verdict.has_passed else told
            if not self._catalog.confirm_upload(confirmed):
                raise ConflictError(
                    f"Another archive arrived for upload {upload.upload_id} while this one was "
                    "checked. Confirm it again."
                )
        if not verdict.has_passed:
            self._path(upload.upload_id).unlink(missing_ok=True)

    def _verdict(self, upload: Upload) -> Verdict:
        """What the checks say. A package can be made to exhaust whoever reads it: not us."""
        try:
            found = self._host.apart(VALIDATE, upload, self._path(upload.upload_id))
        except EngineError as error:
            raise EngineError(
                f"The package could not be checked. {error} Is there data or generated code in "
                "it? An extractor's text is small. Confirm the upload again, or upload less."
            ) from error
        return cast("Verdict", found)

    def _keep(self, upload: Upload, verdict: Verdict) -> Upload:
        """Make the source its extractor's current version. Versions that were uploaded stay.

        Contents that are known keep the version that they have.
        """
        assert verdict.source is not None
        assert verdict.manifest is not None
        name, digest = verdict.manifest.name, verdict.source.digest
        if not upload.is_assigned:
            self._demand_free(name, verdict.manifest.version, digest)
        self._catalog.put_extractor(verdict.source, verdict.manifest)
        commit = self._catalog.commit(name, digest=digest)
        if commit is None:
            known = self._catalog.extractor(name, digest=digest).manifest.version
            taken = self._catalog.commit(name, version=known)
            version = self._catalog.free_version(name, upload.version if taken else known)
            self._catalog.renumber(name, digest, version)
            commit = self._catalog.add_commit(
                name, version, digest, upload.message, BY_API, "upload"
            )
        self._catalog.move_head(name, commit.version)
        return replace(upload, state="passed", digest=digest, version=commit.version)

    def _demand_free(self, name: str, version: str, digest: str) -> None:
        """ConflictError where other contents were committed as that version, and are there."""
        commit = self._catalog.commit(name, version=version)
        if commit is not None and commit.digest != digest:
            raise ConflictError(
                f"{name} {version} is there with other contents ({commit.digest[:12]}, by "
                f"{commit.origin}). Raise the version in the manifest and in the upload, leave it "
                f"out of the upload, or delete {extractor_id(name, version)} first."
            )

    def _answer(self, upload: Upload) -> dict[str, JSON]:
        told: dict[str, JSON] = {
            "success": upload.state == "passed",
            "upload_id": upload.upload_id,
            "validation_status": upload.state,
            **upload.report,
            "archive_sha256": upload.sha256,
            "file_size_bytes": upload.size,
            "etag": upload.etag,
            "message": upload.message,
        }
        if upload.state == "passed":
            return told | self._extractors.outline(upload.name, upload.digest)
        key = extractor_id(upload.name, upload.version)
        nothing = dict.fromkeys(("feature_uri", "code_hash"))
        return told | nothing | {
            "extractor_id": key, "plugin_id": key, "deployment_status": "NOT_DEPLOYED",
        }  # fmt: skip

    def _clean_up(self) -> None:
        """Forget the uploads that nobody confirmed."""
        for upload_id in self._catalog.forget_expired_uploads(DAY):
            self._path(upload_id).unlink(missing_ok=True)

    def _path(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.archive"


def announced_size(body: Mapping[str, JSON]) -> int | None:
    """`file_size_bytes`, which no file has fewer of than one; None where nobody says."""
    size = optional(body, "file_size_bytes", int)
    if size is not None and size < 1:
        raise BodyError.at("file_size_bytes", f"is {size}: it counts bytes, from 1 on.")
    return size


def holding_for(body: Mapping[str, JSON]) -> int:
    """Seconds for which an address is to hold: `presigned_url_expiration`, else an hour."""
    seconds = optional(body, "presigned_url_expiration", int)
    if seconds is not None and not 1 <= seconds <= DAY:
        raise BodyError.at(
            "presigned_url_expiration", f"is {seconds}: it counts seconds, from 1 to {DAY}."
        )
    return HOUR if seconds is None else seconds


def _counts(upload: Upload) -> bool:
    """Whether its version is taken: for good once it passed, until it expires before that."""
    return upload.state == "passed" or (not upload.is_confirmed and upload.expires_at > time.time())


def _demand_received(upload: Upload, body: Mapping[str, JSON]) -> None:
    """Raise where nothing arrived, or something else than is said."""
    if upload.state == "waiting":
        raise ConflictError(
            f"Nothing has arrived for upload {upload.upload_id} yet: PUT the archive to its "
            "presigned_url first."
        )
    etag = (optional(body, "etag", str) or "").strip('"') or upload.etag
    announced = announced_size(body)
    size = upload.size if announced is None else announced
    if (etag, size) != (upload.etag, upload.size):
        raise InvalidInputError(
            f"What arrived has {upload.size:,} bytes and the ETag {upload.etag}, not what is "
            "confirmed: PUT the archive again."
        )
