"""Mixpeek's own clients from PyPI against the lab's endpoint: what they parse is what they demand.

The generated client reads every answer into strict pydantic models. No answer is looked at in
between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import mixpeek
import pytest
from langchain_mixpeek import MixpeekRetriever
from mixpeek import api, models
from packages import HASH_EMBEDDER
from platform_client import EXTRACTOR, URI, until

from mixpeek_lab.workbench import Lab

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Serve's own, and the client's
]

ENDED = ("COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELED")
STAGE = {
    "stage_name": "find", "stage_type": "filter",
    "config": {
        "stage_id": "feature_search",
        "parameters": {
            "searches": [{
                "feature_uri": URI, "top_k": 10,
                "query": {"input_mode": "text", "value": "{{INPUT.query}}"},
            }],
            "final_top_k": 5,
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def served(served_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own on the tests' Ray and Serve, with an extractor that is served."""
    with Lab(tmp_path_factory.mktemp("official") / "home") as own:
        own.load(HASH_EMBEDDER)
        own.start(wait=True)
        own.deploy("hash_embedder")
        yield own


@pytest.fixture
def generated(served: Lab) -> Iterator[mixpeek.ApiClient]:
    with mixpeek.ApiClient(mixpeek.Configuration(host=served.url)) as client:
        client.set_default_header("Authorization", f"Bearer {served.token}")
        yield client


@pytest.fixture
def high(served: Lab) -> mixpeek.Mixpeek:
    return mixpeek.Mixpeek(served.token, namespace="default", base_url=f"{served.url}/v1")


def a_bucket(client: Any, name: str) -> Any:
    fields = {"body": {"type": "text", "required": True}, "n": {"type": "integer"}}
    body = {"bucket_name": name, "bucket_schema": {"properties": fields}, "description": "Texts"}
    return api.BucketsApi(client).create_bucket(models.BucketCreateRequest.from_dict(body))


def an_object(text: str, n: int) -> Any:
    blob = {"property": "body", "type": "text", "data": text}
    return models.CreateObjectRequest.from_dict({"blobs": [blob], "n": n})


def a_collection(client: Any, name: str, bucket: str) -> Any:
    body = {
        "collection_name": name,
        "source": {"type": "bucket", "bucket_ids": [bucket]},
        "feature_extractor": {**EXTRACTOR, "input_mappings": {"text": "body"}},
    }
    request = models.CreateCollectionRequest.from_dict(body)
    return api.CollectionsApi(client).create_collection(request)


def a_retriever(client: Any, name: str, collection: str) -> Any:
    body = {
        "retriever_name": name, "collection_identifiers": [collection], "stages": [STAGE],
        "input_schema": {"query": {"type": "text", "required": True}},
    }  # fmt: skip
    request = models.CreateRetrieverRequest.from_dict(body)
    return api.RetrieversApi(client).create_retriever(request)


def ended(client: Any, task_id: str) -> Any:
    tasks = api.TasksApi(client)
    return until(lambda: tasks.get_task(task_id), lambda task: task.status.value in ENDED)


