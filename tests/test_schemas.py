"""What a manifest says of input, output and parameters: read from every dialect, checked, told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import ExtractorLoadError, InvalidInputError
from mixpeek_lab.loader import Schema, Schemas, load_schemas, load_service
from mixpeek_lab.models import Blob, BucketObject, RunReport
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import Lab

PARAMS = """
from typing import Literal
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

class Limits(BaseModel):
    top: list[int] = [1]

class Params(BaseModel):
    model_size: Literal["base", "large"] = "base"
    top_k: int = Field(10, ge=1, le=100)
    odd: int = 1
    limits: Limits | None = None
    threshold: float = Field(0.5, alias="minScore")
    key: SecretStr = SecretStr("")

    @field_validator("odd")
    @classmethod
    def _odd(cls, value):
        if value % 2 == 0:
            raise ValueError("must be odd")
        return value

class Guarded(BaseModel):
    token: SecretStr | None = None
    a: int = 1

    @model_validator(mode="after")
    def _small(self):
        if self.a > 2:
            raise ValueError("a is too large")
        return self
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


def test_fragments_may_be_types_of_a_bucket_or_words(home: Path) -> None:
    declared = '{"text": "text", "count": "int", "note": "What it is", "required": ["text"]}'
    schema = schemas_of(f"{NAMED}input_schema = {declared}", home).input
    assert schema is not None
    assert schema.required == ("text",)
    assert schema.properties == {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "note": {"description": "What it is"},
    }


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ('"Params"', "is 'Params'. Name a pydantic class"),
        ("int", "is int, which has no fields"),
        ('{"x": {"type": "strng"}}', "is no JSON schema at properties.x.type"),
        ('{"x": 3}', "is no JSON schema at properties.x"),
        ('{"type": "array"}', "is of type 'array', not an object"),
        ('{"x": {"$ref": "http://127.0.0.1:9/x.json"}}', "which is no part of it"),
        ('{"x": {"$ref": "#/$defs/X"}}', "which is no part of it"),
        ("type('Plain', (), {})", "is no JSON schema|gives no JSON schema"),
    ],
)
def test_what_is_no_schema_is_refused(declared: str, told: str, home: Path) -> None:
    with pytest.raises(ExtractorLoadError, match=r"parameter_schema of sized") as error:
        parameters_of(declared, home)
    assert re.search(told, str(error.value))


def test_parts_of_a_schema_are_followed_and_circles_told(home: Path) -> None:
    circle = {"anyOf": [{"$ref": "#/$defs/C"}]}
    declared = repr(
        {
            "properties": {"k": {"$ref": "#/$defs/K"}, "c": {"$ref": "#/$defs/C"}},
            "$defs": {"K": {"type": "integer", "maximum": 3}, "C": circle},
        }
    )
    schema = parameters_of(declared, home)
    (told,) = schema.problems({"k": 4})
    assert told.message == (
        "`k` is 4; parameter_schema of sized allows a whole number of at most 3."
    )
    (told,) = schema.problems({"c": 4})
    assert "refers to itself" in told.message


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
    (told,) = parameters_of("Params", home).problems({"key": 12345})
    assert "12345" not in told.message
    (told,) = parameters_of("Guarded", home).problems({"token": 12345, "a": 1})
    assert "12345" not in told.message
    (told,) = parameters_of("Guarded", home).problems({"token": "12345", "a": 3})
    assert told.message == "parameter_schema of sized: a is too large."


def test_class_that_takes_more_is_open(home: Path) -> None:
    open_class = 'type("Open", (Params,), {"model_config": {"extra": "allow"}})'
    assert parameters_of(open_class, home).problems({"anything": 1}) == ()


# ------------------------------------------------------------------------------ runs

