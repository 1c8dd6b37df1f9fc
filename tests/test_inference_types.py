"""Inference types: every type's real answers, checked, in this process and over the API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from packages import BY_TYPE

from mixpeek_lab.api import create_app
from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import ExtractorRunError, InvalidInputError, NotFoundError
from mixpeek_lab.loader import load_service
from mixpeek_lab.loader.contracts import CONTRACTS, check_answer, read_verdict, samples
from mixpeek_lab.models import INFERENCE_TYPES, Feature, Manifest
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

NAN, INF = float("nan"), float("inf")
PAIRS = {"pairs": [["q", "a"], ["q", "b"]]}
TEXT = {"text": "x"}
PROMPT = {"prompt": "x"}
TWO = (Feature.embedding("first", 2), Feature.embedding("second", 3))
TOPIC = (Feature.classification("topic", ["a", "b"]),)


def manifest(kind: Any, *features: Feature) -> Manifest:
    return Manifest("mine", "1.0.0", "v1", features=features, inference_type=kind)


def label(name: Any, confidence: Any) -> dict[str, Any]:
    return {"labels": [{"label": name, "confidence": confidence}]}


# ---------------------------------------------------------------- the contracts themselves


@pytest.mark.parametrize(
    ("kind", "features", "inputs", "answer"),
    [
        ("embedding", TWO[:1], TEXT, {"embedding": [1, 0.5]}),
        ("embedding", TWO[:1], TEXT, {"vector": np.ones(2, np.float32)}),
        ("embedding", TWO[:1], TEXT, {"embeddings": [[1.0, 2.0]]}),
        ("embedding", TWO, TEXT, {"first": [1.0, 2.0], "second_embedding": (1, 2, 3)}),
        ("embedding", TWO, {**TEXT, "vector_index": "second"}, {"embedding": [1, 2, 3]}),
        ("embedding", TWO[:1], {"texts": ["x", "y"]}, {"embeddings": np.ones((2, 2))}),
        ("embedding", TWO[:1], {"texts": ["x", "y"]}, {"first": [[1, 2], [3, 4]]}),
        ("embedding", (), TEXT, {"embedding": [1, 2, 3, 4]}),
        ("rerank", (), PAIRS, {"scores": [0.5, -3]}),
        ("rerank", (), PAIRS, {"scores": np.array([0.5, 2]), "model": "m"}),
        ("rerank", (), {"pairs": []}, {"scores": []}),
        ("classify", TOPIC, TEXT, label("a", 0.5)),
        ("classify", (), TEXT, label("anything", np.float32(1.0000001))),
        ("classify", TOPIC, TEXT, {"labels": []}),
        ("generate", (), PROMPT, {"text": ""}),
        ("generate", (), {**PROMPT, "document": {}}, {"keep": False, "reason": "no"}),
        ("generate", (), {**PROMPT, "document": {}}, {"keep": np.bool_(True)}),
        ("general", (), TEXT, {"a": [1, {"b": None}], "c": np.int64(3)}),
        (None, (), TEXT, {"anything": "goes"}),
    ],
)
def test_answers_that_keep_the_contract(
    kind: Any, features: tuple[Feature, ...], inputs: dict[str, Any], answer: dict[str, Any]
) -> None:
    found = check_answer(manifest(kind, *features), inputs, answer)
    assert set(found) == set(answer)


BREACHES = [
    ("embedding", TWO[:1], TEXT, {"result": [1, 2]}, "there is no vector in it for 'first'"),
    ("embedding", TWO[:1], TEXT, {}, "answered {}: there is no vector"),
    ("embedding", TWO[:1], TEXT, {"embedding": [1, 2, 3]}, "3 numbers, and embedding_dim is 2"),
    ("embedding", TWO[:1], TEXT, {"embedding": [1, NAN]}, "embedding[1] is nan, not a finite"),
    ("embedding", TWO[:1], TEXT, {"embedding": [1, "2"]}, "embedding[1] is '2', not a number"),
    ("embedding", TWO[:1], TEXT, {"embedding": [1, True]}, "embedding[1] is True, not a number"),
    ("embedding", TWO[:1], TEXT, {"embedding": [[1, 2]]}, "a list of 1 vector, not one vector"),
    ("embedding", TWO[:1], TEXT, {"embedding": []}, "not a list of numbers"),
    ("embedding", TWO[:1], TEXT, {"embeddings": []}, "embeddings is empty"),
    ("embedding", TWO[:1], TEXT, {"embedding": "x"}, "of type str, not a list"),
    (
        "embedding", TWO[:1], {"texts": ["x", "y"]}, {"embeddings": [[1, 2]]},
        "1 vector for 2 texts",
    ),
    ("embedding", TWO, TEXT, {"second": [1, 2]}, "second has 2 numbers, and embedding_dim is 3"),
    (
        "embedding", TWO, {**TEXT, "vector_index": "second"}, {"first": [1, 2]},
        "there is no vector in it for 'second'",
    ),
    ("rerank", (), PAIRS, {"score": [1, 2]}, "there is no 'scores' in it"),
    ("rerank", (), PAIRS, {"scores": [1]}, "it has 1 score for 2 pairs"),
    ("rerank", (), PAIRS, {"scores": [1, INF]}, "scores[1] is inf, not a finite number"),
    ("rerank", (), PAIRS, {"scores": [1, None]}, "scores[1] is None, not a number"),
    ("rerank", (), PAIRS, {"scores": [[1], [2]]}, "scores[0] is [1], not a number"),
    ("rerank", (), PAIRS, {"scores": 3}, "scores is of type int, not a list"),
    ("rerank", (), PAIRS, {"scores": {"a": 1}}, "scores is of type dict, not a list"),
    ("classify", TOPIC, TEXT, {"label": "a"}, "there is no 'labels' in it"),
    ("classify", TOPIC, TEXT, {"labels": ["a"]}, "labels[0] is of type str, not an object"),
    ("classify", TOPIC, TEXT, label(3, 0.5), "labels[0].label is 3, not a text"),
    ("classify", TOPIC, TEXT, label("a", None), "labels[0].confidence is None, not a number"),
    ("classify", TOPIC, TEXT, label("a", 93), "is 93, not between 0 and 1"),
    ("classify", TOPIC, TEXT, label("a", -0.1), "is -0.1, not between 0 and 1"),
    ("classify", TOPIC, TEXT, label("a", NAN), "is nan, not a finite number"),
    ("classify", TOPIC, TEXT, label("c", 0.5), "'c', and the manifest declares a, b"),
    ("generate", (), PROMPT, {"answer": "x"}, "there is no 'text' in it"),
    ("generate", (), PROMPT, {"text": 3}, "text is of type int, not a text"),
    ("generate", (), PROMPT, {"keep": True}, "there is no 'text' in it"),
    ("generate", (), {**PROMPT, "document": {}}, {"keep": "yes"}, "neither true nor false"),
    ("generate", (), {**PROMPT, "document": {}}, {"keep": True, "reason": 3}, "reason is of type"),
    ("general", (), TEXT, {"a": {1, 2}}, "a is of type set, which JSON cannot hold"),
    ("general", (), TEXT, {"a": [b"x"]}, "a[0] is of type bytes, which JSON cannot hold"),
    ("general", (), TEXT, {"a": {"b": NAN}}, "a.b is nan, not a finite number"),
    (None, (), TEXT, {"a": b"x"}, "It declares no inference_type: it takes anything"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "features", "inputs", "answer", "told"), BREACHES)
def test_a_breach_says_what_came_back_and_what_to_return(
    kind: Any, features: tuple[Feature, ...], inputs: dict[str, Any], answer: dict[str, Any],
    told: str,
) -> None:  # fmt: skip
    with pytest.raises(ExtractorRunError, match=re.escape(told)) as caught:
        check_answer(manifest(kind, *features), inputs, answer)
    message = str(caught.value)
    assert message.startswith(f"mine: realtime.py answered {str(answer)[:20]}")
    assert "Write `return {" in message
    if kind is not None:
        assert f"inference_type is {kind}: it takes {{" in message.replace("anything", "{")


def test_an_answer_that_contains_itself() -> None:
    answer: dict[str, Any] = {}
    answer["me"] = answer
    with pytest.raises(ExtractorRunError, match="contains itself"):
        check_answer(manifest("general"), TEXT, answer)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"keep": True, "reason": "r"}, (True, "r")),
        ({"keep": False}, (False, None)),
        ({"text": "Yes, it does."}, (True, "Yes, it does.")),
        ({"text": " no"}, (False, "no")),
        ({"text": "KEEP"}, (True, "KEEP")),
        ({"text": "False."}, (False, "False.")),
    ],
)
def test_verdicts(answer: dict[str, Any], verdict: tuple[bool, str | None]) -> None:
    assert read_verdict("mine", answer) == verdict


@pytest.mark.parametrize("text", ["", "Perhaps.", "yesterday", "Not sure, yes?", "42"])
def test_a_text_that_is_no_verdict(text: str) -> None:
    with pytest.raises(ExtractorRunError, match="begins with neither yes nor no"):
        read_verdict("mine", {"text": text})


def test_samples_are_what_the_platform_sends() -> None:
    assert [s["vector_index"] for s in samples(manifest("embedding", *TWO))] == [
        "first", "first", "second", "second",
    ]  # fmt: skip
    assert all(len(pair) == 2 for s in samples(manifest("rerank")) for pair in s["pairs"])
    assert all(set(s) == {"text"} for s in samples(manifest("classify")))
    assert all(set(s) == {"prompt"} for s in samples(manifest("generate")))
    assert samples(manifest("general")) == samples(manifest(None)) == ()
    assert set(CONTRACTS) == set(INFERENCE_TYPES)


# ---------------------------------------------------------------- real services, in the kernel


@pytest.fixture(scope="module")
def types_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab with an extractor of each type."""
    lab = Lab(tmp_path_factory.mktemp("types") / "home")
    for package in BY_TYPE.values():
        assert lab.load(package).is_kept
    return lab