class TestGenerated:
    """One walk; each step's answer is parsed by the client's models, or the test fails."""

    def test_namespaces_and_extractors(self, generated: Any) -> None:
        namespaces = api.NamespacesApi(generated)
        body = {"namespace_name": "filings", "feature_extractors": [EXTRACTOR]}
        made = namespaces.create_namespace(models.CreateNamespaceRequest.from_dict(body))
        assert made.namespace_id.startswith("ns_")
        assert namespaces.get_namespace("filings").namespace_id == made.namespace_id
        listed = namespaces.list_namespaces().results
        assert listed == namespaces.list_namespaces_get().results
        lab, also_made = listed
        assert also_made == made
        assert lab.feature_extractors[0].feature_extractor_id == "hash_embedder_1_0_0"
        request = models.PatchNamespaceRequest(description="Annual reports")
        assert namespaces.patch_namespace("filings", request).description == "Annual reports"
        extractors = api.NamespaceExtractorsApi(generated)
        assert extractors.list_extractors_namespaces(made.namespace_id).extractors == []
        (one,) = extractors.list_extractors_namespaces(lab.namespace_id).extractors
        same = extractors.get_extractor_namespaces(lab.namespace_id, one.plugin_id)
        assert (same.plugin_id, same.deployed) == ("hash_embedder_1_0_0", True)
        asked = models.RawInferenceRequest(inference_name=one.plugin_id, inputs={"text": "river"})
        answer = api.InferenceApi(generated).execute_raw_inference(asked)
        assert len(answer.data["embedding"]) == 16

    def test_buckets_and_objects(self, generated: Any) -> None:
        buckets, objects = api.BucketsApi(generated), api.BucketObjectsApi(generated)
        made = a_bucket(generated, "objects")
        assert made.bucket_id.startswith("bkt_")
        assert made.bucket_schema.properties["body"].required
        changed = buckets.patch_bucket("objects", models.BucketPatchRequest(description="New"))
        assert buckets.get_bucket(made.bucket_id) == changed
        one = objects.create_object_buckets(made.bucket_id, an_object("river boat", 1))
        assert one.object_id.startswith("obj_")
        assert one.blobs[0].blob_id.startswith("blob_")
        assert one.additional_properties["n"] == 1
        request = models.CreateObjectsBatchRequest(objects=[an_object(t, 2) for t in ("a", "b")])
        many = objects.create_objects_batch_buckets(made.bucket_id, request)
        assert [o.object_index for o in many.succeeded] == [0, 1]
        pages = [
            objects.list_objects_get_buckets(made.bucket_id, page=page, page_size=2)
            for page in (1, 2)
        ]
        assert [len(page.results) for page in pages] == [2, 1]
        assert pages[0].pagination.next_page == "2"
        found = objects.get_object_buckets(made.bucket_id, one.object_id)
        assert found.blobs == one.blobs
        objects.delete_object_buckets(made.bucket_id, one.object_id)
        body = models.ListBucketsRequest(page_size=1, page=1)
        listed = buckets.list_buckets(list_buckets_request=body)
        assert (len(listed.results), listed.results[0].object_count) == (1, 2)
        buckets.delete_bucket(made.bucket_id)
        with pytest.raises(mixpeek.exceptions.NotFoundException):
            buckets.get_bucket(made.bucket_id)

    def test_files(self, generated: Any) -> None:
        a_bucket(generated, "files")
        uploads = api.BucketUploadsApi(generated)
        request = models.CreateUploadRequest(filename="note.txt", content_type="text/plain")
        made = uploads.create_upload_buckets("files", request)
        assert made.upload_id.startswith("upl_")
        etag = httpx.put(made.presigned_url, content=b"a river").headers["etag"]
        done = uploads.confirm_upload_buckets(
            "files", made.upload_id, confirm_upload_request=models.ConfirmUploadRequest(etag=etag)
        )
        found = api.BucketObjectsApi(generated).get_object_buckets("files", done.object_id)
        assert found.blobs[0].details.mime_type == "text/plain"
        (listed,) = uploads.list_uploads_buckets("files").results
        assert (listed.object_id, listed.status.value) == (done.object_id, "COMPLETED")
        uploads.get_upload_buckets("files", made.upload_id)

    def test_from_a_bucket_to_ranked_documents(self, generated: Any) -> None:
        bucket = a_bucket(generated, "generated")
        objects = api.BucketObjectsApi(generated)
        texts = ["river boat", "money bank", "fox tree"]
        keys = [
            objects.create_object_buckets("generated", an_object(text, n)).object_id
            for n, text in enumerate(texts)
        ]
        collections = api.CollectionsApi(generated)
        made = a_collection(generated, "generated-docs", bucket.bucket_id)
        assert made.collection_id.startswith("col_")
        assert made.feature_extractor.feature_extractor_id == "hash_embedder_1_0_0"
        assert made.vector_indexes[0].index["dimensions"] == 16
        (feature,) = collections.describe_collection_features("generated-docs").features
        assert feature.feature_uri == URI
        request = models.TriggerCollectionRequest(dedup_strategy="skip")
        started = collections.trigger_collection("generated-docs", request)
        assert (started.object_count, started.batch_id[:5]) == (3, "btch_")
        assert ended(generated, started.task_id).status.value == "COMPLETED"
        self._documents(generated, texts)
        self._batches(generated, keys)
        self._searches(generated)
        assert collections.get_collection(made.collection_id).document_count == 3
        assert [c.collection_id for c in collections.list_collections().results] == [
            made.collection_id
        ]
        api.RetrieversApi(generated).delete_retriever("generated-find")
        collections.delete_collection(made.collection_id)

    def _documents(self, client: Any, texts: list[str]) -> None:
        documents = api.CollectionDocumentsApi(client)
        listed = documents.list_documents("generated-docs").results
        assert [d.additional_properties["data"] for d in listed] == texts
        key = listed[0].document_id
        one = documents.get_document("generated-docs", key, return_vectors=True)
        assert one.document_id.startswith("doc_")
        assert len(one.additional_properties["hash_embedding"]) == 16
        changed = documents.patch_document("generated-docs", key, {"reviewed": True})
        assert changed.additional_properties["reviewed"] is True
        body = {"filters": {"AND": [{"field": "n", "operator": "eq", "value": 1}]}}
        request = models.ListDocumentsRequest.from_dict(body)
        (found,) = documents.list_documents(
            "generated-docs", list_documents_request=request
        ).results
        assert found.additional_properties["data"] == "money bank"

    def _batches(self, client: Any, keys: list[str]) -> None:
        batches = api.BucketBatchesApi(client)
        request = models.CreateBatchRequest(object_ids=keys[:1], dedup_strategy="replace")
        draft = batches.create_batch_buckets_batches("generated", request)
        assert (draft.batch_id[:5], draft.status.value) == ("btch_", "DRAFT")
        more = models.AddObjectsToBatchRequest(object_ids=keys[1:2])
        batches.add_objects_to_batch_buckets_batches("generated", draft.batch_id, more)
        task = batches.submit_batch_buckets_batches("generated", draft.batch_id)
        assert ended(client, task.task_id).status.value == "COMPLETED"
        done = batches.get_batch_buckets_batches("generated", draft.batch_id)
        assert (done.status.value, done.progress.processed) == ("COMPLETED", 2)
        assert done.object_ids == keys[:2]
        assert api.BatchesApi(client).get_batch_by_id_batches(done.batch_id) == done
        listed = batches.list_batches_buckets(
            "generated", list_batches_request=models.ListBatchesRequest()
        )
        assert [b.type.value for b in listed.results] == ["BUCKET", "COLLECTION"]
        failed = batches.get_failed_documents_buckets_batches_batch("generated", done.batch_id)
        assert failed["results"] == []
        tasks = api.TasksApi(client).list_tasks(
            list_tasks_request=models.ListTasksRequest(status="COMPLETED")
        )
        assert task.task_id in [t.task_id for t in tasks.results]

    def _searches(self, client: Any) -> None:
        retrievers = api.RetrieversApi(client)
        made = a_retriever(client, "generated-find", "generated-docs")
        assert made.retriever_id.startswith("ret_")
        assert made.stages[0].parameters["searches"][0]["feature_uri"] == URI
        assert retrievers.get_retriever(made.retriever_id).retriever_name == "generated-find"
        assert retrievers.list_retrievers().results[0].collection_identifiers == ["generated-docs"]
        query = {"inputs": {"query": "river"}, "limit": 2}
        request = models.ExecuteRetrieverRequest.from_dict(query)
        found = retrievers.execute_retriever(made.retriever_id, request)
        assert found.execution_id.startswith("exec_")
        assert found.retriever_id == made.retriever_id
        assert found.documents == found.results
        assert found.documents[0]["data"] == "river boat"
        assert found.documents[0]["reviewed"] is True  # what was patched, and a run took in
        assert found.stage_statistics.stages["feature_search"].output_count == 2
        plan = retrievers.explain_retriever_execution_id_execute(
            made.retriever_id, models.ExplainRetrieverRequest(inputs={"query": "river"})
        )
        assert plan.execution_plan[0].stage_name == "feature_search"
        several = models.ExecuteBatchRequest.from_dict(
            {"queries": [{"inputs": {"query": text}} for text in ("fox", "money")]}
        )
        answers = retrievers.execute_batch_retrievers(made.retriever_id, several)["results"]
        assert [a["documents"][0]["data"] for a in answers] == ["fox tree", "money bank"]
        unkept = {"collection_identifiers": ["generated-docs"], "stages": [STAGE], **query}
        request = models.AdhocExecuteRequest.from_dict(unkept)
        answer = api.AdhocRetrieversApi(client).execute_adhoc_retriever(request)
        assert answer["results"][0]["data"] == "river boat"


