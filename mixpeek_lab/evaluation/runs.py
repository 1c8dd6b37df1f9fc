"""Runs as TREC writes them: `query Q0 document rank score tag`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.missing import expanded


def write_run(
    rankings: Mapping[str, Sequence[str]], path: str | Path, tag: str = "mixpeek-lab"
) -> Path:
    """Write `rankings` (query id → document ids, best first) for trec_eval and its like.

    The scores are whole numbers that fall by one: trec_eval orders by score, and so keeps the
    order. InvalidInputError for an id with a blank in it, which the format cannot hold.
    """
    lines = []
    for query_id, documents in rankings.items():
        for place, document in enumerate(documents):
            for value in (query_id, document):
                if not value or value.split() != [value]:
                    raise InvalidInputError(
                        f"{value!r}: an id in a TREC run is one word without blanks."
                    )
            lines.append(
                f"{query_id} Q0 {document} {place + 1} {len(documents) - place} "
                f"{'_'.join(tag.split()) or 'run'}\n"
            )
    target = expanded(path)
    if not target.absolute().parent.is_dir():
        raise InvalidInputError(f"{target}: there is no such folder.")
    target.write_text("".join(lines), encoding="utf-8")
    return target


def read_run(path: str | Path) -> dict[str, list[str]]:
    """Query id → document ids, best first: by score, ties by descending id, as trec_eval does.

    InvalidInputError with file and line.
    """
    scored: dict[str, dict[str, float]] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 6:
            raise InvalidInputError(
                f"{path}:{number}: expected `query Q0 document rank score tag`, got {line!r}."
            )
        try:
            scored.setdefault(cells[0], {})[cells[2]] = float(cells[4])
        except ValueError as error:
            raise InvalidInputError(f"{path}:{number}: {cells[4]!r} is no score.") from error
    return {
        query_id: [d for d, _ in sorted(found.items(), key=lambda p: (p[1], p[0]), reverse=True)]
        for query_id, found in scored.items()
    }
