"""What the API answers: the schemas of its answers and errors, by name.

For readers and tools: nothing here is in the way of a request. That answers are as they are
described, `tests/test_openapi.py` holds.
"""

from __future__ import annotations

from mixpeek_lab.api.openapi.shapes import (
    ANY,
    COUNT,
    FLAG,
    FREE,
    NUMBER,
    TEXT,
    TIME,
    Schema,
    answer,
    any_of,
    identifier,
    many,
    matching,
    maybe,
    one_of,
    page_of,
    ref,
)

_DEPLOYMENT = one_of("QUEUED", "PENDING", "IN_PROGRESS", "DEPLOYED", "FAILED", "NOT_DEPLOYED")
_STATES = (
    "PENDING", "QUEUED", "IN_PROGRESS", "PROCESSING", "COMPLETED", "COMPLETED_WITH_ERRORS",
    "FAILED", "CANCELED",
)  # fmt: skip
_TASK = one_of(*_STATES)
_FINDING = answer(rule=TEXT, severity=TEXT, message=TEXT, line=maybe(COUNT))
_EXTRACTOR_IDS = {"extractor_id": TEXT, "plugin_id": TEXT}

ERRORS: dict[str, Schema] = {
    "Problem": answer(type=TEXT, location=many(any_of(TEXT, COUNT)), message=TEXT),
    "ErrorDetails": {
        **answer(request_id=TEXT),
        "properties": {
            "request_id": TEXT,
            "validation_errors": many(ref("Problem")),
            "retryable": FLAG,
        },
    },
    "ErrorEnvelope": answer(
        success={"type": "boolean", "const": False},
        status={"type": "integer", "minimum": 400, "maximum": 599},
        error=answer(type=TEXT, message=TEXT, details=ref("ErrorDetails")),
    ),
}

