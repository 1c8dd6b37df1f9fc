"""The table of what was changed about documents and objects one by one: see `changes`."""

from __future__ import annotations

CHANGES = """
CREATE TABLE document_changes (
  serial INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, key TEXT NOT NULL,
  is_gone INTEGER NOT NULL
);
CREATE INDEX document_changes_by_scope ON document_changes (scope, serial);
INSERT INTO document_changes (scope, key, is_gone)
  SELECT collection_id, document_id, 0 FROM document_edits ORDER BY updated_at;
"""
