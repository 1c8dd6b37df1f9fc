"""Searching stored collections in this process: which vectors, which documents, whose code."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab.errors import ExtractorRunError, NotFoundError, RetrieverError, VectorError
from mixpeek_lab.models import SearchResult
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.workbench import Lab

WORDS = ("river", "boat", "money", "bank", "tree", "stone", "cloud", "night", "fox", "ship")
TWO_LEGS = [{"feature": "hash_embedding"}, {"lexical": True}]


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    """`count` rows of three words each, with a number and a kind."""
    return [
        {
            "_id": f"row{i}",
            "text": " ".join(WORDS[(i * step + i // 10) % 10] for step in (1, 3, 7)),
            "n": i,
            "kind": "abc"[i % 3],
        }
        for i in range(first, first + count)
    ]


def fill(lab: Lab, name: str, content: list[dict[str, Any]], **options: Any) -> str:
    """A bucket of `content`, processed here into a collection of the same name; its id."""
    lab.bucket(name, content)
    lab.process(name, "hash_embedder", name, engine="kernel", **options)
    return lab.collection(name).collection_id


def edit(lab: Lab, folder: Path, source: ExtractorSource, **files: tuple[str, str]) -> str:
    """Load the extractor with texts replaced; its digest. Names: `words` is processors/words.py."""
    for name, (old, new) in files.items():
        path = next(p for p in source.paths if p.endswith(f"{name}.py"))
        text = source.text(path)
        assert text is not None
        assert old in text
        source = source.with_file(path, text.replace(old, new))
    write_source(source, folder)
    definition = lab.load(folder, "hash_embedder")
    assert definition.is_kept, definition.findings
    return source.digest


def shift(lab: Lab, folder: Path, source: ExtractorSource) -> str:
    """Load the extractor with other vectors under the same version."""
    return edit(lab, folder, source, words=("digest()[0] % 16", "digest()[0] // 7 % 16"))


def ids(result: SearchResult) -> list[str]:
    return [hit.document_id for hit in result.hits]


def texts(result: SearchResult) -> list[Any]:
    return [hit.fields["data"] for hit in result.hits]


def embed(text: str) -> np.ndarray:
    """As the fixture's processors/words.py."""
    namespace: dict[str, Any] = {}
    exec((HASH_EMBEDDER / "processors" / "words.py").read_text(), namespace)
    vector: np.ndarray = namespace["embed"](text)
    return vector


def exact(content: list[dict[str, Any]], query: str) -> list[float]:
    """The cosines of all rows with the query, best first."""
    matrix = np.stack([embed(row["text"]) for row in content])
    return sorted((matrix @ embed(query)).tolist(), reverse=True)


