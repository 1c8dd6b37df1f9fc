"""The platform's resources as Mixpeek's own material writes them: both columns of the contract.

On a real catalog, without Ray: the worker's steps are taken by the test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
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
from platform_host import Host

from mixpeek_lab.errors import EngineError
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.lost import working

GIF = b"GIF89a\1\0\1\0\0\0\0;"
PHOTOS = {"bucket_name": "b", "blob_schema": {"photo": "image", "note": "text"}}
FIND = {"searches": [{"feature_uri": URI, "query": "{{INPUT.query}}"}], "final_top_k": 3}


@pytest.fixture
def host(home: Path) -> Iterator[Host]:
    """The worker's lock is held: what is in progress is not taken for lost."""
    Lab(home).load(HASH_EMBEDDER)
    host = Host(home)
    with ExitStack() as stack:
        stack.enter_context(working(host.catalog, Home.open(home), "a session"))
        yield host


@pytest.fixture
def docs(ask: Client, host: Host) -> str:
    """The collection `docs` of the bucket `texts`, processed."""
    collection = collected(ask, filled(ask))
    host.work()
    return collection


class TestBothColumns:
    """contract.md §1, a test for each row: the published spelling and the public one are alike."""

    def test_extractors_and_plugins(self, ask: Client, hash_source: ExtractorSource) -> None:
        for name in ("extractors", "plugins"):
            path = f"/namespaces/default/{name}"
            made = ask("POST", f"{path}/uploads", {"name": "hash_embedder", "version": "1.0.0"})
            assert made["plugin_id"] == made["extractor_id"] == "hash_embedder_1_0_0"
            assert ask.http.put(made["presigned_url"], content=zipped(hash_source)).is_success
            done = ask("POST", f"{path}/uploads/{made['upload_id']}/confirm")
            assert done["plugin_id"] == "hash_embedder_1_0_0"
            assert ask("GET", f"{path}/hash_embedder_1_0_0")["plugin_id"] == done["plugin_id"]

    def test_bucket_schemas(self, ask: Client) -> None:
        fields = {"body": {"type": "text"}, "n": {"type": "integer", "required": True}}
        one = ask("POST", "/buckets", {"bucket_name": "one", "blob_schema": fields})
        two = ask("POST", "/buckets", {"name": "two", "bucket_schema": {"properties": fields}})
        assert one["bucket_schema"] == two["bucket_schema"]

    def test_objects(self, ask: Client) -> None:
        schema = {"body": "text", "n": "integer"}
        ask("POST", "/buckets", {"bucket_name": "b", "blob_schema": schema})
        path, many = "/buckets/b/objects", {"blob_data": {"body": "a"}, "metadata": {"n": 1}}
        blob = {"property": "body", "type": "text", "data": "a"}
        (listed,) = ask("POST", path, {"objects": [many]})["object_ids"]
        public = ask("POST", path, {"blobs": [blob], "n": 1})
        (batched,) = ask("POST", f"{path}/batch", {"objects": [{"blobs": [blob], "n": 1}]})[
            "succeeded"
        ]
        assert {listed, public["object_id"], batched["object_id"]} == {listed}
        assert (public["n"], public["metadata"]) == (1, {"n": 1})

    @pytest.mark.parametrize(
        "source",
        [{"type": "bucket", "bucket_id": "texts"}, {"type": "bucket", "bucket_ids": ["texts"]}],
    )
    def test_sources(self, ask: Client, source: Any) -> None:
        filled(ask)
        body = {"collection_name": "docs", "source": source, "feature_extractor": EXTRACTOR}
        made = ask("POST", "/collections", body)["source"]
        assert made["bucket_ids"] == [made["bucket_id"]]

    @pytest.mark.parametrize(
        "mappings",
        [
            {"text": "payload.body"}, {"text": "body"},
            [{"input_key": "text", "source_type": "blob", "path": "body", "override": None}],
        ],
    )  # fmt: skip
    def test_input_mappings(self, ask: Client, host: Host, mappings: Any) -> None:
        collection = collected(ask, filled(ask), input_mappings=mappings)
        host.work()
        assert [d["data"] for d in documents(ask, collection)] == TEXTS

    @pytest.mark.parametrize(
        "body",
        [
            {"collection_ids": ["docs"], "fusion_strategy": {"type": "rrf"}, "stages": [
                {"stage_type": "search", "stage_id": "s",
                 "feature_search": {"feature_uri": URI, "limit": 3}}]},
            {"collection_identifiers": ["docs"], "stages": [
                {"stage_name": "s", "stage_type": "filter",
                 "config": {"stage_id": "feature_search", "parameters": {**FIND, "fusion": "rrf"}}}
            ]},
            {"collection_identifiers": ["docs"], "stages": [
                {"stage_type": "filter", "stage_id": "feature_search", "parameters": FIND}]},
        ],
        ids=["published", "public", "flat"],
    )  # fmt: skip
    def test_retrievers(self, ask: Client, docs: str, body: Any) -> None:
        made = ask("POST", "/retrievers", {"retriever_name": "find", **body})
        assert made["collection_ids"] == made["collection_identifiers"] == ["docs"]
        assert made["stages"][0]["parameters"]["searches"][0]["feature_uri"] == URI
        assert made["stages"][0]["config"]["parameters"] == made["stages"][0]["parameters"]
        assert made["fusion"] == "rrf"
        assert made["retriever"]["retriever_id"] == made["retriever_id"]
        inputs = {"query": "river"} if "collection_ids" not in body else {"query_text": "river"}
        found = ask("POST", "/retrievers/find/execute", {"inputs": inputs})
        assert found["results"][0]["data"] == "river boat"

    @pytest.mark.parametrize(
        "body",
        [
            {"query": {"query_text": "river"}, "limit": 2}, {"inputs": {"q": "river"}, "limit": 2},
            {"input": {"q": "river"}, "limit": 2},
        ],
    )  # fmt: skip
    def test_queries(self, ask: Client, docs: str, body: Any) -> None:
        made = ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": ["docs"]})
        found = ask("POST", "/retrievers/find/execute", body)
        assert [d["data"] for d in found["results"]][:1] == ["river boat"]
        assert (len(found["documents"]), found["status"]) == (2, "completed")
        assert found["retriever_id"] == made["retriever_id"]

    @pytest.mark.parametrize(
        "named",
        [
            {"feature_extractor": EXTRACTOR}, {"feature_extractors": [EXTRACTOR]},
            {"feature_extractor": {"feature_extractor_name": "hash_embedder"}},
            {"feature_extractor": {"feature_extractor_name": "hash_embedder_1_0_0"}},
            {"feature_extractor": {"feature_extractor_id": "hash_embedder_1_0_0"}},
            {"feature_extractor": {"plugin_id": "hash_embedder_1_0_0", "version": "v1"}},
            {"feature_extractor": {**EXTRACTOR, "feature_extractor_id": "hash_embedder_1_0_0",
                                   "params": {}, "include_all_source_fields": True}},
        ],
    )  # fmt: skip
    def test_feature_extractors(self, ask: Client, named: Any) -> None:
        body = {"collection_name": "docs", "source": {"bucket_id": filled(ask)}, **named}
        made = ask("POST", "/collections", body)["feature_extractor"]
        assert made["feature_extractor_id"] == made["plugin_id"] == "hash_embedder_1_0_0"
        assert (made["feature_extractor_name"], made["version"]) == ("hash_embedder", "1.0.0")

    def test_processing_by_itself_by_trigger_and_by_batch(self, ask: Client, host: Host) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket)
        host.work()
        assert len(documents(ask, collection)) == 3
        later = {"blob_data": {"body": "later"}}
        ask("POST", f"/buckets/{bucket}/objects?auto_process=false", later)
        assert host.work() == 0
        started = ask("POST", f"/collections/{collection}/trigger", {"dedup_strategy": "force"})
        batch = ask("POST", f"/buckets/{bucket}/batches", {"auto_submit": True})
        assert host.work() == 2
        for key in (started["batch_id"], batch["batch_id"]):
            assert ask("GET", f"/buckets/{bucket}/batches/{key}")["status"] == "COMPLETED"

    def test_paths_below_the_namespace_and_short_names(self, ask: Client, host: Host) -> None:
        path, schema = "/namespaces/default", {"properties": {"body": {"type": "text"}}}
        ask("POST", f"{path}/buckets", {"name": "b", "bucket_schema": schema})
        ask("POST", f"{path}/buckets/b/objects", {"blob_data": {"body": "river"}})
        body = {"name": "docs", "source": {"bucket_ids": ["b"]}, "feature_extractor": EXTRACTOR}
        made = ask("POST", f"{path}/collections", body)
        host.work()
        body = {"name": "find", "collection": "docs", "searches": [{"feature_uri": URI}]}
        ask("POST", f"{path}/retrievers", body)
        assert ask("GET", "/buckets/b")["bucket_name"] == "b"
        assert ask("GET", f"{path}/collections/docs")["collection_id"] == made["collection_id"]
        found = ask("POST", f"{path}/retrievers/find/execute", {"query": "river"})
        assert found["results"][0]["data"] == "river"


