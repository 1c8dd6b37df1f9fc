"""Queries and judgements: BEIR folders, TREC files, or values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixpeek_lab.beir import Dataset, qrels_file, read_qrels, read_queries
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.metrics import Qrels
from mixpeek_lab.missing import expanded, no_path

Queries = Mapping[str, str | Mapping[str, Any]]
"""Query id → its text, or the inputs of a retriever."""

SHOWN = 5
"""Ids that a message names."""


@dataclass(frozen=True, slots=True)
class Judgements:
    """What is asked, and which documents answer it how well."""

    name: str
    queries: Queries
    """Those to ask: with a text, and with a relevant document."""
    qrels: Qrels
    """Of the same queries: document id → how relevant, above 0 is relevant."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""

    @property
    def digest(self) -> str:
        """A hash of the queries and judgements: equal digests, comparable evaluations."""
        queries = {key: self.queries[key] for key in sorted(self.queries)}
        qrels = {key: dict(sorted(self.qrels[key].items())) for key in sorted(self.qrels)}
        text = json.dumps([queries, qrels], sort_keys=True, default=str)
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]

    @property
    def judged_documents(self) -> frozenset[str]:
        """Every document that any query judges."""
        return frozenset(document for judged in self.qrels.values() for document in judged)


def read_judgements(
    qrels: str | Path | Dataset | Mapping[str, Mapping[str, int]],
    queries: str | Path | Queries | None = None,
    split: str | None = None,
) -> Judgements:
    """Read what an evaluation needs.

    `qrels`: a BEIR folder (`queries.jsonl`, `qrels/SPLIT.tsv`: test, or the only one), a file in
    BEIR's or TREC's layout, a `Dataset`, or query id → document id → grade. `queries`: a file of
    JSON lines or of `id<tab>text`, or values; without it, those of the folder, or the file
    `queries.jsonl` in the judgements' folder or the one above.

    InvalidInputError with file and line, and where no judged query has a text or a relevant
    document.
    """
    if isinstance(qrels, Dataset):
        return _checked(qrels.name, qrels.queries if queries is None else _queries(queries),
                        qrels.qrels)  # fmt: skip
    if isinstance(qrels, Mapping):
        if queries is None:
            raise InvalidInputError(
                "queries: judgements given as values need their queries: `queries=` (--queries), "
                "query id → text, or a file."
            )
        return _checked("judgements", _queries(queries), _grades(qrels))
    path = expanded(qrels)
    if not path.exists():
        raise InvalidInputError(no_path(qrels, "file or folder of judgements,"))
    file = qrels_file(path, split) if path.is_dir() else path
    found = _queries(_beside(file) if queries is None else queries)
    name = path.resolve().name if path.is_dir() else path.stem
    return _checked(name, found, read_qrels(file))


def _beside(file: Path) -> Path:
    """`queries.jsonl` near the judgements."""
    for folder in (file.parent, file.parent.parent):
        if (folder / "queries.jsonl").is_file():
            return folder / "queries.jsonl"
    raise InvalidInputError(
        f"{file}: there is no queries.jsonl beside it. Say where the queries are: "
        "`queries=` (--queries), a file of JSON lines or of `id<tab>text`."
    )


def _queries(given: str | Path | Queries) -> Queries:
    if isinstance(given, Mapping):
        return {str(key): value for key, value in given.items()}
    path = expanded(given)
    if not path.is_file():
        raise InvalidInputError(f"queries: there is no file {path}.")
    return read_queries(path)


def _grades(given: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for query_id, judged in given.items():
        if not isinstance(judged, Mapping):
            raise InvalidInputError(f"qrels[{query_id!r}]: expected document id → grade.")
        found[str(query_id)] = {
            str(document): _grade(grade, query_id, document) for document, grade in judged.items()
        }
    return found


def _grade(grade: Any, query_id: str, document: str) -> int:
    try:
        whole = int(grade)
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or isinstance(grade, bool) or whole != grade:
        raise InvalidInputError(
            f"qrels[{query_id!r}][{document!r}]: {grade!r} is no grade: 0, 1, 2, …"
        )
    return whole


def _checked(name: str, queries: Queries, qrels: Qrels) -> Judgements:
    """With the queries that can be asked and count; what is left out becomes a note."""
    relevant = [q for q, judged in qrels.items() if any(grade > 0 for grade in judged.values())]
    kept = [q for q in relevant if q in queries]
    if not relevant:
        raise InvalidInputError(f"{name}: no query has a relevant document: nothing to measure.")
    if not kept:
        raise InvalidInputError(
            f"{name}: none of the {len(relevant)} judged queries has a text. Judged are "
            f"{_some(relevant)}; queries there are for {_some(list(queries)) or 'none'}."
        )
    lost = [q for q in relevant if q not in queries]
    groups = {
        "Not counted, as no document is relevant": [q for q in qrels if q not in set(relevant)],
        "Judged, but not asked for want of a text": lost,
        "Not asked, as nobody judged them": [q for q in queries if q not in qrels],
    }
    notes = [f"{why}: {_count(len(ids))} ({_some(ids)})." for why, ids in groups.items() if ids]
    return Judgements(
        name,
        {q: queries[q] for q in queries if q in set(kept)},
        {q: dict(qrels[q]) for q in kept},
        tuple(notes),
    )


def _count(number: int) -> str:
    return f"{number} {'query' if number == 1 else 'queries'}"


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (", …" if len(ids) > SHOWN else "")
