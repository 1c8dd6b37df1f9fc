"""Stages that join, tag, cluster, expand and write: each against a plain-Python oracle."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from llm_servers import KEY, ProtocolServer
from packages import HASH_EMBEDDER, SENTENCE_WRITER
from platform_host import LocalServices
from starlette.testclient import TestClient
from test_api import TOKEN

from mixpeek_lab.api import create_app
from mixpeek_lab.errors import (
    FilterError,
    InvalidInputError,
    LLMSchemaError,
    NotFoundError,
    RetrieverError,
)
from mixpeek_lab.llm import LLMRequest
from mixpeek_lab.models import Hit, SearchResult
from mixpeek_lab.retrievers import Reach, parse_retriever
from mixpeek_lab.retrievers.bodies import checked
from mixpeek_lab.retrievers.stages import AVAILABLE, Outcome, StageContext
from mixpeek_lab.retrievers.stages.tokens import count, cut
from mixpeek_lab.testing import FakeLLM
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

URI = "mixpeek://hash_embedder@1.0.0/hash_embedding"
WATER = ["river", "boat", "ship", "wave", "flow", "harbour"]
MONEY = ["bank", "money", "loan", "coin", "rate", "bond"]
NODES = [
    {
        "_id": "t0",
        "text": " ".join(WATER),
        "node_id": "water",
        "label": "Water",
        "parent_id": "top",
    },
    {
        "_id": "t1",
        "text": " ".join(MONEY),
        "node_id": "money",
        "label": "Money",
        "parent_id": "top",
    },
    {"_id": "t2", "text": "river bank", "node_id": "shore", "label": "Shore", "parent_id": "water"},
    {"_id": "t3", "text": "zebra quartz", "node_id": "top", "label": "All"},
]
WRITER = {"inference_name": "sentence_writer"}


def rows(random: Random, size: int) -> list[dict[str, Any]]:
    found = []
    for i in range(size):
        words = WATER if i % 2 else MONEY
        text = " ".join(random.choices(words, k=random.randint(2, 6))) + f" id{i}"
        found.append({"_id": f"r{i:02}", "text": text, "title": f"Title {i}",
                      "code": random.choice(["a", "A", "b", "c", None]),
                      "number": random.choice([1, 2, 3, None]),
                      "tags": random.sample(["x", "y", "z"], random.randint(0, 2))})  # fmt: skip
    return found


OTHERS = [
    {"_id": f"o{i}", "text": f"other {i}", "code": code, "price": i * 1.5, "number": i % 3}
    for i, code in enumerate(["a", "b", "b", "A", "z", "x", "y", "x"])
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab's home with `docs`, `others` to join, and the taxonomy `topics`."""
    place = tmp_path_factory.mktemp("enrich") / "home"
    lab = Lab(place)
    for package in (HASH_EMBEDDER, SENTENCE_WRITER):
        assert lab.load(package).is_kept
    for name, made in (("docs", rows(Random(5), 40)), ("others", OTHERS), ("topics", NODES)):
        lab.bucket(f"b_{name}", made)
        lab.process(f"b_{name}", "hash_embedder", name, engine="kernel")
    return place


