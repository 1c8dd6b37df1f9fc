"""What was computed for a collection before: by the snapshot that is shown, and by versions ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.catalog import ExtractorRecord
from mixpeek_lab.documents import DocumentTable, read_documents
from mixpeek_lab.models import JSON, Collection
from mixpeek_lab.pipeline import PlannedRow, input_types, plan_rows
from mixpeek_lab.snapshots import (
    DOCUMENTS,
    earlier_results,
    forget_results,
    keep_results,
    maker_of,
    read_ledger,
)
from mixpeek_lab.workbench.origins import Origin


def input_rows(origin: Origin, record: ExtractorRecord) -> list[PlannedRow]:
    """The rows of a collection's source as this version of the extractor would read them."""
    return plan_rows(
        origin.rows(input_types(record.manifest)),
        collection_id=origin.collection.collection_id,
        digest=record.source.batch_digest,
        parameters=origin.collection.parameters,
    )


@dataclass(frozen=True, slots=True)
class Results:
    """Where rows that code with parameters (`maker`) computed for a collection may lie."""

    root: Path
    """The folder of the collection's snapshots."""
    shown: Path | None
    maker: str

    @classmethod
    def of(
        cls, root: Path, collection: Collection, digest: str, parameters: Mapping[str, JSON]
    ) -> Results:
        """For this code and these parameters, over the snapshot that the collection shows."""
        number = collection.snapshot
        shown = None if number is None else root / str(number)
        return cls(root, shown, maker_of(digest, parameters))

    @property
    def folders(self) -> list[Path]:
        """The shown snapshot first, then what the maker computed before others came."""
        earlier = earlier_results(self.root, self.maker)
        return [folder for folder in (self.shown, earlier) if folder is not None]

    def known(self) -> frozenset[str]:
        """The keys of all rows that need not be computed."""
        return frozenset(key for folder in self.folders for key in read_ledger(folder))

    def documents(self, wanted: frozenset[str]) -> list[tuple[DocumentTable, frozenset[str]]]:
        """Documents, and the keys of the rows to take from them: each of `wanted` once."""
        found, left = [], wanted
        for folder in self.folders:
            here = left & read_ledger(folder)
            if here:
                found.append((read_documents(folder / DOCUMENTS), here))
            left -= here
        return found

    def keep(self, before: Collection) -> None:
        """Keep what is shown, where other code or parameters take its place."""
        maker = maker_of(before.extractor_digest, before.parameters)
        if self.shown is not None and maker != self.maker:
            keep_results(self.root, self.shown, maker)

    def forget(self) -> None:
        """Drop what lies apart and is shown again."""
        forget_results(self.root, self.maker)
