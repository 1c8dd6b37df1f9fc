"""The history of extractors: immutable versions, where each extractor stands, and tags."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import ExtractorRecord, now, to_extractor
from mixpeek_lab.errors import ConflictError, NotFoundError
from mixpeek_lab.models import JSON, Manifest
from mixpeek_lab.uris import next_patch, version_key

COLUMNS = "name, version, digest, parent, message, author, origin, created_at"
_ONE_CONTENT = "SELECT * FROM extractors WHERE name = ? AND digest = ?"


@dataclass(frozen=True, slots=True)
class Commit:
    """One version for good: its number never stands for other contents."""

    name: str
    version: str
    digest: str
    """sha256 of the source, in hex."""
    parent: str | None
    """The version that it was made from; None for the first one, and where it is not known."""
    message: str
    author: str
    origin: str
    """How it came: `notebook`, `upload` or `pull`."""
    created_at: str


class CommitRecords(Records):
    """Commits, heads and tags."""

    # ------------------------------------------------------------ commits

    def commits(self, name: str) -> list[Commit]:
        """All versions of an extractor that were committed, newest first."""
        rows = self._database.connection.execute(
            f"SELECT {COLUMNS} FROM commits WHERE name = ? ORDER BY rowid DESC", (name,)
        )
        return [Commit(*row) for row in rows]

    def commit(
        self, name: str, *, version: str | None = None, digest: str | None = None
    ) -> Commit | None:
        """The commit with that version or that digest; None where there is none."""
        column, value = ("version", version) if digest is None else ("digest", digest)
        row = self._one(
            f"SELECT {COLUMNS} FROM commits WHERE name = ? AND {column} = ?", name, value or ""
        )
        return None if row is None else Commit(*row)

    def add_commit(
        self, name: str, version: str, digest: str, message: str, author: str, origin: str
    ) -> Commit:
        """Keep a version for good, as the child of the head, and move the head there.

        ConflictError where the version or the contents are committed already.
        """
        with self._database.transaction():
            parent = self.head(name)
            return self.put_commit(
                Commit(name, version, digest, parent, message, author, origin, now())
            )

    def put_commit(self, commit: Commit) -> Commit:
        """Keep a version for good, with the parent that it says, and move the head there.

        ConflictError as for `add_commit`.
        """
        name, version = commit.name, commit.version
        with self._database.transaction() as sql:
            try:
                sql.execute(
                    f"INSERT INTO commits ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    astuple(commit),
                )
            except sqlite3.IntegrityError as error:
                raise ConflictError(
                    f"{name} {version}, or what is in it, is committed already: "
                    f"`%extractor log {name}` shows as what."
                ) from error
            self.move_head(name, version)
            self._make_room(sql, commit)
        return commit

    def _make_room(self, sql: sqlite3.Connection, commit: Commit) -> None:
        """Give other contents, which nobody committed, the next number in place of this one."""
        others = sql.execute(
            "SELECT digest FROM extractors WHERE name = ? AND version = ? AND digest != ?",
            (commit.name, commit.version, commit.digest),
        ).fetchall()
        for (digest,) in others:
            self.renumber(commit.name, digest, self.free_version(commit.name, commit.version))

    def free_version(self, name: str, version: str) -> str:
        """`version` where nothing is committed as it; else the next patch that is free."""
        taken = {commit.version for commit in self.commits(name)}
        while version in taken:
            version = next_patch(version)
        return version

    def next_version(self, name: str, declared: str) -> str:
        """The number that new contents get which declare that one.

        It counts from the higher of `declared` and the head's version, from which they come: what
        was made from 2.0.0 is never 1.0.1.
        """
        head = self.head(name)
        behind = head is not None and version_key(head) > version_key(declared)
        return self.free_version(name, head if head is not None and behind else declared)

    # ------------------------------------------------------------ where an extractor stands

    def head(self, name: str) -> str | None:
        """The version that the working state comes from; None before the first commit."""
        row = self._one("SELECT version FROM heads WHERE name = ?", name)
        return None if row is None else str(row[0])

    def move_head(self, name: str, version: str) -> None:
        """Say which version the working state comes from."""
        with self._database.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", (name, version))

    def make_current(self, name: str, digest: str) -> None:
        """Make contents that are kept the working state."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE extractors SET is_current = (digest = ?) WHERE name = ?", (digest, name)
            )

    def by_prefix(self, name: str, prefix: str) -> list[ExtractorRecord]:
        """The contents whose digest begins so, committed or not."""
        rows = self._database.connection.execute(
            "SELECT * FROM extractors WHERE name = ? AND substr(digest, 1, ?) = ? ORDER BY rowid",
            (name, len(prefix), prefix),
        )
        return [to_extractor(row) for row in rows.fetchall()]

    def renumber(self, name: str, digest: str, version: str) -> None:
        """Give contents that nobody committed another version, wherever they have one.

        Their collections, and the retrievers over those, are told.
        """
        with self._database.transaction() as sql:
            row = sql.execute(_ONE_CONTENT, (name, digest)).fetchone()
            if row is None or row["version"] == version or self.commit(name, digest=digest):
                return
            manifest = replace(to_extractor(row).manifest, version=version)
            sql.execute(
                "UPDATE extractors SET version = ?, manifest = ? WHERE name = ? AND digest = ?",
                (version, json.dumps(asdict(manifest)), name, digest),
            )
            made = sql.execute(
                "SELECT collection_id, extractor_version FROM collections "
                "WHERE extractor = ? AND extractor_digest = ?", (name, digest)
            ).fetchall()  # fmt: skip
            sql.execute(
                "UPDATE collections SET extractor_version = ? "
                "WHERE extractor = ? AND extractor_digest = ?", (version, name, digest)
            )  # fmt: skip
            for collection_id, before in made:
                self.follow(collection_id, before, manifest)

    # ------------------------------------------------------------ tags

    def tags(self, name: str) -> dict[str, str]:
        """Tag → version, by tag."""
        rows = self._database.connection.execute(
            "SELECT tag, version FROM tags WHERE name = ? ORDER BY tag", (name,)
        )
        return {row["tag"]: row["version"] for row in rows}

    def put_tag(self, name: str, tag: str, version: str) -> None:
        """Set a tag, or move it."""
        with self._database.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (name, tag, version))

    def delete_tag(self, name: str, tag: str) -> None:
        """Forget a tag. NotFoundError where there is none."""
        tags = self.tags(name)
        if tag not in tags:
            raise NotFoundError("tag", tag, tags)
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM tags WHERE name = ? AND tag = ?", (name, tag))

    # ------------------------------------------------------------ what follows

    def follow(self, collection_id: str, before: str, manifest: Manifest) -> list[str]:
        """Let retrievers whose vectors moved to another version search that; their names.

        A leg names its version: `mixpeek://name@1.0.0/feature`. Where none of a retriever's
        collections is made with the version `before` any more, and this one was, its legs follow.
        A feature that the new version lacks stays as it is, and searching says what there is.
        """
        after = {f.feature_name: manifest.uri(f.feature_name) for f in manifest.vectors}
        uris = {f"mixpeek://{manifest.name}@{before}/{name}": uri for name, uri in after.items()}
        moved = []
        with self._database.transaction() as sql:
            made = sql.execute(
                "SELECT collection_id, name, extractor, extractor_version FROM collections"
            ).fetchall()
            this = {row["name"] for row in made if row["collection_id"] == collection_id}
            still = {
                key for row in made for key in (row["collection_id"], row["name"])
                if (row["extractor"], row["extractor_version"]) == (manifest.name, before)
            }  # fmt: skip
            for row in sql.execute("SELECT * FROM retrievers").fetchall():
                body = json.loads(row["body"])
                searched = set(body.get("collection_identifiers", ()))
                if not searched & {collection_id, *this} or searched & still:
                    continue
                told = with_texts(body, lambda text: uris.get(text, text))
                if told != body:
                    moved.append(str(row["name"]))
                    sql.execute(
                        "UPDATE retrievers SET body = ? WHERE retriever_id = ?",
                        (json.dumps(told), row["retriever_id"]),
                    )
        return moved

    def _forget_commit(self, sql: sqlite3.Connection, name: str, version: str) -> None:
        """Take a version that is deleted out of the history: its children have its parent."""
        found = self.commit(name, version=version)
        if found is None:
            return
        sql.execute("DELETE FROM commits WHERE name = ? AND version = ?", (name, version))
        sql.execute("DELETE FROM tags WHERE name = ? AND version = ?", (name, version))
        sql.execute(
            "UPDATE commits SET parent = ? WHERE name = ? AND parent = ?",
            (found.parent, name, version),
        )
        if self.head(name) == version:
            sql.execute("DELETE FROM heads WHERE name = ?", (name,))
            left = [commit.version for commit in self.commits(name)]
            if left:
                parent = found.parent if found.parent in left else left[0]
                self.move_head(name, parent)


def with_texts(value: Any, change: Callable[[str], str]) -> JSON:
    """The JSON value with every text in it changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: with_texts(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_texts(inner, change) for inner in value]
    return value
