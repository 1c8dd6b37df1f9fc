"""The lab's home: one folder with the catalog, extractor sources and collections."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.private_files import write_private

TOKEN = "MIXPEEK_LAB_TOKEN"
SHORTEST, VARIETY = 16, 6
"""Characters of a token at least, and how many of them differ."""
MAKE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


@dataclass(frozen=True, slots=True)
class Home:
    """Where a lab keeps what lasts. `MIXPEEK_LAB_HOME`, else `.mixpeek_lab` in this folder."""

    path: Path

    @classmethod
    def open(cls, path: str | Path | None = None) -> Home:
        """The home at `path`, made if it is not there."""
        home = cls.at(path)
        home.path.mkdir(parents=True, exist_ok=True)
        return home

    @classmethod
    def at(cls, path: str | Path | None = None) -> Home:
        """The same, whether or not it is there."""
        chosen = path or os.environ.get("MIXPEEK_LAB_HOME") or ".mixpeek_lab"
        return cls(Path(chosen).expanduser().resolve())

    @property
    def catalog(self) -> Path:
        """The SQLite file."""
        return self.path / "catalog.sqlite"

    def snapshots(self, collection_id: str) -> Path:
        """The folder of a collection's snapshots."""
        return self.path / "collections" / collection_id

    def token(self) -> str:
        """The endpoint's bearer token: `MIXPEEK_LAB_TOKEN`, else one kept in the home.

        InvalidInputError for one that is weak, or cannot stand in a header.
        """
        given = os.environ.get(TOKEN)
        if given:
            return _strong(given, TOKEN)
        path = self.path / "token"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32), replace=False)
        return _strong(path.read_text().strip(), str(path))


def _strong(token: str, where: str) -> str:
    if len(token) < SHORTEST or not re.fullmatch(r"[!-~]+", token) or len(set(token)) < VARIETY:
        raise InvalidInputError(
            f"The token in {where} is weak: whoever guesses it can run code here. It needs "
            f"{SHORTEST} characters or more ({VARIETY} different ones), letters, digits and signs "
            f"without spaces. This makes one: {MAKE}. Or remove it: the lab makes its own then."
        )
    return token
