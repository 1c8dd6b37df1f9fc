"""Lexical indexes: the analysis of text, BM25's ranking, and what stays on disk."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bm25s
import numpy as np
import pytest
import Stemmer
from hypothesis import given
from hypothesis import strategies as st

from mixpeek_lab.errors import EngineError, InvalidInputError
from mixpeek_lab.indexes import (
    analyzer_names,
    build_lexical_index,
    check_analyzer,
    get_analyzer,
    read_lexical_index,
    write_lexical_index,
)

TEXTS = [
    "Running shoes for the runner",
    None,
    "",
    "The annual report mentions revenue growth, revenue risk and revenue.",
    "Revenue",
    "a",
    "Growth of the runner's revenue",
]


def reference_terms(text: str, stemmer: str | None, stop_words: str | None = "en") -> list[str]:
    stem = Stemmer.Stemmer(stemmer) if stemmer else None
    options = {"stopwords": stop_words, "stemmer": stem, "show_progress": False}
    return bm25s.tokenize([text], return_ids=False, **options)[0]


# ------------------------------------------------------------------ analyzers


@pytest.mark.parametrize(
    "text",
    [
        "The Runners' RUNNING shoes, run-ins & a 10-K filing_2024 of x",
        "Straße ÉCOLE naïve İstanbul 東京 タワー … e-mail@example.com",
        "",
        "the of and a",
        "repeat repeat repeated",
    ],
)
def test_terms_are_those_of_bm25s(text):
    assert get_analyzer("plain").terms(text) == reference_terms(text, None)
    assert get_analyzer("english").terms(text) == reference_terms(text, "english")
    assert get_analyzer("german").terms(text) == reference_terms(text, "german", "de")
    assert get_analyzer("finnish").terms(text) == reference_terms(text, "finnish", None)


@given(st.text(max_size=80))
def test_terms_of_any_text_are_those_of_bm25s_for_queries_and_documents(text):
    for name, stemmer in (("plain", None), ("english", "english")):
        analyzer = get_analyzer(name)
        expected = reference_terms(text, stemmer)
        assert analyzer.terms(text) == expected
        (numbers,), vocabulary = analyzer.numbered_terms([text])
        terms = list(vocabulary)
        assert [terms[number] for number in numbers] == expected


def test_every_named_language_analyzes():
    names = analyzer_names()
    assert names[:2] == ("english", "plain")
    assert {"german", "french", "spanish", "finnish", "arabic"} <= set(names)
    assert not {"porter", "lovins"} & set(names)
    for name in names:
        assert get_analyzer(name).terms("Zebras 123") != []
    assert get_analyzer("german").terms("der und die Häuser") == ["haus"]
    assert get_analyzer("french").terms("les maisons et la nation") == ["maison", "nation"]


def test_an_unknown_analyzer_is_refused_with_the_names():
    with pytest.raises(InvalidInputError, match=r"'klingon'.*english, plain, arabic"):
        build_lexical_index(["x"], "klingon")
    with pytest.raises(InvalidInputError, match="'klingon'"):
        check_analyzer("klingon")
    check_analyzer("plain")


def test_spans_are_the_matching_words_of_the_text():
    index = build_lexical_index(["shoes for runners", "other"])
    document = "She RUNS: a runner's shoe."
    spans = index.highlights("the runner with unknown shoes", document)
    assert [document[start:end] for start, end in spans] == ["runner", "shoe"]


def test_one_analyzer_serves_many_threads():
    analyzer, words = get_analyzer("english"), ["running", "nationality", "generously", "flies"]
    with ThreadPoolExecutor(8) as pool:
        texts = [" ".join(words[i % 4 :] * 50) for i in range(200)]
        found = list(pool.map(analyzer.terms, texts))
    assert found == [analyzer.terms(text) for text in texts]


# ------------------------------------------------------------------ search


def bm25_by_hand(texts: list[str | None], query: list[str]) -> dict[int, float]:
    """Lucene's formula over the texts that are not None, for already stemmed terms."""
    documents = {r: get_analyzer("english").terms(t) for r, t in enumerate(texts) if t is not None}
    mean = sum(map(len, documents.values())) / len(documents)
    scores = dict.fromkeys(documents, 0.0)
    for term in query:
        holders = sum(term in words for words in documents.values())
        idf = math.log(1 + (len(documents) - holders + 0.5) / (holders + 0.5))
        for row, words in documents.items():
            count = words.count(term)
            scores[row] += idf * count / (count + 1.5 * (0.25 + 0.75 * len(words) / mean))
    return {row: score for row, score in scores.items() if score > 0}


