"""The playground's map without a browser: real vectors, the messages of its view."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab.errors import InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.projections import Projection
from mixpeek_lab.retrievers import parse_retriever
from mixpeek_lab.widgets.playground import MapSupport, Playground, Support
from mixpeek_lab.workbench import Lab

ROWS = [
    {"_id": str(n), "text": f"{('cat', 'ship', 'tax')[n % 3]} " * 4 + str(n),
     "kind": ("cat", "ship", "tax")[n % 3]}
    for n in range(60)
]  # fmt: skip
BODY = {
    "collection": "docs",
    "searches": [
        {"feature": "hash_embedding", "name": "dense", "top_k": 20},
        {"lexical": True, "name": "words", "top_k": 20},
    ],
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("pgmap") / "home")
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    lab.retriever("find", BODY)
    lab.retriever("cats", {**BODY, "filters": {"field": "kind", "value": "cat"}})
    lab.retriever("lexical", {"collection": "docs", "searches": [{"lexical": True}]})
    return lab


class Asked:
    """A playground over a lab's retriever; `ask` is its view."""

    def __init__(self, lab, name="find", query="ship 7"):
        maps, record = lab.playing.maps, lab._catalog.retriever(name)
        self.sent = []
        self.widget = Playground(
            lambda request: lab.playing.search(name, request), name, query,
            support=Support(body=record.body, maps=MapSupport(
                offers=lambda: maps.offers(name),
                open=lambda key: maps.open(name, key),
                vector=lambda leg, request: maps.vector(name, leg, request),
                passing=lambda shown, filters: maps.passing(name, shown, filters),
            )),
        )  # fmt: skip
        self.widget.send = lambda header, buffers=None: self.sent.append((header, buffers))

    def ask(self, kind, **more):
        """The body of an answer: JSON, or bytes."""
        self.sent.clear()
        self.widget._on_message(None, {"id": "1", "type": kind, **more}, [])
        answers = [pair for pair in self.sent if pair[0]["id"] == "1"]
        header = answers[0][0]
        if not header["ok"]:
            raise AssertionError(header["error"]["message"])
        body = b"".join(bytes(part) for _, parts in answers for part in parts)
        return body if header["encoding"] == "binary" else json.loads(body)

    def draw(self, method="pca"):
        """Open the first map and have it drawn."""
        (offer,) = self.ask("map_offers")["maps"]
        self.ask("map_open", map=offer["id"])
        self.ask("map_make", method=method)
        self.wait_for(lambda status: status.get("shown") == method)
        return offer["id"]

    def wait_for(self, is_so):
        end = time.monotonic() + 60
        while not is_so(self.widget.map_status):
            assert time.monotonic() < end, self.widget.map_status
            time.sleep(0.02)

    def points(self, key, method="pca"):
        body = self.ask("map_points", map=key, method=method)
        return np.frombuffer(body, np.float32).reshape(-1, 2)


def test_each_vector_leg_offers_a_map(filled):
    maps = filled.playing.maps
    (offer,) = maps.offers("find")
    assert (offer["leg"], offer["collection"], offer["feature"]) == (
        "dense", "docs", "hash_embedding",
    )  # fmt: skip
    assert len(maps.open("find", offer["id"]).ids) == len(ROWS)
    assert maps.offers("lexical") == []
    with pytest.raises(NotFoundError, match="dense/"):
        maps.open("find", "dens/x")


def test_a_leg_over_two_collections_offers_a_map_of_each(kernel_lab):
    for name in ("one", "two"):
        kernel_lab.bucket(name, [{**row, "_id": f"{name}-{row['_id']}"} for row in ROWS[:12]])
        kernel_lab.process(name, "hash_embedder", f"{name}_docs", engine="kernel")
    kernel_lab.retriever("both", {
        "collections": ["one_docs", "two_docs"], "searches": BODY["searches"],
    })  # fmt: skip
    maps = kernel_lab.playing.maps
    offers = maps.offers("both")
    assert [each["collection"] for each in offers] == ["one_docs", "two_docs"]
    ids = [set(maps.open("both", each["id"]).ids) for each in offers]
    assert not ids[0] & ids[1]
    assert len(ids[0]) == len(ids[1]) == 12


def test_a_querys_vector_is_what_its_leg_searches_with(filled):
    maps = filled.playing.maps
    found = maps.vector("find", "dense", {"query": "ship 7"})
    near = filled.maps.open("docs").ask("ship 7")
    np.testing.assert_array_equal(found, np.asarray(near[0], np.float32))
    with pytest.raises(InvalidInputError, match="no vector"):
        maps.vector("find", "words", {"query": "ship 7"})
    with pytest.raises(RetrieverError):
        maps.vector("find", "dense", {"query": " "})


def test_a_map_is_made_in_the_background_and_its_points_are_bytes(filled):
    asked = Asked(filled)
    key = asked.draw()
    assert asked.points(key).shape == (60, 2)
    status = asked.widget.map_status
    assert (status["map"], status["phase"], status["error"]) == (key, "", "")
    assert "variance" in status["note"]
    # A second view of the same map goes on with it; nothing is worked out again.
    version = status["version"]
    opened = asked.ask("map_open", map=key)
    assert (opened["count"], opened["kept"]) == (60, ["pca"])
    assert asked.widget.map_status["version"] == version


