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
    """The JSON of an answer with status 200; empty: an empty one."""
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


def _list(of: str, *errors: int) -> Operation:
    return Operation(f"{of}Page", errors=(404, 422, *errors))


def _posted(of: str, body: str = "ListAsked") -> Operation:
    return Operation(f"{of}Page", body, needs_body=False, errors=(404, 422))


def _one(answer: str, *errors: int) -> Operation:
    return Operation(answer, errors=(404, *errors))


def _new(answer: str, body: str, *errors: int, needs_body: bool = True) -> Operation:
    return Operation(answer, body, needs_body, (404, 409, 422, *errors), creates=True)


def _run(answer: str, body: str, *errors: int) -> Operation:
    return Operation(answer, body, errors=(404, 422, *errors))


SERVICE = (429, 501, 502, 503, 504)
"""What calls to services and language models can end with."""

OPERATIONS: dict[str, Operation] = {
    "health.health": Operation("Health", is_open=True),
    "namespaces.list_all": _list("Namespace"),
    "namespaces.list_by_post": _posted("Namespace"),
    "namespaces.get": _one("Namespace"),
    "extractors.list_all": _list("Extractor"),
    "extractors.list_by_post": _posted("Extractor"),
    "extractors.get": _one("Extractor"),
    "extractors.delete": _one("Done", 409),
    "extractors.deploy": _one("Deployment", 422),
    "extractors.undeploy": _one("Deployment"),
    "extractors.status": _one("Deployment"),
    "extractors.try_out": _run("TriedOut", "TryOutAsked", 409, *SERVICE),
    "uploads.create": _new("Upload", "UploadAsked", 413),
    "uploads.confirm": _new("Confirmation", "ConfirmAsked", 503, needs_body=False),
    "uploads.receive": Operation(errors=(400, 404, 409, 413, 422), is_open=True, takes_bytes=True),
    "buckets.create": _new("Bucket", "BucketAsked"),
    "buckets.list_all": _list("Bucket"),
    "buckets.list_by_post": _posted("Bucket"),
    "buckets.get": _one("Bucket"),
    "buckets.delete": _one("Done", 409),
    "objects.create": _new("ObjectsMade", "ObjectOrObjects", 413),
    "objects.create_batch": _new("ObjectBatch", "ObjectsAsked", 413),
    "objects.list_all": _list("Object"),
    "objects.list_by_post": _posted("Object"),
    "objects.get": _one("Object"),
    "objects.delete": _one("ObjectDeleted"),
    "collections.create": _new("Collection", "CollectionAsked", 503),
    "collections.list_all": _list("Collection"),
    "collections.list_by_post": _posted("Collection"),
    "collections.get": _one("Collection"),
    "collections.delete": _one("Done", 409),
    "collections.features": Operation("Features", errors=(404, 422)),
    "collections.trigger": _new("Triggered", "TriggerAsked", needs_body=False),
    "collections.documents": _posted("Document", "DocumentsAsked"),
    "tasks.list_all": _list("Task"),
    "tasks.list_by_post": _posted("Task"),
    "tasks.get": _one("Task"),
    "inference.infer": _run("Inference", "InferenceAsked", *SERVICE),
    "retrievers.create": _new("RetrieverMade", "RetrieverAsked"),
    "retrievers.list_all": _list("Retriever"),
    "retrievers.list_by_post": _posted("Retriever"),
    "retrievers.get": _one("Retriever"),
    "retrievers.delete": _one("Done"),
    "retrievers.execute": _run("Execution", "ExecuteAsked", *SERVICE),
    "retrievers.explain": _run("Explanation", "ExecuteAsked", *SERVICE),
}
