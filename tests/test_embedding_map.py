"""The embedding map without a browser: projections of real snapshots, selection, static doubles."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from mixpeek_lab.errors import (
    ConflictError,
    EngineError,
    InvalidInputError,
    NotFoundError,
    RetrieverError,
    VectorError,
)
from mixpeek_lab.projections import Projection, made, placer, project, read_kept, recipe
from mixpeek_lab.widgets.embedding_colours import MISSING, OTHER, colours_of
from mixpeek_lab.widgets.embedding_map import EmbeddingMap

WIDGETS = Path(__file__).resolve().parent.parent / "mixpeek_lab" / "widgets"
ROWS = [
    {
        "_id": str(n),
        "text": f"{('cat', 'ship', 'tax')[n % 3]} {n % 3} " * 4 + str(n),
        "kind": ("cat", "ship", "tax")[n % 3],
        "year": 2000 + n % 20,
        "rare": None if n % 2 else f"r{n}",
    }
    for n in range(90)
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    from packages import HASH_EMBEDDER

    from mixpeek_lab.workbench import Lab

    lab = Lab(tmp_path_factory.mktemp("maps") / "home")
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    return lab


def open_map(lab, collection="docs", **options):
    shown = lab.maps.open(collection)
    return EmbeddingMap(
        shown.project, shown.ids, shown.documents, values=shown.values, fields=shown.fields,
        place=shown.place, place_finely=shown.place_finely, ask=shown.ask, sql=shown.sql,
        is_kept=shown.is_kept, title=f"{collection} · {shown.feature}", **options,
    )  # fmt: skip


def quiet(_phase, _share):
    pass


def groups(count=150, dim=24, seed=3):
    """Vectors in three groups, and the group of each."""
    chance = np.random.default_rng(seed)
    middles = chance.normal(size=(3, dim)) * 4
    group = np.arange(count) % 3
    return (middles[group] + chance.normal(size=(count, dim))).astype(np.float32), group


def neighbours_in_group(positions, group, k=5):
    """The share of each point's k nearest that are of its own group; a third is chance."""
    distances = ((positions[:, None] - positions[None]) ** 2).sum(-1)
    nearest = np.argsort(distances, axis=1)[:, 1 : k + 1]
    return float((group[nearest] == group[:, None]).mean())


# ---------------------------------------------------------------- projections


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_a_projection_is_reproducible_and_keeps_neighbours_together(method, tmp_path):
    if method == "umap":
        pytest.importorskip("umap")
    vectors, group = groups(dim=70)  # longer than 50: UMAP sees fewer numbers
    first = project(vectors, recipe(method), quiet)
    again = project(vectors, recipe(method), quiet)
    np.testing.assert_allclose(first.positions, again.positions, atol=1e-4)
    assert first.positions.shape == (150, 2)
    assert first.positions.dtype == np.float32
    assert np.abs(first.positions).max() < 1.2
    assert neighbours_in_group(first.positions, group) > 0.9
    if method == "umap":
        demand_placed(first, vectors, group, tmp_path)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_projection_is_made_once_and_told_of(method, tmp_path):
    (vectors, group), phases = groups(), []
    first = made(tmp_path / "maps", recipe(method), lambda: vectors, lambda *p: phases.append(p))
    np.testing.assert_allclose(
        first.positions, project(vectors, recipe(method), quiet).positions, atol=1e-4
    )
    assert neighbours_in_group(first.positions, group) > 0.9
    assert all(share is None or 0 <= share <= 1 for _, share in phases)
    assert len(phases) >= 2

    def never():
        raise AssertionError("it was kept")

    kept = made(tmp_path / "maps", recipe(method), never, quiet)
    np.testing.assert_array_equal(kept.positions, first.positions)
    assert kept.note == first.note


