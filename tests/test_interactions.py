"""`learned` fusion from recorded interactions: what is counted, what is drawn, over every face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest
from filled_labs import fill
from platform_client import URI, Client
from platform_host import LocalServices, client_of

from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.fusion import thompson_samples
from mixpeek_lab.workbench import Lab

ROWS = [
    {"_id": f"r{i}", "text": text}
    for i, text in enumerate(["river boat", "money bank", "river stone", "fox tree", "night ship"])
]
LEARNED = {
    "collection": "docs",
    "searches": [{"feature": "hash_embedding", "name": "dense"}, {"lexical": True, "name": "bm25"}],
    "fusion": "learned",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("interactions") / "home"
    fill(Lab(home), ROWS)
    return home


@pytest.fixture
def lab(place: Path) -> Lab:
    lab = Lab(place)
    lab.retriever("find", LEARNED)
    lab.interactions.clear("find")
    return lab


@pytest.fixture
def ask(lab: Lab, place: Path) -> Iterator[Client]:
    client = client_of(place, LocalServices(place))
    with client.http:  # one event loop for all requests: evaluations go on between them
        yield client


def told(lab: Lab, **options):
    return lab.search("find", "river", **options).fusion


def test_without_data_every_leg_weighs_the_same(lab):
    fusion = told(lab)
    assert fusion["weights"] == [1.0, 1.0]
    assert fusion["arms"] == {"dense": [0, 0], "bm25": [0, 0]}
    assert fusion["samples"] == []
    learned = lab.search("find", "river")
    rrf = lab.search("find", "river", fusion="rrf")
    assert [(h.document_id, h.score) for h in learned.hits] == [
        (h.document_id, h.score) for h in rrf.hits
    ]


def test_the_weight_of_the_better_leg_rises_with_clicks(lab):
    """People click what BM25 found for them, and pass over what the hashes did."""
    for _ in range(30):
        result = lab.search("find", "fox tree")
        by_words = next(h for h in result.hits if h.fields["data"] == "fox tree")
        only_dense = next(h for h in result.hits if h.contributions[1].rank is None)
        lab.interactions.record(result, by_words, "click")
        lab.interactions.record(result, only_dense, "skip")
    arms = lab.interactions.arms("find")
    assert arms["bm25"] == (30, 0)
    assert arms["dense"][1] == 30
    draws = [told(lab, seed=seed)["weights"] for seed in range(40)]
    assert fmean(bm25 for _, bm25 in draws) > 1.15 > 0.85 > fmean(dense for dense, _ in draws)


def test_the_same_seed_draws_the_same_again(lab):
    result = lab.search("find", "river")
    lab.interactions.record(result, 1, "click")
    lab.interactions.record(result, 2, "negative_feedback")
    first = lab.search("find", "river", seed=7)
    again = lab.search("find", "river", seed=7)
    assert first.fusion == again.fusion
    assert [h.score for h in first.hits] == [h.score for h in again.hits]
    assert told(lab, seed=8)["weights"] != first.fusion["weights"]
    free = told(lab)
    assert told(lab, seed=free["seed"]) == free
    with pytest.raises(InvalidInputError, match="seed"):
        told(lab, seed=-1)


def test_samples_have_the_means_of_their_beta_posteriors():
    arms = {"a": (30, 10), "b": (2, 8), "c": (0, 0)}
    draws = [thompson_samples(list(arms), arms, seed) for seed in range(4000)]
    for place, (wins, losses) in enumerate(arms.values()):
        alpha, beta = 1 + wins, 1 + losses
        mean = alpha / (alpha + beta)
        deviation = (mean * (1 - mean) / (alpha + beta + 1)) ** 0.5
        assert fmean(d[place] for d in draws) == pytest.approx(mean, abs=4 * deviation / 4000**0.5)


def test_a_hit_counts_once_a_search_by_what_was_done_last(lab):
    def arms(*steps: str, search=None):
        lab.interactions.clear("find")
        result = lab.search("find", "fox tree")
        for step in steps:
            lab.interactions.record(result, 1, *step.split("+"))
        return lab.interactions.arms("find")["bm25"]

    assert arms("impression", "click", "long_view") == (1, 0)
    assert arms("click", "impression") == (1, 0)
    assert arms("impression") == (0, 1)
    assert arms("click", "return_to_results") == (0, 1)
    assert arms("skip", "positive_feedback") == (1, 0)
    assert arms("view", "rating") == (0, 0)
    assert arms("click+negative_feedback") == (0, 1)


def test_interactions_are_listed_read_and_forgotten(lab):
    result = lab.search("find", "river")
    kept = lab.interactions.record(result, 1, "click", user_id="me")
    assert lab.interactions.record(result, result.hits[0], "click") == kept, "once a search"
    assert lab.interactions.get(kept.interaction_id) == kept
    assert kept.details["query_snapshot"] == {"query": "river"}
    assert lab.interactions.list("find", kind="click") == [kept]
    assert lab.interactions.list("find", kind="skip") == []
    lab.interactions.delete(kept.interaction_id)
    with pytest.raises(NotFoundError, match="interaction"):
        lab.interactions.get(kept.interaction_id)
    with pytest.raises(InvalidInputError, match="'clik' is not one of click"):
        lab.interactions.record(result, 1, "clik")
    with pytest.raises(InvalidInputError, match="no hit of rank 99"):
        lab.interactions.record(result, 99)


# ---------------------------------------------------------------- over HTTP


def click(execution: str, document: str = "d", **fields):
    return {
        "feature_id": document, "interaction_type": ["view", "click"], "position": 0,
        "retriever_id": "find", "execution_id": execution, "feature_uri": URI, **fields,
    }  # fmt: skip


def test_the_api_keeps_lists_and_forgets_them(ask, lab):
    made = ask("POST", "/retrievers/interactions", click("exec_1", metadata={"device": "phone"}))
    assert made["feature_uri"] == URI
    assert made["warning"] is None
    assert made["metadata"] == {"device": "phone"}
    assert lab.interactions.arms("find") == {"dense": (1, 0), "bm25": (0, 0)}
    twice = ask("POST", "/retrievers/interactions", click("exec_1"))
    assert (twice["deduplicated"], twice["interaction_id"]) == (True, None)
    ask("POST", "/retrievers/interactions", click("exec_2", feature_uri="bm25"))
    path = f"/retrievers/interactions/{made['interaction_id']}"
    assert ask("GET", path) == made
    body = {"execution_id": "exec_1", "interaction_type": "click"}
    found = ask("POST", "/retrievers/interactions/list", body)
    assert found["results"] == found["items"] == [made]
    newest = ask(
        "POST", "/retrievers/interactions/list?page_size=1", {"retriever_id": made["retriever_id"]}
    )
    assert newest["results"][0]["feature_uri"] == "bm25"
    assert newest["pagination"]["total"] == 2
    assert ask("DELETE", path)["success"]
    ask.refused(404, "NotFoundError", "GET", path)


def test_the_api_says_what_is_wrong_and_what_teaches_nothing(ask):
    mute = ask("POST", "/retrievers/interactions", click("exec_3", feature_uri=None))
    assert "teaches learned fusion nothing" in mute["warning"]
    path = "/retrievers/interactions"
    for fields, word in [
        ({"interaction_type": ["clik"]}, "clik"),
        ({"interaction_type": []}, "list of types"),
        ({"position": -1}, "counts from 0"),
        ({"execution_id": None}, "execution_id"),
        ({"feature_uri": "mixpeek://x@1.0.0/y"}, "no leg of this retriever"),
        ({"feature_uri": "words"}, "dense, bm25"),
        ({"feature_id": None}, "feature_id"),
        ({"result_set_size": 0}, "zero_results"),
        ({"occurred_at": "yesterday"}, "ISO 8601"),
        ({"document_score": "high"}, "a number"),
        ({"colour": "red"}, "colour"),
    ]:
        error = ask.refused(422, "BodyError", "POST", path, click("exec_4", **fields))
        assert word in str(error), fields
    ask.refused(404, "NotFoundError", "POST", path, click("exec_4", retriever_id="nobody"))
    batch = ask("POST", f"{path}/batch", {"interactions": [click("exec_5"), {"position": 0}, 3]})
    assert (batch["created"], batch["failed"]) == (1, 2)
    assert batch["errors"][0].startswith("interactions[1]")
    ask.refused(422, "BodyError", "POST", f"{path}/batch", {"interactions": []})


def test_explain_over_http_shows_the_draw(ask, lab):
    for number in range(5):
        ask("POST", "/retrievers/interactions", click(f"exec_h{number}", feature_uri="bm25"))
    body = {"query": "river", "seed": 3}
    found = ask("POST", "/retrievers/find/execute/explain", body)
    assert found["fusion"]["arms"] == {"dense": [0, 0], "bm25": [5, 0]}
    assert found["fusion"]["seed"] == 3
    assert [leg["weight"] for leg in found["legs"]] == found["fusion"]["weights"]
    assert found["fusion"]["weights"] == told(lab, seed=3)["weights"]


def test_the_playground_takes_the_weights_that_each_search_drew(ask, lab):
    from mixpeek_lab.widgets import Playground

    for number in range(3):
        ask("POST", "/retrievers/interactions", click(f"exec_p{number}", feature_uri="bm25"))
    answers = []

    def search(request):
        answers.append(ask("POST", "/retrievers/find/execute/explain", request))
        return answers[-1]

    view = Playground(search, "find", "river", fusion={"strategy": "learned"})
    shown = list(view.results["document_id"])
    drawn = {leg["name"]: leg["weight"] for leg in answers[-1]["legs"]}
    assert view.weights == drawn
    assert shown == [hit["document_id"] for hit in answers[-1]["hits"]]
    view.weights = {"dense": 0.0}
    assert set(view.results["dense_rank"].notna()) <= {True, False}
    assert len(view.results) < len(shown), "fused again, with the weight set by hand"
    view.run()
    again = {leg["name"]: leg["weight"] for leg in answers[-1]["legs"]}
    assert view.weights == again != drawn


def test_the_official_client_reads_what_we_answer(ask):
    from mixpeek.models.bulk_interactions_response import BulkInteractionsResponse
    from mixpeek.models.interaction_response import InteractionResponse
    from mixpeek.models.list_interactions_response import ListInteractionsResponse
    from mixpeek.models.search_interaction import SearchInteraction

    sent = SearchInteraction(**click("exec_6")).to_dict()
    made = InteractionResponse.from_dict(ask("POST", "/retrievers/interactions", sent))
    listed = ListInteractionsResponse.from_dict(ask("POST", "/retrievers/interactions/list"))
    assert made in listed.results
    body = {"interactions": [click("exec_7"), click("exec_8")]}
    bulk = BulkInteractionsResponse.from_dict(ask("POST", "/retrievers/interactions/batch", body))
    assert bulk.created == len(bulk.results) == 2
