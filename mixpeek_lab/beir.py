"""Test collections in the BEIR layout: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class BeirDocument:
    """One line of `corpus.jsonl`."""

    document_id: str
    title: str
    body: str
    metadata: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Title and body with a blank between them: what is embedded and indexed."""
        return f"{self.title} {self.body}".strip()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A test collection. Queries and judgements are in memory, the corpus is read on demand."""

    name: str
    folder: Path
    split: str
    queries: Mapping[str, str]
    """Query id → text, in the file's order. All of them, judged or not."""
    qrels: Mapping[str, Mapping[str, int]]
    """Query id → document id → how relevant."""

    def iter_documents(self) -> Iterator[BeirDocument]:
        """The corpus, in the file's order. Raises InvalidInputError with file and line."""
        path = self.folder / "corpus.jsonl"
        for line, row in _rows(path):
            yield BeirDocument(
                document_id=_text(row, "_id", path, line),
                title=_text(row, "title", path, line, default=""),
                body=_text(row, "text", path, line),
                metadata=row.get("metadata") or {},
            )

    @property
    def judged_queries(self) -> dict[str, str]:
        """The queries with a positive judgement: those that measures count."""
        return {
            query_id: text
            for query_id, text in self.queries.items()
            if any(value > 0 for value in self.qrels.get(query_id, {}).values())
        }


def read_beir(folder: str | Path, split: str | None = None) -> Dataset:
    """Read a BEIR-layout folder.

    `split` names the file in `qrels/`; without it that is `test`, or the only one there is.
    Raises InvalidInputError that names the file, and the line where one is malformed.
    """
    root = Path(folder).expanduser()
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not (root / name).is_file():
            raise InvalidInputError(
                f"{root}: there is no {name}. A BEIR folder holds corpus.jsonl, queries.jsonl "
                "and qrels/test.tsv."
            )
    judgements = _qrels_file(root, split)
    return Dataset(
        name=root.resolve().name,
        folder=root,
        split=judgements.stem,
        queries=_queries(root / "queries.jsonl"),
        qrels=_qrels(judgements),
    )


def _qrels_file(root: Path, split: str | None) -> Path:
    files = {path.stem: path for path in sorted((root / "qrels").glob("*.tsv"))}
    if split is None and len(files) == 1:
        return next(iter(files.values()))
    wanted = split or "test"
    if wanted not in files:
        there = ", ".join(files) or "none"
        raise InvalidInputError(f"{root / 'qrels'}: there is no {wanted}.tsv. Splits: {there}.")
    return files[wanted]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, JSON]]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InvalidInputError(f"{path}:{number}: not JSON: {error.msg}.") from error
            if not isinstance(row, dict):
                raise InvalidInputError(f"{path}:{number}: expected a JSON object.")
            yield number, row


def _text(
    row: Mapping[str, JSON], key: str, path: Path, line: int, default: str | None = None
) -> str:
    value = row.get(key, default)
    if isinstance(value, int) and key == "_id":
        return str(value)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise InvalidInputError(f"{path}:{line}: `{key}` must be a text, got {value!r}.")
    return value


def _queries(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line, row in _rows(path):
        query_id = _text(row, "_id", path, line)
        if query_id in found:
            raise InvalidInputError(f"{path}:{line}: query {query_id!r} is there twice.")
        found[query_id] = _text(row, "text", path, line)
    return found


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        cells = line.split()
        if not cells or (number == 1 and not _is_whole(cells[-1])):
            continue  # an empty line, or the header
        if len(cells) != 3 or not _is_whole(cells[2]):
            raise InvalidInputError(
                f"{path}:{number}: expected `query-id<tab>corpus-id<tab>score`, got {line!r}."
            )
        found.setdefault(cells[0], {})[cells[1]] = int(cells[2])
    return found


def _is_whole(text: str) -> bool:
    return text.lstrip("+-").isdigit()
