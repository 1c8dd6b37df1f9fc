"""The API's description for tools: OpenAPI 3.1, served at `/openapi.json`."""

from mixpeek_lab.api.openapi.document import creating_paths, describe, operation_key
from mixpeek_lab.api.openapi.operations import OPERATIONS, Operation

__all__ = ["OPERATIONS", "Operation", "creating_paths", "describe", "operation_key"]