ANSWERS = [
    ("word_reranker", {"pairs": [["river boat", "a river"], ["x", "y"]]}, {"scores": [0.5, 0.0]}),
    ("keyword_classifier", {"text": "river fox"}, label("water", 0.5)),
    ("sentence_writer", {"prompt": "hello"}, {"text": "HELLO"}),
    ("text_stats", {"text": "a river"}, {"words": 2, "longest": "river"}),
]


@pytest.mark.parametrize(("name", "inputs", "answer"), ANSWERS)
def test_lab_infer_asks_every_type(
    types_lab: Lab, name: str, inputs: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert types_lab.infer(name, inputs) == answer


@pytest.mark.parametrize("kind", [kind for kind in BY_TYPE if kind != "general"])
def test_the_samples_suit_a_real_service(types_lab: Lab, kind: str) -> None:
    record = types_lab.extractor(BY_TYPE[kind].name)
    requests = samples(record.manifest)
    assert requests
    for request in requests:
        assert types_lab.infer(record.manifest.name, request)


@pytest.mark.parametrize(
    "address",
    [
        "keyword_classifier",
        "keyword_classifier@1.2.0",
        "keyword_classifier@v1.2",
        "keyword_classifier_1_2_0",
        "mixpeek://keyword_classifier@1.2.0/topic",
        "mixpeek://keyword_classifier@v1.2/topic",
    ],
)
def test_the_spellings_of_an_extractor(types_lab: Lab, address: str) -> None:
    assert types_lab.infer(address, {"text": "bank"}) == label("money", 1.0)


@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        ("keyword_clasifier", NotFoundError, "Did you mean 'keyword_classifier'"),
        ("keyword_classifier@9.0", NotFoundError, "keyword_classifier@9.0.0"),
        ("keyword_classifier@x", InvalidInputError, "Version 'x' is not understood"),
        ("mixpeek://keyword_classifier@1.2.0/topics", NotFoundError, "Did you mean 'topic'"),
        ("mixpeek://keyword_classifier", InvalidInputError, "is not understood"),
    ],
)
def test_addresses_that_lead_nowhere(
    types_lab: Lab, address: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        types_lab.infer(address, {"text": "x"})


def test_inputs_that_are_no_object(types_lab: Lab) -> None:
    with pytest.raises(InvalidInputError, match="are objects"):
        types_lab.infer("text_stats", "a text")  # type: ignore[arg-type]


def test_a_feature_uri_tells_the_service_which_vector_is_wanted(types_lab: Lab) -> None:
    cell = """
    from shared.extractors.sdk import ExtractorManifest, Feature, InferenceService
    manifest = ExtractorManifest(
        feature_extractor_name="two_vectors", version="1.0.0", inference_type="embedding",
        features=[Feature.embedding("short", 1), Feature.embedding("long", 2)],
    )
    class Service(InferenceService):
        def infer(self, inputs, parameters):
            return {"embedding": [1.0] * (1 if inputs["vector_index"] == "short" else 2)}
    """
    defined(types_lab, "two_vectors", cell)
    assert types_lab.infer("mixpeek://two_vectors@1.0.0/long", TEXT) == {"embedding": [1.0, 1.0]}
    assert types_lab.infer("mixpeek://two_vectors@1.0.0/short", TEXT) == {"embedding": [1.0]}
    asked = {**TEXT, "vector_index": "long"}
    assert types_lab.infer("two_vectors", asked) == {"embedding": [1.0, 1.0]}


def defined(lab: Lab, name: str, cell: str) -> None:
    import textwrap

    definition = lab.define(name, textwrap.dedent(cell))
    assert definition.is_kept, definition.findings


PARROT = """
from shared.extractors.sdk import ExtractorManifest, Feature, InferenceService
manifest = ExtractorManifest(
    feature_extractor_name="parrot_{kind}", version="1.0.0", inference_type="{kind}",
    features=[{feature}],
)
class Parrot(InferenceService):
    async def infer(self, inputs, parameters):
        return parameters["answer"]
"""


@pytest.mark.parametrize(
    ("kind", "feature", "inputs", "right", "wrong", "told"),
    [
        ("embedding", 'Feature.embedding("v", 2)', TEXT, {"embedding": [1, 2]},
         {"embedding": [1]}, "embedding_dim is 2"),
        ("rerank", "", PAIRS, {"scores": [1, 2]}, {"scores": [1, 2, 3]}, "3 scores for 2 pairs"),
        ("classify", 'Feature.classification("t", labels=["a"])', TEXT, label("a", 1),
         label("b", 1), "the manifest declares a"),
        ("generate", "", PROMPT, {"text": "x"}, {"text": None}, "there is no 'text'"),
        ("general", "", TEXT, {"x": 1}, ["x"], "answered with list, not a dict"),
    ],
)  # fmt: skip
def test_the_real_answer_is_checked(
    types_lab: Lab, kind: str, feature: str, inputs: Any, right: Any, wrong: Any, told: str
) -> None:
    defined(types_lab, f"parrot_{kind}", PARROT.format(kind=kind, feature=feature))
    assert types_lab.infer(f"parrot_{kind}", inputs, {"answer": right}) == right
    with pytest.raises(ExtractorRunError, match=told) as caught:
        types_lab.infer(f"parrot_{kind}", inputs, {"answer": wrong})
    assert f"parrot_{kind}: realtime.py" in str(caught.value)


# ---------------------------------------------------------------- over the API


class LocalServices:
    """Extractor services in this process, in place of Ray Serve's handles."""

    def __init__(self, home: Path) -> None:
        self._home, self._catalog = home, Catalog(home / "catalog.sqlite")

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        source = self._catalog.extractor(name, digest=digest).source
        return await load_service(source, self._home).infer(inputs, parameters)


def post(lab: Lab, body: Any) -> httpx.Response:
    app = create_app(Backend(lab.home, LocalServices(lab.home)), "token")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"host": "127.0.0.1", "authorization": "Bearer token"}

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as client:
            url = "http://127.0.0.1/v1/inference"
            return await client.post(url, headers=headers, json=body)

    return asyncio.run(ask())