@pytest.fixture(scope="module")
def lab(home: Path) -> Lab:
    return Lab(home)


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProtocolServer]:
    """A language model on loopback; `says` gives its answer to a request's body."""
    server = ProtocolServer("openai")
    monkeypatch.setenv("MIXPEEK_LAB_LLM_OPENAI_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield server
    server.close()


def body(*stages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    searches = [{"feature_uri": URI, "top_k": 40}]
    return {"name": "r", "collection": "docs", "searches": searches, "final_top_k": 40,
            "stages": list(stages), **more}  # fmt: skip


def found(lab: Lab, *stages: Mapping[str, Any], query: Any = "river money") -> SearchResult:
    return lab.search(body(*stages), query)


def hit(name: str, score: float = 0.5, **fields: Any) -> Hit:
    return Hit(name, "col", 1, score, fields, {})


def run(
    stage_id: str, hits: Sequence[Hit], reach: Reach | None = None, text: str = "q", **given: Any
) -> Outcome:
    """A stage as the plain function that it is."""
    stage = AVAILABLE[stage_id]
    parameters = checked(stage.parameters, given, stage_id, stage.names)
    context = StageContext("mine", {"query": text}, text, lambda *_: [], {}, reach or Reach())
    return stage.run(hits, parameters, context)


def reaching(llm: FakeLLM) -> Reach:
    return Reach(llm=lambda request: asyncio.run(llm.process(request)))


# ---------------------------------------------------------------- document_enrich

JOIN = {"target_collection_id": "others", "target_field": "code", "output_field": "joined"}


@pytest.mark.parametrize("source", ["code", "tags", "number"])
@pytest.mark.parametrize("multiple", [False, True])
@pytest.mark.parametrize("allow_missing", [False, True])
def test_a_join_is_a_join(lab: Lab, source: str, multiple: bool, allow_missing: bool) -> None:
    target = "number" if source == "number" else "code"
    stage = {**JOIN, "source_field": source, "target_field": target, "multiple": multiple,
             "limit": 2, "allow_missing": allow_missing,
             "fields_to_merge": ["_id", "price"]}  # fmt: skip
    before = found(lab).hits
    expected = {}
    for document in before:
        value = document.fields[source]
        own = value if isinstance(value, list) else [] if value is None else [value]
        matching = [o for v in own for o in OTHERS if o[target] == v]
        taken = [{"_id": o["_id"], "price": o["price"]} for o in matching]
        if taken or allow_missing:
            expected[document.document_id] = taken[:2] if multiple else (taken or [None])[0]
    after = found(lab, {"document_enrich": stage})
    assert {h.document_id: h.fields["joined"] for h in after.hits} == expected
    order = [h.document_id for h in before if h.document_id in expected]
    assert [h.document_id for h in after.hits] == order
    assert 0 < len(expected) <= 40


def test_joins_merge_append_and_choose(lab: Lab) -> None:
    root = {**JOIN, "output_field": None, "source_field": "code", "when": {"code": "b"}}
    after = found(lab, {"document_enrich": root}).hits
    for document in after:
        assert document.document_id.startswith("doc_")
        assert (document.fields.get("price") == 1.5) == (document.fields["code"] == "b")
    appended = {**JOIN, "output_field": "tags", "source_field": "code", "strategy": "append",
                "fields_to_merge": ["price"]}  # fmt: skip
    for before, document in zip(after, found(lab, {"document_enrich": appended}).hits, strict=True):
        more = {"a": [{"price": 0.0}], "b": [{"price": 1.5}], "A": [{"price": 4.5}]}
        extra = more.get(before.fields["code"], [])
        own = list(document.fields["tags"] or [])
        assert own[len(own) - len(extra) :] == extra


def test_a_retriever_joins(lab: Lab) -> None:
    config = {"collection": "topics", "searches": [{"feature_uri": URI}]}
    stage = {"retriever_config": config, "retriever_inputs": {"query": "{{DOC.data}}"},
             "output_field": "topic", "fields_to_merge": ["label", "score"]}  # fmt: skip
    for document in found(lab, {"document_enrich": stage}).hits[:5]:
        best = lab.search({"name": "t", **config}, document.fields["data"], limit=1).hits[0]
        assert document.fields["topic"] == {"label": best.fields["label"], "score": best.score}


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"source_field": "code"}, RetrieverError, "give target_collection_id, source_field and"),
        ({**JOIN, "output_field": None, "source_field": "code", "multiple": True},
         RetrieverError, "a list needs an output_field"),
        ({**JOIN, "source_field": "code", "when": {"field": "x", "operator": "is"}},
         FilterError, "when"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined(lab: Lab, given: Any, error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        found(lab, {"document_enrich": given})
    stage = {**JOIN, "target_collection_id": "othrs", "source_field": "code"}
    with pytest.raises(NotFoundError, match=r"collection called 'othrs'\. Did you mean 'others'"):
        found(lab, {"document_enrich": stage})


def test_a_retriever_that_joins_itself_ends(lab: Lab) -> None:
    stage = {"retriever_id": "loop", "retriever_inputs": {"query": "x"}, "output_field": "y"}
    lab.retriever("loop", body({"document_enrich": stage}))
    with pytest.raises(RetrieverError, match="does a retriever ask itself"):
        lab.search("loop", "river")


# ---------------------------------------------------------------- taxonomy_enrich, cluster


def stored_vectors(lab: Lab, texts: Sequence[str]) -> Any:
    return np.array([lab.infer("hash_embedder", {"text": text})["embedding"] for text in texts])


def test_the_nearest_nodes(lab: Lab) -> None:
    stage = {"taxonomy_id": "topics", "top_k": 2, "min_confidence": 0.2, "result_field": "topic",
             "fields": [{"field_path": "label", "target_field": "label"}]}  # fmt: skip
    hits = found(lab, {"taxonomy_enrich": stage}).hits
    nodes = stored_vectors(lab, [str(node["text"]) for node in NODES])
    own = stored_vectors(lab, [hit.fields["data"] for hit in hits])
    cosines = own @ nodes.T  # both of length 1
    assert len(hits) == 40
    for document, row in zip(hits, cosines, strict=True):
        best = [i for i in np.argsort(-row, kind="stable")[:2] if row[i] >= 0.2]
        told = document.fields["topic"]
        assert [node["id"] for node in told["all"]] == [NODES[i]["node_id"] for i in best]
        assert [n["confidence"] for n in told["all"]] == pytest.approx(row[best].tolist(), abs=1e-5)
        if not best:
            assert (told["primary"], document.fields.get("label")) == (None, None)
            continue
        first = NODES[best[0]]
        path = {"water": "All > Water", "money": "All > Money", "shore": "All > Water > Shore",
                "top": "All"}  # fmt: skip
        assert told["path"] == path[str(first["node_id"])]
        assert document.fields["label"] == first["label"]
    assert {len(h.fields["topic"]["ancestors"]) for h in hits if h.fields["topic"]["all"]} <= {
        0,
        1,
        2,
    }


def blobs(random: np.random.Generator, sizes: Sequence[int]) -> tuple[list[Hit], dict[str, Any]]:
    """Documents around a few directions, shuffled."""
    words = ["water", "money", "forest"]
    made = []
    for place, size in enumerate(sizes):
        centre = np.zeros(8)
        centre[place] = 10.0
        for i in range(size):
            name = f"{words[place]}{i}"
            text = f"{words[place]} the text"
            made.append((hit(name, content=text), centre + random.normal(scale=0.5, size=8)))
    random.shuffle(made)
    return [h for h, _ in made], {h.document_id: vector for h, vector in made}


@pytest.mark.parametrize("algorithm", ["kmeans", "hdbscan", "agglomerative"])
@pytest.mark.parametrize("seed", range(3))
def test_clusters_are_found_again(algorithm: str, seed: int) -> None:
    hits, vectors = blobs(np.random.default_rng(seed), [14, 9, 6])
    reach = Reach(vectors=lambda _uri, ids: {key: vectors[key] for key in ids})
    more = {} if algorithm == "hdbscan" else {"n_clusters": 3}
    given = {"algorithm": algorithm, **more}
    labeled = run("cluster", hits, reach, output_mode="labeled", **given)
    assert [h.document_id for h in labeled.hits] == [h.document_id for h in hits]
    sizes = {"water": 14, "money": 9, "forest": 6}
    for document in labeled.hits:
        told = document.fields["cluster"]
        if told["cluster_id"] == -1:
            assert algorithm == "hdbscan"
            continue
        word = document.document_id.rstrip("0123456789")
        assert told["label"].startswith(word)
        assert told["cluster_id"] == list(sizes).index(word)
    kept = [h for h in labeled.hits if h.fields["cluster"]["cluster_id"] >= 0]
    assert len(kept) > 20
    summary = run("cluster", hits, reach, **given)
    for made in summary.hits[:3]:
        own = [
            v / np.linalg.norm(v)
            for v in (vectors[m["document_id"]] for m in made.fields["members"])
        ]
        centre = np.mean(own, axis=0)
        assert made.fields["centroid"] == pytest.approx(centre.tolist())
        distances = [m["cluster"]["distance_to_centroid"] for m in made.fields["members"]]
        assert distances == sorted(distances) == pytest.approx(
            [float(np.linalg.norm(v - centre)) for v in own]
        )  # fmt: skip
    one_each = run("cluster", hits, reach, output_mode="representatives", **given)
    first = [made.fields["members"][0]["document_id"] for made in summary.hits[:3]]
    assert [h.document_id for h in one_each.hits] == first
    assert [c["member_count"] for c in summary.output["clusters"]] == [
        len(made.fields["members"]) for made in summary.hits[:3]
    ]


def test_documents_without_a_vector_and_few_documents() -> None:
    hits, vectors = blobs(np.random.default_rng(0), [4, 4])
    lacking = hits[0].document_id
    reach = Reach(vectors=lambda _uri, ids: {k: vectors[k] for k in ids if k != lacking})
    outcome = run("cluster", hits, reach, algorithm="kmeans", n_clusters=2, output_mode="labeled")
    assert outcome.hits[0].fields["cluster"] == {"cluster_id": -1, "label": "outliers"}
    assert "1 of 8 documents have no vector" in outcome.warnings[0]
    without = run("cluster", hits, reach, algorithm="kmeans", n_clusters=2, include_outliers=False,
                  output_mode="labeled")  # fmt: skip
    assert len(without.hits) == 7
    assert list(run("cluster", hits[1:2], reach).hits) == hits[1:2]


def test_a_model_names_clusters() -> None:
    hits, vectors = blobs(np.random.default_rng(1), [6, 5])
    llm = FakeLLM(lambda r: "  Water works\n" if "water" in r.instruction else "Banking")
    reach = replace(reaching(llm), vectors=lambda _uri, ids: {key: vectors[key] for key in ids})
    outcome = run("cluster", hits, reach, algorithm="kmeans", n_clusters=2, label_clusters=True,
                  provider="anthropic")  # fmt: skip
    assert [h.fields["label"] for h in outcome.hits] == ["Water works", "Banking"]
    assert {request.provider for request in llm.requests} == {"anthropic"}


# ---------------------------------------------------------------- rag_prepare, tokens


WORDS = [*WATER, "überlegung", "42", "—"]


def texts_of(random: Random, size: int) -> list[Hit]:
    made = []
    for i in range(size):
        content = " ".join(random.choices(WORDS, k=random.randint(0, 30)))
        made.append(hit(f"d{i}", random.random(), content=content, title=f"T{i}"))
    return made


def test_tokens_add_up() -> None:
    random = Random(3)
    for _ in range(200):
        text = "".join(random.choices("abc DEF\n9.—é_", k=random.randint(0, 60)))
        place = random.randint(0, len(text))
        assert count(text) <= count(text[:place]) + count(text[place:])
        most = random.randint(0, 20)
        beginning = cut(text, most)
        assert text.startswith(beginning)
        assert count(beginning) <= most
        assert beginning == text or count(text) > most


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("strategy", ["priority_truncate", "proportional", "drop_last"])
def test_a_context_within_its_budget(seed: int, strategy: str) -> None:
    random = Random(seed)
    hits, most = texts_of(random, random.randint(1, 9)), random.choice([1, 12, 40, 90, 5000])
    outcome = run(
        "rag_prepare", hits, max_tokens=most, truncation_strategy=strategy, separator="; "
    )
    [made] = outcome.hits
    context = made.fields["rag_context"]
    assert count(context) <= most
    order = sorted(hits, key=lambda h: -h.score) if strategy == "priority_truncate" else hits
    written = [f"[{i}] {h.fields['content']}\n\n" for i, h in enumerate(order, start=1)]
    expected: list[str] = []
    left = most
    for place, text in enumerate(written):
        if strategy == "proportional":
            piece = cut(text, (most - count("; ") * (len(written) - 1)) // len(written))
            expected += [piece] if piece.strip() or piece == text else []
            continue
        left -= count("; ") if place else 0
        piece = text if strategy == "drop_last" and count(text) <= left else cut(text, left)
        if piece != text and (strategy == "drop_last" or not piece.strip()):
            break
        expected.append(piece)
        left -= count(piece)
        if piece != text:
            break
    assert context == "; ".join(expected)
    assert len(made.fields["citations"]) == len(expected)
    if len(expected) < len(hits) or any(e not in written for e in expected):
        assert "to keep to max_tokens" in outcome.warnings[0]
    assert outcome.output["citations"] == made.fields["citations"]


def test_citations_and_lists() -> None:
    hits = [hit("a", content="one", title="A", url="http://x/a"), hit("b", data="two")]
    styles = {"numbered": "[2]", "bracketed": "[b]", "footnote": "²", "none": ""}
    for style, mark in styles.items():
        template, cited = "{{CONTEXT.CITATION}}|{{DOC.content}}", {"style": style}
        outcome = run("rag_prepare", hits, document_template=template,
                      citation={**cited, "include_url": True},
                      output_mode="formatted_list")  # fmt: skip
        assert outcome.hits[1].fields["formatted_content"] == f"{mark}|two"
        assert outcome.hits[1].fields["citations"][0]["citation"] == mark
    first = outcome.hits[0].fields["citations"][0]
    assert (first["title"], first["url"], first["document_id"]) == ("A", "http://x/a", "a")
    assert [h.document_id for h in outcome.hits] == ["a", "b"]
    assert list(run("rag_prepare", []).hits) == []


# ---------------------------------------------------------------- summarize


def test_a_summary_of_all_of_each_group_and_of_each() -> None:
    hits = [hit(f"d{i}", 1 - i / 10, content=f"text {i}", kind="ab"[i % 2]) for i in range(5)]
    llm = FakeLLM(lambda request: f"about {request.instruction.count('text')}")
    outcome = run("summarize", hits, reaching(llm), text="what?", model="claude-x",
                  prompt="{{INPUT.query}} {{DOC_COUNT}}\n{{DOCUMENTS}}", max_tokens=99)  # fmt: skip
    [request] = llm.requests
    listed = "".join(f"[{i}] text {i - 1}\n" for i in range(1, 6))
    assert request.instruction == f"what? 5\n{listed}"
    assert (request.provider, request.model, request.max_tokens) == ("anthropic", "claude-x", 99)
    [made] = outcome.hits
    assert made.fields["summary"] == outcome.output["summary"] == "about 5"
    assert made.fields["source_document_ids"] == [h.document_id for h in hits]
    llm = FakeLLM(lambda request: request.instruction)
    grouped = run("summarize", hits, reaching(llm), group_by="kind", prompt="{{GROUP_VALUE}}:")
    assert [h.fields["summary"] for h in grouped.hits] == [
        "a:\n\n[1] text 0\n[2] text 2\n[3] text 4\n", "b:\n\n[1] text 1\n[2] text 3\n",
    ]  # fmt: skip
    assert [s["group_value"] for s in grouped.output["summaries"]] == ["a", "b"]
    each = run("summarize", hits, reaching(llm), mode="per_document", prompt="{{DOC.kind}}")
    assert each.hits[1].fields["summary"] == "b\n\n[1] text 1\n"
    assert run("summarize", [], reaching(llm)).hits == []


def test_a_summary_within_its_budget_and_schema() -> None:
    hits = [hit(f"d{i}", i, content="river " * 20) for i in range(9)]
    llm = FakeLLM({"points": ["x"]})
    schema = {"type": "object", "required": ["points"]}
    outcome = run("summarize", hits, reaching(llm), max_input_tokens=60, output_schema=schema)
    assert outcome.hits[0].fields["summary"] == {"points": ["x"]}
    assert (outcome.hits[0].fields["document_count"], len(outcome.warnings)) == (2, 1)
    smart = run("summarize", hits, reaching(llm), max_input_tokens=60, truncation_strategy="smart")
    assert smart.hits[0].fields["source_document_ids"] == ["d8", "d7", "d6"]
    with pytest.raises(LLMSchemaError):
        run("summarize", hits, reaching(FakeLLM({"no": 1})), output_schema=schema)


def test_a_language_model_and_an_extractor_answer(lab: Lab, openai: ProtocolServer) -> None:
    openai.says = json.dumps
    stage = {"summarize": {"provider": "openai", "prompt": "In short: {{INPUT.query}}"}}
    [made] = found(lab, stage).hits
    assert "In short: river money" in made.fields["summary"]
    assert openai.calls == 1
    [written] = found(lab, {"summarize": {**WRITER, "prompt": "so:{{DOCUMENTS}}"}}).hits
    assert written.fields["summary"].startswith("SO:[1] ")
    skipped = body({"summarize": {"provider": "anthropic"}, "on_error": "skip"})
    result = lab.search(skipped, "river")
    assert len(result.hits) == 40
    assert any("was skipped" in warning for warning in result.warnings)


# ---------------------------------------------------------------- query_expand


def rankings(lab: Lab, queries: Sequence[str], size: int) -> list[list[tuple[str, float]]]:
    plain = {key: value for key, value in body().items() if key != "stages"}
    return [
        [(h.document_id, h.score) for h in lab.search(plain, query, limit=size).hits]
        for query in queries
    ]


@pytest.mark.parametrize("strategy", ["rrf", "linear", "max"])
@pytest.mark.parametrize(
    "config", [None, {"feature_uri": URI, "query": {"text": "{{INPUT.query}}"}}]
)
def test_expanded_queries_are_fused(
    lab: Lab, openai: ProtocolServer, strategy: str, config: Any
) -> None:
    openai.says = lambda _: "1. boat harbour\n- coin rate\n\nBOAT HARBOUR\nriver money\n"
    stage = {"provider": "openai", "num_expansions": 2, "fusion_strategy": strategy, "top_k": 7}
    more = {} if config is None else {"feature_search_config": config}
    result = found(lab, {"query_expand": {**stage, **more}})
    queries = ["river money", "boat harbour", "coin rate"]
    found_by = rankings(lab, queries, 7)
    if config is None:
        found_by[0] = rankings(lab, queries[:1], 40)[0]  # what came in
    scores: dict[str, float] = {}
    for ranking in found_by:
        for rank, (key, score) in enumerate(ranking, start=1):
            gain = {"rrf": 1 / (60 + rank), "linear": score / 3, "max": score}[strategy]
            before = scores.get(key, 0.0)
            scores[key] = max(before, gain) if strategy == "max" else before + gain
    expected = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    assert {h.document_id: h.score for h in result.hits} == pytest.approx(dict(expected))
    best = [round(score, 9) for _, score in expected]
    assert [round(h.score, 9) for h in result.hits] == best
    assert result.output["expanded_queries"] == queries[1:]
    ranks = result.hits[0].effects[-1].found["ranks"]
    for query, ranking in zip(queries, found_by, strict=True):
        ids = [key for key, _ in ranking]
        first = result.hits[0].document_id
        assert ranks.get(query) == (ids.index(first) + 1 if first in ids else None)


def test_a_retriever_may_begin_with_it(lab: Lab, openai: ProtocolServer) -> None:
    openai.says = lambda _: "boat harbour"
    config = {"feature_uri": URI, "query": {"text": "{{INPUT.query}}"}, "top_k": 9}
    parameters = {"model": "gpt-4o-mini", "feature_search_config": config, "num_expansions": 1}
    for stage in (
        {"query_expand": parameters},
        {"stage_type": "filter", "stage_id": "query_expand", "parameters": parameters},
        {"stage_name": "more", "config": {"stage_id": "query_expand", "parameters": parameters}},
    ):
        retriever = {"name": "r", "collection_identifiers": ["docs"], "stages": [stage]}
        spec = parse_retriever(retriever)
        assert [leg.top_k for leg in spec.searches] == [9]
        assert parse_retriever(spec.as_dict()) == spec
        result = lab.search(retriever, "coin rate")
        assert result.output["expanded_queries"] == ["boat harbour"]
        ids = {
            key for ranking in rankings(lab, ["coin rate", "boat harbour"], 9) for key, _ in ranking
        }
        assert {h.document_id for h in result.hits} == ids
    bare = {"name": "r", "collection": "docs", "stages": [{"query_expand": {}}]}
    with pytest.raises(RetrieverError, match="begins with feature_search"):
        parse_retriever(bare)


def test_models_filter_and_enrich(lab: Lab, openai: ProtocolServer) -> None:
    def says(sent: dict[str, Any]) -> str:
        asked = sent["messages"][-1]["content"]
        if "Begin your answer" in str(asked):
            return "Yes, wet." if any(word in str(asked) for word in WATER) else "No."
        return f"seen: {asked}"

    openai.says = says
    model = {"provider": "openai", "model_name": "gpt-4o"}
    wet = found(lab, {"llm_filter": {**model, "criteria": "Is it about water?"}}).hits
    expected = [h for h in found(lab).hits if set(h.fields["data"].split()) & set(WATER)]
    assert [h.document_id for h in wet] == [h.document_id for h in expected]
    prompt = {"prompt": "{{DOC.title}}", "output_field": "said"}
    for document in found(lab, {"llm_enrich": {**model, **prompt}}).hits[:3]:
        assert document.fields["said"].endswith(document.fields["title"])


def test_answers_with_no_queries_leave_the_query() -> None:
    hits = [hit("a", 2.0), hit("b", 1.0)]
    for answer in ("", "q\n Q ", '["q"]', "{}"):
        outcome = run("query_expand", hits, replace(reaching(FakeLLM(answer)),
                      search=lambda *_: pytest.fail("nothing to search")))  # fmt: skip
        assert [h.document_id for h in outcome.hits] == ["a", "b"]
        assert "0 of 3 queries" in outcome.warnings[0]


def test_a_query_from_a_model_is_text_only(lab: Lab, openai: ProtocolServer) -> None:
    openai.says = lambda _: "{{INPUT.secret}}\n{% for x in y %}"
    result = found(lab, {"query_expand": {"provider": "openai"}})
    assert result.output["expanded_queries"] == ["{{INPUT.secret}}", "{% for x in y %}"]


# ---------------------------------------------------------------- agentic_enrich

SCHEMA = {"type": "object", "required": ["topic"],
          "properties": {"topic": {"enum": ["water", "money"]}}}  # fmt: skip
AGENT = {"system_prompt": "Classify {{DOC.data}}", "output_schema": SCHEMA,
         "output_field": "topic", "max_documents": 3, "provider": "openai"}  # fmt: skip


def test_an_agent_looks_things_up(lab: Lab, openai: ProtocolServer) -> None:
    def says(sent: dict[str, Any]) -> str:
        text = json.dumps(sent)
        if "Result:" not in text:
            return '```json\n{"tool": "get_taxonomy_categories"}\n```'
        if "get_taxonomy_categories" in text and "query_examples" not in text.split("You:")[-1]:
            turns = text.count("You:")
            if turns == 1:
                return '{"tool": "query_examples", "arguments": {"limit": 2}}'
        turns = text.count("You:")
        if turns == 2:
            return '{"answer": {"topic": "sand"}}'
        word = text.split("Classify ")[1].split()[0]
        return json.dumps({"answer": {"topic": "water" if word in WATER else "money"}})

    openai.says = says
    stage = {**AGENT, "taxonomy_id": "topics", "example_collection_ids": ["others"]}
    result = found(lab, {"agentic_enrich": stage})
    for document in result.hits[:3]:
        word = document.fields["data"].split()[0]
        assert document.fields["topic"] == {"topic": "water" if word in WATER else "money"}
        turns = document.effects[-1].found["turns"]
        assert len(turns) == 4
        assert '"label": "Water"' in turns[0]["result"]
        assert turns[1]["result"].count('"score"') == 2
        assert "did not meet the schema" in turns[2]["result"]
    assert "topic" not in result.hits[3].fields
    assert any("37 documents beyond max_documents" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no idea", "That is not JSON"),
        ("[1]", "That is no object|not JSON"),
        ('{"tool": "rm"}', "There is no tool 'rm'; there are: analyze_content"),
        ('{"tool": "analyze_content", "arguments": 3}', "arguments must be an object"),
    ],
)
def test_an_agent_that_never_answers(said: str, told: str) -> None:
    given = {**AGENT, "max_turns": 2, "system_prompt": "x"}
    llm = FakeLLM(said)
    outcome = run("agentic_enrich", [hit("a", data="boat")], reaching(llm), **given)
    assert outcome.hits[0].fields["topic"] is None
    assert "1 documents got no answer. a: no answer in 2 turns" in outcome.warnings[0]
    assert len(llm.requests) == 2
    assert "last turn" in llm.requests[-1].instruction
    assert re.search(told, outcome.found["a"]["turns"][0]["result"])


def test_a_second_model_analyses() -> None:
    def answer(request: LLMRequest) -> str:
        if request.provider == "google":
            return "It is wet."
        is_first = "Result:" not in request.instruction
        told = '{"tool": "analyze_content", "arguments": {"question": "Wet?"}}'
        return told if is_first else '{"answer": {"topic": "water"}}'

    llm = FakeLLM(answer)
    given = {**AGENT, "analysis_provider": {"provider": "google", "model_name": "gemini-2.5-flash"}}
    outcome = run("agentic_enrich", [hit("a", data="boat")], reaching(llm), **given)
    assert outcome.hits[0].fields["topic"] == {"topic": "water"}
    assert outcome.found["a"]["turns"][0]["result"] == "It is wet."


# ---------------------------------------------------------------- over HTTP, and written down


def test_over_http_as_in_the_kernel(home: Path, lab: Lab) -> None:
    stages = [
        {"document_enrich": {**JOIN, "source_field": "code"}},
        {"taxonomy_enrich": {"taxonomy_id": "topics"}},
        {"query_expand": {**WRITER, "expansion_prompt": "boat\nbond\nflow"}},
        {"sql_lookup": {"query": "SELECT price FROM others WHERE code = $1",
                        "parameters": {"code": "{{DOC.code}}"}}},
        {"cluster": {"algorithm": "kmeans", "n_clusters": 4, "output_mode": "labeled"}},
        {"summarize": {**WRITER, "mode": "per_document", "prompt": "{{DOC.title}}"}},
        {"rag_prepare": {"max_tokens": 50, "document_template": "{{CITATION}} {{DOC.summary}}\n"}},
    ]  # fmt: skip
    here = found(lab, *stages)
    http = TestClient(create_app(Backend(home, LocalServices(home)), TOKEN),
                      base_url="http://127.0.0.1")  # fmt: skip
    headers = {"authorization": f"Bearer {TOKEN}"}
    made = http.post("/v1/retrievers", json=body(*stages, name="all"), headers=headers)
    assert made.status_code == 200, made.text
    answer = http.post("/v1/retrievers/all/execute", json={"query": "river money"}, headers=headers)
    there = answer.json()
    assert there["rag_context"] == here.output["rag_context"]
    assert there["documents"][0]["citations"] == here.hits[0].fields["citations"]
    assert there["expanded_queries"] == here.output["expanded_queries"]
    assert there["clusters"] == here.output["clusters"]
    assert list(there["stage_statistics"]["stages"])[1:] == [next(iter(stage)) for stage in stages]


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ({"summarize": {"provider": "acme"}}, "provider"),
        ({"query_expand": {"num_expansions": 11}}, "num_expansions"),
        ({"cluster": {"algorithm": "magic"}}, "algorithm"),
        ({"rag_prepare": {"citation": {"stil": "x"}}}, r"citation\.stil"),
        ({"taxonomy_enrich": {}}, "taxonomy_id is missing"),
        ({"agentic_enrich": {"system_prompt": "x"}}, "output_schema is missing"),
        ({"document_enrich": {"strategy": "merge"}}, "strategy"),
    ],
)
def test_what_is_written_wrong(stage: Mapping[str, Any], told: str) -> None:
    with pytest.raises(RetrieverError, match=told):
        parse_retriever(body(stage))