def demand_placed(found, vectors, group, folder):
    """UMAP's own transform, in its process: a vector that it has not seen stands in its group."""
    from mixpeek_lab.projections.kept import write_projection

    write_projection(folder / "map", found)
    path = folder / "map" / "placing.npz"
    with np.load(path, allow_pickle=False) as arrays:  # data, which runs nothing
        assert arrays["raw"].shape == (150, 2)
    place = placer(path)
    middles = np.array([found.positions[group == each].mean(0) for each in range(3)])
    for each in range(3):
        unseen = vectors[group == each].mean(0)
        at = place.place(unseen)
        assert int(np.argmin(np.linalg.norm(middles - at, axis=1))) == each
    assert place.place(unseen) == at
    place.close()
    path.write_bytes(b"no arrays")
    with pytest.raises(EngineError, match="UMAP could not place the query: its process ended"):
        placer(path).place(unseen)


def test_another_seed_or_parameter_is_another_projection(tmp_path):
    vectors, _ = groups()
    made(tmp_path, recipe("pca"), lambda: vectors, quiet)
    assert read_kept(tmp_path, recipe("pca")) is not None
    assert read_kept(tmp_path, recipe("pca", seed=1)) is None
    assert read_kept(tmp_path, recipe("tsne", {"perplexity": 5})) is None
    keys = {recipe("tsne", {"perplexity": p}).key for p in (5, 6, 30)} | {recipe("tsne").key}
    assert len(keys) == 3


def test_a_damaged_file_is_made_again(tmp_path):
    vectors, _ = groups()
    first = made(tmp_path, recipe("pca"), lambda: vectors, quiet)
    (tmp_path / recipe("pca").key / "positions.npy").write_bytes(b"no array")
    assert read_kept(tmp_path, recipe("pca")) is None
    again = made(tmp_path, recipe("pca"), lambda: vectors, quiet)
    np.testing.assert_array_equal(first.positions, again.positions)
    assert read_kept(tmp_path, recipe("pca")) is not None


def test_points_beyond_those_fitted_stand_among_their_neighbours(monkeypatch):
    from mixpeek_lab.projections import computing

    monkeypatch.setitem(computing.MOST_FITTED, "tsne", 90)
    vectors, group = groups()
    found = project(vectors, recipe("tsne"), quiet)
    assert "Fitted on 90 of 150" in found.note
    assert neighbours_in_group(found.positions, group) > 0.9


def test_vectors_that_are_alike_few_or_short_are_drawn_too():
    alike = project(np.ones((8, 4), np.float32), recipe("pca"), quiet)
    assert np.abs(alike.positions).max() < 1e-3
    short = project(np.arange(6, dtype=np.float32)[:, None], recipe("pca"), quiet)
    assert short.positions.shape == (6, 2)
    few = project(groups(4)[0], recipe("tsne"), quiet)
    assert np.isfinite(few.positions).all()
    assert np.isfinite(project(np.ones((8, 4), np.float32), recipe("tsne"), quiet).positions).all()
    with pytest.raises(InvalidInputError, match="three vectors or more"):
        project(np.ones((2, 4), np.float32), recipe("pca"), quiet)


@pytest.mark.parametrize(
    ("method", "parameters", "seed", "said"),
    [
        ("umpa", {}, 0, "Did you mean 'umap'"),
        ("pca", {"perplexity": 3}, 0, "it takes none"),
        ("tsne", {"perplexity": "x"}, 0, "must be a number from 2 to 500"),
        ("tsne", {"perplexity": float("nan")}, 0, "must be a number"),
        ("umap", {"n_neighbors": 2.5}, 0, "whole number"),
        ("pca", {}, -1, "seed"),
    ],
)
def test_a_recipe_says_what_is_wrong(method, parameters, seed, said):
    with pytest.raises(InvalidInputError, match=said):
        recipe(method, parameters, seed)


def test_work_can_be_stopped(tmp_path):
    stop = threading.Event()
    vectors = np.random.default_rng(0).normal(size=(20_000, 32)).astype(np.float32)
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    with pytest.raises(EngineError, match="stopped before it was finished"):
        made(tmp_path / "maps", recipe("tsne"), lambda: vectors, quiet, stop)
    assert read_kept(tmp_path / "maps", recipe("tsne")) is None


# ---------------------------------------------------------------- a collection's map


