"""Versions of extractors: commits, tags, differences, and a way back that computes nothing twice.

On the real catalog and real snapshots; runs are the kernel's own, so no Ray is needed.
"""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from packages import HASH_EMBEDDER
from platform_client import collected, documents, filled, upload, zipped
from platform_host import Host, client_of

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.catalog.tables import HISTORY, SCHEMAS
from mixpeek_lab.errors import (
    ConflictError,
    InvalidInputError,
    ManifestError,
    NotFoundError,
    UnchangedError,
)
from mixpeek_lab.findings import Finding
from mixpeek_lab.snapshots import earlier_results, maker_of
from mixpeek_lab.source import ExtractorSource, read_source, write_source
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.versions import Versions, saved_scores
from mixpeek_lab.workbench.versions.evaluated import evaluation_changes

NAME = "hash_embedder"
TEXTS = ["river boat", "money bank", "fox tree"]


def edited(mark: str, **texts: tuple[str, str]) -> ExtractorSource:
    """`hash_embedder` with a comment in words.py; `texts`: file stem → (old, new)."""
    source = read_source(HASH_EMBEDDER)
    words = "processors/words.py"
    source = source.with_file(words, f"{source.text(words)}# {mark}\n")
    for path in source.paths:
        old, new = texts.get(Path(path).stem, ("", ""))
        if old:
            assert old in source.text(path)
            source = source.with_file(path, source.text(path).replace(old, new))
    return source


def define(lab: Lab, folder: Path, source: ExtractorSource):
    """Load the source as if its cells had been run."""
    target = folder / source.digest[:8] / source.name
    write_source(source, target)
    return lab.load(target)