ANSWERS: dict[str, Schema] = {
    "Pagination": answer(
        total=COUNT, page=COUNT, page_size=COUNT, total_pages=COUNT, next_page=ANY,
        previous_page=ANY, next_cursor=maybe(TEXT),
    ),
    "Health": answer(status=one_of("ok"), version=TEXT),
    "Done": answer(success={"type": "boolean", "const": True}),
    "Namespace": answer(
        namespace_id=identifier("ns"), namespace_name=TEXT, bucket_count=COUNT,
        collection_count=COUNT, document_count=COUNT, namespace_ready=FLAG, created_at=TIME,
    ),
    "VectorIndex": answer(
        name=TEXT, feature_uri=TEXT, type=TEXT,
        index=answer(name=TEXT, dimensions=COUNT, distance=one_of("cosine", "euclid", "dot")),
    ),
    "Extractor": answer(
        **_EXTRACTOR_IDS, name=TEXT, feature_extractor_name=TEXT, version=TEXT, features=many(FREE),
        vector_indexes=many(ref("VectorIndex")), feature_uri=maybe(TEXT), feature_uris=many(TEXT),
        code_hash=matching("^[0-9a-f]{64}$"), is_current=FLAG, has_realtime=FLAG,
        deployment_status=_DEPLOYMENT, error=maybe(TEXT), created_at=TIME,
    ),
    "Deployment": answer(
        **_EXTRACTOR_IDS, status=_DEPLOYMENT, deployment_status=_DEPLOYMENT,
        deployment_type=one_of("realtime", "batch_only"), error=maybe(TEXT),
    ),
    "Upload": answer(
        upload_id=identifier("upl"), presigned_url=TEXT, expires_at=TIME, name=TEXT, version=TEXT,
        **_EXTRACTOR_IDS,
    ),
    "Confirmation": answer(
        success=FLAG, upload_id=identifier("upl"), validation_status=one_of("passed", "failed"),
        validation_errors=many(_FINDING), validation_warnings=many(_FINDING), **_EXTRACTOR_IDS,
        deployment_status=_DEPLOYMENT, feature_uri=maybe(TEXT),
    ),
    "BlobUpload": answer(
        upload_id=identifier("upl"), bucket_id=identifier("bkt"), status=TEXT, filename=TEXT,
        presigned_url=maybe(TEXT), expires_at=TIME, object_id=maybe(identifier("obj")),
        file_size_bytes=maybe(COUNT), created_at=TIME,
    ),
    "Bucket": answer(
        bucket_id=identifier("bkt"), bucket_name=TEXT, description=maybe(TEXT),
        bucket_schema=answer(properties=FREE), blob_schema=FREE, metadata=FREE, object_count=COUNT,
        total_size_bytes=COUNT, created_at=TIME,
    ),
    "Blob": answer(
        blob_id=identifier("blob"), property=TEXT, type=TEXT, data=TEXT,
        details=answer(mime_type=TEXT, size_bytes=COUNT, hash=TEXT),
    ),
    "Object": answer(
        object_id=identifier("obj"), bucket_id=identifier("bkt"), blobs=many(ref("Blob")),
        metadata=FREE, updated_at=TIME,
    ),
    "ObjectsMade": any_of(
        ref("Object"), answer(objects=many(ref("Object")), object_ids=many(identifier("obj")))
    ),
    "ObjectBatch": answer(
        objects=many(ref("Object")), object_ids=many(identifier("obj")), succeeded_count=COUNT,
        failed_count=COUNT, task_ids=many(identifier("task")),
    ),
    "ObjectDeleted": answer(success=FLAG, task_ids=many(identifier("task"))),
    "Collection": answer(
        collection_id=identifier("col"), collection_name=TEXT, description=maybe(TEXT),
        source=FREE, feature_extractor=answer(feature_extractor_name=TEXT, version=TEXT),
        vector_indexes=many(ref("VectorIndex")), output_schema=FREE, document_count=COUNT,
        warnings=many(TEXT), created_at=TIME,
    ),
    "Features": answer(
        features=many(answer(feature_uri=TEXT, feature_name=TEXT, vector_index=FREE)),
        results=many(FREE), pagination=ref("Pagination"),
    ),
    "Batch": answer(
        batch_id=identifier("btch"), bucket_id=identifier("bkt"), status=one_of("DRAFT", *_STATES),
        object_count=COUNT, collection_ids=many(TEXT), task_ids=many(identifier("task")),
        failed_object_count=COUNT, error=maybe(TEXT), created_at=TIME,
    ),
    "FailedDocuments": answer(
        batch_id=identifier("btch"), failed_documents=many(FREE), results=many(FREE),
        pagination=ref("Pagination"),
    ),
    "DocumentCount": answer(collection_id=identifier("col"), count=COUNT),
    "Triggered": answer(
        task_id=identifier("task"), collection_id=identifier("col"), object_count=maybe(COUNT),
        total_tiers=COUNT, message=TEXT,
    ),
    "Document": answer(document_id=TEXT, collection_id=identifier("col"), _internal=FREE),
    "Task": answer(
        task_id=TEXT, task_type=TEXT, status=_TASK, inputs=many(TEXT), outputs=many(TEXT),
        error=maybe(TEXT), additional_data=FREE, created_at=TIME,
    ),
    "Inference": answer(data=ANY, provider=TEXT, model=TEXT, latency_ms=NUMBER),
    "TriedOut": answer(success=FLAG, data=ANY, latency_ms=NUMBER),
    "Retriever": answer(
        retriever_id=identifier("ret"), retriever_name=TEXT, collection_identifiers=many(TEXT),
        stages=many(answer(stage_type=TEXT, parameters=FREE)), created_at=TIME,
    ),
    "RetrieverMade": answer(retriever=ref("Retriever"), warnings=many(TEXT)),
    "Hit": answer(document_id=TEXT, collection_id=TEXT, score=maybe(NUMBER), _internal=FREE),
    "Execution": answer(
        execution_id=identifier("exec"), status=TEXT, documents=many(ref("Hit")),
        results=many(ref("Hit")), pagination=FREE, warnings=many(TEXT),
        stage_statistics=answer(stages=FREE, total_time_ms=NUMBER),
    ),
    "Stages": many(
        answer(stage_id=TEXT, description=TEXT, category=TEXT, parameter_schema=maybe(FREE))
    ),
    "Interaction": answer(
        interaction_id=maybe(TEXT), feature_id=TEXT, interaction_type=many(TEXT), position=COUNT,
        retriever_id=maybe(TEXT), execution_id=maybe(TEXT), timestamp=TEXT, deduplicated=FLAG,
        warning=maybe(TEXT),
    ),
    "InteractionBatch": answer(
        created=COUNT, failed=COUNT, errors=maybe(many(TEXT)), results=many(FREE)
    ),
    "EvaluationPlaces": answer(datasets=TEXT, evaluations=TEXT, score=TEXT),
    "Scores": answer(metrics=many(TEXT), count=COUNT, per_item=many(FREE), aggregate=FREE),
    "Comparison": FREE,
    "Dataset": answer(
        dataset_id=TEXT, dataset_name=TEXT, queries=many(FREE), query_count=COUNT, created_at=TIME
    ),
    "EvaluationStarted": answer(
        task_id=identifier("task"), evaluation_id=identifier("ev"), status=TEXT, created_at=TIME
    ),
    "Evaluation": answer(
        evaluation_id=identifier("ev"), retriever_id=identifier("ret"), dataset_name=TEXT,
        status=TEXT, query_count=COUNT, error_message=maybe(TEXT), created_at=TIME,
    ),
    "Executions": answer(results=many(FREE)),
    "Explanation": answer(
        execution_id=identifier("exec"), legs=many(FREE), documents=FREE, hits=many(FREE),
        spans=many(FREE), warnings=many(TEXT),
    ),
}  # fmt: skip

LISTS = {
    f"{name}Page": page_of(ref(name))
    for name in ("Namespace", "Extractor", "Bucket", "Object", "Collection", "Document", "Task",
                 "Retriever", "Batch", "BlobUpload", "Interaction", "Dataset", "Evaluation")
}  # fmt: skip