def test_a_collections_map_is_made_once_for_each_snapshot(filled, monkeypatch):
    shown = filled.maps.open("docs")
    first = shown.project("pca", {}, quiet)
    folder = filled.home / "collections"
    (kept,) = folder.glob("*/1/maps-hash_embedding/pca-*")
    assert shown.is_kept("pca", {})
    monkeypatch.setattr(
        "mixpeek_lab.projections.kept.project", lambda *_: pytest.fail("it was kept")
    )
    again = filled.maps.open("docs").project("pca", {}, quiet)
    np.testing.assert_array_equal(first.positions, again.positions)
    assert kept.exists()


def test_a_changed_collection_is_drawn_anew(kernel_lab):
    kernel_lab.bucket("b", ROWS[:30])
    kernel_lab.process("b", "hash_embedder", "docs", engine="kernel")
    before = kernel_lab.maps.open("docs")
    first = before.project("pca", {}, quiet)
    kernel_lab.bucket("b", ROWS[:33])
    kernel_lab.process("b", "hash_embedder", "docs", engine="kernel")
    after = kernel_lab.maps.open("docs")
    assert not after.is_kept("pca", {})
    assert (len(first.positions), len(after.project("pca", {}, quiet).positions)) == (30, 33)
    # What the old map needs is gone some day: it says so.
    shutil.rmtree(before.source.snapshot.folder)
    with pytest.raises(ConflictError, match="Run its cell again"):
        before.project("pca", {}, quiet)


def test_points_are_their_documents(filled):
    shown = filled.maps.open("docs")
    found = filled.sql("SELECT document_id, kind, hash_embedding FROM docs").table.to_pylist()
    row_of = {row["document_id"]: row for row in found}
    assert set(shown.ids) == set(row_of)
    assert shown.values("kind").to_pylist() == [row_of[key]["kind"] for key in shown.ids]
    projection = shown.project("pca", {}, quiet)
    for point in (0, 44, 89):  # a document's own vector stands where its point does
        vector = row_of[shown.ids[point]]["hash_embedding"]
        assert shown.place(vector, projection) == pytest.approx(
            projection.positions[point], abs=1e-4
        )
    assert {"kind", "year", "length"} <= set(shown.fields)
    assert not {"data", "document_id", "hash_embedding"} & set(shown.fields)


def test_what_there_is_not_is_named(filled):
    with pytest.raises(NotFoundError, match="docs"):
        filled.maps.open("dosc")
    with pytest.raises(NotFoundError, match="hash_embedding"):
        filled.maps.open("docs", "hash_embeding")
    with pytest.raises(NotFoundError, match="kind"):
        open_map(filled, color="knid")
    with pytest.raises(InvalidInputError, match="Did you mean 'tsne'"):
        open_map(filled, method="tsn")
    assert filled.maps.open("docs", "mixpeek://x@1.0.0/hash_embedding").feature == "hash_embedding"


# ---------------------------------------------------------------- the widget


def test_a_selection_is_a_frame_a_filter_and_a_statement(filled):
    shown = open_map(filled)
    assert (len(shown.selected), shown.filter) == (0, None)
    found = filled.sql("SELECT document_id FROM docs WHERE kind = 'cat'")
    cats = found.table.column("document_id").to_pylist()
    shown.select(cats)
    assert shown.selected_count == 30
    assert set(shown.selected.document_id) == set(cats)
    assert set(shown.selected.kind) == {"cat"}
    rows = filled.sql(shown.selection_sql).table.to_pylist()
    assert {row["document_id"] for row in rows} == set(cats)
    found = filled.search(
        {"collection": "docs", "searches": [{"lexical": True}]}, "ship 1", filters=shown.filter
    )
    assert {hit.document_id for hit in found.hits} <= set(cats)
    with pytest.raises(InvalidInputError, match="Not on this map: nobody"):
        shown.select(["nobody"])
    shown.clear()
    assert shown.filter is None
    assert filled.sql(shown.selection_sql).table.num_rows == 0


