"""The catalog's tables, as one script for each version of the schema."""

from __future__ import annotations

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

SOURCES = """
ALTER TABLE collections ADD COLUMN source TEXT NOT NULL DEFAULT '{}';
UPDATE collections SET source = json_object('kind', 'bucket', 'ids', json_array(bucket_id));
ALTER TABLE collections DROP COLUMN bucket_id;
"""

NAMESPACES = """
CREATE TABLE namespaces (
  namespace_id TEXT PRIMARY KEY, name TEXT NOT NULL, details TEXT NOT NULL,
  created_at TEXT NOT NULL, is_deleted INTEGER NOT NULL
);
"""

CHANGES = """
CREATE TABLE document_changes (
  serial INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, key TEXT NOT NULL,
  is_gone INTEGER NOT NULL
);
CREATE INDEX document_changes_by_scope ON document_changes (scope, serial);
INSERT INTO document_changes (scope, key, is_gone)
  SELECT collection_id, document_id, 0 FROM document_edits ORDER BY updated_at;
"""

SCHEMAS = (
    TABLES,
    PLATFORM,
    RESOURCES,
    REQUESTS,
    ATTEMPTS,
    MEASUREMENT,
    HISTORY,
    SOURCES,
    NAMESPACES,
    CHANGES,
)
"""What each version of the schema adds to the one before: a file of any age is brought up."""

SCHEMA_VERSION = len(SCHEMAS)
