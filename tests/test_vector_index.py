"""Vector indexes: what goes in, what is found, what stays on disk, which device answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pytest

from mixpeek_lab.errors import EngineError, InvalidInputError, VectorError
from mixpeek_lab.indexes import (
    build_vector_index,
    check_installation,
    gpu,
    read_vector_index,
    usable_vectors,
    write_vector_index,
)
from mixpeek_lab.indexes.folders import TEMPORARY_SUFFIX, written_folder
from mixpeek_lab.indexes.ivf import list_count
from mixpeek_lab.models import Unusable

KINDS = ("flat", "hnsw", "ivf")
METRICS = ("cosine", "euclid", "dot")
HAS_GPU = faiss.get_num_gpus() > 0


def clustered(count: int, dim: int = 24, seed: int = 0) -> np.ndarray:
    """Vectors around the same 40 centres whatever the seed, as embeddings of like texts are."""
    centres = np.random.default_rng(99).standard_normal((40, dim))
    rng = np.random.default_rng(seed)
    noise = 0.7 * rng.standard_normal((count, dim))
    return (centres[rng.integers(0, 40, count)] + noise).astype(np.float32)


def true_scores(vectors: np.ndarray, query: np.ndarray, metric: str) -> np.ndarray:
    vectors, query = vectors.astype(np.float64), query.astype(np.float64)
    if metric == "euclid":
        return -np.linalg.norm(vectors - query, axis=1)
    products = vectors @ query
    if metric == "dot":
        return products
    return products / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)


def built(vectors: np.ndarray, kind: str = "flat", metric: str = "cosine", **options):
    return build_vector_index(vectors, np.arange(len(vectors)), kind=kind, metric=metric, **options)


# ------------------------------------------------------------------ usable_vectors

VALUES = [[1.0, 2.0], None, [float("nan"), 1.0], [3.0, 4.0], [float("inf"), 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(VALUES, pa.list_(pa.float32(), 2)),
        pa.array(VALUES, pa.list_(pa.float64())),
        pa.array(VALUES, pa.large_list(pa.float32())),
        pa.chunked_array([pa.array(VALUES[:2], pa.list_(pa.float32(), 2)),
                          pa.array([], pa.list_(pa.float32(), 2)),
                          pa.array(VALUES[2:], pa.list_(pa.float32(), 2))]),
        pa.array([[9.0, 9.0], *VALUES, [9.0, 9.0]], pa.list_(pa.float32(), 2)).slice(1, 6),
        pa.array([[9.0], None, *VALUES], pa.list_(pa.float32())).slice(2, 6),
        VALUES,
        [None if v is None else np.array(v) for v in VALUES],
        [float("nan") if v is None else v for v in VALUES],
        np.array([v or [np.nan, np.nan] for v in VALUES]),
    ],
    ids=["fixed", "list64", "large", "chunked", "slice", "list slice", "rows", "arrays", "nan row",
         "matrix"],
)  # fmt: skip
def test_usable_vectors_leaves_out_null_nan_and_zero(column):
    usable = usable_vectors(column, 2, "embedding")
    assert usable.vectors.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert usable.vectors.dtype == np.float32
    assert usable.vectors.flags.c_contiguous
    assert usable.rows.tolist() == [0, 3]
    assert usable.rows.dtype == np.int64
    assert usable.left_out == 4
    assert usable_vectors(column, 2, "embedding", metric="euclid").rows.tolist() == [0, 3, 5]


@pytest.mark.parametrize(
    "column", [VALUES, pa.array(VALUES, pa.list_(pa.float32(), 2))], ids=["rows", "fixed"]
)
def test_usable_vectors_tells_why_rows_are_left_out(column):
    reasons = usable_vectors(column, 2, "embedding").unusable
    assert reasons == Unusable(missing=1, not_finite=2, zero=1)
    assert str(reasons) == "1 missing, 2 NaN or infinite, 1 all zeros"
    assert usable_vectors(column, 2, "e", metric="dot").unusable == Unusable(1, 2, 0)


@pytest.mark.parametrize(
    "column",
    [
        [],
        [None, None],
        pa.nulls(3),
        pa.array([], pa.list_(pa.float32())),
        pa.chunked_array([], pa.list_(pa.float32(), 4)),
    ],
    ids=["no rows", "null rows", "nulls", "no lists", "no chunks"],
)
def test_usable_vectors_of_nothing(column):
    usable = usable_vectors(column, 4, "embedding")
    assert usable.vectors.shape == (0, 4)
    assert len(usable.rows) == 0
    assert usable.left_out == len(column)


def test_usable_vectors_reads_tensor_columns_integers_and_copies_nothing_needlessly():
    matrix = np.arange(1, 13, dtype=np.float32).reshape(4, 3)
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(matrix)
    assert (usable_vectors(tensor, 3, "e").vectors == matrix).all()
    plain = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), 3)
    assert np.shares_memory(usable_vectors(plain, 3, "e").vectors, matrix)
    integers = pa.array([[1, 2, 3], [4, None, 6]], pa.list_(pa.int64()))
    assert usable_vectors(integers, 3, "e").rows.tolist() == [0]


@pytest.mark.parametrize("column", [
    pa.array([None, [1.0, 2.0, 3.0]], pa.list_(pa.float32(), 3)),
    pa.array([[1.0, 2.0], [1.0, 2.0, 3.0], [1.0]], pa.list_(pa.float32())),
    pa.chunked_array([pa.array([[1.0, 2.0]]), pa.array([[1.0, 2.0, 3.0]])]),
    [[1.0, 2.0], (1.0, 2.0, 3.0)],
])  # fmt: skip
def test_usable_vectors_names_both_dimensions_and_the_first_wrong_row(column):
    with pytest.raises(VectorError, match=r"'body'.*embedding_dim 2, but row 1 has 3 numbers"):
        usable_vectors(column, 2, "body")
    with pytest.raises(VectorError, match=r"embedding_dim 2, but row 0 has 3 numbers"):
        usable_vectors(np.ones((5, 3)), 2, "body")


@pytest.mark.parametrize(
    "column",
    [pa.array(["a"]), pa.array([["a"]]), [["a"]], [7.0], [[[1.0]]]],
    ids=["text", "lists of text", "rows of text", "numbers", "nested"],
)
def test_usable_vectors_refuses_what_is_no_list_of_numbers(column):
    with pytest.raises(VectorError, match="'body'"):
        usable_vectors(column, 1, "body")


# ------------------------------------------------------------------ search


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("share", [None, 0.01, 0.3, 0.95])
def test_flat_search_is_exact_and_larger_is_better(metric, share):
    vectors = clustered(3_000)
    rng = np.random.default_rng(1)
    allowed = None if share is None else rng.random(3_000) < share
    index = built(vectors, metric=metric)
    for query in clustered(5, seed=2):
        scores = true_scores(vectors, query, metric)
        wanted = np.arange(3_000) if allowed is None else np.flatnonzero(allowed)
        best = wanted[np.argsort(-scores[wanted], kind="stable")][:150]
        rows, found = index.search(query, 150, allowed)
        assert rows.tolist() == best.tolist()
        assert rows.dtype == np.int64
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, scores[best], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_approximate_search_finds_nearly_all_and_honours_every_filter(kind, metric):
    vectors = clustered(6_000)
    flat, index = built(vectors, metric=metric), built(vectors, kind, metric)
    queries = clustered(40, seed=3)
    for share in (1.0, 0.9, 0.6, 0.36):
        allowed = np.random.default_rng(4).random(6_000) < share if share < 1 else None
        hits = 0
        for query in queries:
            rows, scores = index.search(query, 10, allowed)
            assert len(rows) == 10
            assert (np.diff(scores) <= 0).all()
            assert allowed is None or allowed[rows].all()
            hits += len(set(rows) & set(flat.search(query, 10, allowed)[0]))
        assert hits / 400 >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_filter_is_answered_exactly_by_every_kind(kind):
    vectors = clustered(5_000)
    index = built(vectors, kind)
    query = -vectors[0]  # far from everything: a graph walk would not get there
    for count in (1, 7, 60):
        allowed = np.zeros(5_000, dtype=bool)
        allowed[np.random.default_rng(count).choice(5_000, count, replace=False)] = True
        rows, _ = index.search(query, 50, allowed)
        scores = true_scores(vectors, query, "cosine")
        wanted = np.flatnonzero(allowed)
        assert rows.tolist() == wanted[np.argsort(-scores[wanted])][:50].tolist()
    assert len(index.search(query, 10, np.zeros(5_000, dtype=bool))[0]) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_found_where_k_exceeds_the_index(kind):
    vectors = clustered(1_500)
    rows, scores = built(vectors, kind).search(vectors[3], 9_999)
    assert sorted(rows.tolist()) == list(range(1_500))
    assert rows[0] == 3
    assert scores[0] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_ties_stand_in_ascending_rows_also_at_the_last_place(metric):
    vectors = clustered(700)
    same = np.array([3, 90, 91, 250, 251, 252, 600, 698, 699])
    vectors[same] = vectors[3] * 3
    index = built(vectors, metric=metric)
    for k in (1, 4, 9):
        assert index.search(vectors[3], k)[0].tolist() == same[:k].tolist()
        assert index.search_many(vectors[[3, 3]], k)[1][0].tolist() == same[:k].tolist()
    allowed = np.arange(700) > 90
    assert index.search(vectors[3], 3, allowed)[0].tolist() == [91, 250, 251]


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_identical_vectors_are_all_reachable(kind):
    index = built(np.ones((1_200, 8), np.float32), kind)
    assert sorted(index.search(np.ones(8), 1_200)[0].tolist()) == list(range(1_200))
    if kind == "flat":
        assert index.search(np.ones(8), 5)[0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_documents(kind):
    vectors = clustered(2_600)
    rows = np.arange(2_600) * 3 + 5
    index = build_vector_index(vectors, rows, kind=kind, metric="cosine")
    allowed = np.zeros(rows[-1] + 10, dtype=bool)
    allowed[rows[1000:1020]] = True
    allowed[rows[1000:1020] + 1] = True  # documents without a vector
    assert index.search(vectors[7], 1)[0].tolist() == [26]
    found = index.search(vectors[7], 50, allowed)[0]
    assert sorted(found.tolist()) == rows[1000:1020].tolist()
    assert index.search_many(vectors[:3], 1)[2][0].tolist() == [11]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
def test_search_many_agrees_with_search(kind, metric):
    vectors, queries = clustered(3_000), clustered(45, seed=5)
    index = built(vectors, kind, metric)
    ranked = index.search_many(queries, 20)
    assert len(ranked) == 45
    for query, (rows, scores) in zip(queries, ranked, strict=True):
        alone_rows, alone_scores = index.search(query, 20)
        assert rows.tolist() == alone_rows.tolist()
        np.testing.assert_allclose(scores, alone_scores, rtol=1e-5, atol=1e-5)
    assert index.search_many(np.empty((0, 24)), 5) == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_without_vectors_finds_nothing(kind, tmp_path):
    index = built(np.empty((0, 6), np.float32), kind)
    write_vector_index(index, tmp_path / "v")
    for empty in (index, read_vector_index(tmp_path / "v")):
        rows, scores = empty.search([1.0] * 6, 5, np.zeros(3, dtype=bool))
        assert (len(rows), len(scores), len(empty)) == (0, 0, 0)
        assert len(empty.search_many(np.ones((2, 6)), 5)[1][0]) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 38, 40, 999])
def test_small_indexes_of_every_kind_are_complete(kind, count, capfd):
    vectors = clustered(count)
    index = built(vectors, kind)
    scores = true_scores(vectors, vectors[0], "cosine")
    assert index.search(vectors[0], 5)[0].tolist() == np.argsort(-scores)[:5].tolist()
    assert capfd.readouterr().err == ""  # faiss's warnings about training


def test_unit_vectors_are_kept_to_the_last_bit_and_others_brought_to_unit_length():
    vectors = clustered(400)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    raw = faiss.IndexFlatIP(24)
    raw.add(unit)
    values, positions = raw.search(unit[:1], 100)
    rows, scores = built(unit).search(unit[0], 100)
    assert rows.tolist() == positions[0].tolist()
    assert (scores == values[0]).all()
    longer = unit.copy()
    longer[5] *= 7
    assert built(longer).search(unit[5], 1)[1][0] == pytest.approx(1.0, abs=1e-6)


def test_queries_of_any_number_type_are_taken():
    index = built(clustered(50))
    query = clustered(1, seed=9)[0]
    expected = index.search(query, 5)[0].tolist()
    for form in (query.tolist(), query.astype(np.float64) * np.float64(2), pa.array(query)):
        assert index.search(form, 5)[0].tolist() == expected
    assert index.search(query * np.float32(1e-25), 5)[0].tolist() == expected


def test_unusable_queries_are_refused():
    index = built(clustered(50))
    with pytest.raises(VectorError, match="query has 3 numbers, the index has 24"):
        index.search([1.0, 2.0, 3.0], 5)
    with pytest.raises(VectorError, match="NaN"):
        index.search([float("nan")] * 24, 5)
    with pytest.raises(VectorError, match="zeros"):
        index.search(np.zeros(24), 5)
    with pytest.raises(VectorError, match=r"\(q, 24\)"):
        index.search_many(np.ones(24), 5)
    with pytest.raises(VectorError, match="query has 5 numbers, the index has 24"):
        index.search_many(np.ones((2, 5)), 5)
    with pytest.raises(InvalidInputError, match="covers 20 documents"):
        index.search(np.ones(24), 5, np.ones(20, dtype=bool))
    with pytest.raises(InvalidInputError, match="one bool per document"):
        index.search(np.ones(24), 5, np.arange(50))
    with pytest.raises(InvalidInputError, match="-1"):
        index.search(np.ones(24), -1)
    assert len(index.search(np.ones(24), 0)[0]) == 0
    assert len(built(clustered(50), metric="euclid").search(np.zeros(24), 5)[0]) == 5


def test_unusable_vectors_and_names_are_refused():
    good, rows = clustered(3), np.arange(3)
    with pytest.raises(InvalidInputError, match="flat, hnsw, ivf"):
        build_vector_index(good, rows, kind="annoy", metric="cosine")
    with pytest.raises(InvalidInputError, match="cosine, euclid, dot"):
        build_vector_index(good, rows, kind="flat", metric="l2")
    for bad_rows in (np.arange(2), np.array([0, 2, 1]), np.array([0, 1, 1])):
        with pytest.raises(VectorError, match="ascending rows"):
            build_vector_index(good, bad_rows, kind="flat", metric="cosine")
    with pytest.raises(VectorError, match="float64"):
        build_vector_index(good.astype(np.float64), rows, kind="flat", metric="cosine")
    for value, message in ((np.nan, "NaN"), (np.inf, "NaN"), (0.0, "zeros")):
        bad = good.copy()
        bad[1] = value
        with pytest.raises(VectorError, match=message):
            build_vector_index(bad, rows, kind="flat", metric="cosine")


def test_faiss_keeps_its_thread_count():
    before = faiss.omp_get_max_threads()
    index = built(clustered(1_500), "ivf")
    index.search(clustered(1)[0], 5)
    index.search_many(clustered(30), 5)
    assert faiss.omp_get_max_threads() == before


def test_ivf_trains_as_many_lists_as_its_vectors_allow_and_repeats_with_a_seed():
    assert [list_count(n) for n in (1, 38, 390, 10_000, 1_000_000)] == [1, 1, 10, 256, 4_000]
    vectors = clustered(2_000)
    small = built(vectors[:900], "ivf")
    assert small.faiss_index.nprobe == small.faiss_index.nlist == 23
    one, two = built(vectors, "ivf", seed=5), built(vectors, "ivf", seed=5)
    assert 1 <= one.faiss_index.nprobe < one.faiss_index.nlist
    assert one.search(vectors[9] + vectors[8], 30)[0].tolist() == (
        two.search(vectors[9] + vectors[8], 30)[0].tolist()
    )


# ------------------------------------------------------------------ on disk


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_is_written_and_read_answers_the_same(kind, metric, tmp_path):
    vectors, rows = clustered(2_500), np.arange(2_500) * 2
    index = build_vector_index(vectors, rows, kind=kind, metric=metric)
    write_vector_index(index, tmp_path / "a" / "v")
    read = read_vector_index(tmp_path / "a" / "v")
    assert (read.kind, read.metric, read.dim, len(read)) == (kind, metric, 24, 2_500)
    allowed = np.random.default_rng(0).random(5_000) < 0.5
    for mask in (None, allowed):
        expected, found = index.search(vectors[1], 40, mask), read.search(vectors[1], 40, mask)
        assert found[0].tolist() == expected[0].tolist()
        assert found[1].tolist() == expected[1].tolist()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["v"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/maps")
@pytest.mark.parametrize("kind", KINDS)
def test_a_read_index_is_mapped_and_survives_its_replacement(kind, tmp_path):
    path = tmp_path / "v"
    write_vector_index(built(clustered(2_000), kind), path)
    read = read_vector_index(path)
    assert str(path / "index.faiss") in Path("/proc/self/maps").read_text()
    before = read.search(np.ones(24), 20)[0].tolist()
    write_vector_index(built(clustered(500, seed=8), kind), path)
    assert read.search(np.ones(24), 20)[0].tolist() == before
    assert len(read_vector_index(path)) == 500
    assert [p.name for p in tmp_path.iterdir()] == ["v"]


def write_half(path):
    with written_folder(path) as folder:
        assert folder.name.endswith(TEMPORARY_SUFFIX)
        (folder / "index.faiss").write_bytes(b"half")
        raise RuntimeError("stop")


def test_a_folder_that_is_not_finished_leaves_the_old_one(tmp_path):
    path = tmp_path / "v"
    write_vector_index(built(clustered(30)), path)
    with pytest.raises(RuntimeError, match="stop"):
        write_half(path)
    assert len(read_vector_index(path)) == 30
    assert [p.name for p in tmp_path.iterdir()] == ["v"]


def test_a_damaged_index_is_an_error_that_names_the_folder(tmp_path):
    path = tmp_path / "v"
    with pytest.raises(EngineError, match=r"/v does not hold a readable vector index"):
        read_vector_index(path)
    write_vector_index(built(clustered(30)), path)
    description = json.loads((path / "index.json").read_text())
    for change, message in (({"format": 99}, "format 99"), ({"size": 31}, "damaged")):
        (path / "index.json").write_text(json.dumps(description | change))
        with pytest.raises(EngineError, match=message):
            read_vector_index(path)
    (path / "index.json").write_text(json.dumps(description))
    (path / "index.faiss").write_bytes((path / "index.faiss").read_bytes()[:60])
    with pytest.raises(EngineError, match="readable"):
        read_vector_index(path)


# ------------------------------------------------------------------ the GPU


def test_the_path_of_a_search_on_the_gpu():
    def path(k, admitted, *, exact=True):
        return gpu.choose_path(k=k, size=100_000, admitted=admitted, is_exact=exact)

    assert path(10, None) == "gpu"
    assert path(2_048, None) == "gpu"
    assert path(2_049, None) == "cpu"
    assert path(10, 50_000) == "gpu_overfetch"
    assert path(100, 20_000) == "gpu_overfetch"
    assert path(100, 10_000) == "cpu"
    assert path(10, 0) == "cpu"
    assert path(10, 50_000, exact=False) == "cpu"
    assert gpu.overfetch(10, 100_000, 50_000) == 80
    assert gpu.overfetch(10, 30, 20) == 30
    assert [gpu.can_hold(kind) for kind in KINDS] == [True, False, True]


def test_candidates_of_a_filtered_gpu_search_are_exact_or_none():
    vectors = clustered(1_000)
    index = faiss.IndexFlatIP(24)
    index.add(vectors)
    mask = np.random.default_rng(0).random(1_000) < 0.4
    fetched = index.search(vectors[:1], 120)
    kept = gpu.kept_candidates(fetched, 20, mask)
    scores = vectors @ vectors[0]
    wanted = np.flatnonzero(mask)
    assert kept[1][0].tolist() == wanted[np.argsort(-scores[wanted])][:20].tolist()
    assert gpu.kept_candidates(fetched, 119, mask) is None
    padded = (np.zeros((1, 3), np.float32), np.array([[5, -1, -1]]))
    assert gpu.kept_candidates(padded, 2, np.ones(1_000, dtype=bool)) is None


class PretendGpuIndex:
    """faiss's classic GPU index as far as its limits go: no selectors, k up to 2,048."""

    def __init__(self, index):
        self.index, self.searches = index, 0

    def search(self, queries, k):
        assert k <= gpu.MOST_CANDIDATES
        self.searches += 1
        return self.index.search(queries, k)


