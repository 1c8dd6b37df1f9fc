"""Working columns: values that Arrow cannot keep, such as images, on their way to the next step.

They travel as pickles in a binary column whose field says so. The pickles are ours, made and read
within one run; none is ever written to or read from a file.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixpeek_lab.documents import join_tables

if TYPE_CHECKING:
    import pandas as pd

_KEY, _VALUE = b"mixpeek_lab", b"pickled"


def pack(values: Iterable[Any]) -> pa.Array:
    """The pickle of each value; None becomes null. Raises whatever pickling raises."""
    packed = [None if value is None else pickle.dumps(value, protocol=5) for value in values]
    return pa.array(packed, pa.large_binary())  # large: a block of images may exceed 2 GB


def unpack(cells: Iterable[bytes | None]) -> list[Any]:
    """The values behind the pickles: new objects at each call."""
    return [None if cell is None else pickle.loads(cell) for cell in cells]


def packed_names(schema: pa.Schema) -> list[str]:
    """Which columns hold pickles."""
    return [field.name for field in schema if (field.metadata or {}).get(_KEY) == _VALUE]


def mark_packed(table: pa.Table, names: Collection[str]) -> pa.Table:
    """The same table, with the columns `names` known to hold pickles."""
    fields = [f.with_metadata({_KEY: _VALUE}) if f.name in names else f for f in table.schema]
    return pa.table(table.columns, schema=pa.schema(fields, table.schema.metadata))


def unpack_frame(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """A copy of the frame whose columns `names` hold the values instead of their pickles."""
    import pandas as pd

    copy = frame.copy()
    for name in names:
        copy[name] = pd.Series(unpack(frame[name]), index=frame.index, dtype=object)
    return copy


def join_parts(tables: Sequence[pa.Table]) -> tuple[pa.Table, list[str]]:
    """`join_tables` for parts of a block: what is pickled in one part is so in all of them."""
    names = dict.fromkeys(name for table in tables for name in packed_names(table.schema))
    if not names:
        return join_tables(tables)
    joined, notes = join_tables([_packed(table, names) for table in tables])
    return mark_packed(joined, names), notes


def _packed(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """The table with its columns `names`, where it has them, pickled."""
    plain = set(table.column_names) - set(packed_names(table.schema))
    for name in names:
        if name in plain:
            column = table.column(name)
            present = column.is_valid().to_pylist()
            values = column.to_pandas()
            cells = pack(v if there else None for v, there in zip(values, present, strict=True))
            table = table.set_column(table.schema.get_field_index(name), name, cells)
    return table