CELL = """
from typing import List, Literal
from pydantic import BaseModel, Field
from shared.extractors.sdk import BatchProcessor

class Params(BaseModel):
    size: Literal["base", "large"] = "base"
    top_k: int = Field(10, ge=1, le=100)

metadata = {"feature_extractor_name": "sized", "version": "1.0.0"}
parameter_schema = Params
%s
features = [
    {"feature_type": "embedding", "feature_name": "vec", "embedding_dim": 2,
     "distance_metric": "cosine"},
    *EXTRA,
]

class Sized(BatchProcessor):
    def process(self, batch):
        batch["vec"] = [[float(len(text)), 1.0] for text in batch["data"]]
        batch["seen"] = [str(sorted(self.config.items()))] * len(batch)
        %s
        return batch
"""


def sized(lab: Lab, manifest: str = "", process: str = "", extra: str = "[]") -> None:
    cell = CELL.replace("*EXTRA", f"*{extra}") % (manifest, process)
    definition = lab.define("sized", cell)
    assert definition.is_kept, definition.findings


def run(lab: Lab, **options: object) -> RunReport:
    return lab.process("b", "sized", "c", engine="kernel", **options)


@pytest.fixture
def sized_lab(kernel_lab: Lab) -> Lab:
    kernel_lab.bucket("b", [{"_id": "1", "text": "one", "year": 1999}, {"_id": "2", "text": "two"}])
    return kernel_lab


def test_wrong_parameters_are_refused_before_anything_is_made(sized_lab: Lab) -> None:
    sized(sized_lab)
    wrong = {"size": "huge", "topk": 3}
    for attempt in (
        lambda: run(sized_lab, parameters=wrong),
        lambda: sized_lab.preview("sized", ["one"], wrong),
    ):
        with pytest.raises(InvalidInputError) as error:
            attempt()
        assert str(error.value) == (
            "parameter_schema of sized has no `topk`. Did you mean `top_k`? "
            "`size` is 'huge'; parameter_schema of sized allows base, large."
        )
    assert sized_lab.collections() == []
    assert len(sized_lab.sql("FROM runs")) == 0


@pytest.mark.parametrize("given", [[1], {1: 2}, {"top_k": {1, 2}}])
def test_parameters_are_json_with_names(sized_lab: Lab, given: object) -> None:
    with pytest.raises(InvalidInputError, match="hash_embedder"):
        sized_lab.process("b", "hash_embedder", "c", engine="kernel", parameters=given)


def test_parameters_of_a_collection_must_fit_todays_code(sized_lab: Lab) -> None:
    sized(sized_lab)
    run(sized_lab, parameters={"top_k": 100})
    cell = CELL.replace("*EXTRA", "*[]").replace("le=100", "le=50") % ("", "")
    sized_lab.define("sized", cell)
    with pytest.raises(InvalidInputError, match=r"`top_k` is 100; .* from 1 to 50"):
        run(sized_lab)
    assert run(sized_lab, parameters={"top_k": 50}).documents == 2


def test_a_processor_alone_has_defaults_in_its_config_and_the_key_stays(sized_lab: Lab) -> None:
    cell = CELL.replace("*EXTRA", "*[]") % ("", "")
    processor = cell[cell.index("class Sized") :]
    head = "from shared.extractors.sdk import BatchProcessor\n\n"
    manifest = cell[: cell.index("class Sized")]
    sized_lab.define("sized", head + processor, "processors/core.py")
    sized_lab.define("sized", manifest, "manifest.py")
    run(sized_lab, parameters={"top_k": 7})
    (seen,) = set(sized_lab.sql("SELECT seen FROM c").table.column("seen").to_pylist())
    assert seen == "[('size', 'base'), ('top_k', 7)]"
    assert sized_lab.collection("c").parameters == {"top_k": 7}
    assert run(sized_lab, parameters={"top_k": 7}).processed == 0


def test_a_cell_without_build_steps_has_the_parameters_parsed(sized_lab: Lab) -> None:
    sized(sized_lab)
    run(sized_lab, parameters={"top_k": "7"})  # as pydantic takes it
    (seen,) = set(sized_lab.sql("SELECT seen FROM c").table.column("seen").to_pylist())
    assert seen == "[('size', 'base'), ('top_k', 7)]"
    assert sized_lab.collection("c").parameters == {"top_k": "7"}


