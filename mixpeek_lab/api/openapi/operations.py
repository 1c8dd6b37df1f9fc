"""What each route takes and gives: one line a route, by its module and function.

A route without a line here has no description, and `tests/test_openapi.py` fails. The names are
those of `schemas.SCHEMAS`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One route's body, answer and errors, besides those that any request can meet."""

    answer: str = ""
    """The JSON of an answer that is no error; empty: an empty one."""
    body: str = ""
    """The JSON of the body; empty: there is none."""
    needs_body: bool = True
    errors: tuple[int, ...] = ()
    creates: bool = False
    """Whether an `Idempotency-Key` makes a second request the first one again."""
    is_open: bool = False
    """Whether no token is asked for."""
    takes_bytes: bool = False
    """Whether the body is a file."""
    gives_bytes: bool = False
    """Whether the answer is one."""
    status: int = 200


def _list(of: str, *errors: int) -> Operation:
    return Operation(f"{of}Page", errors=(404, 422, *errors))


def _posted(of: str, body: str = "ListAsked") -> Operation:
    return Operation(f"{of}Page", body, needs_body=False, errors=(404, 422))


def _one(answer: str, *errors: int) -> Operation:
    return Operation(answer, errors=(404, *errors))


def _new(answer: str, body: str, *errors: int, needs_body: bool = True) -> Operation:
    return Operation(answer, body, needs_body, (404, 409, 422, *errors), creates=True)


def _change(answer: str, body: str, *errors: int) -> Operation:
    return Operation(answer, body, errors=(404, 409, 422, *errors))


def _run(answer: str, body: str, *errors: int) -> Operation:
    return Operation(answer, body, errors=(404, 422, *errors))


SERVICE = (429, 501, 502, 503, 504)
"""What calls to services and language models can end with."""

