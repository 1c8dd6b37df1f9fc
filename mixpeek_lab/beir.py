"""Test collections in the BEIR layout: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`.

Judgements are also read in TREC's layout: `query-id 0 document-id score`, with blanks.
"""

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
    judgements = qrels_file(root, split)
    return Dataset(
        name=root.resolve().name,
        folder=root,
        split=judgements.stem,
        queries=read_queries(root / "queries.jsonl"),
        qrels=read_qrels(judgements),
    )


def qrels_file(root: Path, split: str | None) -> Path:
    """The judgements of a BEIR folder's split: see `read_beir`."""
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


def read_queries(path: Path) -> dict[str, str]:
    """Query id → text: lines of JSON with `_id` and `text`, or of an id, a tab and the text.

    InvalidInputError names file and line.
    """
    is_json = path.suffix in (".jsonl", ".json", ".ndjson")
    found: dict[str, str] = {}
    for line, (query_id, text) in _json_queries(path) if is_json else _typed_queries(path):
        if query_id in found:
            raise InvalidInputError(f"{path}:{line}: query {query_id!r} is there twice.")
        found[query_id] = text
    return found


def _json_queries(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    for line, row in _rows(path):
        yield line, (_text(row, "_id", path, line), _text(row, "text", path, line))


def _typed_queries(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    for line, text in _lines(path):
        query_id, tab, words = text.partition("\t")
        if not tab or not words.strip():
            raise InvalidInputError(f"{path}:{line}: expected `query-id<tab>text`, got {text!r}.")
        yield line, (query_id.strip(), words.strip())


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Query id → document id → how relevant, from BEIR's three columns or TREC's four.

    InvalidInputError names file and line, also where a document is judged twice, differently.
    """
    found: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        cells = line.split("\t") if "\t" in line else line.split()
        cells = [cell.strip() for cell in cells]
        if number == 1 and cells[-1].lower() in _HEADER:
            continue
        if len(cells) not in (3, 4) or not _is_whole(cells[-1]):
            raise InvalidInputError(
                f"{path}:{number}: expected `query-id<tab>corpus-id<tab>score`, or TREC's "
                f"`query-id 0 document-id score`, got {line!r}."
            )
        judged = found.setdefault(cells[0], {})
        grade = int(cells[-1])
        if judged.setdefault(cells[-2], grade) != grade:
            raise InvalidInputError(
                f"{path}:{number}: query {cells[0]!r} judges document {cells[-2]!r} twice, "
                f"as {judged[cells[-2]]} and as {grade}."
            )
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, numbered from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not in UTF-8"
        raise InvalidInputError(f"{path} cannot be read: {reason}.") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line


_HEADER = ("score", "relevance", "rel", "relevancy", "grade", "label", "judgement", "judgment")
"""The last word of a first line that names the columns."""


def _is_whole(text: str) -> bool:
    return text.lstrip("+-").isdecimal()


LAYOUTS = ("beir", "trec")


def write_judgements(
    path: str | Path,
    qrels: Mapping[str, Mapping[str, int]],
    queries: Mapping[str, str],
    layout: str = "beir",
) -> Path:
    """Write judgements with their queries, as `read_qrels` and `read_queries` read them back.

    `beir`: a folder with `queries.jsonl` and `qrels/test.tsv`. `trec`: a file of
    `query-id 0 document-id grade`, and `queries.jsonl` beside it. InvalidInputError for another
    layout, an id that the layout cannot hold, and a place that cannot be written to.
    """
    if layout not in LAYOUTS:
        raise InvalidInputError(f"layout: {layout!r} is not one of {', '.join(LAYOUTS)}.")
    root = Path(path).expanduser()
    gap, head = ("\t", "query-id\tcorpus-id\tscore\n") if layout == "beir" else (" ", "")
    lines = [
        gap.join(
            [_id(query_id, layout), *(["0"] * (layout == "trec")), _id(key, layout), f"{grade}"]
        )
        for query_id, judged in qrels.items()
        for key, grade in judged.items()
    ]
    rows = [json.dumps({"_id": k, "text": v}, ensure_ascii=False) for k, v in queries.items()]
    file = root / "qrels" / "test.tsv" if layout == "beir" else root
    folder = root if layout == "beir" else root.parent
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        (folder / "queries.jsonl").write_text("".join(f"{r}\n" for r in rows), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{root} cannot be written: {error.strerror}.") from error
    return root


def _id(name: str, layout: str) -> str:
    """An id, where the layout can hold it."""
    is_word = name.split() == [name]
    if not name.strip() or any(c in name for c in "\t\r\n") or (layout == "trec" and not is_word):
        raise InvalidInputError(
            f"{name!r}: an id in {layout.upper()}'s layout is one "
            f"{'word without blanks' if layout == 'trec' else 'line without tabs'}."
        )
    return name
