"""Over HTTP: collections of several buckets and of other collections, their triggers and batches.

Runs are taken by the test, in this process, one after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packages import HASH_EMBEDDER
from platform_client import EXTRACTOR, Client, collected, documents, filled, upload
from probes import load_probe
from test_platform_api import Host, client_of

from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.cycles import MOST_STEPS

CHUNKS = """
batch = batch.assign(data=[text.split("/") for text in batch["data"]]).explode("data")
batch["loud"] = [text.upper() for text in batch["data"]]
if (batch["data"] == "BROKEN").any():
    raise ValueError("a broken chunk")
return batch
"""


@pytest.fixture
def host(home: Path, tmp_path: Path) -> Host:
    lab = Lab(home)
    lab.load(HASH_EMBEDDER)
    load_probe(lab, tmp_path, CHUNKS, name="chunks", vectors={})
    return Host(home)


@pytest.fixture
def ask(home: Path, host: Host) -> Client:
    return client_of(home, host)


def made(ask: Client, name: str, source: dict[str, Any], **extractor: Any) -> Any:
    config = extractor or EXTRACTOR
    body = {"collection_name": name, "source": source, "feature_extractor": config}
    return ask("POST", "/collections", body)


def of_buckets(*ids: str) -> dict[str, Any]:
    return {"type": "bucket", "bucket_ids": list(ids)}


def tree(ask: Client, host: Host, texts: list[str]) -> tuple[str, str, str]:
    """A bucket, its chunks, and their vectors: the ids, everything processed."""
    bucket = filled(ask, texts=texts)
    source = of_buckets(bucket)
    chunks = made(ask, "chunks", source, feature_extractor_name="chunks")["collection_id"]
    vectors = made(ask, "vectors", {"type": "collection", "collection_id": chunks})["collection_id"]
    host.work()
    return bucket, chunks, vectors


def texts(ask: Client, collection: str) -> list[str]:
    return sorted(document["data"] for document in documents(ask, collection))


class TestSeveralBuckets:
    def test_an_upload_to_any_of_them_is_processed(self, ask: Client, host: Host) -> None:
        one, two = filled(ask, "one", ["a"]), filled(ask, "two", ["b"])
        record = made(ask, "both", of_buckets(one, "two"))
        assert record["warnings"][0].startswith("hash_embedder 1.0.0 is not deployed yet")
        assert record["source"]["bucket_ids"] == [one, two]
        assert set(record["source_bucket_schemas"]) == {one, two}
        assert host.work() == 1
        (task,) = upload(ask, two, ["c"])["tasks"]
        assert task["collection_id"] == record["collection_id"]
        host.work()
        assert texts(ask, "both") == ["a", "b", "c"]
        assert ask("GET", f"/tasks/{task['task_id']}")["progress"]["processed_rows"] == 1
        roots = {d["data"]: d["_internal"]["lineage"]["root_bucket_id"]
                 for d in documents(ask, "both")}  # fmt: skip
        assert roots == {"a": one, "b": two, "c": two}

    def test_one_is_taken_away_and_another_added(self, ask: Client, host: Host) -> None:
        ids = [filled(ask, name, [name]) for name in ("one", "two", "three")]
        key = made(ask, "some", of_buckets(*ids[:2]))["collection_id"]
        host.work()
        told = ask("PATCH", f"/collections/{key}", {"source": of_buckets(*ids[1:])})
        assert told["source"]["bucket_ids"] == ids[1:]
        host.work()
        assert texts(ask, key) == ["three", "two"]
        task = ask("GET", f"/tasks/{told['task_id']}")
        assert (task["progress"]["processed_rows"], task["progress"]["reused_rows"]) == (1, 1)
        upload(ask, ids[0], ["not read any more"])
        assert host.work() == 0
        ask("DELETE", f"/buckets/{ids[0]}")
        error = ask.refused(409, "ConflictError", "DELETE", f"/buckets/{ids[2]}")
        assert "is the source of some" in error["message"]

    def test_buckets_that_do_not_fit_are_refused_or_warned_of(self, ask: Client) -> None:
        ask("POST", "/buckets", {"bucket_name": "t", "blob_schema": {"body": "text", "n": "text"}})
        ask("POST", "/buckets", {"bucket_name": "i", "blob_schema": {"body": "image"}})
        filled(ask, "plain", ["x"])
        body = {"collection_name": "both", "source": of_buckets("t", "i"),
                "feature_extractor": EXTRACTOR}  # fmt: skip
        error = ask.refused(422, "BodyError", "POST", "/collections", body)
        assert "'body' is text in bucket 't' and image in 'i'" in error["message"]
        told = made(ask, "both", of_buckets("t", "plain"))
        assert any("'plain' has no field 'n'" in each for each in told["warnings"])

    def test_sources_that_say_nothing(self, ask: Client) -> None:
        for name in ("one", "two"):
            filled(ask, name, ["x"])
        one = {"type": "bucket", "bucket_id": "one"}
        for source, field in [
            ({"type": "bucket", "bucket_ids": []}, "bucket_ids"),
            ({"type": "bucket", "bucket_ids": ["one", 3]}, "bucket_ids"),
            ({"type": "bucket", "bucket_ids": ["one"], "bucket_id": "two"}, "bucket_id"),
            ({"type": "bucket", "collection_id": "one"}, "collection_id"),
            ({"type": "bucket"}, "bucket_id"),
            ({"type": "collection"}, "collection_id"),
            ({"type": "folder", "bucket_id": "one"}, "type"),
            ({**one, "source_namespace_id": "ns"}, "source_namespace_id"),
            ({**one, "field_map": {"one": [{"source_path": "a"}]}}, "field_map"),
            ({**one, "source_filters": {"AND": 3}}, "source_filters"),
        ]:
            body = {"collection_name": "docs", "source": source, "feature_extractor": EXTRACTOR}
            error = ask.refused(422, "BodyError", "POST", "/collections", body)
            (problem,) = error["details"]["validation_errors"]
            assert problem["location"][-1] == f"source.{field}"

    def test_several_extractors_are_refused(self, ask: Client) -> None:
        body = {"collection_name": "docs", "source": of_buckets(filled(ask)),
                "feature_extractors": [EXTRACTOR, EXTRACTOR]}  # fmt: skip
        error = ask.refused(422, "BodyError", "POST", "/collections", body)
        assert "a collection has one. Make a collection for each" in error["message"]


class TestOfCollections:
    def test_an_upload_goes_through_every_step(self, ask: Client, host: Host) -> None:
        bucket, chunks, vectors = tree(ask, host, ["a/b", "c"])
        assert texts(ask, vectors) == ["a", "b", "c"]
        made = upload(ask, bucket, ["d/e"])
        assert [task["collection_id"] for task in made["tasks"]] == [chunks, vectors]
        host.work()
        assert texts(ask, vectors) == ["a", "b", "c", "d", "e"]
        progress = ask("GET", f"/tasks/{made['task_ids'][1]}")["progress"]
        assert (progress["processed_rows"], progress["reused_rows"]) == (2, 3)
        ask("DELETE", f"/buckets/{bucket}/objects/{made['object_ids'][0]}")
        host.work()
        assert texts(ask, vectors) == ["a", "b", "c"]

    def test_a_task_waits_for_those_of_its_source(self, ask: Client, host: Host) -> None:
        bucket, chunks, vectors = tree(ask, host, ["a"])
        first = upload(ask, bucket, ["b"])["tasks"]
        again = upload(ask, bucket, ["c"])["tasks"]
        assert again == first
        (waiting,) = host.catalog.waiting_tasks()
        assert waiting.collection_id == chunks
        assert host.catalog.begin_task(waiting.task_id, "run_x")
        later = upload(ask, bucket, ["d"])["tasks"]
        assert not {task["task_id"] for task in later} & {task["task_id"] for task in first}
        assert vectors not in {task.collection_id for task in host.catalog.waiting_tasks()}

    def test_lineage_and_the_record_tell_every_step(self, ask: Client, host: Host) -> None:
        bucket, chunks, vectors = tree(ask, host, ["a/b"])
        lineage = documents(ask, vectors)[1]["_internal"]["lineage"]
        assert lineage["path"] == f"{bucket}/{chunks}/{vectors}"
        assert [step["collection_id"] for step in lineage["chain"]] == [chunks, vectors]
        assert lineage["source_document_id"] == documents(ask, chunks)[1]["document_id"]
        record = ask("GET", f"/collections/{vectors}")
        assert record["source"] == {
            "type": "collection", "collection_id": chunks, "collection_ids": [chunks],
            "inherited_bucket_ids": [bucket],
        }  # fmt: skip
        assert [step["source_config"]["type"] for step in record["source_lineage"]] == [
            "bucket", "collection"
        ]  # fmt: skip
        filters = {"field": "source_collection_id", "operator": "eq", "value": chunks}
        found = ask("POST", f"/collections/{vectors}/documents/list",
                    {"filters": {**filters, "field": "_source_collection_id"}})  # fmt: skip
        assert len(found["results"]) == 2

    def test_a_mapped_field_is_what_it_reads(self, ask: Client, host: Host) -> None:
        _, chunks, _ = tree(ask, host, ["a/b"])
        source = {"type": "collection", "collection_ids": [chunks]}
        for path in ("payload.loud", "body"):
            config = {**EXTRACTOR, "input_mappings": {"text": path}}
            made(ask, path.removeprefix("payload."), source, **config)
        host.work()
        assert texts(ask, "loud") == ["A", "B"]
        assert texts(ask, "body") == ["a", "b"]
        config = {**EXTRACTOR, "input_mappings": {"text": "quiet"}}
        body = {"collection_name": "none", "source": source, "feature_extractor": config}
        error = ask.refused(422, "BodyError", "POST", "/collections", body)
        assert (
            "collection 'chunks' has no field 'quiet'. It has: body, data, loud" in error["message"]
        )

    def test_what_it_is_made_of_stays(self, ask: Client, host: Host) -> None:
        _, chunks, vectors = tree(ask, host, ["a"])
        error = ask.refused(409, "ConflictError", "DELETE", f"/collections/{chunks}")
        assert "'chunks' is the source of vectors: delete that first" in error["message"]
        last = made(ask, "last", {"type": "collection", "collection_id": vectors})["collection_id"]
        body = {"source": {"type": "collection", "collection_ids": [chunks, last]}}
        error = ask.refused(422, "BodyError", "PATCH", f"/collections/{vectors}", body)
        assert "vectors is made of last is made of vectors" in error["message"]
        ask("DELETE", f"/collections/{last}")
        ask("DELETE", f"/collections/{vectors}")
        ask("DELETE", f"/collections/{chunks}")

    def test_steps_have_an_end(self, ask: Client) -> None:
        keys = [collected(ask, filled(ask))]
        for n in range(1, MOST_STEPS):
            source = {"type": "collection", "collection_ids": keys[-2:]}  # two ways at each step
            keys.append(made(ask, f"step{n}", source)["collection_id"])
        source = {"type": "collection", "collection_id": keys[-1]}
        body = {"collection_name": "more", "source": source, "feature_extractor": EXTRACTOR}
        error = ask.refused(422, "BodyError", "POST", "/collections", body)
        assert "more than 32 collections one behind the other" in error["message"]
        record = ask("GET", f"/collections/{keys[-1]}")
        assert len(record["source_lineage"]) == MOST_STEPS // 2 + 1

    def test_a_failing_source_is_told_in_its_record(self, ask: Client, host: Host) -> None:
        bucket, _, vectors = tree(ask, host, ["a"])
        (key,) = (each["object_id"] for each in ask("GET", f"/buckets/{bucket}/objects")["results"])
        ask("DELETE", f"/buckets/{bucket}/objects/{key}")
        task = upload(ask, bucket, ["BROKEN"])["task_ids"][1]
        host.work()
        record = ask("GET", f"/collections/{vectors}")
        assert "The last run of collection 'chunks' failed" in record["warnings"][0]
        notes = ask("GET", f"/tasks/{task}")["progress"]["notes"]
        assert "The last run of collection 'chunks' failed" in notes[-1]
        assert texts(ask, vectors) == [], "its object was deleted"

    def test_a_document_that_is_changed_or_deleted_upstream(self, ask: Client, host: Host) -> None:
        _, chunks, vectors = tree(ask, host, ["a/b"])
        first, second = (each["document_id"] for each in documents(ask, chunks))
        ask("PATCH", f"/collections/{chunks}/documents/{first}", {"checked": True})
        ask("DELETE", f"/collections/{chunks}/documents/{second}")
        host.work()
        (left,) = documents(ask, vectors)
        assert (left["data"], left["checked"]) == ("a", True)

    def test_a_disabled_one_does_not_follow(self, ask: Client, host: Host) -> None:
        bucket, _, vectors = tree(ask, host, ["a"])
        ask("PATCH", f"/collections/{vectors}", {"enabled": False})
        assert len(upload(ask, bucket, ["b"])["tasks"]) == 1
        host.work()
        assert texts(ask, vectors) == ["a"]
        ask("PATCH", f"/collections/{vectors}", {"enabled": True})
        host.work()
        assert texts(ask, vectors) == ["a", "b"]


class TestSelections:
    def test_source_filters_choose_what_a_collection_reads(self, ask: Client, host: Host) -> None:
        bucket = filled(ask, texts=["a", "b", "c"])
        wanted = {"AND": [{"field": "n", "operator": "gte", "value": 1}]}
        source = {**of_buckets(bucket), "source_filters": {"filters": wanted}}
        record = made(ask, "some", source)
        assert record["source"]["source_filters"] == {"filters": wanted}
        metadata = {"field": "metadata.n", "operator": "eq", "value": 2}
        above = {"type": "collection", "collection_id": "some", "source_filters": metadata}
        made(ask, "fewer", above)
        host.work()
        assert (texts(ask, "some"), texts(ask, "fewer")) == (["b", "c"], ["c"])

    def test_triggers_over_several_buckets(self, ask: Client, host: Host) -> None:
        filled(ask, "one", ["a"])
        ask("POST", "/buckets", {"bucket_name": "two", "blob_schema": {"body": "text"}})
        for bucket in ("one", "two"):
            given = {"object_id": "obj_same", "blob_data": {"body": bucket}}
            ask("POST", f"/buckets/{bucket}/objects", {"objects": [given]})
        key = made(ask, "both", of_buckets("one", "two"))["collection_id"]
        host.work()
        same = {"dedup_strategy": "replace", "object_ids": ["obj_same"]}
        first = {"AND": [{"field": "n", "operator": "eq", "value": 0}]}
        for body, processed, count in [
            ({}, 0, 3),
            ({"dedup_strategy": "replace"}, 3, 3),
            ({"dedup_strategy": "replace", "include_buckets": ["two"]}, 1, 1),
            (same, 2, 1),
            ({**same, "include_buckets": ["one"]}, 1, 1),
            ({"dedup_strategy": "replace", "source_filters": first}, 1, 1),
            ({"dedup_strategy": "force", "include_buckets": ["one"]}, 2, 2),
        ]:
            told = ask("POST", f"/collections/{key}/trigger", body)
            assert told["object_count"] == count, body
            host.work()
            task = ask("GET", f"/tasks/{told['task_id']}")
            assert task["progress"]["processed_rows"] == processed, body
            beside = processed if body.get("dedup_strategy") == "force" else 0
            assert len(documents(ask, key)) == 3 + beside, body

    def test_triggers_over_a_collection(self, ask: Client, host: Host) -> None:
        bucket, chunks, vectors = tree(ask, host, ["a/b", "c"])
        path = f"/collections/{vectors}/trigger"
        only = {"field": "data", "operator": "in", "value": ["a", "c"]}
        for body, processed in [
            ({}, 0), ({"dedup_strategy": "replace", "include_collections": ["chunks"]}, 3),
            ({"dedup_strategy": "replace", "source_filters": {"AND": [only]}}, 2),
        ]:  # fmt: skip
            told = ask("POST", path, body)
            assert told["source_collection_ids"] == [chunks]
            assert (told["object_count"], told["document_count"]) == (None, processed or 3)
            host.work()
            task = ask("GET", f"/tasks/{told['task_id']}")
            assert task["progress"]["processed_rows"] == processed, body
            batch = ask("GET", f"/buckets/{bucket}/batches/{told['batch_id']}")
            assert (batch["status"], batch["tier_tasks"][0]["source_type"]) == (
                "COMPLETED", "collection"
            )  # fmt: skip

    def test_selections_that_are_refused(self, ask: Client, host: Host) -> None:
        _, chunks, vectors = tree(ask, host, ["a"])
        filled(ask, "other", ["x"])
        nothing = {"field": "n", "operator": "eq", "value": 99}
        for key, body, told in [
            (vectors, {"object_ids": ["obj_1"]}, "Name their documents"),
            (vectors, {"include_buckets": ["texts"]}, "Use include_collections"),
            (chunks, {"include_collections": ["x"]}, "Use include_buckets"),
            (chunks, {"include_buckets": ["other"]}, "its buckets are 'texts'"),
            (chunks, {"source_filters": nothing}, "finds nothing in bucket 'texts'"),
            (chunks, {"source_filters": {"field": 3}}, "is no filter"),
            (chunks, {"reembed": {"x": 1}}, "replace"),
        ]:
            path = f"/collections/{key}/trigger"
            assert told in ask.refused(422, "BodyError", "POST", path, body)["message"]
        assert host.work() == 0

    def test_a_batch_goes_through_all_tiers(self, ask: Client, host: Host) -> None:
        bucket, chunks, vectors = tree(ask, host, ["a", "BAD"])
        ids = [each["object_id"] for each in ask("GET", f"/buckets/{bucket}/objects")["results"]]
        body = {"object_ids": ids[:1], "dedup_strategy": "replace", "auto_submit": True}
        batch = ask("POST", f"/buckets/{bucket}/batches", body)
        assert (batch["total_tiers"], batch["dag_tiers"]) == (2, [[chunks], [vectors]])
        assert (batch["current_tier"], batch["status"]) == (0, "QUEUED")
        host._processing.step()
        path = f"/buckets/{bucket}/batches/{batch['batch_id']}"
        batch = ask("GET", path)
        assert (batch["current_tier"], batch["status"]) == (1, "IN_PROGRESS")
        host.work()
        assert ask("GET", path)["status"] == "COMPLETED"
        body = {"collection_ids": [vectors]}
        error = ask.refused(422, "BodyError", "POST", f"/buckets/{bucket}/batches", body)
        assert "made of another collection" in error["message"]


def test_one_bucket_in_either_spelling(ask: Client) -> None:
    bucket = filled(ask)
    again = ask("GET", f"/collections/{collected(ask, bucket)}")["source"]
    assert again == {"type": "bucket", "bucket_id": bucket, "bucket_ids": [bucket]}
    assert made(ask, "same", again)["source"] == again