class TestNamespaces:
    def test_one_more_is_empty_and_extractors_that_it_lacks_are_named(self, ask: Client) -> None:
        body = {"namespace_name": "filings", "description": "10-K", "feature_extractors": [
            {"feature_extractor_name": "text_extractor", "version": "v1"}, EXTRACTOR,
        ]}  # fmt: skip
        filled(ask)
        made = ask("POST", "/namespaces", body)
        assert [each.split("'")[1] for each in made["warnings"]] == [
            "text_extractor@v1", "hash_embedder@1.0.0",
        ]  # fmt: skip
        assert (made["bucket_count"], made["description"]) == (0, "10-K")
        for name, count in (("filings", 0), (made["namespace_id"], 0), ("default", 1)):
            found = ask("GET", "/buckets", headers={"x-namespace": name})
            assert found["total_count"] == count
        changed = ask("PATCH", "/namespaces/filings", {"namespace_name": "other"})
        assert (changed["namespace_name"], changed["description"]) == ("other", "10-K")
        ask.refused(404, "NotFoundError", "GET", "/namespaces/filings")


class TestChanges:
    def test_buckets(self, ask: Client) -> None:
        filled(ask)
        fields = {"body": {"type": "text"}, "n": {"type": "integer"}}
        body = {"bucket_name": "words", "description": "New", "blob_schema": fields}
        changed = ask("PATCH", "/buckets/texts", body)
        assert (changed["bucket_name"], changed["description"]) == ("words", "New")
        assert set(changed["blob_schema"]) == {"body", "n"}
        assert ask("PATCH", "/buckets/words", {"metadata": {"a": 1}})["description"] == "New"
        for schema in ({"n": "integer"}, {"body": "string"}):
            ask.refused(409, "ConflictError", "PATCH", "/buckets/words", {"blob_schema": schema})
        ask.refused(422, "BodyError", "PATCH", "/buckets/words", {"bucket_nam": "x"})
        ask("POST", "/buckets", {"bucket_name": "other", "blob_schema": {"body": "text"}})
        ask.refused(409, "ConflictError", "PATCH", "/buckets/words", {"name": "other"})

    def test_a_disabled_collection_is_left_alone(self, ask: Client, host: Host, docs: str) -> None:
        path = f"/collections/{docs}"
        assert ask("PATCH", path, {"enabled": False, "description": "x"})["enabled"] is False
        assert upload(ask, "texts", ["new river"])["task_ids"] == []
        ask.refused(409, "ConflictError", "POST", f"{path}/trigger")
        assert host.work() == 0
        assert ask("PATCH", path, {"enabled": True})["description"] == "x"
        assert host.work() == 1
        assert len(documents(ask, docs)) == 4

    def test_retrievers(self, ask: Client, docs: str) -> None:
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [docs]})
        changed = ask("PATCH", "/retrievers/find", {"description": "Texts"})
        assert (changed["description"], len(changed["stages"])) == ("Texts", 1)
        ask.refused(422, "BodyError", "PATCH", "/retrievers/find", {"retriever_name": "x"})


