"""Collections of several buckets, and of other collections: in the kernel, without Ray."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from probes import load_probe

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.catalog.tables import SCHEMAS, SOURCES
from mixpeek_lab.errors import BodyError, ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.models import CollectionSource
from mixpeek_lab.workbench import Lab

CHUNKS = """
batch = batch.assign(data=[text.split("/") for text in batch["data"]]).explode("data")
if (batch["data"] == "BROKEN").any():
    raise ValueError("a broken chunk")
batch["vec"] = [[float(len(text)), 1.0] for text in batch["data"]]
batch["size"] = [len(text) for text in batch["data"]]
batch["loud"] = [text.upper() for text in batch["data"]]
return batch
"""
WORDS = """
for text in batch["data"]:
    note({log!r}, text)
if (batch["data"] == "FAIL").any():
    raise ValueError("cannot count FAIL")
batch["words"] = [len(text.split()) for text in batch["data"]]
return batch
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One line a text that `words` has read."""
    return tmp_path / "log"


@pytest.fixture
def lab(kernel_lab: Lab, tmp_path: Path, log: Path) -> Lab:
    """With `chunks`, which cuts texts at slashes, and `words`, which counts words."""
    load_probe(kernel_lab, tmp_path, CHUNKS, name="chunks")
    load_probe(kernel_lab, tmp_path, WORDS.format(log=str(log)), name="words", vectors={})
    return kernel_lab


@pytest.fixture
def tree(lab: Lab) -> Lab:
    """`docs` → `pieces` → `counts`: three chunks of two objects."""
    bucket(lab, "docs", one="a b/c", two="dog emu fox")
    run(lab, "docs", "chunks", "pieces")
    run(lab, "pieces", "words", "counts")
    return lab


@pytest.fixture
def shell(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """With the extension, over the same home."""
    monkeypatch.setenv("MIXPEEK_LAB_AUTOSTART", "0")
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(home))
    shell = InteractiveShell.instance(colors="nocolor")
    shell.run_line_magic("load_ext", "mixpeek_lab")
    yield shell
    shell.run_line_magic("unload_ext", "mixpeek_lab")
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def bucket(lab: Lab, name: str, **texts: str) -> None:
    rows = [{"key": key, "text": text, "of": name} for key, text in texts.items()]
    lab.bucket(name, rows, text="text", key="key")


def run(lab: Lab, source: Any, extractor: str, into: str, **options: Any) -> Any:
    return lab.process(source, extractor, into, engine="kernel", **options)


def documents(lab: Lab, collection: str, *fields: str) -> list[tuple[Any, ...]]:
    query = f"SELECT {', '.join(fields)} FROM {collection}"
    return [tuple(row.values()) for row in lab.sql(query).table.to_pylist()]


def read(log: Path) -> list[str]:
    """What `words` has read since the last look."""
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


class TestSeveralBuckets:
    def test_documents_know_their_own_bucket(self, lab: Lab) -> None:
        bucket(lab, "old", one="x", two="y")
        bucket(lab, "new", one="x", three="z")
        report = run(lab, ["old", "new"], "chunks", "all_of_it")
        assert (report.rows_in, report.documents, report.notes) == (4, 4, ())
        assert documents(lab, "all_of_it", '"of"', "key", "data") == [
            ("old", "one", "x"), ("old", "two", "y"), ("new", "one", "x"), ("new", "three", "z")
        ]  # fmt: skip
        joined = (
            """all_of_it d JOIN buckets b ON d._bucket_id = b.bucket_id WHERE d."of" = b.name"""
        )
        assert documents(lab, joined, "count(*)") == [(4,)]
        assert documents(lab, "all_of_it", "count(DISTINCT document_id)") == [(4,)]
        assert lab.lineage.sources("all_of_it") == ["old", "new"]

    def test_only_what_is_new_in_any_of_them_is_computed(self, lab: Lab) -> None:
        bucket(lab, "old", one="x")
        bucket(lab, "new", one="y")
        run(lab, ["old", "new"], "chunks", "joint")
        bucket(lab, "new", one="y", two="z")
        report = run(lab, ["new", "old"], "chunks", "joint")
        assert (report.processed, report.reused, report.documents) == (1, 2, 3)
        bucket(lab, "old", one="changed")
        report = run(lab, ["old", "new"], "chunks", "joint")
        assert (report.processed, report.reused, report.removed) == (1, 2, 1)

    def test_a_bucket_comes_to_it_and_goes_again(self, lab: Lab) -> None:
        bucket(lab, "old", one="x")
        bucket(lab, "new", one="y")
        run(lab, "old", "chunks", "joint")
        report = run(lab, ["old", "new"], "chunks", "joint")
        assert (report.processed, report.reused) == (1, 1)
        with pytest.raises(ConflictError, match=r"made of 'old' as well.*lab\.lineage\.change"):
            run(lab, "new", "chunks", "joint")
        lab.lineage.change("joint", ["new"])
        report = run(lab, "new", "chunks", "joint")
        assert (report.processed, report.reused, report.removed) == (0, 1, 1)
        assert documents(lab, "joint", '"of"', "data") == [("new", "y")]

    def test_what_does_not_fit_together_is_refused(self, lab: Lab) -> None:
        bucket(lab, "old", one="x")
        lab.bucket("other", [{"key": "1", "text": 3, "body": "x"}], text="body", key="key")
        with pytest.raises(InvalidInputError, match="'text' is text in bucket 'old' and integer"):
            run(lab, ["old", "other"], "chunks", "joint")
        with pytest.raises(InvalidInputError, match="'old' is named twice"):
            run(lab, ["old", "old"], "chunks", "joint")
        with pytest.raises(NotFoundError, match="Did you mean 'old'"):
            run(lab, ["old", "oldd"], "chunks", "joint")
        with pytest.raises(InvalidInputError, match="Name a bucket"):
            run(lab, [], "chunks", "joint")
        assert lab.collections() == []

    def test_ones_with_nothing_for_it_are_told_of_together(self, lab: Lab, tmp_path: Path) -> None:
        load_probe(lab, tmp_path, "return batch", name="images", vectors={}, types=("image",))
        bucket(lab, "old", one="x")
        bucket(lab, "new", one="y")
        assert run(lab, ["old", "new"], "images", "none").notes == (
            "0 documents, because images takes image and buckets 'old' and 'new' hold text: see "
            "supported_input_types in manifest.py.",
        )


class TestOfACollection:
    def test_documents_are_rows_with_their_fields(self, tree: Lab) -> None:
        found = documents(tree, "counts", "data", "words", "size", "loud", "key", '"of"')
        assert found == [
            ("a b", 2, 3, "A B", "one", "docs"), ("c", 1, 1, "C", "one", "docs"),
            ("dog emu fox", 3, 11, "DOG EMU FOX", "two", "docs"),
        ]  # fmt: skip

    def test_lineage_leads_back_through_every_step(self, tree: Lab) -> None:
        retriever = {"collection": "counts", "searches": [{"lexical": True}]}
        hit = tree.search(retriever, "emu").hits[0]
        lineage, docs = hit.lineage, tree.bucket("docs")
        pieces, counts = (tree.collection(name).collection_id for name in ("pieces", "counts"))
        assert lineage["root_bucket_id"] == docs.bucket_id
        assert lineage["path"] == f"{docs.bucket_id}/{pieces}/{counts}"
        assert (lineage["source_type"], lineage["source_collection_id"]) == ("collection", pieces)
        first, second = lineage["chain"]
        assert (first["collection_id"], first["source_object_id"]) == (
            pieces, lineage["root_object_id"]
        )  # fmt: skip
        assert first["document_id"] == second["source_document_id"] == lineage["source_document_id"]
        assert (second["feature_extractor_id"], second["document_id"]) == (
            "words_1_0_0", hit.document_id
        )  # fmt: skip
        trace = tree.lineage.trace("counts", hit.document_id)
        assert (trace.bucket, [step.collection for step in trace.steps]) == (
            "docs", ["pieces", "counts"]
        )  # fmt: skip
        assert str(trace).startswith(f"docs/{trace.object_id} → pieces/{first['document_id']} → ")

    def test_sql_joins_them(self, tree: Lab) -> None:
        joined = "counts c JOIN pieces p ON c._source_document_id = p.document_id"
        assert documents(tree, joined, "p.data", "c.words") == [
            ("a b", 2),
            ("c", 1),
            ("dog emu fox", 3),
        ]
        assert documents(tree, "pieces", "count(*)") == [(3,)]
        assert "_chain" not in tree.sql("FROM pieces").column_names

    def test_it_follows_and_only_changed_documents_are_computed(self, tree: Lab, log: Path) -> None:
        assert read(log) == ["a b", "c", "dog emu fox"]
        bucket(tree, "docs", one="a b/C C C", two="dog emu fox", three="g")
        report = run(tree, "docs", "chunks", "pieces")
        assert read(log) == ["C C C", "g"]
        assert report.notes == (
            "Collection 'counts', which is made of this one: 4 documents (2 of 4 rows computed).",
        )
        assert documents(tree, "counts", "data") == [("a b",), ("C C C",), ("dog emu fox",), ("g",)]

    def test_new_metadata_comes_through_without_computing(self, tree: Lab, log: Path) -> None:
        read(log)
        rows = [{"key": "one", "text": "a b/c", "of": "elsewhere"}]
        tree.bucket("docs", rows, text="text", key="key")
        run(tree, "docs", "chunks", "pieces")
        assert read(log) == []
        assert documents(tree, "counts", "data", '"of"') == [
            ("a b", "elsewhere"), ("c", "elsewhere")
        ]  # fmt: skip

    def test_what_goes_upstream_goes_here(self, tree: Lab, log: Path) -> None:
        read(log)
        bucket(tree, "docs", two="dog emu fox")
        run(tree, "docs", "chunks", "pieces")
        assert documents(tree, "counts", "data") == [("dog emu fox",)]
        assert read(log) == []

    def test_three_steps_and_two_ways_to_one(self, tree: Lab, log: Path) -> None:
        run(tree, "pieces", "words", "more")
        run(tree, ["counts", "more"], "words", "last")
        assert tree.lineage.followers("pieces")[-1] == "last"
        assert documents(tree, "last", "count(*)") == [(6,)]
        read(log)
        bucket(tree, "docs", one="new")
        run(tree, "docs", "chunks", "pieces")
        assert read(log) == ["new"] * 4
        assert documents(tree, "last", "data", "json_array_length(_chain::JSON)") == [
            ("new", 2), ("new", 2)
        ]  # fmt: skip

    def test_another_version_upstream_is_in_the_lineage_and_nothing_is_computed(
        self, tree: Lab, log: Path, tmp_path: Path
    ) -> None:
        read(log)
        load_probe(tree, tmp_path / "new", "# faster", CHUNKS, name="chunks")
        made = tree.extractor("chunks").manifest.version
        run(tree, "docs", "chunks", "pieces")
        assert read(log) == []
        chains = {json.loads(chain)[0]["feature_extractor_id"]
                  for (chain,) in documents(tree, "counts", "_chain")}  # fmt: skip
        assert chains == {f"chunks_{made.replace('.', '_')}"}

    def test_a_failing_upstream_is_told(self, tree: Lab) -> None:
        bucket(tree, "docs", one="BROKEN", two="also/BROKEN")
        report = run(tree, "docs", "chunks", "pieces")
        assert report.state == "failed"
        assert report.notes[-1] == "Made of this collection, and left as it was: 'counts'."
        told = run(tree, "pieces", "words", "counts").notes
        assert "The last run of collection 'pieces' failed: No new documents: every row" in told[-1]
        assert documents(tree, "counts", "count(*)") == [(3,)]
        bucket(tree, "docs", one="BROKEN", two="fine")
        run(tree, "docs", "chunks", "pieces")
        told = run(tree, "pieces", "words", "counts").notes
        assert told[-1].startswith("1 row failed in the last run of collection 'pieces'")

    def test_a_failing_follower_is_told_and_stops_what_is_made_of_it(self, tree: Lab) -> None:
        run(tree, "counts", "words", "last")
        bucket(tree, "docs", one="FAIL")
        report = run(tree, "docs", "chunks", "pieces")
        assert report.state == "completed"
        assert "'counts', which is made of this one, is not up to date: No new" in report.notes[0]
        assert report.notes[1] == "Collection 'last' is made of that: it was left as it is."
        assert documents(tree, "last", "count(*)") == [(3,)]

    def test_a_cycle_is_refused_with_its_path(self, tree: Lab) -> None:
        run(tree, "counts", "words", "last")
        path = "'counts' out of itself: counts is made of last is made of counts"
        with pytest.raises(BodyError, match=path):
            tree.lineage.change("counts", ["pieces", "last"])
        with pytest.raises(BodyError, match="counts is made of counts"):
            run(tree, ["pieces", "counts"], "words", "counts")
        assert tree.lineage.sources("counts") == ["pieces"]

    def test_another_field_is_read_where_it_is_named(self, tree: Lab, log: Path) -> None:
        read(log)
        run(tree, "pieces", "words", "louder", fields=["loud"])
        assert read(log) == ["A B", "C", "DOG EMU FOX"]
        assert documents(tree, "louder", "data", "blob_property")[0] == ("A B", "loud")
        bucket(tree, "docs", one="new")
        run(tree, "docs", "chunks", "pieces")
        assert sorted(read(log)) == ["NEW", "new"]
        run(tree, "pieces", "words", "louder", fields=[])
        assert documents(tree, "louder", "data") == [("new",)]
        with pytest.raises(NotFoundError, match=r"No field called 'lou'\. Did you mean 'loud'"):
            run(tree, "pieces", "words", "more", fields=["lou"])
        with pytest.raises(InvalidInputError, match="Field 'key' is a string: extractors read"):
            run(tree, "docs", "words", "more", fields=["key"])

    def test_the_magic_names_sources_and_fields(
        self, tree: Lab, log: Path, shell: InteractiveShell
    ) -> None:
        bucket(tree, "more", one="x")
        read(log)
        shell.run_line_magic("process", "docs more chunks --engine kernel")
        assert tree.lineage.sources("docs_more_chunks") == ["docs", "more"]
        line = "docs_more_chunks words --field loud --engine kernel"
        card = shell.run_line_magic("process", line)
        assert card.report.documents == 4
        assert read(log) == ["A B", "C", "DOG EMU FOX", "X"]
        shell.run_line_magic("inspect", "SELECT _source_document_id FROM docs_more_chunks_words")

    def test_kinds_do_not_mix(self, tree: Lab) -> None:
        with pytest.raises(InvalidInputError, match="'docs' and 'pieces': these are buckets and"):
            run(tree, ["docs", "pieces"], "words", "mixed")
        with pytest.raises(ConflictError, match="made of collections, and not of buckets"):
            tree.lineage.change("counts", ["docs"])
        with pytest.raises(ConflictError, match="made of another collection"):
            run(tree, "docs", "words", "counts")

    def test_what_was_never_run_is_told(self, tree: Lab) -> None:
        bucket(tree, "docs", one="BROKEN")
        assert run(tree, "docs", "chunks", "fresh").state == "failed"
        report = run(tree, "fresh", "words", "none")
        assert report.documents == 0
        assert report.notes[0] == "0 documents, because collection 'fresh' is empty."
        assert "has no documents, because its last run failed: No new documents" in report.notes[1]

    def test_what_another_version_would_compute_is_counted(self, tree: Lab, tmp_path: Path) -> None:
        tree.versions.commit("words", "counts words")
        load_probe(tree, tmp_path / "new", "batch['words'] = 0", "return batch", name="words",
                   vectors={})  # fmt: skip
        (switch,) = tree.versions.diff("words").switches
        assert (switch.collection, switch.rows, switch.computed) == ("counts", 3, 3)


def test_collections_of_an_older_home_are_of_their_bucket(home: Path) -> None:
    home.mkdir()
    before = SCHEMAS.index(SOURCES)
    with sqlite3.connect(home / "catalog.sqlite") as sql:
        for script in SCHEMAS[:before]:
            sql.executescript(script)
        sql.execute(
            "INSERT INTO collections VALUES ('col_1', 'c', 'bkt_1', 'e', '1.0.0', 'd', '{}', '{}', "
            "'2026-01-01', NULL, 0, '{}')"
        )
        sql.execute(f"PRAGMA user_version = {before}")
    source = CollectionSource("bucket", ("bkt_1",))
    assert Catalog(home / "catalog.sqlite").collection("c").source == source
