"""What the API's answers and bodies look like: the document's components, in one place.

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
    body,
    identifier,
    many,
    matching,
    maybe,
    one_of,
    page_of,
    ref,
)
from mixpeek_lab.models import FIELD_TYPES

_FIELD = any_of(
    one_of(*FIELD_TYPES),
    {**body(("type",), type=one_of(*FIELD_TYPES), required=FLAG), "additionalProperties": True},
)
_FIELDS: Schema = {"type": "object", "minProperties": 1, "additionalProperties": _FIELD}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 100}
_DEPLOYMENT = one_of("QUEUED", "PENDING", "IN_PROGRESS", "DEPLOYED", "FAILED", "NOT_DEPLOYED")
_STATES = (
    "PENDING", "QUEUED", "IN_PROGRESS", "PROCESSING", "COMPLETED", "COMPLETED_WITH_ERRORS",
    "FAILED", "CANCELED",
)  # fmt: skip
_TASK = one_of(*_STATES)
_FINDING = answer(rule=TEXT, severity=TEXT, message=TEXT, line=maybe(COUNT))
_EXTRACTOR_IDS = {"extractor_id": TEXT, "plugin_id": TEXT}
_CONFIG = body(
    ("feature_extractor_name",),
    feature_extractor_name=_NAME,
    version=TEXT,
    feature_extractor_id=TEXT,
    parameters=FREE,
    input_mappings=any_of(FREE, many(FREE)),
)
_SOURCE = body(type=one_of("bucket"), bucket_id=TEXT, bucket_ids=many(TEXT, least=1, most=1))

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
        task_id=identifier("task"), collection_id=identifier("col"), object_count=COUNT,
        message=TEXT,
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
    "Executions": answer(results=many(FREE)),
    "Explanation": answer(
        execution_id=identifier("exec"), legs=many(FREE), documents=FREE, hits=many(FREE),
        spans=many(FREE), warnings=many(TEXT),
    ),
}  # fmt: skip

BODIES: dict[str, Schema] = {
    "ListAsked": body(
        limit={"type": "integer", "minimum": 1, "maximum": 1000},
        page_size={"type": "integer", "minimum": 1, "maximum": 1000},
        offset=COUNT,
        page={"type": "integer", "minimum": 1},
        cursor=TEXT,
        search=TEXT,
        filters=FREE,
        case_sensitive=FLAG,
    ),
    "BucketAsked": any_of(
        body(("bucket_name", "blob_schema"), bucket_name=_NAME, blob_schema=_FIELDS,
             description=TEXT, metadata=FREE),
        body(("bucket_name", "bucket_schema"), bucket_name=_NAME, description=TEXT, metadata=FREE,
             bucket_schema=body(("properties",), properties=_FIELDS)),
        body(("name", "blob_schema"), name=_NAME, blob_schema=_FIELDS),
    ),
    "BlobUploadAsked": body(
        ("filename", "content_type"), filename=_NAME, content_type=TEXT, blob_property=TEXT,
        blob_type=TEXT, file_size_bytes=COUNT, metadata=FREE, object_metadata=FREE,
        presigned_url_expiration={"type": "integer", "minimum": 1, "maximum": 86400},
        create_object_on_confirm=FLAG,
    ),
    "BlobConfirmAsked": body(etag=TEXT, file_size_bytes=COUNT),
    "NamespaceAsked": body(
        ("namespace_name",), namespace_name={**_NAME, "maxLength": 64}, description=TEXT,
        metadata=FREE, feature_extractors=many(FREE),
    ),
    "NamespaceChanged": body(namespace_name={**_NAME, "maxLength": 64}, description=TEXT),
    "BucketChanged": body(
        bucket_name=_NAME, blob_schema=_FIELDS, description=TEXT, metadata=FREE
    ),
    "BatchAsked": body(
        object_ids=many(TEXT), collection_ids=many(TEXT), batch_name=TEXT, metadata=FREE,
        dedup_strategy=one_of("skip", "replace", "force"), auto_submit=FLAG,
    ),
    "BatchExtended": body(("object_ids",), object_ids=many(TEXT, least=1)),
    "BatchSubmitted": body(collection_ids=many(TEXT), include_processing_history=FLAG),
    "CollectionChanged": body(closed=True, description=TEXT, metadata=FREE, enabled=FLAG),
    "DocumentChanged": FREE,
    "ObjectAsked": body(
        object_id=matching("^obj_[A-Za-z0-9_-]{1,96}$"), blob_data=FREE, metadata=FREE,
        blobs=many(body(("property", "data"), property=TEXT, type=TEXT, data=ANY)),
    ),
    "ObjectsAsked": body(("objects",), objects=many(ref("ObjectAsked"), least=1, most=100)),
    "ObjectOrObjects": any_of(ref("ObjectAsked"), ref("ObjectsAsked")),
    "CollectionAsked": any_of(
        body(("collection_name", "source", "feature_extractor"),
             collection_name={**_NAME, "minLength": 3}, source=_SOURCE, feature_extractor=_CONFIG,
             description=TEXT, metadata=FREE, enabled=FLAG),
        body(("collection_name", "source", "feature_extractors"),
             collection_name={**_NAME, "minLength": 3}, source=_SOURCE,
             feature_extractors=many(_CONFIG, least=1, most=1)),
    ),
    "TriggerAsked": body(
        closed=True, object_ids=many(TEXT), dedup_strategy=one_of("skip", "replace", "force")
    ),
    "DocumentsAsked": body(
        filters=maybe(FREE), return_vectors=FLAG, cursor=TEXT, offset=COUNT,
        limit={"type": "integer", "minimum": 1, "maximum": 1000},
    ),
    "UploadAsked": body(
        ("name",), closed=True, name=matching("^[a-z][a-z0-9_]{0,60}$"),
        version=matching("^v?[0-9]{1,9}([.][0-9]{1,9}){0,2}$"), description=TEXT,
        file_size_bytes=COUNT,
        presigned_url_expiration={"type": "integer", "minimum": 1, "maximum": 86400},
    ),
    "ConfirmAsked": body(closed=True, etag=TEXT, file_size_bytes=COUNT, message=TEXT),
    "InferenceAsked": any_of(
        body(("inputs", "inference_name"), inference_name=TEXT, inputs=FREE, parameters=FREE),
        body(("inputs", "feature_uri"), feature_uri=TEXT, inputs=FREE, parameters=FREE),
    ),
    "TryOutAsked": body(("inputs",), inputs=FREE, parameters=FREE),
    "RetrieverAsked": body(
        retriever_name=_NAME, name=_NAME, description=TEXT, collection_identifiers=many(TEXT),
        collection_ids=many(TEXT), collection=TEXT, stages=many(FREE), searches=many(FREE),
        fusion_strategy=FREE, fusion=ANY, input_schema=FREE,
    ),
    "AdhocAsked": body(
        ("stages",), collection_identifiers=many(TEXT), stages=many(FREE), inputs=FREE, query=ANY,
        limit={"type": "integer", "minimum": 1, "maximum": 1000}, offset=COUNT,
    ),
    "ExecutionsAsked": body(
        ("queries",), queries=many(FREE, least=1), settings=FREE,
        concurrency={"type": "integer", "minimum": 1},
    ),
    "ExecuteAsked": body(
        query=ANY, inputs=FREE, filters=maybe(FREE),
        limit={"type": "integer", "minimum": 1, "maximum": 1000}, offset=COUNT,
    ),
}  # fmt: skip

LISTS = {
    f"{name}Page": page_of(ref(name))
    for name in ("Namespace", "Extractor", "Bucket", "Object", "Collection", "Document", "Task",
                 "Retriever", "Batch", "BlobUpload")
}  # fmt: skip

SCHEMAS: dict[str, Schema] = {**ERRORS, **ANSWERS, **LISTS, **BODIES}