class TestDocuments:
    def test_a_change_is_seen_at_once_and_found_after_the_run(
        self, ask: Client, host: Host, docs: str
    ) -> None:
        key = documents(ask, docs)[0]["document_id"]
        path = f"/collections/{docs}/documents/{key}"
        assert ask("PATCH", path, {"label": "good", "n": 7})["label"] == "good"
        assert ask("PATCH", path, {"stars": 5})["label"] == "good"
        assert ask("GET", path)["n"] == 7
        assert documents(ask, docs)[0]["stars"] == 5
        assert host.work() == 1
        good = {"field": "label", "operator": "eq", "value": "good"}
        (found,) = documents(ask, docs, filters=good)
        assert (found["document_id"], found["n"]) == (key, 7)
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [docs]})
        body = {"query": "x", "filters": good}
        assert len(ask("POST", "/retrievers/find/execute", body)["results"]) == 1
        upload(ask, "texts", ["another"])
        host.work()
        assert len(documents(ask, docs, filters=good)) == 1

    def test_a_deleted_one_stays_out_until_its_content_changes(
        self, ask: Client, host: Host, docs: str
    ) -> None:
        first = documents(ask, docs)[0]
        path = f"/collections/{docs}/documents/{first['document_id']}"
        ask("DELETE", path)
        for method, body in (("GET", None), ("PATCH", {"x": 1}), ("DELETE", None)):
            ask.refused(404, "NotFoundError", method, path, body)
        assert ask("GET", f"/collections/{docs}/documents/count")["count"] == 2
        for strategy in ("skip", "replace"):
            ask("POST", f"/collections/{docs}/trigger", {"dedup_strategy": strategy})
            host.work()
            assert [d["data"] for d in documents(ask, docs)] == TEXTS[1:]
        root = first["_internal"]["lineage"]["root_object_id"]
        ask("POST", "/buckets/texts/objects", {"object_id": root, "blob_data": {"body": "new"}})
        host.work()
        assert [d["data"] for d in documents(ask, docs)] == ["new", *TEXTS[1:]]

    def test_changes_at_the_same_time_are_all_kept(self, ask: Client, docs: str) -> None:
        key = documents(ask, docs)[0]["document_id"]
        path = f"/collections/{docs}/documents/{key}"
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: ask("PATCH", path, {f"field_{n}": n}), range(8)))
        found = ask("GET", path)
        assert [found[f"field_{n}"] for n in range(8)] == list(range(8))

    def test_vectors_are_shown_where_they_are_asked_for(self, ask: Client, docs: str) -> None:
        path = f"/collections/{docs}/documents"
        first = documents(ask, docs)[0]
        assert "hash_embedding" not in first
        found = ask("GET", f"{path}/{first['document_id']}?return_vectors=true")
        assert len(found["hash_embedding"]) == 16
        (other,) = ask("GET", f"{path}?return_vectors=true&page_size=1")["results"]
        assert other == found

    @pytest.mark.parametrize(
        "body", [{}, {"data": "x"}, {"document_id": "x"}, {"_internal": {}}, {"length": 3},
                 {"hash_embedding": [1.0]}, {"blob_id": "x"}, {"year": "2026"}]
    )  # fmt: skip
    def test_what_cannot_be_changed(self, ask: Client, docs: str, body: Any) -> None:
        key = documents(ask, docs)[0]["document_id"]
        ask("PATCH", "/buckets/texts", {"blob_schema": {"body": "text", "year": "integer"}})
        path = f"/collections/{docs}/documents/{key}"
        assert ask.send("PATCH", path, body).status_code == 422