OPERATIONS: dict[str, Operation] = {
    "health.health": Operation("Health", is_open=True),
    "namespaces.list_all": _list("Namespace"),
    "namespaces.list_by_post": _posted("Namespace"),
    "namespaces.create": _new("Namespace", "NamespaceAsked"),
    "namespaces.get": _one("Namespace"),
    "namespaces.patch": _change("Namespace", "NamespaceChanged"),
    "namespaces.delete": _one("Done", 409),
    "extractors.list_all": _list("Extractor"),
    "extractors.list_by_post": _posted("Extractor"),
    "extractors.get": _one("Extractor"),
    "extractors.archive": Operation(errors=(404,), gives_bytes=True),
    "extractors.delete": _one("Done", 409),
    "extractors.deploy": _one("Deployment", 422),
    "extractors.undeploy": _one("Deployment"),
    "extractors.status": _one("Deployment"),
    "extractors.try_out": _run("TriedOut", "TryOutAsked", 409, *SERVICE),
    "uploads.create": _new("Upload", "UploadAsked", 413),
    "uploads.confirm": _new("Confirmation", "ConfirmAsked", 503, needs_body=False),
    "uploads.receive": Operation(errors=(400, 404, 409, 413, 422), is_open=True, takes_bytes=True),
    "blob_uploads.create": _new("BlobUpload", "BlobUploadAsked", 413),
    "blob_uploads.list_all": _list("BlobUpload"),
    "blob_uploads.list_by_post": _posted("BlobUpload"),
    "blob_uploads.get": _one("BlobUpload"),
    "blob_uploads.confirm": _new("BlobUpload", "BlobConfirmAsked", needs_body=False),
    "blob_uploads.delete": _one("Done", 409),
    "blob_uploads.receive": Operation(
        errors=(400, 404, 409, 413, 422), is_open=True, takes_bytes=True
    ),
    "buckets.create": _new("Bucket", "BucketAsked"),
    "buckets.list_all": _list("Bucket"),
    "buckets.list_by_post": _posted("Bucket"),
    "buckets.get": _one("Bucket"),
    "buckets.patch": _change("Bucket", "BucketChanged"),
    "buckets.delete": _one("Done", 409),
    "batches.create": _new("Batch", "BatchAsked"),
    "batches.list_all": _list("Batch"),
    "batches.list_by_post": _posted("Batch"),
    "batches.get": _one("Batch"),
    "batches.get_by_id": _one("Batch"),
    "batches.extend": _change("Batch", "BatchExtended"),
    "batches.submit": _new("Task", "BatchSubmitted", needs_body=False),
    "batches.failed": Operation("FailedDocuments", errors=(404, 422)),
    "batches.delete": _one("Done", 409),
    "objects.create": _new("ObjectsMade", "ObjectOrObjects", 413),
    "objects.create_batch": _new("ObjectBatch", "ObjectsAsked", 413),
    "objects.list_all": _list("Object"),
    "objects.list_by_post": _posted("Object"),
    "objects.get": _one("Object"),
    "objects.patch": _change("Object", "ObjectChanged"),
    "objects.delete": _one("ObjectDeleted"),
    "collections.create": _new("Collection", "CollectionAsked", 503),
    "collections.list_all": _list("Collection"),
    "collections.list_by_post": _posted("Collection"),
    "collections.get": _one("Collection"),
    "collections.delete": _one("Done", 409),
    "collections.features": Operation("Features", errors=(404, 422)),
    "collections.patch": _change("Collection", "CollectionChanged"),
    "collections.trigger": Operation(
        "Triggered", "TriggerAsked", False, (404, 409, 422), creates=True, status=202
    ),
    "documents.list_all": _list("Document", 409),
    "documents.list_by_post": Operation(
        "DocumentPage", "DocumentsAsked", needs_body=False, errors=(404, 409, 422)
    ),
    "documents.count": _one("DocumentCount"),
    "documents.get": _one("Document", 422),
    "documents.patch": _change("Document", "DocumentChanged"),
    "documents.delete": _one("Done"),
    "tasks.list_all": _list("Task"),
    "tasks.list_by_post": _posted("Task"),
    "tasks.get": _one("Task"),
    "tasks.cancel": _one("Task", 409),
    "tasks.kill": _one("Done"),
    "interactions.create": _new("Interaction", "InteractionAsked"),
    "interactions.create_batch": _new("InteractionBatch", "InteractionsAsked"),
    "interactions.list_all": _posted("Interaction"),
    "interactions.get": _one("Interaction"),
    "interactions.delete": _one("Done"),
    "evaluations.discover": _one("EvaluationPlaces"),
    "evaluations.score": _run("Scores", "ScoresAsked"),
    "evaluations.compare": _run("Comparison", "ComparisonAsked"),
    "evaluations.create_dataset": _new("Dataset", "DatasetAsked"),
    "evaluations.list_datasets": _list("Dataset"),
    "evaluations.get_dataset": _one("Dataset"),
    "evaluations.start": Operation(
        "EvaluationStarted", "EvaluationAsked", errors=(404, 409, 422), creates=True, status=202
    ),
    "evaluations.generate_dataset": _new("Dataset", "DatasetMadeOf", needs_body=False),
    "evaluations.list_all": _list("Evaluation"),
    "evaluations.get": _one("Evaluation"),
    "inference.infer": _run("Inference", "InferenceAsked", *SERVICE),
    "retrievers.create": _new("RetrieverMade", "RetrieverAsked"),
    "retrievers.list_all": _list("Retriever"),
    "retrievers.list_by_post": _posted("Retriever"),
    "retrievers.get": _one("Retriever"),
    "retrievers.patch": _change("RetrieverMade", "RetrieverAsked"),
    "retrievers.delete": _one("Done"),
    "retrievers.execute_adhoc": _run("Execution", "AdhocAsked", *SERVICE),
    "retrievers.execute_batch": _run("Executions", "ExecutionsAsked", *SERVICE),
    "retrievers.stages": _one("Stages"),
    "retrievers.execute": _run("Execution", "ExecuteAsked", *SERVICE),
    "retrievers.explain": _run("Explanation", "ExecuteAsked", *SERVICE),
}
