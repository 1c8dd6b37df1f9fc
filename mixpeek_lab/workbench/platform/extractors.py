"""Extractors: every version there is, and whether it is served."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog, Deployment, ExtractorRecord
from mixpeek_lab.errors import BodyError, ConflictError, EngineError, LabError, NotReadyError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.host import Host, States
from mixpeek_lab.workbench.platform.ids import extractor_id, find_extractor
from mixpeek_lab.workbench.platform.shapes import extractor_schemas, vector_indexes

ON_THE_WAY = ("QUEUED", "PENDING", "IN_PROGRESS")
SERVE = {"RUNNING": "DEPLOYED", "DEPLOYING": "IN_PROGRESS", "NOT_STARTED": "IN_PROGRESS"}
"""Serve's word for an application → Mixpeek's. What is not here has failed, or is being deleted."""

TYPES = ("realtime", "batch_only")


class Extractors:
    """Extractors by id (`name_1_0_0`) or name, which is its current version."""

    def __init__(self, catalog: Catalog, host: Host) -> None:
        self._catalog, self._host = catalog, host

    def list_all(self) -> list[JSON]:
        """Every version of every extractor, by name."""
        states = self._host.services()
        return [self._record(record, states) for record in self._catalog.versions()]

    def get(self, key: str) -> dict[str, JSON]:
        """One version."""
        return self._record(find_extractor(self._catalog, key), self._host.services())

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
            "error": error or None,
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
        """Take its service down, if there is one."""
        record = find_extractor(self._catalog, key)
        self._catalog.drop_deployment(record.manifest.name, record.source.digest)
        if (record.manifest.name, record.source.digest[:12]) in self._host.services():
            self._host.take_down(record.manifest.name, record.source.digest)
        return {"success": True, **self.status(key)}

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
        address = f"/v1/namespaces/default/extractors/{name}/deploy"
        if state == "FAILED":
            return ConflictError(
                f"{name} is not served: its deployment failed. {reason} Mend it and upload it as a "
                f"new version, or try again: POST {address}."
            )
        return EngineError(f"{error} Over HTTP: POST {address}.")

    def delete(self, key: str) -> None:
        """Forget a version that no collection is made with."""
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
        states = self._host.services()
        for digest in digests:
            self._catalog.drop_deployment(name, digest)
            if (name, digest[:12]) in states:
                self._host.take_down(name, digest)
        self._catalog.delete_version(name, version)

    # ------------------------------------------------------------ inside

    def _deployment(self, record: ExtractorRecord) -> Deployment | None:
        return self._catalog.deployment(record.manifest.name, record.source.digest)

    def _status(self, record: ExtractorRecord, states: States) -> tuple[str, str]:
        """The status and, where it has failed, why."""
        row = self._deployment(record)
        if row is not None and row.state in ON_THE_WAY:
            return row.state, ""
        state, message = states.get((record.manifest.name, record.source.digest[:12]), ("", ""))
        if state in SERVE:
            return SERVE[state], ""
        if state and state != "DELETING":
            return "FAILED", message or f"Ray Serve says {state}."
        if row is not None and row.state == "FAILED":
            return "FAILED", row.error
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
            "error": error or None,
            "created_at": record.created_at,
        }


def _ids(record: ExtractorRecord) -> dict[str, JSON]:
    key = extractor_id(record.manifest.name, record.manifest.version)
    return {"extractor_id": key, "plugin_id": key}


def _has_service(record: ExtractorRecord) -> bool:
    return record.source.text("realtime.py") is not None