class TestBatches:
    def test_from_a_draft_to_what_failed(self, ask: Client, host: Host) -> None:
        bucket = filled(ask, texts=["river", "FAIL here", "money"])
        collection = collected(ask, bucket)
        host.work()
        keys = [o["object_id"] for o in ask("GET", f"/buckets/{bucket}/objects")["results"]]
        path = f"/buckets/{bucket}/batches"
        body = {"object_ids": keys[:1], "dedup_strategy": "replace", "batch_name": "some",
                "metadata": {"source": "test"}}  # fmt: skip
        made = ask("POST", path, body)
        assert (made["status"], made["lifecycle"]) == ("DRAFT", "accepted")
        more = ask("POST", f"{path}/{made['batch_id']}/objects", {"object_ids": keys[:2]})
        assert more["object_ids"] == keys[:2]
        assert host.work() == 0
        task = ask("POST", f"{path}/{made['batch_id']}/submit", {"collection_ids": [collection]})
        assert task["batch_id"] == made["batch_id"]
        assert ask("GET", f"{path}/{made['batch_id']}")["status"] == "QUEUED"
        ask.refused(409, "ConflictError", "DELETE", f"{path}/{made['batch_id']}")
        assert host.work() == 1
        done = ask("GET", f"{path}/{made['batch_id']}")
        assert (done["status"], done["batch_name"]) == ("COMPLETED_WITH_ERRORS", "some")
        assert (done["progress"]["processed"], done["failed_object_count"]) == (2, 1)
        assert done["tier_tasks"][0]["task_id"] == task["task_id"] == done["task_id"]
        (failed,) = ask("GET", f"{path}/{made['batch_id']}/failed-documents")["results"]
        assert (failed["object_id"], failed["collection_id"]) == (keys[1], collection)
        assert failed["where"].startswith("processors/core.py:")
        for again in ("submit", "objects"):
            body = {"object_ids": keys} if again == "objects" else None
            ask.refused(409, "ConflictError", "POST", f"{path}/{made['batch_id']}/{again}", body)
        assert [b["batch_id"] for b in ask("GET", path)["results"]] == [made["batch_id"]]
        assert ask("POST", f"{path}/list", {"status": "DRAFT"})["results"] == []
        assert ask("GET", f"/batches/{made['batch_id']}") == done
        ask("DELETE", f"{path}/{made['batch_id']}")
        ask.refused(404, "NotFoundError", "GET", f"{path}/{made['batch_id']}")

    def test_several_collections_are_one_batch(self, ask: Client, host: Host) -> None:
        bucket = filled(ask)
        for name in ("one", "two"):
            collected(ask, bucket, name)
        host.work()
        made = ask("POST", f"/buckets/{bucket}/batches?auto_submit=true", {"limit": 2})
        assert (len(made["task_ids"]), len(made["object_ids"])) == (2, 2)
        host.work()
        done = ask("GET", f"/buckets/{bucket}/batches/{made['batch_id']}")
        assert (done["status"], done["documents_written"]) == ("COMPLETED", 6)
        ask("DELETE", "/collections/one")
        assert ask("GET", f"/batches/{made['batch_id']}")["status"] == "COMPLETED"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"object_ids": []}, 422), ({"object_ids": ["obj_none"]}, 404), ({"limit": 0}, 422),
            ({"object_ids": "x"}, 422),
            ({"collection_ids": [None]}, 422), ({"collection_ids": ["none"]}, 404),
            ({"dedup_strategy": "never"}, 422), ({"filters": {"AND": []}, "object_id": 1}, 422),
            ({"collection_ids": ["elsewhere"]}, 422), ({"auto_submit": "yes"}, 422),
        ],
    )  # fmt: skip
    def test_odd_requests_keep_nothing(self, ask: Client, body: Any, status: int) -> None:
        bucket = filled(ask)
        collected(ask, filled(ask, "other"), "elsewhere")
        path = f"/buckets/{bucket}/batches"
        assert ask.send("POST", path, body).status_code == status
        assert ask("GET", path)["results"] == []

    def test_without_a_collection_there_is_nothing_to_do(self, ask: Client) -> None:
        bucket = filled(ask)
        made = ask("POST", f"/buckets/{bucket}/batches", {})
        path = f"/buckets/{bucket}/batches/{made['batch_id']}/submit"
        assert "create one" in ask.refused(409, "ConflictError", "POST", path)["message"]