@pytest.fixture
def pretend_gpus(monkeypatch):
    made = []

    def upload(resources, device, index):
        made.append(PretendGpuIndex(index))
        return made[-1]

    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(gpu, "_resources", lambda: None)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", upload, raising=False)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_on_the_gpu_answers_as_on_the_cpu(kind, pretend_gpus):
    vectors = clustered(4_000)
    vectors[100:140] = vectors[100]
    on_gpu, on_cpu = built(vectors, kind), built(vectors, kind, device="cpu")
    for share in (None, 0.9, 0.6, 0.05, 0.002):
        allowed = None if share is None else np.random.default_rng(2).random(4_000) < share
        for k in (1, 30, 3_000):
            rows, _ = on_gpu.search(vectors[100], k, allowed)
            assert allowed is None or allowed[rows].all()
            if kind == "flat":
                assert rows.tolist() == on_cpu.search(vectors[100], k, allowed)[0].tolist()
            assert len(rows) == min(k, 4_000 if allowed is None else allowed.sum())
    assert len(on_gpu.search_many(vectors[:25], 10)) == 25
    assert bool(pretend_gpus) == gpu.can_hold(kind)
    assert all(index.searches > 3 for index in pretend_gpus)


def test_a_gpu_without_room_is_an_error_with_a_way_out(pretend_gpus, monkeypatch):
    def full(resources, device, index):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(faiss, "index_cpu_to_gpu", full)
    with pytest.raises(EngineError, match=r"50 vectors.*out of memory.*device='cpu'"):
        built(clustered(50)).search(np.ones(24), 5)
    assert len(built(clustered(50), device="cpu").search(np.ones(24), 5)[0]) == 5


