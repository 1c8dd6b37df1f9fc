"""`learned` fusion from recorded interactions: what is counted, what is drawn, over every face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest
from filled_labs import fill
from platform_client import URI, Client
from platform_host import LocalServices, client_of

from mixpeek_lab.errors import BodyError, InvalidInputError, NotFoundError
from mixpeek_lab.fusion import thompson_samples
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.platform import executions

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


def executed(ask: Client, query: str = "river") -> tuple[str, str]:
    """An execution, and the first document that it showed."""
    found = ask("POST", "/retrievers/find/execute", {"query": query})
    return found["execution_id"], found["results"][0]["document_id"]


def click(seen: tuple[str, str], **fields):
    execution, document = seen
    return {
        "feature_id": document, "interaction_type": ["view", "click"], "position": 0,
        "retriever_id": "find", "execution_id": execution, "feature_uri": URI, **fields,
    }  # fmt: skip


def test_the_api_keeps_lists_and_forgets_them(ask, lab):
    first = executed(ask)
    made = ask("POST", "/retrievers/interactions", click(first, metadata={"device": "phone"}))
    assert made["feature_uri"] == URI
    assert made["warning"] is None
    assert made["metadata"] == {"device": "phone"}
    assert lab.interactions.arms("find") == {"dense": (1, 0), "bm25": (0, 0)}
    twice = ask("POST", "/retrievers/interactions", click(first))
    assert (twice["deduplicated"], twice["interaction_id"]) == (True, None)
    ask("POST", "/retrievers/interactions", click(executed(ask), feature_uri="bm25"))
    path = f"/retrievers/interactions/{made['interaction_id']}"
    assert ask("GET", path) == made
    body = {"execution_id": first[0], "interaction_type": "click"}
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
    mute = ask("POST", "/retrievers/interactions", click(executed(ask), feature_uri=None))
    assert "teaches learned fusion nothing" in mute["warning"]
    path, seen = "/retrievers/interactions", executed(ask)
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
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "to come"),
        ({"document_score": "high"}, "a number"),
        ({"colour": "red"}, "colour"),
    ]:
        error = ask.refused(422, "BodyError", "POST", path, click(seen, **fields))
        assert word in str(error), fields
    ask.refused(404, "NotFoundError", "POST", path, click(seen, retriever_id="nobody"))
    batch = ask("POST", f"{path}/batch", {"interactions": [click(seen), {"position": 0}, 3]})
    assert (batch["created"], batch["failed"]) == (1, 2)
    assert batch["errors"][0].startswith("interactions[1]")
    ask.refused(422, "BodyError", "POST", f"{path}/batch", {"interactions": []})


def test_only_what_an_execution_showed_counts(ask, lab, place):
    path, seen = "/retrievers/interactions", executed(ask)
    other = ask("POST", "/retrievers/find/execute", {"query": "river", "limit": 1})
    hidden = next(
        hit.document_id for hit in lab.search("find", "river").hits
        if hit.document_id != other["results"][0]["document_id"]
    )  # fmt: skip
    lab.retriever("second", LEARNED)
    for body, word in [
        (click(("exec_0000000000000000", seen[1])), "newest 50,000 executions"),
        (click((seen[0], "doc_of_nobody")), "did not show"),
        (click((other["execution_id"], hidden)), "did not show"),
        (click(seen, retriever_id="second"), "another retriever"),
        (click(("exec_0000000000000000", "d"), retriever_id=None), "newest 50,000 executions"),
        (click((other["execution_id"], hidden), occurred_at="2020-01-01"), "did not show"),
    ]:
        assert word in str(ask.refused(422, "BodyError", "POST", path, body)), body
    batch = ask("POST", f"{path}/batch", {"interactions": [click(seen), click(("exec_1", "d"))]})
    assert (batch["created"], batch["failed"]) == (1, 1)
    assert lab.interactions.arms("find")["dense"] == (1, 0), "what was refused does not count"
    told = click((seen[0], "none"), interaction_type=["zero_results"], feature_uri=None)
    assert ask("POST", path, told)["interaction_id"], "of a search, not of a document"
    free = click(seen, execution_id=None, retriever_id=None, feature_uri=None)
    assert ask("POST", path, free)["interaction_id"], "neither need be said"
    old = click(("exec_elsewhere", "d"), occurred_at="2020-01-01T00:00:00Z")
    assert ask("POST", path, old)["interaction_id"], "history of another platform"
    explained = ask("POST", "/retrievers/find/execute/explain", {"query": "river", "limit": 1})
    candidate = explained["legs"][0]["document_ids"][-1]
    assert ask("POST", path, click((explained["execution_id"], candidate)))["interaction_id"]
    result = lab.search("find", "river", limit=1)
    with pytest.raises(InvalidInputError, match="no hit of this result"):
        lab.interactions.record(result, lab.search("find", "river").hits[-1])
    again = client_of(place, LocalServices(place))
    made = again("POST", path, click(seen, interaction_type=["purchase"]))
    assert made["interaction_id"], "another process knows it too"


def test_the_oldest_executions_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(executions, "MOST_KEPT", 3)
    monkeypatch.setattr(executions, "_EVERY", 1)
    kept = executions.Executions(tmp_path)
    for number in range(5):
        kept.note(f"exec_{number}", None, [f"doc_{number}"])
    for number in (2, 3, 4):
        kept.demand(f"exec_{number}", None, f"doc_{number}")
    for number in (0, 1):
        with pytest.raises(BodyError, match="execution_id"):
            kept.demand(f"exec_{number}", None, None)


def test_explain_over_http_shows_the_draw(ask, lab):
    for _ in range(5):
        ask("POST", "/retrievers/interactions", click(executed(ask), feature_uri="bm25"))
    body = {"query": "river", "seed": 3}
    found = ask("POST", "/retrievers/find/execute/explain", body)
    assert found["fusion"]["arms"] == {"dense": [0, 0], "bm25": [5, 0]}
    assert found["fusion"]["seed"] == 3
    assert [leg["weight"] for leg in found["legs"]] == found["fusion"]["weights"]
    assert found["fusion"]["weights"] == told(lab, seed=3)["weights"]


def test_the_playground_takes_the_weights_that_each_search_drew(ask, lab):
    from mixpeek_lab.widgets import Playground

    for _ in range(3):
        ask("POST", "/retrievers/interactions", click(executed(ask), feature_uri="bm25"))
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

    sent = SearchInteraction(**click(executed(ask))).to_dict()
    made = InteractionResponse.from_dict(ask("POST", "/retrievers/interactions", sent))
    listed = ListInteractionsResponse.from_dict(ask("POST", "/retrievers/interactions/list"))
    assert made in listed.results
    body = {"interactions": [click(executed(ask)), click(executed(ask))]}
    bulk = BulkInteractionsResponse.from_dict(ask("POST", "/retrievers/interactions/batch", body))
    assert bulk.created == len(bulk.results) == 2
