"""What the files of a snapshot are called."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

DOCUMENTS, LEDGER, ABOUT, LEXICAL = "documents.parquet", "ledger.parquet", "about.json", "lexical"
LOCK, UNFINISHED, EARLIER = "lock", ".writing", "earlier"


def index_path(folder: Path, feature: str) -> Path:
    """Where a snapshot keeps the vector index of a feature, whatever it is called."""
    return folder / "vectors" / quote(feature, safe="")
