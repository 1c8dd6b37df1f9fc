"""Uploads of extractor packages: asked for, received, confirmed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload. Its state is `waiting`, `received`, `passed` or `failed`."""

    upload_id: str
    name: str
    version: str
    is_assigned: bool
    """Whether the lab chose the version, and the package's own does not count."""
    description: str
    created_at: str
    expires_at: float
    """Seconds since the epoch."""
    state: str = "waiting"
    expected_size: int | None = None
    size: int | None = None
    """Bytes."""
    etag: str = ""
    sha256: str = ""
    """Of the archive."""
    message: str = ""
    digest: str = ""
    """Of the source, once it passed."""
    report: Mapping[str, JSON] = field(default_factory=dict)
    """What the checks found, once they ran."""

    @property
    def is_confirmed(self) -> bool:
        """Whether the checks ran: nothing changes after that."""
        return self.state in ("passed", "failed")


class UploadRecords(Records):
    """Uploads by id."""

    def add_upload(self, upload: Upload) -> None:
        """Keep a new upload."""
        values = {**asdict(upload), "report": json.dumps(dict(upload.report))}
        columns = ", ".join(values)
        with self._database.transaction() as sql:
            sql.execute(
                f"INSERT INTO uploads ({columns}) VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            )

    def upload(self, upload_id: str) -> Upload:
        """The upload of that id."""
        row = self._one("SELECT * FROM uploads WHERE upload_id = ?", upload_id)
        if row is None:
            raise NotFoundError("upload", upload_id, [u.upload_id for u in self.uploads()])
        return _upload(row)

    def uploads(self) -> list[Upload]:
        """All uploads, newest first."""
        return [_upload(row) for row in self._all("SELECT * FROM uploads ORDER BY rowid DESC")]

    def receive_upload(self, upload_id: str, size: int, etag: str, sha256: str) -> bool:
        """Note what arrived, in place of what arrived before. False where it is confirmed."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE uploads SET state = 'received', size = ?, etag = ?, sha256 = ? "
                    "WHERE upload_id = ? AND state IN ('waiting', 'received')",
                    (size, etag, sha256, upload_id),
                ).rowcount
            )

    def confirm_upload(self, confirmed: Upload) -> bool:
        """Keep what the checks made of an upload. False where another archive came meanwhile."""
        report = json.dumps(dict(confirmed.report))
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE uploads SET state = ?, digest = ?, version = ?, message = ?, "
                    "report = ? WHERE upload_id = ? AND state = 'received' AND sha256 = ?",
                    (confirmed.state, confirmed.digest, confirmed.version, confirmed.message,
                     report, confirmed.upload_id, confirmed.sha256),
                ).rowcount
            )  # fmt: skip

    def forget_expired_uploads(self, grace: float) -> list[str]:
        """Drop the uploads that expired `grace` seconds ago and were not confirmed: their ids."""
        with self._database.transaction() as sql:
            rows = sql.execute(
                "DELETE FROM uploads WHERE expires_at < ? AND state IN ('waiting', 'received') "
                "RETURNING upload_id",
                (time.time() - grace,),
            ).fetchall()
        return [row[0] for row in rows]


def _upload(row: sqlite3.Row) -> Upload:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["is_assigned"] = bool(values["is_assigned"])
    values["report"] = json.loads(values["report"])
    return Upload(**values)