class TestOneCollection:
    def test_dense_scores_are_those_of_a_direct_computation(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(60))
        kernel_lab.retriever("r", {"collection": "c", "searches": [{"feature": "hash_embedding"}]})
        found = kernel_lab.search("r", "river fox money", limit=60)
        scores = [hit.contributions[0].score for hit in found.hits]
        assert scores == pytest.approx(exact(rows(60), "river fox money"), abs=1e-6)

    def test_spans_name_every_part(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(30))
        kernel_lab.retriever("r", {"collection": "c", "searches": TWO_LEGS})
        found = kernel_lab.search("r", "river", limit=5)
        names = [span.name for span in found.spans]
        assert names.pop(0) == "load"  # the model, which later queries find loaded
        assert names == ["embed", "search hash_embedding", "search bm25", "fuse", "fetch"]
        assert (found.spans[1].rows_in, found.spans[1].rows_out) == (1, 1)
        assert all(span.milliseconds >= 0 for span in found.spans)

    def test_without_a_text_to_embed_nothing_is_embedded(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(30))
        found = kernel_lab.search({"collection": "c", "searches": [{"lexical": True}]}, "river")
        assert "embed" not in [span.name for span in found.spans]
        assert found.hits

    def test_the_metric_is_told(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(5))
        found = kernel_lab.search({"collection": "c", "searches": TWO_LEGS}, "river")
        assert [leg.metric for leg in found.legs] == ["cosine", "bm25"]

    def test_filters_are_exact_on_every_leg(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(90))
        kernel_lab.retriever("r", {"collection": "c", "searches": TWO_LEGS})
        filters = {"AND": [
            {"field": "kind", "operator": "eq", "value": "b"},
            {"field": "n", "operator": "gte", "value": 40},
        ]}  # fmt: skip
        wanted = [row for row in rows(90) if row["kind"] == "b" and row["n"] >= 40]
        found = kernel_lab.search("r", "river fox", filters=filters, limit=90)
        dense, lexical = found.legs
        assert list(dense.scores) == pytest.approx(exact(wanted, "river fox"), abs=1e-6)
        with_words = [r for r in wanted if {"river", "fox"} & set(r["text"].split())]
        assert len(lexical.document_ids) == len(with_words) > 0
        assert {(h.fields["kind"], h.fields["n"] >= 40) for h in found.hits} == {("b", True)}

    def test_limit_beyond_the_hits_and_offset(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(7))
        kernel_lab.retriever("r", {"collection": "c", "searches": [{"feature": "hash_embedding"}]})
        every = kernel_lab.search("r", "river", limit=1000)
        assert len(every.hits) == every.total == 7
        rest = kernel_lab.search("r", "river", limit=1000, offset=5)
        assert ids(rest) == ids(every)[5:]
        assert [hit.rank for hit in rest.hits] == [6, 7]
        assert kernel_lab.search("r", "river", offset=7).hits == ()

    def test_weights_and_fusion_can_be_overridden(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(60))
        kernel_lab.retriever("r", {"collection": "c", "searches": TWO_LEGS})
        alone = kernel_lab.search(
            {"collection": "c", "searches": [{"lexical": True}]}, "fox", limit=5
        )
        weighted = kernel_lab.search("r", "fox", weights={"hash_embedding": 0, "bm25": 1}, limit=5)
        assert ids(weighted) == ids(alone)
        assert kernel_lab.search("r", "fox", fusion="max").fusion["strategy"] == "max"
        changed = kernel_lab.search("r", "fox", fusion={"strategy": "rrf", "k": 1}, limit=1)
        first = changed.hits[0]
        assert first.score == pytest.approx(
            sum(1 / (1 + part.rank) for part in first.contributions if part.rank)
        )


