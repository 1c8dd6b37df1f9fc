"""Deleting from the lab, its magics and the terminal: refused where it is used, else all goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from packages import HASH_EMBEDDER, WORD_RERANKER

from mixpeek_lab.cli import main
from mixpeek_lab.errors import ConflictError, NotFoundError
from mixpeek_lab.workbench import Lab

ROWS = [{"_id": f"r{n}", "text": text} for n, text in enumerate(["river boat", "fox tree"])]
FIND = {"collection": "docs", "searches": [{"feature": "hash_embedding"}]}


@pytest.fixture
def lab(kernel_lab: Lab) -> Lab:
    """A bucket, a collection of it, and a retriever over that."""
    filled(kernel_lab)
    return kernel_lab


def filled(lab: Lab) -> None:
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    lab.retriever("find", FIND)


def test_what_is_used_is_refused_and_its_users_are_named(lab):
    for kind, name, user in [
        ("bucket", "b", "docs"), ("collection", "docs", "find"),
        ("extractor", "hash_embedder", "docs"), ("extractor", "hash_embedder@1.0.0", "docs"),
    ]:  # fmt: skip
        with pytest.raises(ConflictError, match=rf"\b{user}\b"):
            getattr(lab.delete, kind)(name)
    lab.retriever("asks", {**FIND, "stages": [
        {"document_enrich": {"retriever_id": "find", "output_field": "x"}}]})  # fmt: skip
    with pytest.raises(ConflictError, match=r"\basks\b"):
        lab.delete.retriever("find")
    assert len(lab.search("find", "river").hits) == 2


def test_in_order_all_of_it_goes_with_its_files_and_the_names_are_free(lab):
    home = lab.home
    folder = home / "collections" / lab.collection("docs").collection_id
    assert folder.is_dir()
    lab.versions.commit("hash_embedder", "first")
    lab.versions.tag("hash_embedder", "best")
    lab.delete.retriever("find")
    lab.delete.collection("docs")
    lab.delete.bucket("b")
    lab.delete.extractor("hash_embedder")
    assert not folder.exists()
    assert not list((home / "extractors").iterdir())
    assert (lab.retrievers(), lab.collections(), lab.buckets(), lab.extractors()) == ([],) * 4
    for kind in ("bucket", "collection", "retriever", "extractor"):
        with pytest.raises(NotFoundError):
            getattr(lab.delete, kind)("docs")
    filled(lab)
    assert len(lab.search("find", "river").hits) == 2
    assert lab.versions.log("hash_embedder").commits == ()
    assert lab.versions.commit("hash_embedder", "anew").parent is None


def test_one_version_of_several(lab):
    source = lab.extractor("hash_embedder").source
    lab.versions.commit("hash_embedder", "first")
    lab.load(WORD_RERANKER)
    with pytest.raises(NotFoundError, match=r"hash_embedder@1\.0\.0"):
        lab.delete.extractor("hash_embedder@9.9.9")
    lab.delete.extractor("word_reranker")
    assert [r.manifest.name for r in lab.extractors()] == ["hash_embedder"]
    assert lab.extractor("hash_embedder").source == source


def test_a_refused_extractor_is_forgotten(lab):
    cell = (
        'metadata = {"feature_extractor_name": "broken", "version": "1.0.0"}\n\n'
        "features = []\n\n"
        "from shared.extractors.sdk import BatchProcessor\n\n\nclass P(BatchProcessor):\n"
        "    def process(self, batch):\n        eval('1')\n        return batch\n"
    )
    assert not lab.define("broken", cell).is_kept
    lab.delete.extractor("broken")
    with pytest.raises(NotFoundError):
        lab.extractor("broken")


def test_one_object_and_one_document(lab):
    first, second = (hit.document_id for hit in lab.search("find", "river boat").hits)
    lab.delete.document("docs", first)
    assert [hit.document_id for hit in lab.search("find", "river boat").hits] == [second]
    with pytest.raises(NotFoundError, match="document"):
        lab.delete.document("docs", first)
    rows = lab.sql("SELECT object_id FROM docs").table.to_pylist()
    lab.delete.object("b", rows[0]["object_id"])
    assert lab.search("find", "river boat").hits == ()
    assert lab.collection("docs").document_count == 0
    assert lab.work.tasks() == [], "the notebook runs when it wants to"
    report = lab.process("b", "hash_embedder", "docs", engine="kernel")
    assert report.documents == 0


def test_from_the_terminal(lab, capsys):
    home = ["--home", str(lab.home)]
    assert main(["delete", "collection", "docs", *home]) == 1
    assert "find" in capsys.readouterr().err
    document = lab.search("find", "fox tree").hits[0].document_id
    assert main(["delete", "document", "docs", document, *home]) == 0
    assert main(["delete", "document", "docs", *home]) == 1
    assert "delete document COLLECTION ID" in capsys.readouterr().err
    for kind, name in [("retriever", "find"), ("collection", "docs"), ("bucket", "b")]:
        assert main(["delete", kind, name, *home]) == 0
        assert f"Deleted {kind} {name}." in capsys.readouterr().out
    assert lab.collections() == []


def test_from_the_notebook(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MIXPEEK_LAB_AUTOSTART", "0")
    shell = InteractiveShell.instance(colors="nocolor")
    shell.run_line_magic("load_ext", "mixpeek_lab")
    try:
        from mixpeek_lab.magics.session import current_lab

        lab = current_lab()
        filled(lab)
        run = shell.run_line_magic
        assert "docs" in repr(run("collection", ""))
        assert "hash_embedder@1.0.0" in repr(run("collection", "docs"))
        with pytest.raises(ConflictError, match="find"):
            lab.delete.collection("docs")
        document = lab.search("find", "river").hits[0].document_id
        run("collection", f"delete docs {document}")
        object_id = lab.sql("SELECT object_id FROM docs").table.to_pylist()[0]["object_id"]
        run("bucket", f"delete b {object_id}")
        run("retriever", "delete find")
        run("collection", "delete docs")
        run("bucket", "delete b")
        run("extractor", "delete hash_embedder")
        out = capsys.readouterr().out
        for said in (f"document {document}", f"object {object_id}", "retriever find",
                     "collection docs", "bucket b", "extractor hash_embedder"):  # fmt: skip
            assert f"Deleted {said}." in out
        assert (lab.buckets(), lab.collections(), lab.extractors()) == ([], [], [])
    finally:
        shell.run_line_magic("unload_ext", "mixpeek_lab")
        InteractiveShell.clear_instance()
