"""Extractors: every version there is, and whether it is served."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Container, Mapping, Sequence

from mixpeek_lab.archives import pack
from mixpeek_lab.catalog import DEFAULT, Catalog, Deployment, ExtractorRecord
from mixpeek_lab.errors import BodyError, ConflictError, EngineError, LabError, NotReadyError
from mixpeek_lab.models import JSON
from mixpeek_lab.secrets import redact
from mixpeek_lab.workbench.platform.host import Host, States
from mixpeek_lab.workbench.platform.ids import extractor_id, find_extractor
from mixpeek_lab.workbench.platform.shapes import extractor_schemas, vector_indexes

ON_THE_WAY = ("QUEUED", "PENDING", "IN_PROGRESS")
SERVE = {"RUNNING": "DEPLOYED", "DEPLOYING": "IN_PROGRESS", "NOT_STARTED": "IN_PROGRESS"}
"""Serve's word for an application → Mixpeek's. What is not here has failed, or is being deleted."""

TYPES = ("realtime", "batch_only")


Stages = Callable[[], Mapping[str, Sequence[ExtractorRecord]]]
"""Retriever, by name → the extractors that its later stages ask, as they are now."""


class Extractors:
    """Extractors by id (`name_1_0_0`) or name, which is its current version."""

    def __init__(self, catalog: Catalog, host: Host, stages: Stages) -> None:
        self._catalog, self._host, self._stages = catalog, host, stages

    def list_all(self) -> list[JSON]:
        """Every version of every extractor, by name."""
        states = self._host.services()
        return [self._record(record, states) for record in self._catalog.versions()]

    def get(self, key: str) -> dict[str, JSON]:
        """One version."""
        return self._record(find_extractor(self._catalog, key), self._host.services())

    def archive(self, key: str) -> tuple[str, bytes]:
        """The package of one version as a .zip: a name for the file, and its bytes."""
        record = find_extractor(self._catalog, key)
        with tempfile.TemporaryDirectory(prefix="mixpeek-lab-archive-") as folder:
            packed = pack(record.source, folder)
            name = f"{extractor_id(record.manifest.name, record.manifest.version)}.zip"
            return name, packed.path.read_bytes()

    def outline(self, name: str, digest: str) -> dict[str, JSON]:
        """What an upload's confirmation tells of the version that it made."""
        record = self._catalog.extractor(name, digest=digest)
        told = self._record(record, self._host.services())
        names = ("extractor_id", "plugin_id", "name", "version", "feature_uri", "feature_uris",
                 "code_hash", "deployment_status")  # fmt: skip
        return {name: told[name] for name in names}

    def status(self, key: str) -> dict[str, JSON]:
        """Whether it is served: by what was asked, and by what Ray Serve says now."""
        record = find_extractor(self._catalog, key)
        state, error = self._status(record, self._host.services())
        row = self._deployment(record)
        return {
            **_ids(record),
            "status": state,
            "deployment_status": state,
            "deployment_type": TYPES[not _has_service(record)],
            "error": redact(error) or None,
            "requested_at": row.requested_at if row else None,
            "updated_at": row.updated_at if row else None,
        }

    def deploy(self, key: str, kind: str | None) -> dict[str, JSON]:
        """Have it served, in the background; `batch_only`, or without a realtime.py: not at all."""
        if kind not in (None, *TYPES):
            raise BodyError.at("deployment_type", f"is {kind!r}: it is realtime or batch_only.")
        record = find_extractor(self._catalog, key)
        if kind == "batch_only" or not _has_service(record):
            if kind != "batch_only":
                message = "It has no realtime.py: it runs in batches only."
            else:
                message = "It runs in batches only."
            return {**self.undeploy(key), "deployment_type": "batch_only", "message": message}
        state, _ = self._status(record, self._host.services())
        is_running = state == "DEPLOYED"
        if is_running or state not in ON_THE_WAY:
            self._catalog.put_deployment(
                record.manifest.name,
                record.source.digest,
                "api",
                "DEPLOYED" if is_running else "QUEUED",
            )
        self._host.wake()
        return {"success": True, **self.status(key)}

    def undeploy(self, key: str) -> dict[str, JSON]:
        """Take its service down, if there is one: it answers what it has, and no more.

        `warnings` names the retrievers whose stages ask this very version: another one that is
        deployed stands in where they name none.
        """
        record = find_extractor(self._catalog, key)
        name, digest = record.manifest.name, record.source.digest
        self._catalog.drop_deployment(name, digest)  # from here on nobody is sent there
        if (name, digest[:12]) in self._host.services():
            self._host.take_down(name, digest)
        warnings = [
            f"Retriever {user!r} asks it in a stage: its searches fail until it is deployed again."
            for user in self._asked_by(name, {digest})
        ]
        return {"success": True, **self.status(key), "warnings": warnings}

    def served(self, key: str) -> ExtractorRecord:
        """The version, if it is served; else NotReadyError or ConflictError."""
        record = find_extractor(self._catalog, key)
        state, error = self._status(record, self._host.services())
        name = extractor_id(record.manifest.name, record.manifest.version)
        if state in ON_THE_WAY:
            raise NotReadyError(f"{name} is being deployed ({state}). Ask again in a moment.")
        if state != "DEPLOYED":
            raise ConflictError(f"{name} is not deployed ({state}). {error or 'Deploy it first.'}")
        return record

    def unserved(self, record: ExtractorRecord, error: EngineError) -> LabError:
        """Why a version did not answer: what is known of its deployment, else `error` itself."""
        state, reason = self._status(record, self._host.services())
        name = extractor_id(record.manifest.name, record.manifest.version)
        if state == "DEPLOYED":
            return error
        if state in ON_THE_WAY:
            return NotReadyError(f"{name} is being deployed ({state}). Ask again in a moment.")
        here = self._catalog.namespace()
        where = DEFAULT if here.is_default else here.namespace_id
        address = f"/v1/namespaces/{where}/extractors/{name}/deploy"
        if state == "FAILED":
            return ConflictError(
                f"{name} is not served: its deployment failed. {reason} Mend it and upload it as a "
                f"new version, or try again: POST {address}."
            )
        return EngineError(f"{error} Over HTTP: POST {address}.")

    def forget_gone(self) -> None:
        """Forget what the notebook deployed, and nobody serves any more: its name is free."""
        mine = [d for d in self._catalog.deployments() if (d.owner, d.state) == ("lab", "DEPLOYED")]
        states = self._host.services() if mine else {}
        for one in mine:
            if (one.name, one.digest[:12]) not in states:
                self._catalog.drop_deployment(one.name, one.digest)

    def delete(self, key: str) -> None:
        """Forget a version that no collection is made with, and no retriever's stage asks."""
        record = find_extractor(self._catalog, key)
        name, version = record.manifest.name, record.manifest.version
        contents = self._catalog.contents(name, version)
        digests = {found.source.digest for found in contents}
        users = [
            c.name for c in self._catalog.collections()
            if c.extractor == name and c.extractor_digest in digests
        ]  # fmt: skip
        if users:
            raise ConflictError(
                f"{extractor_id(name, version)} made {', '.join(users)}: delete that first."
            )
        if users := self._asked_by(name, digests):
            raise ConflictError(
                f"{extractor_id(name, version)} is asked by a stage of retriever "
                f"{', '.join(users)}: delete that first, or deploy another version for a stage "
                "that names none."
            )
        states = self._host.services()
        for digest in digests:
            self._catalog.drop_deployment(name, digest)
            if (name, digest[:12]) in states:
                self._host.take_down(name, digest)
        self._catalog.delete_version(name, version)

    # ------------------------------------------------------------ inside

    def _asked_by(self, name: str, digests: Container[str]) -> list[str]:
        """The retrievers whose stages ask one of these."""
        return [
            retriever for retriever, asked in self._stages().items()
            if any(r.manifest.name == name and r.source.digest in digests for r in asked)
        ]  # fmt: skip

    def _deployment(self, record: ExtractorRecord) -> Deployment | None:
        return self._catalog.deployment(record.manifest.name, record.source.digest)

    def _status(self, record: ExtractorRecord, states: States) -> tuple[str, str]:
        """The status and, where it has failed, why."""
        row = self._deployment(record)
        if row is not None and row.state in (*ON_THE_WAY, "FAILED"):
            return row.state, row.error
        state, message = states.get((record.manifest.name, record.source.digest[:12]), ("", ""))
        if state in SERVE:
            return SERVE[state], ""
        if state and state != "DELETING":
            return "FAILED", message or f"Ray Serve says {state}."
        return "NOT_DEPLOYED", ""

    def _record(self, record: ExtractorRecord, states: States) -> dict[str, JSON]:
        manifest = record.manifest
        state, error = self._status(record, states)
        uris = [manifest.uri(feature.feature_name) for feature in manifest.vectors]
        return {
            **_ids(record),
            "name": manifest.name,
            "feature_extractor_name": manifest.name,
            "feature_extractor_id": extractor_id(manifest.name, manifest.version),
            "source": "custom",
            "version": manifest.version,
            "description": manifest.description,
            "category": manifest.category,
            "inference_type": manifest.inference_type,
            "supported_input_types": list(manifest.supported_input_types),
            "features": [feature.as_dict() for feature in manifest.features],
            **extractor_schemas(manifest),
            "vector_indexes": vector_indexes(manifest),
            "required_vector_indexes": vector_indexes(manifest),
            "feature_uri": uris[0] if uris else None,
            "feature_uris": uris,
            "code_hash": record.source.digest,
            "is_current": record.is_current,
            "has_realtime": _has_service(record),
            "realtime_available": state == "DEPLOYED",
            "deployed": state == "DEPLOYED",
            "validation_status": "passed",
            "deployment_status": state,
            "error": redact(error) or None,
            "created_at": record.created_at,
            **self._history(record),
        }

    def _history(self, record: ExtractorRecord) -> dict[str, JSON]:
        """What was said when the version was made; nothing but its tags before it is committed."""
        name = record.manifest.name
        commit = self._catalog.commit(name, digest=record.source.digest)
        version = commit.version if commit else None
        return {
            "message": commit.message if commit else None,
            "author": commit.author if commit else None,
            "parent_version": commit.parent if commit else None,
            "committed_at": commit.created_at if commit else None,
            "tags": [tag for tag, found in self._catalog.tags(name).items() if found == version],
        }


def _ids(record: ExtractorRecord) -> dict[str, JSON]:
    key = extractor_id(record.manifest.name, record.manifest.version)
    return {"extractor_id": key, "plugin_id": key}


def _has_service(record: ExtractorRecord) -> bool:
    return record.source.text("realtime.py") is not None