def test_hits_are_lit_and_the_query_stands_where_its_vector_does(filled):
    shown = open_map(filled)
    result = filled.search({"collection": "docs", "searches": [{"feature": "hash_embedding"}]},
                           ROWS[4]["text"], limit=5)  # fmt: skip
    vector = filled.sql("SELECT * FROM docs WHERE _id = '4'").table.to_pylist()[0]
    shown.highlight(result, query_vector=vector["hash_embedding"])
    lit = shown.highlights
    ids = [shown._known.name_of_drawn(point) for point in lit["points"]]
    assert ids == [hit.document_id for hit in result.hits]
    place = shown.positions.set_index("document_id").loc[vector["document_id"]]
    assert lit["star"] == pytest.approx([place.x, place.y], abs=1e-4)
    shown.highlight(["nobody", ids[0]])
    assert (len(shown.highlights["points"]), shown.highlights["missing"]) == (1, 1)
    shown.highlight()
    nothing = {"points": [], "star": None, "missing": 0}
    assert nothing.items() <= shown.highlights.items()
    with pytest.raises(VectorError, match="3 numbers"):
        shown.highlight(result, query_vector=[1, 2, 3])


def test_a_query_in_words_is_a_star_with_its_nearest_documents(filled):
    shown = open_map(filled)
    text = ROWS[4]["text"]
    shown.query = text
    lit = shown.highlights
    body = {"collection": "docs", "searches": [{"feature": "hash_embedding"}]}
    found = filled.search(body, text, limit=10)
    ids = [shown._known.name_of_drawn(point) for point in lit["points"]]
    assert ids == [hit.document_id for hit in found.hits]
    assert (lit["ranked"], len(lit["names"])) == (True, 10)
    assert lit["how"] == "The star stands exactly where PCA puts the query’s vector."
    place = shown.positions.set_index("document_id")
    vectors = filled.sql("SELECT document_id, hash_embedding FROM docs WHERE _id = '4'").table
    (own,) = vectors.to_pylist()
    assert filled.maps.open("docs").ask(text)[0] == pytest.approx(own["hash_embedding"], abs=1e-5)
    at = place.loc[own["document_id"]]
    assert lit["star"] == pytest.approx([at.x, at.y], abs=1e-4)
    shown.query = ""
    assert (shown.highlights["points"], shown.highlights["star"]) == ([], None)


def test_a_query_that_cannot_be_embedded_says_why_and_changes_nothing(filled):
    shown = open_map(filled)
    shown.query = "ship 1"
    before = shown.highlights
    with pytest.raises(RetrieverError, match="characters"):
        shown.query = "x" * 2_000_000
    assert (shown.query, shown.highlights) == ("ship 1", before)
    silent = EmbeddingMap(
        lambda *_: Projection(np.zeros((3, 2), np.float32)), ["a", "b", "c"], lambda _: {}
    )
    with pytest.raises(InvalidInputError, match="without `ask`"):
        silent.query = "words"


def test_umaps_own_place_takes_the_place_of_the_first(filled):
    """Without UMAP itself: what it gives comes later, in a thread."""
    waiting = threading.Event()

    def finely(_vector, _projection):
        assert waiting.wait(20)
        return (0.25, 0.75)

    spread = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    shown = EmbeddingMap(
        lambda *_: Projection(spread, placing=Path("placing.npz")), ["a", "b", "c"], lambda _: {},
        place=lambda *_: (0.0, 0.5), place_finely=finely, ask=lambda _: (np.ones(4), ["b"]),
    )  # fmt: skip
    told = []
    shown.observe(lambda change: told.append(change["new"]), "highlights")
    shown.query = "words"
    assert told[0]["star"] == [0.0, 0.5]
    assert "UMAP works out its own place" in told[0]["how"]
    waiting.set()
    for _ in range(200):
        if len(told) > 1:
            break
        threading.Event().wait(0.05)
    assert told[1]["star"] == [0.25, 0.75]
    assert told[1]["how"].startswith("The star stands where UMAP’s own transform")


def test_a_large_selection_is_a_filter_that_a_search_takes():
    from mixpeek_lab.filters import parse_filter
    from mixpeek_lab.widgets.embedding_hits import ids_filter

    ids = [f"d{n}" for n in range(25_000)]
    found = parse_filter(ids_filter(ids))
    assert found.matches({"document_id": "d24999"})
    assert not found.matches({"document_id": "d25000"})
    assert ids_filter([]) is None


