"""SQL for retriever stages: the lab's own collections, files and databases, read-only."""

from mixpeek_lab.databases.asking import MOST_ROWS
from mixpeek_lab.databases.databases import OWN, PREFIX, Databases

__all__ = ["MOST_ROWS", "OWN", "PREFIX", "Databases"]
