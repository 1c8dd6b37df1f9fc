"""The catalog: what the lab knows, in one SQLite file that several processes open at once."""

from mixpeek_lab.catalog.records import ExtractorRecord, InputRow, RetrieverRecord, new_id, now
from mixpeek_lab.catalog.store import Catalog

__all__ = ["Catalog", "ExtractorRecord", "InputRow", "RetrieverRecord", "new_id", "now"]
