"""The parameters of a run, checked against the extractor's `parameter_schema` before anything runs.

They reach the extractor as they were given: its own class parses them, and the key of a row does
not change with the schema's defaults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mixpeek_lab.catalog import ExtractorRecord
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.loader import load_schemas
from mixpeek_lab.models import JSON


def check_parameters(record: ExtractorRecord, home: Path, parameters: Mapping[str, JSON]) -> None:
    """InvalidInputError, naming each field, where the parameters do not fit the extractor.

    An extractor without a `parameter_schema` takes any that JSON can hold.
    """
    _check_json(record.manifest.name, parameters)
    schema = load_schemas(record.source, home).parameters
    if schema is not None:
        schema.demand(parameters)


def _check_json(extractor: str, parameters: Mapping[str, JSON]) -> None:
    if not isinstance(parameters, Mapping):
        raise InvalidInputError(
            f"The parameters of {extractor} are {parameters!r:.80}, not a dict: "
            'parameters={"model_size": "base"}.'
        )
    for name, value in parameters.items():
        if not isinstance(name, str):
            raise InvalidInputError(f"Parameter {name!r} of {extractor} is not named by a text.")
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"Parameter `{name}` of {extractor} is {value!r:.80}, which JSON cannot hold "
                f"({error}). Use texts, numbers, true and false, lists and dicts."
            ) from error