class TestFieldsThatNoDocumentHas:
    BODY: Mapping[str, Any] = {"collection": "c", "searches": TWO_LEGS}

    def told(self, lab: Lab, filters: Any, body: Mapping[str, Any] = BODY) -> list[str]:
        """The warnings about fields, which stand before all others."""
        found = lab.search(body, "river fox", filters=filters)
        about = [warning for warning in found.warnings if warning.startswith("Filter: ")]
        assert list(found.warnings[: len(about)]) == about
        return about

    def test_the_bucket_s_name_of_the_content(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(9))
        told = self.told(kernel_lab, {"field": "text", "operator": "contains", "value": "fox"})
        assert told == [
            "Filter: field 'text' is in no document of c; did you mean 'data'? The bucket's field "
            "'text' became 'data' in documents. Known fields: data, length, _id, n, kind."
        ]

    def test_a_misspelt_name_anywhere_in_the_filter(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(9))
        told = self.told(kernel_lab, {"NOT": [{"n": 1}, {"knd": "a"}, {"_run_id": "x"}]})
        assert len(told) == 1
        assert "field 'knd' is in no document of c; did you mean 'kind'? Known" in told[0]
        assert self.told(kernel_lab, {"n": 10**6}) == []
        legs = [{"lexical": True, "filters": {"knd": "a"}}]
        assert len(self.told(kernel_lab, None, {"collection": "c", "searches": legs})) == 1

    def test_fields_inside_of_fields(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", [{"text": "river", "by": {"name": "Ann", "born": 1900}}])
        assert self.told(kernel_lab, {"by.name": "Ann"}) == []
        assert "did you mean 'by.name'?" in self.told(kernel_lab, {"by.nam": "Ann"})[0]

    def test_one_of_several_collections_is_enough(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(9))
        fill(kernel_lab, "d", [{"text": "river", "year": 1900}])
        both = {"collections": ["c", "d"], "searches": TWO_LEGS}
        assert self.told(kernel_lab, {"AND": [{"year": 1900}, {"kind": "a"}]}, both) == []
        assert (
            "no document of c, d; did you mean 'year'"
            in self.told(kernel_lab, {"yeer": 1}, both)[0]
        )
        assert len(self.told(kernel_lab, {"year": 1900})) == 1

    def test_of_an_empty_collection_nothing_is_said(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        no_rows = ("return batch", "return batch.iloc[:0]")
        edit(kernel_lab, tmp_path / "edited", hash_source, core=no_rows)
        fill(kernel_lab, "c", rows(3))
        assert self.told(kernel_lab, {"anything": 1}) == []


class TestQueries:
    def test_a_vector(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(20))
        leg = {
            "feature": "hash_embedding",
            "query": {"input_mode": "vector", "value": "{{INPUT.v}}"},
        }
        kernel_lab.retriever("r", {"collection": "c", "searches": [leg]})
        found = kernel_lab.search("r", {"v": embed("river boat").tolist()}, limit=20)
        scores = [hit.contributions[0].score for hit in found.hits]
        assert scores == pytest.approx(exact(rows(20), "river boat"), abs=1e-6)
        with pytest.raises(VectorError, match=r"16.*3|3.*16"):
            kernel_lab.search("r", {"v": [1.0, 2.0, 3.0]})

    def test_a_document_finds_its_like_first(self, kernel_lab: Lab) -> None:
        collection = fill(kernel_lab, "c", rows(20))
        other = fill(kernel_lab, "d", rows(5, first=50))
        words = {"collection": "c", "searches": [{"lexical": True}]}
        first = kernel_lab.search(words, "fox").hits[0]

        def more_like(**ref: str) -> Mapping[str, Any]:
            leg = {"feature": "hash_embedding", "query": {"document_ref": ref}}
            return {"collections": ["c", "d"], "searches": [leg]}

        found = kernel_lab.search(more_like(document_id=first.document_id), {})
        assert found.hits[0].contributions[0].score == pytest.approx(1, abs=1e-6)
        assert sorted(found.hits[0].fields["data"].split()) == sorted(first.fields["data"].split())
        same = more_like(document_id=first.document_id, collection_id=collection)
        assert ids(kernel_lab.search(same, {})) == ids(found)
        with pytest.raises(RetrieverError, match=f"{first.document_id}.*is not in {other}"):
            kernel_lab.search(more_like(document_id=first.document_id, collection_id=other), {})
        with pytest.raises(RetrieverError, match=r"doc_none.*is not in any collection"):
            kernel_lab.search(more_like(document_id="doc_none"), {})


class TestSeveralCollections:
    def test_hits_are_merged_by_score(self, kernel_lab: Lab) -> None:
        one = fill(kernel_lab, "c", rows(40))
        two = fill(kernel_lab, "d", rows(40, first=40))
        body = {"collections": ["c", "d"], "searches": [{"feature": "hash_embedding", "top_k": 30}]}
        found = kernel_lab.search(body, "river fox money", limit=30)
        scores = [hit.contributions[0].score for hit in found.hits]
        assert scores == pytest.approx(exact(rows(80), "river fox money")[:30], abs=1e-6)
        assert {hit.collection_id for hit in found.hits} == {one, two}
        for hit in found.hits:
            assert hit.lineage["chain"][-1]["collection_id"] == hit.collection_id

    def test_a_collection_named_twice_counts_once(self, kernel_lab: Lab) -> None:
        key = fill(kernel_lab, "c", rows(10))
        body = {"collections": ["c", key], "searches": [{"lexical": True}]}
        found = kernel_lab.search(body, "fox")
        assert len(found.legs[0].document_ids) == len(set(found.legs[0].document_ids)) > 0

    def test_different_code_under_one_version_is_refused(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        fill(kernel_lab, "c", rows(10))
        fill(kernel_lab, "d", rows(10))
        body = {"collections": ["c", "d"], "searches": [{"feature": "hash_embedding"}]}
        kernel_lab.retriever("r", body)
        shift(kernel_lab, tmp_path / "edited", hash_source)
        kernel_lab.process("d", "hash_embedder", "d", engine="kernel")
        with pytest.raises(RetrieverError, match="c, d were made by different code"):
            kernel_lab.search("r", "river")
        with pytest.raises(RetrieverError, match="different code"):
            kernel_lab.retriever("again", body)
        kernel_lab.process("c", "hash_embedder", "c", engine="kernel")
        assert kernel_lab.search("r", "river").hits

    def test_different_parameters_are_refused(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(5))
        fill(kernel_lab, "d", rows(5), parameters={"chunk": True})
        body = {"collections": ["c", "d"], "searches": [{"feature": "hash_embedding"}]}
        with pytest.raises(RetrieverError, match="different code or parameters"):
            kernel_lab.retriever("r", body)


class TestWhoseCodeEmbeds:
    def test_the_collections_own_version_embeds_its_queries(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        fill(kernel_lab, "old", rows(10))
        kernel_lab.retriever(
            "r", {"collection": "old", "searches": [{"feature": "hash_embedding"}]}
        )
        before = kernel_lab.search("r", "river fox money")
        shift(kernel_lab, tmp_path / "edited", hash_source)
        fill(kernel_lab, "new", rows(10))
        # Both versions are loaded side by side; each finds a text's own row with cosine 1.
        after = kernel_lab.search("r", "river fox money")
        assert [h.score for h in after.hits] == [h.score for h in before.hits]
        text = rows(10)[4]["text"]
        for name in ("old", "new"):
            body = {"collection": name, "searches": [{"feature": "hash_embedding"}]}
            best = kernel_lab.search(body, text).hits[0]
            assert best.contributions[0].score == pytest.approx(1.0, abs=1e-6)

    def test_the_batch_runs_parameters_are_given_to_the_service(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        edit(
            kernel_lab,
            tmp_path / "edited",
            hash_source,
            realtime=('inputs.get("text", "")', 'parameters["prefix"] + inputs["text"]'),
        )
        fill(kernel_lab, "c", rows(10), parameters={"prefix": "river "})
        body = {"collection": "c", "searches": [{"feature": "hash_embedding"}]}
        found = kernel_lab.search(body, "fox", limit=10)
        scores = [hit.contributions[0].score for hit in found.hits]
        assert scores == pytest.approx(exact(rows(10), "river fox"), abs=1e-6)

    def test_a_service_with_vectors_of_another_length_is_named(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        longer = (".tolist()}", ".tolist() + [0.5] * 8}")
        edit(kernel_lab, tmp_path / "edited", hash_source, realtime=longer)
        fill(kernel_lab, "c", rows(5))
        body = {"collection": "c", "searches": [{"feature": "hash_embedding"}]}
        message = (
            r"^hash_embedder: realtime\.py answered the query with 24 numbers for "
            r"'hash_embedding', but the vectors of the documents have 16 .*manifest\.py\)\. "
            r"Give realtime\.py the model that the processor uses"
        )
        with pytest.raises(ExtractorRunError, match=message):
            kernel_lab.search(body, "river")

    def test_a_new_version_needs_a_retriever_that_names_it(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        fill(kernel_lab, "c", rows(10))
        kernel_lab.retriever("r", {"collection": "c", "searches": [{"feature": "hash_embedding"}]})
        edit(kernel_lab, tmp_path / "v2", hash_source, manifest=('"1.0.0"', '"1.1.0"'))
        kernel_lab.process("c", "hash_embedder", "c", engine="kernel")
        with pytest.raises(RetrieverError, match=r"@1\.0\.0/hash.*They have: .*@1\.1\.0/hash"):
            kernel_lab.search("r", "river")


class TestNothingThere:
    def test_a_collection_without_a_snapshot(self, kernel_lab: Lab, home: Path) -> None:
        fill(kernel_lab, "c", rows(5))
        kernel_lab.retriever("r", {"collection": "c", "searches": TWO_LEGS})
        with sqlite3.connect(home / "catalog.sqlite") as sql:
            sql.execute("UPDATE collections SET snapshot = NULL")
        with pytest.raises(RetrieverError, match="'c' has no documents yet: process its bucket"):
            kernel_lab.search("r", "river")

    def test_an_empty_collection_finds_nothing_and_says_so(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        no_rows = ("return batch", "return batch.iloc[:0]")
        edit(kernel_lab, tmp_path / "edited", hash_source, core=no_rows)
        fill(kernel_lab, "c", rows(3))
        assert kernel_lab.collection("c").document_count == 0
        found = kernel_lab.search({"collection": "c", "searches": TWO_LEGS}, "river")
        assert (found.hits, found.total) == ((), 0)
        assert len(found.warnings) == 2

    def test_unknown_names(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(3))
        with pytest.raises(NotFoundError, match="No retriever called 'r'"):
            kernel_lab.search("r", "river")
        with pytest.raises(NotFoundError, match="hash_embedding"):
            kernel_lab.search({"collection": "c", "searches": [{"feature": "hash_embeding"}]}, "x")
        with pytest.raises(NotFoundError, match="No collection called 'd'"):
            kernel_lab.search({"collection": "d", "searches": TWO_LEGS}, "x")


class TestWhatChanges:
    """A search sees at once what was written before it, by this process or another."""

    def test_a_new_snapshot(self, kernel_lab: Lab) -> None:
        fill(kernel_lab, "c", rows(5))
        kernel_lab.retriever("r", {"collection": "c", "searches": [{"lexical": True}]})
        assert not kernel_lab.search("r", "zebra").hits
        fill(kernel_lab, "c", [*rows(5), {"_id": "z", "text": "zebra", "n": 1, "kind": "a"}])
        assert texts(kernel_lab.search("r", "zebra")) == ["zebra"]

    def test_a_retriever_defined_again_or_deleted(self, kernel_lab: Lab, home: Path) -> None:
        fill(kernel_lab, "c", rows(5))
        kernel_lab.retriever("r", {"collection": "c", "searches": [{"lexical": True}]})
        assert len(kernel_lab.search("r", "river").legs) == 1
        kernel_lab.retriever("r", {"collection": "c", "searches": TWO_LEGS})
        assert len(kernel_lab.search("r", "river").legs) == 2
        other = Lab(home)  # another process would look the same: its own connection to the file
        other.retriever("r", {"collection": "c", "searches": [{"lexical": True}]})
        assert len(kernel_lab.search("r", "river").legs) == 1
        with sqlite3.connect(home / "catalog.sqlite") as sql:
            sql.execute("DELETE FROM retrievers")
        with pytest.raises(NotFoundError):
            kernel_lab.search("r", "river")

    def test_nothing_is_read_again_while_nothing_changes(
        self, kernel_lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(kernel_lab, "c", rows(5))
        kernel_lab.retriever("r", {"collection": "c", "searches": TWO_LEGS})
        kernel_lab.search("r", "river")
        calls: list[str] = []
        catalog = kernel_lab._catalog
        for name in ("retriever", "collection", "extractor"):
            monkeypatch.setattr(catalog, name, lambda *_, name=name, **__: calls.append(name))
        assert kernel_lab.search("r", "fox").hits
        assert calls == []
