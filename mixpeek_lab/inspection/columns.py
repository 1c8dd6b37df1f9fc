"""The columns of a result: what kind of thing each holds, and how DuckDB hands it to a view."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mixpeek_lab.documents import LINEAGE
from mixpeek_lab.inspection.quoting import quoted

Kind: TypeAlias = Literal["number", "time", "bool", "text", "vector", "nested", "bytes"]

ORIGIN = ("object_id", *LINEAGE)
"""Where a document comes from: columns that a view folds away."""
LONGEST_CELL = 300
"""Characters of a text that a page carries; the rest is asked for by itself."""

_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)|BIGNUM")
_TIME = re.compile(r"DATE|TIME.*|INTERVAL")
_VECTOR = re.compile(r"(FLOAT|DOUBLE)\[\d*\]|U?(TINY|SMALL|BIG)?INT(EGER)?\[\d+\]")
_TEXT = re.compile(r"VARCHAR|UUID|ENUM\(.*\)|BIT", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result."""

    name: str
    type: str
    """As DuckDB names it: `BIGINT`, `FLOAT[384]`."""

    @property
    def kind(self) -> Kind:
        """What a view makes of it."""
        if self.type in ("BOOLEAN", "BLOB"):
            return "bool" if self.type == "BOOLEAN" else "bytes"
        patterns: tuple[tuple[Kind, re.Pattern[str]], ...] = (
            ("vector", _VECTOR), ("number", _NUMBER), ("time", _TIME), ("text", _TEXT),
        )  # fmt: skip
        return next((kind for kind, each in patterns if each.fullmatch(self.type)), "nested")

    @property
    def is_lineage(self) -> bool:
        """Whether it says where a document comes from."""
        return self.name in ORIGIN

    @property
    def is_float(self) -> bool:
        """Whether a view gets numbers rather than their text: whole numbers may be longer."""
        return self.type in ("FLOAT", "DOUBLE")

    @property
    def text(self) -> str:
        """SQL: its values as text, for searching and for reading."""
        name = quoted(self.name)
        if self.kind == "bytes":
            return f"format('{{:,}} bytes', octet_length({name}))"
        return f"CAST(to_json({name}) AS VARCHAR)" if self.kind == "nested" else f"{name}::VARCHAR"

    @property
    def cell(self) -> str:
        """SQL: what a page carries of it: numbers, vectors as lists, else the text's start."""
        name = quoted(self.name)
        if self.kind == "vector":
            wide = self.type.startswith("DOUBLE")  # its numbers may be too large for FLOAT
            return f"{name}::{'DOUBLE' if wide else 'FLOAT'}[]"
        return f"{name}::DOUBLE" if self.is_float else f"left({self.text}, {LONGEST_CELL + 1})"

    @property
    def order(self) -> str:
        """SQL: what it is sorted by; vectors by their norm."""
        return self.norm if self.kind == "vector" else quoted(self.name)

    @property
    def norm(self) -> str:
        """SQL: the length of its vectors."""
        # Not `list_inner_product`: it refuses a list with a NULL in it.
        squares = f"list_transform({quoted(self.name)}::DOUBLE[], lambda x: x * x)"
        return f"sqrt(list_sum({squares}))"