def test_the_high_level_client_and_langchain(
    high: mixpeek.Mixpeek, served: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"body": {"type": "text"}, "n": {"type": "integer"}}
    bucket = high.buckets.create(name="high", bucket_schema={"properties": fields}).bucket_id
    for n, text in enumerate(["river boat", "money bank", "fox tree"]):
        high.buckets.upload(bucket, data=text, metadata={"n": n})
    assert len(high.buckets.list_objects(bucket, page_size=2).results) == 2
    collection = high.collections.create(
        name="high-docs", feature_extractor={"feature_extractor_name": "hash_embedder_1_0_0"},
        source={"type": "bucket", "bucket_ids": [bucket]},
    )  # fmt: skip
    high.collections.update(collection.collection_id, description="Texts")
    task = high.collections.trigger(collection.collection_id)
    done = until(lambda: high.tasks.get(task.task_id), lambda found: found.status in ENDED)
    assert done.status == "COMPLETED"
    assert high.batches.get(bucket, task.batch_id).status == "COMPLETED"
    assert high.batches.failed_documents(bucket, task.batch_id, limit=5)["results"] == []
    listed = high.documents.list("high-docs")["results"]
    assert high.documents.get("high-docs", listed[0]["document_id"])["data"] == "river boat"
    high.documents.delete("high-docs", listed[1]["document_id"])
    with pytest.raises(mixpeek._client.client.MixpeekAPIError, match="404"):
        high.documents.get("high-docs", listed[1]["document_id"])
    retriever = high.retrievers.create(
        name="high-find", stages=[STAGE], collection_identifiers=["high-docs"]
    )
    found = high.retrievers.execute(retriever.retriever_id, inputs={"query": "fox"})
    assert found.results[0].data == "fox tree"
    queries = [{"query": "river"}, {"query": "fox"}]
    answers = high.retrievers.execute_batch(retriever.retriever_id, queries=queries).results
    assert [a.documents[0].data for a in answers] == ["river boat", "fox tree"]
    # LangChain's integration has no address of its own: it takes the client's.
    monkeypatch.setattr(mixpeek.Mixpeek, "DEFAULT_BASE_URL", f"{served.url}/v1")
    chain = MixpeekRetriever(
        api_key=served.token, retriever_id=retriever.retriever_id, namespace="default",
        content_field="data", filters={"field": "n", "operator": "lt", "value": 2}, top_k=2,
    )  # fmt: skip
    documents = chain.invoke("river")
    assert documents[0].page_content == "river boat"
    assert documents[0].metadata["document_id"].startswith("doc_")
    assert "fox tree" not in [d.page_content for d in documents]