class TestBlobUploads:
    def sent(self, ask: Client, content: bytes, name: str = "dot.gif", **body: Any) -> Any:
        """An upload whose file has arrived."""
        asked = {"filename": name, "content_type": "image/gif", **body}
        made = ask("POST", "/buckets/b/uploads", asked)
        assert made["upload_id"].startswith("upl_")
        answer = ask.http.put(made["presigned_url"], content=content)
        assert answer.status_code == 200, answer.text
        return made

    def test_confirming_makes_an_object(self, ask: Client, home: Path) -> None:
        ask("POST", "/buckets", PHOTOS)
        made = self.sent(ask, GIF, blob_property="photo", object_metadata={"n": 1})
        path = f"/buckets/b/uploads/{made['upload_id']}"
        done = ask("POST", f"{path}/confirm", {"file_size_bytes": len(GIF)})
        assert (done["status"], done["etag"]) == ("COMPLETED", hashlib.md5(GIF).hexdigest())
        found = ask("GET", f"/buckets/b/objects/{done['object_id']}")
        assert (found["n"], found["blobs"][0]["details"]["mime_type"]) == (1, "image/gif")
        assert ask("POST", f"{path}/confirm")["object_id"] == done["object_id"]
        assert ask("GET", "/buckets/b")["object_count"] == 1
        ask.refused(409, "ConflictError", "DELETE", path)
        assert ask.http.put(made["presigned_url"], content=GIF).status_code == 409
        assert ask("GET", "/buckets/b/uploads")["stats"]["total_uploads"] == 1

    def test_objects_name_uploads(self, ask: Client) -> None:
        ask("POST", "/buckets", PHOTOS)
        photo = self.sent(ask, GIF, create_object_on_confirm=False)
        note = self.sent(ask, "a note, häh".encode(), "note.txt", create_object_on_confirm=False)
        blobs = [
            {"property": "photo", "type": "image", "upload_id": photo["upload_id"]},
            {"property": "note", "type": "text", "upload_id": note["upload_id"]},
        ]
        made = ask("POST", "/buckets/b/objects", {"blobs": blobs})
        assert {b["property"]: b["data"] for b in made["blobs"]}["note"] == "a note, häh"
        again = ask("GET", f"/buckets/b/uploads/{photo['upload_id']}")
        assert (again["status"], again["object_id"]) == ("COMPLETED", made["object_id"])

    @pytest.mark.parametrize(
        ("blob", "said"),
        [
            ({"property": "photo", "upload_id": "upl_none"}, "not known"),
            ({"property": "photo", "upload_id": 3}, "not known"),
            ({"property": "photo", "upload_id": "{waiting}"}, "arrived"),
            ({"property": "note", "upload_id": "{photo}"}, "field is a text"),
            ({"property": "photo", "upload_id": "{note}"}, "no image"),
            ({"property": "photo", "upload_id": "{photo}", "data": "x"}, "beside data"),
        ],
    )  # fmt: skip
    def test_uploads_that_are_no_blob(self, ask: Client, blob: Any, said: str) -> None:
        ask("POST", "/buckets", PHOTOS)
        body = {"filename": "x", "content_type": "image/gif", "create_object_on_confirm": False}
        keys = {
            "{waiting}": ask("POST", "/buckets/b/uploads", body)["upload_id"],
            "{photo}": self.sent(ask, GIF, blob_property="photo")["upload_id"],
            "{note}": self.sent(ask, b"words", "n.txt", blob_property="note")["upload_id"],
        }
        blob = {**blob, "upload_id": keys.get(blob["upload_id"], blob["upload_id"])}
        error = ask.refused(422, "BodyError", "POST", "/buckets/b/objects", {"blobs": [blob]})
        assert said in error["message"]
        assert "blob-uploads" not in error["message"]  # nor any other folder of the lab
        assert ask("GET", "/buckets/b")["object_count"] == 0

    def test_data_urls_are_told_what_to_do(self, ask: Client) -> None:
        ask("POST", "/buckets", PHOTOS)
        gif = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
        for blob in ({"blob_data": {"photo": gif}},
                     {"blobs": [{"property": "photo", "type": "image", "data": gif}]}):  # fmt: skip
            error = ask.refused(422, "BodyError", "POST", "/buckets/b/objects", blob)
            assert "is a data: URL" in str(error)
            assert "upload_id" in str(error)

    @pytest.mark.parametrize(
        "name",
        ["../../../etc/passwd", "/etc/passwd", "..\\..\\x.gif", "...", "a\0b.gif", "é" * 300],
    )
    def test_names_lead_nowhere(self, ask: Client, home: Path, name: str) -> None:
        ask("POST", "/buckets", PHOTOS)
        made = self.sent(ask, GIF, name, blob_property="photo")
        (file,) = [path for path in (home / "blob-uploads").rglob("*") if path.is_file()]
        assert file.parent == home / "blob-uploads" / made["upload_id"]

    @pytest.mark.parametrize(
        "change",
        [
            {"filename": None}, {"content_type": 3}, {"file_size_bytes": 0},
            {"blob_property": None},
            {"presigned_url_expiration": 0}, {"blob_property": "none"}, {"file_hash": "abc"},
            {"blob_property": "photo", "blob_type": "text"}, {"filenam": "x"},
        ],
    )  # fmt: skip
    def test_odd_requests(self, ask: Client, change: Any) -> None:
        ask("POST", "/buckets", PHOTOS)
        body = {"filename": "a", "content_type": "b", "blob_property": "photo", **change}
        ask.refused(422, "BodyError", "POST", "/buckets/b/uploads", body)

    def test_the_address_is_for_its_own_file(self, ask: Client) -> None:
        ask("POST", "/buckets", PHOTOS)
        one, two = (self.sent(ask, GIF, blob_property="photo") for _ in range(2))
        wrong = one["presigned_url"].replace(one["upload_id"], two["upload_id"])
        archive = one["presigned_url"].replace("blob-uploads", "extractor-archives")
        assert ask.http.put(wrong, content=b"x").status_code == 401
        assert ask.http.put(archive, content=b"x").status_code == 404
        other = {**PHOTOS, "bucket_name": "other"}
        ask("POST", "/buckets", other)
        ask.refused(404, "NotFoundError", "GET", f"/buckets/other/uploads/{one['upload_id']}")


