"""SQL over documents, runs and failures."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.inspection import TABLES, is_reserved
from mixpeek_lab.models import Collection, CollectionSource, IndexSettings
from mixpeek_lab.workbench import Lab

ROWS = [{"_id": str(n), "text": f"text {n}", "n": n} for n in range(5)]


def rows(lab, sql):
    return lab.sql(sql).table.to_pylist()


@pytest.fixture
def filled(kernel_lab) -> Lab:
    kernel_lab.bucket("b", [*ROWS, {"_id": "bad", "text": "FAIL", "n": 9}])
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    return kernel_lab


def test_a_collection_is_a_table(filled):
    assert rows(filled, "SELECT _id, n FROM c WHERE n > 2 ORDER BY n") == [
        {"_id": "3", "n": 3}, {"_id": "4", "n": 4}
    ]  # fmt: skip
    (row,) = rows(filled, "SELECT len(hash_embedding) AS dim, data FROM C LIMIT 1")
    assert row == {"dim": 16, "data": "text 0"}


def test_all_documents_are_a_table(filled):
    filled.bucket("b2", [{"text": "x", "other": "y"}])
    filled.process("b2", "hash_embedder", "second", engine="kernel")
    found = rows(filled, "SELECT _collection, count(*) AS n FROM documents GROUP BY ALL ORDER BY 1")
    assert found == [{"_collection": "c", "n": 5}, {"_collection": "second", "n": 1}]
    assert rows(filled, "SELECT other, n FROM documents WHERE other = 'y'") == [
        {"other": "y", "n": None}
    ]


def test_the_catalog_is_tables(filled):
    sql = """
        SELECT r.state, f.kind, f.message, o.metadata->>'$._id' AS id,
               (r.report->>'$.documents')::INT AS documents
        FROM runs r JOIN failures f USING (run_id) JOIN objects o USING (object_id)
    """
    assert rows(filled, sql) == [
        {"state": "completed_with_errors", "kind": "ValueError",
         "message": "cannot embed 'FAIL'", "id": "bad", "documents": 5}
    ]  # fmt: skip
    assert rows(filled, "SELECT name, snapshot, document_count FROM collections") == [
        {"name": "c", "snapshot": 1, "document_count": 5}
    ]
    assert rows(filled, "SELECT count(*) AS n FROM blobs WHERE size_bytes > 3") == [{"n": 6}]
    for name in TABLES:
        filled.sql(f"SELECT * FROM {name}")


def test_empty_tables_have_their_types(kernel_lab):
    assert rows(kernel_lab, "SELECT sum(size_bytes) AS n FROM blobs") == [{"n": None}]
    assert rows(kernel_lab, "SELECT report->>'$.state' AS s FROM runs") == []
    assert rows(kernel_lab, "SELECT document_id, data FROM documents") == []


def test_columns_stand_in_the_order_people_read_them_in(filled):
    first = ["document_id", "data", "length"]
    last = [
        "object_id", "blob_id", "blob_property", "blob_type", "mime_type", "size_bytes",
        "_bucket_id", "_extractor", "_run_id", "_row_key",
    ]  # fmt: skip
    names = filled.sql("SELECT * FROM c").column_names
    assert names == [*first, "_id", "n", "hash_embedding", *last]
    filled.bucket("b2", [{"text": "x", "N": 1, "blob ID": "y"}])
    filled.process("b2", "hash_embedder", "second", engine="kernel")
    names = filled.sql("FROM documents").column_names
    assert names == ["_collection", *first, "_id", "n", "blob ID", "hash_embedding", *last]


def test_columns_that_differ_in_case_alone_are_all_there(kernel_lab):
    kernel_lab.bucket("b", [{"text": "x", "Year": 1, "year": 2, "Data": 3}])
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    (row,) = rows(kernel_lab, "FROM c")
    assert [row[name] for name in ("data", "Year", "year_1", "Data_1")] == ["x", 1, 2, 3]


@pytest.mark.parametrize(
    "name", ["my col", 'q"uo"te', "é'x", "a.b", "select", "1st", "x;--", "हिन्दी", "../x"]
)
def test_names_with_odd_characters(kernel_lab, name):
    """Also of collections from before there was a rule for names."""
    bucket = kernel_lab.bucket("b", ROWS)
    digest = kernel_lab.extractor("hash_embedder").source.digest
    Catalog(kernel_lab.home / "catalog.sqlite").create_collection(
        Collection(
            "col_old", name, CollectionSource("bucket", (bucket.bucket_id,)), "hash_embedder",
            "1.0.0", digest, {}, IndexSettings(), "2026-01-01",
        )
    )  # fmt: skip
    kernel_lab.process("b", "hash_embedder", name, engine="kernel")
    quoted = '"' + name.replace('"', '""') + '"'
    assert rows(kernel_lab, f"SELECT count(*) AS n FROM {quoted}") == [{"n": 5}]
    assert rows(kernel_lab, "SELECT DISTINCT _collection AS c FROM documents") == [{"c": name}]


def test_a_home_with_pattern_characters_in_its_path(tmp_path):
    from packages import HASH_EMBEDDER

    lab = Lab(tmp_path / "a[1]*?'b" / "year=2024")
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "c", engine="kernel")
    assert rows(lab, "SELECT count(*) AS n FROM c") == [{"n": 5}]
    assert "year" not in lab.sql("FROM c").column_names


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT * FROM nope", "SELECT nope FROM c", ""])
def test_errors_say_what_tables_there_are(filled, sql):
    filled.bucket("never run", ROWS)
    if not sql:
        assert len(filled.sql(sql)) == 0
        return
    with pytest.raises(InvalidInputError) as caught:
        filled.sql(sql)
    assert str(caught.value).endswith(f"Tables: documents, c, {', '.join(TABLES)}")
    assert "Error" in str(caught.value)


def test_a_collection_that_never_ran_is_no_table(kernel_lab, tmp_path):
    kernel_lab.bucket("b", [{"text": "FAIL"}])
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    assert list(kernel_lab.tables()) == ["documents", *TABLES]
    with pytest.raises(InvalidInputError, match="Tables: documents, extractors"):
        kernel_lab.sql("FROM c")


def test_nothing_is_written(filled):
    def state():
        return {
            path: (path.stat().st_mtime_ns, path.stat().st_size)
            for path in filled.home.rglob("*") if path.is_file() and path.suffix != ".sqlite-shm"
        }  # fmt: skip

    before = state()
    filled.sql("SELECT * FROM c, runs")
    filled.sql("CREATE TABLE t AS SELECT 1 AS x")
    with pytest.raises(InvalidInputError):
        filled.sql("DELETE FROM c")
    with pytest.raises(InvalidInputError):
        filled.sql("FROM t")  # it lived for one query
    assert state() == before


def test_results_page(filled):
    result = filled.sql("SELECT n FROM c ORDER BY n")
    assert len(result) == 5
    assert result.page(2, 2).column("n").to_pylist() == [2, 3]
    assert result.page(9).num_rows == 0
    assert result.to_pandas()["n"].tolist() == [0, 1, 2, 3, 4]
    assert isinstance(result.table, pa.Table)
    assert result.column_names == ["n"]


def test_reserved_names():
    assert is_reserved("Documents")
    assert is_reserved("runs")
    assert not is_reserved("docs")