def test_ranking_is_bm25_over_the_texts_that_exist():
    rows, scores = build_lexical_index(TEXTS).search("revenue growth of runners", 10)
    expected = bm25_by_hand(TEXTS, ["revenu", "growth", "runner"])
    assert rows.tolist() == sorted(expected, key=lambda row: -expected[row])
    assert scores.tolist() == pytest.approx([expected[row] for row in rows.tolist()], rel=1e-5)
    assert len(rows) == 4
    assert rows.dtype == np.int64
    assert scores.dtype == np.float32


def test_a_repeated_query_term_counts_as_often():
    index = build_lexical_index(TEXTS)
    once, twice = index.search("revenue", 9), index.search("revenue revenues", 9)
    assert once[0].tolist() == twice[0].tolist()
    np.testing.assert_allclose(twice[1], 2 * once[1], rtol=1e-6)


def test_a_filter_restricts_and_does_not_rescore():
    index = build_lexical_index(TEXTS)
    rows, scores = index.search("revenue growth", 9)
    allowed = np.array([True, True, True, False, True, True, False])
    kept = index.search("revenue growth", 9, allowed)
    assert kept[0].tolist() == [4]
    assert kept[1][0] == scores[rows.tolist().index(4)]
    assert len(index.search("revenue", 9, np.zeros(7, dtype=bool))[0]) == 0
    with pytest.raises(InvalidInputError, match="each of 7 documents"):
        index.search("revenue", 9, np.ones(6, dtype=bool))
    with pytest.raises(InvalidInputError, match="bool"):
        index.search("revenue", 9, np.ones(7))


@given(
    st.lists(st.one_of(st.none(), st.text("ab ", max_size=9)), max_size=25),
    st.text("ab ", max_size=6),
    st.integers(0, 30),
    st.randoms(use_true_random=False),
)
def test_the_best_k_are_exact_with_ties_by_row_under_any_filter(texts, query, k, random):
    texts = [t and t.replace("a", "apple ").replace("b", "berry ") for t in texts]
    query = query.replace("a", "apple ").replace("b", "berry ")
    index = build_lexical_index(texts, "plain")
    allowed = np.array([random.random() < 0.6 for _ in texts], dtype=bool)
    rows, scores = index.search(query, len(texts))
    everything = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    for mask in (None, allowed):
        found = index.search(query, k, mask)
        kept = [row for row in everything if mask is None or mask[row]]
        expected = sorted(kept, key=lambda row: (-everything[row], row))[:k]
        assert found[0].tolist() == expected
        assert found[1].tolist() == [everything[row] for row in expected]
        assert (found[1] > 0).all()
    known = set(query.split())
    assert set(everything) == {r for r, t in enumerate(texts) if t and known & set(t.split())}


@pytest.mark.parametrize("texts", [[], [None], ["", None, "the a of"]])
def test_a_corpus_without_terms_finds_nothing(texts, tmp_path, recwarn):
    index = build_lexical_index(texts)
    write_lexical_index(index, tmp_path / "l")
    for each in (index, read_lexical_index(tmp_path / "l")):
        rows, scores = each.search("anything", 5)
        assert (len(rows), len(scores)) == (0, 0)
        assert len(each.search("", 5, np.ones(len(texts), dtype=bool))[0]) == 0
    assert not recwarn.list


def test_queries_without_known_terms_and_small_k():
    index = build_lexical_index(TEXTS)
    for query in ("", "the", "zebra", "?!"):
        assert len(index.search(query, 5)[0]) == 0
    assert len(index.search("revenue", 0)[0]) == 0
    assert index.search("revenue", 1)[0].tolist() == [4]
    with pytest.raises(InvalidInputError, match="-2"):
        index.search("revenue", -2)


def test_terms_of_a_query():
    index = build_lexical_index(TEXTS)
    assert index.query_terms("The Revenues of zebras, revenue") == ["revenu", "zebra"]
    assert index.matched_terms("The Revenues of zebras, revenue") == ["revenu"]


# ------------------------------------------------------------------ on disk


@pytest.mark.parametrize("analyzer", ["english", "plain", "german"])
def test_an_index_that_is_written_and_read_answers_the_same(analyzer, tmp_path):
    index = build_lexical_index([*TEXTS, "Größe der Häuser"], analyzer)
    write_lexical_index(index, tmp_path / "l")
    write_lexical_index(index, tmp_path / "l")
    read = read_lexical_index(tmp_path / "l")
    for query in ("revenue growth", "haus", "runner"):
        expected, found = index.search(query, 5), read.search(query, 5)
        assert found[0].tolist() == expected[0].tolist()
        assert found[1].tolist() == expected[1].tolist()
    assert (len(read), read.size, read.analyzer.name) == (7, 8, analyzer)
    assert [p.name for p in tmp_path.iterdir()] == ["l"]
    if sys.platform == "linux":
        assert str(tmp_path / "l" / "weights.npy") in Path("/proc/self/maps").read_text()


