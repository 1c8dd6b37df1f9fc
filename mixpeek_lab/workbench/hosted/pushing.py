"""A committed version on its way to another platform, one step after the other."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from mixpeek_lab.archives import pack
from mixpeek_lab.catalog import Catalog, Commit, ExtractorRecord, Push, now
from mixpeek_lab.errors import InvalidInputError, RemoteError
from mixpeek_lab.models import JSON
from mixpeek_lab.uris import normalise_version
from mixpeek_lab.workbench.hosted.platform import RemoteExtractors
from mixpeek_lab.workbench.hosted.refusals import listing
from mixpeek_lab.workbench.platform.ids import extractor_id

ON_THE_WAY = ("QUEUED", "PENDING", "IN_PROGRESS", "DEPLOYING", "BUILDING")
GONE = (404, 409, 410, 422)
"""What a platform answers for an upload that it does not know any more, or that is over."""

OnStep = Callable[[str], None]
"""Called with a sentence for each step."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A version that is on another platform."""

    name: str
    version: str
    """Here."""
    remote_version: str
    extractor_id: str
    """There."""
    place: str
    state: str
    """DEPLOYED, NOT_DEPLOYED, …"""
    feature_uri: str | None
    was_there: bool
    """Whether nothing had to be sent."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pusher:
    """Pushes one version. `push` may be called again after any failure: it goes on."""

    catalog: Catalog
    remote: RemoteExtractors
    record: ExtractorRecord
    commit: Commit
    on_step: OnStep
    run: str = field(default_factory=lambda: uuid4().hex)
    """Tells this try from any other: a request that is sent twice in it is done once."""

    def push(self, *, deploy: bool, batch_only: bool = False) -> Pushed:
        """Upload, confirm and, with `deploy`, wait until it is served. RemoteError."""
        known = self._there()
        if known is not None:
            self.on_step(f"{known.extractor_id} is on {self.remote.place} already.")
        done = known or self._confirmed(self._arrived())
        state = self._deployed(done.extractor_id, batch_only) if deploy else self._state(done)
        record = self.remote.get(done.extractor_id) or {}
        uri = record.get("feature_uri")
        return Pushed(
            self.commit.name,
            self.commit.version,
            done.version,
            done.extractor_id,
            self.remote.place,
            state,
            uri if isinstance(uri, str) else None,
            known is not None,
            self._notes(done),
        )

    # ------------------------------------------------------------ what is there

    def _there(self) -> Push | None:
        """What the platform has of these contents; None where they are not there."""
        known = self.catalog.push(self.remote.place, self.commit.name, self.commit.digest)
        if known is not None and known.extractor_id:
            if self.remote.get(known.extractor_id) is not None:
                return known
            self.catalog.drop_push(known.place, known.name, known.digest)
            return None
        key = extractor_id(self.commit.name, self.commit.version)
        found = self.remote.get(key)
        if found is None or found.get("code_hash") != self.commit.digest:
            return None
        return self._kept("", "", str(found.get("extractor_id") or key), self.commit.version)

    def _arrived(self) -> Push:
        """The archive at the platform: from an earlier try, else sent now."""
        known = self.catalog.push(self.remote.place, self.commit.name, self.commit.digest)
        if known is not None:
            self.on_step(f"Upload {known.upload_id} arrived before: going on from there.")
            return known
        archive = self._archive()
        if not self._has_its_number:
            self.on_step(
                f"{self.commit.version} is the number that this lab gave, and the manifest says "
                f"{self.record.manifest.declared_version!r}: the platform numbers it itself."
            )
        self.on_step(f"Asking {self.remote.place} for an upload of {len(archive):,} bytes.")
        made = self.remote.create_upload(self._wanted(len(archive)), f"{self.run}-upload")
        upload_id, url = _text(made, "upload_id"), _text(made, "presigned_url", "upload_url")
        headers = made.get("headers", made.get("required_headers"))
        told = {str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}
        self.on_step("Sending the archive.")
        etag = self.remote.wire.put("send the archive", url, archive, told)
        return self._kept(upload_id, etag, "", "")

    def _wanted(self, size: int) -> dict[str, JSON]:
        """What is asked for. A number that is not the manifest's is left to the platform."""
        manifest = self.record.manifest
        body: dict[str, JSON] = {"name": manifest.name, "file_size_bytes": size}
        if self._has_its_number:
            body["version"] = manifest.version
        if manifest.description:
            body["description"] = manifest.description
        return body

    @property
    def _has_its_number(self) -> bool:
        manifest = self.record.manifest
        return normalise_version(manifest.declared_version) == manifest.version

    def _archive(self) -> bytes:
        with tempfile.TemporaryDirectory(prefix="mixpeek-lab-push-") as folder:
            return pack(self.record.source, folder).path.read_bytes()

    # ------------------------------------------------------------ the checks

    def _confirmed(self, push: Push) -> Push:
        self.on_step("Confirming: the platform checks the package.")
        body: dict[str, JSON] = {"message": self.commit.message}
        if push.etag:
            body["etag"] = push.etag
        try:
            told = self.remote.confirm(push.upload_id, body, f"{self.run}-confirm")
        except RemoteError as error:
            if error.answered in GONE:  # another archive is needed: the next try sends it
                self._forget(push)
            raise
        told = self._checked(told)
        if told.get("success") is False or told.get("validation_status") == "failed":
            self._forget(push)
            problems = told.get("validation_errors")
            found = tuple(problems) if isinstance(problems, list) else ()
            raise RemoteError(
                "confirm",
                f"{self.remote.place} refuses the package: {len(found)} "
                f"problem{'' if len(found) == 1 else 's'}.{listing(found)}",
                200,
                found,
            )
        key = _text(told, "extractor_id", "plugin_id")
        return self._kept(push.upload_id, push.etag, key, self._number(told, key))

    def _number(self, told: Mapping[str, JSON], key: str) -> str:
        """Which version it is there, as the platform says; empty where it does not say."""
        number = _numbered(told)
        if number or self._has_its_number:
            return number or self.commit.version
        return _numbered(self.remote.get(key) or {})

    def _checked(self, told: dict[str, JSON]) -> dict[str, JSON]:
        """The platform's verdict, once it has one: some answer first and check then."""
        end = time.monotonic() + self.remote.wire.patience.deploy
        while told.get("validation_status") in ("pending", "in_progress"):
            if time.monotonic() > end:
                raise RemoteError("confirm", "The platform still checks the package: run it again.")
            self.remote.wire.pause(self.remote.wire.patience.poll)
            key = _text(told, "extractor_id", "plugin_id")
            told = {**told, **(self.remote.get(key) or {})}
        return told

    # ------------------------------------------------------------ serving it

    def _deployed(self, key: str, batch_only: bool) -> str:
        has_service = self.record.source.text("realtime.py") is not None
        kind = "batch_only" if batch_only or not has_service else None
        self.on_step(f"Deploying {key}{' for batches only' if kind else ''}.")
        told = self.remote.deploy(key, kind, f"{self.run}-deploy")
        end = time.monotonic() + self.remote.wire.patience.deploy
        state = shown = _state(told) or "QUEUED"
        while state in ON_THE_WAY:
            if time.monotonic() > end:
                raise RemoteError(
                    "status",
                    f"{key} is still {state} after {self.remote.wire.patience.deploy:g} s. It "
                    "goes on there; the same command again goes on waiting.",
                )
            self.remote.wire.pause(self.remote.wire.patience.poll)
            told = self.remote.status(key)
            state = _state(told)
            if state != shown:
                self.on_step(f"{key}: {state}")
                shown = state
        if state == "FAILED" or not state:
            reason = told.get("error") or told.get("message") or "It does not say why."
            raise RemoteError("status", f"{key} failed to deploy on {self.remote.place}: {reason}")
        return state

    def _state(self, push: Push) -> str:
        try:
            return _state(self.remote.status(push.extractor_id))
        except RemoteError as error:
            if error.answered == 404:
                return "NOT_DEPLOYED"
            raise

    # ------------------------------------------------------------ remembering

    def _kept(self, upload_id: str, etag: str, key: str, version: str) -> Push:
        push = Push(self.remote.place, self.commit.name, self.commit.digest, upload_id, etag, key,
                    version, now())  # fmt: skip
        self.catalog.put_push(push)
        return push

    def _forget(self, push: Push) -> None:
        self.catalog.drop_push(push.place, push.name, push.digest)

    def _notes(self, done: Push) -> tuple[str, ...]:
        notes = []
        if not done.version:
            notes.append(f"{self.remote.place} does not say which version it is there.")
        elif done.version != self.commit.version:
            notes.append(
                f"It is version {done.version} there, and {self.commit.version} here: the "
                f"manifest says {self.record.manifest.declared_version!r}, so the platform "
                f'numbered it. With version="{self.commit.version}" in the manifest, committed and '
                "pushed, both have the same."
            )
        return tuple(notes)


def _text(told: Mapping[str, JSON], *keys: str) -> str:
    found = next((told[key] for key in keys if told.get(key)), None)
    if not isinstance(found, str):
        raise RemoteError(
            "read the answer", f"The platform's answer has no {' or '.join(keys)}: {sorted(told)}."
        )
    return found


def _numbered(told: Mapping[str, JSON]) -> str:
    """The version that a record names, itself or in its URI; empty where it names none."""
    uri = re.match(r"mixpeek://[^@/]+@([^/]+)", str(told.get("feature_uri") or ""))
    found = told.get("version") or (uri[1] if uri else "")
    if not isinstance(found, str):
        return ""
    try:
        return normalise_version(found) if found else ""
    except InvalidInputError:  # a number of the platform's own kind, which is told as it is
        return found


def _state(told: Mapping[str, JSON]) -> str:
    return str(told.get("status") or told.get("deployment_status") or "").upper()