class Calls:
    """How many rows the processor was given, by its own count."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def taken(self) -> int:
        """Rows since the last look."""
        if not self.path.exists():
            return 0
        rows = sum(int(float(line)) for line in self.path.read_text().split())
        self.path.unlink()
        return rows


@pytest.fixture
def calls(tmp_path):
    return Calls(tmp_path / "calls")


@pytest.fixture
def two(kernel_lab, tmp_path):
    """A lab with 1.0.0 and 1.0.1 of `hash_embedder` committed."""
    kernel_lab.versions.commit(NAME, "first")
    define(kernel_lab, tmp_path, edited("two"))
    kernel_lab.versions.commit(NAME, "second")
    return kernel_lab


def run(lab, extractor=NAME, collection="c", **options):
    return lab.process("b", extractor, collection, engine="kernel", **options)


class TestCommit:
    def test_the_working_state_becomes_a_version(self, kernel_lab, hash_source, monkeypatch):
        monkeypatch.setenv("MIXPEEK_LAB_AUTHOR", "Ada")
        commit = kernel_lab.versions.commit(NAME, "  first  ")
        assert (commit.version, commit.digest) == ("1.0.0", hash_source.digest)
        assert (commit.message, commit.author, commit.parent) == ("first", "Ada", None)
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z$", commit.created_at)
        assert kernel_lab.versions.log(NAME).commits == (commit,)

    def test_a_changed_source_with_an_unchanged_number_gets_the_next_patch(
        self, kernel_lab, tmp_path
    ):
        kernel_lab.versions.commit(NAME, "first")
        definition = define(kernel_lab, tmp_path, edited("two"))
        assert definition.manifest.version == "1.0.1"  # so that URIs never mean two contents
        (told,) = [f for f in definition.findings if f.rule == "LAB003"]
        assert isinstance(told, Finding)
        assert "1.0.1" in told.message
        commit = kernel_lab.versions.commit(NAME, "second")
        assert (commit.version, commit.parent) == ("1.0.1", "1.0.0")
        define(kernel_lab, tmp_path, edited("three"))
        assert kernel_lab.versions.commit(NAME, "third").version == "1.0.2"

    @pytest.mark.parametrize(
        ("written", "version"), [("v2", "2.0.0"), ("1.1", "1.1.0"), ("1.0.0", "1.0.1")]
    )
    def test_versions_are_normalised(self, kernel_lab, tmp_path, written, version):
        kernel_lab.versions.commit(NAME, "first")
        raised = ('version="1.0.0"', f'version="{written}"')
        define(kernel_lab, tmp_path, edited("x", manifest=raised))
        assert kernel_lab.versions.commit(NAME, "next").version == version

    def test_numbers_count_from_the_higher_of_manifest_and_head(self, kernel_lab, tmp_path):
        kernel_lab.versions.commit(NAME, "first")
        define(kernel_lab, tmp_path, edited("two"))
        kernel_lab.versions.commit(NAME, "second", "2.0.0")
        again = define(kernel_lab, tmp_path, edited("two"))  # its own number, however it is told
        (told,) = [f for f in again.findings if f.rule == "LAB003"]
        assert "committed as counts: this is 2.0.0" in told.message
        definition = define(kernel_lab, tmp_path, edited("three"))
        assert definition.manifest.version == "2.0.1"
        (told,) = [f for f in definition.findings if f.rule == "LAB003"]
        assert "says 1.0.0, and this comes from hash_embedder 2.0.0: this is 2.0.1" in told.message
        commit = kernel_lab.versions.commit(NAME, "third")
        assert (commit.version, commit.parent) == ("2.0.1", "2.0.0")
        # What comes from an older version is counted from that.
        kernel_lab.versions.checkout(NAME, "1.0.0")
        define(kernel_lab, tmp_path, edited("four"))
        commit = kernel_lab.versions.commit(NAME, "fourth")
        assert (commit.version, commit.parent) == ("1.0.1", "1.0.0")
        # 1.10.0 is above 1.9.0, and a manifest above the head is believed.
        define(kernel_lab, tmp_path, edited("x", manifest=('version="1.0.0"', 'version="1.10"')))
        kernel_lab.versions.commit(NAME, "fifth")
        define(kernel_lab, tmp_path, edited("y", manifest=('version="1.0.0"', 'version="1.9"')))
        assert kernel_lab.versions.commit(NAME, "sixth").version == "1.10.1"

    def test_a_number_may_be_chosen_and_is_taken_once(self, kernel_lab, tmp_path):
        kernel_lab.versions.commit(NAME, "first", "v3")
        assert kernel_lab.extractor(NAME).manifest.version == "3.0.0"
        define(kernel_lab, tmp_path, edited("two"))
        with pytest.raises(ConflictError, match=r"3\.0\.0 is committed .* this is 3\.0\.1"):
            kernel_lab.versions.commit(NAME, "second", "3.0.0")
        assert kernel_lab.versions.commit(NAME, "second", "2.9").version == "2.9.0"

    def test_going_back_leaves_a_refused_cell_behind(self, two, tmp_path):
        define(two, tmp_path, edited("bad", core=("time.sleep", "eval")))
        two.versions.checkout(NAME, "1.0.0")
        assert two.versions.status(NAME).refused == ""

    def test_what_cannot_be_committed(self, two, tmp_path):
        for message in ("again", ""):
            with pytest.raises(UnchangedError, match=r"since hash_embedder 1\.0\.1: .*nothing to"):
                two.versions.commit(NAME, message)
        define(two, tmp_path, read_source(HASH_EMBEDDER))  # as 1.0.0 has it
        with pytest.raises(UnchangedError, match=r"nothing to .*checkout hash_embedder 1\.0\.0"):
            two.versions.commit(NAME, "again")
        define(two, tmp_path, edited("three"))
        for message in ("", " \n", "x" * 5_001):
            with pytest.raises(InvalidInputError, match="message"):
                two.versions.commit(NAME, message)
        with pytest.raises(NotFoundError, match="hash_embedder"):
            two.versions.commit("hash_embeder", "m")

    def test_a_refused_cell_is_not_passed_over(self, kernel_lab, tmp_path):
        define(kernel_lab, tmp_path, edited("bad", core=("time.sleep", "eval")))
        with pytest.raises(ManifestError, match="eval"):
            kernel_lab.versions.commit(NAME, "the version before it?")
        assert "eval" in kernel_lab.versions.status(NAME).refused

    def test_a_version_number_always_means_what_was_committed(self, two, home, tmp_path):
        first, second = (two.extractor(f"{NAME}@{v}").source.digest for v in ("1.0.0", "1.0.1"))
        for mark in ("one", "two", "three"):
            define(two, tmp_path, edited(mark))
            found = {v: two.extractor(f"{NAME}@{v}").source.digest for v in ("v1", "1.0.1")}
            assert found == {"v1": first, "1.0.1": second}

    def test_an_uncommitted_number_that_was_taken_meanwhile_moves_on(self, two, tmp_path):
        source = edited("three")
        define(two, tmp_path, source)
        two.bucket("b", TEXTS)
        run(two)
        two.retriever("r", {"collection": "c", "searches": [{"feature": "hash_embedding"}]})
        define(two, tmp_path, edited("four"))  # also 1.0.2, and committed first
        assert two.versions.commit(NAME, "four").version == "1.0.2"
        assert two.collection("c").extractor_version == "1.0.3"
        assert two.search("r", "fox").hits
        define(two, tmp_path, source)
        assert two.extractor(NAME).manifest.version == "1.0.3"
        assert run(two).reused == 3


class TestLooking:
    def test_the_log(self, two):
        two.bucket("b", TEXTS)
        run(two)
        two.versions.tag(NAME, "production", "v1")
        log = two.versions.log(NAME)
        assert [(c.version, c.parent, c.message) for c in log.commits] == [
            ("1.0.1", "1.0.0", "second"), ("1.0.0", None, "first"),
        ]  # fmt: skip
        assert (log.head, log.tags_of("1.0.0"), log.pins) == (
            "1.0.1", ["production"], {"1.0.1": ("c",)},
        )  # fmt: skip
        assert not log.has_changes

    def test_the_status(self, kernel_lab, tmp_path):
        status = kernel_lab.versions.status(NAME)
        assert (status.head, status.version, status.has_changes) == (None, "1.0.0", True)
        assert {f.kind for f in status.files} == {"added"}
        kernel_lab.versions.commit(NAME, "first")
        assert not kernel_lab.versions.status(NAME).has_changes
        assert kernel_lab.versions.status(NAME).files == ()
        define(kernel_lab, tmp_path, edited("two", manifest=("dim=16", "dim=32")))
        status = kernel_lab.versions.status(NAME)
        assert (status.head.version, status.version) == ("1.0.0", "1.0.1")
        assert [(f.path, f.kind) for f in status.files] == [
            ("manifest.py", "changed"), ("processors/words.py", "changed"),
        ]  # fmt: skip
        assert [c.field for c in status.manifest] == ["feature hash_embedding"]

    def test_a_difference_shows_code_file_by_file(self, two, tmp_path):
        diff = two.versions.diff(NAME, "1.0.0", "1.0.1")
        (change,) = diff.files
        assert (change.path, change.added, change.removed) == ("processors/words.py", 1, 0)
        assert change.diff.startswith("--- a/processors/words.py\n+++ b/processors/words.py\n@@")
        assert "\n+# two\n" in change.diff
        define(two, tmp_path, edited("two").with_file("notes.md", "no line end"))
        (added,) = two.versions.diff(NAME).files
        assert (added.kind, added.diff.splitlines()[-1]) == (
            "added", "\\ No newline at end of file",
        )  # fmt: skip
        assert two.versions.diff(NAME).after.startswith("working (1.0.2")
        (removed,) = two.versions.diff(NAME, "working", "head").files
        assert removed.kind == "removed"

    @pytest.mark.parametrize(
        ("old", "new", "field", "breaks"),
        [
            ("dim=16", "dim=32", "feature hash_embedding", "no document keeps"),
            (
                'dim=16)', 'dim=16, distance_metric="dot")', "feature hash_embedding",
                "Scores mean something else",
            ),
            ('"hash_embedding"', '"other"', "feature hash_embedding", "no such feature"),
            ('"embedding",', '"general",', "inference_type", "need the type that it had"),
            ('["text"]', '["image"]', "supported_input_types", "text are left out"),
            ("buckets:", "places:", "description", ""),
            ('"batch_size": 8', '"batch_size": 9', "compute_profile", ""),
        ],
    )  # fmt: skip
    def test_what_of_the_manifest_breaks(self, kernel_lab, tmp_path, old, new, field, breaks):
        kernel_lab.versions.commit(NAME, "first")
        define(kernel_lab, tmp_path, edited("x", manifest=(old, new)))
        changes = {c.field: c for c in kernel_lab.versions.diff(NAME).manifest}
        assert breaks in changes[field].breaks
        assert bool(changes[field].breaks) is bool(breaks)

    def test_evaluations_of_both_are_compared_query_by_query(self, two, home):
        first, second = (two.extractor(f"{NAME}@{v}").source.digest for v in ("1.0.0", "1.0.1"))
        scores = {
            (NAME, first): {"r on q": {"a": 0.5, "b": 1.0, "c": 0.2, "old": 1.0}, "s on q": {}},
            (NAME, second): {"r on q": {"a": 0.7, "b": 0.1, "c": 0.2, "new": 0.0}},
        }
        catalog = two._catalog
        versions = Versions(catalog, two._home, scores_of=lambda *key: scores.get(key, {}))
        (change,) = versions.diff(NAME, "1.0.0", "1.0.1").evaluations
        assert (change.label, change.queries) == ("r on q", 3)
        assert (change.won, change.lost) == (("a",), ("b",))
        assert change.before == pytest.approx(1.7 / 3)
        assert change.change == pytest.approx(-0.7 / 3)

    def test_evaluations_that_were_kept_are_found_by_the_code_that_they_searched(self):
        def kept(digest, judged="j", **scores):
            made = [{"extractor": NAME, "digest": digest, "collection": "c"}]
            rows = {q: {"nDCG@10": value, "RR": 1.0} for q, value in scores.items()}
            return SimpleNamespace(
                retriever="r", dataset="q", digest=judged * 9, per_query=rows,
                about={"collections": made},
            )  # fmt: skip

        saved = [kept("new", a=0.9), kept("old", a=0.5), kept("new", a=0.1), kept("old", "k", a=1)]
        scores_of = saved_scores(lambda: saved)
        assert scores_of(NAME, "new") == {"r on q (jjjjjj)": {"a": 0.9}}  # the newest
        (change,) = evaluation_changes(scores_of(NAME, "old"), scores_of(NAME, "new"))
        assert (change.before, change.after, change.won) == (0.5, 0.9, ("a",))
        assert scores_of("other", "new") == {}

    def test_a_difference_tells_which_queries_were_won_and_lost(self, kernel_lab, tmp_path):
        lab = kernel_lab
        lab.bucket("b", [{"text": text, "n": n} for n, text in enumerate(["red fox", "blue sea"])])
        qrels = {"q1": {"0": 1}, "q2": {"1": 1}}
        queries = {"q1": "fox", "q2": "sea"}
        lab.versions.commit(NAME, "first")
        run(lab)
        lab.retriever("r", {"collection": "c", "searches": [{"feature": "hash_embedding"}]})
        lab.evaluate("r", qrels, queries, id_field="n")
        # Every word is the same to the second version but `sea`.
        worse = ("text.lower().split()", '["sea" if "sea" in text else "x"]')
        define(lab, tmp_path, edited("worse", words=worse))
        lab.versions.commit(NAME, "second")
        assert lab.versions.diff(NAME, "1.0.0", "1.0.1").evaluations == ()
        run(lab)
        lab.evaluate("r", qrels, queries, id_field="n")
        (change,) = lab.versions.diff(NAME, "1.0.0", "1.0.1").evaluations
        assert (change.queries, change.before) == (2, 1.0)
        assert (change.won, change.after) == ((), pytest.approx(change.before))
        lost = ("text.lower().split()", '["same"]')
        define(lab, tmp_path, edited("lost", words=lost))
        lab.versions.commit(NAME, "third")
        run(lab)
        lab.evaluate("r", qrels, queries, id_field="n")
        (change,) = lab.versions.diff(NAME, "1.0.0", "1.0.2").evaluations
        assert len(change.lost) == 1
        assert change.change < 0
        (back,) = lab.versions.diff(NAME, "1.0.2", "1.0.0").evaluations
        assert back.won == change.lost

    def test_how_much_a_switch_would_embed_is_what_it_embeds(self, two, calls):
        two.bucket("b", TEXTS)
        run(two, f"{NAME}@1.0.0", parameters={"calls": str(calls.path)})
        assert calls.taken() == 3
        (switch,) = two.versions.diff(NAME, "1.0.0", "1.0.1").switches
        assert (switch.collection, switch.version, switch.documents) == ("c", "1.0.0", 3)
        assert (switch.rows, switch.computed, switch.reused) == (3, 3, 0)
        (stays,) = two.versions.diff(NAME, "1.0.1", "1.0.0").switches
        assert (stays.computed, stays.reused) == (0, 3)
        assert calls.taken() == 0  # the dry run computes nothing
        two.bucket("b", [*TEXTS, "new"])
        (grown,) = two.versions.diff(NAME, "1.0.1", "1.0.0").switches
        assert (grown.rows, grown.computed) == (4, 1)
        run(two, f"{NAME}@1.0.0")
        assert calls.taken() == 1


class TestGoingBack:
    def test_rows_that_a_version_computed_are_not_computed_again(self, two, calls):
        given = {"calls": str(calls.path)}
        two.bucket("b", TEXTS)
        run(two, f"{NAME}@1.0.0", parameters=given)
        first = two.search({"collection": "c", "searches": [{"feature": "hash_embedding"}]}, "fox")
        run(two)
        assert calls.taken() == 6
        back = two.versions.checkout(NAME, "1.0.0")
        assert [(s.computed, s.reused) for s in back.switches] == [(0, 3)]
        report = run(two)
        assert calls.taken() == 0
        assert (report.processed, report.reused, report.documents) == (0, 3, 3)
        again = two.search({"collection": "c", "searches": [{"feature": "hash_embedding"}]}, "fox")
        assert [h.document_id for h in again.hits] == [h.document_id for h in first.hits]
        assert two.collection("c").extractor_version == "1.0.0"
        run(two, f"{NAME}@1.0.1")  # and there again
        assert calls.taken() == 0

    def test_what_changed_meanwhile_is_computed_and_nothing_else(self, two, calls):
        two.bucket("b", TEXTS)
        run(two, f"{NAME}@1.0.0", parameters={"calls": str(calls.path)})
        run(two)
        two.bucket("b", [{"text": t, "n": n} for n, t in enumerate(["fox tree", "new one"])])
        calls.taken()
        two.versions.checkout(NAME, "v1")
        report = run(two)
        assert (report.documents, calls.taken(), report.reused) == (2, 1, 1)
        found = two.sql("SELECT data, n FROM c ORDER BY n").to_pandas()
        assert found.to_dict("list") == {"data": ["fox tree", "new one"], "n": [0, 1]}

    def test_rows_that_failed_are_tried_again(self, two, calls):
        two.bucket("b", ["fine", "FAIL now"])
        run(two, f"{NAME}@1.0.0", parameters={"calls": str(calls.path)})
        run(two)
        calls.taken()
        two.versions.checkout(NAME, "1.0.0")
        report = run(two)
        assert (report.reused, report.failed) == (1, 1)
        assert calls.taken() == 1

    def test_force_computes_all_and_the_old_results_do_not_come_back(self, two, calls, home):
        two.bucket("b", TEXTS)
        run(two, f"{NAME}@1.0.0", parameters={"calls": str(calls.path)})
        run(two)
        calls.taken()
        two.versions.checkout(NAME, "1.0.0")
        run(two, force=True)
        assert calls.taken() == 3
        collection = two.collection("c")
        maker = maker_of(collection.extractor_digest, collection.parameters)
        root = home / "collections" / collection.collection_id
        assert earlier_results(root, maker) is None

    def test_other_parameters_are_another_result(self, two, calls):
        two.bucket("b", ["a|b"])
        one, other = {"calls": str(calls.path)}, {"calls": str(calls.path), "chunk": True}
        assert run(two, parameters=one).documents == 1
        assert run(two, parameters=other).documents == 2
        assert calls.taken() == 2
        assert run(two, parameters=one).documents == 1
        assert calls.taken() == 0

    def test_changes_that_nobody_committed_are_not_lost(self, two, tmp_path):
        source = edited("three")
        define(two, tmp_path, source)
        with pytest.raises(ConflictError, match=source.digest[:12]):
            two.versions.checkout(NAME, "1.0.0")
        left = two.versions.checkout(NAME, "1.0.0", force=True).left
        assert two.extractor(NAME).source.digest == read_source(HASH_EMBEDDER).digest
        assert two.versions.log(NAME).head == "1.0.0"
        two.versions.checkout(NAME, left)
        assert two.extractor(NAME).source.digest == source.digest
        assert two.versions.commit(NAME, "after all").parent == "1.0.0"

    def test_the_next_cell_adds_to_what_was_checked_out(self, two):
        two.versions.checkout(NAME, "1.0.0")
        two.define(NAME, "# a comment\n", "notes.md")
        assert "# two" not in two.extractor(NAME).source.text("processors/words.py")

    def test_a_collection_stays_with_its_version_until_it_is_run_with_another(
        self, kernel_lab, home, tmp_path
    ):
        kernel_lab.versions.commit(NAME, "first")
        host = Host(home)
        ask = client_of(home, host)
        bucket = filled(ask)
        collection = collected(ask, bucket)
        host.work()
        define(kernel_lab, tmp_path, edited("two"))
        kernel_lab.versions.commit(NAME, "second")
        upload(ask, bucket, ["new text"])
        host.work()
        assert len(documents(ask, collection)) == 4
        pinned = kernel_lab.collection(collection)
        assert pinned.extractor_version == "1.0.0"
        assert pinned.extractor_digest == read_source(HASH_EMBEDDER).digest

    def test_stored_retrievers_follow_their_collection_and_it_is_said(self, two):
        two.bucket("b", TEXTS)
        run(two, f"{NAME}@1.0.0")
        two.retriever("r", {"collection": "c", "searches": [{"feature": "hash_embedding"}]})
        report = run(two)
        assert any("'r' searches hash_embedder@1.0.1" in note for note in report.notes)
        assert two.search("r", "fox").hits
        run(two, f"{NAME}@1.0.0", "d")
        run(two, f"{NAME}@1.0.0")
        assert two.search("r", "fox").hits


class TestTags:
    def test_a_tag_stands_wherever_a_version_does(self, two, home):
        two.versions.tag(NAME, "stable", "1.0")
        first = read_source(HASH_EMBEDDER).digest
        two.bucket("b", TEXTS)
        assert run(two, f"{NAME}@stable").documents == 3
        assert two.collection("c").extractor_digest == first
        assert two.extractor(f"{NAME}@stable").source.digest == first
        assert len(two.infer(f"{NAME}@stable", {"text": "fox"})["embedding"]) == 16
        uri = f"mixpeek://{NAME}@stable/hash_embedding"
        two.retriever("r", {"collection": "c", "searches": [{"feature_uri": uri}]})
        assert two.search("r", "fox").hits[0].rank == 1
        assert two.preview(f"{NAME}@stable", ["fox"]).rows_in == 1
        ask = client_of(home, Host(home))
        bucket = filled(ask)
        made = collected(ask, bucket, version="stable")
        config = ask("GET", f"/collections/{made}")["feature_extractor"]
        assert config["version"] == "1.0.0"
        record = ask("GET", f"/namespaces/default/extractors/{NAME}_1_0_0")
        assert (record["tags"], record["message"]) == (["stable"], "first")

    def test_moving_and_forgetting(self, two):
        two.versions.tag(NAME, "best")
        assert two.versions.log(NAME).tags == {"best": "1.0.1"}
        two.versions.tag(NAME, "best")  # where it is
        with pytest.raises(ConflictError, match="--force"):
            two.versions.tag(NAME, "best", "1.0.0")
        two.versions.tag(NAME, "best", "1.0.0", force=True)
        assert two.versions.find(f"{NAME}@best").manifest.version == "1.0.0"
        two.versions.untag(NAME, "best")
        with pytest.raises(NotFoundError, match="best"):
            two.versions.untag(NAME, "best")

    @pytest.mark.parametrize(
        "tag", ["v1", "1.0.0", "2", "head", "HEAD", "working", "abcdef", "", "a b", "ä", "-x",
                "a/b", "x" * 65, "a\n", "a@b"]
    )  # fmt: skip
    def test_what_cannot_be_a_tag(self, two, tag):
        with pytest.raises(InvalidInputError, match="cannot be a tag"):
            two.versions.tag(NAME, tag)

    def test_only_what_stays_has_a_tag(self, kernel_lab):
        with pytest.raises(InvalidInputError, match="is committed yet"):
            kernel_lab.versions.tag(NAME, "best")
        with pytest.raises(InvalidInputError, match="not committed"):
            kernel_lab.versions.tag(NAME, "best", "working")

    def test_unknown_versions_name_those_there_are(self, two):
        two.versions.tag(NAME, "stable")
        with pytest.raises(NotFoundError, match="Did you mean 'hash_embedder@stable'"):
            two.extractor(f"{NAME}@stabel")
        with pytest.raises(NotFoundError, match=r"hash_embedder@1\.0\."):
            two.extractor(f"{NAME}@9")
        with pytest.raises(InvalidInputError, match="no version behind the @"):
            two.extractor(f"{NAME}@")


class TestOneHistory:
    def test_uploads_and_commits_are_one_history(self, ask, home, tmp_path):
        lab = Lab(home)
        lab.versions.commit(NAME, "from the notebook")
        done = send(ask, zipped(edited("two")), message="over HTTP")
        assert (done["version"], done["message"]) == ("1.0.1", "over HTTP")
        assert done["code_hash"] == lab.extractor(NAME).source.digest
        define(lab, tmp_path, edited("three"))
        assert lab.versions.commit(NAME, "again here").parent == "1.0.1"
        log = lab.versions.log(NAME)
        assert [(c.version, c.origin, c.author == "api") for c in log.commits] == [
            ("1.0.2", "notebook", False), ("1.0.1", "upload", True), ("1.0.0", "notebook", False),
        ]  # fmt: skip
        record = ask("GET", f"/namespaces/default/plugins/{NAME}_1_0_1")
        assert (record["parent_version"], record["author"]) == ("1.0.0", "api")

    def test_a_version_of_the_notebook_is_not_overwritten_by_an_upload(self, ask, home):
        Lab(home).versions.commit(NAME, "mine")
        answer = send(ask, zipped(edited("two")), version="1.0.0", status=409)
        assert "Raise the version" in answer["error"]["message"]
        assert Lab(home).extractor(NAME).source.digest == read_source(HASH_EMBEDDER).digest

    def test_a_number_that_was_promised_and_taken_meanwhile_moves_on(self, ask, home, tmp_path):
        lab = Lab(home)
        lab.versions.commit(NAME, "first")
        path = "/namespaces/default/extractors/uploads"
        made = ask("POST", path, {"name": NAME})
        assert made["version"] == "1.0.1"
        define(lab, tmp_path, edited("mine"))
        assert lab.versions.commit(NAME, "mine").version == "1.0.1"
        ask.http.put(made["presigned_url"], content=zipped(edited("theirs")))
        done = ask("POST", f"{path}/{made['upload_id']}/confirm")
        assert (done["success"], done["version"]) == (True, "1.0.2")

    def test_a_deleted_version_leaves_the_history(self, two, home):
        two.versions.tag(NAME, "old", "1.0.0")
        ask = client_of(home, Host(home))
        ask("DELETE", f"/namespaces/default/extractors/{NAME}_1_0_0")
        log = two.versions.log(NAME)
        assert [(c.version, c.parent) for c in log.commits] == [("1.0.1", None)]
        assert (log.head, log.tags) == ("1.0.1", {})
        ask("DELETE", f"/namespaces/default/extractors/{NAME}_1_0_1")
        with pytest.raises(NotFoundError):
            two.versions.log(NAME)

    def test_uploads_of_an_older_home_are_in_the_history(self, ask, home):
        assert ask.upload(NAME, zipped(edited("two")))["success"]
        with sqlite3.connect(home / "catalog.sqlite") as sql:
            for table in ("commits", "heads", "tags", "pushes", "namespaces", "document_changes"):
                sql.execute(f"DROP TABLE {table}")
            sql.execute("ALTER TABLE collections ADD COLUMN bucket_id TEXT NOT NULL DEFAULT ''")
            sql.execute("ALTER TABLE collections DROP COLUMN source")
            sql.execute(f"PRAGMA user_version = {SCHEMAS.index(HISTORY)}")
        (commit,) = Catalog(home / "catalog.sqlite").commits(NAME)
        assert (commit.version, commit.origin) == ("1.0.1", "upload")
        assert Lab(home).versions.log(NAME).head == "1.0.1"


def send(ask, archive, version=None, message=None, status=200):
    """Upload an archive with a message."""
    path = "/namespaces/default/extractors/uploads"
    made = ask("POST", path, {"name": NAME, **({"version": version} if version else {})})
    assert ask.http.put(made["presigned_url"], content=archive).status_code == 200
    body = {"message": message} if message else None
    answer = ask.send("POST", f"{path}/{made['upload_id']}/confirm", body)
    assert answer.status_code == status, answer.text
    return json.loads(answer.text)