@pytest.mark.parametrize(("name", "inputs", "answer"), ANSWERS)
def test_the_api_asks_every_type(
    types_lab: Lab, name: str, inputs: dict[str, Any], answer: dict[str, Any]
) -> None:
    version = types_lab.extractor(name).manifest.version
    deployed = f"{name}_{version.replace('.', '_')}"
    for body in ({"inference_name": name}, {"inference_name": deployed, "parameters": {}}):
        found = post(types_lab, {**body, "inputs": inputs}).json()
        assert found["data"] == answer
        assert found["model"] == f"{name}@{version}"


def test_the_api_tells_a_breach(types_lab: Lab) -> None:
    defined(types_lab, "parrot_rerank", PARROT.format(kind="rerank", feature=""))
    body = {
        "inference_name": "parrot_rerank", "inputs": PAIRS, "parameters": {"answer": {"scores": []}}
    }  # fmt: skip
    answer = post(types_lab, body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["type"] == "ExtractorRunError"
    assert "0 scores for 2 pairs" in error["message"]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"inputs": TEXT}, 422, "Say which service"),
        ({"provider": "openai", "model": "gpt-4o", "inputs": PROMPT}, 422, "the lab has none"),
        ({"inference_name": "text_stats", "inputs": "x"}, 422, "are objects"),
        ({"inference_name": "text_stat", "inputs": TEXT}, 404, "Did you mean 'text_stats'"),
        ({"inference_name": "text_stats", "inputs": {}}, 422, "KeyError: 'text'"),
    ],
)
def test_requests_that_cannot_be_answered(
    types_lab: Lab, body: Any, status: int, told: str
) -> None:
    answer = post(types_lab, body)
    assert answer.status_code == status
    assert told in answer.json()["error"]["message"]
