"""The OpenAPI document: FastAPI's paths and parameters, with what `OPERATIONS` says of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from mixpeek_lab.api.openapi.operations import OPERATIONS, Operation
from mixpeek_lab.api.openapi.schemas import SCHEMAS
from mixpeek_lab.api.openapi.shapes import TEXT, Schema, ref

DESCRIPTION = """Mixpeek's API, served by the lab on this machine's loopback address.

Send `Authorization: Bearer TOKEN` with every request but health; `mixpeek-lab serve` prints the
token, and `lab.token` has it. Errors come in one envelope; `error.details.request_id` names the
request in the lab's log. What is described is always there; answers may hold more."""

_ALWAYS = (401, 403, 414, 421, 431)
"""Statuses that any request can be refused with, before a route sees it."""
_WITH_BODY = (408, 413, 422)
BYTES: Schema = {"type": "string", "format": "binary"}
_META = frozenset(("get", "put", "post", "delete", "patch"))
_HEADERS: dict[str, Schema] = {
    "RequestId": {
        "name": "X-Request-ID", "in": "header", "required": False,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
        "description": "A name for the request. The answer repeats it, or has one of the lab's.",
    },
    "Namespace": {
        "name": "X-Namespace", "in": "header", "required": False, "schema": TEXT,
        "description": "The namespace's id or name; without it, the default one. 404 for others.",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "description": "The same key and body again: the first answer again, for a day.",
    },
}  # fmt: skip


def operation_key(route: APIRoute) -> str:
    """What `OPERATIONS` calls a route, its method and path: `buckets.create POST /v1/buckets`."""
    module = route.endpoint.__module__.rpartition(".")[2]
    methods = ",".join(sorted(route.methods or ()))
    return f"{module}.{route.endpoint.__name__} {methods} {route.path_format}"


def describe(app: FastAPI) -> dict[str, Any]:
    """The document. Routes that `OPERATIONS` lacks have FastAPI's description alone."""
    document = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
    )
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            if method in _META:
                _complete(path, method, told)
    document["components"] = {
        "schemas": SCHEMAS,
        "parameters": _HEADERS,
        "responses": {str(status): _error(status) for status in _statuses()},
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
    }
    document["security"] = [{"bearer": []}]
    return document


def creating_paths(document: Mapping[str, Any]) -> list[str]:
    """The path templates whose POST takes an `Idempotency-Key`."""
    wanted = {"$ref": "#/components/parameters/IdempotencyKey"}
    paths = document["paths"].items()
    return [path for path, told in paths if wanted in told.get("post", {}).get("parameters", ())]


def _complete(path: str, method: str, told: dict[str, Any]) -> None:
    """Fill one operation in."""
    key = told["operationId"].partition(" ")[0]
    told["operationId"] = _operation_id(key, path, method)
    told["summary"] = told.get("description", "").partition("\n")[0].rstrip(".")
    operation = OPERATIONS.get(key)
    if operation is None:
        return
    told["parameters"] = _parameters(path, told.get("parameters", []), operation)
    told["responses"] = _responses(path, operation)
    if operation.is_open:
        told["security"] = []
    if operation.takes_bytes:
        content: Any = {"*/*": {"schema": BYTES}}
        told["requestBody"] = {"required": True, "content": content}
    elif operation.body:
        content = {"application/json": {"schema": ref(operation.body)}}
        told["requestBody"] = {"required": operation.needs_body, "content": content}


def _operation_id(key: str, path: str, method: str) -> str:
    """Unique: functions answer below several prefixes, and some to PUT as to PATCH."""
    name = key.replace(".", "_").replace("_patch", f"_{method}")
    if "/plugins" in path:
        return f"{name}_plugin"
    is_scoped = path.startswith("/v1/namespaces/{namespace}/") and "/extractors" not in path
    return f"{name}_in_namespace" if is_scoped else name


def _parameters(path: str, known: list[Schema], operation: Operation) -> list[Schema]:
    found = {parameter["name"] for parameter in known}
    known = known + [  # those that a dependency reads
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in re.findall(r"{(\w+)}", path)
        if name not in found
    ]
    names = ["RequestId"]
    names += ["Namespace"] if _is_in_one(path) and not operation.is_open else []
    names += ["IdempotencyKey"] if operation.creates else []
    return known + [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _is_in_one(path: str) -> bool:
    """Whether what is asked for is in some namespace; the namespaces themselves are in none."""
    return re.fullmatch("/v1/namespaces(/list|/{namespace})?", path) is None


def _responses(path: str, operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done.", "headers": _request_id()}
    if operation.answer:
        success["content"] = {"application/json": {"schema": ref(operation.answer)}}
    elif operation.gives_bytes:
        success["content"] = {"application/zip": {"schema": BYTES}}
    statuses = {*_ALWAYS, *operation.errors}
    if operation.body or operation.takes_bytes:
        statuses.update(_WITH_BODY)
    if path.startswith("/v1/namespaces/{namespace}/"):
        statuses.add(422)  # the header may name another one
    told = {str(s): {"$ref": f"#/components/responses/{s}"} for s in sorted(statuses)}
    return {str(operation.status): success, **told}


def _error(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _request_id(),
        "content": {"application/json": {"schema": ref("ErrorEnvelope")}},
    }


def _request_id() -> dict[str, Any]:
    return {"X-Request-ID": {"schema": TEXT, "required": True}}


def _statuses() -> list[int]:
    own = {status for operation in OPERATIONS.values() for status in operation.errors}
    return sorted(own.union(_ALWAYS, _WITH_BODY))