def test_collections_of_several_buckets_and_of_a_collection(
    generated: Any, high: mixpeek.Mixpeek
) -> None:
    objects, collections = api.BucketObjectsApi(generated), api.CollectionsApi(generated)
    buckets = [a_bucket(generated, f"several-{n}").bucket_id for n in range(2)]
    made = {}
    for name, source in {
        "several-docs": {"type": "bucket", "bucket_ids": buckets},
        "derived-docs": {"type": "collection", "collection_id": "several-docs"},
    }.items():
        body = {"collection_name": name, "source": source, "feature_extractor": EXTRACTOR}
        request = models.CreateCollectionRequest.from_dict(body)
        made[name] = collections.create_collection(request)
    several, derived = made["several-docs"], made["derived-docs"]
    assert several.source.bucket_ids == buckets
    assert derived.source.collection_id == several.collection_id
    assert derived.source.inherited_bucket_ids == buckets
    assert [step.source_config.type.value for step in derived.source_lineage] == [
        "bucket", "collection"
    ]  # fmt: skip
    for bucket, text in zip(buckets, ("river boat", "money bank"), strict=True):
        objects.create_object_buckets(bucket, an_object(text, 1))
    request = models.TriggerCollectionRequest(include_buckets=buckets[:1], dedup_strategy="replace")
    started = collections.trigger_collection("several-docs", request)
    assert (started.source_bucket_ids, started.total_tiers) == (buckets[:1], 2)
    batches = api.BatchesApi(generated)
    batch = until(
        lambda: batches.get_batch_by_id_batches(started.batch_id),
        lambda found: found.status.value in ENDED,
    )
    assert (batch.status.value, batch.dag_tiers) == (
        "COMPLETED", [[several.collection_id], [derived.collection_id]]
    )  # fmt: skip
    listed = api.CollectionDocumentsApi(generated).list_documents("derived-docs").results
    assert [d.additional_properties["data"] for d in listed] == ["river boat", "money bank"]
    lineage = high.documents.get("derived-docs", listed[1].document_id)["_internal"]["lineage"]
    parsed = models.InternalLineageModel.from_dict(lineage)
    assert (parsed.root_bucket_id, parsed.source_collection_id) == (
        buckets[1], several.collection_id
    )  # fmt: skip
    request = models.TriggerCollectionRequest(include_collections=["several-docs"])
    again = collections.trigger_collection("derived-docs", request)
    assert (again.source_collection_ids, again.document_count) == ([several.collection_id], 2)
    assert ended(generated, again.task_id).status.value == "COMPLETED"
    collections.delete_collection("derived-docs")
    collections.delete_collection("several-docs")