def test_the_state_is_checked(filled):
    shown = open_map(filled, color="kind")
    shown.view = {"zoom": 3}
    assert shown.view == {"x": 0.0, "y": 0.0, "zoom": 3.0}
    for wrong in ({"zoom": "x"}, {"z": 1}, {"x": float("nan")}):
        with pytest.raises(InvalidInputError, match="view"):
            shown.view = wrong
    with pytest.raises(NotFoundError):
        shown.color = "nothing"
    with pytest.raises(InvalidInputError):
        shown.method = "magic"
    assert (shown.color, shown.method) == ("kind", "pca")


def test_another_method_takes_the_place_of_pca_when_it_is_ready(filled):
    shown = open_map(filled, method="tsne", parameters={"perplexity": 10})
    assert shown.status["shown"] == "pca"
    shown.wait(120)
    assert (shown.status["shown"], shown.status["phase"]) == ("tsne", "")
    first = shown.positions
    assert open_map(filled, method="tsne", parameters={"perplexity": 10}).positions.equals(first)
    shown.method = "pca"
    assert shown.status["shown"] == "pca"
    assert not shown.positions.equals(first)


def test_what_goes_wrong_in_the_background_is_told_and_raised():
    def failing(method, _parameters, _tell, _stop):
        if method != "pca":
            raise EngineError("no memory left")
        return Projection(np.zeros((3, 2), np.float32))

    shown = EmbeddingMap(failing, ["a", "b", "c"], lambda _: {}, title="docs")
    shown.method = "tsne"
    with pytest.raises(EngineError, match="no memory left"):
        shown.wait(20)
    assert shown.status["error"] == "no memory left"
    assert (shown.method, shown.status["shown"]) == ("pca", "pca")


def test_the_view_gets_bytes(filled, monkeypatch):
    shown, sent = open_map(filled, color="kind"), []
    monkeypatch.setattr(
        shown, "send", lambda content, buffers=None: sent.append((content, buffers))
    )
    shown._on_message(None, {"id": "1", "type": "points"}, [])
    header, (body,) = sent.pop()
    assert header["encoding"] == "binary"
    positions = np.frombuffer(body, np.float32).reshape(-1, 2)
    np.testing.assert_array_equal(
        positions, shown.positions[["x", "y"]].to_numpy()[shown._known.order]
    )
    bits = np.zeros(90, bool)
    bits[[3, 7]] = True
    packed = np.packbits(bits, bitorder="little").tobytes()
    shown._on_message(None, {"id": "2", "type": "select"}, [memoryview(packed)])
    assert set(shown.selected_ids) == {shown._known.name_of_drawn(point) for point in (3, 7)}
    sent.clear()
    shown._on_message(None, {"id": "3", "type": "selection"}, [])
    assert sent.pop()[1] == [packed]
    shown._on_message(None, {"id": "4", "type": "select"}, [b"\0"])
    assert "no selection of 90 points" in sent.pop()[0]["error"]["message"]
    shown._on_message(None, {"id": "5", "type": "document", "point": 3}, [])
    document = json.loads(sent.pop()[1][0])
    assert document["id"] == shown._known.name_of_drawn(3)
    assert document["fields"]["kind"] in ("cat", "ship", "tax")


def test_a_saved_notebook_keeps_a_picture_text_and_the_code(filled):
    shown = open_map(filled, color="kind", code="%embedding_map docs --color kind")
    data, _ = shown._repr_mimebundle_()
    assert data["text/plain"].splitlines() == [
        "EmbeddingMap(docs · hash_embedding, 90 points, pca, color='kind')",
        "  cat: 30", "  ship: 30", "  tax: 30",
    ]  # fmt: skip
    html = data["text/html"]
    assert 'src="data:image/png;base64,' in html
    assert "<code>%embedding_map docs --color kind</code>" in html
    assert "90 points, pca. Coloured by kind." in html
    assert len(html) < 200_000


# ---------------------------------------------------------------- colours


def test_the_commonest_categories_get_colours_and_the_rest_is_one():
    values = [f"c{n}" for n in range(12) for _ in range(20 - n)] + [None] * 3
    found = colours_of(values)
    assert [entry[:2] for entry in found.entries[:7]] == [(f"c{n}", n) for n in range(7)]
    assert found.entries[7:] == (("5 others", OTHER, sum(20 - n for n in range(7, 12))),
                                 ("no value", MISSING, 3))  # fmt: skip
    assert [int((found.codes == code).sum()) for _, code, _ in found.entries] == [
        count for *_, count in found.entries
    ]
    assert colours_of([True, False, None]).kind == "category"


