"""The catalog: what the lab knows, in one SQLite file that several processes open at once."""

from mixpeek_lab.catalog.store import (
    Catalog,
    ExtractorRecord,
    InputRow,
    RetrieverRecord,
    new_id,
    now,
)

__all__ = ["Catalog", "ExtractorRecord", "InputRow", "RetrieverRecord", "new_id", "now"]
