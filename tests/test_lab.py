"""`Lab` itself: what it is before and after anything runs, and what it says when it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import (
    ConflictError,
    EngineError,
    InvalidInputError,
    ManifestError,
    NotFoundError,
    SourceError,
)
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.workbench import Lab, Status
from mixpeek_lab.workbench import lab as lab_module

ROWS = [{"_id": str(i), "text": f"text {i}"} for i in range(3)]


def replaced(lab: Lab, folder: Path, source: ExtractorSource, *change: str) -> None:
    """Load the extractor with the manifest changed."""
    text = source.text("manifest.py")
    assert text is not None
    write_source(source.with_file("manifest.py", text.replace(*change)), folder)
    assert lab.load(folder).is_kept


class TestLifecycle:
    def test_nothing_runs_until_it_is_needed(self, kernel_lab: Lab, home: Path) -> None:
        kernel_lab.bucket("b", ROWS)
        kernel_lab.process("b", "hash_embedder", engine="kernel")
        status = kernel_lab.status()
        assert status == Status(home, "Ray: off", "Serve: off", "", ())
        assert str(status) == f"Home: {home}\nRay: off\nServe: off\nServices: none"
        assert kernel_lab.url == ""

    def test_stopping_what_does_not_run_is_no_error(self, home: Path) -> None:
        with Lab(home) as lab:
            lab.stop()
        lab.stop()
        assert lab.status().ray == "Ray: off"

    def test_what_needs_the_endpoint_says_how_to_start_it(self, kernel_lab: Lab) -> None:
        with pytest.raises(EngineError, match=r"not running.*lab\.start\(\)"):
            kernel_lab.execute("r", {"query": "x"})

    def test_a_wrong_installation_is_in_the_status(
        self, kernel_lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        problem = "faiss-cpu and faiss-gpu are installed together"
        monkeypatch.setattr(lab_module, "check_installation", lambda: problem)
        assert kernel_lab.status().warnings == (problem,)
        assert str(kernel_lab.status()).endswith(f"Warning: {problem}")

    def test_what_fails_in_the_background_is_in_the_status(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lab = Lab(home)

        def fail() -> None:
            raise EngineError("Port 1 cannot be used")

        monkeypatch.setattr(lab._session, "start", lambda: None)
        monkeypatch.setattr(lab._session, "wait", lambda: None)
        monkeypatch.setattr(lab._session, "state", "ready")
        monkeypatch.setattr(lab._session, "describe", lambda: "Ray: ready")
        monkeypatch.setattr(lab._endpoint, "_start", fail)
        lab.start()
        assert lab._runtime.starter is not None
        lab._runtime.starter.join(10)
        assert lab.status().serve == "Serve: failed: Port 1 cannot be used"
        with pytest.raises(EngineError, match=r"not running\. It failed: Port 1 cannot"):
            lab.execute("r", {"query": "x"})
        with pytest.raises(EngineError, match="Port 1 cannot be used"):
            lab.start(wait=True)

    def test_the_token_is_kept_and_private(self, home: Path) -> None:
        token = Lab(home).token
        assert len(token) >= 32
        assert Lab(home).token == token
        assert (home / "token").stat().st_mode & 0o077 == 0


class TestDefinitions:
    def test_a_retriever_is_checked_when_it_is_defined(self, kernel_lab: Lab) -> None:
        with pytest.raises(NotFoundError, match="No collection called 'c'"):
            kernel_lab.retriever("r", {"collection": "c", "searches": [{"lexical": True}]})
        assert kernel_lab.retrievers() == []

    def test_a_retriever_defined_again_keeps_its_id(self, kernel_lab: Lab) -> None:
        kernel_lab.bucket("b", ROWS)
        kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
        first = kernel_lab.retriever("r", {"collection": "c", "searches": [{"lexical": True}]})
        body = {"collection": "c", "searches": [{"feature": "hash_embedding"}]}
        second = kernel_lab.retriever("r", body)
        assert second.retriever_id == first.retriever_id
        assert second.body != first.body
        assert [record.name for record in kernel_lab.retrievers()] == ["r"]

    def test_extractors_without_a_service_are_not_deployed(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        files = tuple(file for file in hash_source.files if file[0] != "realtime.py")
        write_source(ExtractorSource("hash_embedder", files), tmp_path / "batch")
        kernel_lab.load(tmp_path / "batch", "hash_embedder")
        with pytest.raises(InvalidInputError, match=r"no realtime\.py: it is batch only"):
            kernel_lab.deploy("hash_embedder")
        with pytest.raises(NotFoundError, match="hash_embedder"):
            kernel_lab.deploy("hash_embeder")
        with pytest.raises(NotFoundError, match="No retriever called 'r'"):
            kernel_lab.serve("r")


class TestCollections:
    def test_one_name_is_for_one_bucket_and_one_extractor(
        self, kernel_lab: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        for name in ("b1", "b2"):
            kernel_lab.bucket(name, ROWS)
        kernel_lab.process("b1", "hash_embedder", "c", engine="kernel")
        with pytest.raises(ConflictError, match="another bucket"):
            kernel_lab.process("b2", "hash_embedder", "c", engine="kernel")
        replaced(kernel_lab, tmp_path / "other", hash_source, "hash_embedder", "other")
        with pytest.raises(ConflictError, match="belongs to extractor 'hash_embedder'"):
            kernel_lab.process("b1", "other", "c", engine="kernel")
        with pytest.raises(InvalidInputError, match="`sql` has a table of that name"):
            kernel_lab.process("b1", "hash_embedder", "runs", engine="kernel")

    def test_settings_stay_unless_they_are_given(self, kernel_lab: Lab) -> None:
        kernel_lab.bucket("b", ROWS)
        kernel_lab.process(
            "b", "hash_embedder", "c", engine="kernel", analyzer="plain",
            indexes={"hash_embedding": "hnsw"}, parameters={"seconds": 0},
        )  # fmt: skip
        first = kernel_lab.collection("c")
        kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
        assert kernel_lab.collection("c") == first
        kernel_lab.process("b", "hash_embedder", "c", engine="kernel", analyzer="english")
        changed = kernel_lab.collection("c")
        assert changed.settings.analyzer == "english"
        assert changed.settings.kinds == {"hash_embedding": "hnsw"}
        with pytest.raises(InvalidInputError, match="klingon"):
            kernel_lab.process("b", "hash_embedder", "c", engine="kernel", analyzer="klingon")

    def test_the_default_name(self, kernel_lab: Lab) -> None:
        kernel_lab.bucket("b", ROWS)
        kernel_lab.process("b", "hash_embedder", engine="kernel")
        assert [c.name for c in kernel_lab.collections()] == ["b_hash_embedder"]


def test_a_package_survives_loading_and_saving(kernel_lab: Lab, tmp_path: Path) -> None:
    folder = kernel_lab.save("hash_embedder", tmp_path).path
    files = {p.relative_to(HASH_EMBEDDER): p.read_bytes() for p in HASH_EMBEDDER.rglob("*.py")}
    saved = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.py")}
    assert saved == files


def test_saving_again_takes_away_what_an_earlier_save_wrote_and_nothing_else(
    kernel_lab: Lab, hash_source: ExtractorSource, tmp_path: Path
) -> None:
    old = hash_source.with_file("processors/old.py", "OLD = 1\n")
    old = old.with_file("processors/edited.py", "OLD = 1\n")
    write_source(old, tmp_path / "old" / "hash_embedder")
    kernel_lab.load(tmp_path / "old" / "hash_embedder")
    folder = kernel_lab.save("hash_embedder", tmp_path / "out").path
    (folder / "processors" / "edited.py").write_text("OLD = 2  # by hand\n")
    (folder / "processors" / "mine.py").write_text("MINE = 1\n")
    (folder / "notes.txt").write_text("mine")
    kernel_lab.load(HASH_EMBEDDER)
    saved = kernel_lab.save("hash_embedder", tmp_path / "out")
    assert saved.removed == ("processors/old.py",)
    assert set(saved.left) >= {"processors/edited.py", "processors/mine.py"}
    assert not (folder / "processors" / "old.py").exists()
    assert (folder / "processors" / "edited.py").read_text() == "OLD = 2  # by hand\n"
    assert (folder / "notes.txt").exists()


def test_collections_that_sql_cannot_tell_apart_are_refused(kernel_lab):
    kernel_lab.bucket("b", ["one"])
    kernel_lab.process("b", "hash_embedder", "docs", engine="kernel")
    with pytest.raises(ConflictError, match=r"'docs', and SQL does not tell it from 'DOCS'"):
        kernel_lab.process("b", "hash_embedder", "DOCS", engine="kernel")


def test_what_cannot_be_meant_is_refused(kernel_lab):
    kernel_lab.bucket("b", ["one"])
    with pytest.raises(NotFoundError, match="hash_embedding"):
        kernel_lab.process("b", "hash_embedder", engine="kernel", indexes={"hash_embeding": "hnsw"})
    with pytest.raises(InvalidInputError, match="no index kind 'tree'"):
        kernel_lab.process(
            "b", "hash_embedder", indexes={"hash_embedding": "tree"}, engine="kernel"
        )
    with pytest.raises(InvalidInputError, match="no engine 'spark'"):
        kernel_lab.process("b", "hash_embedder", engine="spark")
    with pytest.raises(InvalidInputError, match="not made of int"):
        kernel_lab.bucket("c", 5)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "it is empty"),
        (" ", "it is empty"),
        ("two\nlines", r"it holds '\\n'"),
        ("a\x00b", r"it holds '\\x00'"),
        ("../x", "it holds '/'"),
        ("a\\b", r"it holds '\\\\'"),
        ("a\u202eb", "it holds"),
        (".hidden", "it begins with `.`"),
        ("..", "it begins with `.`"),
        (" x", "begins or ends with a space"),
        ("x" * 101, "it has 101 characters"),
    ],
)
def test_names_that_buckets_and_collections_cannot_have(kernel_lab, name, problem):
    rule = "at most 100 characters, which are letters of any language, digits, spaces, `_`, `-`"
    with pytest.raises(InvalidInputError, match=f"cannot be a bucket's name: .*{problem}.*{rule}"):
        kernel_lab.bucket(name, ["one"])
    kernel_lab.bucket("b", ["one"])
    if name:  # without one a collection is called after its bucket
        with pytest.raises(InvalidInputError, match=f"be a collection's name: .*{problem}.*--into"):
            kernel_lab.process("b", "hash_embedder", name, engine="kernel")
    assert [bucket.name for bucket in kernel_lab.buckets()] == ["b"]
    assert kernel_lab.collections() == []


@pytest.mark.parametrize(
    "name", ["a", "My docs-2_v1.0", "Größe", "文档", "हिन्दी", "Ελλάδα 7", "-", "x" * 100]
)
def test_names_that_buckets_and_collections_can_have(kernel_lab, name):
    kernel_lab.bucket(name, ["one"])
    kernel_lab.process(name, "hash_embedder", name, engine="kernel")
    assert kernel_lab.bucket(name).object_count == 1
    assert kernel_lab.collection(name).document_count == 1


def test_a_bucket_from_before_the_rule_still_opens(kernel_lab):
    Catalog(kernel_lab.home / "catalog.sqlite").create_bucket("../old", {"text": "text"})
    assert kernel_lab.bucket("../old", ["one"]).object_count == 1
    assert kernel_lab.process("../old", "hash_embedder", "c", engine="kernel").documents == 1
    with pytest.raises(
        InvalidInputError, match=r"'\.\./old_hash_embedder' cannot be a collection's"
    ):
        kernel_lab.process("../old", "hash_embedder", engine="kernel")


def test_the_notes_of_a_bucket_are_of_what_it_was_just_made_of(kernel_lab):
    rows = [{"text": "one"}, {"text": None}]
    assert len(kernel_lab.bucket("b", rows).notes) == 1
    assert kernel_lab.bucket("b", rows[:1]).notes == ()


def test_a_definition_that_was_refused_is_told_where_it_is_used(tmp_path, home):
    lab, folder = Lab(home), tmp_path / "hash_embedder"
    shutil.copytree(HASH_EMBEDDER, folder)
    good = (folder / "processors" / "core.py").read_text()
    (folder / "processors" / "core.py").write_text(f"import subprocess\n{good}")
    assert not lab.load(folder).is_kept
    with pytest.raises(ManifestError, match=r"SEC001 processors/core\.py:1"):
        lab.extractor("hash_embedder")
    (folder / "processors" / "core.py").write_text(good)
    assert lab.load(folder).is_kept
    lab.bucket("texts", ["one"])
    assert lab.process("texts", "hash_embedder", engine="kernel").notes == ()
    (folder / "processors" / "core.py").write_text(f"import subprocess\n{good}")
    lab.load(folder)
    note, *_ = lab.process("texts", "hash_embedder", engine="kernel").notes
    assert "SEC001 at processors/core.py:1" in note
    assert "the version before it" in note


@pytest.mark.parametrize("called", ["hash-embedder", "v2_of_it"])
def test_a_folder_may_be_called_as_it_likes(tmp_path, home, called):
    shutil.copytree(HASH_EMBEDDER, tmp_path / called)
    definition = Lab(home).load(tmp_path / called)
    assert definition.is_kept, definition.findings
    assert definition.source.name == "hash_embedder"


def test_a_folder_that_is_not_there(home, tmp_path):
    with pytest.raises(SourceError, match="There is no folder or archive"):
        Lab(home).load(tmp_path / "nowhere")
