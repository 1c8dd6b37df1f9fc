"""The platform's resources over HTTP: on a real catalog; on Ray where services and runs count.

Without Ray the worker's steps are taken by the test, so that it sees what is there between them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from packages import HASH_EMBEDDER
from platform_client import (
    EXTRACTOR,
    RETRIEVER,
    TEXTS,
    URI,
    Client,
    collected,
    documents,
    filled,
    upload,
    zipped,
)
from platform_host import TOKEN, Host, client_of
from probes import load_probe

from mixpeek_lab.snapshots import writing
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.home import Home


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """For requests that leave nothing behind: bucket `texts` with collection `docs`, bucket `b`."""
    home = tmp_path_factory.mktemp("shared") / "home"
    Lab(home).load(HASH_EMBEDDER)
    ask = client_of(home, Host(home))
    collected(ask, filled(ask))
    schema = {"body": "text", "n": "integer", "day": "date"}
    ask("POST", "/buckets", {"bucket_name": "b", "blob_schema": schema})
    return ask


class TestNamespaces:
    def test_a_new_lab_has_one(self, ask: Client, home: Path) -> None:
        (only,) = ask("GET", "/namespaces")["results"]
        assert only["namespace_id"].startswith("ns_")
        assert ask("POST", "/namespaces/list")["results"] == [only]
        assert ask("GET", f"/namespaces/{only['namespace_id']}") == only
        again = client_of(home, Host(home))
        assert again("GET", "/namespaces")["results"] == [only]

    def test_any_other_is_not_found_and_the_one_is_named(self, ask: Client) -> None:
        (only,) = ask("GET", "/namespaces")["results"]
        for method, path, headers in [
            ("GET", "/namespaces/ns_other", {}),
            ("GET", "/namespaces/ns_other/extractors", {}),
            ("GET", "/namespaces/ns_other/buckets", {}),
            ("GET", "/buckets", {"x-namespace": "ns_other"}),
            ("POST", "/retrievers/x/execute", {"x-namespace": "ns_other"}),
        ]:
            error = ask.refused(404, "NotFoundError", method, path, {}, headers=headers)
            assert only["namespace_id"] in error["message"]
        assert ask("GET", "/buckets", headers={"x-namespace": only["namespace_id"]})


class TestUploads:
    def test_an_archive_becomes_an_extractor(
        self, ask: Client, home: Path, hash_source: ExtractorSource
    ) -> None:
        path = "/namespaces/default/plugins/uploads"
        made = ask("POST", path, {"name": "hash_embedder", "version": "v1"})
        assert (made["version"], made["extractor_id"]) == ("1.0.0", "hash_embedder_1_0_0")
        put = ask.http.put(made["presigned_url"], content=zipped(hash_source))
        assert put.status_code == 200
        body = {"etag": put.headers["etag"], "message": "first"}
        done = ask("POST", f"{path}/{made['upload_id']}/confirm", body)
        assert done["success"] is True
        assert done["validation_status"] == "passed"
        assert done["validation_errors"] == []
        assert done["extractor_id"] == done["plugin_id"] == "hash_embedder_1_0_0"
        assert done["feature_uri"] == URI
        assert done["deployment_status"] == "NOT_DEPLOYED"
        record = ask("GET", "/namespaces/default/extractors/hash_embedder_1_0_0")
        assert record["code_hash"] == done["code_hash"] == hash_source.digest
        assert ask("POST", f"{path}/{made['upload_id']}/confirm") == done
        assert Lab(home).extractor("hash_embedder").source.digest == hash_source.digest

    def test_without_a_version_it_is_the_next(
        self, ask: Client, hash_source: ExtractorSource
    ) -> None:
        edited = zipped(hash_source, words=hash_source.text("processors/words.py") + "\n# edited\n")
        done = ask.upload("hash_embedder", edited)
        assert (done["extractor_id"], done["version"]) == ("hash_embedder_1_0_1", "1.0.1")
        (warning,) = [w for w in done["validation_warnings"] if w["rule"] == "UPLOAD002"]
        assert "1.0.0" in warning["message"]
        listed = ask("GET", "/namespaces/default/extractors")["results"]
        assert [r["extractor_id"] for r in listed] == ["hash_embedder_1_0_0", "hash_embedder_1_0_1"]
        again = ask.upload("hash_embedder", edited)
        assert (again["success"], again["version"]) == (True, "1.0.1")  # nothing is new in it
        first = ask("POST", "/namespaces/default/extractors/uploads", {"name": "fresh"})
        assert first["version"] == "1.0.0"

    def test_what_the_checks_find_is_told_in_full_and_nothing_runs(
        self, ask: Client, home: Path, hash_source: ExtractorSource, tmp_path: Path
    ) -> None:
        marker = tmp_path / "ran"
        bad = f"import pathlib, subprocess\npathlib.Path({str(marker)!r}).touch()\nx = eval('1')\n"
        done = ask.upload("hash_embedder", zipped(hash_source, core=bad), "1.0.0")
        assert (done["success"], done["validation_status"]) == (False, "failed")
        found = {(e["file"], e["line"]): e for e in done["validation_errors"]}
        assert {("processors/core.py", 1), ("processors/core.py", 3)} <= set(found)
        for error in found.values():
            assert error["rule"]
            assert error["message"]
            assert error["fix"]
        assert not marker.exists()
        assert Lab(home).extractor("hash_embedder").source.digest == hash_source.digest
        assert list((home / "uploads").iterdir()) == []

    @pytest.mark.parametrize(
        ("archive", "expected"),
        [(b"no archive", "ARCHIVE"), (b"PK\x05\x06" + bytes(18), "ARCHIVE")],
    )
    def test_what_is_no_package(self, ask: Client, archive: bytes, expected: str) -> None:
        done = ask.upload("hash_embedder", archive)
        assert [e["rule"] for e in done["validation_errors"]] == [expected]
        assert "/uploads/" not in done["validation_errors"][0]["message"]

    def test_the_package_must_be_what_was_asked_for(
        self, ask: Client, hash_source: ExtractorSource
    ) -> None:
        done = ask.upload("another", zipped(hash_source), "2.0.0")
        rules = {e["rule"]: e for e in done["validation_errors"]}
        assert {"UPLOAD001", "UPLOAD002"} <= set(rules)
        assert rules["UPLOAD002"]["line"] > 1

    def test_a_version_that_was_uploaded_stays(
        self, ask: Client, hash_source: ExtractorSource
    ) -> None:
        assert ask.upload("hash_embedder", zipped(hash_source), "1.0.0")["success"]
        assert ask.upload("hash_embedder", zipped(hash_source), "1.0.0")["success"]  # the same
        path = "/namespaces/default/extractors/uploads"
        made = ask("POST", path, {"name": "hash_embedder", "version": "1.0.0"})
        edited = zipped(hash_source, words=hash_source.text("processors/words.py") + "\n# edited\n")
        ask.http.put(made["presigned_url"], content=edited)
        confirm = f"{path}/{made['upload_id']}/confirm"
        error = ask.refused(409, "ConflictError", "POST", confirm)
        assert "Raise the version" in error["message"]

    def test_confirming(self, ask: Client, hash_source: ExtractorSource) -> None:
        path = "/namespaces/default/extractors/uploads"
        made = ask("POST", path, {"name": "hash_embedder", "file_size_bytes": 5})
        confirm = f"{path}/{made['upload_id']}/confirm"
        assert "PUT the archive" in ask.refused(409, "ConflictError", "POST", confirm)["message"]
        ask.refused(404, "NotFoundError", "POST", f"{path}/upl_none/confirm")
        answer = ask.http.put(made["presigned_url"], content=b"123456")
        assert answer.status_code == 422  # another size than announced
        assert ask.http.put(made["presigned_url"], content=b"12345").status_code == 200
        assert ask.http.put(made["presigned_url"], content=b"54321").status_code == 200
        for body in ({"etag": "abc"}, {"file_size_bytes": 6}):
            ask.refused(422, "InvalidInputError", "POST", confirm, body)
        ask.refused(422, "BodyError", "POST", confirm, {"etags": "x"})
        assert ask("POST", confirm)["validation_status"] == "failed"
        assert ask.http.put(made["presigned_url"], content=b"12345").status_code == 409

    def test_the_address_is_all_that_the_archive_needs_and_nothing_else_will_do(
        self, ask: Client, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = ask("POST", "/namespaces/default/extractors/uploads", {"name": "a"})
        other = ask("POST", "/namespaces/default/extractors/uploads", {"name": "b"})
        url = made["presigned_url"]
        for wrong in (
            url.partition("?")[0], url[:-1], url + "0", url.replace("expires=", "expires=9"),
            url.replace(made["upload_id"], other["upload_id"]),
            url.replace("signature=", "signature=%C3%A9"), url.replace("expires=", "expires=x"),
        ):  # fmt: skip
            assert ask.http.put(wrong, content=b"x").status_code == 401
        assert ask.http.get(url).status_code == 401
        assert ask.http.put(url, content=b"").status_code == 422
        assert ask.http.put(url, content=b"x", headers={"host": "evil.example"}).status_code == 421
        with monkeypatch.context() as patch:
            later = time.time() + 7200
            patch.setattr(time, "time", lambda: later)
            assert ask.http.put(url, content=b"x").status_code == 401
        assert not list((home / "uploads").glob("*")) or all(
            path.stat().st_size == 0 for path in (home / "uploads").glob("*")
        )

    def test_too_much(self, ask: Client, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = "/namespaces/default/extractors/uploads"
        size = 500 * 1024 * 1024 + 1
        ask.refused(413, "TooLargeError", "POST", path, {"name": "a", "file_size_bytes": size})
        made = ask("POST", path, {"name": "a"})
        announced = ask.http.put(
            made["presigned_url"], content=b"x", headers={"content-length": str(size)}
        )
        assert announced.status_code == 413
        monkeypatch.setattr("mixpeek_lab.workbench.platform.incoming.MAX_BYTES", 3_000_000)
        chunks = (bytes(1_000_000) for _ in range(4))  # without a length
        assert ask.http.put(made["presigned_url"], content=chunks).status_code == 413
        assert list((home / "uploads").iterdir()) == []

    @pytest.mark.parametrize(
        "body",
        [
            {}, {"name": 3}, {"name": ""}, {"name": "../up"}, {"name": "class"}, {"name": "ä"},
            {"name": "a", "version": "new"}, {"name": "a", "version": 1},
            {"name": "a", "presigned_url_expiration": 0.5}, {"name": "a", "file_size_bytes": "1"},
            {"name": "a", "presigned_url_expiration": 10**9}, {"name": "a", "verison": "1"},
        ],
    )  # fmt: skip
    def test_odd_requests(self, shared: Client, body: Any) -> None:
        answer = shared.send("POST", "/namespaces/default/extractors/uploads", body)
        assert answer.status_code == 422, answer.text


class TestExtractors:
    PATH = "/namespaces/default/extractors"

    def test_records(self, ask: Client, hash_source: ExtractorSource) -> None:
        (record,) = ask("GET", self.PATH)["results"]
        assert record["extractor_id"] == "hash_embedder_1_0_0"
        assert record["code_hash"] == hash_source.digest
        assert record["vector_indexes"][0]["index"].items() >= {
            "name": "hash_embedding", "dimensions": 16, "distance": "cosine",
        }.items()  # fmt: skip
        for name in ("hash_embedder_1_0_0", "hash_embedder"):
            assert ask("GET", f"/namespaces/default/plugins/{name}") == record
        error = ask.refused(404, "NotFoundError", "GET", f"{self.PATH}/hash_embeder_1_0_0")
        assert "Did you mean 'hash_embedder_1_0_0'?" in error["message"]

    def test_the_status_is_what_was_asked_and_what_serve_says(
        self, ask: Client, host: Host, hash_source: ExtractorSource
    ) -> None:
        path = f"{self.PATH}/hash_embedder_1_0_0"
        key = ("hash_embedder", hash_source.digest[:12])
        assert ask("GET", f"{path}/status")["status"] == "NOT_DEPLOYED"
        ask.refused(409, "ConflictError", "POST", f"{path}/realtime/test", {"inputs": {}})
        assert ask("POST", f"{path}/deploy")["status"] == "QUEUED"
        error = ask.refused(503, "NotReadyError", "POST", f"{path}/realtime/test", {"inputs": {}})
        assert error["details"]["retryable"] is True
        for before, state, told in [
            ("QUEUED", "PENDING", "PENDING"), ("PENDING", "IN_PROGRESS", "IN_PROGRESS"),
        ]:  # fmt: skip
            host.catalog.move_deployment("hash_embedder", hash_source.digest, before, state)
            assert ask("GET", f"{path}/status")["status"] == told
        host.catalog.move_deployment("hash_embedder", hash_source.digest, "IN_PROGRESS", "DEPLOYED")
        for serve, told in [
            ("RUNNING", "DEPLOYED"), ("DEPLOYING", "IN_PROGRESS"), ("UNHEALTHY", "FAILED"),
            ("DEPLOY_FAILED", "FAILED"), ("DELETING", "NOT_DEPLOYED"),
        ]:  # fmt: skip
            host.states[key] = (serve, "what Serve says")
            answer = ask("GET", f"{path}/status")
            assert (answer["status"], bool(answer["error"])) == (told, told == "FAILED")
        host.states[key] = ("RUNNING", "")
        body = {"inputs": {"text": "river"}}
        found = ask("POST", f"{path}/realtime/test", body)
        assert len(found["data"]["embedding"]) == 16
        assert ask("POST", f"{path}/undeploy")["status"] == "NOT_DEPLOYED"
        assert host.states == {}
        host.catalog.put_deployment("hash_embedder", hash_source.digest, "lab", "FAILED", "line 3")
        answer = ask("GET", f"{path}/status")
        assert (answer["status"], answer["error"]) == ("FAILED", "line 3")

    def test_batch_only(self, ask: Client, home: Path, tmp_path: Path) -> None:
        path = f"{self.PATH}/hash_embedder_1_0_0/deploy"
        answer = ask("POST", f"{path}?deployment_type=batch_only")
        assert (answer["status"], answer["deployment_type"]) == ("NOT_DEPLOYED", "batch_only")
        ask.refused(422, "BodyError", "POST", f"{path}?deployment_type=half")
        load_probe(Lab(home), tmp_path, "batch['vec'] = [[1.0, 2.0]] * len(batch)", "return batch")
        answer = ask("POST", f"{self.PATH}/probe_1_0_0/deploy")
        assert (answer["status"], answer["deployment_type"]) == ("NOT_DEPLOYED", "batch_only")
        assert "realtime.py" in answer["message"]
        assert ask("GET", f"{self.PATH}/probe_1_0_0/status")["deployment_type"] == "batch_only"

    def test_deleting(self, ask: Client) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket)
        path = f"{self.PATH}/hash_embedder_1_0_0"
        assert "docs" in ask.refused(409, "ConflictError", "DELETE", path)["message"]
        ask("DELETE", f"/collections/{collection}")
        assert ask("DELETE", path) == {"success": True}
        ask.refused(404, "NotFoundError", "GET", path)


class TestBuckets:
    def test_both_shapes(self, ask: Client) -> None:
        fields = {"body": {"type": "text", "required": True}, "year": {"type": "integer"}}
        seed = ask("POST", "/buckets", {"bucket_name": "one", "blob_schema": fields})
        public = ask("POST", "/namespaces/default/buckets",
                     {"name": "two", "bucket_schema": {"properties": fields}})  # fmt: skip
        assert seed["bucket_id"].startswith("bkt_")
        assert seed["bucket_schema"] == public["bucket_schema"]
        assert seed["bucket_schema"]["properties"]["body"] == {"type": "text", "required": True}
        listed = ask("GET", "/buckets?page_size=1")
        assert [b["bucket_name"] for b in listed["results"]] == ["one"]
        assert listed["pagination"]["total"] == 2
        assert ask("POST", "/buckets/list")["results"] == ask("GET", "/buckets")["results"]
        assert ask("GET", "/buckets/two") == ask("GET", f"/buckets/{public['bucket_id']}")
        assert ask("DELETE", "/buckets/two") == {"success": True}
        ask.refused(404, "NotFoundError", "GET", "/buckets/two")

    @pytest.mark.parametrize(
        ("body", "where"),
        [
            ({}, "bucket_name"), ({"bucket_name": "b"}, "bucket_schema"),
            ({"bucket_name": "b", "blob_schema": {}}, "blob_schema"),
            ({"bucket_name": "b", "blob_schema": {"f": {"type": "txt"}}}, "blob_schema.f.type"),
            ({"bucket_name": "b", "blob_schema": {"f": 3}}, "blob_schema.f.type"),
            ({"bucket_name": "b", "bucket_schema": {"properties": []}}, "bucket_schema.properties"),
            ({"bucket_name": "b", "blob_shema": {"f": "text"}}, "blob_shema"),
        ],
    )  # fmt: skip
    def test_the_path_of_what_is_wrong(self, shared: Client, body: Any, where: str) -> None:
        error = shared.refused(422, "BodyError", "POST", "/buckets", body)
        assert error["details"]["validation_errors"][0]["location"] == ["body", where]

    def test_names(self, ask: Client) -> None:
        filled(ask, "texts")
        again = {"bucket_name": "texts", "blob_schema": {"f": "text"}}
        ask.refused(409, "ConflictError", "POST", "/buckets", again)
        odd = {"bucket_name": "a/b", "blob_schema": {"f": "text"}}
        ask.refused(422, "InvalidInputError", "POST", "/buckets", odd)
        reserved = {"bucket_name": "b", "blob_schema": {"document_id": "string"}}
        ask.refused(422, "InvalidInputError", "POST", "/buckets", reserved)

    def test_one_in_use_stays(self, ask: Client) -> None:
        bucket = filled(ask)
        collected(ask, bucket)
        assert (
            "docs" in ask.refused(409, "ConflictError", "DELETE", f"/buckets/{bucket}")["message"]
        )


class TestObjects:
    def test_both_shapes(self, ask: Client, home: Path) -> None:
        schema = {"body": "text", "n": "integer"}
        bucket = ask("POST", "/buckets", {"bucket_name": "b", "blob_schema": schema})["bucket_id"]
        path = f"/buckets/{bucket}/objects"
        seed = ask("POST", path, {"objects": [{"blob_data": {"body": "a", "n": 1}}]})
        public = ask("POST", path, {
            "blobs": [{"property": "body", "type": "text", "data": "b"}], "n": 2,
            "canonicalize_source": True,
        })  # fmt: skip
        batch = ask("POST", f"{path}/batch", {"objects": [{"blob_data": {"body": "c"}}]})
        assert public["object_id"].startswith("obj_")
        assert public["metadata"] == {"n": 2}
        assert public["blobs"][0]["data"] == "b"
        keys = [*seed["object_ids"], public["object_id"], *batch["object_ids"]]
        listed = ask("GET", path)
        assert [o["object_id"] for o in listed["results"]] == keys
        second = ask("GET", f"{path}?page=2&page_size=2")
        assert [o["object_id"] for o in second["results"]] == keys[2:]
        assert second["pagination"]["total"] == 3
        assert ask("GET", f"{path}/{keys[0]}")["metadata"] == {"n": 1}
        assert Lab(home).bucket("b").object_count == 3
        ask("DELETE", f"{path}/{keys[0]}")
        ask.refused(404, "NotFoundError", "GET", f"{path}/{keys[0]}")

    def test_the_same_again_is_the_same_object(self, ask: Client) -> None:
        bucket = filled(ask)
        again = upload(ask, bucket, TEXTS)
        assert ask("GET", f"/buckets/{bucket}")["object_count"] == len(TEXTS)
        known = [o["object_id"] for o in ask("GET", f"/buckets/{bucket}/objects")["results"]]
        assert again["object_ids"] == known
        other = [{"blob_data": {"body": TEXTS[0]}, "metadata": {"n": 99}}]
        ask("POST", f"/buckets/{bucket}/objects", {"objects": other})
        assert ask("GET", f"/buckets/{bucket}")["object_count"] == len(TEXTS) + 1
        named = {"object_id": known[0], "blob_data": {"body": "another text"}}
        ask("POST", f"/buckets/{bucket}/objects", named)
        assert ask("GET", f"/buckets/{bucket}/objects/{known[0]}")["blobs"][0]["data"] == (
            "another text"
        )

    @pytest.mark.parametrize(
        ("objects", "where"),
        [
            ([{"blob_data": {"bdy": "x"}}], "objects[0].blob_data.bdy"),
            ([{"blob_data": {"body": "x"}}, {"blob_data": {"body": 3}}],
             "objects[1].blob_data.body"),
            ([{"blob_data": {"body": "x", "n": "3"}}], "objects[0].blob_data.n"),
            ([{"blob_data": {"body": "x", "n": True}}], "objects[0].blob_data.n"),
            ([{"blob_data": {"body": "x", "day": "31.1.2026"}}], "objects[0].blob_data.day"),
            ([{"blob_data": {"body": "x"}, "metadata": {"n": 1.5}}], "objects[0].metadata.n"),
            ([{"blob_data": {"body": "x"}, "metadata": {"data": 1}}], "objects[0].metadata"),
            ([{"blob_data": ["x"]}], "objects[0].blob_data"),
            ([{"blobs": [{"property": "body", "type": "image", "data": "x"}]}],
             "objects[0].blobs[0].type"),
            ([{"blobs": [{"property": "bdy", "type": "text", "data": "x"}]}],
             "objects[0].blobs[0].property"),
            ([{"blobs": [{"property": "body", "type": "text", "upload_id": "u"}]}],
             "objects[0].blobs[0].upload_id"),
            ([{"blobs": [{"property": "body", "type": "text"}]}], "objects[0].blobs[0].data"),
            ([{"blobs": ["x"]}], "objects[0].blobs[0]"),
            ([{}], "objects[0]"), ([3], "objects[0]"), ([], "objects"), ({}, "objects"),
            ([{"blob_data": {"body": "x"}, "object_id": "../x"}], "objects[0].object_id"),
        ],
    )  # fmt: skip
    def test_the_path_of_what_is_wrong_and_nothing_is_kept(
        self, shared: Client, objects: Any, where: str
    ) -> None:
        for path in ("objects", "objects/batch"):
            error = shared.refused(
                422, "BodyError", "POST", f"/buckets/b/{path}", {"objects": objects}
            )
            (problem,) = error["details"]["validation_errors"]
            assert problem["location"] == ["body", where]
        assert shared("GET", "/buckets/b")["object_count"] == 0

    def test_files_are_what_the_schema_says(
        self, ask: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MIXPEEK_LAB_FILE_ROOTS", str(tmp_path))
        picture = tmp_path / "dot.gif"
        picture.write_bytes(b"GIF89a\1\0\1\0\0\0\0;")
        body = {"bucket_name": "b", "blob_schema": {"photo": "image", "clip": "video"}}
        ask("POST", "/buckets", body)
        url = picture.as_uri()
        made = ask("POST", "/buckets/b/objects", {"blob_data": {"photo": url}})
        assert made["blobs"][0]["data"] == url
        assert made["blobs"][0]["details"]["mime_type"] == "image/gif"
        for field, value, said in [
            ("clip", url, "image/gif, which is no video"), ("photo", f"{url}x", "does not exist"),
        ]:  # fmt: skip
            error = ask.refused(
                422, "BodyError", "POST", "/buckets/b/objects", {"blob_data": {field: value}}
            )
            assert said in error["message"]

    def test_required_fields_and_too_many(self, ask: Client) -> None:
        fields = {"body": {"type": "text", "required": True}, "n": {"type": "integer"}}
        ask("POST", "/buckets", {"bucket_name": "b", "bucket_schema": {"properties": fields}})
        error = ask.refused(422, "BodyError", "POST", "/buckets/b/objects", {"n": 1})
        assert error["details"]["validation_errors"][0]["location"] == ["body", "body"]
        many = {"objects": [{"blob_data": {"body": str(n)}} for n in range(101)]}
        ask.refused(413, "TooLargeError", "POST", "/buckets/b/objects/batch", many)


class TestCollections:
    def test_a_collection_over_a_bucket_is_processed(
        self, ask: Client, host: Host, home: Path
    ) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket, input_mappings={"text": "payload.body"})
        record = ask("GET", f"/collections/{collection}")
        assert (record["status"], record["document_count"]) == ("QUEUED", 0)
        (index,) = record["vector_indexes"]
        assert index.items() >= {"name": "hash_embedding", "feature_uri": URI}.items()
        assert (index["index"]["dimensions"], index["index"]["distance"]) == (16, "cosine")
        assert set(record["output_schema"]["properties"]) == {"data", "hash_embedding"}
        assert documents(ask, collection) == []
        assert host.work() == 1
        record = ask("GET", f"/collections/{collection}")
        assert (record["status"], record["document_count"]) == ("COMPLETED", 3)
        found = documents(ask, collection)
        assert [(d["data"], d["n"]) for d in found] == list(zip(TEXTS, range(3), strict=True))
        assert found[0]["_internal"]["lineage"]["root_bucket_id"] == bucket
        task = ask("GET", f"/tasks/{record['task_id']}")
        assert task["status"] == "COMPLETED"
        assert task["progress"]["documents"] == 3
        (run,) = Lab(home).sql("SELECT * FROM runs").table.to_pylist()
        assert run["run_id"] == task["additional_data"]["run_id"]
        (feature,) = ask("GET", f"/collections/{collection}/features")["results"]
        assert feature["feature_uri"] == URI

    def test_only_what_is_new_is_computed(self, ask: Client, host: Host, home: Path) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket)
        host.work()
        answer = upload(ask, bucket, [*TEXTS, "new river"])
        (task_id,) = answer["task_ids"]
        assert host.work() == 1
        progress = ask("GET", f"/tasks/{task_id}")["progress"]
        assert (progress["processed_rows"], progress["reused_rows"]) == (1, 3)
        ask("DELETE", f"/buckets/{bucket}/objects/{answer['object_ids'][0]}")
        host.work()
        assert [d["data"] for d in documents(ask, collection)] == [*TEXTS[1:], "new river"]
        kept = documents(ask, collection, filters={"field": "n", "operator": "gte", "value": 2})
        assert [d["n"] for d in kept] == [2, 3]

    def test_one_run_for_all_that_waits_and_another_for_what_comes_after_it_began(
        self, ask: Client, host: Host
    ) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket)
        first = upload(ask, bucket, ["one"])["task_ids"]
        assert upload(ask, bucket, ["two"])["task_ids"] == first
        assert host.catalog.begin_task(first[0], "run_1")
        second = upload(ask, bucket, ["three"])["task_ids"]
        assert second != first
        assert upload(ask, bucket, ["four"])["task_ids"] == second
        states = {t["task_id"]: t["status"] for t in ask("GET", "/tasks")["results"]}
        # Nobody holds the worker's lock: whoever began the first is dead.
        assert states == {first[0]: "QUEUED", second[0]: "QUEUED"}
        assert host.work() == 2
        assert len(documents(ask, collection)) == len(TEXTS) + 4

    def test_while_the_notebook_runs_it_the_task_waits(
        self, ask: Client, host: Host, home: Path
    ) -> None:
        collection = collected(ask, filled(ask))
        with writing(Home.open(home).snapshots(collection)):
            assert host.work() == 0
            assert ask("GET", f"/collections/{collection}")["status"] == "QUEUED"
            ask.refused(409, "ConflictError", "DELETE", f"/collections/{collection}")
        assert host.work() == 1

    def test_the_notebooks_newer_code_is_not_undone(
        self, ask: Client, host: Host, home: Path, hash_source: ExtractorSource, tmp_path: Path
    ) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket)
        edited = hash_source.with_file(
            "processors/words.py", hash_source.text("processors/words.py") + "\n# edited\n"
        )
        lab = Lab(home)
        from mixpeek_lab.source import write_source

        write_source(edited, tmp_path / "hash_embedder")
        lab.load(tmp_path / "hash_embedder")
        lab.process("texts", "hash_embedder", "docs", engine="kernel")
        assert host.work() == 1
        assert lab.collection(collection).extractor_digest == edited.digest
        assert len(documents(ask, collection)) == 3

    def test_rows_that_fail(self, ask: Client, host: Host) -> None:
        bucket = filled(ask, texts=["river", "FAIL here"])
        collection = collected(ask, bucket)
        host.work()
        record = ask("GET", f"/collections/{collection}")
        assert (record["status"], record["document_count"]) == ("COMPLETED_WITH_ERRORS", 1)
        assert "1 of 2 rows failed" in record["error"]
        (failure,) = ask("GET", f"/tasks/{record['task_id']}")["additional_data"]["failures"]
        assert failure["where"].startswith("processors/core.py:")

    def test_trigger(self, ask: Client, host: Host) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket)
        host.work()
        keys = [o["object_id"] for o in ask("GET", f"/buckets/{bucket}/objects")["results"]]
        path = f"/collections/{collection}/trigger"
        ask.refused(422, "BodyError", "POST", path, {"object_ids": []})
        for body, processed in [
            (None, 0), ({"dedup_strategy": "skip"}, 0), ({"dedup_strategy": "force"}, 3),
            ({"dedup_strategy": "replace", "object_ids": keys[:1]}, 1), ({"object_ids": keys}, 0),
        ]:  # fmt: skip
            answer = ask("POST", path, body)
            assert answer["task_id"].startswith("task_")
            assert answer["object_count"] == len((body or {}).get("object_ids", keys))
            host.work()
            task = ask("GET", f"/tasks/{answer['task_id']}")
            assert task["status"] == "COMPLETED"
            assert task["progress"]["processed_rows"] == processed
        # `force` let each document be beside its new one; `replace` did not, for the first object.
        found = documents(ask, collection)
        assert [d["data"] for d in found] == [TEXTS[0], *(t for t in TEXTS[1:] for _ in range(2))]
        assert len({d["document_id"] for d in found}) == 5
        upload(ask, bucket, ["new"])
        host.work()
        assert len(documents(ask, collection)) == 6
        ask("POST", path, {"dedup_strategy": "replace"})
        host.work()
        assert [d["data"] for d in documents(ask, collection)] == [*TEXTS, "new"]
        ask.refused(404, "NotFoundError", "POST", path, {"object_ids": ["obj_none"]})
        for body in ({"dedup_strategy": "never"}, {"object_ids": [3]}, {"object_id": "x"}):
            ask.refused(422, "BodyError", "POST", path, body)

    def test_mappings_choose_the_fields(self, ask: Client, host: Host) -> None:
        schema = {"title": "text", "body": "text", "year": "integer"}
        bucket = ask("POST", "/buckets", {"bucket_name": "b", "blob_schema": schema})["bucket_id"]
        ask("POST", f"/buckets/{bucket}/objects", {"blob_data": {"title": "t", "body": "b"}})
        both = collected(ask, bucket, "both")
        one = collected(ask, bucket, "one", input_mappings=[{"input_key": "text", "path": "body"}])
        host.work()
        assert [d["data"] for d in documents(ask, both)] == ["b", "t"]
        assert [d["data"] for d in documents(ask, one)] == ["b"]
        for mapping, said in [
            ({"text": "payload.bdy"}, "no field 'bdy'"), ({"text": "year"}, "Declare the field"),
            ({"text": 3}, "path of a field"), ("body", "must be"),
        ]:  # fmt: skip
            body = {
                "collection_name": "bad", "source": {"bucket_id": bucket},
                "feature_extractor": {**EXTRACTOR, "input_mappings": mapping},
            }  # fmt: skip
            error = ask.refused(422, "BodyError", "POST", "/collections", body)
            assert said in error["message"]

    @pytest.mark.parametrize(
        ("change", "status", "kind"),
        [
            ({"collection_name": "ab"}, 422, "BodyError"),
            ({"collection_name": "x" * 101}, 422, "InvalidInputError"),
            ({"collection_name": "runs"}, 422, "InvalidInputError"),
            ({"collection_name": "DOCS"}, 409, "ConflictError"),
            ({"collection_name": "docs"}, 409, "ConflictError"),
            ({"source": {"type": "bucket"}}, 422, "BodyError"),
            ({"source": {"type": "collection", "collection_id": "x"}}, 404, "NotFoundError"),
            ({"source": {"bucket_ids": ["texts", "texts"]}}, 422, "BodyError"),
            ({"source": {"bucket_id": "bkt_none"}}, 404, "NotFoundError"),
            ({"feature_extractor": {"feature_extractor_name": "none"}}, 404, "NotFoundError"),
            ({"feature_extractor": {**EXTRACTOR, "version": "9"}}, 404, "NotFoundError"),
            ({"feature_extractor": {**EXTRACTOR, "parameters": []}}, 422, "BodyError"),
            ({"feature_extractor": None, "feature_extractors": []}, 422, "BodyError"),
            ({"retention": 3}, 422, "BodyError"),
        ],
    )
    def test_odd_requests(self, shared: Client, change: Any, status: int, kind: str) -> None:
        body = {"collection_name": "new", "source": {"bucket_ids": ["texts"]},
                "feature_extractors": [EXTRACTOR], **change}  # fmt: skip
        shared.refused(status, kind, "POST", "/collections", body)
        assert [c["collection_name"] for c in shared("GET", "/collections")["results"]] == ["docs"]

    def test_parameters_are_those_that_the_extractor_takes(
        self, ask: Client, hash_source: ExtractorSource
    ) -> None:
        manifest = (hash_source.text("manifest.py") or "") + (
            "\nfrom pydantic import BaseModel\n\n\nclass Parameters(BaseModel):\n"
            "    size: int = 1\n\n\nparameter_schema = Parameters\n"
        )
        done = ask.upload("hash_embedder", zipped(hash_source, manifest=manifest))
        assert done["validation_errors"] == []
        bucket = filled(ask)
        config = {"version": done["version"], "parameters": {"size": "large"}}
        body = {"collection_name": "new", "source": {"bucket_id": bucket},
                "feature_extractor": {**EXTRACTOR, **config}}  # fmt: skip
        error = ask.refused(422, "InvalidInputError", "POST", "/collections", body)
        assert "size" in error["message"]
        assert collected(ask, bucket, version=done["version"], parameters={"size": 2})

    def test_warnings(self, ask: Client, home: Path, tmp_path: Path) -> None:
        lab = Lab(home)
        load_probe(lab, tmp_path, "return batch", vectors={}, types=("image",))
        bucket = filled(ask)
        body = {"collection_name": "new", "source": {"bucket_id": bucket},
                "feature_extractor": {"feature_extractor_name": "probe"}}  # fmt: skip
        warnings = "\n".join(ask("POST", "/collections", body)["warnings"])
        assert "no vector index" in warnings
        assert "takes image" in warnings
        body = {**body, "collection_name": "newer", "feature_extractor": EXTRACTOR}
        assert "not deployed" in "\n".join(ask("POST", "/collections", body)["warnings"])

    def test_deleting(self, ask: Client, host: Host, home: Path) -> None:
        collection = collected(ask, filled(ask))
        host.work()
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [collection]})
        path = f"/collections/{collection}"
        assert "find" in ask.refused(409, "ConflictError", "DELETE", path)["message"]
        ask("DELETE", "/retrievers/find")
        ask("POST", f"{path}/trigger")
        assert ask("DELETE", path) == {"success": True}
        assert host.work() == 0
        assert not (home / "collections" / collection).exists()
        ask.refused(404, "NotFoundError", "GET", path)


class TestRetrievers:
    def test_one_made_before_the_first_documents(self, ask: Client, host: Host) -> None:
        collection = collected(ask, filled(ask))
        made = ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [collection]})
        path = f"/retrievers/{made['retriever']['retriever_id']}/execute"
        answer = ask.send("POST", path, {"query": {"query_text": "river"}})
        assert answer.status_code == 503
        assert answer.json()["error"]["details"]["retryable"] is True
        assert answer.headers["retry-after"]
        assert "task_" in answer.json()["error"]["message"]
        host.work()
        found = ask("POST", path, {"query": {"query_text": "river"}})
        assert found["documents"][0]["data"] == "river boat"
        bad = {**RETRIEVER, "retriever_name": "bad", "collection_ids": [collection]}
        bad["stages"] = [{"stage_type": "search", "feature_search": {"feature_uri": URI + "s"}}]
        ask.refused(422, "RetrieverError", "POST", "/retrievers", bad)

    def test_over_an_empty_bucket_it_finds_nothing(self, ask: Client, host: Host) -> None:
        body = {"bucket_name": "empty", "blob_schema": {"body": "text"}}
        collection = collected(ask, ask("POST", "/buckets", body)["bucket_id"])
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [collection]})
        assert host.work() == 1
        assert ask("POST", "/retrievers/find/execute", {"query": "river"})["documents"] == []

    def test_where_the_first_run_failed_it_says_why(self, ask: Client, host: Host) -> None:
        collection = collected(ask, filled(ask, texts=["FAIL"]))
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [collection]})
        host.work()
        error = ask.refused(
            422, "RetrieverError", "POST", "/retrievers/find/execute", {"query": "x"}
        )
        assert "its run failed" in error["message"]
        assert "processors/core.py" in error["message"]


def test_homes_of_the_first_version_still_open(home: Path, hash_source: ExtractorSource) -> None:
    import sqlite3

    from mixpeek_lab.catalog.tables import TABLES

    home.mkdir()
    with sqlite3.connect(home / "catalog.sqlite") as sql:
        sql.executescript(TABLES)
        sql.execute("PRAGMA user_version = 1")
        sql.execute("INSERT INTO buckets VALUES ('bkt_1', 'old', '{\"text\": \"text\"}', 'then')")
        sql.execute(
            "INSERT INTO collections VALUES ('col_1', 'docs', 'bkt_1', 'hash_embedder', '1.0.0', "
            "?, '{}', '{}', 'then', NULL, 0)",
            (hash_source.digest,),
        )
    lab = Lab(home)
    assert lab.bucket("old").schema == {"text": "text"}
    assert lab.collection("docs").properties == ()
    lab.load(HASH_EMBEDDER)
    lab.bucket("old", TEXTS)
    assert lab.process("old", "hash_embedder", "docs", engine="kernel").documents == 3


class TestHostile:
    @pytest.mark.parametrize(
        "path",
        ["/buckets/%00", "/buckets/%FF", "/collections/%ED%A0%80", "/tasks/..%5C", "/buckets/..%2f",
         "/namespaces/default/extractors/mixpeek:", "/namespaces/default/extractors/@1",
         "/namespaces/default/extractors/a_99999999999999999999999_0_0"],
    )  # fmt: skip
    def test_odd_ids_are_not_found(self, shared: Client, path: str) -> None:
        shared.refused(404, "NotFoundError", "GET", path)

    @pytest.mark.parametrize(
        ("content", "status"),
        [
            (b'{"blob_data": {"body": "\\ud800"}, "metadata": {"\\udfff": 1e99}}', 200),
            (b'{"blob_data": {"body": "x"}, "metadata": {"x": 1e999}}', 422),
            (b'{"blob_data": {"body": "\\u0000"}, "metadata": {"big": ' + b"9" * 40 + b"}}", 200),
            (b'{"\\ud800": 1}', 200), (b'{"metadata": ' + b'{"a":' * 65 + b"1" + b"}" * 66, 422),
            (b'{"metadata": ' + b"[" * 5000 + b"]" * 5000 + b"}", 422), (b"null", 422),
            (b'{"metadata": "' + b"x" * (64 * 1024 * 1024) + b'"}', 413),
        ],
        ids=["surrogates", "infinite", "large numbers", "names", "deep", "deeper", "null", "long"],
    )  # fmt: skip
    def test_odd_bodies(self, ask: Client, host: Host, content: bytes, status: int) -> None:
        collected(ask, filled(ask))
        answer = ask.http.request(
            "POST", "/v1/buckets/texts/objects", content=content,
            headers={"authorization": f"Bearer {TOKEN}"},
        )  # fmt: skip
        assert answer.status_code == status, answer.text[:500]
        host.work()
        assert ask("GET", "/collections/docs")["status"] == "COMPLETED"

    def test_at_the_same_time(self, ask: Client, hash_source: ExtractorSource) -> None:
        made = ask("POST", "/namespaces/default/extractors/uploads", {"name": "hash_embedder"})
        confirm = f"/namespaces/default/extractors/uploads/{made['upload_id']}/confirm"
        archive = zipped(hash_source)
        with ThreadPoolExecutor(8) as pool:
            put = partial(ask.http.put, made["presigned_url"], content=archive)
            assert {answer.status_code for answer in pool.map(lambda _: put(), range(8))} == {200}
            answers = pool.map(lambda _: ask("POST", confirm)["validation_status"], range(8))
            assert set(answers) == {"passed"}
            bucket = {"bucket_name": "race", "blob_schema": {"body": "text"}}
            told = pool.map(lambda _: ask.send("POST", "/buckets", bucket).status_code, range(8))
            assert sorted(told) == [200] + [409] * 7
            list(pool.map(lambda n: upload(ask, "race", [f"{n} {i}" for i in range(20)]), range(8)))
        assert ask("GET", "/buckets/race")["object_count"] == 160
