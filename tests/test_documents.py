"""Documents: shaped out of processed rows, joined with metadata, written and read."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mixpeek_lab.documents import (
    DocumentTable,
    check_metadata_names,
    join_metadata,
    join_tables,
    read_documents,
    shape_documents,
    text_array,
    vector_columns,
    write_documents,
)
from mixpeek_lab.errors import InvalidInputError


def vectors(*values):
    return pa.array(values, pa.list_(pa.float32(), 2))


def documents(**columns) -> pa.Table:
    base = {"document_id": ["d1", "d2"], "object_id": ["o1", "o2"], "data": ["a", "b"]}
    return pa.table({**base, **columns, "_row_key": ["k1", "k2"]})


# ---------------------------------------------------------------- vector columns


@pytest.mark.parametrize(
    ("columns", "features", "found"),
    [
        (["text", "x"], ["text"], {"text": "text"}),
        (["text_embedding"], ["text"], {"text": "text_embedding"}),
        (["text", "text_embedding"], ["text"], {"text": "text"}),
        (["text_embedding"], ["text", "text_embedding"], {"text_embedding": "text_embedding"}),
        (["a_embedding", "b"], ["a", "b"], {"a": "a_embedding", "b": "b"}),
        (["feature_embedding", "feature"], ["feature"], {"feature": "feature"}),
        (["other"], ["text"], {}),
    ],
)
def test_a_vector_is_in_the_column_of_its_name_or_with_embedding_behind(columns, features, found):
    assert vector_columns(columns, features) == found


def test_documents_have_their_columns_in_order():
    processed = pa.table({
        "size_bytes": [1], "mine": [True], "vec_embedding": vectors([1, 2]), "data": ["a"],
        "mime_type": ["text/plain"], "document_id": ["d"], "blob_id": ["b"], "object_id": ["o"],
        "collection_id": ["c"], "feature_extractor_id": ["e"],
    })  # fmt: skip
    table = shape_documents(
        processed, {"vec": "vec_embedding"}, {"_run_id": "r"}, pa.array(["key"])
    )
    assert table.column_names == [
        "document_id", "object_id", "data", "mine", "blob_id", "mime_type", "size_bytes", "_run_id",
        "_row_key", "vec",
    ]  # fmt: skip
    assert table.to_pylist()[0]["_run_id"] == "r"


# ---------------------------------------------------------------- joining


@pytest.mark.parametrize(
    ("one", "two", "joined"),
    [
        ([1], [2.5], [1.0, 2.5]),
        ([1], [None], [1, None]),
        ([1], ["x"], ["1", "x"]),
        ([True], [1], ["true", "1"]),
        ([[1]], ["x"], ["[1]", "x"]),
        ([{"a": 1}], [{"b": 2}], [{"a": 1, "b": None}, {"a": None, "b": 2}]),
        ([{"a": 1}], [{"a": "x"}], ['{"a": 1}', '{"a": "x"}']),
    ],
)
def test_columns_of_two_types_are_widened_or_become_text(one, two, joined):
    table, notes = join_tables([pa.table({"c": one}), pa.table({"c": two, "d": [1]})])
    assert table.column("c").to_pylist() == joined
    assert table.column("d").to_pylist() == [None, 1]
    is_text = isinstance(joined[0], str)
    assert notes == (["Column `c` mixes types: it is kept as text."] if is_text else [])


def test_text_of_anything():
    values = [None, "x", 1, [1, "é"], {"a": pa.scalar(1).as_py()}]
    assert text_array(values).to_pylist() == [None, "x", "1", '[1, "é"]', '{"a": 1}']


# ---------------------------------------------------------------- metadata


def test_metadata_is_put_beside_the_documents_by_object():
    found, notes = join_metadata(
        documents(vec=vectors([1, 2], [3, 4])), ["vec"], {"o2": {"z": 1, "a": "x"}, "o1": {"z": 2}}
    )
    assert found.table.column_names == [
        "document_id", "object_id", "data", "z", "a", "_row_key", "vec"
    ]  # fmt: skip
    assert found.table.column("z").to_pylist() == [2, 1]
    assert found.table.column("a").to_pylist() == [None, "x"]
    assert (found.metadata_fields, found.vectors, notes) == (("z", "a"), ("vec",), [])
    assert found.field_names == ["data", "z", "a"]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([1, "x"], ["1", "x"]),
        ([2**70, 1], [str(2**70), "1"]),
        ([[1], {"a": 1}], ["[1]", '{"a": 1}']),
        ([{}, {}], ["{}", "{}"]),
        ([[{}], []], ["[{}]", "[]"]),
        ([None, None], [None, None]),
        ([1, 2.5], [1.0, 2.5]),
        ([[], [1]], [[], [1]]),
    ],
)
def test_metadata_of_any_kind_can_be_written(tmp_path, values, kept):
    found, _ = join_metadata(documents(), [], {"o1": {"m": values[0]}, "o2": {"m": values[1]}})
    write_documents(found, tmp_path / "d.parquet")
    assert read_documents(tmp_path / "d.parquet").table.column("m").to_pylist() == kept


def test_a_field_that_the_processor_wrote_keeps_its_value():
    found, notes = join_metadata(documents(n=[1, 2]), [], {"o1": {"n": 9}})
    assert found.table.column("n").to_pylist() == [1, 2]
    assert notes == ["The extractor writes `n` itself: the metadata field of that name is hidden."]
    assert found.metadata_fields == ()


def test_documents_own_names_are_reserved():
    check_metadata_names(["text", "_id", "vec"])
    with pytest.raises(InvalidInputError, match="'_row_key', 'data'"):
        check_metadata_names(["data", "x", "_row_key"])


# ---------------------------------------------------------------- files


def test_documents_come_back_as_they_were(tmp_path):
    odd = {"a.b": [1, 2], "a": [{"b": 1}, {"b": 2}], "": ["e", None], "é'\"": [True, False]}
    table = documents(**odd, vec=vectors([1, 2], None))
    folder = tmp_path / "year=2024"  # what looks like a partition
    folder.mkdir()
    write_documents(DocumentTable(table, ("vec",), ("a.b",)), folder / "d.parquet")
    back = read_documents(folder / "d.parquet")
    assert back.table.to_pylist() == table.to_pylist()
    assert back.table.schema.field("vec").type == pa.list_(pa.float32(), 2)
    assert (back.vectors, back.metadata_fields) == (("vec",), ("a.b",))
    light = read_documents(folder / "d.parquet", with_vectors=False)
    assert light.table.column_names == [n for n in table.column_names if n != "vec"]
    assert light.table.column("a.b").to_pylist() == [1, 2]