def test_hits_and_the_query_are_points_of_it(filled):
    asked = Asked(filled)
    found = asked.widget.results
    key = asked.draw()
    points = asked.points(key)
    told = asked.ask("map_locate")
    assert set(found.document_id) <= set(told["points"])
    assert told["is_stale"] is False
    shown = filled.maps.open("docs")
    at = shown.project("pca", {}, lambda *_: None).positions
    for document in found.document_id:
        expected = at[shown.ids.index(document)]
        np.testing.assert_array_equal(points[told["points"][document]], expected)
    star = asked.ask("map_star")
    vector = filled.playing.maps.vector("find", "dense", {"query": "ship 7"})
    projection = shown.project("pca", {}, lambda *_: None)
    exact = projection.axes @ np.append(vector / np.linalg.norm(vector), 1.0)
    assert star["at"] == pytest.approx(exact, abs=1e-4)
    assert "exactly" in star["how"]


def test_what_is_drawn_around_is_a_filter_that_code_and_config_carry(filled):
    asked = Asked(filled)
    key = asked.draw()
    ids = asked.ask("map_ids", points=[3, 5, 8])["ids"]
    lasso = {"field": "document_id", "operator": "in", "value": ids}
    asked.widget.filters = lasso
    assert set(asked.widget.results.document_id) <= set(ids)
    passing = np.unpackbits(
        np.frombuffer(asked.ask("map_passing"), np.uint8), count=60, bitorder="little"
    )
    assert np.flatnonzero(passing).tolist() == [3, 5, 8]
    assert asked.widget.config["filters"] == lasso
    body = asked.widget.cell.split("\n", 1)[1]
    import yaml

    stored = parse_retriever(yaml.safe_load(body), "tuned").as_dict()
    assert stored["stages"][0]["parameters"]["filters"] == lasso
    asked.widget.filters = None
    assert asked.ask("map_passing") == b""
    with pytest.raises(AssertionError, match="10,001 documents are within"):
        asked.ask("map_ids", points=[1] * 10_001)
    assert asked.ask("map_document", point=3)["id"] == ids[0]
    assert key


def test_the_retrievers_own_filter_counts_too(filled):
    asked = Asked(filled, "cats")
    asked.draw()
    passing = np.unpackbits(
        np.frombuffer(asked.ask("map_passing"), np.uint8), count=60, bitorder="little"
    )
    assert passing.sum() == 20


def test_work_is_cancelled_and_what_was_shown_stays(filled):
    asked = Asked(filled)
    asked.draw()
    asked.ask("map_make", method="tsne")
    assert asked.widget.map_status["making"] == "tsne"
    asked.ask("map_cancel")
    status = asked.widget.map_status
    assert (status["shown"], status["making"], status["phase"]) == ("pca", "", "")


def test_a_star_that_cannot_be_exact_says_so(filled):
    asked = Asked(filled)
    asked.draw("tsne")
    star = asked.ask("map_star")
    assert star["how"].startswith("t-SNE cannot place a new vector")
    shown = filled.maps.open("docs")
    projection = shown.project("tsne", {}, lambda *_: None)
    table = filled.sql("SELECT document_id, hash_embedding FROM docs").table
    own = dict(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    vectors = np.array([own[key] for key in shown.ids])
    asked_with = np.random.default_rng(2).normal(size=vectors.shape[1])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = np.linalg.norm(unit - asked_with / np.linalg.norm(asked_with), axis=1)
    near = np.argsort(distances)[:5]
    weights = 1 / distances[near]
    expected = weights @ projection.positions[near] / weights.sum()
    assert shown.place(asked_with, projection) == pytest.approx(expected, abs=1e-3)


def test_a_map_of_an_older_state_says_so(kernel_lab):
    kernel_lab.bucket("b", ROWS[:20])
    kernel_lab.process("b", "hash_embedder", "docs", engine="kernel")
    kernel_lab.retriever("find", BODY)
    asked = Asked(kernel_lab)
    key = asked.draw()
    kernel_lab.bucket("b", ROWS[:25])
    kernel_lab.process("b", "hash_embedder", "docs", engine="kernel")
    assert asked.ask("map_locate")["is_stale"] is True
    assert asked.ask("map_open", map=key)["count"] == 25
    assert asked.widget.map_status["shown"] == ""


def test_a_colour_is_a_field(filled):
    asked = Asked(filled)
    asked.draw()
    legend = asked.ask("map_legend", field="kind")
    assert {entry["label"] for entry in legend["entries"]} == {"cat", "ship", "tax"}
    codes = np.frombuffer(asked.ask("map_codes", field="kind"), np.uint8)
    assert np.bincount(codes).tolist() == [20, 20, 20]


def test_many_points_travel_in_messages_of_two_megabytes(filled):
    class Cloud:
        state, fields = object(), ()
        ids = tuple(map(str, range(600_000)))

        def is_kept(self, method, _parameters):
            return method == "pca"

        def project(self, *_):
            return Projection(np.zeros((len(self.ids), 2), np.float32))

        def place(self, *_):
            return (0.0, 0.0)

        place_finely = place

    asked, cloud = Asked(filled), Cloud()
    asked.widget._answers.map._support = MapSupport(
        offers=list, open=lambda _: cloud, vector=lambda *_: [0.0], passing=lambda *_: None
    )
    assert asked.ask("map_open", map="any")["count"] == 600_000
    assert asked.points("any").shape == (600_000, 2)
    sizes = [len(part) for _, parts in asked.sent for part in parts or ()]
    assert len(sizes) == 3
    assert max(sizes) <= 2_000_000
