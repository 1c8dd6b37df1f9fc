"""What the API is asked: the schemas of request bodies, by name.

The spellings that Mixpeek's client uses; the others that are taken are in each route's words.
"""

from __future__ import annotations

from mixpeek_lab.api.openapi.shapes import (
    ANY,
    COUNT,
    FLAG,
    FREE,
    TEXT,
    Schema,
    any_of,
    body,
    many,
    matching,
    maybe,
    one_of,
    ref,
)
from mixpeek_lab.models import FIELD_TYPES

_FIELD = any_of(
    one_of(*FIELD_TYPES),
    {**body(("type",), type=one_of(*FIELD_TYPES), required=FLAG), "additionalProperties": True},
)
_FIELDS: Schema = {"type": "object", "minProperties": 1, "additionalProperties": _FIELD}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 100}
_CONFIG = body(
    ("feature_extractor_name",),
    feature_extractor_name=_NAME,
    version=TEXT,
    feature_extractor_id=TEXT,
    parameters=FREE,
    input_mappings=any_of(FREE, many(FREE)),
)
_SOURCE = any_of(
    body(("bucket_id",), type=one_of("bucket"), bucket_id=TEXT),
    body(("type", "bucket_ids"), type=one_of("bucket"), bucket_ids=many(TEXT, least=1),
         source_filters=FREE),
    body(("type", "collection_id"), type=one_of("collection"), collection_id=TEXT),
    body(("type", "collection_ids"), type=one_of("collection"),
         collection_ids=many(TEXT, least=1), source_filters=FREE),
)  # fmt: skip
_INTERACTION = body(
    ("interaction_type", "position"), feature_id=TEXT, document_id=TEXT, feature_uri=TEXT,
    interaction_type=any_of(TEXT, many(TEXT, least=1)), position=COUNT, retriever_id=TEXT,
    execution_id=TEXT, user_id=TEXT, session_id=TEXT, metadata=FREE,
)  # fmt: skip

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
    "CollectionChanged": body(
        closed=True, description=TEXT, metadata=FREE, enabled=FLAG, source=_SOURCE
    ),
    "DocumentChanged": FREE,
    "ObjectChanged": FREE,
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
        closed=True, object_ids=many(TEXT), dedup_strategy=one_of("skip", "replace", "force"),
        include_buckets=many(TEXT), include_collections=many(TEXT), source_filters=FREE,
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
    "InteractionAsked": _INTERACTION,
    "InteractionsAsked": body(
        ("interactions",), closed=True, interactions=many(_INTERACTION, least=1, most=1000)
    ),
    "ScoresAsked": body(
        predicted=many(TEXT), ground_truth=many(TEXT), k={"type": "integer", "minimum": 1},
        metrics=many(one_of("precision", "recall", "f1", "f2")),
        items=many(body(predicted=many(TEXT), ground_truth=many(TEXT)), least=1),
    ),
    "ComparisonAsked": body(
        ("baseline", "others"), baseline=TEXT, others=many(TEXT, least=1), measures=many(TEXT),
        test=TEXT, correction=TEXT,
    ),
    "DatasetAsked": body(
        ("dataset_name", "queries"), closed=True, dataset_name=_NAME, description=TEXT,
        metadata=FREE,
        queries=many(
            body(("query_id", "query_input", "relevant_documents"), query_id=TEXT,
                 query_input=FREE, relevant_documents=many(TEXT), relevance_scores=FREE),
            least=1,
        ),
    ),
    "DatasetMadeOf": body(dataset_name=_NAME, min_interactions=COUNT, lookback_days=COUNT),
    "EvaluationAsked": body(
        ("dataset_name",), dataset_name=TEXT,
        evaluation_config=body(metrics=many(TEXT), k_values=many({"type": "integer"})),
    ),
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
