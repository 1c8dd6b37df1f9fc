"""The stages after feature_search: written in every shape, compatible or refused, and executed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import filled_labs
import httpx
import pytest
from packages import BY_TYPE, HASH_EMBEDDER
from test_stage_frame import CHAIN

from mixpeek_lab.errors import ExtractorRunError, InvalidInputError, RetrieverError
from mixpeek_lab.models import Hit, SearchResult
from mixpeek_lab.retrievers import parse_retriever, to_explain, to_response
from mixpeek_lab.retrievers.stages import AVAILABLE, ExtractorRef, StageContext
from mixpeek_lab.source import read_source, write_source
from mixpeek_lab.widgets.cards import Results, RetrieverCard
from mixpeek_lab.widgets.playground import Playground
from mixpeek_lab.widgets.ranking import FusionChoice, delivered_choice, ranked_hits
from mixpeek_lab.workbench import Lab

TEXTS = ("river boat", "money bank", "river stone", "fox tree", "boat ship", "bank river money")
ROWS = [
    {"_id": f"r{i}", "text": text, "title": text.title(), "n": i} for i, text in enumerate(TEXTS)
]
SEARCH = {"searches": [{"feature": "hash_embedding"}, {"lexical": True}]}
URI = "mixpeek://hash_embedder@1.0.0/hash_embedding"
RERANK = {"inference_name": "word_reranker"}
CLASSIFY = {"feature_uri": "mixpeek://keyword_classifier@v1.2/topic"}
WRITER = {"inference_name": "sentence_writer"}
PROMPT = "{{DOC.title}} in {{ DOC.data }}"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab with an extractor of each type, and collection `docs`."""
    return fill(Lab(tmp_path_factory.mktemp("stages") / "home"))


def fill(lab: Lab) -> Lab:
    return filled_labs.fill(lab, ROWS, packages=BY_TYPE.values())


def body(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"collection": "docs", **SEARCH, "stages": list(stages), **more}


def texts(result: SearchResult) -> list[Any]:
    return [hit.fields["data"] for hit in result.hits]


# ---------------------------------------------------------------- written in every shape

SEED = {"stage_type": "search", "stage_id": "semantic", "feature_search": {"feature_uri": URI}}
PUBLIC = {
    "stage_name": "search",
    "stage_type": "filter",
    "config": {"stage_id": "feature_search", "parameters": {"searches": [{"feature_uri": URI}]}},
}
FLAT = {"stage_type": "filter", **PUBLIC["config"]}
LATER = {
    "short": {"rerank": {**RERANK, "top_k": 3}},
    "seed": {"stage_type": "sort", "stage_id": "rerank", "rerank": {**RERANK, "top_k": 3}},
    "public": {
        "stage_name": "rerank", "stage_type": "sort",
        "config": {"stage_id": "rerank", "parameters": {**RERANK, "top_k": 3}},
    },
    "flat": {"stage_type": "sort", "stage_id": "rerank", "parameters": {**RERANK, "top_k": 3}},
}  # fmt: skip
FIRST = {"seed": SEED, "public": PUBLIC, "flat": FLAT}