@pytest.mark.skipif(not HAS_GPU, reason="the installed faiss sees no GPU")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_a_real_gpu_answers_as_the_cpu(kind, metric, tmp_path):
    vectors = clustered(20_000)
    write_vector_index(built(vectors, kind, metric), tmp_path / "v")
    on_gpu = read_vector_index(tmp_path / "v")
    exact = built(vectors, "flat", metric, device="cpu")
    hits = 0
    for query in clustered(20, seed=6):
        for share in (1.0, 0.5, 0.1, 0.001):
            allowed = np.random.default_rng(7).random(20_000) < share
            rows, _ = on_gpu.search(query, 10, None if share == 1.0 else allowed)
            assert share == 1.0 or allowed[rows].all()
            hits += len(set(rows) & set(exact.search(query, 10, allowed)[0]))
    assert hits / (20 * 4 * 10) >= (0.999 if kind == "flat" else 0.95)


# ------------------------------------------------------------------ the installation


def test_two_builds_of_faiss_side_by_side_are_named(tmp_path):
    def install(name):
        folder = tmp_path / f"{name.replace('-', '_')}-1.15.1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.15.1\n")

    assert "not installed" in check_installation([str(tmp_path)])
    install("faiss-cpu")
    assert check_installation([str(tmp_path)]) is None
    install("faiss-gpu")
    message = check_installation([str(tmp_path)])
    assert "faiss-cpu and faiss-gpu" in message
    assert "pip uninstall -y faiss-cpu faiss-gpu" in message


def test_this_installation_has_one_build_of_faiss():
    assert check_installation() is None
