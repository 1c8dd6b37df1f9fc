"""Text to try things on: docstrings that every machine has, and filings of our own writing.

    from mixpeek_lab.corpora import docstrings, filings

    docstrings(limit=500)   # 500 records, read from the installed packages
    filings()               # 12 passages about companies that do not exist

Both give lists of flat records; `id` and `text` are in each, the rest is metadata.
"""

from __future__ import annotations

from mixpeek_lab.corpora.docstrings import (
    DEFAULT_PACKAGES,
    Docstring,
    docstrings,
    iter_docstrings,
)
from mixpeek_lab.corpora.filings import Filing, filings

__all__ = [
    "DEFAULT_PACKAGES",
    "Docstring",
    "Filing",
    "docstrings",
    "filings",
    "iter_docstrings",
]
