"""From the blocks that the steps gave back to documents, for runs and for previews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from mixpeek_lab.documents import join_tables, shape_documents, vector_columns
from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.models import Manifest
from mixpeek_lab.pipeline import CONTRACT, HIDDEN, ROW, PlannedRow


def vector_dims(manifest: Manifest) -> dict[str, int]:
    """Vector columns, under both names that a processor may give them → declared dimension."""
    dims = {
        f.feature_name: f.embedding_dim for f in manifest.vectors if f.embedding_dim is not None
    }
    return {**{f"{name}_embedding": dim for name, dim in dims.items()}, **dims}


def shape_blocks(
    blocks: Sequence[pa.Table],
    planned: Sequence[PlannedRow],
    manifest: Manifest,
    constants: Mapping[str, str],
) -> tuple[pa.Table | None, list[str]]:
    """The good rows of all blocks as documents; None where there are none. Also returns notes.

    `planned` are the input rows that the blocks' `ROW` counts. ExtractorRunError where a declared
    vector is missing, with the columns that there are.
    """
    tables = [block for block in blocks if block.num_rows]
    if not tables:
        return None, []
    processed, notes = join_tables(tables)
    names = [feature.feature_name for feature in manifest.vectors]
    columns = vector_columns(processed.column_names, names)
    for name in names:
        if name not in columns:
            raise ExtractorRunError(_missing_vector(name, processed))
    rows = processed.column(ROW).to_pylist()
    keys = pa.array([planned[row].key for row in rows], pa.string())
    return shape_documents(processed.drop_columns(list(HIDDEN)), columns, constants, keys), notes


def _missing_vector(feature: str, processed: pa.Table) -> str:
    given = [n for n in processed.column_names if n not in {*CONTRACT, *HIDDEN}]
    said = f"The manifest declares the vector {feature!r}, and the processor returned"
    hosted = "On the hosted platform this run would be COMPLETED with 0 documents."
    if given:
        return (
            f'{said}: {", ".join(given)}. Write batch["{feature}"] = … in the processor, '
            f"or rename the feature. {hosted}"
        )
    types = sorted({str(kind) for kind in processed.column("mime_type").to_pylist()})
    return (
        f'{said} no new columns. Write batch["{feature}"] = … in the processor; or does a row '
        f"condition keep its step from these rows ({', '.join(types)})? {hosted}"
    )
