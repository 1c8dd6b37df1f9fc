"""What a manifest says of input, output and parameters: read from every dialect, checked, told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpeek_lab.errors import ExtractorLoadError, InvalidInputError
from mixpeek_lab.loader import Schema, Schemas, load_schemas
from mixpeek_lab.source import ExtractorSource

PARAMS = """
from typing import Literal, Optional
from pydantic import BaseModel, Field, SecretStr, field_validator

class Limits(BaseModel):
    top: list[int] = [1]

class Params(BaseModel):
    model_size: Literal["base", "large"] = "base"
    top_k: int = Field(10, ge=1, le=100)
    odd: int = 1
    limits: Optional[Limits] = None
    threshold: float = Field(0.5, alias="minScore")
    key: SecretStr = SecretStr("")

    @field_validator("odd")
    @classmethod
    def _odd(cls, value):
        if value % 2 == 0:
            raise ValueError("must be odd")
        return value
"""
NAMED = 'feature_extractor_name = "sized"\nversion = "1.0.0"\nfeatures = []\n'


def schemas_of(manifest: str, home: Path) -> Schemas:
    return load_schemas(ExtractorSource("sized", (("manifest.py", manifest),)), home)


def parameters_of(declared: str, home: Path) -> Schema:
    found = schemas_of(f"{PARAMS}\n{NAMED}parameter_schema = {declared}\n", home).parameters
    assert found is not None
    return found


def fields_of(schema: Schema, value: object) -> list[str]:
    return [problem.field for problem in schema.problems(value)]


# ------------------------------------------------------------------------------ dialects


@pytest.mark.parametrize(
    "manifest",
    [
        f"{PARAMS}\n{NAMED}parameter_schema = Params",
        f'{PARAMS}\nmetadata = {{"name": "sized", "version": "1.0", "parameter_schema": Params}}',
        f"{PARAMS}\nfrom shared.extractors.sdk import ExtractorManifest\n"
        'manifest = ExtractorManifest(name="sized", parameter_schema=Params)',
    ],
    ids=["names", "metadata", "typed"],
)
def test_schema_is_found_in_every_dialect(manifest: str, home: Path) -> None:
    found = schemas_of(manifest, home)
    assert found.input is None
    assert found.output is None
    assert found.parameters is not None
    assert found.parameters.title == "parameter_schema of sized"
    assert found.parameters.defaults["top_k"] == 10


def test_manifest_without_schemas_is_not_run(home: Path) -> None:
    assert schemas_of(f"{NAMED}raise RuntimeError", home) == Schemas()


@pytest.mark.parametrize(
    "declared",
    [
        '{"type": "object", "properties": {"label": {"type": "string", "enum": ["a", "b"]},'
        ' "vector": {"type": "array", "items": {"type": "float"}, "minItems": 2, "maxItems": 2}},'
        ' "required": ["label"]}',
        '{"label": {"type": "string", "enum": ["a", "b"], "required": True},'
        ' "vector": {"type": "array", "items": {"type": "float"}, "minItems": 2, "maxItems": 2}}',
    ],
    ids=["schema", "fragments"],
)
def test_json_schemas_whole_and_in_fragments(declared: str, home: Path) -> None:
    schema = schemas_of(f"{NAMED}output_schema = {declared}", home).output
    assert schema is not None
    assert schema.required == ("label",)
    assert schema.problems({"label": "a", "vector": [1, 2.5]}) == ()
    told = [p.message for p in schema.problems({"label": "c", "vector": [1]})]
    assert told == [
        "`label` is 'c'; output_schema of sized allows a, b.",
        "`vector` is [1]; output_schema of sized allows a list of 2 numbers.",
    ]
    missing = schema.problems({})
    assert missing[0].message == "`label` is missing; output_schema of sized asks for it: a, b."
    assert schema.problems({}, partial=True) == ()


def test_fragments_may_be_types_of_a_bucket(home: Path) -> None:
    schema = schemas_of(f'{NAMED}input_schema = {{"text": "text", "count": "int"}}', home).input
    assert schema is not None
    assert schema.properties == {"text": {"type": "string"}, "count": {"type": "integer"}}


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ('"Params"', "is 'Params'. Name a pydantic class"),
        ("int", "is int, which has no fields"),
        ('{"x": {"type": "strng"}}', "is no JSON schema at properties.x.type"),
        ('{"x": 3}', "is no JSON schema at properties.x"),
    ],
)
def test_what_is_no_schema_is_refused(declared: str, told: str, home: Path) -> None:
    with pytest.raises(ExtractorLoadError, match=r"parameter_schema of sized") as error:
        parameters_of(declared, home)
    assert told in str(error.value)


# ------------------------------------------------------------------------------ problems


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (
            {"model_size": "huge"},
            "`model_size` is 'huge'; parameter_schema of sized allows base, large.",
        ),
        (
            {"top_k": 0},
            "`top_k` is 0; parameter_schema of sized allows a whole number from 1 to 100.",
        ),
        (
            {"limits": {"top": [1, "x"]}},
            "`limits.top[1]` is 'x'; parameter_schema of sized allows a whole number.",
        ),
        ({"odd": 2}, "`odd` is 2; parameter_schema of sized: must be odd."),
        (
            {"modelsize": "base"},
            "parameter_schema of sized has no `modelsize`. Did you mean `model_size`?",
        ),
        ({"threshold": 1}, "parameter_schema of sized has no `threshold`."),
    ],
)
def test_problem_names_field_value_and_what_is_allowed(
    value: dict[str, object], told: str, home: Path
) -> None:
    with pytest.raises(InvalidInputError) as error:
        parameters_of("Params", home).demand(value)
    assert str(error.value).startswith(told)


def test_all_problems_are_told_at_once_each_field_once(home: Path) -> None:
    schema = parameters_of("Params", home)
    wrong = {"nothing_like_it": 1, "model_size": 3, "minScore": []}
    assert fields_of(schema, wrong) == ["nothing_like_it", "model_size", "minScore"]
    assert fields_of(schema, ["model_size"]) == [""]


def test_secret_value_is_not_quoted(home: Path) -> None:
    told = parameters_of("Params", home).problems({"key": 12345})
    assert len(told) == 1
    assert "12345" not in told[0].message


def test_class_that_takes_more_is_open(home: Path) -> None:
    open_class = 'type("Open", (Params,), {"model_config": {"extra": "allow"}})'
    assert parameters_of(open_class, home).problems({"anything": 1}) == ()