def test_build_steps_gets_the_parameters_as_they_were_given(sized_lab: Lab) -> None:
    steps = """
from engine.extractors.sized.pipeline import StepDefinition

def build_steps(extractor_request, container=None, **kwargs):
    given = extractor_request.extractor_config.parameters
    assert type(given) is dict and given == extractor_request.parameters
    params = Params(**given)
    config = {"given": str(given), "top_k": params.top_k}
    return {"steps": [StepDefinition(service_class=Sized, config=config)]}
"""
    definition = sized_lab.define("sized", CELL.replace("*EXTRA", "*[]") % ("", "") + steps)
    assert definition.is_kept, definition.findings
    run(sized_lab, parameters={"size": "large"})
    (seen,) = set(sized_lab.sql("SELECT seen FROM c").table.column("seen").to_pylist())
    assert seen == "[('given', \"{'size': 'large'}\"), ('top_k', 10)]"


def test_a_service_refuses_parameters_too_and_requires_none(tmp_path: Path) -> None:
    realtime = (
        "class S:\n    def infer(self, inputs, parameters):\n        return dict(parameters)\n"
    )
    manifest = f'{NAMED}parameter_schema = {{"k": {{"type": "integer", "required": True}}}}'
    files = (("manifest.py", manifest), ("realtime.py", realtime))
    service = load_service(ExtractorSource("sized", files), tmp_path)
    assert service.infer_sync({}) == {}
    assert service.infer_sync({}, {"k": 3}) == {"k": 3}
    with pytest.raises(InvalidInputError, match="`k` is 'x'"):
        service.infer_sync({}, {"k": "x"})
    with pytest.raises(InvalidInputError, match="has no `q`"):
        service.infer_sync({}, {"q": 1})


# ------------------------------------------------------------------------------ input

INPUT = "class Input(BaseModel):\n    {}\n\ninput_schema = Input\n"


def notes(lab: Lab, manifest: str = "", process: str = "", extra: str = "[]") -> list[str]:
    sized(lab, manifest, process, extra)
    report = run(lab)
    assert report.state == "completed"
    told = list(report.notes)
    rows = [{"_id": "1", "text": "one", "year": 1999}, {"_id": "2", "text": "two"}]
    previewed = [
        note.replace("the sample", "bucket 'b'") for note in lab.preview("sized", rows).notes
    ]
    assert set(told) <= set(previewed)
    return told


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        INPUT.format("text: str"),
        INPUT.format("body: str"),  # the one blob, under the extractor's own name for it
        INPUT.format("body: str\n    when: int = 0")
        + 'input_mappings = {"body": "payload.text", "when": "payload.year"}',
        INPUT.format("body: str\n    kind: str")
        + 'input_mappings = [{"input_key": "body", "source_type": "payload", "path": "text"},'
        ' {"input_key": "kind", "source_type": "literal", "override": "news"}]',
    ],
    ids=["none", "same name", "one blob", "dict", "list"],
)
def test_a_bucket_that_fits_has_no_note(sized_lab: Lab, manifest: str) -> None:
    assert notes(sized_lab, manifest) == []


def test_a_required_field_that_nothing_provides_is_named(sized_lab: Lab) -> None:
    (told,) = notes(sized_lab, INPUT.format("text: str\n    author: str"))
    assert told.startswith(
        "input_schema of sized requires `author`, which bucket 'b' does not provide (it has: text"
    )
    assert 'input_mappings = {"author": "payload.text"}' in told


def test_what_another_property_is_stands_for_no_field(sized_lab: Lab) -> None:
    sized_lab.bucket("b", [{"_id": "1", "text": "one", "note": "two"}], text=["text", "note"])
    sized(sized_lab, INPUT.format("body: str\n    text: str"))
    assert run(sized_lab).notes == ()  # the one that is left
    sized(sized_lab, INPUT.format("body: str"))
    (told,) = run(sized_lab).notes
    assert "requires `body`" in told


def test_a_mapping_that_leads_nowhere_is_named(sized_lab: Lab) -> None:
    (told,) = notes(sized_lab, 'input_mappings = {"text": "payload.txt"}')
    assert told == (
        "input_mappings takes `text` from `payload.txt`, and bucket 'b' has no property `txt`. "
        "Did you mean `text`?"
    )


