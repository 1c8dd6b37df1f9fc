"""mixpeek_lab.manifests: what a manifest says, read from its text."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
import seed

from mixpeek_lab.manifests import RULES, read_manifest
from mixpeek_lab.manifests.dialects import KEYWORDS
from mixpeek_lab.models import ComputeProfile, Feature
from mixpeek_lab.source import ExtractorSource, read_source

GOOD = (
    '{"feature_type": "embedding", "feature_name": "e", '
    '"embedding_dim": 384, "distance_metric": "cosine"}'
)
NAMED = 'feature_extractor_name = "a"\nversion = "1.0.0"\n'
TYPED = "from shared.extractors.sdk import ExtractorManifest, Feature\n"


def read(text, *others):
    files = (("manifest.py", dedent(text)), *((path, "") for path in others))
    return read_manifest(ExtractorSource("a", files))


def rules(reading):
    return [finding.rule for finding in reading.findings]


def only(reading, rule):
    found = [finding for finding in reading.findings if finding.rule == rule]
    assert len(found) == 1, [str(f) for f in reading.findings]
    return found[0]


def features(*entries):
    return f"{NAMED}features = [{', '.join(entries)}]\n"


# ------------------------------------------------------------------ the three dialects


def test_the_plain_example():
    reading = read_manifest(read_source(seed.FIXTURES / "seed_plain/my_extractor"))
    assert reading.findings == ()
    assert reading.manifest.features == (Feature.embedding("my_embedding", 384),)
    assert reading.manifest.dialect == "metadata"
    assert reading.manifest.inference_type == "embedding"
    assert reading.manifest.supported_input_types == ("text",)
    assert (reading.input_schema, reading.output_schema, reading.parameter_schema) == (
        "MyInput",
        "MyOutput",
        "MyParams",
    )


def test_the_typed_example():
    reading = read_manifest(read_source(seed.FIXTURES / "seed_typed/my_embedder"))
    assert reading.findings == ()
    manifest = reading.manifest
    assert (manifest.name, manifest.version, manifest.declared_version) == (
        "my_embedder",
        "1.0.0",
        "v1",
    )
    assert manifest.features == (Feature.embedding("my_embedder_v1", 384),)
    assert manifest.dependencies == ("sentence-transformers>=2.2",)
    assert manifest.system_packages == ("libmagic1",)
    assert manifest.dialect == "typed"


def test_the_filing_example():
    reading = read_manifest(read_source(seed.FIXTURES / "seed_sec/sec_filing_embedder"))
    assert reading.findings == ()
    assert reading.manifest.vectors == (Feature.embedding("filing_embedding", 768),)


def test_module_variables():
    manifest = read(
        f"""
        feature_extractor_name = "a"
        version = "v2.1"
        description = "An extractor"
        features = [{GOOD}]
        feature_uri = "mixpeek://a@v2.1/e"
        compute_profile = {{"resource_type": "gpu", "batch_size": 8, "gpu_memory_gb": None}}
        dependencies = ("numpy",)
        """,
        "realtime.py",
    ).manifest
    assert manifest.dialect == "variables"
    assert manifest.version == "2.1.0"
    assert manifest.feature_uri == "mixpeek://a@v2.1/e"
    assert manifest.compute_profile == ComputeProfile(resource_type="gpu", batch_size=8)
    assert manifest.dependencies == ("numpy",)


def test_typed_features_in_every_spelling():
    manifest = read(
        TYPED
        + """
