"""Rows that the last step does not take: what they keep of the working columns of steps before."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from mixpeek_lab.documents import join_tables
from mixpeek_lab.models import CONTRACT_COLUMNS
from mixpeek_lab.pipeline.columns import kept_array
from mixpeek_lab.pipeline.failures import describe_failure
from mixpeek_lab.pipeline.rows import FAILURE
from mixpeek_lab.pipeline.working import packed_names, unpack


def settle(table: pa.Table, step: str) -> pa.Table:
    """The rows without pickles; `step` is the last step's name.

    What Arrow can keep is kept; a row with a value that it cannot keep fails, and says so.
    """
    for name in packed_names(table.schema):
        table = _settle_column(table, name, step)
    return table


def _settle_column(table: pa.Table, name: str, step: str) -> pa.Table:
    cells, failures = [], table.column(FAILURE).to_pylist()
    for row, cell in enumerate(table.column(name).to_pylist()):
        try:
            cells.append(_one(name, unpack([cell]), step))
        except Exception as error:  # noqa: BLE001 - unpickling runs user code
            failures[row] = _said(table, row, error, step)
            cells.append(pa.table({name: pa.nulls(1)}))
    at = table.schema.get_field_index(FAILURE)
    table = table.set_column(at, FAILURE, pa.array(failures, pa.string()))
    column = join_tables(cells)[0].column(name) if cells else pa.chunked_array([pa.nulls(0)])
    at = table.schema.get_field_index(name)
    if not pa.types.is_null(column.type):
        return table.set_column(at, name, column)
    if name in CONTRACT_COLUMNS:
        return table.set_column(at, name, column.cast(pa.string()))
    return table.drop_columns([name])


def _one(name: str, values: list[Any], step: str) -> pa.Table:
    import pandas as pd

    array, _ = kept_array(name, pd.Series(values, dtype=object), step)
    return pa.table({name: array})


def _said(table: pa.Table, row: int, error: Exception, step: str) -> str:
    who, which = (str(table.column(key)[row].as_py()) for key in ("object_id", "document_id"))
    return json.dumps(asdict(describe_failure(error, who, which, step)))