def test_numbers_and_dates_take_a_ramp_that_one_outlier_does_not_bleach():
    import datetime

    found = colours_of([*range(1000), 10**9, None, float("nan")])
    assert (found.kind, found.ends[1]) == ("number", "≥ 990")
    assert found.codes[0] == 0
    assert 120 < found.codes[500] < 135
    assert list(found.codes[-2:]) == [MISSING, MISSING]
    days = colours_of([datetime.date(2020, 1, 1), datetime.date(2024, 1, 1)])
    assert (days.kind, days.ends) == ("number", ("2020-01-01", "2024-01-01"))
    assert colours_of([None, None]).entries == (("no value", MISSING, 2),)
    assert set(colours_of([7, 7]).codes) == {0}


# ---------------------------------------------------------------- geometry, in node


def in_node(script):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the browser test draws with the lasso too")
    parts = [
        (WIDGETS / f"embedding_map_{name}.js").read_text("utf-8") for name in ("geometry", "grid")
    ]
    done = subprocess.run(
        [node, "--input-type=module", "-e", "\n".join([*parts, script])],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_the_lasso_holds_is_what_a_winding_number_says():
    chance = np.random.default_rng(5)
    points = chance.uniform(-1, 1, (400, 2)).round(4)
    angles = np.sort(chance.uniform(0, 2 * np.pi, 40))
    radii = chance.uniform(0.2, 0.9, 40)
    polygon = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], 1)
    got = in_node(f"""
      const xy = Float64Array.from({points.ravel().tolist()});
      const marks = new Uint8Array({len(points)});
      const count = markInside(xy, {polygon.ravel().tolist()}, (i) => i !== 0, marks);
      const same = unpackedMarks(packedMarks(marks), marks.length).every((m, i) => m === marks[i]);
      console.log(JSON.stringify({{ marks: [...marks], count, same, counted: countOf(marks) }}));
    """)
    # Around a point within, the corners turn once: another way to tell than counting crossings.
    spokes = polygon[None] - points[:, None]
    turns = np.angle(
        np.roll(spokes[..., 0] + 1j * spokes[..., 1], -1, axis=1)
        / (spokes[..., 0] + 1j * spokes[..., 1])
    ).sum(1)
    inside = np.abs(turns) > 1
    inside[0] = False  # hidden
    assert got["marks"] == inside.astype(int).tolist()
    assert got["count"] == got["counted"] == int(inside.sum()) > 20
    assert got["same"]


def test_zooming_holds_the_place_under_the_pointer_and_the_grid_finds_the_nearest():
    chance = np.random.default_rng(6)
    points = chance.normal(0, 0.7, (3000, 2)).round(4)  # some beyond -1 to 1
    asked = chance.uniform(-1.5, 1.5, (60, 2)).round(4)
    got = in_node(f"""
      const size = {{ width: 640, height: 400 }};
      const view = {{ x: 0.2, y: -0.1, zoom: 2 }};
      const before = toData(view, size, 500, 100);
      const after = toData(zoomedAt(view, size, 500, 100, 3), size, 500, 100);
      const back = toScreen(view, size, ...before);
      const xy = Float64Array.from({points.ravel().tolist()});
      const grid = buildGrid(xy);
      const found = {asked.tolist()}.map(([x, y]) => nearestPoint(grid, x, y, 0.3, (i) => i % 7));
      const cross = Float64Array.from([0, 0, 1, 0.1, 2, 0, 0, 1, -1, 0]);
      const right = nextPoint(cross, 0, 1, 0, () => true);
      console.log(JSON.stringify({{ before, after, back, found, right }}));
    """)
    assert got["before"] == pytest.approx(got["after"])
    assert got["back"] == pytest.approx([500, 100])
    assert got["right"] == 1
    for place, found in zip(asked, got["found"], strict=True):
        distances = np.hypot(*(points - place).T)
        distances[::7] = np.inf
        nearest = int(np.argmin(distances))
        assert found == (nearest if distances[nearest] <= 0.3 else -1)
