"""How far each version got on its way to another platform, so that a push can go on."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from mixpeek_lab.catalog.access import Records

COLUMNS = "place, name, digest, upload_id, etag, extractor_id, version, pushed_at"


@dataclass(frozen=True, slots=True)
class Push:
    """An archive that arrived at `place`; with an `extractor_id` once it was accepted there."""

    place: str
    """`URL namespace`."""
    name: str
    digest: str
    upload_id: str
    etag: str
    extractor_id: str
    version: str
    pushed_at: str


class PushRecords(Records):
    """Pushes by place, extractor and contents."""

    def push(self, place: str, name: str, digest: str) -> Push | None:
        """How far these contents got; None where they never arrived."""
        row = self._one(
            f"SELECT {COLUMNS} FROM pushes WHERE place = ? AND name = ? AND digest = ?",
            place, name, digest,
        )  # fmt: skip
        return None if row is None else Push(*row)

    def put_push(self, push: Push) -> None:
        """Keep how far a push got, in place of what was known."""
        with self._database.transaction() as sql:
            sql.execute(
                f"INSERT OR REPLACE INTO pushes ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                astuple(push),
            )

    def drop_push(self, place: str, name: str, digest: str) -> None:
        """Forget it: what arrived is gone there, or was refused."""
        with self._database.transaction() as sql:
            sql.execute(
                "DELETE FROM pushes WHERE place = ? AND name = ? AND digest = ?",
                (place, name, digest),
            )

    def pushes(self, name: str) -> list[Push]:
        """Where versions of an extractor were pushed to and accepted, newest first."""
        rows = self._database.connection.execute(
            f"SELECT {COLUMNS} FROM pushes WHERE name = ? AND extractor_id != '' "
            "ORDER BY pushed_at DESC", (name,)
        )  # fmt: skip
        return [Push(*row) for row in rows]