class TestQueries:
    def test_several_at_once_each_with_its_own_answer(self, ask: Client, docs: str) -> None:
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [docs]})
        queries = [{"inputs": {"q": "river"}}, {"inputs": {"q": "fox"}, "filters": {"field": 1}},
                   {"inputs": {"q": "fox"}, "limit": 2}]  # fmt: skip
        body = {"queries": queries, "settings": {"limit": 1}, "concurrency": 2}
        found = ask("POST", "/retrievers/find/execute/batch", body)
        assert [len(r["results"]) for r in found["results"]] == [1, 0, 2]
        assert found["results"][1]["error"]["type"] == "FilterError"
        assert (found["total"], found["succeeded"], found["failed"]) == (3, 2, 1)

    @pytest.mark.parametrize(
        "body", [{}, {"queries": []}, {"queries": [3]}, {"queries": [{}] * 51},
                 {"queries": [{}], "concurrency": 99}, {"queries": [{}], "query": "x"}]
    )  # fmt: skip
    def test_odd_batches(self, ask: Client, docs: str, body: Any) -> None:
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [docs]})
        path = "/retrievers/find/execute/batch"
        assert ask.send("POST", path, body).status_code == 422

    def test_vectors_are_given_where_they_are_asked_for(self, ask: Client, docs: str) -> None:
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [docs]})
        path = "/retrievers/find/execute"
        for query, body in (("?return_vectors=true", {}), ("", {"return_vectors": True})):
            found = ask("POST", path + query, {"query": "river", **body})["documents"]
            assert [len(d["hash_embedding"]) for d in found] == [16] * 3
        assert "hash_embedding" not in ask("POST", path, {"query": "river"})["documents"][0]

    def test_one_that_is_not_kept(self, ask: Client, docs: str) -> None:
        body = {"collection_identifiers": ["docs"], "stages": RETRIEVER["stages"],
                "inputs": {"q": "river"}, "limit": 1}  # fmt: skip
        (found,) = ask("POST", "/retrievers/execute", body)["results"]
        assert found["data"] == "river boat"
        assert ask("GET", "/retrievers")["results"] == []
        ask.refused(422, "RetrieverError", "POST", "/retrievers/execute", {**body, "stages": []})
        ask.refused(422, "RetrieverError", "POST", "/retrievers/execute", {**body, "limt": 3})


