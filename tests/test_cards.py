"""The cards that cells show: their text, their HTML, and that both are the same every time."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from mixpeek_lab.catalog import Deployment
from mixpeek_lab.findings import Finding
from mixpeek_lab.models import (
    Bucket,
    ComputeProfile,
    Contribution,
    Failure,
    Feature,
    Hit,
    Leg,
    Manifest,
    RunReport,
    SearchResult,
    Span,
)
from mixpeek_lab.widgets.cards import (
    BucketCard,
    BucketList,
    ExtractorCard,
    ExtractorList,
    FactsCard,
    PreviewCard,
    Results,
    RetrieverCard,
    RetrieverList,
    RunCard,
    TablePage,
)
from mixpeek_lab.widgets.cards.sheets import ExtractorSheet

MANIFEST = Manifest(
    "tiny",
    "1.0.0",
    "v1",
    description="Counts <b>letters</b>",
    features=(Feature.embedding("tiny_embedding", dim=4),),
    inference_type="embedding",
)
BUCKET = Bucket("bkt_1", "docs", {"text": "text", "year": "integer"}, "2026-01-01", 1200)
RETRIEVER = {
    "collection_identifiers": ["docs_tiny"],
    "stages": [
        {
            "parameters": {
                "searches": [
                    {"name": "tiny", "feature_uri": "mixpeek://tiny@1.0.0/tiny_embedding",
                     "weight": 1.0, "top_k": 100},
                    {"name": "bm25", "lexical": True, "weight": 0.5, "top_k": 50},
                ],
                "fusion": {"strategy": "rrf", "k": 60.0},
            }
        }
    ],
}  # fmt: skip


def key_error(name, wrong):
    message = f"`{name}` is missing in features[0]; you wrote `{wrong}`. 0 documents would follow."
    return Finding("MAN001", "error", message, "Write {…}.", line=4, cell_line=5)


def failure(number, where="processors/core.py:7 in process"):
    name = f"obj_{number}"
    return Failure(name, f"doc_{number}", "Tiny", "ValueError", "no <good>", where)


def search_result(scores=(0.5, 0.25)):
    hits = tuple(
        Hit(
            f"doc_{rank}", "col_1", rank, score, {"title": f"T{rank}", "data": "long text " * 40},
            {"object_id": f"obj_{rank}"},
            (Contribution("tiny", rank, 0.9, None, 1.0, score),),
        )
        for rank, score in enumerate(scores, start=1)
    )  # fmt: skip
    leg = Leg("tiny", "dense", 1.0, tuple(h.document_id for h in hits), tuple(scores))
    fusion = {"strategy": "rrf", "k": 60.0}
    spans = (Span("fuse", 1.5),)
    return SearchResult(
        "exec_1", "find", {"query": "what?"}, hits, (leg,), fusion, spans, total=len(hits)
    )


class TestExtractorCard:
    def test_says_what_is_declared(self):
        text = str(ExtractorCard("tiny", MANIFEST, (), True))
        assert text.splitlines()[0] == "tiny 1.0.0 · defined"
        assert (
            "vector tiny_embedding: 4 floats, cosine, mixpeek://tiny@1.0.0/tiny_embedding" in text
        )

    def test_says_what_it_needs_and_no_more_than_fits(self):
        needy = replace(
            MANIFEST,
            dependencies=tuple(f"package-{n}" for n in range(9)),
            system_packages=("ffmpeg",),
            container_image="us-east1-docker.pkg.dev/p/extractors-o/i:1",
            compute_profile=ComputeProfile("gpu", actor_memory_gb=4, gpu_memory_gb=16.5),
        )
        text = str(ExtractorCard("tiny", needy, (), True))
        assert "dependencies: package-0, package-1, package-2, package-3, package-4, … (9)" in text
        assert "system packages: ffmpeg" in text
        assert "image: us-east1-docker.pkg.dev/p/extractors-o/i:1" in text
        assert "2 actors at most, 4 GB each, 16.5 GB of GPU memory" in text
        plain = str(ExtractorCard("tiny", MANIFEST, (), True))
        assert not [word for word in ("dependencies", "packages", "image") if word in plain]

    def test_says_the_remedy_and_the_consequence_of_several_findings_once(self):
        findings = (key_error("feature_type", "type"), key_error("feature_name", "name"))
        card = ExtractorCard("tiny", None, findings, False)
        assert card.errors == 2
        for shown in (str(card), card._repr_html_()):
            assert shown.count("Write {…}.") == 1
            assert shown.count("0 documents would follow.") == 1
        assert "not defined: 2 errors to fix" in str(card)
        assert "manifest.py:4 (cell line 5)" in str(card)
        assert "<code>feature_name</code>" in card._repr_html_()

    def test_findings_with_different_remedies_stand_alone(self):
        other = Finding("LAY001", "warning", "No realtime.py.", "Add one.", path="realtime.py")
        card = ExtractorCard("tiny", MANIFEST, (key_error("feature_name", "name"), other), False)
        assert str(other) in str(card)
        assert card.errors == 1

    def test_a_draft_says_what_is_missing(self):
        assert "draft" in ExtractorCard("tiny", None, (), False).state

    def test_html_is_escaped(self):
        html = ExtractorCard("<i>", MANIFEST, (), True)._repr_html_()
        assert "<i>" not in html
        assert "<b>letters" not in html
        assert "&lt;b&gt;letters" in html


class TestPreviewCard:
    TABLE = pa.table(
        {
            "document_id": ["doc_1"], "data": ["text"], "_row_key": ["k"],
            "tiny_embedding": [[-0.001, 0.126, 1.0, 2.0]],
        }
    )  # fmt: skip

    def test_shows_what_the_processor_made(self):
        card = PreviewCard("tiny", self.TABLE, (), 1, 0.5, 2.0)
        assert str(card).splitlines() == [
            "tiny: 1 rows in, 1 documents out",
            "data  tiny_embedding",
            "text  [0.00, 0.13, 1.00, … 4]",
        ]
        assert "0.5 s after 2.0 s of set-up" in card._repr_html_()
        assert card.to_pandas().shape == (1, 4)

    def test_tells_each_failure_once_with_its_line(self):
        failures = (failure(1), failure(2), failure(3, "not tried: others failed"))
        card = PreviewCard("tiny", self.TABLE.slice(0, 0), failures, 3, 0.5)
        line = "3 rows failed in Tiny: ValueError: no <good> (processors/core.py:7 in process)"
        assert str(card).splitlines() == [
            "tiny: 3 rows in, 0 documents out, 3 failed", f"  {line}",
        ]  # fmt: skip
        assert "no &lt;good&gt;" in card._repr_html_()

    def test_shows_its_notes(self):
        notes = ("Row by row,\nfor <now>.",)
        card = PreviewCard("tiny", self.TABLE, (), 1, 0.5, notes=notes)
        assert str(card).splitlines()[-1] == "  note: Row by row, for <now>."
        assert "for &lt;now&gt;." in card._repr_html_()


class TestRunCard:
    REPORT = RunReport(
        "run_1", "docs_tiny", "completed_with_errors", rows_in=9, reused=0, processed=9,
        documents=8, failures=(failure(1),), failed=1, vectors={"tiny_embedding": 8},
        seconds=12.0, rows_per_second=3.5, notes=("It ran on the CPU.",),
    )  # fmt: skip

    def test_text_leaves_times_out_and_html_has_them(self):
        card = RunCard(self.REPORT)
        assert "12 s" not in str(card)
        assert "12 s" in card._repr_html_()
        for shown in (str(card), card._repr_html_()):
            assert "ValueError × 1" in shown
            assert "It ran on the CPU." in shown

    def test_dropped_rows_are_counted_where_there_are_any(self):
        dropped = RunCard(replace(self.REPORT, dropped={"One": 2, "Two": 1}))
        assert "  dropped                 3" in str(dropped)
        assert "dropped</span> <b>3</b>" in dropped._repr_html_()
        assert "dropped" not in str(RunCard(self.REPORT))

    def test_html_says_nothing_of_zeros(self):
        assert "reused" not in RunCard(self.REPORT)._repr_html_()


class TestTablePage:
    TABLE = pa.table({"n": list(range(45)), "text": ["a b\nc" * 60] * 45})

    def test_pages(self):
        last = TablePage(self.TABLE, page=3, size=20)
        assert len(str(last).splitlines()) == 1 + 5 + 1
        assert str(last).endswith("45 rows, page 3 of 3")
        assert len(last.to_pandas()) == 45

    def test_cells_are_short_and_of_one_line(self):
        longest = max(len(line) for line in str(TablePage(self.TABLE)).splitlines())
        assert longest <= 2 + 2 + 80

    def test_one_wide_row_stands_upright(self):
        row = pa.table({name: ["v"] for name in "abcde"})
        assert str(TablePage(row)).splitlines()[:2] == ["field  value", "a      v"]

    def test_a_statement_without_columns_has_no_table(self):
        assert str(TablePage(pa.table({}))) == "0 rows"
        assert "<table" not in TablePage(pa.table({}))._repr_html_()


class TestSearchCards:
    def test_a_retriever_shows_its_legs(self):
        card = RetrieverCard("find", RETRIEVER)
        assert str(card).splitlines() == [
            "Retriever find · over docs_tiny, fused by rrf, k = 60",
            "leg   kind    weight  top_k  searches",
            "tiny  vector       1    100  mixpeek://tiny@1.0.0/tiny_embedding",
            "bm25  BM25       0.5     50  the words of the text",
        ]
        assert card.fusion == {"strategy": "rrf", "k": 60.0}
        assert [leg["name"] for leg in card.legs] == ["tiny", "bm25"]

    def test_a_fusion_that_is_a_word(self):
        stages = [{"parameters": {**RETRIEVER["stages"][0]["parameters"], "fusion": "dbsf"}}]
        assert "fused by dbsf" in str(RetrieverCard("find", {**RETRIEVER, "stages": stages}))

    def test_results_show_all_hits_in_text_html_and_frame(self):
        results = Results(search_result(tuple(1 / n for n in range(2, 14))))
        firsts = [line for line in str(results).splitlines() if line[:4].strip().isdigit()]
        assert len(firsts) == 12
        assert results._repr_html_().count("<tr>") == 1 + 12
        frame = results.to_pandas()
        assert list(frame.columns[:5]) == [
            "rank",
            "document_id",
            "score",
            "tiny_rank",
            "tiny_score",
        ]
        assert len(frame) == 12

    def test_a_passage_is_shown_as_far_as_it_can_be_judged(self):
        """Text: lines below each other in the last column; HTML: one cell that wraps."""
        [hit] = search_result((0.5,)).hits
        told = " ".join(f"word{number}" for number in range(100))
        hit = replace(hit, fields={"path": "a/b.txt", "data": told})
        results = Results(replace(search_result((0.5,)), hits=(hit,)))
        first, *more = str(results).splitlines()[2:]
        at = first.index("a/b.txt: word0")
        assert len(more) == 2
        assert max(map(len, [first, *more])) <= at + 64
        assert all(line[:at].isspace() and line[at] != " " for line in more)
        shown = " ".join([first[at:], *(line[at:] for line in more)])
        assert f"a/b.txt: {told}".startswith(shown.removesuffix(" …"))
        assert len(shown) > 150
        assert told[:300] in results._repr_html_()
        assert told[:330] not in results._repr_html_()

    def test_a_result_without_hits(self):
        assert "no results" in str(Results(search_result(())))

    def test_the_plain_value_is_readable_too(self):
        lines = repr(search_result()).splitlines()
        assert lines[0] == "SearchResult('find', 2 of 2 documents)"
        assert lines[1] == " " * 3 + "1  0.5  doc_1  T1"
        assert all(len(line) < 120 for line in lines)


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (ExtractorList([]), "%%extractor NAME"),
        (BucketList([]), "%bucket NAME"),
        (RetrieverList([]), "%%retriever NAME"),
    ],
)
def test_an_empty_list_says_how_to_make_one(view, words):
    assert words in str(view)
    assert words in view._repr_html_()


def test_lists_are_tables():
    assert "tiny_embedding (4)" in str(ExtractorList([MANIFEST]))
    assert str(BucketList([BUCKET])).splitlines()[1].split() == ["docs", "1,200", "text,", "year"]
    assert str(RetrieverList([("find", RETRIEVER)])).startswith("Retriever find")


def test_a_bucket_and_facts():
    assert str(BucketCard(BUCKET)) == "Bucket docs: 1,200 objects with text (text), year (integer)"
    noted = BucketCard(replace(BUCKET, notes=("2 files <were> left out.",)))
    assert str(noted) == f"{BucketCard(BUCKET)}\n  note: 2 files <were> left out."
    assert "2 files &lt;were&gt; left out." in noted._repr_html_()
    assert str(FactsCard("Lab", [("Ray", "ready")])) == "Lab\n  Ray: ready"


@pytest.mark.parametrize(
    "make",
    [
        lambda: ExtractorCard("tiny", MANIFEST, (key_error("a", "b"),), True),
        lambda: PreviewCard("tiny", TestPreviewCard.TABLE, (), 1, 0.5),
        lambda: RunCard(TestRunCard.REPORT),
        lambda: Results(search_result()),
        lambda: RetrieverCard("find", RETRIEVER),
        lambda: TablePage(pa.table(pd.DataFrame({"a": [1.5, None]}).to_dict("list"))),
        lambda: BucketCard(BUCKET),
    ],
)
def test_the_same_values_give_the_same_text(make):
    assert repr(make()) == repr(make()) == str(make())
    assert "0x" not in make()._repr_html_()
    assert "object at" not in repr(make())


@pytest.mark.parametrize(
    ("url", "said"),
    [("", "1.0.0 (not served from this notebook)"), ("http://x:1", "1.0.0 (at http://x:1)")],
)
def test_a_sheet_says_of_deployments_no_more_than_this_notebook_knows(kernel_lab, url, said):
    # Another notebook's endpoint may serve it.
    asked = Deployment("hash_embedder", "d", "DEPLOYED", "lab", "", "2026", "2026")
    known = replace(kernel_lab.versions.overview("hash_embedder"), deployments=(("1.0.0", asked),))
    sheet = ExtractorSheet("hash_embedder", MANIFEST, (), True, None, known, None, url)
    assert f"deployed: {said}" in str(sheet)
