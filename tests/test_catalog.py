"""The catalog: records in one SQLite file that threads and processes share."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from mixpeek_lab.catalog import Catalog, new_id, now
from mixpeek_lab.errors import ConflictError, LabError, NotFoundError
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.models import Collection, CollectionSource, Failure, IndexSettings, RunReport
from mixpeek_lab.workbench.objects import load_objects


@pytest.fixture
def catalog(tmp_path):
    return Catalog(tmp_path / "home" / "catalog.sqlite")


def put(catalog, bucket, source, prune=True):
    loaded = load_objects(source)
    catalog.put_objects(bucket, loaded.objects, loaded.metadata_hashes, prune=prune)


def collection(bucket, name="c", **changes):
    made = Collection(
        new_id("col"), name, CollectionSource("bucket", (bucket.bucket_id,)), "e", "1.0.0",
        "digest", {"p": 1}, IndexSettings("plain", {"v": "hnsw"}), now(),
    )  # fmt: skip
    return replace(made, **changes)


# ---------------------------------------------------------------- extractors


def test_extractors_have_versions_and_one_is_current(catalog, hash_source):
    manifest = read_manifest(hash_source).manifest
    other = hash_source.with_file("notes.txt", "more")
    newer = replace(manifest, version="2.0.0", declared_version="v2")
    catalog.put_extractor(hash_source, manifest)
    catalog.put_extractor(other, newer)
    assert catalog.extractor("hash_embedder").source == other
    assert catalog.extractor("hash_embedder").manifest == newer
    assert catalog.extractor("hash_embedder", version="1.0.0").source == hash_source
    assert catalog.extractor("hash_embedder", digest=hash_source.digest).manifest == manifest
    assert [r.source for r in catalog.extractors()] == [other]
    catalog.put_extractor(hash_source, manifest)
    assert catalog.extractor("hash_embedder").source == hash_source
    assert [r.is_current for r in catalog.extractors()] == [True]


def test_what_is_not_there_is_named_with_what_is(catalog, hash_source):
    catalog.put_extractor(hash_source, read_manifest(hash_source).manifest)
    with pytest.raises(NotFoundError, match="Did you mean 'hash_embedder'"):
        catalog.extractor("hash_embeder")
    with pytest.raises(NotFoundError, match=r"hash_embedder@9\.9\.9"):
        catalog.extractor("hash_embedder", version="9.9.9")
    for find in (catalog.bucket, catalog.collection, catalog.retriever):
        with pytest.raises(NotFoundError, match=r"no \w+ yet"):
            find("x")


# ---------------------------------------------------------------- buckets


def test_buckets_by_name_and_id(catalog):
    made = catalog.create_bucket("b", {"text": "text"})
    put(catalog, made, ["one", "two"])
    found = catalog.bucket("b")
    assert found == catalog.bucket(made.bucket_id) == replace(made, object_count=2)
    assert catalog.buckets() == [found]
    with pytest.raises(ConflictError, match="bucket called 'b' already"):
        catalog.create_bucket("b", {})
    assert catalog.set_schema(made, {"n": "integer"}).schema == catalog.bucket("b").schema


def test_input_comes_in_the_order_it_was_put_and_of_the_types_asked_for(catalog):
    bucket = catalog.create_bucket("b", {})
    put(catalog, bucket, [{"_id": str(n), "text": f"t{n}", "n": n} for n in (3, 1, 2)])
    rows = list(catalog.iter_input(bucket.bucket_id, ["text"]))
    assert [row.data for row in rows] == ["t3", "t1", "t2"]
    assert (rows[0].property, rows[0].mime_type, rows[0].size_bytes) == ("text", "text/plain", 2)
    assert rows[0].metadata == '{"_id": "3", "n": 3}'
    assert list(catalog.iter_input(bucket.bucket_id, ["image"])) == []
    assert len(list(catalog.iter_input(bucket.bucket_id))) == 3


def test_putting_again_leaves_unchanged_objects_untouched(catalog):
    bucket = catalog.create_bucket("b", {})
    rows = [{"_id": str(n), "text": f"t{n}", "n": n} for n in range(4)]
    put(catalog, bucket, rows)
    before = stamps(catalog)
    time.sleep(0.01)  # stamps are to the millisecond
    changed = [{**rows[0], "n": 9}, {**rows[1], "text": "new"}, rows[3]]
    put(catalog, bucket, changed)
    after = stamps(catalog)
    assert len(after) == 3
    assert [key for key in after if after[key] == before[key]] == [ids_of(rows[3:])[0]]
    assert [row.data for row in catalog.iter_input(bucket.bucket_id)] == ["t0", "new", "t3"]


def stamps(catalog):
    table = catalog.table("objects")
    return dict(zip(table["object_id"][1], table["updated_at"][1], strict=True))


def ids_of(rows):
    return [item.object_id for item in load_objects(rows).objects]


def test_appending_keeps_what_is_there_and_comes_after_it(catalog):
    bucket = catalog.create_bucket("b", {})
    put(catalog, bucket, ["a", "b"])
    put(catalog, bucket, ["c", "a"], prune=False)
    assert [row.data for row in catalog.iter_input(bucket.bucket_id)] == ["a", "b", "c"]


def test_one_bucket_does_not_touch_another(catalog):
    one, two = catalog.create_bucket("one", {}), catalog.create_bucket("two", {})
    put(catalog, one, ["a", "b"])
    put(catalog, two, ["a"])
    put(catalog, one, ["b"])
    assert [row.data for row in catalog.iter_input(two.bucket_id)] == ["a"]


def test_removed_objects_take_their_blobs_along(catalog):
    bucket = catalog.create_bucket("b", {})
    put(catalog, bucket, ["a", "b"])
    put(catalog, bucket, ["b"])
    assert len(catalog.table("blobs")["blob_id"][1]) == 1


# ---------------------------------------------------------------- collections and runs


def test_collections_keep_parameters_and_settings(catalog):
    bucket = catalog.create_bucket("b", {})
    made = catalog.create_collection(collection(bucket))
    assert catalog.collection("c") == catalog.collection(made.collection_id) == made
    with pytest.raises(ConflictError, match="collection called 'c' already"):
        catalog.create_collection(collection(bucket))


def test_a_run_ends_and_its_snapshot_shows_in_one_transaction(catalog):
    bucket = catalog.create_bucket("b", {})
    made = catalog.create_collection(collection(bucket))
    catalog.start_run("run_1", made.collection_id)
    assert catalog.collections_running() == [made.collection_id]
    failure = Failure("o", "d", "s", "E", "m", "core.py:1 in f")
    report = RunReport("run_1", "c", "completed", 1, 0, 1, 1, (failure,), 1)
    shown = replace(made, snapshot=1, document_count=1, parameters={"p": 2})
    catalog.finish_run(report, shown, [failure])
    assert catalog.collection("c") == shown
    runs, failures = catalog.table("runs"), catalog.table("failures")
    assert runs["state"] == ("TEXT", ["completed"])
    assert failures["place"][1] == ["core.py:1 in f"]
    assert catalog.collections_running() == []


def test_a_run_ends_once(catalog):
    """An interrupt that comes after the end does not say that the run was interrupted."""
    bucket = catalog.create_bucket("b", {})
    made = catalog.create_collection(collection(bucket))
    catalog.start_run("run_1", made.collection_id)
    failure = Failure("o", "d", "s", "E", "m")
    report = RunReport("run_1", "c", "completed", 1, 0, 1, 1)
    catalog.finish_run(report, replace(made, snapshot=1), [failure])
    catalog.finish_run(replace(report, state="interrupted"), None, [failure])
    assert catalog.table("runs")["state"][1] == ["completed"]
    assert len(catalog.table("failures")["kind"][1]) == 1


def test_lost_runs_are_closed_by_collection(catalog):
    bucket = catalog.create_bucket("b", {})
    one, two = (catalog.create_collection(collection(bucket, name)) for name in ("c", "d"))
    catalog.start_run("run_1", one.collection_id)
    catalog.start_run("run_2", two.collection_id)
    assert catalog.mark_lost_runs(one.collection_id) == 1
    assert catalog.table("runs")["state"][1] == ["interrupted", "running"]
    assert catalog.mark_lost_runs(one.collection_id) == 0


def test_retrievers_keep_their_id_when_replaced(catalog):
    first = catalog.put_retriever("r", {"a": 1})
    second = catalog.put_retriever("r", {"a": 2})
    assert (first.retriever_id, second.body) == (second.retriever_id, {"a": 2})
    assert catalog.retrievers() == [second]
    catalog.delete_retriever(second.retriever_id)
    assert catalog.retrievers() == []


# ---------------------------------------------------------------- the file


def test_a_failed_transaction_leaves_nothing(catalog):
    bucket = catalog.create_bucket("b", {})
    loaded = load_objects(["a", "b"])

    def interrupted():
        yield loaded.objects[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalog.put_objects(bucket, interrupted(), loaded.metadata_hashes, prune=True)
    assert catalog.bucket("b").object_count == 0
    put(catalog, bucket, ["c"])  # and the connection is usable


def test_threads_write_at_once(catalog):
    errors = []

    def work(number):
        try:
            for n in range(10):
                catalog.create_bucket(f"{number}-{n}", {})
                catalog.buckets()
        except Exception as error:
            errors.append(error)
        finally:
            catalog.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(catalog.buckets()) == 60


def test_processes_open_a_new_home_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from mixpeek_lab.catalog import Catalog\n"
        "Catalog(Path(sys.argv[1])).create_bucket(sys.argv[2], {})"
    )
    path = tmp_path / "catalog.sqlite"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(n)], stderr=subprocess.PIPE)
        for n in range(6)
    ]
    assert [(p.communicate()[1], p.returncode) for p in started] == [(b"", 0)] * 6
    assert len(Catalog(path).buckets()) == 6


def test_opening_and_reading_wait_for_no_writer(tmp_path, catalog):
    catalog.create_bucket("b", {})
    path = tmp_path / "home" / "catalog.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM buckets")
    assert [bucket.name for bucket in Catalog(path).buckets()] == ["b"]
    writer.execute("ROLLBACK")
    writer.close()


def test_a_file_of_another_version_is_refused(tmp_path, catalog):
    path = tmp_path / "home" / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(
        LabError, match=r"another version of Mixpeek Lab \(schema 99, .*reads \d+\)"
    ):
        Catalog(path)


def test_every_write_of_another_process_changes_the_version(tmp_path):
    """Also of one that comes while the times of the files do not tell any more."""
    path = tmp_path / "home" / "catalog.sqlite"
    reader, writer = Catalog(path), Catalog(path)
    before = reader.version
    for number in range(60):
        if number % 20 == 0:
            time.sleep(0.15)  # until the times are trusted
            assert reader.version == before
        writer.name_namespace(writer.namespace(), f"name {number}", {})
        now = reader.version
        assert now != before
        before = now
