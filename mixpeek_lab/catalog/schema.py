"""The catalog's tables, and how a file gets them."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from pathlib import Path

from mixpeek_lab.catalog.changes_table import CHANGES
from mixpeek_lab.errors import LabError

TABLES = """
CREATE TABLE extractors (
  name TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
  files TEXT NOT NULL, manifest TEXT NOT NULL, created_at TEXT NOT NULL,
  is_current INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (name, digest)
);
CREATE TABLE buckets (
  bucket_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, schema TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE TABLE objects (
  object_id TEXT NOT NULL, bucket_id TEXT NOT NULL REFERENCES buckets ON DELETE CASCADE,
  ordinal INTEGER NOT NULL, metadata TEXT NOT NULL, metadata_hash TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (bucket_id, object_id)
);
CREATE TABLE blobs (
  blob_id TEXT NOT NULL, bucket_id TEXT NOT NULL, object_id TEXT NOT NULL,
  property TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, mime_type TEXT NOT NULL,
  content_hash TEXT NOT NULL, size_bytes INTEGER NOT NULL,
  PRIMARY KEY (bucket_id, object_id, property),
  FOREIGN KEY (bucket_id, object_id) REFERENCES objects ON DELETE CASCADE
);
CREATE TABLE collections (
  collection_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, bucket_id TEXT NOT NULL,
  extractor TEXT NOT NULL, extractor_version TEXT NOT NULL, extractor_digest TEXT NOT NULL,
  parameters TEXT NOT NULL, settings TEXT NOT NULL, created_at TEXT NOT NULL,
  snapshot INTEGER, document_count INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY, collection_id TEXT NOT NULL, state TEXT NOT NULL,
  started_at TEXT NOT NULL, finished_at TEXT, report TEXT
);
CREATE TABLE failures (
  run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, object_id TEXT NOT NULL,
  document_id TEXT NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
  place TEXT NOT NULL
);
CREATE INDEX failures_by_run ON failures (run_id);
CREATE TABLE retrievers (
  retriever_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
  created_at TEXT NOT NULL
);
"""


PLATFORM = """
ALTER TABLE buckets ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE collections ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
CREATE INDEX objects_in_order ON objects (bucket_id, ordinal);
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE uploads (
  upload_id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,
  is_assigned INTEGER NOT NULL, description TEXT NOT NULL, state TEXT NOT NULL,
  expected_size INTEGER, size INTEGER, etag TEXT NOT NULL DEFAULT '',
  sha256 TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
  digest TEXT NOT NULL DEFAULT '', report TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL, expires_at REAL NOT NULL
);
CREATE TABLE deployments (
  name TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
  error TEXT NOT NULL DEFAULT '', requested_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  PRIMARY KEY (name, digest)
);
CREATE TABLE tasks (
  task_id TEXT PRIMARY KEY, collection_id TEXT NOT NULL, state TEXT NOT NULL,
  options TEXT NOT NULL, progress TEXT NOT NULL DEFAULT '{}', run_id TEXT,
  error TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT
);
CREATE INDEX tasks_by_collection ON tasks (collection_id);
"""

REQUESTS = """
CREATE TABLE request_keys (
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
  status INTEGER, media_type TEXT, answer BLOB, expires_at REAL NOT NULL
);
CREATE INDEX request_keys_by_age ON request_keys (expires_at);
"""

RESOURCES = """
CREATE TABLE batches (
  batch_id TEXT PRIMARY KEY, bucket_id TEXT NOT NULL REFERENCES buckets ON DELETE CASCADE,
  object_ids TEXT NOT NULL, body TEXT NOT NULL, tasks TEXT NOT NULL, created_at TEXT NOT NULL,
  submitted_at TEXT
);
CREATE TABLE document_edits (
  collection_id TEXT NOT NULL, document_id TEXT NOT NULL, row_key TEXT NOT NULL,
  fields TEXT NOT NULL, is_deleted INTEGER NOT NULL, updated_at TEXT NOT NULL,
  PRIMARY KEY (collection_id, document_id)
);
CREATE TABLE blob_uploads (
  upload_id TEXT PRIMARY KEY, bucket_id TEXT NOT NULL REFERENCES buckets ON DELETE CASCADE,
  state TEXT NOT NULL, body TEXT NOT NULL, size INTEGER, etag TEXT NOT NULL DEFAULT '',
  sha256 TEXT NOT NULL DEFAULT '', object_id TEXT, created_at TEXT NOT NULL,
  expires_at REAL NOT NULL, completed_at TEXT
);
"""

ATTEMPTS = """
ALTER TABLE tasks ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
"""

MEASUREMENT = """
CREATE TABLE interactions (
  interaction_id TEXT PRIMARY KEY, retriever_id TEXT, execution_id TEXT,
  document_id TEXT NOT NULL, user_id TEXT, session_id TEXT, types TEXT NOT NULL,
  legs TEXT NOT NULL, position INTEGER NOT NULL, details TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX interactions_by_retriever ON interactions (retriever_id);
CREATE INDEX interactions_by_execution ON interactions (execution_id, document_id);
CREATE TABLE evaluations (
  evaluation_id TEXT PRIMARY KEY, name TEXT NOT NULL, retriever_id TEXT, state TEXT NOT NULL,
  error TEXT NOT NULL DEFAULT '', about TEXT NOT NULL, scores TEXT NOT NULL DEFAULT '{}',
  run TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL, finished_at TEXT
);
CREATE TABLE datasets (
  dataset_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
  created_at TEXT NOT NULL
);
"""

HISTORY = """
CREATE TABLE commits (
  name TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL, parent TEXT,
  message TEXT NOT NULL, author TEXT NOT NULL, origin TEXT NOT NULL, created_at TEXT NOT NULL,
  PRIMARY KEY (name, version), UNIQUE (name, digest)
);
CREATE TABLE heads (name TEXT PRIMARY KEY, version TEXT NOT NULL);
CREATE TABLE tags (
  name TEXT NOT NULL, tag TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (name, tag)
);
CREATE TABLE pushes (
  place TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, upload_id TEXT NOT NULL,
  etag TEXT NOT NULL, extractor_id TEXT NOT NULL DEFAULT '',
  version TEXT NOT NULL DEFAULT '', pushed_at TEXT NOT NULL,
  PRIMARY KEY (place, name, digest)
);
INSERT OR IGNORE INTO commits
  SELECT u.name, u.version, u.digest, NULL, u.message, 'api', 'upload', u.created_at
  FROM uploads u JOIN extractors e ON e.name = u.name AND e.digest = u.digest
  WHERE u.state = 'passed' AND e.version = u.version ORDER BY u.rowid;
INSERT OR IGNORE INTO heads
  SELECT name, version FROM commits WHERE rowid IN (SELECT max(rowid) FROM commits GROUP BY name);
"""

SCHEMAS = (TABLES, PLATFORM, RESOURCES, REQUESTS, ATTEMPTS, MEASUREMENT, HISTORY, CHANGES)
"""What each version of the schema adds to the one before: a file of any age is brought up."""

SCHEMA_VERSION = len(SCHEMAS)

_SETTLED = 100_000_000
"""Nanoseconds: clocks of file systems tick some hundred times a second."""

_serials = count()
"""Numbers for connections: SQLite's own version numbers start anew with each."""


_note: ContextVar[Callable[[sqlite3.Connection], None] | None] = ContextVar("note", default=None)


@contextmanager
def before_commit(note: Callable[[sqlite3.Connection], None]) -> Iterator[None]:
    """Within the block, and in what it calls, `note` writes along with every transaction."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


class Database:
    """One SQLite file in WAL mode, with a connection per thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = (str(path), f"{path}-wal")
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._create()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            found.row_factory = sqlite3.Row
            found.execute("PRAGMA foreign_keys = ON")
            found.execute("PRAGMA synchronous = FULL")
            self._local.connection = found
            self._local.serial = next(_serials)
        return found

    @property
    def version(self) -> tuple[int, int, int]:
        """Changes with every write to the file, by whomever. To be compared on one thread only.

        Asked before every search: SQLite is asked where the files tell of a write since it was, or
        were written so shortly before that their times may not tell of another.
        """
        connection, local = self.connection, self._local
        times = self._times()
        if times != getattr(local, "times", None):
            (others,) = connection.execute("PRAGMA data_version").fetchone()
            local.version = local.serial, others, connection.total_changes
            is_settled = time.time_ns() - max(times) > _SETTLED
            local.times = times if is_settled else None
        found: tuple[int, int, int] = local.version
        return found

    def _times(self) -> tuple[int, ...]:
        """When the file and its log were last written, in nanoseconds: what is not there, 0."""
        found = []
        for path in self._files:
            try:
                found.append(os.stat(path).st_mtime_ns)  # noqa: PTH116 - a third of Path.stat's time
            except FileNotFoundError:
                found.append(0)
        return tuple(found)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commits at the end, rolls back on any exception.

        Inside another transaction of this thread it is part of that one.
        """
        connection = self.connection
        is_inner: bool = connection.in_transaction
        if is_inner:
            yield connection
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            if (note := _note.get()) is not None:
                note(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is as it was when the first of it was read. No lock is held."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close this thread's connection."""
        if (connection := getattr(self._local, "connection", None)) is not None:
            connection.close()
            self._local.connection = self._local.times = None

    def _create(self) -> None:
        """Make the tables that are not there yet. Reading the version takes no lock."""
        if self._version() == 0:
            self._enter_wal()
        if self._version() < SCHEMA_VERSION:
            with self.transaction() as connection:
                for script in SCHEMAS[self._version() :]:  # none, where another was quicker
                    for statement in script.split(";\n"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if self._version() != SCHEMA_VERSION:
            raise LabError(
                f"{self.path} was written by another version of Mixpeek Lab (schema "
                f"{self._version()}, this one reads {SCHEMA_VERSION}). Use that version, or "
                "another home folder."
            )

    def _version(self) -> int:
        version: int = self.connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    def _enter_wal(self) -> None:
        """Switch to WAL. SQLite does not wait here while another process does the same."""
        for attempt in range(50):
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if attempt == 49:
                    raise
                time.sleep(0.02)
            else:
                return
