"""Sample rows: what the user gives, or rows made from what the manifest declares."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from mixpeek_lab.catalog import InputRow
from mixpeek_lab.errors import LabError
from mixpeek_lab.harness.media import MAKERS
from mixpeek_lab.harness.texts import ORDINARY
from mixpeek_lab.loader import Schema
from mixpeek_lab.models import Manifest
from mixpeek_lab.pipeline import input_table, plan_rows

MOST_ROWS = 64
"""Sample rows at most: every check runs all of them, some one by one."""
API_TEXTS = 4
"""Texts for an extractor that calls an API: each call may cost."""
MEDIA = 3
"""Files of each kind that are made."""
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Samples:
    """The rows that an extractor is tested with."""

    rows: tuple[InputRow, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[InputRow], notes: Sequence[str] = ()) -> Samples:
        """These rows; of many, the first MOST_ROWS, with a note."""
        kept = tuple(rows[:MOST_ROWS])
        if len(kept) == len(rows):
            return cls(kept, tuple(notes))
        return cls(kept, (*notes, f"The first {MOST_ROWS} of {len(rows):,} rows were tested."))

    @property
    def texts(self) -> dict[int, str]:
        """Row → its text, for the rows that are texts with something in them."""
        rows = enumerate(self.rows)
        return {n: r.data for n, r in rows if r.type == "text" and r.data and r.data.strip()}

    def name(self, row: int) -> str:
        """A row as people know it: its number from 1, and how its data begins."""
        data = " ".join((self.rows[row].data or "").split())
        head = data if len(data) <= LONGEST_NAME else data[: LONGEST_NAME - 1] + "…"
        return f"row {row + 1} ({head!r})"


def make_samples(manifest: Manifest, inputs: Schema | None, folder: Path) -> Samples:
    """Rows of every type that the manifest takes; media are written into `folder`.

    `inputs`: the input_schema, which names the texts. A type whose files cannot be made here is
    left out, with a note.
    """
    types = dict.fromkeys("text" if t == "string" else t for t in manifest.supported_input_types)
    rows: list[InputRow] = []
    notes: list[str] = []
    for kind in types or ["text"]:
        if kind == "text":
            rows += _texts(manifest, inputs)
        elif kind in MAKERS:
            made, note = _files(kind, folder)
            rows, notes = rows + made, notes + note
        else:
            notes.append(f"No sample rows of type {kind!r} can be made: give rows of your own.")
    return Samples.of(rows, notes)


def table_of(rows: Sequence[InputRow], manifest: Manifest) -> pa.Table:
    """The rows as a run's input."""
    planned = plan_rows(rows, collection_id="test", digest="", parameters={})
    extractor = f"{manifest.name}@{manifest.version}"
    return input_table(planned, collection_id="test", extractor_id=extractor)


def text_row(text: str | None, key: str, prop: str = "text") -> InputRow:
    """One text as a row; `key` tells it from the others. None is a row without data."""
    size = len((text or "").encode())
    ids = f"obj_{_hash(key)}", f"blob_{_hash(f'{key} {prop}')}"
    # A missing value where the type says text: that is what the row is for.
    data: str = text  # type: ignore[assignment]
    return InputRow(*ids, prop, "text", data, "text/plain", _hash(text or ""), size, "{}", "")


def _texts(manifest: Manifest, inputs: Schema | None) -> list[InputRow]:
    is_api = manifest.compute_profile.resource_type == "api"
    texts = ORDINARY[:API_TEXTS] if is_api else ORDINARY
    names = _text_fields(inputs.properties if inputs else {}) or ["text"]
    rows = [text_row(text, f"sample {n}", names[n % len(names)]) for n, text in enumerate(texts)]
    return rows + [
        text_row(str(7 + n), f"number {n}", name)
        for n, name in enumerate(_number_fields(inputs.properties if inputs else {}))
    ]


def _text_fields(properties: Mapping[str, Mapping[str, object]]) -> list[str]:
    return [name for name, part in properties.items() if "string" in _types(part)]


def _number_fields(properties: Mapping[str, Mapping[str, object]]) -> list[str]:
    return [name for name, part in properties.items() if {"number", "integer"} & _types(part)]


def _types(part: Mapping[str, object]) -> set[object]:
    """The types of a field, those of `str | None` among them."""
    given = part.get("type")
    found = set(given) if isinstance(given, list) else {given}
    options = part.get("anyOf")
    for option in options if isinstance(options, list) else ():
        found |= _types(option)
    return found


def _files(kind: str, folder: Path) -> tuple[list[InputRow], list[str]]:
    suffix, mime_type, write = MAKERS[kind]
    rows = []
    for number in range(MEDIA):
        path = folder / f"{kind}_{number}{suffix}"
        try:
            write(path, number)
        except LabError as error:
            return [], [f"No sample rows of type {kind!r}: {error}"]
        key = path.name
        rows.append(
            InputRow(
                f"obj_{_hash(key)}", f"blob_{_hash(f'{key} {kind}')}", kind, kind,
                path.resolve().as_uri(), mime_type, _hash(key), path.stat().st_size, "{}", "",
            )
        )  # fmt: skip
    return rows, []


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