class TestWords:
    def test_numbers_that_no_upload_has(self, ask: Client) -> None:
        path = "/namespaces/default/extractors/uploads"
        for field, value in [
            ("presigned_url_expiration", 0), ("presigned_url_expiration", -1),
            ("file_size_bytes", -5), ("file_size_bytes", 0),
        ]:  # fmt: skip
            error = ask.refused(422, "BodyError", "POST", path, {"name": "a", field: value})
            assert field in error["message"]

    def test_an_unknown_version_lists_those_there_are(self, ask: Client) -> None:
        filled(ask)
        config = {**EXTRACTOR, "version": "9.0"}
        body = {
            "collection_name": "new",
            "source": {"bucket_id": "texts"},
            "feature_extractor": config,
        }
        error = ask.refused(404, "NotFoundError", "POST", "/collections", body)
        assert "Its versions: 1.0.0." in error["message"]

    def test_what_a_failed_deployment_came_to_is_told_to_whoever_asks_it(
        self, ask: Client, host: Host, hash_source: ExtractorSource, docs: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        async def none(*_: Any) -> Any:
            raise EngineError("It is not deployed: use the notebook.")

        monkeypatch.setattr(host, "infer", none)
        ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": [docs]})
        asked = {"inference_name": "hash_embedder_1_0_0", "inputs": {"text": "x"}}
        requests = [("/inference", asked), ("/retrievers/find/execute", {"query": "x"})]
        for path, body in requests:
            error = ask.refused(503, "EngineError", "POST", path, body)
            assert "/extractors/hash_embedder_1_0_0/deploy" in error["message"]
        host.catalog.put_deployment(
            "hash_embedder", hash_source.digest, "api", "FAILED", "realtime.py:3: no such module."
        )
        for path, body in requests:
            error = ask.refused(409, "ConflictError", "POST", path, body)
            assert "realtime.py:3: no such module." in error["message"]
            assert "notebook" not in error["message"]
        host.catalog.put_deployment("hash_embedder", hash_source.digest, "api", "QUEUED")
        ask.refused(503, "NotReadyError", "POST", "/inference", asked)

    def test_parameters_of_another_extractor(self, ask: Client) -> None:
        bucket = filled(ask)
        own = {"extractor_type": "hash_embedder", "weight": 2}
        collected(ask, bucket, parameters=own)
        from mixpeek.models import CollectionResponse  # seconds, and this test's alone

        read = CollectionResponse.from_dict(ask("GET", "/collections/docs"))
        assert read.feature_extractor.parameters.actual_instance.to_dict() == own
        parameters = {"extractor_type": "audio_fingerprint_extractor", "sample_rate": 48000}
        body = {"collection_name": "new", "source": {"bucket_id": bucket},
                "feature_extractor": {**EXTRACTOR, "parameters": parameters}}  # fmt: skip
        error = ask.refused(422, "BodyError", "POST", "/collections", body)
        assert "CustomPluginParams" in error["message"]

    def test_names_that_do_not_agree(self, ask: Client) -> None:
        filled(ask)
        for config, said in [
            ({"plugin_id": "hash_embedder_1_0_0", "version": "2.0.0"}, "version"),
            ({**EXTRACTOR, "field_passthrough": [{"source_path": "n", "target_path": "m"}]},
             "renames"),
            ({}, "feature_extractor_name"),
        ]:  # fmt: skip
            body = {"collection_name": "new", "source": {"bucket_id": "texts"},
                    "feature_extractor": config}  # fmt: skip
            error = ask.refused(422, "BodyError", "POST", "/collections", body)
            assert said in error["message"]

    def test_lists_take_their_page_in_the_body(self, ask: Client) -> None:
        filled(ask)
        for body, count in [({"page_size": 2}, 2), ({"page": 2, "page_size": 2}, 1),
                            ({"offset": 1, "limit": 1}, 1)]:  # fmt: skip
            found = ask("POST", "/buckets/texts/objects/list", body)
            assert (len(found["results"]), found["total_count"]) == (count, 3)
        for body in ({"page_size": 0}, {"limit": "3"}, {"page": True}):
            ask.refused(422, "BodyError", "POST", "/buckets/texts/objects/list", body)