def test_values_that_do_not_fit_are_told_with_field_and_property(sized_lab: Lab) -> None:
    manifest = INPUT.format("text: str\n    when: List[int] = []")
    (told,) = notes(sized_lab, manifest + 'input_mappings = {"when": "year"}')
    assert told == (
        "`when` is 1999; input_schema of sized allows a list of whole numbers. "
        "(In 1 of the first 2 objects, from `year`.)"
    )


def test_mappings_rename_no_column(sized_lab: Lab) -> None:
    told = notes(
        sized_lab,
        'input_mappings = {"body": "payload.text"}',
        'assert "body" not in batch.columns and "data" in batch.columns',
    )
    assert told == []


def test_a_mixed_bucket_says_how_many_blobs_are_taken_and_left(sized_lab: Lab) -> None:
    sized(sized_lab, 'supported_input_types = ["text"]')
    catalog = Catalog(sized_lab.home / "catalog.sqlite")
    bucket = sized_lab.bucket("b")
    blob = Blob("blob_x", "photo", "image", "file:///x.png", "image/png", "h", 1)
    catalog.put_objects(bucket, [BucketObject("obj_x", "", (blob,), {})], ["h"], prune=False)
    report = run(sized_lab)
    assert report.documents == 2
    assert report.notes == (
        "2 of 3 blobs are taken, and 1 left: 1 image (supported_input_types in manifest.py).",
    )


# ------------------------------------------------------------------------------ output

OUTPUT = "class Output(BaseModel):\n    {}\n\noutput_schema = Output\n"
VECTOR = "vec: List[float] = Field(..., min_length={0}, max_length={0})"


@pytest.mark.parametrize(
    "fields",
    [
        "embedding: List[float]\n    seen: str",  # as the published example calls its vector
        f"{VECTOR.format(2)}\n    seen: str",
        "vec_embedding: List[float]\n    seen: str\n    later: int = 0",
    ],
)
def test_an_output_that_fits_has_no_note(sized_lab: Lab, fields: str) -> None:
    assert notes(sized_lab, OUTPUT.format(fields)) == []


def test_missing_columns_and_undeclared_ones_are_told(sized_lab: Lab) -> None:
    assert notes(sized_lab, OUTPUT.format("vec: List[float]\n    label: str")) == [
        "output_schema of sized declares `label`, which the processor did not return "
        "(it returned: seen).",
        "output_schema of sized does not declare `seen`, which the processor returned.",
    ]


def test_columns_of_another_type_or_length_are_told(sized_lab: Lab) -> None:
    fields = f"{VECTOR.format(3)}\n    seen: int\n    score: float"
    assert notes(sized_lab, OUTPUT.format(fields), 'batch["score"] = "high"') == [
        "`vec` is [3.0, 1.0]; output_schema of sized allows a list of 3 numbers. "
        "(In 2 of the first 2 documents.)",
        "`seen` is \"[('size', 'base'), ('top_k', 10)]\"; "
        "output_schema of sized allows a whole number. "
        "(In 2 of the first 2 documents.)",
        "`score` is 'high'; output_schema of sized allows a number. "
        "(In 2 of the first 2 documents.)",
    ]


def test_labels_are_held_to_those_declared(sized_lab: Lab) -> None:
    label = (
        '[{"feature_type": "classification", "feature_name": "mood", "labels": ["good", "bad"]}]'
    )
    assert notes(sized_lab, process='batch["mood"] = "good"', extra=label) == []
    (told,) = notes(sized_lab, process='batch["mood"] = ["good", "goood"]', extra=label)
    assert told == (
        "Classification 'mood' has values that are none of its labels: 'goood'. "
        "Its labels are good, bad."
    )
    (told,) = notes(
        sized_lab, process='batch["mood"] = [[{"label": "ugly", "confidence": 1}]] * 2', extra=label
    )
    assert "'ugly'" in told
    (told,) = notes(sized_lab, extra=label)
    assert "declares the classification 'mood'" in told
