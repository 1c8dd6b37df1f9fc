"""Text to try things on: docstrings that every machine has, and texts of our own writing.

    from mixpeek_lab.corpora import docstrings, filings, sample_folder

    docstrings(limit=500)   # 500 records, read from the installed packages
    filings()               # 12 passages about companies that do not exist
    sample_folder()         # a folder of mixed files, and questions whose answers are in it

The first two give lists of flat records; `id` and `text` are in each, the rest is metadata.
"""

from __future__ import annotations

from mixpeek_lab.corpora.docstrings import (
    DEFAULT_PACKAGES,
    Docstring,
    docstrings,
    iter_docstrings,
)
from mixpeek_lab.corpora.filings import Filing, filings
from mixpeek_lab.corpora.folder import sample_folder, sample_judgements

__all__ = [
    "DEFAULT_PACKAGES",
    "Docstring",
    "Filing",
    "docstrings",
    "filings",
    "iter_docstrings",
    "sample_folder",
    "sample_judgements",
]