def written(first: str, later: str, stage: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A retriever whose feature_search and whose later stage are written in these shapes."""
    after = LATER[later] if stage is None else stage
    if first == "short":
        return {"collection": "docs", "searches": [{"feature_uri": URI}], "stages": [after]}
    return {"collection_ids": ["docs"], "stages": [FIRST[first], after]}


@pytest.mark.parametrize("first", ["short", *FIRST])
@pytest.mark.parametrize("later", LATER)
def test_every_shape_is_the_same_stage(first: str, later: str) -> None:
    spec = parse_retriever(written(first, later), "r")
    [stage] = spec.stages
    assert (stage.name, stage.stage_id) == ("rerank", "rerank")
    assert stage.parameters.model_dump(exclude_defaults=True) == {**RERANK, "top_k": 3}
    assert parse_retriever(json.loads(json.dumps(spec.as_dict()))) == spec


def test_no_later_stages_is_an_empty_list_too() -> None:
    assert parse_retriever(body(), "r").stages == ()


def test_a_stored_stage_has_the_public_shape() -> None:
    stage = parse_retriever(written("short", "short"), "r").as_dict()["stages"][1]
    assert (stage["stage_name"], stage["stage_type"]) == ("rerank", "sort")
    assert stage["parameters"] == stage["config"]["parameters"]
    assert stage["parameters"]["score_field"] == "scores.rerank"


def test_names_are_unique_and_other_spellings_count() -> None:
    spec = parse_retriever(
        body(
            {"rerank": {"extractor": "a", "top_n": 5, "max_concurrent_batches": 3}},
            {"rerank": {"feature_uri": "mixpeek://b@v1/x"}},
            {"stage_name": "keep", "llm_filter": {**WRITER, "criteria": "c"}},
        ),
        "r",
    )
    assert [stage.name for stage in spec.stages] == ["rerank", "rerank_2", "keep"]
    assert spec.stages[0].parameters.extractor == ExtractorRef("a", is_uri=False)
    assert spec.stages[0].parameters.top_k == 5
    assert spec.stages[1].parameters.feature_uri == "mixpeek://b@1.0.0/x"
    assert spec.stages[2].parameters.prompt == "c"


def flat(stage_id: str, **parameters: Any) -> dict[str, Any]:
    return {"stage_id": stage_id, "parameters": parameters}


@pytest.mark.parametrize(
    ("retriever", "told"),
    [
        (
            body({"rerank": {}}),
            r"^stages\[0\]\.rerank: .*inference_type 'rerank': give its feature",
        ),
        (body({"rerank": {**RERANK, "topk": 3}}), r"^stages\[0\]\.rerank\.topk: .*'top_k'"),
        (body({"rerank": {**RERANK, "top_k": 0}}), r"^stages\[0\]\.rerank\.top_k: .*got 0"),
        (body({"rerank": {**RERANK, "top_n": "3"}}), r"^stages\[0\]\.rerank\.top_n: .*integer"),
        (body(flat("rerank", feature_uri="x")), r"^stages\[0\]\.parameters\.feature_uri: .*'x'"),
        (
            written("public", "public", {"config": flat("classify", min_confidence=2, **CLASSIFY)}),
            r"^stages\[1\]\.config\.parameters\.min_confidence: .*less than or equal to 1",
        ),
        (body({"rerank": RERANK, "classify": CLASSIFY}), r"stages\[0\]\.\w+: unknown key"),
        (body({"reranc": RERANK}), "no stage 'reranc'. Did you mean 'rerank'"),
        (body({"config": {}}), r"stages\[0\]\.config\.stage_id is missing"),
        (body({"stage_id": "reranc"}), "no stage 'reranc'. Did you mean 'rerank'"),
        (body({"llm_filter": WRITER}), r"stages\[0\]\.llm_filter\.prompt is missing"),
        (
            body({"llm_enrich": {**WRITER, "prompt": "{{ DOC.x"}}),
            r"stages\[0\]\.llm_enrich\.prompt: the template '{{ DOC.x' is not valid",
        ),
        (body({"rerank": "word_reranker"}), r"stages\[0\]\.rerank: expected an object"),
        (body({"rerank": RERANK, "filters": {"a": 1}}), r"stages\[0\]\.filters: unknown key"),
        (
            body({"stage_name": "feature_search", "rerank": RERANK}),
            r"stages\[0\]: a stage cannot be called 'feature_search'",
        ),
        (body(SEED), r"stages\[0\]: feature_search comes before the other stages"),
        (
            {"collection": "docs", "stages": [LATER["flat"], FLAT]},
            r"stages\[0\]: a retriever begins with feature_search",
        ),
        (
            {"collection": "docs", "stages": [FLAT, LATER["flat"], FLAT]},
            r"stages\[2\]: feature_search comes before",
        ),
        (body({"llm_enrich": {**WRITER, "prompt": "p", "stream": True}}), "stream is not part"),
    ],
)
def test_errors_name_the_path(retriever: dict[str, Any], told: str) -> None:
    with pytest.raises(RetrieverError, match=told):
        parse_retriever(retriever, "r")


# ---------------------------------------------------------------- compatible, or refused

EXTRACTORS = {kind: package.name for kind, package in BY_TYPE.items()}
NEEDS = {stage_id: stage.needs for stage_id, stage in AVAILABLE.items() if stage.needs}
MORE: dict[str, dict[str, Any]] = {
    "llm_filter": {"prompt": "p"},
    "llm_enrich": {"prompt": "p"},
    "agentic_enrich": {"system_prompt": "p", "output_schema": {}},
}
"""What these need beside the extractor."""


@pytest.mark.parametrize("kind", EXTRACTORS)
@pytest.mark.parametrize("stage_id", NEEDS)
def test_the_matrix_of_types_and_stages(staged: Lab, kind: str, stage_id: str) -> None:
    more = MORE.get(stage_id, {})
    retriever = body({stage_id: {"inference_name": EXTRACTORS[kind], **more}})
    if kind == NEEDS[stage_id]:
        assert staged.retriever("fits", retriever).name == "fits"
        return
    told = f"`{EXTRACTORS[kind]}` is `{kind}`; stage `{stage_id}` needs `{NEEDS[stage_id]}`"
    with pytest.raises(RetrieverError, match=told):
        staged.retriever("fits_not", retriever)
    assert "fits_not" not in [record.name for record in staged.retrievers()]


@pytest.mark.parametrize("first", ["short", *FIRST])
@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ("short", "stages[{}].rerank"),
        ("public", "stages[{}].config.parameters"),
        ("flat", "stages[{}].parameters"),
    ],
)
def test_incompatible_in_every_shape(staged: Lab, first: str, shape: str, path: str) -> None:
    wrong = {"feature_uri": "mixpeek://keyword_classifier@1.2.0/topic"}
    stage = {
        "short": {"rerank": wrong},
        "public": {"config": {"stage_id": "rerank", "parameters": wrong}},
        "flat": {"stage_id": "rerank", "parameters": wrong},
    }[shape]
    with pytest.raises(RetrieverError) as caught:
        staged.retriever("r", written(first, shape, stage))
    where = path.format(0 if first == "short" else 1)
    assert str(caught.value).startswith(
        f"{where}.feature_uri: `keyword_classifier` is `classify`; stage `rerank` needs `rerank`."
    )
    with pytest.raises(RetrieverError, match="needs `rerank`"):  # and where it is not stored
        staged.search({"name": "r", **written(first, shape, stage)}, "x")


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ({"rerank": {"inference_name": "word_rerank"}},
         r"^stages\[0\]\.rerank\.inference_name: No extractor .*Did you mean 'word_reranker'"),
        ({"rerank": {"extractor": "word"}}, r"^stages\[0\]\.rerank\.extractor: No extractor"),
        ({"rerank": {"inference_name": "word_reranker@v2"}}, "No version called .*@2.0.0"),
        ({"classify": {"feature_uri": "mixpeek://keyword_classifier@1.2.0/topics"}},
         r"^stages\[0\]\.classify\.feature_uri: No feature .*Did you mean 'topic'"),
    ],
)  # fmt: skip
def test_an_extractor_that_is_not_there(staged: Lab, stage: dict[str, Any], told: str) -> None:
    with pytest.raises(RetrieverError, match=told):
        staged.retriever("r", body(stage))


def variant(
    lab: Lab, folder: Path, package: Path, *changes: tuple[str, str, str], without: str = ""
) -> None:
    """Load `package` with texts replaced in its files, and without one of them."""
    source = read_source(package)
    for path, old, new in changes:
        text = source.text(path)
        assert text is not None
        assert old in text
        source = source.with_file(path, text.replace(old, new))
    write_source(source, folder / package.name)
    (folder / package.name / without).unlink() if without else None
    definition = lab.load(folder / package.name, package.name)
    assert definition.is_kept, definition.findings


def test_an_extractor_without_a_service_or_a_type(tmp_path: Path, home: Path) -> None:
    lab = fill(Lab(home))
    cell = """
from shared.extractors.sdk import BatchProcessor, ExtractorManifest
manifest = ExtractorManifest(
    feature_extractor_name="rerank_batch", version="1.0.0", inference_type="rerank"
)
class Processor(BatchProcessor):
    def process(self, batch):
        return batch
"""
    assert lab.define("rerank_batch", cell).is_kept
    with pytest.raises(
        RetrieverError, match=r"`rerank_batch` has no realtime.py, so stage `rerank"
    ):
        lab.retriever("r", body({"rerank": {"inference_name": "rerank_batch"}}))
    untyped = ("manifest.py", '    "inference_type": "rerank",\n', "")
    variant(lab, tmp_path / "b", BY_TYPE["rerank"], untyped)
    with pytest.raises(RetrieverError, match="declares no inference_type; stage `rerank` needs"):
        lab.retriever("r", body({"rerank": RERANK}))
    assert lab.infer("word_reranker", {"pairs": [["a", "a"]]}) == {"scores": [1.0]}


def embedding_lab(home: Path, folder: Path, *changes: Any, without: str = "") -> Lab:
    """A lab whose `docs` was made by a changed `hash_embedder`."""
    lab = Lab(home)
    variant(lab, folder, HASH_EMBEDDER, *changes, without=without)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    return lab


def test_feature_search_takes_an_undeclared_extractor_with_a_note(
    home: Path, tmp_path: Path
) -> None:
    untyped = ("manifest.py", '    inference_type="embedding",\n', "")
    lab = embedding_lab(home, tmp_path, untyped)
    record = lab.retriever("r", {"collection": "docs", **SEARCH})
    [note] = record.notes
    assert note.startswith("hash_embedder declares no inference_type. feature_search takes it for")
    assert note in str(RetrieverCard(record.name, record.body, record.notes))
    assert lab.search("r", "river boat").hits


def test_feature_search_refuses_another_type(home: Path, tmp_path: Path) -> None:
    wrong = ("manifest.py", 'inference_type="embedding"', 'inference_type="classify"')
    lab = embedding_lab(home, tmp_path, wrong)
    told = "`hash_embedder` is `classify`; stage `feature_search` needs `embedding`"
    with pytest.raises(RetrieverError, match=told):
        lab.retriever("r", {"collection": "docs", **SEARCH})
    # What needs no text embedded needs no such service.
    lab.retriever("words", {"collection": "docs", "searches": [{"lexical": True}]})
    query = {"input_mode": "vector", "value": [1.0] * 16}
    searches = [{"feature": "hash_embedding", "query": query}]
    lab.retriever("vector", {"collection": "docs", "searches": searches})


def test_feature_search_needs_a_service(home: Path, tmp_path: Path) -> None:
    lab = embedding_lab(home, tmp_path, without="realtime.py")
    with pytest.raises(RetrieverError, match=r"`hash_embedder` has no realtime.py, so stage `f"):
        lab.retriever("r", {"collection": "docs", **SEARCH})


# ---------------------------------------------------------------- executed in the kernel


def test_rerank(staged: Lab) -> None:
    plain = staged.search({"name": "r", **body()}, "bank river money", limit=10)
    found = staged.search({"name": "r", **body({"rerank": {**RERANK, "top_k": 3}})}, "river bank")
    assert texts(found)[0] == "bank river money"
    assert [hit.score for hit in found.hits] == [1.0, 0.5, 0.5]
    assert [hit.rank for hit in found.hits] == [1, 2, 3]
    assert found.total == 3
    assert found.hits[0].fields["scores"] == {"rerank": 1.0}
    assert len(plain.hits) == 6


def test_a_hit_tells_where_it_stood(staged: Lab) -> None:
    before = staged.search({"name": "r", "collection": "docs", **SEARCH}, "river bank", limit=10)
    found = staged.search({"name": "r", **body({"rerank": RERANK})}, "river bank")
    fused = {hit.document_id: hit for hit in before.hits}
    for hit in found.hits:
        [effect] = hit.effects
        assert (effect.stage, effect.rank, effect.score) == ("rerank", hit.rank, hit.score)
        was = fused[hit.document_id]
        assert (effect.rank_before, effect.score_before) == (was.rank, was.score)
        assert effect.found == {"score": hit.score}
        assert hit.contributions == was.contributions
    assert [span.name for span in found.spans][-1] == "rerank"
    assert (found.spans[-1].rows_in, found.spans[-1].rows_out) == (6, 6)


def test_all_stages_in_a_row(staged: Lab) -> None:
    stages = (
        {"rerank": {**RERANK, "max_candidates": 5, "query": "{{INPUT.query}} river"}},
        {"classify": {**CLASSIFY, "top_k_labels": 1, "min_confidence": 0.4}},
        {"llm_filter": {**WRITER, "prompt": "judge {{INPUT.word}}"}},
        {"llm_enrich": {**WRITER, "prompt": PROMPT, "output_field": "say.it"}},
    )
    query = {"query": "boat", "word": "river"}
    found = staged.search({"name": "r", **body(*stages)}, query)
    assert [(s.name, s.rows_in, s.rows_out) for s in found.stages] == [
        ("rerank", 6, 5), ("classify", 5, 5), ("llm_filter", 5, 3), ("llm_enrich", 3, 3),
    ]  # fmt: skip
    assert set(texts(found)) == {"river boat", "river stone", "bank river money"}
    first = found.hits[0]
    assert first.fields["data"] == "river boat"
    assert first.fields["classification"] == [{"label": "water", "confidence": 1.0}]
    assert first.fields["say"] == {"it": "RIVER BOAT IN RIVER BOAT"}
    assert [effect.stage for effect in first.effects] == [s.name for s in found.stages]
    assert first.effects[2].found == {"keep": True, "reason": "looked for river"}
    assert any("1 documents beyond max_candidates" in warning for warning in found.warnings)


def test_a_text_as_verdict(staged: Lab) -> None:
    prompt = {"llm_filter": {**WRITER, "prompt": "is there money in {{DOC.content}}"}}
    found = staged.search({"name": "r", **body(prompt)}, "river", limit=5)
    assert sorted(texts(found)) == ["bank river money", "money bank"]
    none = {"llm_filter": {**WRITER, "prompt": "is there gold in {{DOC.content}}"}}
    found = staged.search({"name": "r", **body(none, {"rerank": RERANK})}, "river")
    assert (found.hits, found.total) == ((), 0)
    assert "Stage 'llm_filter' kept none of 6 documents." in found.warnings


def test_pages_are_cut_after_the_stages(staged: Lab) -> None:
    staged.retriever("paged", body({"rerank": RERANK}, limit=5))
    whole = staged.search("paged", "river bank")
    assert len(whole.hits) == whole.total == 5
    second = staged.search("paged", "river bank", limit=2, offset=2)
    assert [h.document_id for h in second.hits] == [h.document_id for h in whole.hits[2:4]]
    assert [h.rank for h in second.hits] == [3, 4]
    more = staged.search("paged", "river bank", limit=50)
    assert any("feature_search passes its best 5 on to stage 'rerank'" in w for w in more.warnings)


def test_a_document_field_and_its_absence(staged: Lab) -> None:
    upper = {"rerank": {**RERANK, "document_field": "title"}}
    assert staged.search({"name": "r", **body(upper)}, "fox").hits[0].fields["data"] == "fox tree"
    wrong = {"rerank": {**RERANK, "document_field": "titel"}}
    with pytest.raises(RetrieverError, match=r"no document has a text in the field 'titel'.*title"):
        staged.search({"name": "r", **body(wrong)}, "fox")
    clash = {"classify": {**CLASSIFY, "output_field": "title.label"}}
    with pytest.raises(RetrieverError, match="field 'title', and it is no object"):
        staged.search({"name": "r", **body(clash)}, "fox")


def test_templates_that_ask_for_what_is_not_there(staged: Lab) -> None:
    wrong = {"llm_enrich": {**WRITER, "prompt": "{{DOC.titel}}"}}
    with pytest.raises(InvalidInputError, match=r"asks for 'titel'.*The document's fields: .*n, "):
        staged.search({"name": "r", **body(wrong)}, "fox")
    secret = {"llm_enrich": {**WRITER, "prompt": "{{DOC.__class__.__mro__}}"}}
    with pytest.raises(InvalidInputError):
        staged.search({"name": "r", **body(secret)}, "fox")
    with pytest.raises(RetrieverError, match="stage 'rerank', query: there is no text"):
        staged.search({"name": "r", "collection": "docs", "stages": [{"rerank": RERANK}],
                       "searches": [{"lexical": True, "query": "fox"}]}, {"n": 3})  # fmt: skip


def test_a_breach_stops_the_search_and_is_told(home: Path, tmp_path: Path) -> None:
    lab = fill(Lab(home))
    lab.retriever("r", body({"rerank": RERANK}))
    short = ("realtime.py", 'inputs["pairs"]]}', 'inputs["pairs"][:-1]]}')
    variant(lab, tmp_path, BY_TYPE["rerank"], short)
    with pytest.raises(ExtractorRunError, match="5 scores for 6 pairs"):
        lab.search("r", "river")


# ---------------------------------------------------------------- a stage is a plain function


def hit(name: str, **fields: Any) -> Hit:
    return Hit(name, "col", 1, 0.5, fields, {})


def run(
    stage_id: str, hits: Sequence[Hit], answer: Any, **parameters: Any
) -> tuple[Any, list[Mapping[str, Any]]]:
    """What a stage makes of hits, where `answer` gives each of the service's; what it was asked."""
    asked: list[Mapping[str, Any]] = []

    def infer(_: ExtractorRef, inputs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        asked.extend(inputs)
        return [answer(each) for each in inputs]

    stage = AVAILABLE[stage_id]
    given = stage.parameters(inference_name="x", **parameters)  # type: ignore[call-arg]
    context = StageContext("mine", {}, "query", infer)
    return stage.run(hits, given, context), asked


def test_pairs_go_in_batches_and_texts_are_cut() -> None:
    hits = [hit(str(i), content="long text") for i in range(5)]
    outcome, asked = run(
        "rerank", hits, lambda x: {"scores": [float(len(t)) for _, t in x["pairs"]]},
        batch_size=2, max_document_chars=4, query="q",
    )  # fmt: skip
    assert [len(each["pairs"]) for each in asked] == [2, 2, 1]
    assert asked[2] == {"pairs": [["q", "long"]]}
    assert [h.document_id for h in outcome.hits] == list("01234")  # ties keep their order


def test_documents_without_a_text() -> None:
    hits = [hit("a", data="text", content={"no": "text"}), hit("b", data=None)]
    outcome, asked = run("classify", hits, lambda _: {"labels": [{"label": "x", "confidence": 1}]})
    assert asked == [{"text": "text"}]
    assert [h.fields["classification"] for h in outcome.hits] == [
        [{"label": "x", "confidence": 1.0}], [],
    ]  # fmt: skip
    assert outcome.warnings == (
        "Stage 'mine': 1 of 2 documents have no text in the field 'content'.",
    )
    _, asked = run("rerank", hits, lambda x: {"scores": [0.0] * len(x["pairs"])})
    assert asked == [{"pairs": [["query", "text"], ["query", ""]]}]


@pytest.mark.parametrize("stage_id", sorted({*NEEDS} - {"query_expand"}))  # that one searches
def test_no_hits_ask_nobody(stage_id: str) -> None:
    outcome, asked = run(stage_id, [], lambda _: {}, **MORE.get(stage_id, {}))
    assert (list(outcome.hits), asked, outcome.warnings) == ([], [], ())


def test_a_prompt_s_document() -> None:
    stored = hit("a", data="the text", n=1, year={"a": 2})
    _, asked = run("llm_enrich", [stored], lambda x: {"text": x["prompt"]},
                   prompt="{{DOC.content}}|{{DOC.document_id}}|{{DOC.year.a}}|{{DOC.nope|default('-')}}")  # fmt: skip  # noqa: E501
    assert asked[0]["prompt"] == "the text|a|2|-"
    assert asked[0]["document"] == {
        "data": "the text", "n": 1, "year": {"a": 2}, "content": "the text",
        "document_id": "a", "collection_id": "col", "score": 0.5,
    }  # fmt: skip
    evil = hit("b", data="{{INPUT.secret}}")
    _, asked = run("llm_enrich", [evil], lambda x: {"text": ""}, prompt="{{DOC.data}}")
    assert asked[0]["prompt"] == "{{INPUT.secret}}"


# ---------------------------------------------------------------- answers and views


def staged_result(lab: Lab) -> SearchResult:
    return lab.search({"name": "r", **body({"rerank": {**RERANK, "top_k": 2}})}, "river bank")


def test_statistics_and_explanations_on_the_wire(staged: Lab) -> None:
    found = staged_result(staged)
    spec = parse_retriever(body({"rerank": RERANK}), "r")
    from mixpeek_lab.retrievers import parse_request

    answer = to_response(found, spec, parse_request({"query": "river bank"}))
    stages = answer["stage_statistics"]["stages"]
    assert list(stages) == ["feature_search", "rerank"]
    assert (stages["feature_search"]["output_count"], stages["rerank"]["input_count"]) == (6, 6)
    assert stages["rerank"]["output_count"] == 2
    total = sum(stage["duration_ms"] for stage in stages.values())
    assert total == pytest.approx(answer["stage_statistics"]["total_time_ms"])
    [effect] = answer["documents"][0]["explain"]["stages"]
    assert effect["rank_before"] >= 1
    assert effect["found"] == {"score": answer["documents"][0]["score"]}
    assert answer["documents"][0]["scores"] == {"rerank": answer["documents"][0]["score"]}
    json.dumps(answer, allow_nan=False)


def test_the_tables_show_the_order_before(staged: Lab) -> None:
    found = Results(staged_result(staged))
    assert "rank  score  fused" in str(found)
    frame = found.to_pandas()
    assert list(frame["fused_rank"]) == [e.effects[0].rank_before for e in found.result.hits]


def test_the_playground_shows_stages_or_the_order_before_them(staged: Lab) -> None:
    found = staged_result(staged)
    payload = json.loads(json.dumps(to_explain(found)))
    own = delivered_choice(payload)
    assert [h["document_id"] for h in ranked_hits(payload, own, 10)] == [
        h.document_id for h in found.hits
    ]
    other = FusionChoice("max", own.k, own.weights)
    assert len(ranked_hits(payload, other, 10)) == 6
    widget = Playground(lambda _: payload, "r", query="river bank")
    assert len(widget.results) == 2
    assert "fused" in widget._repr_mimebundle_()[0]["text/plain"]
    widget.strategy = "max"
    text = widget._repr_mimebundle_()[0]["text/plain"]
    assert "This is the order before rerank" in text
    assert "6 of 6" in text


# ---------------------------------------------------------------- through Ray Serve and HTTP


@pytest.mark.ray
def test_served_and_over_http(served_lab: Lab, tmp_path: Path) -> None:
    stages = (
        {"rerank": {**RERANK, "top_k": 4}},
        {"classify": CLASSIFY},
    )
    with Lab(tmp_path / "home") as own:
        fill(own)
        own.retriever("r", body(*stages))
        url = own.serve("r")
        deployed = {name.partition("@")[0] for name in own.status().deployed}
        assert deployed == {"hash_embedder", "word_reranker", "keyword_classifier"}
        here = own.search("r", "river bank")
        wanted = [(h.document_id, h.score) for h in here.hits]
        headers = {"Authorization": f"Bearer {own.token}"}
        over_http = httpx.post(url, json={"query": "river bank"}, headers=headers, timeout=60)
        through_handle = own.execute("r", {"query": "river bank"})
        for found in (over_http.json(), through_handle):
            assert [(d["document_id"], d["score"]) for d in found["documents"]] == wanted
            assert found["documents"][0]["classification"]
            counts = found["stage_statistics"]["stages"]
            assert [counts[name]["input_count"] for name in ("rerank", "classify")] == [6, 4]
        explained = own.execute("r", {"query": "river bank", "limit": 1}, explain=True)
        assert explained["stages"] == ["rerank", "classify"]
        assert len(explained["hits"]) == len(wanted)
        # A chain of stages that ask nobody.
        own.retriever("chain", body(*CHAIN))
        query = {"query": "river bank money"}
        here = own.search("chain", query)
        over_http = httpx.post(own.serve("chain"), json=query, headers=headers, timeout=60).json()
        for found in (over_http, own.execute("chain", query)):
            assert [(d["document_id"], d["place"], d["score"]) for d in found["documents"]] == [
                (h.document_id, h.fields["place"], h.score) for h in here.hits
            ]
            assert found["aggregations"] == here.output["aggregations"]
            counts = [s["output_count"] for s in found["stage_statistics"]["stages"].values()]
            assert counts == [5, *(span.rows_out for span in here.stages)]
        explained = own.execute("chain", query, explain=True)
        assert explained["stages"] == [span.name for span in here.stages]
        assert explained["outputs"]["aggregate"] == here.outputs["aggregate"]

        own.deploy("text_stats")
        for name, inputs, key in (
            ("text_stats", {"text": "a b"}, "words"),
            ("word_reranker", {"pairs": [["a", "a"]]}, "scores"),
        ):
            asked = {"inference_name": name, "inputs": inputs}
            answer = httpx.post(f"{own.url}/v1/inference", json=asked, headers=headers, timeout=60)
            assert answer.json()["data"][key]

        # A stage's version stays deployed beside the current one.
        own.retriever("pinned", body({"classify": CLASSIFY}))
        newer = ("manifest.py", 'version="1.2.0"', 'version="2.0.0"')
        variant(own, tmp_path / "newer", BY_TYPE["classify"], newer)
        own.deploy("keyword_classifier")
        own.serve("pinned")
        assert own.execute("pinned", {"query": "river"})["documents"]
        kept = [name for name in own.status().deployed if name.startswith("keyword_classifier")]
        assert len(kept) == 2


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"mmr": {"diversity_features": "kind"}}, "diversity_features: Input should be a list"),
        ({"attribute_filter": {"conditions": []}}, "conditions: Input should be an object"),
    ],
)
def test_types_are_called_by_the_names_of_json(stage: Mapping[str, Any], said: str) -> None:
    with pytest.raises(RetrieverError, match=said):
        parse_retriever({"collection": "docs", **SEARCH, "stages": [stage]}, "r")