from shared.extractors import sdk
from shared.extractors.sdk import ExtractorManifest as EM
manifest = EM(
    feature_extractor_name="a", version="1.0",
    features=[
        Feature.embedding("x", 3),
        sdk.Feature.embedding(name="y", dim=4, distance_metric="dot"),
        Feature.classification("kind", ["good", "bad"]),
        Feature("z", "embedding", 5, "euclid"),
    ],
)
"""
    ).manifest
    assert manifest.features == (
        Feature.embedding("x", 3),
        Feature.embedding("y", 4, "dot"),
        Feature.classification("kind", ["good", "bad"]),
        Feature("z", "embedding", 5, "euclid"),
    )


def test_metadata_may_say_name():
    assert (
        read(f'metadata = {{"name": "a", "version": "1"}}\nfeatures = [{GOOD}]').manifest.name
        == "a"
    )


def test_nothing_is_run(capsys):
    reading = read(
        features(GOOD) + 'print("ran")\nimport nowhere_to_be_found\nraise SystemExit("ran")\n'
    )
    assert reading.manifest is not None
    assert capsys.readouterr().out == ""
    assert "nowhere_to_be_found" not in sys.modules


# ------------------------------------------------------------------ folding


def test_constants_are_folded():
    manifest = read(
        """
        BASE = "mini"
        NAME = f"{BASE}_embedding"
        DIM = 2 * 192
        COMMON = dict(feature_type="embedding", distance_metric="cosine")
        DEPENDENCIES = ["numpy"]
        metadata = {"feature_extractor_name": "a", "version": "1." + "0", "description": (
            "two " "parts")}
        features = [{**COMMON, "feature_name": NAME, "embedding_dim": DIM}, *[
            {**COMMON, "feature_name": "other", "embedding_dim": int("7")}]]
        description = metadata["description"]
        dependencies = DEPENDENCIES + ["pandas"]
        """
    ).manifest
    assert [(f.feature_name, f.embedding_dim) for f in manifest.features] == [
        ("mini_embedding", 384),
        ("other", 7),
    ]
    assert manifest.description == "two parts"
    assert manifest.dependencies == ("numpy", "pandas")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("description = open('x').read()", "open"),
        ("description = [n for n in 'ab']", "for n in"),
        ("description = imported.text", "imported.text"),
        ("description = UNKNOWN", "`UNKNOWN` is not defined above"),
        ("description = f'{len(\"abc\")}'", "len"),
    ],
)
def test_what_has_to_be_run_is_an_error_that_names_it(statement, told):
    reading = read(f"import imported\n{features(GOOD)}{statement}\n")
    finding = only(reading, "MAN018")
    assert told in finding.message or told.split(".")[0] in finding.message
    assert finding.line == 5
    assert reading.manifest is None


@pytest.mark.parametrize(
    "later", ["features.append(1)", "features += [1]", "features[0]['embedding_dim'] = 5",
              "for f in features:\n    features.pop()", "if 1:\n    features = []"]
)  # fmt: skip
def test_a_list_that_later_lines_change_cannot_be_read(later):
    finding = only(read(features(GOOD) + later), "MAN018")
    assert "line 4" in finding.message or "line 5" in finding.message


def test_folding_is_bounded():
    doubled = 'x = "aaaaaaaaaa"\n' + "x = x + x\n" * 60
    nested = "y = [1, 1]\n" + "y = [y, y]\n" * 60
    deep = "z = " + "[" * 80 + "]" * 80 + "\n"
    reading = read(features(GOOD) + doubled + nested + deep + "description = x\ntier = y\n")
    assert "`x + x` has to be run" in only(reading, "MAN018").message


# ------------------------------------------------------------------ feature keys


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("type", "feature_type"), ("name", "feature_name"), ("dimensions", "embedding_dim"),
        ("dim", "embedding_dim"), ("dims", "embedding_dim"), ("distance", "distance_metric"),
        ("metric", "distance_metric"), ("feature_nam", "feature_name"), ("size", "embedding_dim"),
    ],
)  # fmt: skip
def test_a_wrong_key_names_the_right_one_the_line_the_fix_and_the_consequence(wrong, right):
    reading = read("\n\n" + features(GOOD.replace(right, wrong)))
    finding = only(reading, "MAN001")
    assert f"`{right}` is missing in features[0]; you wrote `{wrong}`" in finding.message
    assert "COMPLETED, 0 documents" in finding.message
    assert finding.fix == f"Write {GOOD}."
    assert (finding.severity, finding.line) == ("error", 5)
    assert reading.manifest is None
    assert "MAN002" not in rules(reading)


def test_the_classic_mistake_at_once():
    reading = read(
        """
        feature_extractor_name = "a"
        version = "1.0.0"
        features = [
            {
                "type": "embedding",
                "name": "e",
                "dimensions": 384,
                "distance": "l2",
            },
        ]
        """
    )
    assert [(f.rule, f.line, f.column) for f in reading.findings] == [
        ("MAN001", 6, 9),
        ("MAN001", 7, 9),
        ("MAN001", 8, 9),
        ("MAN001", 9, 9),
        ("MAN005", 9, 21),
    ]
    assert eval(reading.findings[0].fix.removeprefix("Write ").removesuffix(".")) == {
        "feature_type": "embedding",
        "feature_name": "e",
        "embedding_dim": 384,
        "distance_metric": "euclid",
    }


@pytest.mark.parametrize(
    "key", ["feature_type", "feature_name", "embedding_dim", "distance_metric"]
)
def test_a_missing_key(key):
    entry = {k: v for k, v in eval(GOOD).items() if k != key}
    assert f"`{key}` is missing" in only(read(features(repr(entry))), "MAN002").message


def test_labels_need_no_dimension():
    entry = '{"feature_type": "classification", "feature_name": "kind", "labels": ["a"]}'
    reading = read(features(entry))
    assert reading.findings == ()
    assert reading.manifest.vectors == ()


@pytest.mark.parametrize("value", ["0", "-1", "3.5", '"384"', "True", "None"])
def test_a_dimension_is_a_positive_whole_number(value):
    assert only(read(features(GOOD.replace("384", value))), "MAN004").severity == "error"


@pytest.mark.parametrize(
    ("metric", "meant"),
    [("l2", "euclid"), ("euclidean", "euclid"), ("ip", "dot"), ("inner_product", "dot"),
     ("cos", "cosine"), ("Cosine", "cosine"), ("COSINE", "cosine"), ("dot-product", "dot")],
)  # fmt: skip
def test_a_wrong_metric_suggests_the_right_one(metric, meant):
    finding = only(read(features(GOOD.replace("cosine", metric))), "MAN005")
    assert finding.fix == f'Did you mean "{meant}"?'


def test_wrong_feature_type_and_names():
    assert only(read(features(GOOD.replace('"embedding"', '"vector"', 1))), "MAN003")
    assert only(read(features(GOOD.replace('"e"', '"a b"'))), "MAN007")
    assert "features[0]" in only(read(features(GOOD, GOOD)), "MAN006").message
    assert only(read(f"{NAMED}features = {GOOD}"), "MAN021").severity == "error"
    assert only(read(features("3")), "MAN021")


def test_an_unknown_key_is_only_a_warning():
    reading = read(features(GOOD[:-1] + ', "flavour": "sweet"}'))
    assert only(reading, "MAN024").severity == "warning"
    assert reading.manifest is not None


def test_index_kinds_are_read_here_only():
    reading = read(features(GOOD[:-1] + ', "index": "hnsw"}'))
    assert only(reading, "MAN009").severity == "info"
    assert reading.manifest.features[0].index == "hnsw"
    bad = only(read(features(GOOD[:-1] + ', "index": "hsnw"}')), "MAN009")
    assert (bad.severity, bad.fix) == ("error", 'Did you mean "hnsw"?')


def test_no_features_is_a_warning_that_names_the_look_alike():
    reading = read(f"{NAMED}feature = []")
    finding = only(reading, "MAN008")
    assert finding.severity == "warning"
    assert "`feature` is not read" in finding.message
    assert "no vector index" in finding.message
    assert only(read(f"{NAMED}features = []"), "MAN008")


@pytest.mark.parametrize(
    ("key", "right", "consequence"),
    [("label", "labels", "The labels would be lost."), ("indx", "index", "of kind flat")],
)
def test_a_misspelt_optional_key_is_an_error_with_its_own_consequence(key, right, consequence):
    finding = only(read(features(GOOD[:-1] + f', "{key}": "flat"}}')), "MAN001")
    assert f"`{right}` is missing in features[0]; you wrote `{key}`" in finding.message
    assert consequence in finding.message
    assert "0 documents" not in finding.message
    assert (finding.severity, finding.line) == ("error", 3)


@pytest.mark.parametrize("key", ["feature", "Features", "featurs", "vector_indexes"])
def test_features_under_a_wrong_key_of_metadata(key):
    text = f"""
        metadata = {{
            "feature_extractor_name": "a",
            "version": "1",
            "{key}": [{GOOD}],
        }}
        """
    reading = read(text)
    finding = only(reading, "MAN025")
    assert f'`features` is missing; you wrote `metadata["{key}"]`' in finding.message
    assert "without a vector index: COMPLETED, 0 documents" in finding.message
    assert finding.fix == 'Rename the key to "features".'
    assert (finding.severity, finding.path, finding.line) == ("error", "manifest.py", 5)
    assert reading.manifest is None
    assert rules(reading) == ["MAN025"]
    assert read(text.replace(f'"{key}"', '"features"')).findings == ()


def test_the_features_under_a_wrong_key_are_checked_too():
    reading = read(
        f'metadata = {{"name": "a", "version": "1", "feature": [{GOOD.replace("384", "0")}]}}'
    )
    assert sorted(rules(reading)) == ["MAN004", "MAN025"]


def test_a_look_alike_beside_the_features_is_only_a_warning():
    metadata = '{"name": "a", "version": "1", "feature": "text", "team": "x"}'
    reading = read(f"metadata = {metadata}\nfeatures = [{GOOD}]")
    assert only(reading, "MAN024").severity == "warning"
    assert reading.manifest is not None


@pytest.mark.parametrize("name", ["feature", "vector_indexes", "embeddings"])
def test_features_under_a_wrong_module_level_name(name):
    reading = read(f"{NAMED}{name} = [{GOOD}]")
    finding = only(reading, "MAN025")
    assert f"`features` is missing; you wrote `{name}`" in finding.message
    assert "COMPLETED, 0 documents" in finding.message
    assert (finding.severity, finding.line) == ("error", 3)
    assert "MAN008" not in rules(reading)
    typed_list = f'{name} = [Feature.embedding("e", dim=3)]'
    assert only(read(f"{TYPED}{NAMED}{typed_list}"), "MAN025").line == 4


@pytest.mark.parametrize("value", ['[{"id": 1}]', '["a"]', "3", "[]"])
def test_a_look_alike_that_holds_no_features_stops_nothing(value):
    reading = read(f"{NAMED}embeddings = {value}")
    assert rules(reading) == ["MAN008"]
    assert "`embeddings` is not read" in reading.findings[0].message


def test_the_import_of_feature_is_no_look_alike():
    reading = read(f"{TYPED}{NAMED}")
    assert "is not read" not in only(reading, "MAN008").message


# ------------------------------------------------------------------ what is no dialect


@pytest.mark.parametrize("spelled", ["{body}", "dict({body})"])
def test_a_dict_called_manifest_says_what_dialects_there_are(spelled):
    body = f'{{"feature_extractor_name": "a", "version": "1", "features": [{GOOD}]}}'
    text = f"\nmanifest = {spelled.format(body=body)}\n"
    reading = read(text)
    finding = only(reading, "MAN026")
    assert (finding.severity, finding.line) == ("error", 2)
    for dialect in ("manifest = ExtractorManifest", "metadata = {", "feature_extractor_name = "):
        assert dialect in finding.fix
    assert rules(reading) == ["MAN026"]
    assert read(text.replace("manifest =", "metadata =")).findings == ()


def test_a_dict_called_manifest_is_checked_on():
    body = f'{{"feature_extractor_name": "a", "feature": [{GOOD}]}}'
    reading = read(f"manifest = {body}")
    assert sorted(rules(reading)) == ["MAN011", "MAN025", "MAN026"]
    assert 'manifest["feature"]' in only(reading, "MAN025").message


def test_features_beside_a_dict_called_manifest():
    names = '{"feature_extractor_name": "a", "version": "1"}'
    assert rules(read(f"manifest = {names}\nfeatures = [{GOOD}]")) == ["MAN026"]


@pytest.mark.parametrize(
    ("value", "rule", "told"),
    [("make()", "MAN018", "`make()` has to be run"), ("3", "MAN026", "`3`"),
     ('ExtractorManifest(version="1")', "MAN018", "has to be run")],
)  # fmt: skip
def test_another_value_called_manifest_is_the_one_finding(value, rule, told):
    reading = read(f"manifest = {value}")
    assert rules(reading) == [rule]
    assert told in reading.findings[0].message
    assert "shared.extractors.sdk" in reading.findings[0].fix


def test_manifest_may_be_a_name_like_any_other_beside_a_whole_manifest():
    assert read(features(GOOD) + 'manifest = {"colour": "red"}').findings == ()
    both = f'manifest = {{"name": "a", "version": "1"}}\nmetadata = manifest\nfeatures = [{GOOD}]'
    assert read(both).findings == ()


def test_what_cannot_be_read_is_not_said_to_be_missing():
    assert rules(read("metadata = make()")) == ["MAN018"]


# ------------------------------------------------------------------ the typed call


def typed(arguments):
    return read(f"{TYPED}manifest = ExtractorManifest({arguments})\n")


def test_unknown_keywords_suggest_the_nearest():
    finding = only(
        typed('feature_extractor_name="a", version="1", fetures=[], features=[]'), "MAN020"
    )
    assert "`fetures`" in finding.message
    assert finding.fix == "Did you mean `features`?"
    base = 'feature_extractor_name="a", version="1", features=[Feature.embedding("e", {})]'
    assert only(typed(base.format("dimension=3")), "MAN020").fix == "Did you mean `dim`?"
    assert "missing" in only(typed(base.format("distance_metric='dot'")), "MAN020").message
    assert only(typed('"a"'), "MAN020")


def test_typed_values_are_checked_as_dicts_are():
    base = 'feature_extractor_name="a", version="1", features=[Feature.embedding("e", {})]'
    assert only(typed(base.format("dim=0")), "MAN004")
    assert only(typed(base.format('dim=3, distance_metric="l2"')), "MAN005")


def test_keywords_are_those_of_the_sdk():
    from mixpeek_lab.sdk import ExtractorManifest

    assert set(KEYWORDS) == set(ExtractorManifest.model_fields)


def test_two_typed_manifests_are_one_too_many():
    call = 'ExtractorManifest(feature_extractor_name="a", version="1")'
    assert only(read(f"{TYPED}m = {call}\nmanifest = {call}"), "MAN019")


# ------------------------------------------------------------------ other fields


def test_a_missing_name_and_version_say_where_to_add_them():
    reading = read(f"metadata = {{}}\nfeatures = [{GOOD}]")
    assert (
        only(reading, "MAN010").fix == 'Add "feature_extractor_name": "my_extractor" to metadata.'
    )
    assert only(reading, "MAN011").fix == 'Add "version": "1.0.0" to metadata.'


def test_bad_names_and_versions():
    assert only(read('feature_extractor_name = "my-x"\nversion = "1"'), "MAN010")
    assert only(read('feature_extractor_name = 3\nversion = "1"'), "MAN021")
    assert only(read('feature_extractor_name = "a"\nversion = "latest"'), "MAN011")
    assert only(read('feature_extractor_name = "a"\nversion = 1.0'), "MAN011").fix == 'Write "1.0".'


@pytest.mark.parametrize("name", ["class", "raise", "None", "async"])
def test_a_keyword_is_no_name(name):
    reading = read(features(GOOD).replace('"a"', f'"{name}"'))
    finding = only(reading, "MAN010")
    assert "keyword" in finding.message
    assert f"engine.extractors.{name}.pipeline" in finding.message
    assert f"'{name.lower()}_extractor'" in finding.fix
    assert (finding.severity, finding.line) == ("error", 1)


def test_a_name_that_is_too_long_for_a_folder():
    assert (
        "250 characters"
        in only(read(features(GOOD).replace('"a"', f'"{"a" * 250}"')), "MAN010").message
    )


@pytest.mark.parametrize("name", ["match", "type", "print", "pipeline", "a" * 200])
def test_names_that_imports_can_say(name):
    text = features(GOOD).replace('"a"', f'"{name}"')
    assert read_manifest(ExtractorSource(name, (("manifest.py", text),))).findings == ()


def test_inference_types():
    finding = only(read(features(GOOD) + 'inference_type = "embeddings"'), "MAN012")
    assert finding.fix == 'Did you mean "embedding"?'
    assert read(features(GOOD) + 'inference_type = "rerank"').manifest.inference_type == "rerank"


@pytest.mark.parametrize(
    ("profile", "rule", "fix"),
    [
        ('{"batchsize": 3}', "MAN013", 'Did you mean "batch_size"?'),
        ('{"resource_type": "GPU"}', "MAN014", 'Did you mean "gpu"?'),
        ('{"resource_type": "tpu"}', "MAN014", None),
        ('{"batch_size": 0}', "MAN014", None),
        ('{"max_concurrency": 1.5}', "MAN014", None),
        ('{"actor_memory_gb": "2"}', "MAN014", None),
        ('"gpu"', "MAN014", None),
    ],
)
def test_compute_profiles(profile, rule, fix):
    finding = only(read(features(GOOD) + f"compute_profile = {profile}"), rule)
    assert finding.severity == "error"
    assert fix is None or finding.fix == fix


def test_an_unknown_profile_key_without_a_likeness_is_ignored_with_a_warning():
    reading = read(features(GOOD) + 'compute_profile = {"zone": "eu", "batch_size": 3}')
    assert only(reading, "MAN013").severity == "warning"
    assert reading.manifest.compute_profile.batch_size == 3


def test_input_types():
    reading = read(features(GOOD) + 'supported_input_types = ["text", "Image"]')
    finding = only(reading, "MAN015")
    assert (finding.severity, finding.fix) == ("warning", 'Did you mean "image"?')
    assert reading.manifest.supported_input_types == ("text", "image")
    assert only(read(features(GOOD) + 'supported_input_types = "text"'), "MAN021")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("txt", "text"), ("pdfs", "pdf"), ("img", None), ("text/plain", "text"), (".jpg", "image"),
     ("application/pdf", "pdf"), ("web", None)],
)  # fmt: skip
def test_an_unknown_input_type_is_an_error(written, meant):
    reading = read(features(GOOD) + f'supported_input_types = [\n    "text",\n    "{written}",\n]')
    finding = only(reading, "MAN015")
    assert (finding.severity, finding.line) == ("error", 6)
    assert f"{written!r} in supported_input_types" in finding.message
    assert "COMPLETED with 0 documents" in finding.message
    assert (f'Did you mean "{meant}"?' in finding.fix) == bool(meant)
    assert "text, image, audio, video, pdf" in finding.fix
    assert reading.manifest is None


def test_field_types_that_are_no_blobs_only_warn():
    reading = read(features(GOOD) + 'supported_input_types = ["string", "number"]')
    finding = only(reading, "MAN015")
    assert finding.severity == "warning"
    assert "'number'" in finding.message
    assert reading.manifest.supported_input_types == ("string", "number")


@pytest.mark.parametrize("uri", ["mixpeek://b@1.0.0/e", "mixpeek://a@2.0.0/e", "mixpeek://a@1/x"])
def test_a_feature_uri_that_disagrees(uri):
    reading = read(features(GOOD) + f'feature_uri = "{uri}"', "realtime.py")
    assert only(reading, "MAN016").fix == 'Write feature_uri = "mixpeek://a@1.0.0/e".'


def test_a_feature_uri_needs_realtime():
    text = features(GOOD) + 'feature_uri = "mixpeek://a@v1/e"'
    assert only(read(text), "MAN017").severity == "warning"
    assert read(text, "realtime.py").findings == ()


def test_mixed_dialects_agree_or_name_both_lines():
    agreeing = f"""
        metadata = {{"feature_extractor_name": "a", "version": "v1"}}
        version = "1.0.0"
        features = [{GOOD}]
        """
    assert read(agreeing).findings == ()
    finding = only(read(agreeing.replace('"1.0.0"', '"1.0.1"')), "MAN019")
    assert finding.line == 3
    assert "line 2" in finding.message
    call = 'feature_extractor_name="a", version="1", features=[Feature.embedding("e", dim=384)]'
    mixed = f"{TYPED}manifest = ExtractorManifest({call})\nfeatures = [{GOOD}]\n"
    assert read(mixed).findings == ()
    assert only(read(mixed.replace("dim=384", "dim=385")), "MAN019")


def test_metadata_keys_with_a_typing_error():
    metadata = (
        '{"feature_extractor_name": "a", "version": "1", "inference_typ": "rerank", "team": "x"}'
    )
    reading = read(f"metadata = {metadata}\nfeatures = [{GOOD}]")
    assert only(reading, "MAN024").fix == 'Did you mean "inference_type"?'


def test_another_name_than_the_package():
    assert only(read(features(GOOD).replace('"a"', '"b"')), "MAN022").severity == "warning"


def test_no_manifest_and_no_python():
    empty = read_manifest(ExtractorSource("a", (("pipeline.py", ""),)))
    assert rules(empty) == ["MAN023"]
    broken = read("x = (")
    assert rules(broken) == ["SYN001"]
    assert broken.findings[0].line == 1


def test_every_rule_explains_itself():
    assert all(rule.id == key and rule.title and rule.explanation for key, rule in RULES.items())


@pytest.mark.parametrize("name", ["data", "document_id", "_row_key"])
def test_a_feature_cannot_take_the_name_of_a_documents_column(name):
    entry = {**eval(GOOD), "feature_name": name}
    metadata = '{"feature_extractor_name": "a", "version": "1"}'
    reading = read(f"metadata = {metadata}\nfeatures = [{entry}]")
    assert "documents have a column" in only(reading, "MAN007").message