@pytest.mark.parametrize("stage_id", ["summarize", "query_expand", "cluster", "rag_prepare"])
def test_no_parameters_are_the_defaults(stage_id: str) -> None:
    [spec] = parse_retriever(body({stage_id: None})).stages
    assert spec.parameters == AVAILABLE[stage_id].parameters()


def test_an_answer_and_a_schema_that_are_none(lab: Lab) -> None:
    stage = {**WRITER, "output_schema": {"type": "object"}}
    with pytest.raises(LLMSchemaError, match=r"^sentence_writer did not meet the schema: "):
        found(lab, {"summarize": stage})
    with pytest.raises(InvalidInputError, match="schema is no JSON Schema"):
        found(lab, {"summarize": {**stage, "output_schema": {"type": "nonsense"}}})
    nested = {"searches": [{"lexical": True}], "stages": [{"query_expand": WRITER}]}
    with pytest.raises(RetrieverError, match="it has searches, and no stages"):
        found(lab, {"query_expand": {**WRITER, "feature_search_config": nested}})


def test_what_is_written_survives_json() -> None:
    stages = [
        {"summarize": {"model": "gpt-4o", "prompt": "{{INPUT.q}}"}},
        {"query_expand": {"feature_search_config": {"feature_uri": URI, "query": "{{INPUT.q}}"}}},
        {"cluster": {"num_clusters": 3, "feature_uri": URI}},
        {"rag_prepare": {"citation": {"style": "none"}}},
        {"taxonomy_enrich": {"taxonomy_id": "{{INPUT.t}}"}},
    ]
    spec = parse_retriever(body(*stages))
    assert parse_retriever(json.loads(json.dumps(spec.as_dict()))) == spec
    assert spec.stages[0].parameters.model == ("openai", "gpt-4o")