def test_files_are_the_same_in_every_process(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from mixpeek_lab.indexes import build_lexical_index, write_lexical_index\n"
        "index = build_lexical_index(['running shoes', 'the runner shoe', 'flying flies'])\n"
        "write_lexical_index(index, Path(sys.argv[1]))"
    )
    for name, seed in (("a", "1"), ("b", "2")):
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / name],
            env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": str(Path(__file__).parents[1])},
            check=True,
        )
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(files) == 6
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_reading_an_index_does_not_load_bm25s(tmp_path):
    write_lexical_index(build_lexical_index(TEXTS), tmp_path / "l")
    code = (
        "import sys; from pathlib import Path\n"
        "from mixpeek_lab.indexes import read_lexical_index\n"
        "print(read_lexical_index(Path(sys.argv[1])).search('revenue', 1)[0].tolist())\n"
        "print('bm25s' in sys.modules, 'faiss' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "l"],
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).parents[1])},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == ["[4]", "False False"]


def test_a_damaged_index_is_an_error_that_names_the_folder(tmp_path):
    folder = tmp_path / "l"
    with pytest.raises(EngineError, match="/l does not hold a readable lexical index"):
        read_lexical_index(folder)
    write_lexical_index(build_lexical_index(TEXTS), folder)
    (folder / "vocabulary.json").write_text(json.dumps(["one"]))
    with pytest.raises(EngineError, match="damaged"):
        read_lexical_index(folder)
    (folder / "weights.npy").write_bytes(b"half")
    with pytest.raises(EngineError, match="readable"):
        read_lexical_index(folder)


# ------------------------------------------------------------------ Cranfield

CRANFIELD = Path(__file__).parents[1].parent / "shared" / "data" / "cranfield"


@pytest.fixture(scope="module")
def cranfield():
    if not (CRANFIELD / "corpus.jsonl").exists():
        pytest.skip(f"the Cranfield collection is not at {CRANFIELD}")
    documents = [json.loads(line) for line in (CRANFIELD / "corpus.jsonl").open()]
    queries = {q["_id"]: q["text"] for q in map(json.loads, (CRANFIELD / "queries.jsonl").open())}
    relevance: dict[str, dict[str, int]] = {}
    with (CRANFIELD / "qrels" / "test.tsv").open() as lines:
        for query, document, grade in list(csv.reader(lines, delimiter="\t"))[1:]:
            relevance.setdefault(query, {})[document] = int(grade)
    texts = [f"{d['title']} {d['text']}".strip() for d in documents]
    return [d["_id"] for d in documents], texts, queries, relevance


def ndcg_at_10(ranked: list[str], grades: dict[str, int]) -> float:
    gains = [grades.get(document, 0) for document in ranked[:10]]
    ideal = sorted((g for g in grades.values() if g > 0), reverse=True)[:10]
    discounted = [sum(g / math.log2(i + 2) for i, g in enumerate(x)) for x in (gains, ideal)]
    return discounted[0] / discounted[1]


@pytest.mark.shared
@pytest.mark.parametrize(("analyzer", "expected"), [("plain", 0.3369), ("english", 0.3650)])
def test_cranfield_equals_bm25s_called_directly(cranfield, analyzer, expected):
    ids, texts, queries, relevance = cranfield
    stemmer = Stemmer.Stemmer("english") if analyzer == "english" else None
    options = {"stopwords": "en", "stemmer": stemmer, "show_progress": False}
    direct = bm25s.BM25()
    direct.index(bm25s.tokenize(texts, **options), show_progress=False)
    index = build_lexical_index(texts, analyzer)
    measured = []
    for key, text in queries.items():
        rows, scores = index.search(text, 100)
        _, values = direct.retrieve(bm25s.tokenize([text], **options), k=100, show_progress=False)
        np.testing.assert_allclose(scores, values[0][values[0] > 0], atol=1e-6)
        all_scores = direct.get_scores(bm25s.tokenize([text], return_ids=False, **options)[0])
        np.testing.assert_allclose(scores, all_scores[rows], atol=1e-6)
        if any(grade > 0 for grade in relevance[key].values()):
            measured.append(ndcg_at_10([ids[row] for row in rows], relevance[key]))
    assert sum(measured) / len(measured) == pytest.approx(expected, abs=0.002)
